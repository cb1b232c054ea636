"""One way to run a network, which every measurement shares."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lamoo_fast.nas.device import checked_device, synchronise
from lamoo_fast.search.checks import check_count


def prepared(
    module: nn.Module,
    example: Tensor,
    *,
    batch: int = 1,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Callable[[], None], torch.device]:
    """Return a function that runs a copy of `module` once, and the device it runs on.

    The copy is in evaluation mode; on CUDA, images are laid out with channels last. The call
    returns when the device is done.

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
    where = checked_device(device)
    check_count("batch", batch)
    if example.ndim < 2 or len(example) != 1:
        raise ValueError(f"example has shape {tuple(example.shape)}, wanted (1, ...): one input")
    x = example.expand(batch, *example.shape[1:]).to(where)
    network = copy.deepcopy(module).to(device=where, dtype=dtype).eval()
    if x.is_floating_point():
        x = x.to(dtype)
    if where.type == "cuda" and x.ndim == 4:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        x = x.contiguous(memory_format=torch.channels_last)
    else:
        x = x.contiguous()

    def run() -> None:
        with torch.inference_mode():
            network(x)
        synchronise(where)

    return run, where
