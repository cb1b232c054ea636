"""How well cheap values order architectures as their true values do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["RankCorrelation", "rank_correlation"]


@dataclass(frozen=True)
class RankCorrelation:
    """Agreement of two orders, from -1 to 1.

    Parameters
    ----------
    spearman : float
        Correlation of the ranks, ties sharing their mean rank.
    kendall : float
        Kendall's tau-b: pairs in the same order less pairs in the opposite one, over all pairs,
        corrected for ties.
    count : int
        Number of architectures.
    """

    spearman: float
    kendall: float
    count: int

    def __str__(self) -> str:
        return f"Spearman {self.spearman:.3f}, Kendall {self.kendall:.3f} ({self.count} cells)"


def rank_correlation(cheap: npt.ArrayLike, true: npt.ArrayLike) -> RankCorrelation:
    """Compare the order of cheap values with that of true ones.

    Parameters
    ----------
    cheap, true : array_like
        Shape (n,), n >= 2. Values that are not finite in either, as those of a training that
        diverged, are left out, and not counted.

    Returns
    -------
    RankCorrelation
        NaN where one side has no order, all its values being equal.

    Raises
    ------
    ValueError
        If the lengths differ, or fewer than two pairs are finite.

    Examples
    --------
    >>> print(rank_correlation([0.1, 0.2, 0.3, 0.4], [1, 2, 4, 3]))
    Spearman 0.800, Kendall 0.667 (4 cells)
    """
    a, b = np.asarray(cheap, dtype=np.float64), np.asarray(true, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"cheap has shape {a.shape}, true {b.shape}; wanted (n,) of both")
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    if len(a) < 2:
        raise ValueError(f"cheap and true have {len(a)} finite pairs, wanted at least 2")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return RankCorrelation(float("nan"), float("nan"), len(a))
    return RankCorrelation(
        float(stats.spearmanr(a, b).statistic), float(stats.kendalltau(a, b).statistic), len(a)
    )
