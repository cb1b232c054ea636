"""Expected hypervolume improvement of candidates, as logarithms."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import TooManyBoxes, is_nondominated, nondominated_boxes
from lamoo_fast.search.space import Array
from lamoo_fast.search.warp import LogWarp

_MAX_EXACT = 4  # objectives for which the undominated part is cut into boxes
_MAX_BOXES = 4096
_NODES = 6  # of the quadrature along a direction
_OPTIMISM = 3.0  # standard deviations: improvements beyond are not integrated
_MAX_ELEMENTS = 2**20  # numbers in the largest intermediate array


class Marginal(Protocol):
    """Belief about one minimised objective at a number of candidates."""

    def log_expected_gains(self, levels: Array) -> Array:
        """Log of E[max(level - Y, 0)] for each of the levels (k,) and candidates: shape (k, c)."""

    def log_probability_below(self, levels: Array) -> Array:
        """Log of P(Y <= level) for each candidate and each of the levels (k,): shape (c, k)."""

    def optimistic(self) -> float:
        """Least value that some candidate is likely to have."""

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> Marginal:
        """Return the same for some of the candidates."""


@dataclass(frozen=True)
class Predicted:
    """An objective whose warped value is normal, by a Gaussian process."""

    warp: LogWarp
    mean: Array
    sd: Array

    def log_expected_gains(self, levels: Array) -> Array:
        """Log of E[max(level - Y, 0)] for each of the levels (k,) and candidates: shape (k, c)."""
        return self.warp.log_expected_gains(levels, self.mean, self.sd)

    def log_probability_below(self, levels: Array) -> Array:
        """Log of P(Y <= level) for each candidate and each of the levels (k,): shape (c, k)."""
        return self.warp.log_probability_below(levels, self.mean[:, None], self.sd[:, None])

    def optimistic(self) -> float:
        """Least value that some candidate is likely to have."""
        return float(self.warp.inverse((self.mean - _OPTIMISM * self.sd).min()))

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> Predicted:
        return Predicted(self.warp, self.mean[rows], self.sd[rows])


@dataclass(frozen=True)
class Certain:
    """An objective whose values are certain."""

    values: Array

    def log_expected_gains(self, levels: Array) -> Array:
        """Log of max(level - Y, 0) for each of the levels (k,) and candidates: shape (k, c)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(levels[:, None] - self.values, 0.0)))

    def log_probability_below(self, levels: Array) -> Array:
        """0 where the value is at most the level, -inf elsewhere: shape (c, k)."""
        return np.where(self.values[:, None] <= levels, 0.0, -np.inf)

    def optimistic(self) -> float:
        """Return the least value."""
        return float(self.values.min())

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> Certain:
        return Certain(self.values[rows])


def log_ehvi(F: Array, ref: Array, beliefs: Sequence[Marginal], directions: Array) -> Array:
    """Log of the expected hypervolume improvement of each candidate.

    Parameters
    ----------
    F : array, shape (n, m)
        Objectives so far, minimised.
    ref : array, shape (m,)
        Reference point.
    beliefs : m Marginals
        The objectives of the candidates, taken as independent.
    directions : array, shape (k, m)
        For more than two objectives: unit vectors with positive entries.

    Returns
    -------
    array, shape (c,)
        -inf where there is no chance of an improvement.

    Notes
    -----
    Exact for one to four objectives unless the front is large: with what the front leaves
    undominated cut into boxes, strips for two objectives, the improvement is a sum of products of
    one-dimensional gains, O(b m) a candidate for b boxes (Emmerich, Yang, Deutz, Wang and
    Fonseca, 2016). Above, hypervolume is a mean over directions of a power of the largest
    scalarised gain (Deng and Zhang, 2019; Golovin and Zhang, 2020), and the expected improvement
    along one direction is an integral over a product of distribution functions:
    O(k m) a candidate however large the front. The logarithm is needed where all improvements
    are too small for floating point (Ament et al., NeurIPS 2023).
    """
    front = F[(ref > F).all(axis=1)]
    front = front[is_nondominated(front)] if len(front) else front
    m = F.shape[1]
    if m == 1:
        best = np.array([min([*front[:, 0], ref[0]])])
        return np.asarray(beliefs[0].log_expected_gains(best)[0])
    if m == 2:
        return _by_strips(front, ref, *beliefs)
    if m <= _MAX_EXACT:
        with suppress(TooManyBoxes):
            boxes = nondominated_boxes(front, ref, max_boxes=_MAX_BOXES)
            value = _by_boxes(*boxes, beliefs)
            if np.isfinite(value).any():
                return value
    return _by_directions(front, ref, beliefs, directions)


