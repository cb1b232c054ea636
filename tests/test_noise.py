"""Noisy evaluations: replicates are kept as told, and averaged where points are compared."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import DIRECTIONS, SMALL, evaluate_small

import lamoo_fast as lf
from lamoo_fast.search.replicates import average, noise_variance

WIDE = lf.Space({"x": lf.Float(0, 10), "op": lf.Categorical(["a", "b"])})


def truth(trial):
    c = trial.config
    if "x" in c:
        return np.array([c["x"] - 3 * (c["op"] == "b"), 0.1 * (c["x"] - 8) ** 2])
    return np.array(evaluate_small(c), dtype=float)


class Again:
    """Proposes the first evaluated point once more, and keeps the views."""

    def __init__(self):
        self.views = []

    def draw(self, region, n, view):
        self.views.append(view)
        return view.X[:1]

    def __repr__(self):
        return "Again()"


def noisy(trial, scale=0.5):
    noise = np.random.default_rng(trial.id).normal(size=2)
    return tuple(np.array(evaluate_small(trial.config)) + scale * noise)


def search(**settings):
    return lf.LaMOO(SMALL, DIRECTIONS, seed=0, n_initial=8, **{"noisy": True} | settings)


points = st.lists(st.tuples(st.sampled_from(b"abcd"), st.integers(-9, 9), st.integers(-9, 9)))


@given(points)
def test_means_and_variances_are_those_of_the_twin(rows):
    keys = [bytes([key]) for key, *_ in rows]
    F = np.array([values for _, *values in rows], dtype=float).reshape(-1, 2)
    names = list(dict.fromkeys(keys))
    groups = [F[[k == name for k in keys]] for name in names]
    first, (means, same) = average(keys, F, F)
    assert first.tolist() == [keys.index(name) for name in names]
    np.testing.assert_array_equal(means, same)
    wanted = np.array([g.mean(axis=0) for g in groups]).reshape(-1, 2)
    np.testing.assert_allclose(means, wanted, rtol=1e-12, atol=1e-12)
    variance = noise_variance(keys, F)
    spare = len(rows) - len(names)
    if spare == 0:
        assert variance is None
    else:
        squares = sum(np.square(g - g.mean(axis=0)).sum(axis=0) for g in groups)
        np.testing.assert_allclose(variance, squares / spare, rtol=1e-12, atol=1e-12)


def test_equal_replicates_have_themselves_as_mean():
    F = np.array([[0.1, 1e300]] * 3)
    _, (means,) = average([b"p"] * 3, F)
    assert means.tolist() == [[0.1, 1e300]]
    assert noise_variance([b"p"] * 3, F).tolist() == [0, 0]


def test_noise_is_estimated():
    """1,000 pairs: a variance of 0.25 within 5 standard errors."""
    rng = np.random.default_rng(0)
    F = np.repeat(rng.normal(size=(1000, 2)), 2, axis=0) + rng.normal(0, 0.5, (2000, 2))
    keys = [bytes([i // 256, i % 256]) for i in range(1000) for _ in range(2)]
    np.testing.assert_allclose(noise_variance(keys, F), 0.25, atol=5 * 0.25 * (2 / 1000) ** 0.5)


def test_front_and_hypervolume_go_by_means_and_trials_stay_as_told():
    opt = search(ref=(0, 10), n_constraints=1)
    a, b, c = ({"a": i, "b": 0, "c": "u"} for i in range(3))
    rows = [[3, 4, -1], [9, 4, 3], [2, 5, 0], [5, 2, -2], [9, 9, 9], [9, 9, -8]]
    opt.tell([a, a, b, a, c, c], rows)
    assert [t.values for t in opt.trials] == [tuple(r[:2]) for r in rows]
    front = opt.pareto_front()
    # a: (17/3, 10/3) with constraint 0; b: (2, 5); c: (9, 9), infeasible.
    assert [t.id for t in front] == [0]
    assert front[0].values == pytest.approx((17 / 3, 10 / 3))
    assert front[0].constraints == pytest.approx((0,))
    assert opt.hypervolume() == pytest.approx(17 / 3 * (10 - 10 / 3))
    quiet = search(ref=(0, 10), n_constraints=1, noisy=False)
    quiet.tell([a, a, b, a, c, c], rows)
    assert [t.id for t in quiet.pareto_front()] == [3, 5]


def test_a_sampler_may_propose_a_point_again():
    sampler = Again()
    opt = search(sampler=sampler)
    while opt.n_told < 14:
        trials = opt.ask(1)
        opt.tell(trials, map(noisy, trials))
    assert len({tuple(t.config.values()) for t in opt.trials}) == 8
    assert [t.config for t in opt.trials[8:]] == [opt.trials[0].config] * 6
    view = sampler.views[-1]
    assert view.noisy
    assert len(view.X) == len(view.F) == 13  # replicates one by one
    assert (view.noise(SMALL) > 0).all()
    assert sampler.views[0].noise(SMALL) is None
    assert opt.tree.visits[0] == 8
    opt.ask(1)
    assert opt.tree.value(0) == pytest.approx(opt.hypervolume(), rel=1e-12)


def test_a_noisy_search_goes_on_from_its_state_and_in_any_order():
    def run(stops, shuffle):
        opt = search(sampler=Again(), leaf_size=2)
        random = np.random.default_rng(1)
        for i in range(20):
            trials = [*opt.ask(1), *opt.tell([], [])]
            trials += opt.ask(1)
            for k in random.permutation(len(trials)) if shuffle else range(len(trials)):
                fails = trials[k].id % 7 == 3
                opt.tell([trials[k]], [lf.FAILED if fails else noisy(trials[k])])
            if i in stops:
                state = json.loads(json.dumps(opt.state_dict()))
                opt = search(sampler=Again(), leaf_size=2)
                opt.load_state_dict(state)
        return opt.state_dict()

    whole = run((), False)
    assert run({3, 9, 15}, False) == whole
    assert run((), True) == whole


def test_without_noise_nothing_is_averaged_and_nothing_estimated():
    sampler = Again()
    opt = search(sampler=sampler, noisy=False)
    while opt.n_told < 10:
        trials = opt.ask(1)
        opt.tell(trials, map(noisy, trials))
    opt.ask(1)
    assert opt.tree.visits[0] == 10
    assert sampler.views[-1].noise(SMALL) is None


def test_noise_is_a_setting_of_the_search():
    with pytest.raises(ValueError, match="state has noisy False, but this search has True"):
        search().load_state_dict(search(noisy=False).state_dict())


@pytest.mark.parametrize(
    ("space", "best"),
    [
        (SMALL, lambda c: c["b"] == 0 and c["c"] == "u"),
        (WIDE, lambda c: c["x"] > 7 and c["op"] == "a"),
    ],
    ids=["listed", "not listed"],
)
def test_the_default_sampler_looks_again_at_what_seems_best(space, best):
    rng = np.random.default_rng(4)
    opt = lf.LaMOO(space, DIRECTIONS, seed=0, n_initial=8, noisy=True, ref=(0, 10))
    while opt.n_told < 32:
        trials = opt.ask(3)
        assert len({t.x.tobytes() for t in trials}) == 3
        opt.tell(trials, [truth(t) + rng.standard_normal(2) for t in trials])
    times = Counter(t.x.tobytes() for t in opt.trials)
    again = [t for t in opt.trials if times[t.x.tobytes()] > 1]
    assert len(again) >= 4
    assert np.mean([best(t.config) for t in again]) > 0.3  # of all points, 0.1 and 0.15 are


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("fails", [False, True])
def test_a_used_up_space_is_no_end(n, fails):
    space = lf.Space({"a": lf.Integer(0, n - 1 + fails)})
    opt = lf.LaMOO(space, DIRECTIONS, seed=0, n_initial=9, noisy=True)
    rng = np.random.default_rng(0)
    for _ in range(8):
        trials = opt.ask(2)
        bad = [fails and t.config["a"] == n for t in trials]
        values = [[t.config["a"] + rng.normal(), t.config["a"]] for t in trials]
        opt.tell(trials, [lf.FAILED if b else v for b, v in zip(bad, values, strict=True)])
    times = Counter(t.config["a"] for t in opt.trials)
    assert len(times) == space.size
    assert sum(times.values()) >= 12
    assert times[n] == fails  # what failed is not tried again
    again = lf.LaMOO(space, DIRECTIONS, seed=5, n_initial=9, noisy=True)
    again.load_state_dict(opt.state_dict())
    assert [t.config for t in again.ask(2)] == [t.config for t in opt.ask(2)]


def test_a_used_up_space_is_said_where_the_sampler_does_not_look_again():
    opt = search(sampler=lf.UniformSampler())
    opt.tell(opt.ask(50), [truth(t) for t in opt.pending])
    with pytest.raises(lf.SpaceExhausted, match="all points of the space are used: 50 trials"):
        opt.ask()


def test_no_batch_holds_a_point_twice():
    """Not even one that is larger than the space, drawn by way of all regions above a leaf."""
    opt = search(leaf_size=5)
    for n in (30, 60, 70):
        trials = opt.ask(n)
        assert len(set(SMALL.keys(np.array([t.x for t in trials])))) == len(trials)
        opt.tell(trials, map(noisy, trials))
    assert len(trials) == 50
