"""Spaces as user-defined problems of pygmo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamoo_fast.adapters.order import Floats
from lamoo_fast.search import Space
from lamoo_fast.search.checks import check_directions


class SpaceProblem:
    """A space and its evaluation as a problem over the unit cube, for `pygmo.problem`.

    Parameters
    ----------
    space : Space
        What is searched; `Space.decode` turns decision vectors into configurations.
    evaluate : callable
        Takes a configuration (dict), returns one number per objective.
    directions : m strings
        "minimize" or "maximize" for each objective; pygmo sees them minimised.

    Raises
    ------
    ValueError
        When a direction is another, or the space has a `valid`, which pygmo cannot ask.

    Examples
    --------
    >>> import pygmo as pg
    >>> from lamoo_fast.adapters.pygmo import SpaceProblem
    >>> from lamoo_fast.search import Integer
    >>> space = Space({"depth": Integer(1, 4)})
    >>> udp = SpaceProblem(space, lambda c: (c["depth"], 9 - c["depth"]), ["minimize", "maximize"])
    >>> pg.problem(udp).fitness([0.3])
    array([ 2., -7.])
    """

    def __init__(
        self,
        space: Space,
        evaluate: Callable[[dict[str, Any]], Sequence[float]],
        directions: Sequence[str],
    ) -> None:
        if space.valid is not None:
            raise ValueError(f"valid is {space.valid!r}, wanted None: pygmo cannot ask it")
        self._space, self._evaluate = space, evaluate
        signs = [-1.0 if d == "maximize" else 1.0 for d in check_directions(directions)]
        self._signs: Floats = np.array(signs)

    def fitness(self, x: Floats) -> Floats:
        """Return the objectives, minimised; ValueError where x has NaN or their number is wrong."""
        x = np.asarray(x, dtype=np.float64)
        if np.isnan(x).any():
            raise ValueError(f"x is {x.tolist()}, wanted numbers")
        [config] = self._space.decode(x[np.newaxis])
        values = np.asarray(self._evaluate(config), dtype=np.float64)
        if values.shape != self._signs.shape:
            raise ValueError(f"evaluate returned {values}, wanted {len(self._signs)} numbers")
        return values * self._signs

    def get_bounds(self) -> tuple[list[float], list[float]]:
        """Return the corners of the unit cube."""
        return [0.0] * self._space.d, [1.0] * self._space.d

    def get_nobj(self) -> int:
        """Return the number of objectives."""
        return len(self._signs)

    def get_name(self) -> str:
        """Return the name that pygmo shows."""
        return f"lamoo_fast space of {self._space.d} dimensions"

    def get_extra_info(self) -> str:
        """Return the parameters, which pygmo shows below the name."""
        return "\n".join(f"\t{name}: {param}" for name, param in self._space.params.items())
