"""Kernels for values that other optimisers allow: infinite ones, and NaN where something failed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import hv_contributions, hypervolume, pareto_rank

Floats = NDArray[np.float64]


def finite(F: ArrayLike) -> Floats:
    """Return F, or where that is not finite, the positions of its values in their columns.

    Dominance is the same: positions have the order of the values, with NaN beyond all of them.

    Examples
    --------
    >>> finite([[0.5, np.inf], [np.nan, -7.0], [-np.inf, 3.0]])
    array([[1., 2.],
           [2., 0.],
           [0., 1.]])
    """
    F = np.asarray(F, dtype=np.float64)
    if np.isfinite(F).all():
        return F
    columns = [np.unique(column, return_inverse=True)[1].reshape(-1) for column in F.T]
    return np.column_stack(columns).astype(np.float64)


def fronts(F: ArrayLike, **limits: Any) -> list[NDArray[np.intp]]:
    """Return the rows of each front, ascending, the best front first.

    Limits are those of `pareto_rank`; fronts beyond them are left out.

    Examples
    --------
    >>> fronts([[2.0, 2.0], [0.0, 1.0], [np.nan, 0.0], [1.0, 0.0]])
    [array([1, 3]), array([0, 2])]
    """
    F = finite(F)
    if not len(F):
        return []
    ranks = pareto_rank(F, **limits)
    order = np.argsort(ranks, kind="stable")
    found = np.split(order, np.cumsum(np.bincount(ranks))[:-1])
    n = limits.get("max_fronts") or len(found)
    least = limits.get("min_points") or len(F)
    n = min(n, 1 + int(np.searchsorted(np.cumsum([len(front) for front in found]), least)))
    return found[:n]


def volume(F: ArrayLike, ref: ArrayLike) -> float:
    """Return `hypervolume`, of which rows that are not below ref everywhere, NaN too, are no part.

    Examples
    --------
    >>> volume([[0.5, 0.5], [0.0, np.inf], [np.nan, 0.0]], 1.0), volume([[0.0, -np.inf]], 1.0)
    (0.25, inf)
    """
    F = np.asarray(F, dtype=np.float64)
    F = F[_below(F, ref)]
    return np.inf if np.isinf(F).any() else hypervolume(F, ref)


def contributions(F: ArrayLike, ref: ArrayLike, *, ignore_dominated: bool = True) -> Floats:
    """Return `hv_contributions`, 0 for rows that are not below ref everywhere, NaN too.

    That of a row with -inf is infinite, unless others cover all of it towards infinity.

    Examples
    --------
    >>> contributions([[0.5, 0.5], [0.0, np.inf], [np.nan, 0.0]], 1.0)
    array([0.25, 0.  , 0.  ])
    >>> contributions([[-np.inf, 0.5], [0.5, 0.0], [-np.inf, 0.7]], 1.0)
    array([ inf, 0.25, 0.  ])
    """
    F = np.asarray(F, dtype=np.float64)
    below = _below(F, ref)
    out = np.zeros(len(F))
    inside = F[below]

    def part(points: Floats) -> Floats:
        return hv_contributions(points, ref, ignore_dominated=ignore_dominated)

    endless = np.isneginf(inside).any(axis=1)
    if not endless.any():
        out[below] = part(inside)
        return out
    # Stand-ins beyond all other values leave finite rows what they have; what is infinite grows
    # by at least a half from the nearer to the farther ones.
    corner = np.broadcast_to(np.asarray(ref, dtype=np.float64), inside.shape[1:])
    low = np.where(np.isneginf(inside), np.inf, inside).min(axis=0)
    low = np.minimum(low, corner)
    width = np.where(low < corner, corner - low, np.maximum(1.0, np.abs(corner)))
    near, far = (
        part(np.where(np.isneginf(inside), low - step * width, inside)) for step in (1.0, 2.0)
    )
    out[below] = np.where(endless & (far > 1.25 * near), np.inf, near)
    return out


def _below(F: Floats, ref: ArrayLike) -> NDArray[np.bool_]:
    return np.asarray((np.asarray(ref, dtype=np.float64) > F).all(axis=1))
