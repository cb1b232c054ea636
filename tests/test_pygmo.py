"""pygmo: LaMOO as an algorithm of its archipelagos, spaces as problems."""

import copy
import pickle

import numpy as np
import pytest

pg = pytest.importorskip("pygmo")

from lamoo_fast.adapters.pygmo import LaMOOAlgorithm, SpaceProblem  # noqa: E402
from lamoo_fast.search import Categorical, Float, Integer, Space  # noqa: E402


class Limited:
    """Two objectives, an equality, a limit, and a whole number."""

    def fitness(self, x):
        return [x[0] + x[1], 1 - x[0] + x[1], x[1] - 2, 0.3 - x[0]]

    def get_bounds(self):
        return [0, 0], [1, 4]

    def get_nobj(self):
        return 2

    def get_nec(self):
        return 1

    def get_nic(self):
        return 1

    def get_nix(self):
        return 1


def evolved(algorithm, problem):
    return algorithm.evolve(pg.population(problem, 10, seed=4))


def test_improves_and_keeps_the_size():
    before = pg.population(pg.zdt(1, param=3), 10, seed=4)
    after = evolved(pg.algorithm(LaMOOAlgorithm(12, 1, n_initial=8)), pg.zdt(1, param=3))
    assert len(after) == 10
    hv = [pg.hypervolume(p.get_f()).compute([2.0, 8.0]) for p in (before, after)]
    assert hv[1] > hv[0]


def test_the_population_given_is_left_alone():
    """As by pygmo's own algorithms."""
    given = pg.population(pg.zdt(1, param=3), 10, seed=4)
    before = given.get_x(), given.get_f(), given.problem.get_fevals()
    after = pg.algorithm(LaMOOAlgorithm(12, 1, n_initial=8)).evolve(given)
    for old, new in zip(before, (given.get_x(), given.get_f(), 10), strict=True):
        np.testing.assert_array_equal(old, new)
    assert after.problem.get_fevals() == 22
    assert not np.array_equal(after.get_f(), given.get_f())


def test_the_tutorial_on_several_objectives():
    """DTLZ1 in three objectives comes nearer to its front, by pygmo's own distance."""
    udp = pg.dtlz(prob_id=1, dim=4)
    distances = []
    population = pg.population(prob=udp, size=16, seed=1)
    for _ in range(3):
        distances.append(udp.p_distance(population))
        population = pg.algorithm(LaMOOAlgorithm(4, seed=1, n_initial=12)).evolve(population)
    assert distances[0] > distances[1] > distances[2]


def test_spaces_under_algorithms_of_pygmo():
    space = Space({"n": Integer(1, 5), "c": Categorical(["a", "b"]), "x": Float(0, 1)})
    udp = SpaceProblem(
        space, lambda c: (c["n"] + c["x"], c["x"] - (c["c"] == "b")), ["minimize"] * 2
    )
    for algorithm in (pg.nsga2(8), pg.moead(8, neighbours=5), pg.nspso(8), pg.maco(8, ker=12)):
        before = pg.population(pg.problem(udp), 24, seed=1)
        after = pg.algorithm(algorithm).evolve(before)
        assert not np.array_equal(after.get_f(), before.get_f())
        for x, f in zip(after.get_x(), after.get_f(), strict=True):
            np.testing.assert_array_equal(udp.fitness(x), f)


def test_islands():
    """In a process of its own."""
    island = pg.island(
        algo=LaMOOAlgorithm(3, n_initial=9), prob=pg.zdt(1, param=3), size=8, seed=1,
        udi=pg.mp_island(use_pool=False),
    )  # fmt: skip
    island.evolve()
    island.wait_check()
    assert island.get_population().problem.get_fevals() == 11


def archipelago(topology, udp, *algorithms):
    """One island for each algorithm, evolved twice."""
    islands = pg.archipelago(t=topology)
    for i, algorithm in enumerate(algorithms):
        islands.push_back(algo=algorithm, prob=udp, size=8, seed=i)
    islands.evolve(2)
    islands.wait_check()
    return islands


def fitnesses(islands):
    return [island.get_population().get_f() for island in islands]


@pytest.fixture(scope="module")
def pool():
    pg.mp_island.init_pool(2)
    yield
    pg.mp_island.shutdown_pool()


def mixed(seed):
    lamoo = [LaMOOAlgorithm(3, seed + i, n_initial=10) for i in range(2)]
    return *lamoo, pg.nsga2(gen=2, seed=seed)


@pytest.mark.usefixtures("pool")
def test_archipelagos():
    """LaMOO beside NSGA-II; without migration, the seeds determine all of it."""
    udp = pg.zdt(1, param=3)
    first = archipelago(pg.unconnected(), udp, *mixed(1))
    evaluations = [island.get_population().problem.get_fevals() for island in first]
    assert evaluations == [8 + 2 * 3, 8 + 2 * 3, 8 + 2 * 2 * 8]
    wanted = fitnesses(first)
    for again in (archipelago(pg.unconnected(), udp, *mixed(1)), pickle.loads(pickle.dumps(first))):
        np.testing.assert_array_equal(fitnesses(again), wanted)


