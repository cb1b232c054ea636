"""DEAP: selection and indicators on our kernels, to be registered in a toolbox."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.adapters.hosts import require

require("deap", "1.4.2", "deap")

from lamoo_fast.adapters.order import Floats, contributions, finite, fronts

_CHUNK = 2**24  # comparisons at once


def selNSGA2(individuals: Sequence[Any], k: int) -> list[Any]:  # noqa: N802 - DEAP's name
    """Select k individuals by front and crowding distance, as `deap.tools.selNSGA2` does.

    The same individuals in the same order, ties included; sets ``fitness.crowding_dist``. NaN is
    worse than any number. Deb et al. (2002).

    Parameters
    ----------
    individuals : sequence
        With attributes ``fitness.values`` and ``fitness.wvalues``.
    k : int
        How many to select.

    Examples
    --------
    >>> from deap import base
    >>> from lamoo_fast.adapters.deap import selNSGA2
    >>> toolbox = base.Toolbox()
    >>> toolbox.register("select", selNSGA2)
    """
    sorted_fronts = sortNondominated(individuals, k) or [[]]
    for front in sorted_fronts:
        assignCrowdingDist(front)
    chosen = list(chain(*sorted_fronts[:-1]))
    if k > len(chosen):
        last = sorted(sorted_fronts[-1], key=lambda ind: ind.fitness.crowding_dist, reverse=True)
        chosen += last[: k - len(chosen)]
    return chosen


def sortNondominated(  # noqa: N802
    individuals: Sequence[Any], k: int, first_front_only: bool = False
) -> list[list[Any]]:
    """Sort into fronts until they hold k individuals, as `deap.tools.sortNondominated` does.

    Individuals of a front stand in the order that they have there.

    Examples
    --------
    >>> from deap import base, creator
    >>> creator.create("Two", base.Fitness, weights=(-1.0, -1.0))
    >>> creator.create("Point", list, fitness=creator.Two)
    >>> points = [creator.Point() for _ in range(3)]
    >>> for point, values in zip(points, [(1, 1), (0, 1), (1, 0)]):
    ...     point.fitness.values = values
    >>> [[p.fitness.values for p in front] for front in sortNondominated(points, 3)]
    [[(0.0, 1.0), (1.0, 0.0)], [(1.0, 1.0)]]
    """
    if k == 0 or not len(individuals):
        return []
    equal: dict[tuple[float, ...], list[Any]] = {}
    for individual in individuals:
        equal.setdefault(individual.fitness.wvalues, []).append(individual)
    F = finite(-np.array(list(equal), dtype=np.float64))
    groups = list(equal.values())
    found: list[list[Any]] = []
    before: NDArray[np.intp] | None = None
    for front in fronts(F, max_fronts=1 if first_front_only else None):
        rows = front if before is None else _by_last_dominator(F, before, front)
        found.append(list(chain.from_iterable(groups[row] for row in rows.tolist())))
        if sum(map(len, found)) >= min(k, len(individuals)):
            break
        before = rows
    return found


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
        Individuals that are not below it, NaN too, contribute nothing.

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


def _by_last_dominator(
    F: Floats, before: NDArray[np.intp], front: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Order a front as DEAP finds it: by the last point of the front before that dominates."""
    last = np.empty(len(front), dtype=np.intp)
    step = max(1, _CHUNK // len(before))
    backwards = F[before[::-1]]
    for start in range(0, len(front), step):
        part = front[start : start + step]
        # Points of the front before are no equals of these, so `<=` is dominance.
        dominated = (backwards <= F[part, np.newaxis]).all(axis=2)
        last[start : start + step] = len(before) - 1 - dominated.argmax(axis=1)
    return front[np.lexsort((front, last))]
