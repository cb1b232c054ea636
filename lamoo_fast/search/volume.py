"""Hypervolume of observed points within milliseconds, for any number of them and of objectives."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import hv_approx, hypervolume_batch, is_nondominated
from lamoo_fast.kernels.approx import HVEstimate
from lamoo_fast.search.space import Array

EXACT_UP_TO = {
    4: 10_000, 5: 2000, 6: 600, 7: 200, 8: 140, 9: 95, 10: 70, 11: 60, 12: 48, 13: 42, 14: 36,
    15: 34,
}  # fmt: skip
"""Size of the front, by the number of objectives, up to which its exact hypervolume takes at most
10 ms: measured on the shape of front that takes longest. Fewer than 4 objectives have no limit."""
_BEYOND = 20  # the same for more than 15 objectives
_TOLERANCE = 2e-3  # of an estimate: its standard error, relative
_MOST_SAMPLES = 2**15  # where the tolerance takes too many


def volume(F: Array, ref: Array) -> HVEstimate:
    """Return the hypervolume of the rows, exact where that is quick, else estimated.

    Parameters
    ----------
    F : array, shape (n, m)
        Objectives, minimised.
    ref : array, shape (m,)
        Reference point.

    Returns
    -------
    HVEstimate
        Value, standard error (0 where the value is exact) and samples taken. It depends on the
        rows alone and not on their order.

    Notes
    -----
    Exact for fronts of at most `EXACT_UP_TO` rows. Above, the samples of `hv_approx` are taken,
    always along the same directions, until the standard error is a five-hundredth of the value:
    1 to 10 ms for 300 rows, up to 30 ms for 1,000, of up to 15 objectives. Only a front of extreme
    shape is left with a larger error, which is then told.

    Examples
    --------
    >>> volume(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]]), np.array([4.0, 4.0]))
    HVEstimate(value=6.0, stderr=0.0, n_samples=0)
    """
    return volumes(F, np.zeros(len(F), dtype=np.intp), 1, ref)[0]


def volumes(F: Array, which: npt.NDArray[np.intp], k: int, ref: Array) -> list[HVEstimate]:
    """Return the `volume` of k sets, the exact ones by one call of the kernel.

    `which` (n,) tells the set of each row, from 0 to k - 1, and does not decrease.
    """
    m = F.shape[1]
    limit = EXACT_UP_TO.get(m, _BEYOND) if m > 3 else len(F)
    estimated: dict[int, HVEstimate] = {}
    large = np.flatnonzero(np.bincount(which, minlength=k) > limit).tolist()
    if large:
        keep = np.ones(len(F), dtype=np.bool_)
        for i in large:
            rows = np.flatnonzero(which == i)
            keep[rows] = is_nondominated(F[rows]) & (ref > F[rows]).all(axis=1)
            front = F[rows[keep[rows]]]
            if len(front) > limit:
                keep[rows] = False
                front = front[np.lexsort(front.T)]
                estimated[i] = hv_approx(
                    front, ref, n_samples=_MOST_SAMPLES, rel_tol=_TOLERANCE, seed=0
                )
        F, which = F[keep], which[keep]
    F = F[_order(F, which)]
    start = np.searchsorted(which, np.arange(k + 1)).tolist()
    values = hypervolume_batch([F[i:j] for i, j in pairwise(start)], ref).tolist()
    return [estimated.get(i, HVEstimate(value, 0.0, 0)) for i, value in enumerate(values)]


def _order(F: Array, which: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Give the rows of each set an order of their own, so that rounding is always the same."""
    key = F.sum(axis=1)
    order = np.lexsort((key, which))
    key = key[order]
    if ((key[1:] == key[:-1]) & (which[1:] == which[:-1])).any():
        order = np.lexsort((*F.T, which))
    return order
