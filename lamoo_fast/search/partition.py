"""One split of the search space: which points are the better half, and the boundary around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lamoo_fast.kernels import dominance_count, pareto_rank
from lamoo_fast.kernels.svm import SVM, on_sides, train_svm
from lamoo_fast.search.space import Array, Mask

_MARGIN = 1e-9
_MAX_TRAINED = 1000  # rows; the time of the training grows with at least their square


class Split(Protocol):
    """Divides the space in two. It must be picklable if searches are to be."""

    def side(self, Z: Array) -> Mask:
        """Tell for each row of the features Z (n, f) whether it is on the good side."""


class Classifier(Protocol):
    """Learns a split. Its repr names all its settings, since saved searches compare it."""

    def fit(self, Z: Array, good: Mask) -> Split:
        """Learn from features Z (n, f) and labels (n,), both labels present."""


def violation(F: Array, G: Array) -> Array:
    """Measure how far each row is from being feasible.

    Parameters
    ----------
    F : array, shape (n, m)
        Objectives, NaN in the rows whose evaluation failed.
    G : array, shape (n, c)
        Outcome constraints, each met where <= 0.

    Returns
    -------
    array, shape (n,)
        0 for feasible rows, infinity for failed ones, in between the sum of what exceeds 0, each
        constraint in units of its largest excess.

    Examples
    --------
    >>> F = np.array([[1.0], [1.0], [1.0], [np.nan]])
    >>> violation(F, np.array([[-1.0, 0.0], [2.0, 0.0], [1.0, 30.0], [np.nan, np.nan]]))
    array([0. , 1. , 1.5, inf])
    """
    failed = np.asarray(np.isnan(F).any(axis=1))
    excess = np.where(failed[:, None], 0.0, np.maximum(G, 0.0))
    largest = excess.max(axis=0, initial=0.0)
    total = (excess / np.where(largest > 0, largest, 1.0)).sum(axis=1)
    # A tiny excess beside a huge one must not be rounded to none.
    total = np.where((excess > 0).any(axis=1) & (total == 0), np.finfo(np.float64).tiny, total)
    return np.where(failed, np.inf, total)


def better_half(F: Array, violation: Array | None = None) -> Mask | None:
    """Label the better half of the rows of F.

    Rows are ordered by the number of rows that dominate them, then by Pareto rank, then, of more
    than two objectives, by `rank_sum`. Rows that are equal in all of these always share a label, so
    the cut is at the change of key nearest to the middle, and no label depends on the order of the
    rows. Rows that violate constraints come after all others, the smallest violation first
    (constrained domination, Deb et al., 2002).

    Parameters
    ----------
    F : array, shape (n, m)
        Objectives, minimised; read where the violation is 0 only.
    violation : array, shape (n,), optional
        As `violation` returns it; 0 by default.

    Returns
    -------
    array of bool, shape (n,), or None
        True = good; None when all rows are equally good.

    Notes
    -----
    The labels of LaMOO (Zhao et al., 2022) with ties decided by rank instead of by position. Of
    many objectives most rows are dominated by none, and without the sum of ranks such sets could
    not be split; of two it is the same all along a front. Labels do not depend on the units of the
    objectives, nor on any increasing function of one.

    Examples
    --------
    >>> better_half(np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 3.0]]))
    array([ True,  True, False, False])
    """
    excess = np.zeros(len(F)) if violation is None else violation
    feasible = excess == 0
    keys = np.zeros((4, len(F)))
    keys[0] = excess
    fine = F[feasible]
    keys[1:3, feasible] = dominance_count(fine), pareto_rank(fine)
    if F.shape[1] > 2:
        keys[3, feasible] = rank_sum(fine)
    order = np.lexsort(keys[::-1])
    keys = keys[:, order]
    cuts = 1 + np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0))
    if len(cuts) == 0:
        return None
    good = np.zeros(len(F), dtype=np.bool_)
    good[order[: cuts[np.argmin(np.abs(2 * cuts - len(F)))]]] = True
    return good


def rank_sum(F: Array) -> Array:
    """Add up the ranks of each row of F (n, m) in the single objectives: less is better.

    Equal values share the mean of their ranks, counted from 0; sums are doubled, to be whole.
    This is the average ranking of Bentley and Wakefield (1997), which Corne and Knowles (GECCO
    2007) found to be a better guide than other orders of many objectives. O(m n log n).

    Examples
    --------
    >>> rank_sum(np.array([[0.0, 7.0, 5.0], [1.0, 2.0, 5.0], [1.0, 2.0, 9.0]]))
    array([5., 5., 8.])
    """
    total = np.zeros(len(F))
    for column in F.T:
        _, level, counts = np.unique(column, return_inverse=True, return_counts=True)
        total += (2 * np.cumsum(counts) - counts - 1)[level.reshape(-1)]
    return total


@dataclass(frozen=True, eq=False)
class SVMSplit:
    """The boundary of a trained support vector machine.

    Attributes
    ----------
    machine : SVM
        What was trained.
    """

    machine: SVM

    def decision(self, Z: Array) -> Array:
        """Decision function for features Z (n, f): positive on the good side. O(n s f)."""
        return self.machine.decision(Z)

    def side(self, Z: Array) -> Mask:
        """Tell for each row of Z (n, f) whether it is on the good side.

        Discrete spaces have points that lie on the boundary by symmetry. Their computed decision
        is rounding noise; the margin puts them on the bad side always.
        """
        return on_sides([(self.machine, True)], Z, _MARGIN)


def inside(constraints: Sequence[tuple[Split, bool]], Z: Array) -> Mask:
    """Tell which rows of Z (n, f) are on the given side of each split.

    The boundaries of machines are tried first, all in one call.
    """
    machines = [(s.machine, side) for s, side in constraints if isinstance(s, SVMSplit)]
    mask = on_sides(machines, Z, _MARGIN) if machines else np.ones(len(Z), dtype=np.bool_)
    for split, side in constraints:  # each sees only what passed those before
        if not isinstance(split, SVMSplit):
            rows = np.flatnonzero(mask)
            mask[rows] = split.side(Z[rows]) == side
    return mask


@dataclass(frozen=True)
class SVMClassifier:
    """Support vector machine on standardised features.

    Parameters
    ----------
    kernel : str
        "rbf", "linear" or "poly".
    C : float
        Cost of a row on the wrong side.
    gamma : float or "scale"
        Width of the rbf and poly kernels; "scale" is 1 over the number of features that vary.
    degree : int
        Degree of the poly kernel.

    Raises
    ------
    ValueError
        When a setting is not one of these.

    Notes
    -----
    Training is that of `train_svm`, O(n^2 f) and O(n) for each step. Of more than 1,000 rows, 1,000
    at equal distances are trained on, in the order given, as many of each label as its share.

    Examples
    --------
    >>> Z = np.array([[0.1], [0.2], [0.8], [0.9]])
    >>> split = SVMClassifier("linear").fit(Z, np.array([True, True, False, False]))
    >>> split.side(np.array([[0.0], [1.0]]))
    array([ True, False])
    """

    kernel: str = "rbf"
    C: float = 10.0
    gamma: float | str = "scale"
    degree: int = 3

    def __post_init__(self) -> None:
        if self.kernel not in ("rbf", "linear", "poly"):
            raise ValueError(f"kernel is {self.kernel!r}, wanted 'rbf', 'linear' or 'poly'")
        if not 0 < self.C < np.inf:
            raise ValueError(f"C is {self.C}, wanted a positive number")
        if self.gamma != "scale" and (isinstance(self.gamma, str) or not 0 < self.gamma < np.inf):
            raise ValueError(f"gamma is {self.gamma!r}, wanted 'scale' or a positive number")
        if self.degree < 1:
            raise ValueError(f"degree is {self.degree}, wanted at least 1")

    def fit(self, Z: Array, good: Mask) -> SVMSplit:
        """Learn the boundary between the good and the other rows of Z (n, f)."""
        Z, good = _spread(Z, good)
        mean, scale = Z.mean(axis=0), Z.std(axis=0)
        varies = scale > 1e-12
        scale = np.where(varies, scale, 1.0)
        gamma = 1.0 / max(1, int(varies.sum())) if self.gamma == "scale" else float(self.gamma)
        machine = train_svm(
            Z,
            good,
            kernel=self.kernel,
            gamma=gamma,
            degree=self.degree,
            C=self.C,
            mean=mean,
            scale=scale,
        )
        return SVMSplit(machine)


def _spread(Z: Array, good: Mask) -> tuple[Array, Mask]:
    """Choose at most `_MAX_TRAINED` rows, some of each label, without any chance in it."""
    n = len(good)
    if n <= _MAX_TRAINED:
        return Z, good
    chosen = np.zeros(n, dtype=np.bool_)
    for label in (True, False):
        rows = np.flatnonzero(good == label)
        k = max(1, len(rows) * _MAX_TRAINED // n)
        chosen[rows[np.arange(k) * len(rows) // k]] = True
    return Z[chosen], good[chosen]


def split_rows(
    classifier: Classifier,
    Z: Array,
    F: Array,
    min_rows: int,
    violation: Array | None = None,
    n_predicted: int = 0,
) -> tuple[Split, Mask] | None:
    """Split a set of rows by their place in the space, or refuse.

    Parameters
    ----------
    classifier : Classifier
        Learns the boundary from the labels of `better_half`.
    Z, F : array, shape (n, f) and (n, m)
        Features and minimised objectives.
    min_rows : int
        Least number of observed rows on either side.
    violation : array, shape (n,), optional
        As for `better_half`.
    n_predicted : int
        How many rows at the end were not observed. The boundary is learned from them too.

    Returns
    -------
    (Split, array of bool, shape (n,)), or None
        The split and the side on which it puts each row, which may differ from the label the row
        had: the rows of a side are exactly the rows inside the region. None when the rows are too
        few, equally good, in one place, or when the boundary leaves too few of them on a side.
    """
    n = len(F) - n_predicted
    if n < 2 * min_rows or not np.ptp(Z[:n], axis=0).any():
        return None
    good = better_half(F, violation)
    if good is None:
        return None
    split = classifier.fit(Z, good)
    side = split.side(Z)
    if not min_rows <= side[:n].sum() <= n - min_rows:
        return None
    return split, side
