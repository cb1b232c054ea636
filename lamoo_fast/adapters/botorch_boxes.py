"""BoTorch: its box decompositions, of which our kernels cut the boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from botorch.utils.multi_objective.box_decompositions.box_decomposition import (
    BoxDecomposition,
    FastPartitioning,
)
from botorch.utils.multi_objective.box_decompositions.dominated import DominatedPartitioning
from botorch.utils.multi_objective.box_decompositions.non_dominated import (
    FastNondominatedPartitioning,
)
from numpy.typing import NDArray
from torch import Tensor

from lamoo_fast.kernels import dominated_boxes, nondominated_boxes


class _ByKernel(FastPartitioning):
    """Cut by a kernel, always anew. BoTorch's own way for two objectives, and for infinite values.

    Two objectives may come in batches, for which BoTorch needs no loop.
    """

    _cut: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]

    def _partition_space(self) -> None:
        front, ref = self.pareto_Y.detach().cpu().double(), self.ref_point.detach().cpu().double()
        if not (front.isfinite().all() and ref.isfinite().all()):
            super()._partition_space()  # type: ignore[no-untyped-call]
            return
        corners = self._cut(front.numpy(), ref.numpy(), maximise=True)
        self.hypercell_bounds = torch.stack([torch.from_numpy(c) for c in corners]).to(self.Y)

    def update(self, Y: Tensor) -> None:
        """Add points (n, m), or batches of them for two objectives."""
        BoxDecomposition.update(self, Y)


class NondominatedBoxes(_ByKernel, FastNondominatedPartitioning):
    """`FastNondominatedPartitioning` by `lamoo_fast.nondominated_boxes`: fewer boxes, far sooner.

    For ``partitioning=`` of BoTorch's `qLogExpectedHypervolumeImprovement`,
    `qExpectedHypervolumeImprovement` and `ExpectedHypervolumeImprovement`, whose cost grows with
    the number of boxes. Everything that FastNondominatedPartitioning does works.

    Parameters
    ----------
    ref_point : Tensor, shape (m,)
        Reference point; objectives are maximised.
    Y : Tensor, shape (n, m)
        Points. For two objectives also (batch, n, 2).

    Raises
    ------
    TooManyBoxes
        If the front takes more than a million boxes. It is a ValueError.

    Examples
    --------
    >>> Y = torch.tensor([[1.0, 2.0, 3.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]])
    >>> boxes = NondominatedBoxes(torch.zeros(3), Y)
    >>> boxes.get_hypercell_bounds().shape, float(boxes.compute_hypervolume())
    (torch.Size([2, 7, 3]), 13.0)
    """

    _cut = staticmethod(nondominated_boxes)


class DominatedBoxes(_ByKernel, DominatedPartitioning):
    """`DominatedPartitioning` by `lamoo_fast.dominated_boxes`.

    Parameters
    ----------
    ref_point : Tensor, shape (m,)
        Reference point; objectives are maximised.
    Y : Tensor, shape (n, m)
        Points. For two objectives also (batch, n, 2).

    Raises
    ------
    TooManyBoxes
        If the front has more than a million local upper bounds. It is a ValueError.

    Examples
    --------
    >>> Y = torch.tensor([[1.0, 2.0, 3.0], [2.0, 3.0, 1.0], [3.0, 1.0, 2.0]])
    >>> float(DominatedBoxes(torch.zeros(3), Y).compute_hypervolume())
    13.0
    """

    _cut = staticmethod(dominated_boxes)
