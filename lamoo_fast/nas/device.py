"""The device that a user names, or a message that says why it cannot be had."""

from __future__ import annotations

import torch

from lamoo_fast.machine import processor


def checked_device(device: str | torch.device) -> torch.device:
    """Return a device that is there.

    Parameters
    ----------
    device : str or torch.device
        Such as ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    ValueError
        If there is no such device here, or no such kind of device at all.

    Examples
    --------
    >>> checked_device("cpu")
    device(type='cpu')
    """
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"device is {str(device)!r}, which is not here: {reason}") from None
    return found


def device_name(device: torch.device) -> str:
    """Return the model of a device, as measurements name it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor()[0] if device.type == "cpu" else str(device)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