def _by_strips(front: Array, ref: Array, first: Marginal, second: Marginal) -> Array:
    front = front[np.argsort(front[:, 0])]
    right = first.log_expected_gains(np.array([*front[:, 0], ref[0]]))
    left = np.vstack([np.full((1, right.shape[1]), -np.inf), right[:-1]])
    height = second.log_expected_gains(np.array([ref[1], *front[:, 1]]))
    return np.asarray(np.logaddexp.reduce(_log_difference(right, left) + height, axis=0))


def _by_boxes(lower: Array, upper: Array, beliefs: Sequence[Marginal]) -> Array:
    """Sum over boxes of products of one-dimensional gains, in units of the gain over ref."""
    log_unit = np.zeros(())
    gains = []
    for j, belief in enumerate(beliefs):
        levels, at = np.unique(np.concatenate([lower[:, j], upper[:, j]]), return_inverse=True)
        with np.errstate(invalid="ignore"):
            log_gain = belief.log_expected_gains(levels)
            whole = log_gain[-1]  # the highest level is the reference point
            table = np.nan_to_num(np.exp(log_gain - whole))
        log_unit = log_unit + whole
        gains.append((table, *np.split(at.reshape(-1), 2)))
    total = np.zeros(len(log_unit))
    block = max(1, _MAX_ELEMENTS // max(1, len(total)))
    for i in range(0, len(lower), block):
        rows = slice(i, i + block)
        product = np.ones(())
        for table, low, high in gains:
            product = product * (table[high[rows]] - table[low[rows]])
        total += np.maximum(product, 0.0).sum(axis=0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total) + log_unit)


def _log_difference(a: Array, b: Array) -> Array:
    """Log of exp(a) - exp(b), for a >= b but for rounding."""
    with np.errstate(invalid="ignore", divide="ignore"):
        out = a + np.log(-np.expm1(np.minimum(b - a, 0.0)))
    return np.where(np.isfinite(a), out, -np.inf)


def _by_directions(
    front: Array, ref: Array, beliefs: Sequence[Marginal], directions: Array
) -> Array:
    """Sum over directions of the integral of m t^(m-1) P(gain >= t lambda) dt, best so far on."""
    m = len(ref)
    best_gain = ref - np.array([belief.optimistic() for belief in beliefs])
    unit = np.maximum(best_gain, (ref - front).max(axis=0) if len(front) else best_gain)
    unit = np.where(unit > 0, unit, np.maximum(np.abs(ref), 1.0))
    steps = directions * unit  # the decrease of each objective for one unit along a direction
    start = (
        ((ref - front)[:, None, :] / steps).min(axis=2).max(axis=0)
        if len(front)
        else np.zeros(len(steps))
    )
    stop = (best_gain / steps).min(axis=1)
    stop = np.maximum(stop, start + 1e-3 * np.maximum(start, 1e-3))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    width = (stop - start)[:, None]
    t = (start[:, None] + width * (nodes + 1) / 2).reshape(-1)
    log_weight = np.log((width * weights / 2).reshape(-1)) + (m - 1) * np.log(t)
    levels = ref - t[:, None] * np.repeat(steps, _NODES, axis=0)
    n = len(beliefs[0].log_probability_below(levels[:1, 0]))
    block = max(1, _MAX_ELEMENTS // len(t))
    out = np.empty(n)
    for i in range(0, n, block):
        rows = slice(i, i + block)
        total = log_weight + sum(
            belief[rows].log_probability_below(levels[:, j]) for j, belief in enumerate(beliefs)
        )
        peak = total.max(axis=1, keepdims=True)
        peak = np.where(np.isfinite(peak), peak, 0.0)
        with np.errstate(divide="ignore"):
            out[rows] = np.log(np.exp(total - peak).sum(axis=1)) + peak[:, 0]
    return out
