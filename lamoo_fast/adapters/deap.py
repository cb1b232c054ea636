"""DEAP: selection and indicators on our kernels, to be registered in a toolbox."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lamoo_fast.adapters.hosts import require

require("deap", "1.4.2", "deap")

from lamoo_fast.adapters.deap_sort import sortLogNondominated, sortNondominated
from lamoo_fast.adapters.order import contributions

__all__ = [
    "assignCrowdingDist",
    "hypervolume",
    "selNSGA2",
    "sortLogNondominated",
    "sortNondominated",
]


def selNSGA2(  # noqa: N802 - DEAP's name
    individuals: Sequence[Any], k: int, nd: str = "standard"
) -> list[Any]:
    """Select k individuals by front and crowding distance, as `deap.tools.selNSGA2` does.

    The same individuals in the same order, ties included; sets ``fitness.crowding_dist``. NaN is
    worse than any number. Deb et al. (2002).

    Parameters
    ----------
    individuals : sequence
        With attributes ``fitness.values`` and ``fitness.wvalues``.
    k : int
        How many to select.
    nd : str
        "standard" or "log": in whose order a front stands, that of `sortNondominated` or of
        `sortLogNondominated`, which decides ties.

    Raises
    ------
    ValueError
        When nd is another.

    Examples
    --------
    >>> from deap import base
    >>> from lamoo_fast.adapters.deap import selNSGA2
    >>> toolbox = base.Toolbox()
    >>> toolbox.register("select", selNSGA2)
    """
    if nd not in ("standard", "log"):
        raise ValueError(f"nd is {nd!r}, wanted 'standard' or 'log'")
    sort = sortNondominated if nd == "standard" else sortLogNondominated
    sorted_fronts = sort(individuals, k) or [[]]
    for front in sorted_fronts:
        assignCrowdingDist(front)
    chosen = list(chain(*sorted_fronts[:-1]))
    if k > len(chosen):
        last = sorted(sorted_fronts[-1], key=lambda ind: ind.fitness.crowding_dist, reverse=True)
        chosen += last[: k - len(chosen)]
    return chosen


def assignCrowdingDist(individuals: Sequence[Any]) -> None:  # noqa: N802
    """Set ``fitness.crowding_dist`` of each individual of a front, as DEAP does.

    Examples
    --------
    >>> assignCrowdingDist([])
    """
    if not len(individuals):
        return
    values = np.array([individual.fitness.values for individual in individuals], dtype=np.float64)
    n, m = values.shape
    order = np.arange(n)
    distance = np.zeros(n)
    for column in values.T:
        order = order[np.argsort(column[order], kind="stable")]
        v = column[order]
        distance[order[[0, -1]]] = np.inf
        if v[0] != v[-1]:
            with np.errstate(invalid="ignore"):  # of infinite values NaN, as in DEAP
                distance[order[1:-1]] += (v[2:] - v[:-2]) / (m * (v[-1] - v[0]))
    for individual, value in zip(individuals, distance.tolist(), strict=True):
        individual.fitness.crowding_dist = value


def hypervolume(front: Sequence[Any], *, ref: ArrayLike | None = None) -> int:
    """Return the index of the individual that contributes the least hypervolume.

    For ``deap.cma.StrategyMultiObjective(indicator=hypervolume)``. All contributions are computed
    at once, where `deap.tools.hypervolume` computes a hypervolume for each individual.

    Parameters
    ----------
    front : sequence
        Individuals.
    ref : array_like, shape (m,), optional
        Reference point, of values that are minimised; by default the worst finite ones plus 1.
        Individuals that are not below it, NaN too, contribute nothing, and those with -inf
        without end.

    Examples
    --------
    >>> from deap import base, creator
    >>> creator.create("Up", base.Fitness, weights=(1.0, 1.0))
    >>> creator.create("Individual", list, fitness=creator.Up)
    >>> front = [creator.Individual() for _ in range(3)]
    >>> for individual, values in zip(front, [(0, 5), (1, 4.5), (5, 0)]):
    ...     individual.fitness.values = values
    >>> hypervolume(front)
    0
    """
    F = -np.array([individual.fitness.wvalues for individual in front], dtype=np.float64)
    corner = np.where(np.isfinite(F), F, -np.inf).max(axis=0) + 1 if ref is None else ref
    return int(contributions(F, corner, ignore_dominated=False).argmin())
