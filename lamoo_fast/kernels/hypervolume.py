"""Hypervolume: the volume that points dominate, up to a reference point.

Exact results hold to 1e-12 relative against exact arithmetic, contributions and improvements too:
they are sums of products of coordinate differences, never differences of volumes. The one limit is
the range of float64: where the spans above 1 (ref minus the least value, for each objective)
multiply to more than 1e260, volumes that are small beside that lose digits, down to 0.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core


def hypervolume(
    F: ArrayLike, /, ref: ArrayLike, *, maximise: _check.Maximise = False, n_threads: int = 1
) -> float:
    """Compute the hypervolume of a set of points.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives. A point counts where it is better than ref in every objective;
        dominated and repeated points add nothing.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    float
        In the product of the objectives' units.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or the shapes do not fit; after some time, if F
        has too many points in too many objectives to be finished in days. `hv_approx` has no limit.

    Notes
    -----
    Points are turned into boxes below ref. m = 1: the largest; m = 2: sort and sweep, O(n log n);
    m = 3: sweep with a staircase of the first two objectives (Beume, Fonseca, López-Ibáñez,
    Paquete and Vahrenhold 2009), O(n log n). m >= 4: points in order of one objective, each adding
    its slice of what the points before it leave uncovered in the other m - 1; the uncovered part
    is cut into cells by the points in them. Exponential in m at worst, as every known algorithm:
    the problem is #P-hard (Bringmann and Friedrich 2010).

    Examples
    --------
    >>> from lamoo_fast.kernels import hypervolume
    >>> hypervolume([[1, 3], [2, 2], [3, 1]], ref=4)
    6.0
    >>> hypervolume([[3, 1], [2, 2], [1, 3]], ref=0, maximise=True)
    6.0
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    return _core.hypervolume(points, corner, _check.n_threads(n_threads))


def hypervolume_batch(
    sets: Iterable[ArrayLike],
    /,
    ref: ArrayLike,
    *,
    maximise: _check.Maximise = False,
    n_threads: int = 1,
) -> NDArray[np.float64]:
    """Compute the hypervolumes of many sets in one call.

    Parameters
    ----------
    sets : iterable of k array_like, shapes (n_i, m)
        Sets of points; a set may be empty, with shape (0, m).
    ref : float or array_like, shape (m,)
        Reference point of all sets.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors. Threads share out whole sets.

    Returns
    -------
    ndarray of float64, shape (k,)
        The numbers that `hypervolume` gives for each set.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or the shapes do not fit; or if there are too many
        points in too many objectives, as in `hypervolume`.

    See Also
    --------
    hypervolume : one set; algorithm and complexity are the same.

    Examples
    --------
    >>> from lamoo_fast.kernels import hypervolume_batch
    >>> hypervolume_batch([[[1, 3], [3, 1]], [[2, 2]]], ref=4)
    array([5., 4.])
    """
    threads = _check.n_threads(n_threads)
    given = list(sets)
    if not given:
        return np.empty(0)
    points, start = _check.joined(given, maximise)
    corner = _check.reference(ref, points.shape[1], maximise, "sets[0]")
    _check.distances_fit(points, corner, "sets")
    return _core.hypervolume_batch(points, start, corner, threads)


def hv_contributions(
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    maximise: _check.Maximise = False,
    ignore_dominated: bool = True,
    n_threads: int = 1,
) -> NDArray[np.float64]:
    """Compute for each point the volume that it alone dominates.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    ignore_dominated : bool
        Take dominated points away first, so that they take nothing from the points that dominate
        them.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 for dominated and for repeated points.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or the shapes do not fit; or if there are too many
        points in too many objectives, as in `hypervolume`.

    Notes
    -----
    m <= 3: sort and sweep. m >= 4: the box of each point, minus what the other points cover of
    it, as uncovered cells (see `hypervolume`); points are shared out over threads. The result is
    no difference of volumes, so that tiny contributions keep their digits.

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_contributions
    >>> F = [[1, 3], [2, 2], [3, 1], [2.5, 2.5]]
    >>> hv_contributions(F, ref=4)
    array([1., 1., 1., 0.])
    >>> hv_contributions(F, ref=4, ignore_dominated=False)
    array([1.  , 0.75, 1.  , 0.  ])
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    return _core.hv_contributions(
        points,
        corner,
        _check.flag(ignore_dominated, "ignore_dominated"),
        _check.n_threads(n_threads),
    )


def hv_improvement(
    candidates: ArrayLike,
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    maximise: _check.Maximise = False,
    n_threads: int = 1,
) -> NDArray[np.float64]:
    """Compute the volume that each candidate, on its own, would add to a set of points.

    Parameters
    ----------
    candidates : array_like, shape (c, m)
        Points that might join.
    F : array_like, shape (n, m)
        Points that are there.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    ndarray of float64, shape (c,)
        0 for a candidate that F dominates or that does not dominate ref.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or the shapes do not fit; or if there are too many
        points in too many objectives, as in `hypervolume`.

    Notes
    -----
    The box of each candidate, minus what F covers of it, as uncovered cells (see `hypervolume`);
    candidates are shared out over threads. The result is no difference of volumes, so that tiny
    improvements keep their digits.

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_improvement
    >>> hv_improvement([[0, 3], [2, 2], [3, 3]], [[1, 3], [3, 1]], ref=4)
    array([1., 1., 0.])
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    joining = _check.objectives(candidates, maximise, "candidates")
    if joining.shape[1] != points.shape[1]:
        raise ValueError(f"candidates has {joining.shape[1]} columns but F has {points.shape[1]}")
    _check.distances_fit(joining, corner, "candidates")
    return _core.hv_improvement(joining, points, corner, _check.n_threads(n_threads))
