"""ConfigSpace: spaces in and out."""

import copy
import pickle

import numpy as np
import pytest

host = pytest.importorskip("ConfigSpace")

from lamoo_fast.adapters.configspace import (  # noqa: E402
    configuration,
    from_configspace,
    to_configspace,
)
from lamoo_fast.search import Categorical, Float, Integer, LaMOO, Space  # noqa: E402

SPACE = Space(
    {
        "x": Float(1e-3, 1.0, log=True),
        "n": Integer(1, 9),
        "w": Integer(1, 64, log=True),
        "c": Categorical(["a", "b"]),
        "one": Integer(3, 3),
    }
)


def conditional():
    space = host.ConfigurationSpace({"kind": ["a", "b"], "x": (0.0, 1.0), "n": (1, 4)}, seed=0)
    space.add(host.OrdinalHyperparameter("size", [1, 3, 9]), host.Constant("fixed", 7))
    space.add(host.EqualsCondition(space["x"], space["kind"], "a"))
    forbidden = host.ForbiddenAndConjunction(
        host.ForbiddenEqualsClause(space["kind"], "b"), host.ForbiddenEqualsClause(space["n"], 2)
    )
    space.add(forbidden)
    return space


def test_out_and_in_again():
    back = from_configspace(to_configspace(SPACE, seed=0))
    assert {**back.params, "one": SPACE.params["one"]} == SPACE.params
    assert back.params["one"] == Categorical([3])
    for config in to_configspace(SPACE, seed=0).sample_configuration(50):
        SPACE.check(dict(config))


def test_searches_conditional_spaces():
    """What LaMOO proposes is legal, and inactive parameters are gone."""
    space = conditional()
    opt = LaMOO(from_configspace(space), ["minimize"], seed=0)
    kinds = set()
    for trial in opt.ask(60):
        found = configuration(space, trial.config)
        assert ("x" in found) == (found["kind"] == "a")
        assert found["fixed"] == 7
        kinds.add((str(found["kind"]), int(found["n"])))
    assert kinds == {("a", n) for n in range(1, 5)} | {("b", 1), ("b", 3), ("b", 4)}


def test_pickles_and_copies():
    ours = from_configspace(conditional())
    for other in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        points = np.random.default_rng(0).random((40, ours.d))
        wanted = ours.is_valid(points)
        assert 0 < wanted.sum() < 40
        np.testing.assert_array_equal(other.is_valid(points), wanted)


def test_choices_of_numpy():
    space = host.ConfigurationSpace()
    space.add(host.CategoricalHyperparameter("c", np.array([2, 3])))
    ours = from_configspace(space)
    assert ours.params["c"] == Categorical([2, 3])
    assert configuration(space, {"c": 3})["c"] == 3


def test_every_sample_is_in_the_space():
    """Active values of samples of ConfigSpace are values of ours."""
    space = conditional()
    ours = from_configspace(space)
    for config in space.sample_configuration(50):
        for name, value in dict(config).items():
            ours.params[name].check(value.item() if hasattr(value, "item") else value)


def test_refuses_what_it_cannot_say():
    with pytest.raises(ValueError, match="cannot ask"):
        to_configspace(Space({"n": Integer(0, 3)}, valid=lambda config: True))
    normal = host.ConfigurationSpace()
    normal.add(host.NormalFloatHyperparameter("x", 0.0, 1.0, lower=-3, upper=3))
    with pytest.raises(ValueError, match="wanted a uniform"):
        from_configspace(normal)
