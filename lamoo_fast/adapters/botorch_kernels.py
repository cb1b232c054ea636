"""Our kernels under all of BoTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lamoo_fast.adapters.botorch import (
    DominatedBoxes,
    NondominatedBoxes,
    hypervolume,
    is_non_dominated,
)
from lamoo_fast.adapters.hosts import require
from lamoo_fast.adapters.replaced import replaced

require("botorch", "0.12", "bo")

from botorch.utils.multi_objective.hypervolume import Hypervolume
from botorch.utils.multi_objective.pareto import is_non_dominated as _at_once
from torch import Tensor

_FEW = 20


class _Hypervolume(Hypervolume):
    """The same by our kernel."""

    def compute(self, pareto_Y: Tensor) -> float:
        return hypervolume(pareto_Y, self.ref_point)


def _front(Y: Tensor, maximize: bool = True, deduplicate: bool = True) -> Tensor:
    """Ours, but for batches of few points, which BoTorch compares all at once."""
    ours = Y.ndim == 2 or Y.shape[-2] >= _FEW
    return (is_non_dominated if ours else _at_once)(Y, maximize, deduplicate)


_MASK: dict[str, Callable[..., Any]] = {"is_non_dominated": _front}
_VOLUME: dict[str, Callable[..., Any]] = {"Hypervolume": _Hypervolume}
_REST: dict[str, Callable[..., Any]] = {"FastNondominatedPartitioning": NondominatedBoxes}
_PART: dict[str, Callable[..., Any]] = {"DominatedPartitioning": DominatedBoxes}

_PLACES = {
    f"botorch.{place}": names
    for place, names in {
        "utils.multi_objective": {**_MASK, **_VOLUME},
        "utils.multi_objective.pareto": _MASK,
        "utils.multi_objective.hypervolume": {**_VOLUME, **_REST, **_PART},
        "utils.multi_objective.box_decompositions": {**_REST, **_PART},
        "utils.multi_objective.box_decompositions.box_decomposition": _MASK,
        "utils.multi_objective.box_decompositions.dominated": _PART,
        "utils.multi_objective.box_decompositions.non_dominated": _REST,
        "utils.multi_objective.box_decompositions.utils": _MASK,
        "acquisition.factory": _REST,
        "acquisition.input_constructors": _REST,
        "acquisition.multi_objective.hypervolume_knowledge_gradient": _REST,
        "acquisition.multi_objective.utils": {**_MASK, **_PART},
    }.items()
}


@contextmanager
def kernels() -> Iterator[None]:
    """Put our kernels under all of BoTorch as long as the context lasts, errors or not.

    Replaces exact box decompositions, non-dominated points and hypervolumes: what noisy expected
    hypervolume improvement, the hypervolume knowledge gradient and `get_acquisition_function`
    make themselves. (An expected hypervolume improvement that is given its partitioning needs no
    context: give it `NondominatedBoxes`.) BoTorch does not support this. It is for the whole
    process: threads that run BoTorch meanwhile get our kernels too, and two threads must not enter
    and leave it in turns. Names that were imported from BoTorch before stay what they are.

    Raises
    ------
    AttributeError
        When this version of BoTorch has other names; nothing is replaced then.

    Examples
    --------
    >>> import torch
    >>> from botorch.utils.multi_objective import pareto
    >>> from lamoo_fast.adapters.botorch_kernels import kernels
    >>> with kernels():
    ...     pareto.is_non_dominated(torch.tensor([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]]))
    tensor([ True,  True, False])
    """
    with replaced("botorch", _PLACES):
        yield
