"""Cheap numbers that go with the objectives: asked once a point, scaled, and learned from."""

import json
import math

import numpy as np
import pytest
from scipy.stats import norm
from toys import DIRECTIONS, SMALL, SPACE, evaluate, evaluate_small, facts, run

import lamoo_fast as lf
from lamoo_fast.search import gp
from lamoo_fast.search.hints import Hints
from lamoo_fast.search.scores import Scaled


def two(configs):
    return [[c["a"] ** 2, 100.0 * c["b"]] for c in configs]


def numbers(configs):
    return [float(sum(v for v in c.values() if not isinstance(v, str))) for c in configs]


def counting(function):
    def ask(configs):
        ask.asked += [tuple(c.items()) for c in configs]
        return function(configs)

    ask.asked = []
    return ask


@pytest.mark.parametrize("space", [SMALL, SPACE], ids=["finite", "mixed"])
def test_each_point_is_asked_about_once(space):
    function = counting(numbers)
    hints = Hints(space, function)
    rng = np.random.default_rng(0)
    X = space.snap(rng.random((60, 3)))
    for rows in (X, X[rng.permutation(60)], X[:7], X[:0]):
        assert hints.values(rows)[:, 0].tolist() == numbers(space.decode(rows))
    assert len(function.asked) == len(set(function.asked)) == len(set(space.keys(X)))


def test_there_are_none_by_default():
    opt = lf.LaMOO(SMALL, DIRECTIONS)
    assert not opt.hints
    assert opt.hints.values(SMALL.enumerate()).shape == (50, 0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda configs: [math.nan] * len(configs), r"hints are \[nan\] for \{"),
        (lambda configs: [1.0], r"shape \(1, 1\) for 4 configurations, wanted \(4, 1\)"),
        (lambda configs: np.empty((len(configs), 0)), "wanted"),
        (lambda configs: 1 / 0, "hints failed for 4 configurations: ZeroDivisionError"),
        (lambda configs: ["high"] * len(configs), "hints failed"),
        (3.0, r"hints is 3\.0, wanted a function"),
    ],
)
def test_bad_hints(function, message):
    with pytest.raises(ValueError, match=message):
        Hints(SMALL, function).values(SMALL.enumerate()[:4])


def test_the_number_of_hints_does_not_change():
    hints = Hints(SMALL, lambda configs: np.ones((len(configs), 1 if len(configs) > 2 else 2)))
    hints.values(SMALL.enumerate()[:4])
    with pytest.raises(ValueError, match=r"shape \(2, 2\).*wanted \(2, 1\)"):
        hints.values(SMALL.enumerate()[4:6])


def test_an_array_that_the_function_fills_again_is_copied():
    kept = np.empty(50)

    def reusing(configs):
        kept[: len(configs)] = numbers(configs)
        return kept[: len(configs)]

    hints = Hints(SPACE, reusing)
    X = SPACE.snap(np.random.default_rng(0).random((20, 3)))
    first = hints.values(X[:10]).tolist()
    hints.values(X[10:])
    assert hints.values(X[:10]).tolist() == first


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("least", "outlier"), [(1e-3, 1e9), (5e-324, 1.7e308), (1e-300, -1.7e308)])
def test_outlying_hints_do_not_stop_a_search(least, outlier):
    def wild(configs):
        return [outlier if c["b"] == 4 else c["a"] % 2 * least for c in configs]

    opt = lf.LaMOO(SMALL, DIRECTIONS, hints=wild, n_initial=5, seed=3)
    run(opt, 15, evaluate=evaluate_small)
    scaled = Scaled(opt.hints, np.array([t.x for t in opt.trials[:5]]))(SMALL.enumerate())
    assert np.abs(scaled).max() <= 20


def test_scores_are_normal_quantiles_of_ranks():
    space = lf.Space({"x": lf.Float(0, 1)})
    hints = Hints(space, lambda configs: [10.0**4 * c["x"] for c in configs])
    scaled = Scaled(hints, np.array([[0.1], [0.2], [0.2], [0.9]]))
    got = scaled(np.array([[0.1], [0.2], [0.9], [0.55], [1.0]]))[:, 0]
    low, tie, high = norm.ppf([1 / 8, 1 / 2, 7 / 8])
    steep = (high - low) / 0.8
    np.testing.assert_allclose(got, [low, tie, high, (tie + high) / 2, high + 0.1 * steep])
    assert Scaled(hints, np.array([[0.3], [0.3]]))(np.array([[0.3], [0.9]])).tolist() == [[0], [0]]


