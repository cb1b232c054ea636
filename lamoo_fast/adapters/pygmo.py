"""pygmo: LaMOO as a user-defined algorithm, and spaces as user-defined problems."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from lamoo_fast.adapters.hosts import require

# Older ones take the strides of NumPy 2 for others, and numbers for those of their neighbours.
require("pygmo", "2.19" if np.__version__.startswith("1.") else "2.19.8", "pygmo")

from lamoo_fast.adapters.order import Floats, fronts
from lamoo_fast.adapters.pygmo_problem import SpaceProblem
from lamoo_fast.kernels import crowding_distance
from lamoo_fast.search import Categorical, Float, Integer, LaMOO, Space, SpaceExhausted
from lamoo_fast.search.checks import check_count

__all__ = ["LaMOOAlgorithm", "SpaceProblem"]


class LaMOOAlgorithm:
    """Multi-objective search by learned partitions of the search space, for `pygmo.algorithm`.

    An evolution learns from the population, evaluates `evaluations` new points one by one, and
    leaves the best ones in the population: the feasible ones by front and crowding distance, then
    the others by what they violate, then those with values that are not finite. The population is
    part of the initial design: while it and the new points are fewer than `n_initial`, these are
    drawn uniformly. Integers and constraints of the problem are respected. It copies and pickles,
    and its seed determines what it does. Islands with it are processes (`pygmo.mp_island`, which
    pygmo chooses for what is written in Python): scripts that use them need the usual
    ``if __name__ == "__main__":``.

    Parameters
    ----------
    evaluations : int
        Number of evaluations in each evolution.
    seed : int, optional
        As `pygmo.algorithm.set_seed` sets it.
    **settings
        Keyword arguments of `lamoo_fast.LaMOO`, such as ref, sampler, n_initial.

    Examples
    --------
    >>> import pygmo as pg
    >>> from lamoo_fast.adapters.pygmo import LaMOOAlgorithm
    >>> algorithm = pg.algorithm(LaMOOAlgorithm(evaluations=5, seed=1))
    >>> population = pg.population(pg.problem(pg.zdt(1, param=3)), size=12, seed=1)
    >>> len(algorithm.evolve(population))
    12
    """

    def __init__(self, evaluations: int = 20, seed: int | None = None, **settings: Any) -> None:
        self.evaluations = check_count("evaluations", evaluations)
        self._settings = settings
        self._rng = np.random.default_rng(seed)

    def set_seed(self, seed: int) -> None:
        """Begin anew with this seed."""
        self._rng = np.random.default_rng(seed)

    def get_name(self) -> str:
        """Return the name that pygmo shows."""
        return "LaMOO: search by learned space partitions"

    def get_extra_info(self) -> str:
        """Return the settings, which pygmo shows below the name."""
        settings = {"evaluations": self.evaluations, **self._settings}
        return "\n".join(f"\t{name}: {value}" for name, value in settings.items())

    def evolve(self, population: Any) -> Any:
        """Evaluate new points and return the population of the best ones; that given stays."""
        population = copy.deepcopy(population)  # pygmo hands over its own, not a copy
        problem = population.problem
        n, m, equal = len(population), problem.get_nobj(), problem.get_nec()
        tolerance = np.array(problem.c_tol, dtype=np.float64)
        opt = LaMOO(
            _space(problem),
            ["minimize"] * m,
            n_constraints=problem.get_nc(),
            seed=self._rng,
            **self._settings,
        )

        def row(f: Floats) -> Floats:
            limits = np.concatenate([np.abs(f[m : m + equal]), f[m + equal :]]) - tolerance
            return np.concatenate([f[:m], limits])

        X, F = list(population.get_x()), list(population.get_f())
        names = opt.space.names
        opt.tell([dict(zip(names, x.tolist(), strict=True)) for x in X], [row(f) for f in F])
        for _ in range(self.evaluations):
            try:
                [trial] = opt.ask()
            except SpaceExhausted:
                break
            X.append(np.array(list(trial.config.values()), dtype=np.float64))
            F.append(problem.fitness(X[-1]))
            opt.tell([trial], [row(F[-1])])
        rows = np.array([row(f) for f in F])
        for place, i in enumerate(_best(rows[:, :m], rows[:, m:])[:n]):
            population.set_xf(place, X[i], F[i])
        return population


def _space(problem: Any) -> Space:
    """The decision vector as parameters "0", "1", ...; pygmo has the integers last."""
    low, high = problem.get_bounds()
    whole = len(low) - problem.get_nix()
    params: dict[str, Float | Integer | Categorical] = {}
    for i, (a, b) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        one = Float(a, b) if a < b else Categorical([a])
        params[str(i)] = Integer(int(a), int(b)) if i >= whole else one
    return Space(params)


def _best(F: Floats, G: Floats) -> list[int]:
    """All rows, the best first."""
    # What failed has values that are not finite: it comes after all that only violates something.
    excess = np.where(np.isfinite(F).all(axis=1), np.maximum(G, 0.0).sum(axis=1), np.inf)
    feasible = np.flatnonzero(excess <= 0)
    order: list[int] = []
    for front in fronts(F[feasible]):
        rows = feasible[front]
        order += rows[np.argsort(-crowding_distance(F[rows]), kind="stable")].tolist()
    rest = np.flatnonzero(~(excess <= 0))
    order += rest[np.argsort(excess[rest], kind="stable")].tolist()
    return order
