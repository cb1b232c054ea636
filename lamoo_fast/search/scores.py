"""Hints on one scale, whatever their units."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from lamoo_fast.search.hints import Hints
from lamoo_fast.search.space import Array

_FARTHEST = 20.0  # scaled; a lone huge hint must not drown the rest of a covariance


class NormalScores:
    """Values as quantiles of the normal distribution by their rank, and back.

    Between the values that make the scale it is a straight line, and beyond the outermost one as
    steep as from the lowest to the highest.

    Parameters
    ----------
    values : array, shape (n,)
        Finite, n > 0.

    Examples
    --------
    >>> scores = NormalScores(np.array([1.0, 10.0, 100.0]))
    >>> scores(np.array([1.0, 10.0, 55.0, 100.0])).round(3).tolist()
    [-0.967, 0.0, 0.484, 0.967]
    >>> scores.inverse(np.array([0.0])).tolist()
    [10.0]
    """

    def __init__(self, values: Array) -> None:
        self._values, counts = np.unique(values, return_counts=True)
        self._scores = ndtri((np.cumsum(counts) - counts / 2) / len(values))

    def __call__(self, values: Array) -> Array:
        """Scores of values."""
        return _line(values, self._values, self._scores)

    def inverse(self, scores: Array) -> Array:
        """Values that have these scores."""
        return _line(scores, self._scores, self._values)


def _line(x: Array, knots: Array, heights: Array) -> Array:
    """Line through the knots, beyond them as steep as from the first to the last."""
    low, high = knots[0], knots[-1]
    with np.errstate(over="ignore", invalid="ignore"):  # of values near the largest or the least
        steep = (heights[-1] - heights[0]) / (high - low) if high > low else 0.0
        beyond = steep * (x - np.clip(x, low, high))
    beyond = np.nan_to_num(beyond, nan=0.0, posinf=np.inf, neginf=-np.inf)
    return np.asarray(np.interp(x, knots, heights) + beyond)


class Scaled:
    """Hints on the scale that they have among some points: normal scores, cut off at 20.

    Cheap numbers come in any unit and shape; what counts is where one stands among the others.

    Parameters
    ----------
    hints : Hints
        Where values come from.
    X : array, shape (n, d)
        The points that make the scale.

    Attributes
    ----------
    n : int
        Number of hints.
    """

    def __init__(self, hints: Hints, X: Array) -> None:
        self._hints = hints
        self._scores = [NormalScores(column) for column in hints.values(X).T]
        self.n = len(self._scores)

    @classmethod
    def nothing(cls) -> Scaled:
        """Return no hints."""
        return cls(Hints.nothing(), np.empty((0, 1)))

    def __call__(self, X: Array) -> Array:
        """Scaled hints (N, n) of the points X (N, d)."""
        scaled = np.empty((len(X), self.n))
        values = self._hints.values(X) if self.n else scaled
        for j, score in enumerate(self._scores):
            scaled[:, j] = np.clip(score(values[:, j]), -_FARTHEST, _FARTHEST)
        return scaled
