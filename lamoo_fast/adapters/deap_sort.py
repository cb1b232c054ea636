"""DEAP's non-dominated sorting on our kernels, in the order that its own functions have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamoo_fast.adapters.order import Floats, finite, fronts

_CHUNK = 2**24  # comparisons at once


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
    F, groups = _unique(individuals)
    found: list[list[Any]] = []
    before: NDArray[np.intp] | None = None
    for front in fronts(F, max_fronts=1 if first_front_only else None):
        rows = front if before is None else _by_last_dominator(F, before, front)
        found.append(list(chain.from_iterable(groups[row] for row in rows.tolist())))
        if sum(map(len, found)) >= min(k, len(individuals)):
            break
        before = rows
    return found


def sortLogNondominated(  # noqa: N802
    individuals: Sequence[Any], k: int, first_front_only: bool = False
) -> list[Any]:
    """Sort into fronts until they hold k individuals, as `deap.tools.sortLogNondominated` does.

    Fronts stand in lexicographic order of the weighted values, the best first. As there, the
    first front alone is one list, not a list of lists.

    Examples
    --------
    >>> sortLogNondominated([], 3)
    []
    """
    if k == 0 or not len(individuals):
        return []
    F, groups = _unique(individuals)
    found: list[list[Any]] = []
    for front in fronts(F, max_fronts=1 if first_front_only else None):
        rows = front[np.lexsort(F[front].T[::-1])]
        found.append(list(chain.from_iterable(groups[row] for row in rows.tolist())))
        if sum(map(len, found)) >= min(k, len(individuals)):
            break
    return found[0] if first_front_only else found


def _unique(individuals: Sequence[Any]) -> tuple[Floats, list[list[Any]]]:
    """Different values, minimised, as rows (n, m), and the individuals that have them."""
    equal: dict[tuple[float, ...], list[Any]] = {}
    for individual in individuals:
        equal.setdefault(individual.fitness.wvalues, []).append(individual)
    return finite(-np.array(list(equal), dtype=np.float64)), list(equal.values())


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
