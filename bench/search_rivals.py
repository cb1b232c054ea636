"""Rivals of the study that need no model: random search, mutation, evolution, CMA-ES.

A method proposes points of the unit cube, as `Space` encodes them, and is told minimised values.
Every one is given its problem, the same initial points as all the others, and a seed. Whatever it
proposes is moved to the nearest point that can be evaluated, and a point that was evaluated before
is answered again without being counted, which favours methods that repeat themselves.
"""

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import numpy as np
from search_problems import StudyProblem

import lamoo_fast as lf

Array = np.ndarray


class Method(Protocol):
    """Built as method(problem, X, F, seed) from the evaluated initial points."""

    def ask(self) -> Array:
        """Return the next points (k, d)."""

    def tell(self, X: Array, F: Array) -> None:
        """Take the points that were evaluated in their place, and their values."""


class UnfitError(Exception):
    """Why a method does not take part in a problem."""


def needs(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise UnfitError(f"{package} is not installed")


class Unseen:
    """The points of an enumerable space that were not evaluated."""

    def __init__(self, space: lf.Space, X: Array) -> None:
        self.space = space
        self._row = {key: i for i, key in enumerate(space.keys(space.enumerate()))}
        self._left = np.ones(len(self._row), dtype=bool)
        self.remove(X)

    def remove(self, X: Array) -> None:
        for key in self.space.keys(X):
            self._left[self._row[key]] = False

    def points(self) -> Array:
        return self.space.enumerate()[self._left]


class Random:
    """Uniform, in an enumerable space without repeats."""

    def __init__(self, problem: StudyProblem, X: Array, F: Array, seed: int) -> None:
        self.space = problem.space
        self.rng = np.random.default_rng(seed)
        self.unseen = Unseen(self.space, X) if self.space.is_enumerable else None

    def ask(self) -> Array:
        if self.unseen is None:
            return self.space.snap(self.rng.random((1, self.space.d)))
        left = self.unseen.points()
        return left[self.rng.integers(len(left))][None]

    def tell(self, X: Array, F: Array) -> None:
        if self.unseen is not None:
            self.unseen.remove(X)


class ParetoMutation:
    """Changes one coordinate of a random member of the front; never repeats a point.

    A category is redrawn. A real number is shifted by a normal step whose size is drawn
    log-uniformly from 1/200 to 1/2 of its range. In a table that holds few of the combinations the
    mutant stands for the nearest row that was not evaluated.
    """

    def __init__(self, problem: StudyProblem, X: Array, F: Array, seed: int) -> None:
        self.space, self.X, self.F = problem.space, X, F
        self.rng = np.random.default_rng(seed)
        self.codes = np.array([p.n_codes or 0 for p in self.space.params.values()])
        self.unseen = Unseen(self.space, X) if self.space.is_enumerable else None

    def ask(self) -> Array:
        front = self.X[lf.is_nondominated(self.F)]
        seen = set(self.space.keys(self.X))
        for _ in range(8):
            X = self.mutants(front)
            X = X[self.space.is_valid(X)]
            for x, key in zip(X, self.space.keys(X), strict=True):
                if key not in seen:
                    return x[None]
        if self.unseen is None:
            return self.space.snap(self.rng.random((1, self.space.d)))
        return nearest(self.mutants(front)[:1], self.unseen.points(), self.rng)

    def mutants(self, front: Array, n: int = 32) -> Array:
        X = front[self.rng.integers(len(front), size=n)]
        j = self.rng.integers(len(self.codes), size=n)
        step = np.exp(self.rng.uniform(np.log(0.005), np.log(0.5), n))
        shifted = np.clip(X[np.arange(n), j] + step * self.rng.standard_normal(n), 0, 1)
        X[np.arange(n), j] = np.where(self.codes[j] > 0, self.rng.random(n), shifted)
        return self.space.snap(X)

    def tell(self, X: Array, F: Array) -> None:
        self.X, self.F = np.vstack([self.X, X]), np.vstack([self.F, F])
        if self.unseen is not None:
            self.unseen.remove(X)


def nearest(x: Array, grid: Array, rng: np.random.Generator) -> Array:
    """A row of the grid that differs from x (1, d) in the fewest coordinates, at random."""
    distance = (np.abs(grid - x) > 1e-9).sum(axis=1)
    return grid[rng.choice(np.flatnonzero(distance == distance.min()))][None]


class Pymoo:
    """An evolutionary algorithm of pymoo.

    Categories are crossed over uniformly and redrawn with probability 1/d, real numbers by pymoo's
    own operators. Offspring that are in the population are made anew.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        problem: StudyProblem,
        X: Array,
        F: Array,
        seed: int,
        **options: Any,
    ) -> None:
        needs("pymoo")
        from pymoo.core.duplicate import DefaultDuplicateElimination
        from pymoo.core.evaluator import Evaluator
        from pymoo.core.mutation import Mutation
        from pymoo.core.population import Population
        from pymoo.core.problem import Problem
        from pymoo.core.termination import NoTermination
        from pymoo.operators.crossover.ux import UX
        from pymoo.problems.static import StaticProblem

        space = problem.space

        class Redraw(Mutation):
            def _do(self, problem: Any, X: Array, *args: Any, random_state: Any = None, **kw: Any):
                changed = random_state.random(X.shape) < 1 / space.d
                return space.snap(np.where(changed, random_state.random(X.shape), X))

        kinds = {p.n_codes is None for p in space.params.values()}
        if len(kinds) > 1:
            raise UnfitError("no operators for mixed spaces")
        if False in kinds:
            options |= {"crossover": UX(), "mutation": Redraw(prob=1.0)}
        self.problem = Problem(n_var=space.d, n_obj=problem.m, xl=0.0, xu=1.0)
        self.algorithm = make(
            sampling=Population.new("X", X),
            eliminate_duplicates=DefaultDuplicateElimination(),
            **options,
        )
        self.algorithm.setup(self.problem, termination=NoTermination(), seed=seed)
        self.evaluate = lambda pop, F: Evaluator().eval(StaticProblem(self.problem, F=F), pop)
        self.asked = self.algorithm.ask()
        self.rng = np.random.default_rng(seed)
        self.tell(X, F)

    def ask(self) -> Array:
        self.asked = self.algorithm.ask()
        if self.asked is None or len(self.asked) == 0:  # nothing but duplicates could be made
            from pymoo.core.population import Population

            self.asked = Population.new("X", self.rng.random((1, self.problem.n_var)))
        return self.asked.get("X")

    def tell(self, X: Array, F: Array) -> None:
        asked = self.asked[: len(X)]
        asked.set("X", X)
        self.evaluate(asked, F)
        self.algorithm.tell(infills=asked)


# The best of 10, 20 and 40 on six of the problems at 99 evaluations, with 1 new member at a time
# rather than 5 or 10.
POPULATION = 10


def nsga2(problem: StudyProblem, X: Array, F: Array, seed: int) -> Method:
    needs("pymoo")
    from pymoo.algorithms.moo.nsga2 import NSGA2

    return Pymoo(NSGA2, problem, X, F, seed, pop_size=POPULATION, n_offsprings=1)


def nsga3(problem: StudyProblem, X: Array, F: Array, seed: int) -> Method:
    needs("pymoo")
    from pymoo.algorithms.moo.nsga3 import NSGA3

    return Pymoo(
        NSGA3, problem, X, F, seed,
        ref_dirs=directions(problem.m), pop_size=POPULATION, n_offsprings=1,
    )  # fmt: skip


@cache
def directions(m: int) -> Array:
    """As many reference directions as the population has members, evenly spread."""
    from pymoo.util.ref_dirs import get_reference_directions

    if m == 2:
        return get_reference_directions("das-dennis", 2, n_partitions=POPULATION - 1)
    return get_reference_directions("energy", m, POPULATION, seed=1)


def sms_emoa(problem: StudyProblem, X: Array, F: Array, seed: int) -> Method:
    needs("pymoo")
    from pymoo.algorithms.moo.sms import SMSEMOA

    return Pymoo(SMSEMOA, problem, X, F, seed, pop_size=POPULATION, n_offsprings=1)


class Como:
    """COMO-CMA-ES: several CMA-ES that each move one point, by the hypervolume it adds.

    Categories are relaxed to ordered cells of the unit interval, as everywhere for CMA-ES. Two
    kernels start at the best of the initial points; of 1 to 10 and steps of 0.1 to 0.3 these are
    best at 99 evaluations among those that approximate a front.
    """

    def __init__(self, problem: StudyProblem, X: Array, F: Array, seed: int) -> None:
        needs("comocma")
        import comocma

        if problem.m != 2:
            raise UnfitError("comocma takes two objectives")
        self.space, self.rng = problem.space, np.random.default_rng(seed)
        order = np.lexsort([-lf.hv_contributions(F, F.max(axis=0) + 1), lf.dominance_count(F)])
        options = {
            "bounds": [0, 1], "verbose": -9, "popsize": 4, "seed": seed + 1,
            "CMA_elitist": False, "verb_log": 0, "verb_disp": 0,
        }  # fmt: skip
        kernels = comocma.get_cmas([x.tolist() for x in X[order[:2]]], 0.3, options)
        self.scale = np.ptp(F, axis=0) + 1e-12
        ref = problem.signs * np.array(problem.ref) / self.scale
        self.moes = comocma.Sofomore(kernels, reference_point=ref.tolist())
        self.asked: list[Any] = []

    def ask(self) -> Array:
        self.asked = self.moes.ask()
        if not len(self.asked):  # all kernels have converged
            return self.space.snap(self.rng.random((1, self.space.d)))
        return self.space.snap(np.clip(self.asked, 0, 1))

    def tell(self, X: Array, F: Array) -> None:
        if len(F) == len(self.asked):
            self.moes.tell(self.asked, (F / self.scale).tolist())
