"""BoTorch: hypervolume, dominance and boxes of tensors, starting points inside a region of LaMOO.

Objectives are maximised here, as in BoTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lamoo_fast.adapters.hosts import require

require("botorch", "0.12", "bo")

import torch
from torch import Tensor

from lamoo_fast.adapters.botorch_boxes import DominatedBoxes, NondominatedBoxes
from lamoo_fast.adapters.order import finite, volume
from lamoo_fast.kernels import is_nondominated
from lamoo_fast.search import Region, UniformSampler, View

__all__ = [
    "DominatedBoxes",
    "NondominatedBoxes",
    "hypervolume",
    "ic_generator",
    "is_non_dominated",
]


def hypervolume(Y: Tensor, ref_point: Tensor) -> float:
    """Return the hypervolume, as `botorch...hypervolume.Hypervolume(ref_point).compute(Y)` does.

    Parameters
    ----------
    Y : Tensor, shape (n, m)
        Points, dominated ones or not; those with NaN count nothing.
    ref_point : Tensor, shape (m,)
        Reference point.

    Examples
    --------
    >>> hypervolume(torch.tensor([[1.0, 2.0], [2.0, 1.0]]), torch.zeros(2))
    3.0
    """
    return volume(-_numpy(Y), -_numpy(ref_point))


def is_non_dominated(Y: Tensor, maximize: bool = True, deduplicate: bool = True) -> Tensor:
    """Tell which points no other one dominates, as BoTorch's function of this name does.

    Parameters
    ----------
    Y : Tensor, shape (..., n, m)
        Batches of points. Those with NaN are dominated, and dominate nothing.
    maximize : bool
        Whether the objectives are maximised.
    deduplicate : bool
        Keep only the first of equal points.

    Returns
    -------
    Tensor of bool, shape (..., n)
        On the device of Y.

    Examples
    --------
    >>> is_non_dominated(torch.tensor([[1.0, 2.0], [2.0, 1.0], [0.0, 1.0]]))
    tensor([ True,  True, False])
    """
    values = _numpy(Y)
    out = np.zeros(values.shape[:-1], dtype=np.bool_)
    for batch in np.ndindex(values.shape[:-2]):
        F = -values[batch] if maximize else values[batch]
        rows = np.flatnonzero(~np.isnan(F).any(axis=1))
        out[batch][rows] = is_nondominated(finite(F[rows]), keep_weakly=not deduplicate)
    return torch.from_numpy(out).to(Y.device)


def ic_generator(region: Region, *, seed: int = 0) -> Callable[..., Tensor]:
    """Return a generator of starting points inside the region, for `botorch.optim.optimize_acqf`.

    It draws raw points of the region and returns the batches of largest acquisition value. The
    optimiser itself knows nothing of the region; with ``options={"maxiter": 0}`` its result is the
    best of the starting points, and inside.

    Parameters
    ----------
    region : Region
        For example ``opt.tree.region(leaf)``; the model then takes points of the unit cube, and
        the bounds are 0 and 1.
    seed : int
        Determines the points.

    Examples
    --------
    >>> from lamoo_fast.search import Float, Space
    >>> generate = ic_generator(Region(Space({"x": Float(0, 1)})), seed=1)
    >>> best = generate(lambda X: X.sum(dim=(1, 2)), torch.tensor([[0.0], [1.0]]), 2, 3, 64)
    >>> best.shape, bool((best > 0.3).all())
    (torch.Size([3, 2, 1]), True)
    """
    rng = np.random.default_rng(seed)

    def generate(
        acq_function: Callable[[Tensor], Tensor],
        bounds: Tensor,
        q: int,
        num_restarts: int,
        raw_samples: int | None = None,
        **kwargs: Any,
    ) -> Tensor:
        n = max(raw_samples or 0, num_restarts)
        none = np.empty((0, region.space.d))
        view = View(none, np.empty((0, 1)), np.ones(1), none, frozenset(), rng)
        # Shuffled: neighbours in a Sobol sequence are no independent batches.
        X = rng.permutation(UniformSampler().draw(region, n * q, view))
        if len(X) < num_restarts * q:
            raise ValueError(f"the region has {len(X)} points, wanted {num_restarts * q}")
        batches = torch.as_tensor(X[: len(X) // q * q], dtype=bounds.dtype, device=bounds.device)
        batches = batches.reshape(-1, q, region.space.d)
        with torch.no_grad():
            values = acq_function(batches)
        return batches[values.topk(num_restarts).indices]

    return generate


def _numpy(Y: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return Y.detach().cpu().to(torch.float64).numpy()
