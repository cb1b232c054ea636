"""Peak memory of a network."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

from lamoo_fast.nas.costs.run import Measured, Runner


@dataclass(frozen=True, kw_only=True)
class Memory(Measured):
    """Most memory that a network held at one time.

    Parameters
    ----------
    peak : int
        Bytes: weights, input, and all tensors between that were alive together; on CUDA, what the
        allocator gave, so that work space counts.
    weights : int
        Bytes of parameters and buffers, which are part of the peak.
    batch, device, dtype
        As `Measured`.
    """

    peak: int
    weights: int

    def __str__(self) -> str:
        return (
            f"{self.peak / 1e6:.4g} MB at most, {self.weights / 1e6:.4g} MB of them weights, "
            f"per batch of {self.batch} in {self.dtype} on {self.device}"
        )


def measure_memory(
    module: nn.Module,
    example: Tensor,
    *,
    batch: int = 1,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Memory:
    """Run a network once and note the most memory that its tensors took.

    Off CUDA the bytes of living tensors are added up after every operation, which gives the same
    number on every machine but leaves out work space inside of an operation.

    Parameters
    ----------
    module, example, batch, device, dtype
        As `Runner`.

    Raises
    ------
    ValueError
        If the device is not here, or `example` is not one input.

    Examples
    --------
    >>> measure_memory(nn.ReLU(), torch.zeros(1, 1000)).peak  # the input and the output
    8000
    """
    run = Runner(module, example, batch=batch, device=device, dtype=dtype)
    held = [*run.network.parameters(), *run.network.buffers()]
    weights = sum(tensor.nbytes for tensor in held)
    if run.device.type == "cuda":
        run()  # libraries take their own memory at first use
        torch.cuda.reset_peak_memory_stats(run.device)
        run()
        peak = torch.cuda.max_memory_allocated(run.device)
    else:
        with _Living() as living:
            run()
        peak = weights + run.x.nbytes + living.peak
    return Memory(peak=peak, weights=weights, **run.conditions())


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of all tensors made inside that are still alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = {id(s) for s in _storages((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for storage in _storages(result):
            # what an operation is given and returns again, as views do, is not new
            if storage in self._known or id(storage) in given:
                continue
            self._known.add(storage)
            size = storage.nbytes()
            self.now += size
            weakref.finalize(storage, self._free, size)
        self.peak = max(self.peak, self.now)
        return result

    def _free(self, size: int) -> None:
        self.now -= size


def _storages(values: Any) -> list[Any]:
    return [v.untyped_storage() for v in _pytree.tree_leaves(values) if isinstance(v, Tensor)]
