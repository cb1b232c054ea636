"""Choosing points by their hypervolume: the least contributor, greedy subsets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core


def hv_least_contributor(
    F: ArrayLike, /, ref: ArrayLike, *, maximise: _check.Maximise = False, n_threads: int = 1
) -> int:
    """Find the point that contributes least to the hypervolume.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives, at least one.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    int
        The row with the least of `hv_contributions`, the first of equal ones: where points are
        dominated, repeated or not better than ref, the first of those.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, the shapes do not fit, or F has no points.

    Notes
    -----
    m <= 3: all contributions. m >= 4: the contribution of each point, as in `hv_contributions`,
    but only until it is known to be more than the least one so far.

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_least_contributor
    >>> hv_least_contributor([[0, 3], [1, 1], [3, 0.5]], ref=4)
    2
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    if len(points) == 0:
        raise ValueError(f"F has no points: its shape is {points.shape}")
    return _core.hv_least_contributor(points, corner, _check.n_threads(n_threads))


def hv_subset_selection(
    F: ArrayLike,
    k: int,
    /,
    ref: ArrayLike,
    *,
    maximise: _check.Maximise = False,
    n_threads: int = 1,
) -> NDArray[np.intp]:
    """Choose points greedily, each the one that adds most hypervolume to those before it.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    k : int
        Points to choose, 0 <= k <= n.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of intp, shape (k,)
        Rows of F in the order in which they were chosen; of points that add the same, the first
        one. So the first i of them are the choice for i.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, the shapes do not fit, or k is not in 0 .. n.

    Notes
    -----
    The hypervolume of the choice is at least 1 - 1/e = 63 % of that of the best k points, since
    what a point adds only falls as others are chosen (Nemhauser, Wolsey and Fisher 1978); as a rule
    it is far more. For the same reason, what a point once added bounds what it adds now, and most
    points need no second look (Minoux 1978).

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_subset_selection
    >>> hv_subset_selection([[0, 3], [1, 1], [3, 0.5], [1, 2]], 3, ref=4)
    array([1, 0, 2])
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    k = _check.integer(k, "k")
    if not 0 <= k <= len(points):
        raise ValueError(f"k must be in 0 .. {len(points)}, the number of points, not {k}")
    return _core.hv_subset_selection(points, k, corner, _check.n_threads(n_threads))
