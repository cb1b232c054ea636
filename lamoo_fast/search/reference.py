"""The reference point of the hypervolume: checking a given one, choosing one otherwise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import is_nondominated
from lamoo_fast.search.space import Array


def check_ref(ref: npt.ArrayLike, m: int) -> tuple[float, ...]:
    """Return the reference point as m plain numbers, or raise ValueError."""
    try:
        point = np.asarray(ref, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"ref is {ref!r}, wanted {m} numbers") from None
    if point.shape != (m,):
        raise ValueError(f"ref has shape {point.shape}, wanted ({m},)")
    if not np.isfinite(point).all():
        raise ValueError(f"ref is {point.tolist()}, wanted finite numbers")
    return tuple(point.tolist())


def reachable_ref(F: Array, ref: Array) -> Array:
    """Move a reference point that nothing dominates back to where something does.

    Parameters
    ----------
    F : array, shape (n, m)
        Objectives, minimised.
    ref : array, shape (m,)
        Reference point, minimised.

    Returns
    -------
    array, shape (m,)
        `ref` itself if a row is better in every objective, or there is no row. Otherwise ref moved
        by equal shares of the ranges of the objectives, a tenth further than the nearest row
        needs: a search that increases the hypervolume from there comes nearer to `ref`.

    Examples
    --------
    >>> F = np.array([[2.0, 8.0], [3.0, 4.0], [6.0, 3.0]])
    >>> reachable_ref(F, np.array([2.0, 2.0]))
    array([4. , 4.5])
    """
    if len(F) == 0 or (ref > F).all(axis=1).any():
        return ref
    with np.errstate(over="ignore"):  # values near the end of the floating-point range
        width = np.minimum(np.ptp(F, axis=0), np.finfo(np.float64).max)
        for stand_in in (np.abs(ref), np.ones(len(ref))):
            width = np.where(width > 0, width, stand_in)
        distance = ((F - ref) / width).max(axis=1).min()
        return np.asarray(np.minimum(ref + (distance + 0.1) * width, np.finfo(np.float64).max))


def infer_ref(F: Array) -> Array:
    """Choose a reference point: the nadir of the front and 10 % of the range beyond.

    Parameters
    ----------
    F : array, shape (n, m)
        Objectives, minimised, n >= 1.

    Returns
    -------
    array, shape (m,)
        The reference point, minimised.

    Notes
    -----
    Ishibuchi et al. (2018). Where the front has no range in an objective, the range of all points
    stands in for it, and where that is 0 too, the size of the value, or 1.

    Examples
    --------
    >>> infer_ref(np.array([[0.0, 2.0], [1.0, 1.0], [5.0, 5.0]]))
    array([1.1, 2.1])
    """
    front = F[is_nondominated(F)]
    nadir = front.max(axis=0)
    with np.errstate(over="ignore"):  # values near the end of the floating-point range
        width = nadir - front.min(axis=0)
        for stand_in in (np.ptp(F, axis=0), np.abs(nadir), np.ones(F.shape[1])):
            width = np.where(width > 0, width, stand_in)
        return np.asarray(np.minimum(nadir + 0.1 * width, np.finfo(np.float64).max))
