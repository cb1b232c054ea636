"""The devices of this machine."""

from __future__ import annotations

import torch

from lamoo_fast.machine import processor


def checked_device(name: str | torch.device) -> torch.device:
    """Return a device that this machine has.

    Parameters
    ----------
    name : str or torch.device
        Such as ``cpu``, ``cuda`` or ``cuda:1``.

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


def device_model(device: torch.device) -> str:
    """Model of a device, as measurements name it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor()[0] if device.type == "cpu" else str(device)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
