"""Disjoint boxes: the part of objective space that a front dominates, or the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core

_MAX_BOXES = 1_000_000


class TooManyBoxes(ValueError):  # noqa: N818 - a state of affairs, not a mistake
    """A front takes more boxes than the caller wants.

    Examples
    --------
    >>> from lamoo_fast.kernels import TooManyBoxes, nondominated_boxes
    >>> try:
    ...     nondominated_boxes([[1, 2], [2, 1]], ref=3, max_boxes=2)
    ... except TooManyBoxes as error:
    ...     print(error)
    the front of F takes more than max_boxes = 2 boxes in 2 objectives
    """


def nondominated_boxes(
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    maximise: _check.Maximise = False,
    max_boxes: int = _MAX_BOXES,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut what lies below the reference point and is not dominated into disjoint boxes.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives. Dominated ones, and those not better than ref, do not matter.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    max_boxes : int
        Most boxes to make, at least 1.

    Returns
    -------
    (lower, upper), two ndarrays of shape (b, m)
        Corners, in no particular order. A point y is in a box when lower <= y < upper; maximised
        objectives have lower < y <= upper. What no point bounds is -inf, or inf if maximised.

    Raises
    ------
    TooManyBoxes
        If the front has more than max_boxes local upper bounds. It is a ValueError.
    ValueError, TypeError
        If an argument is not real or not finite, the shapes do not fit, or max_boxes is below 1.

    See Also
    --------
    dominated_boxes : The other part.

    Notes
    -----
    A local upper bound is the upper corner of a largest box that no point dominates (Klamroth,
    Lacour and Vanderpooten, EJOR 245, 2015, doi:10.1016/j.ejor.2015.03.031). Each gets the part
    of its box that is reached from it first; the points that define it give the corners, as
    they do for the dominated part (Lacour, Klamroth and Fonseca, Computers & Operations Research
    79, 2017, doi:10.1016/j.cor.2016.06.021). No cutting takes fewer boxes when no two points share
    a coordinate: n + 1 for m = 2, 2n + 1 for m = 3, at worst about n**(m // 2) above. With shared
    coordinates there are at most as many, and boxes that fit together are merged.

    m <= 3: a sweep, O(n log n). m >= 4: points come by one objective, and each is compared with
    the local upper bounds of those before it in the other m - 1 objectives.

    Examples
    --------
    >>> from lamoo_fast.kernels import nondominated_boxes
    >>> lower, upper = nondominated_boxes([[1, 2], [2, 1]], ref=3)
    >>> for corners in zip(lower.tolist(), upper.tolist()):
    ...     print(*corners)
    [-inf, 2.0] [1.0, 3.0]
    [-inf, 1.0] [2.0, 2.0]
    [-inf, -inf] [3.0, 1.0]
    """
    return _boxes(F, ref, maximise, max_boxes, dominated=False)


def dominated_boxes(
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    maximise: _check.Maximise = False,
    max_boxes: int = _MAX_BOXES,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut what the points dominate, up to the reference point, into disjoint boxes.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives. Dominated ones, and those not better than ref, do not matter.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    max_boxes : int
        Most local upper bounds of the front, at least 1: it has at most as many boxes.

    Returns
    -------
    (lower, upper), two ndarrays of shape (b, m)
        Corners, in no particular order; none if no point is better than ref. A point y is in a box
        when lower <= y < upper; maximised objectives have lower < y <= upper.

    Raises
    ------
    TooManyBoxes
        If the front has more than max_boxes local upper bounds. It is a ValueError.
    ValueError, TypeError
        If an argument is not real or not finite, the shapes do not fit, or max_boxes is below 1.

    See Also
    --------
    nondominated_boxes : The other part, the algorithm and its cost.
    hypervolume : The volume of these boxes, in far less time.

    Examples
    --------
    >>> from lamoo_fast.kernels import dominated_boxes
    >>> lower, upper = dominated_boxes([[1, 2], [2, 1]], ref=3)
    >>> for corners in zip(lower.tolist(), upper.tolist()):
    ...     print(*corners)
    [1.0, 2.0] [2.0, 3.0]
    [2.0, 1.0] [3.0, 3.0]
    """
    return _boxes(F, ref, maximise, max_boxes, dominated=True)


def _boxes(
    F: ArrayLike, ref: ArrayLike, maximise: _check.Maximise, max_boxes: int, *, dominated: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = _check.objectives(F, maximise)
    corner = _check.reference(ref, points.shape[1], maximise)
    limit = _check.integer(max_boxes, "max_boxes")
    if limit < 1:
        raise ValueError(f"max_boxes must be at least 1, not {limit}")
    found = _core.boxes(points, corner, dominated, min(limit, 2**63 - 1))
    if found is None:
        raise TooManyBoxes(
            f"the front of F takes more than max_boxes = {limit} boxes in {points.shape[1]} "
            "objectives"
        )
    if maximise is False:
        return found
    low, high = (_check.minimised(corners, maximise) for corners in found)
    return np.minimum(low, high), np.maximum(low, high)
