"""Hypervolume of observed points within milliseconds, for any number of them and of objectives."""

from __future__ import annotations

import numpy as np

from lamoo_fast.kernels import hv_approx, hypervolume, is_nondominated
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
    F = F[np.lexsort(F.T)]  # makes the rounding the same whatever the order of rows
    m = F.shape[1]
    limit = EXACT_UP_TO.get(m, _BEYOND) if m > 3 else len(F)
    if len(F) > limit:
        F = F[is_nondominated(F) & (ref > F).all(axis=1)]
    if len(F) <= limit:
        return HVEstimate(hypervolume(F, ref), 0.0, 0)
    return hv_approx(F, ref, n_samples=_MOST_SAMPLES, rel_tol=_TOLERANCE, seed=0)
