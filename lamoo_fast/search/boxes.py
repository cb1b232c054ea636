"""The part of objective space that a front leaves undominated, cut into boxes."""

from __future__ import annotations

import numpy as np

from lamoo_fast.search.space import Array

MAX_BOXES = 4096
"""A front that needs more boxes is not cut up."""


def undominated_boxes(front: Array, ref: Array) -> tuple[Array, Array] | None:
    """Disjoint boxes whose union is all that lies below ref and is not dominated by the front.

    Parameters
    ----------
    front : array, shape (n, m)
        Objectives, minimised, all below ref.
    ref : array, shape (m,)
        Upper corner of everything.

    Returns
    -------
    (lower, upper), arrays of shape (b, m), or None
        Corners; lower ones may be -inf. None when there would be more than `MAX_BOXES`.

    Notes
    -----
    Each point p splits the boxes that it cuts: what is left of a box are disjoint pieces with
    y_j < p_j, and y_i >= p_i for all objectives i split before. Taking the points by their last
    objective and splitting that one first makes it a sweep: about 2 n boxes for three objectives.

    Examples
    --------
    >>> lower, upper = undominated_boxes(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 3.0]))
    >>> upper.tolist()
    [[3.0, 1.0], [2.0, 2.0], [1.0, 3.0]]
    """
    m = len(ref)
    lower, upper = np.full((1, m), -np.inf), np.array([ref], dtype=np.float64)
    for p in front[np.argsort(front[:, -1], kind="stable")]:
        cut = (upper > p).all(axis=1)
        low, high = lower[cut], upper[cut]
        pieces = [(lower[~cut], upper[~cut])]
        for j in range(m - 1, -1, -1):
            some = low[:, j] < p[j]
            piece = high[some].copy()
            piece[:, j] = p[j]
            pieces.append((low[some], piece))
            low = low.copy()
            low[:, j] = np.maximum(low[:, j], p[j])
        lower = np.vstack([piece[0] for piece in pieces])
        upper = np.vstack([piece[1] for piece in pieces])
        if len(lower) > MAX_BOXES:
            return None
    return lower, upper
