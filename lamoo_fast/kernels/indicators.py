"""Quality of a set of points against a reference set, and crowding within a front."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core

_ADDITIVE, _MULTIPLICATIVE, _IGD_PLUS = range(3)  # lamoo_indicator_kind of csrc/lamoo_fast.h


def epsilon_additive(
    F: ArrayLike, /, ref: ArrayLike, *, maximise: _check.Maximise = False, n_threads: int = 1
) -> float:
    """Tell by how much F must be improved in all objectives to weakly dominate all of ref.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives, n >= 1.
    ref : array_like, shape (k, m)
        Reference set, k >= 1.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    float
        Negative if F is strictly better than all of ref.

    Raises
    ------
    ValueError, TypeError
        If F or ref is not two-dimensional, real and finite, has no points, or the numbers of
        objectives differ.

    Notes
    -----
    ``max over r in ref, min over f in F, max over j of f[j] - r[j]`` (Zitzler, Thiele, Laumanns,
    Fonseca and Grunert da Fonseca 2003), O(n k m).

    Examples
    --------
    >>> from lamoo_fast.kernels import epsilon_additive
    >>> epsilon_additive([[1, 3], [3, 1]], [[1, 2], [2, 1]])
    1.0
    """
    return _compare(_ADDITIVE, F, ref, maximise, n_threads)


def epsilon_mult(
    F: ArrayLike, /, ref: ArrayLike, *, maximise: _check.Maximise = False, n_threads: int = 1
) -> float:
    """Tell by what factor F must be improved in all objectives to weakly dominate all of ref.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives, all above 0, n >= 1.
    ref : array_like, shape (k, m)
        Reference set, all above 0, k >= 1.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    float
        Below 1 if F is strictly better than all of ref.

    Raises
    ------
    ValueError, TypeError
        As `epsilon_additive`, and if a number is not above 0.

    Notes
    -----
    ``max over r in ref, min over f in F, max over j of f[j] / r[j]``, upside down where the
    objective is maximised (Zitzler, Thiele, Laumanns, Fonseca and Grunert da Fonseca 2003),
    O(n k m).

    Examples
    --------
    >>> from lamoo_fast.kernels import epsilon_mult
    >>> epsilon_mult([[1, 3], [3, 1]], [[1, 2], [2, 1]])
    1.5
    """
    return _compare(_MULTIPLICATIVE, F, ref, maximise, n_threads)


def igd_plus(
    F: ArrayLike, /, ref: ArrayLike, *, maximise: _check.Maximise = False, n_threads: int = 1
) -> float:
    """Compute the mean distance by which F falls short of the points of ref (IGD+).

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives, n >= 1.
    ref : array_like, shape (k, m)
        Reference set, k >= 1.
    maximise : bool or m bools
        Objectives to maximise rather than minimise.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        As `epsilon_additive`.

    Notes
    -----
    The mean over r in ref of the least Euclidean norm of ``max(f - r, 0)`` over f in F (Ishibuchi,
    Masuda, Tanigaki and Nojima 2015), O(n k m).

    Examples
    --------
    >>> from lamoo_fast.kernels import igd_plus
    >>> igd_plus([[1, 3], [3, 1]], [[1, 2], [0, 0]])
    2.08113883008419
    """
    return _compare(_IGD_PLUS, F, ref, maximise, n_threads)


def crowding_distance(F: ArrayLike, /, *, rank: ArrayLike | None = None) -> NDArray[np.float64]:
    """Compute the crowding distance of NSGA-II: how far the neighbours of each point are apart.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives, minimised or maximised: it makes no difference.
    rank : array_like of int, shape (n,), optional
        Number of the front of each point, as `pareto_rank` gives it: points have neighbours in
        their front only. By default all are in one.

    Returns
    -------
    ndarray of float64, shape (n,)
        Infinite for the first and the last point of a front in an objective.

    Raises
    ------
    ValueError, TypeError
        If F is not two-dimensional, real and finite, or rank is not one integer >= 0 a point.

    Notes
    -----
    Mean over the objectives of the distance from the point before to the point after, over the
    range of the front (Deb, Pratap, Agarwal and Meyarivan 2002; they take the sum). Equal numbers
    keep their order; an objective in which the front has no range counts 0, as in pymoo. O(m n log
    n).

    Examples
    --------
    >>> from lamoo_fast.kernels import crowding_distance
    >>> crowding_distance([[0, 4], [1, 2], [4, 0]])
    array([inf,  1., inf])
    """
    points = _check.objectives(F)
    if rank is None:
        return _core.crowding_distance(points, None)
    fronts = np.asarray(rank)
    n = len(points)
    if fronts.dtype.kind not in "iu" and fronts.size > 0:
        raise TypeError(f"rank must be integers, not {fronts.dtype}")
    if fronts.shape != (n,):
        raise ValueError(f"rank must have shape ({n},) but has shape {fronts.shape}")
    if n > 0 and fronts.min() < 0:
        raise ValueError(f"rank must be at least 0, not {fronts.min()}")
    if n > 0 and fronts.max() >= n:
        fronts = np.unique(fronts, return_inverse=True)[1]
    return _core.crowding_distance(points, np.ascontiguousarray(fronts, dtype=np.int64))


def _compare(
    kind: int, F: ArrayLike, ref: ArrayLike, maximise: _check.Maximise, n_threads: int
) -> float:
    signs = False if kind == _MULTIPLICATIVE else maximise
    points = _check.objectives(F, signs)
    targets = _check.objectives(ref, signs, "ref")
    if points.shape[1] != targets.shape[1]:
        raise ValueError(f"F has {points.shape[1]} columns but ref has {targets.shape[1]}")
    for array, name in ((points, "F"), (targets, "ref")):
        if len(array) == 0:
            raise ValueError(f"{name} has no points: its shape is {array.shape}")
        if kind == _MULTIPLICATIVE and array.min() <= 0:
            raise ValueError(
                f"{name} must be above 0 everywhere; its least number is {array.min()}"
            )
    inverse = np.zeros(points.shape[1], dtype=np.uint8)
    if kind == _MULTIPLICATIVE:
        inverse[:] = _check.minimised(np.ones(points.shape[1]), maximise) < 0
    return _core.indicator(kind, points, targets, inverse, _check.n_threads(n_threads))