def model(space, function, n=25, seed=1):
    X = space.snap(np.random.default_rng(seed).random((n, space.d)))
    inputs = gp.Inputs(space, Scaled(Hints(space, function), X))
    return X, inputs, gp.Covariance(inputs)


def test_likelihood_with_hints_has_the_right_gradient(monkeypatch):
    caught = {}

    def catch(objective, start, **_):
        caught["objective"], caught["start"] = objective, start
        return type("Found", (), {"x": start})

    monkeypatch.setattr(gp, "minimize", catch)
    X, inputs, covariance = model(SMALL, two)
    gp.fit_hyperparameters(covariance, inputs(X), np.exp(X[:, 0]) + X[:, 1])
    objective = caught["objective"]
    theta = caught["start"] + np.random.default_rng(1).normal(size=len(caught["start"])) * 0.3
    slope = [
        (objective(theta + 1e-5 * e)[0] - objective(theta - 1e-5 * e)[0]) / 2e-5
        for e in np.eye(len(theta))
    ]
    gradient = objective(theta)[1]
    np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6 * np.abs(gradient).max())


def test_covariance_adds_a_linear_and_an_exponential_part():
    X, inputs, covariance = model(SMALL, two)
    bare = gp.Inputs(SMALL)
    theta = covariance.mean + np.random.default_rng(2).normal(size=len(covariance.mean)) * 0.5
    first, last = theta[:-5], np.exp(theta[-5:])
    h = inputs(X).hints
    gap = np.square(h[:, None] - h) @ last[3:]
    expected = (h * last[:2]) @ h.T + last[2] * np.exp(-gap)
    expected += gp.Covariance(bare).between(first, bare(X), bare(X))
    K = covariance.between(theta, inputs(X), inputs(X))
    np.testing.assert_allclose(K, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.diag(K), covariance.variance(theta, inputs(X)), rtol=1e-12)


def test_a_search_goes_on_the_same_after_a_restart():
    def search():
        return lf.LaMOO(SPACE, DIRECTIONS, seed=0, hints=numbers, n_initial=8)

    opt = run(search(), 38, 3)
    again = search()
    again.load_state_dict(json.loads(json.dumps(opt.state_dict())))
    assert facts(run(again, 47, 3).trials) == facts(run(opt, 47, 3).trials)


def test_a_state_of_a_search_without_hints_is_refused():
    state = lf.LaMOO(SMALL, DIRECTIONS).state_dict()
    with pytest.raises(ValueError, match="state has hints False, but this search has True"):
        lf.LaMOO(SMALL, DIRECTIONS, hints=numbers).load_state_dict(state)
    del state["settings"]["hints"]  # as before there were any
    lf.LaMOO(SMALL, DIRECTIONS).load_state_dict(state)


def test_a_hint_that_tells_an_objective_saves_evaluations():
    """Random values of 400 categories' pairs: nothing but the hint tells which are good."""
    worth = np.random.default_rng(7).random((20, 20))
    space = lf.Space({name: lf.Categorical([*range(20)]) for name in "ab"})

    def evaluate(config):
        value = worth[config["a"], config["b"]]
        return value, (config["a"] + config["b"]) / 40

    def hint(configs):
        return [math.exp(5 * worth[c["a"], c["b"]]) for c in configs]

    def volume(**settings):
        opt = lf.LaMOO(space, DIRECTIONS, ref=(0, 1), seed=0, **settings)
        return run(opt, 30, 5, evaluate).hypervolume()

    best = lf.hypervolume(
        [(worth[a, b], (a + b) / 40) for a in range(20) for b in range(20)],
        (0, 1),
        maximise=[True, False],
    )
    assert best - volume(hints=hint) < 0.3 * (best - volume())


def test_samplers_without_a_model_need_no_hints():
    def refuse(configs):
        raise AssertionError("asked")

    opt = lf.LaMOO(SPACE, DIRECTIONS, seed=0, sampler=lf.UniformSampler(), hints=refuse)
    assert len(run(opt, 30, 5, evaluate).trials) == 30
