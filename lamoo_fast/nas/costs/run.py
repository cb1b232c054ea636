"""One way to run a network, which every measurement shares."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamoo_fast.nas.device import checked_device, device_model, synchronise
from lamoo_fast.search.checks import check_count


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How something was measured.

    Parameters
    ----------
    batch : int
        Inputs at a time.
    device : str
        Model of the device.
    dtype : str
        Type of the weights.
    """

    batch: int
    device: str
    dtype: str


class Runner:
    """Runs a copy of a network, in evaluation mode, always on the same batch.

    On CUDA, images are laid out with channels last.

    Parameters
    ----------
    module : nn.Module
        Left as it is.
    example : Tensor
        One input, shape (1, ...); it is repeated `batch` times.
    batch : int
        Inputs at a time.
    device : str or torch.device
        Where to run.
    dtype : torch.dtype
        Of weights and, unless they are whole numbers, inputs.

    Raises
    ------
    ValueError
        If the device is not here, or `example` is not one input.
    """

    def __init__(
        self,
        module: nn.Module,
        example: Tensor,
        *,
        batch: int = 1,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.device = checked_device(device)
        check_count("batch", batch)
        if example.ndim < 2 or len(example) != 1:
            raise ValueError(
                f"example has shape {tuple(example.shape)}, wanted (1, ...): one input"
            )
        x = example.expand(batch, *example.shape[1:]).to(self.device)
        x = x.to(dtype) if x.is_floating_point() else x
        network = copy.deepcopy(module).to(device=self.device, dtype=dtype).eval()
        if self.device.type == "cuda" and x.ndim == 4:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.x = x.contiguous(memory_format=torch.channels_last)
        else:
            self.x = x.contiguous()
        self.network, self.dtype = network, dtype

    def __call__(self) -> None:
        """Run once, and wait until the device is done."""
        with torch.inference_mode():
            self.network(self.x)
        synchronise(self.device)

    def conditions(self) -> dict[str, Any]:
        """Return the fields of a `Measured`."""
        return {
            "batch": len(self.x),
            "device": device_model(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
        }
