"""The selection of Optuna's NSGA-II on our kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from lamoo_fast.adapters.optuna_space import constraints
from lamoo_fast.adapters.order import Floats, finite
from lamoo_fast.kernels import pareto_rank


class EliteSelection:
    """Select as `NSGAIISampler` and, but for its reference points, `NSGAIIISampler` do, faster.

    Same trials in the same order as Optuna's own strategy, with ties, infinite values and
    constraints: fronts in turn, the last one by crowding distance (Deb et al., 2002).

    Parameters
    ----------
    population_size : int
        Number of trials to keep; that of the sampler.

    Raises
    ------
    ValueError
        When the size is below 2, or, when called, a constraint is NaN.

    Examples
    --------
    >>> import optuna, warnings
    >>> from lamoo_fast.adapters.optuna import EliteSelection
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # the argument is an experimental one
    ...     sampler = optuna.samplers.NSGAIISampler(
    ...         population_size=20, elite_population_selection_strategy=EliteSelection(20)
    ...     )
    """

    def __init__(self, population_size: int = 50) -> None:
        if population_size < 2:
            raise ValueError(f"population_size is {population_size!r}, wanted at least 2")
        self._size = population_size

    def __call__(self, study: Study, population: list[FrozenTrial]) -> list[FrozenTrial]:
        """Return the best trials of the population."""
        if not population:
            return []
        values = np.array([trial.values for trial in population], dtype=np.float64)
        signs = [-1.0 if d == StudyDirection.MAXIMIZE else 1.0 for d in study.directions]
        ranks = _ranks(values * signs, _penalties(population))
        kept: list[int] = []
        for rank in range(ranks.max() + 1):
            front = np.flatnonzero(ranks == rank)
            if len(kept) + len(front) >= self._size:
                kept += front[_by_crowding(values[front])][: self._size - len(kept)].tolist()
                break
            kept += front.tolist()
        return [population[i] for i in kept]


def _penalties(population: list[FrozenTrial]) -> Floats:
    """Sum of what each trial violates; 0 is feasible."""
    rows = [list(constraints(trial).values()) for trial in population]
    if any(value != value for row in rows for value in row):
        raise ValueError("constraints has NaN, wanted numbers")
    return np.array([sum(value for value in row if value > 0) for row in rows], dtype=np.float64)


def _ranks(F: Floats, penalties: Floats) -> NDArray[np.int64]:
    """Fronts of the feasible trials, and then the others by their violations."""
    ranks = np.empty(len(F), dtype=np.int64)
    feasible = penalties <= 0
    ranks[feasible] = pareto_rank(finite(F[feasible]))
    after = ranks[feasible].max(initial=-1) + 1
    ranks[~feasible] = after + np.unique(penalties[~feasible], return_inverse=True)[1].reshape(-1)
    return ranks


def _by_crowding(values: Floats) -> NDArray[np.intp]:
    """Order of a front, the least crowded first; among equals the last in Optuna's own order."""
    order = np.arange(len(values))
    distance = np.zeros(len(values))
    for column in values.T:
        order = order[np.argsort(column[order], kind="stable")]
        v = np.concatenate([[-np.inf], column[order], [np.inf]])
        if v[1] == v[-2]:
            continue
        width = v[v < np.inf][-1] - v[v > -np.inf][0]
        with np.errstate(invalid="ignore"):
            gaps = np.where(v[2:] == v[:-2], 0.0, v[2:] - v[:-2])
        distance[order] += gaps / (width if width > 0 else 1.0)
    return order[np.argsort(distance[order], kind="stable")][::-1]
