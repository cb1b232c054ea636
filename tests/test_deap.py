"""DEAP: the same individuals in the same order as its own tools."""

import random
from functools import partial

import numpy as np
import pytest

pytest.importorskip("deap")

from deap import algorithms, base, benchmarks, cma, creator, tools

from lamoo_fast.adapters import deap as adapter
from lamoo_fast.adapters import deap_sort
from lamoo_fast.adapters.order import contributions
from lamoo_fast.kernels import hv_contributions

WEIGHTS = (-1.0, 1.0, -2.0, -1.0)


def individuals(values):
    """Individuals whose fitness has these values."""
    name = f"Fitness{values.shape[1]}"
    if not hasattr(creator, name):
        creator.create(name, base.Fitness, weights=WEIGHTS[: values.shape[1]])
        creator.create("Of" + name, list, fitness=getattr(creator, name))
    made = [getattr(creator, "Of" + name)([i]) for i in range(len(values))]
    for individual, row in zip(made, values.tolist(), strict=True):
        individual.fitness.values = row
    return made


def points(seed, n, m, levels=6):
    return np.random.default_rng(seed).integers(0, levels, (n, m)).astype(float)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_sorts_and_selects_as_deap(m):
    for seed, n in enumerate([1, 2, 20, 90]):
        for levels in (4, 1000):
            population = individuals(points(seed, n, m, levels))
            for k in {0, 1, n // 3, n, n + 5}:
                assert adapter.sortNondominated(population, k) == tools.sortNondominated(
                    population, k
                )
                mine = adapter.selNSGA2(population, k) if k else []
                crowding = [ind.fitness.crowding_dist for ind in mine]
                theirs = tools.selNSGA2(population, k) if k else []
                assert mine == theirs
                assert crowding == [ind.fitness.crowding_dist for ind in theirs]
            first = adapter.sortNondominated(population, n, first_front_only=True)
            assert first == tools.sortNondominated(population, n, first_front_only=True)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_logarithmic_order(m):
    for seed, n in enumerate([1, 2, 30, 90]):
        for levels in (4, 1000):
            population = individuals(points(seed, n, m, levels))
            for k in {1, n // 3, n, n + 5} - {0}:
                wanted = tools.sortLogNondominated(population, k)
                assert adapter.sortLogNondominated(population, k) == wanted
                mine = adapter.selNSGA2(population, k, nd="log")
                assert mine == tools.selNSGA2(population, k, nd="log")
            first = adapter.sortLogNondominated(population, n, first_front_only=True)
            assert first == tools.sortLogNondominated(population, n, first_front_only=True)
    assert adapter.sortLogNondominated(population, 0) == []
    with pytest.raises(ValueError, match="nd is 'fast'"):
        adapter.selNSGA2(population, 3, nd="fast")


def test_large_fronts_go_in_parts(monkeypatch):
    population = individuals(points(0, 60, 3))
    wanted = adapter.sortNondominated(population, 60)
    monkeypatch.setattr(deap_sort, "_CHUNK", 7)
    assert adapter.sortNondominated(population, 60) == wanted


def test_infinite_and_missing_values():
    population = individuals(np.array([[np.nan, 1.0], [1.0, 1.0], [np.inf, 1.0], [0.0, -np.inf]]))
    ranks = [[p[0] for p in front] for front in adapter.sortNondominated(population, 4)]
    assert ranks == [[1, 3], [2], [0]]
    for bad in (np.inf, np.nan):
        front = individuals(np.array([[0.0, 5.0], [2.0, 6.0], [1.0, -bad]]))
        assert adapter.hypervolume(front) == 2


def test_endless_contributions():
    """Rows with -inf contribute without end, unless others cover them; the rest as ever."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        F = rng.integers(0, 5, (6, 3)).astype(float)
        F[rng.random(F.shape) < 0.2] = -np.inf
        ref, far = np.full(3, 5.0), 1e9
        wanted = hv_contributions(np.where(np.isinf(F), -far, F), ref, ignore_dominated=False)
        found = contributions(F, ref, ignore_dominated=False)
        assert (np.isinf(found) == (wanted > far / 2)).all()
        np.testing.assert_allclose(found[wanted < far / 2], wanted[wanted < far / 2], atol=1e-5)
    front = individuals(np.array([[0.0, 5.0], [2.0, 6.0], [-np.inf, 1.0], [1.0, 5.2]]))
    assert adapter.hypervolume(front) == 3


@pytest.mark.filterwarnings("error")
def test_selects_among_infinite_values_as_deap():
    population = individuals(np.array([[np.inf, 9.0], [1, 1], [2, 4], [3, 5], [-np.inf, -np.inf]]))
    for k in range(1, 6):
        assert adapter.selNSGA2(population, k) == tools.selNSGA2(population, k)
    assert adapter.selNSGA2([], 3) == []


@pytest.mark.parametrize("m", [2, 3, 4])
def test_least_contributor(m):
    for seed in range(5):
        front = individuals(np.random.default_rng(seed).random((15, m)))
        assert adapter.hypervolume(front) == tools.hypervolume(front)
        ref = np.full(m, 2.0)
        assert adapter.hypervolume(front, ref=ref) == tools.hypervolume(front, ref=ref)


def test_in_the_hands_of_cma():
    """MO-CMA-ES goes the same way with our indicator."""

    def run(indicator):
        np.random.seed(0)  # noqa: NPY002 - DEAP draws from it
        parents = individuals(np.random.default_rng(0).random((6, 2)))
        for parent in parents:
            parent[:] = [0.5, 0.5]
        kind = type(parents[0])
        strategy = cma.StrategyMultiObjective(parents, 0.3, mu=6, lambda_=6, indicator=indicator)
        for _ in range(10):
            children = strategy.generate(kind)
            for child in children:
                child.fitness.values = child[0] ** 2, -((child[0] - 1) ** 2) - child[1] ** 2
            strategy.update(children)
        return [list(parent) for parent in strategy.parents]

    assert run(adapter.hypervolume) == run(tools.hypervolume)


def test_whole_runs_are_those_of_deap(monkeypatch):
    """NSGA-II and NSGA-III from one seed, by DEAP's parts and by ours beneath them."""
    toolbox = base.Toolbox()
    toolbox.register("evaluate", benchmarks.dtlz2, obj=3)
    toolbox.register("mate", tools.cxSimulatedBinaryBounded, low=0.0, up=1.0, eta=20.0)
    toolbox.register("mutate", tools.mutPolynomialBounded, low=0.0, up=1.0, eta=20.0, indpb=0.2)
    toolbox.register("map", map)

    def run(select, n=40):
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002 - DEAP draws from it
        population = individuals(np.ones((n, 3)))
        for individual in population:
            individual[:] = [random.random() for _ in range(6)]
            individual.fitness.values = toolbox.evaluate(individual)
        for _ in range(12):
            children = algorithms.varAnd(population, toolbox, cxpb=0.9, mutpb=0.9)
            for child in children:
                child.fitness.values = toolbox.evaluate(child)
            population = select(population + children, n)
        return [(list(individual), individual.fitness.values) for individual in population]

    assert run(adapter.selNSGA2) == run(tools.selNSGA2)
    third = partial(tools.selNSGA3, ref_points=tools.uniform_reference_points(3, 6))
    wanted = run(third)
    monkeypatch.setattr("deap.tools.emo.sortLogNondominated", adapter.sortLogNondominated)
    assert run(third) == wanted
