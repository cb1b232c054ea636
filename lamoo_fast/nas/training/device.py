"""Devices, and what is done only on some."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

__all__ = ["checked_device", "device_of", "half_precision", "to_device"]


def checked_device(name: str | torch.device) -> torch.device:
    """Return a device that this machine has.

    Raises
    ------
    ValueError
        If the name means nothing, or the device is absent.

    Examples
    --------
    >>> checked_device("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device is {str(name)!r}, wanted one of {present()}: {reason}") from error
    return device


def present() -> list[str]:
    """Names of the devices of this machine."""
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return [*names, "mps"] if torch.backends.mps.is_available() else names


def device_of(module: nn.Module) -> torch.device:
    """Device of a module's parameters."""
    return next(module.parameters()).device


def to_device(images: Tensor, device: torch.device) -> Tensor:
    """Copy a batch to a device; on CUDA images get the layout that its convolutions prefer."""
    if device.type == "cuda" and images.ndim == 4:
        return images.to(device, non_blocking=True, memory_format=torch.channels_last)
    return images.to(device)


def half_precision(device: torch.device) -> AbstractContextManager[object]:
    """Context in which CUDA devices that can compute in bfloat16 do so.

    bfloat16 has the range of float32: losses need no scaling.
    """
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()