@pytest.mark.usefixtures("pool")
def test_archipelagos_of_spaces_with_migration():
    """In processes too: the evaluation is sent there, and what migrates is of the space."""
    space = Space({"n": Integer(1, 5), "x": Float(0, 1)})
    udp = SpaceProblem(space, lambda c: (c["n"] + c["x"], -c["x"]), ["minimize"] * 2)
    islands = archipelago(pg.fully_connected(), udp, *mixed(1))
    assert islands.get_migration_log()
    for island in islands:
        population = island.get_population()
        assert len(population) == 8
        for x, f in zip(population.get_x(), population.get_f(), strict=True):
            np.testing.assert_array_equal(udp.fitness(x), f)


@pytest.mark.usefixtures("pool")
def test_errors_on_islands_are_told():
    calls = []

    def fails_later(config):
        calls.append(config)
        if len(calls) > 8:
            raise RuntimeError("no more memory")
        return config["x"], 1 - config["x"]

    udp = SpaceProblem(Space({"x": Float(0, 1)}), fails_later, ["minimize"] * 2)
    with pytest.raises(RuntimeError, match="no more memory"):
        archipelago(pg.unconnected(), udp, LaMOOAlgorithm(3))


def test_what_pygmo_shows():
    assert "evaluations: 7\n\tn_initial: 9" in str(pg.algorithm(LaMOOAlgorithm(7, n_initial=9)))
    udp = SpaceProblem(Space({"n": Integer(1, 3)}), lambda c: (1, 2), ["minimize"] * 2)
    assert "Problem name: lamoo_fast space of 1 dimensions" in str(pg.problem(udp))
    assert "n: Integer(" in str(pg.problem(udp))


def test_copies_pickles_and_seeds():
    algorithm = pg.algorithm(LaMOOAlgorithm(3, 1, n_initial=12))
    wanted = evolved(copy.deepcopy(algorithm), pg.zdt(1, param=3)).get_x()
    again = evolved(pickle.loads(pickle.dumps(algorithm)), pg.zdt(1, param=3)).get_x()
    np.testing.assert_array_equal(again, wanted)
    algorithm.set_seed(2)
    assert not np.array_equal(evolved(algorithm, pg.zdt(1, param=3)).get_x(), wanted)
    algorithm.set_seed(2)
    assert algorithm.get_name().startswith("LaMOO")


def test_constraints_and_integers():
    population = evolved(pg.algorithm(LaMOOAlgorithm(15, 0, n_initial=10)), Limited())
    problem = population.problem
    assert sum(problem.feasibility_f(f) for f in population.get_f()) >= 3
    for x, f in zip(population.get_x(), population.get_f(), strict=True):
        np.testing.assert_allclose(problem.fitness(x), f)


def test_spaces_as_problems():
    space = Space({"n": Integer(1, 3), "c": Categorical(["a", "b"])})
    udp = SpaceProblem(space, lambda c: (c["n"], len(c["c"]) + c["n"]), ["minimize", "maximize"])
    population = pg.population(pg.problem(udp), 8, seed=0)
    for x, f in zip(population.get_x(), population.get_f(), strict=True):
        n = space.decode(x[np.newaxis])[0]["n"]
        np.testing.assert_array_equal(f, [n, -1 - n])


def test_failed_points_are_last():
    """Those with NaN, however good the other value is."""

    class Failing:
        def fitness(self, x):
            return [np.nan, -9.0] if x[0] < 0.5 else [x[0], 1 - x[0]]

        def get_bounds(self):
            return [0], [1]

        def get_nobj(self):
            return 2

    before = pg.population(Failing(), 8, seed=1)
    assert np.isnan(before.get_f()).any()
    after = pg.algorithm(LaMOOAlgorithm(12, 1, n_initial=30)).evolve(before)
    assert np.isfinite(after.get_f()).all()


def test_bad_settings():
    for bad in (0, 2.5):
        with pytest.raises(ValueError, match="whole number"):
            LaMOOAlgorithm(bad)


def test_bad_problems():
    space, two = Space({"n": Integer(1, 3)}), ["minimize"] * 2
    with pytest.raises(ValueError, match="maximize"):
        SpaceProblem(space, lambda c: (1, 2), ["min", "max"])
    with pytest.raises(ValueError, match="cannot ask"):
        SpaceProblem(Space(space.params, valid=lambda c: c["n"] > 1), lambda c: (1, 2), two)
    for wrong in (5, (5,), (1, 2, 3)):
        with pytest.raises(ValueError, match="wanted 2 numbers"):
            SpaceProblem(space, lambda c, wrong=wrong: wrong, two).fitness([0.5])
    with pytest.raises(ValueError, match="wanted numbers"):
        SpaceProblem(space, lambda c: (1, 2), two).fitness([np.nan])
