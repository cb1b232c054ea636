"""Going on with smaller batches when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

__all__ = ["with_less_memory"]

_LOG = logging.getLogger(__name__)
_ON_CPU = ("can't allocate memory", "not enough memory", "could not create a ")
"""What PyTorch says on Linux and on Windows, and oneDNN (of a primitive or a memory object)."""
_T = TypeVar("_T")


def with_less_memory(compute: Callable[[int], _T], size: int, what: str) -> tuple[_T, int]:
    """Call ``compute(size)``, halving the size, and saying so, as long as memory runs out.

    Parameters
    ----------
    compute : callable
        Takes the size of a batch.
    size : int
        The size to begin with.
    what : str
        What there are so many of, for the log.

    Returns
    -------
    tuple of (result, int)
        The result and the size that it took.

    Raises
    ------
    RuntimeError
        The original error, if memory does not suffice for a size of one.
    """
    while True:
        try:
            return compute(size), size
        except RuntimeError as error:
            if size == 1 or not _is_out_of_memory(error):
                raise
            reason = str(error).splitlines()[0]
        # Behind the handler, so that the error no longer holds the tensors of its frames.
        size = max(1, size // 2)
        _LOG.warning("out of memory (%s); going on with %d %s at once", reason, size, what)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Tell whether it is: on the CPU there is no error of its own."""
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in _ON_CPU)
