"""Splits learned on predictions beside the observations."""

import json
from contextlib import contextmanager

import numpy as np
import pytest
from toys import DIRECTIONS, SPACE, evaluate, facts, run

import lamoo_fast as lf
from lamoo_fast.search import PartitionTree
from lamoo_fast.search.known import Known
from lamoo_fast.search.partition import SVMClassifier
from lamoo_fast.search.samplers import belief

LINE = lf.Space({"x": lf.Float(0, 1)})
REF = np.array([2.0])


def build(X, F, predicted=None, **settings):
    X, F = np.array(X)[:, None], np.array(F)[:, None]
    return PartitionTree.build(
        LINE, X, F, REF, SVMClassifier(), leaf_size=2, predicted=predicted, **settings
    )


def test_predicted_points_move_the_boundary_and_are_no_rows():
    X, F = [0.0, 0.1, 0.9, 1.0], [0.0, 0.1, 0.9, 1.0]
    P = np.linspace(0, 1, 41)[:, None]
    none = np.empty((41, 0))
    alone = build(X, F)
    assert alone.region(1).contains([[0.4]]).all()
    bad_between = build(X, F, (P, np.where(P > 0.25, 1.0 + P, P), none))
    assert bad_between.region(1).contains([[0.05]]).all()
    assert not bad_between.region(1).contains([[0.75]]).any()
    good_between = build(X, F, (P, np.where(P < 0.75, P, 2 * P), none))
    assert sorted(good_between.order) == [0, 1, 2, 3]
    for tree in (bad_between, good_between):
        assert tree.visits.tolist()[0] == 4
        assert tree.value(0) == alone.value(0) == 2.0
        for node in range(len(tree)):
            inside = tree.region(node).contains(np.array(X)[:, None])
            assert np.flatnonzero(inside).tolist() == sorted(tree.rows(node))


def test_every_leaf_keeps_enough_observed_rows():
    rng = np.random.default_rng(0)
    X = rng.random((40, 1))
    P = rng.random((200, 1))
    tree = PartitionTree.build(
        LINE,
        X,
        X.copy(),
        REF,
        SVMClassifier(),
        leaf_size=5,
        predicted=(P, P, np.empty((200, 0))),
    )
    assert len(tree.leaves) > 1
    assert tree.visits[tree.leaves].min() >= 5


def test_the_search_goes_on_from_its_state():
    def search():
        return lf.LaMOO(
            SPACE,
            DIRECTIONS,
            ref=(-3, 4),
            sampler=lf.UniformSampler(),
            surrogate=lf.Surrogate(60),
            n_initial=12,
            seed=3,
        )

    whole = run(search(), 30)
    half = run(search(), 20)
    again = search()
    again.load_state_dict(json.loads(json.dumps(half.state_dict())))
    assert facts(run(again, 30).trials) == facts(whole.trials)
    other = lf.LaMOO(SPACE, DIRECTIONS, ref=(-3, 4), sampler=lf.UniformSampler(), n_initial=12)
    with pytest.raises(ValueError, match="state has surrogate Surrogate"):
        other.load_state_dict(half.state_dict())
    old = half.state_dict() | {"settings": {**half.settings()}}
    del old["settings"]["surrogate"]
    with pytest.raises(ValueError, match="state has surrogate None"):
        search().load_state_dict(old)


def test_uniform_samples_come_from_better_regions():
    def volume(seed, surrogate):
        opt = lf.LaMOO(
            SPACE,
            DIRECTIONS,
            ref=(-3, 4),
            sampler=lf.UniformSampler(),
            surrogate=surrogate,
            n_initial=12,
            seed=seed,
        )
        return run(opt, 42).hypervolume()

    gains = [volume(seed, lf.Surrogate(200)) - volume(seed, None) for seed in range(6)]
    assert np.mean(gains) > 0


def test_constraints_failures_and_known_objectives_are_predicted():
    opt = lf.LaMOO(
        SPACE,
        DIRECTIONS,
        ref=(-3, 4),
        n_constraints=1,
        known={1: lambda config: evaluate(config)[1]},
        sampler=lf.UniformSampler(),
        surrogate=lf.Surrogate(80),
        n_initial=12,
        seed=0,
    )

    def measure(config):
        if config["op"] == "c":
            return lf.FAILED
        return (*evaluate(config), config["x"] - 0.5)

    run(opt, 50, evaluate=measure)
    told = opt._archive.told()
    X, F, G = opt.surrogate.predict(SPACE, told, np.array([3.0, 4.0]), opt.known, opt.hints)
    configs = SPACE.decode(X)
    fails = np.isnan(F).any(axis=1)
    assert (fails == [c["op"] == "c" for c in configs]).mean() > 0.9
    kept = [c for c, failed in zip(configs, fails, strict=True) if not failed]
    np.testing.assert_allclose(F[~fails, 1], [evaluate(c)[1] for c in kept], rtol=1e-12)
    wrong = (G[~fails, 0] <= 0) != [c["x"] <= 0.5 for c in kept]
    assert wrong.mean() < 0.1
    np.testing.assert_allclose(-F[~fails, 0], [evaluate(c)[0] for c in kept], atol=0.2)
    late = [t.config["op"] == "c" for t in opt.trials[-15:]]
    assert np.mean(late) < 0.2


def test_without_two_successes_nothing_is_predicted():
    surrogate = lf.Surrogate(10)
    rows = lf.LaMOO(LINE, ["minimize"], seed=0)._archive.told()
    assert surrogate.predict(LINE, rows, REF, Known.nothing(1), None) is None


def test_the_model_is_held_to_one_thread(monkeypatch):
    """So that a seed gives one run on every number of cores."""
    limits = []

    class Pools:
        @contextmanager
        def limit(self, *, limits):
            seen.append(limits)
            yield
            seen.append(None)

    class Watched(belief.Belief):
        def means(self, X):
            limits.append(seen[-1])
            return super().means(X)

    seen = [None]
    monkeypatch.setattr(belief, "_thread_pools", Pools)
    monkeypatch.setattr(belief, "Belief", Watched)
    sampler, surrogate = lf.UniformSampler(), lf.Surrogate(9)
    opt = lf.LaMOO(LINE, ["minimize"], sampler=sampler, surrogate=surrogate, n_initial=5, seed=0)
    run(opt, 15, evaluate=lambda config: [config["x"]])
    assert set(limits) == {1}


@pytest.mark.parametrize("n", [0, -1, 2.5, float("nan"), True, None, "x"])
def test_bad_settings(n):
    with pytest.raises(ValueError, match="n_points is"):
        lf.Surrogate(n)


def test_a_surrogate_is_no_number():
    with pytest.raises(ValueError, match="surrogate is 500, wanted a Surrogate"):
        lf.LaMOO(LINE, ["minimize"], surrogate=500)
