"""What is done only on some devices."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

__all__ = ["device_of", "half_precision", "to_device"]


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
