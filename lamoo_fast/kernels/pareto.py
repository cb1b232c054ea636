"""Pareto dominance: a dominates b when a is no worse in every objective and better in one."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core


def is_nondominated(
    F: ArrayLike,
    /,
    *,
    maximise: _check.Maximise = False,
    keep_weakly: bool = False,
    n_threads: int = 1,
) -> NDArray[np.bool_]:
    """Tell which points no other point dominates.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    keep_weakly : bool
        Keep all of several equal non-dominated points, not only the first.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ValueError, TypeError
        If F is not two-dimensional, not real or not finite, or another argument does not fit.

    See Also
    --------
    filter_dominated : the points themselves.

    Notes
    -----
    In one pass, points that one of a few good points dominates are dropped. The rest are sorted
    lexicographically and each is compared with the non-dominated points before it: with the last
    of them for m <= 2, with a staircase of them for m = 3 (Kung, Luccio and Preparata 1975), both
    O(n log n). For m >= 4 each looks for a dominator in a tree of boxes over the points, along a
    space-filling curve: O(n^2 m) at worst, about O(m n log n) on most sets.

    Examples
    --------
    >>> from lamoo_fast.kernels import is_nondominated
    >>> F = [[1, 1], [0, 1], [1, 0], [1, 0]]
    >>> is_nondominated(F)
    array([False,  True,  True, False])
    >>> is_nondominated(F, keep_weakly=True)
    array([False,  True,  True,  True])
    """
    return _core.is_nondominated(
        _check.objectives(F, maximise),
        _check.flag(keep_weakly, "keep_weakly"),
        _check.n_threads(n_threads),
    )


def filter_dominated(
    F: ArrayLike,
    /,
    *,
    maximise: _check.Maximise = False,
    keep_weakly: bool = False,
    n_threads: int = 1,
) -> NDArray[np.float64]:
    """Return the points that no other point dominates, in input order.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    keep_weakly : bool
        Keep all of several equal non-dominated points, not only the first.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of float64, shape (k, m)

    Raises
    ------
    ValueError, TypeError
        As `is_nondominated`, whose algorithm and complexity it has.

    Examples
    --------
    >>> from lamoo_fast.kernels import filter_dominated
    >>> filter_dominated([[1, 1], [0, 1], [1, 0], [1, 0]])
    array([[0., 1.],
           [1., 0.]])
    """
    points = _check.numbers(F, "F")
    return points[
        is_nondominated(points, maximise=maximise, keep_weakly=keep_weakly, n_threads=n_threads)
    ]


def pareto_rank(
    F: ArrayLike,
    /,
    *,
    maximise: _check.Maximise = False,
    max_fronts: int | None = None,
    min_points: int | None = None,
    n_threads: int = 1,
) -> NDArray[np.int64]:
    """Sort points into fronts: 0 if not dominated, 1 if not dominated by the rest, and so on.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    max_fronts : int, optional
        Stop after this many fronts.
    min_points : int, optional
        Stop after the first front with which the fronts hold this many points: what selection of
        the best min_points needs.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of int64, shape (n,)
        Equal points share a rank. Points beyond the last front wanted have its number plus one,
        whatever their rank is: so they come last, and ``rank < k`` is right for the k fronts.

    Raises
    ------
    ValueError, TypeError
        If F is not two-dimensional, not real or not finite, or another argument does not fit.

    Notes
    -----
    Points in lexicographic order. For m <= 2 the front of each is found by binary search, O(n log
    n) (Jensen 2003); for m = 3 by divide and conquer over sweeps with a tree of prefix maxima,
    O(n log^2 n), whatever the number of fronts. For m >= 4 points in tiles of 512, ordered by the
    sum of their ranks in all objectives: the points of a tile that dominate a given one are the
    intersection of m bitsets, the last bit of which tells its rank: at most n^2 m / 1024
    operations on 512 bits, fewer where points are out of the wanted fronts or ranked higher
    already.

    Examples
    --------
    >>> from lamoo_fast.kernels import pareto_rank
    >>> pareto_rank([[1, 1], [0, 1], [1, 0], [2, 2]])
    array([1, 0, 0, 2])
    """
    return _core.pareto_rank(
        _check.objectives(F, maximise),
        _limit(max_fronts, "max_fronts"),
        _limit(min_points, "min_points"),
        _check.n_threads(n_threads),
    )


def dominance_count(
    F: ArrayLike, /, *, maximise: _check.Maximise = False, n_threads: int = 1
) -> NDArray[np.int64]:
    """Count for each point the points that dominate it.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ValueError, TypeError
        If F is not two-dimensional, not real or not finite, or maximise or n_threads do not fit.

    Notes
    -----
    Points in lexicographic order. For m <= 2 a sweep over a tree of prefix counts, O(n log n); for
    m = 3 divide and conquer with such sweeps, O(n log^2 n) (Kung, Luccio and Preparata 1975). For
    m >= 4 points in tiles of 512: the points of a tile that are no larger than a given one are the
    intersection of m - 1 bitsets, one from a table for each objective: O(n^2 m / 512) operations on
    512 bits, O(n m) memory.

    Examples
    --------
    >>> from lamoo_fast.kernels import dominance_count
    >>> dominance_count([[1, 1], [0, 1], [1, 0], [2, 2]])
    array([2, 0, 0, 3])
    """
    return _core.dominance_count(_check.objectives(F, maximise), _check.n_threads(n_threads))


_NO_LIMIT = sys.maxsize


def _limit(value: int | None, name: str) -> int:
    if value is None:
        return _NO_LIMIT
    count = _check.integer(value, name)
    if count < 1:
        raise ValueError(f"{name} must be at least 1, not {count}")
    return min(count, _NO_LIMIT)
