"""Searches with hardly anything to find, far too much, or contradictions: sound or said."""

import time

import numpy as np
import pytest

import lamoo_fast as lf

SQUARE = lf.Space({"x": lf.Float(0, 1), "y": lf.Float(0, 1)})
SAMPLERS = [lf.UniformSampler(), lf.CMASampler()]
TWO = ["minimize", "minimize"]


def trade(config):
    return config["x"], 1 - config["x"] + config["y"]


def run(opt, evaluate, budget=40, batch=4):
    lf.Study(opt, evaluate, progress=False).run(budget, batch)
    return opt


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize(
    "params", [{"i": lf.Integer(3, 3)}, {"i": lf.Integer(3, 3), "c": lf.Categorical(["a"])}]
)
def test_a_space_with_one_point(sampler, params):
    opt = lf.LaMOO(lf.Space(params), TWO, seed=0, sampler=sampler, n_initial=1)
    (trial,) = opt.ask(5)
    with pytest.raises(lf.SpaceExhausted, match="all points of the space are used: 1 trials"):
        opt.ask()
    opt.tell([trial], [(1.0, 2.0)])
    with pytest.raises(lf.SpaceExhausted):
        opt.ask()
    assert [t.id for t in opt.pareto_front()] == [0]
    assert opt.hypervolume() > 0


@pytest.mark.parametrize("noisy", [False, True])
def test_all_observations_failed(noisy):
    def broken(config):
        raise RuntimeError("no")

    opt = run(lf.LaMOO(SQUARE, TWO, seed=0, n_initial=5, noisy=noisy), broken)
    assert opt.n_told == 40
    assert opt.ref is None
    assert np.isnan(opt.hypervolume())
    assert opt.pareto_front() == []
    assert opt.ask(3)
    explicit = run(lf.LaMOO(SQUARE, TWO, seed=0, ref=(1, 1), n_initial=5), broken)
    assert explicit.hypervolume() == 0
    opt.tell([t.id for t in opt.pending], [(1.0, 2.0)] * 3)  # at last
    assert len(opt.ask(2)) == 2
    assert opt.hypervolume() > 0


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("ref", [None, (1.0, 1.0), (7.0, 0.0), (0.0, 0.0)])
def test_all_values_equal(sampler, ref):
    opt = lf.LaMOO(SQUARE, TWO, seed=0, ref=ref, sampler=sampler, leaf_size=3)
    run(opt, lambda config: (7.0, 0.0))
    assert len(opt.tree) == 1
    assert len(opt.pareto_front()) == 40
    assert (opt.hypervolume() > 0) == (ref is None)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("constant", [0.0, -3.0, 1e300])
def test_a_constant_objective(sampler, constant):
    """The other one is searched as if it were alone."""
    opt = lf.LaMOO(SQUARE, TWO, seed=0, sampler=sampler, leaf_size=5)
    run(opt, lambda c: ((c["x"] - 0.3) ** 2 + (c["y"] - 0.3) ** 2, constant), 80)
    (best,) = opt.pareto_front()
    assert best.values[0] < 0.01
    assert opt.hypervolume() > 0
    assert len(opt.tree) > 1


def test_many_observations_at_once():
    n, m = 100_000, 2
    space = lf.Space({f"x{i}": lf.Float(0, 1) for i in range(5)})
    X = np.random.default_rng(0).random((n, 5))
    F = np.column_stack([np.square(X - i / m).sum(axis=1) for i in range(m)])
    opt = lf.LaMOO(space, ["minimize"] * m, seed=0)
    start = time.process_time()
    opt.tell(space.decode(X), F)
    told = time.process_time()
    first = opt.ask(1)
    asked = time.process_time()
    opt.tell(first, np.ones((1, m)))
    opt.ask(1)
    end = time.process_time()
    assert len(opt.tree.leaves) > 100
    assert opt.tree.visits[0] == n + 1
    assert asked - told < 20 * (told - start)  # learning the partition is linear too
    assert end - asked < asked - told  # and is not done again


@pytest.mark.parametrize("n_constraints", [0, 1])
def test_an_infeasible_space_is_said_and_not_looped_on(n_constraints):
    for params in (SQUARE.params, {"i": lf.Integer(0, 9)}):
        calls = []
        space = lf.Space(params, valid=calls.append)  # None: not valid
        opt = lf.LaMOO(space, TWO, n_constraints=n_constraints, seed=0)
        with pytest.raises(ValueError, match="valid accepts none"):
            lf.Study(opt, trade, progress=False).run(10)
        assert len(calls) < 2_000_000


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_constraints_that_nothing_meets(sampler):
    """The search goes where they are violated least."""
    opt = lf.LaMOO(SQUARE, TWO, n_constraints=1, seed=0, sampler=sampler, leaf_size=5)
    run(opt, lambda c: (*trade(c), 1 + c["x"] + c["y"]), 80)
    assert opt.pareto_front() == []
    assert opt.hypervolume() == 0
    excess = [t.constraints[0] for t in opt.trials]
    assert min(excess) < 1.1
    assert np.mean(excess[40:]) < np.mean(excess[:10]) - 0.2


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_reference_point_that_nothing_dominates(sampler):
    """The search comes nearer to it all the same, and past it where that is possible."""

    def distance(config):
        near = (config["x"] - 0.2) ** 2 + (config["y"] - 0.7) ** 2
        return 5 + 3 * near + config["x"], 5 + 3 * near - config["x"]

    for ref, reached in (((0, 0), False), ((5.25, 4.9), True)):
        opt = lf.LaMOO(SQUARE, TWO, ref=ref, seed=2, sampler=sampler, leaf_size=5)
        run(opt, distance, 100)
        assert (opt.hypervolume() > 0) == reached
        assert opt.ref == ref
        gap = np.array([np.subtract(t.values, ref).max() for t in opt.trials])
        assert gap[50:].mean() < gap[:10].mean() - 0.3


def test_contradictory_known_values():
    opt = lf.LaMOO(SQUARE, TWO, seed=0, known={0: lambda config: config["x"] + 1})
    trials = opt.ask(2)
    with pytest.raises(ValueError, match=r"trial 0: objective 0 of .* but the value declared"):
        opt.tell(trials, [trade(t.config) for t in trials])
    assert opt.n_told == 0
