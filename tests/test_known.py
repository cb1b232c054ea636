"""Objectives declared known: asked once per point, trusted, and never contradicted."""

import json
import math

import numpy as np
import pytest
from toys import DIRECTIONS, SMALL, SPACE, run

import lamoo_fast as lf
from lamoo_fast.search.known import Contradiction, Known


def size(config):
    return 10.0 * config["a"] + config["b"]


def evaluate(config):
    return (config["a"] - config["b"] / 2, size(config))


def counting(function):
    def ask(config):
        ask.asked.append(dict(config))
        return function(config)

    ask.asked = []
    return ask


class Spy:
    """Uniform, and keeps the views."""

    def __init__(self):
        self.views = []

    def draw(self, region, n, view):
        self.views.append(view)
        return lf.UniformSampler().draw(region, n, view)

    def __repr__(self):
        return "Spy()"


def test_values_are_minimised_and_nan_where_unknown():
    known = Known(SMALL, np.array([-1.0, 1.0, -1.0]), {2: size, 0: lambda c: c["a"]})
    X = SMALL.encode([{"a": 3, "b": 1, "c": "v"}, {"a": 0, "b": 4, "c": "u"}])
    assert known.columns == (0, 2)
    np.testing.assert_array_equal(known.values(X), [[-3, np.nan, -31], [0, np.nan, -4]])
    assert known.values(np.empty((0, 3))).shape == (0, 3)


def test_nothing_is_known_by_default():
    opt = lf.LaMOO(SMALL, DIRECTIONS, sampler=lf.UniformSampler())
    assert opt.known.columns == ()
    assert np.isnan(opt.known.values(SMALL.enumerate())).all()


@pytest.mark.parametrize("space", [SMALL, SPACE], ids=["finite", "mixed"])
def test_each_point_is_asked_about_once(space):
    function = counting(lambda c: sum(v for v in c.values() if not isinstance(v, str)))
    known = Known(space, np.ones(2), {1: function})
    rng = np.random.default_rng(0)
    X = space.snap(rng.random((60, 3)))
    for _ in range(3):
        for rows in (X, X[rng.permutation(60)], X[:7]):
            wanted = [function(c) for c in space.decode(rows)]
            del function.asked[-len(rows) :]
            assert known.values(rows)[:, 1].tolist() == wanted
    assert len(function.asked) == len(set(space.keys(X)))


def test_a_whole_space_is_a_kept_array():
    function = counting(size)
    known = Known(SMALL, np.ones(2), {1: function})
    grid = SMALL.enumerate()
    first = known.values(grid)
    assert known.values(grid) is first
    assert len(function.asked) == 50
    assert not first.flags.writeable
    np.testing.assert_array_equal(known.values(grid[10:20]), first[10:20])
    assert len(function.asked) == 50


def test_a_function_may_change_its_config():
    known = Known(SMALL, np.ones(2), {0: lambda c: c.pop("a"), 1: lambda c: c.pop("a")})
    assert known.values(SMALL.enumerate()[-1:]).tolist() == [[4.0, 4.0]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, "high", None])
@pytest.mark.parametrize("space", [SMALL, SPACE], ids=["finite", "mixed"])
def test_values_that_are_no_finite_numbers_are_errors(bad, space):
    known = Known(space, np.ones(2), {1: lambda config: bad})
    with pytest.raises(ValueError, match=r"known\[1\] (is (nan|inf)|failed) for \{"):
        known.values(space.snap(np.full((1, 3), 0.5)))


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({2: size}, "known has the key 2, wanted 0 <= index < 2"),
        ({-1: size}, "known has the key -1"),
        ({"size": size}, "known has the key 'size', wanted the index of an objective"),
        ({True: size}, "known has the key True"),
        ({0: 3.0}, r"known\[0\] is 3.0, wanted a function"),
        ([size], "wanted a mapping"),
    ],
)
def test_bad_settings(known, message):
    with pytest.raises(ValueError, match=message):
        lf.LaMOO(SMALL, DIRECTIONS, sampler=lf.UniformSampler(), known=known)


def test_a_contradiction_names_trial_objective_and_both_values():
    opt = lf.LaMOO(SMALL, DIRECTIONS, sampler=lf.UniformSampler(), seed=0, known={1: size})
    trials = opt.ask(3)
    good = [evaluate(t.config) for t in trials]
    good[0] = (good[0][0], good[0][1] * (1 + 1e-12))  # a sum in another order
    right = good[1][1]
    before = opt.state_dict()
    with pytest.raises(Contradiction, match=rf"trial 1: objective 1 of .* is 77\.5.*{right!r}"):
        opt.tell(trials, [good[0], (0.0, 77.5), good[2]])
    assert opt.state_dict() == before
    opt.tell(trials, [good[0], lf.FAILED, good[2]])
    assert len(opt.trials) == 3


def test_a_study_with_a_contradiction_stops():
    opt = lf.LaMOO(
        SMALL, DIRECTIONS, sampler=lf.UniformSampler(), seed=0, known={1: lambda config: -1.0}
    )
    with pytest.raises(Contradiction, match=r"declared known is -1\.0"):
        lf.Study(opt, evaluate, progress=False).run(10)
    assert opt.trials == []


def test_samplers_see_what_is_known_also_after_a_restart():
    def search():
        spy = Spy()
        known = {1: size}
        return spy, lf.LaMOO(SMALL, DIRECTIONS, seed=0, sampler=spy, known=known, n_initial=8)

    spy, opt = search()
    run(opt, 20, 4, evaluate)
    view = spy.views[-1]
    assert view.known.columns == (1,)
    np.testing.assert_array_equal(view.known.values(view.X)[:, 1], view.F[:, 1])
    spy, again = search()
    again.load_state_dict(json.loads(json.dumps(opt.state_dict())))
    assert again.settings()["known"] == [1]
    assert [t.to_dict() for t in again.ask(4)] == [t.to_dict() for t in opt.ask(4)]
    view = spy.views[-1]
    np.testing.assert_array_equal(view.known.values(view.X)[:, 1], view.F[:, 1])


def test_a_state_of_a_search_that_knows_something_else_is_refused():
    opt = lf.LaMOO(SMALL, DIRECTIONS, sampler=lf.UniformSampler(), known={1: size})
    with pytest.raises(ValueError, match=r"state has known \[\], but this search has \[1\]"):
        opt.load_state_dict(lf.LaMOO(SMALL, DIRECTIONS, sampler=lf.UniformSampler()).state_dict())
