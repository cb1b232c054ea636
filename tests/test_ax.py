"""Ax: LaMOO as a node of its generation strategies."""

import copy
import logging

import numpy as np
import pytest

pytest.importorskip("ax", reason="needs lamoo_fast[ax]")

from ax.adapter.registry import Generators
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.core.parameter import ChoiceParameter as Choice
from ax.core.parameter import DerivedParameter, FixedParameter, ParameterType
from ax.core.parameter import RangeParameter as Range
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.search_space import SearchSpace
from ax.exceptions.core import SearchSpaceExhausted, UnsupportedError
from ax.generation_strategy.generation_node import GenerationNode
from ax.generation_strategy.generation_strategy import GenerationStrategy
from ax.generation_strategy.generator_spec import GeneratorSpec
from ax.generation_strategy.transition_criterion import MinTrials
from ax.service.ax_client import AxClient, ObjectiveProperties

from lamoo_fast.adapters.ax import AxSpace, LaMOONode
from lamoo_fast.search import CMASampler, Path, Surrogate, SVMClassifier

NAN = float("nan")
FLOAT, INT, STRING = ParameterType.FLOAT, ParameterType.INT, ParameterType.STRING


pytestmark = pytest.mark.filterwarnings("ignore")  # Ax gives hundreds
logging.getLogger("ax").setLevel(logging.ERROR)


def square():
    return [RangeParameterConfig(name=n, parameter_type="float", bounds=(0, 1)) for n in "xy"]


def client(seed=0, parameters=None, objective="-f, -g", constraints=(), node=None, **settings):
    made = Client()
    made.configure_experiment(parameters or square())
    made.configure_optimization(objective=objective, outcome_constraints=constraints)
    node = node or LaMOONode(seed, **{"n_initial": 6, **settings})
    made.set_generation_strategy(GenerationStrategy(nodes=[node]))
    return made


def two(p):
    return {"f": p["x"] ** 2 + p["y"], "g": (1 - p["x"]) ** 2 + p["y"]}


def run(made, n, function=two, at_once=1):
    asked = []
    for _ in range(n // at_once):
        for index, parameters in made.get_next_trials(max_trials=at_once).items():
            asked.append(parameters)
            made.complete_trial(index, function(parameters))
    return asked


def node(made):
    return made._generation_strategy._nodes[-1]


def statuses(made):
    made.get_next_trials(max_trials=1)
    return [row["status"] for row in node(made)._rows]


def test_searches():
    """The model finds what random points do not: y = 0."""
    made = client()
    assert np.mean([p["y"] for p in run(made, 12)[8:]]) < 0.1
    assert made.get_pareto_frontier(use_model_predictions=False) is not None


def test_one_seed_one_result_stored_or_not(tmp_path):
    wanted = run(client(5), 9)
    assert run(client(5), 9) == wanted
    assert run(client(6), 9) != wanted
    part = client(5)
    first = run(part, 7)
    part.save_to_json_file(str(tmp_path / "part.json"))
    part = Client.load_from_json_file(str(tmp_path / "part.json"))
    assert first + run(part, 2) == wanted
    assert isinstance(node(part), LaMOONode)
    fresh = GenerationStrategy(nodes=[LaMOONode(5, n_initial=6)]).clone_reset()
    part.set_generation_strategy(copy.deepcopy(fresh))
    part.get_next_trials(max_trials=1)


def test_settings_are_stored(tmp_path):
    """Also those with a name that Ax has for something else."""
    settings = {
        "sampler": CMASampler(),
        "selection": Path(0.5),
        "classifier": SVMClassifier(),
        "surrogate": Surrogate(),
        "ref": [-3.0, -2.5],
    }
    client(7, **settings).save_to_json_file(str(tmp_path / "new.json"))
    loaded = node(Client.load_from_json_file(str(tmp_path / "new.json")))
    assert loaded._settings == {"n_initial": 6, **settings}
    assert (loaded._seed, loaded.should_deduplicate) == (LaMOONode(7)._seed, True)


def test_directions():
    """Maximising the negative is minimising."""
    up = run(client(5, objective="f, g"), 9, lambda p: {k: -v for k, v in two(p).items()})
    for a, b in zip(up, run(client(5), 9), strict=True):
        assert a == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("known", [0, 7])
def test_trials_at_once_are_different(known):
    made = client(1)
    run(made, known)
    points = [list(p.values()) for p in made.get_next_trials(max_trials=3).values()]
    points += [list(p.values()) for p in made.get_next_trials(max_trials=2).values()]
    distances = np.linalg.norm(np.array(points)[:, np.newaxis] - points, axis=2)
    assert distances[~np.eye(5, dtype=bool)].min() > 1e-3
    assert statuses(made) == ["done"] * known + ["pending"] * 5


def test_one_objective_and_sums():
    made = client(objective="2*f - g", n_initial=5)
    run(made, 10, lambda p: {"f": p["x"] - p["x"] ** 2, "g": p["y"]})
    goal = node(made)._goal
    assert goal.objectives == [[("f", 2.0), ("g", -1.0)]]
    rows = node(made)._rows
    for index, row in enumerate(rows):
        x, y = row["config"].values()
        assert row["values"] == pytest.approx([2 * (x - x**2) - y]), index
    assert max(row["values"][0] for row in rows) > 0.4


def test_thresholds_and_constraints():
    made = client(constraints=["f <= 1.5", "g <= 2", "h >= 0.3", "h + k <= 1"])
    run(made, 12, lambda p: {**two(p), "h": p["x"], "k": p["y"]})
    goal = node(made)._goal
    assert (goal.thresholds, goal.n_constraints) == ([-1.5, -2.0], 2)
    for row in node(made)._rows:
        x, y = row["config"].values()
        assert row["constraints"] == pytest.approx([0.3 - x, x + y - 1])
    late = node(made)._rows[8:]
    assert sum(max(row["constraints"]) <= 0.02 for row in late) >= 2


def test_a_threshold_that_is_open():
    made = client(constraints=["f <= 1.5"])
    run(made, 8)
    np.testing.assert_array_equal(node(made)._goal.thresholds, [-1.5, NAN])


def test_bounds_relative_to_the_status_quo():
    made = client(constraints=["h <= 0.5 * baseline"])
    baseline = made.attach_baseline({"x": 0.5, "y": 0.5})
    with pytest.raises(ValueError, match="wanted data of the status quo"):
        made.get_next_trials(max_trials=1)
    made.complete_trial(baseline, {"f": 1.0, "g": 1.0, "h": 4.0})
    run(made, 2, lambda p: {**two(p), "h": 3.0})
    assert [row["constraints"] for row in node(made)._rows] == [[2.0], [1.0]]


def test_outcomes():
    made = client(n_initial=20)
    for index in made.get_next_trials(max_trials=7):
        if index == 1:
            made.complete_trial(index, {"f": 1.0, "g": NAN})
        elif index == 2:
            made.complete_trial(index, {"f": 1.0})
        elif index == 3:
            made.mark_trial_failed(index)
        elif index == 4:
            made.mark_trial_abandoned(index)
        elif index == 5:
            made.attach_data(index, {"f": 1.0, "g": 1.0})
            made.mark_trial_early_stopped(index)
        elif index == 6:
            made.attach_data(index, {"f": 1.0, "g": 1.0})
            made.attach_data(index, {"f": 3.0, "g": 1.0})
            made.complete_trial(index)
    made.complete_trial(made.attach_trial({"x": 0.25, "y": 0.75}), {"f": 5.0, "g": 6.0})
    wanted = ["pending", "failed", "pending", "failed", "failed", "failed", "done", "done"]
    assert statuses(made) == wanted
    assert node(made)._rows[6]["values"] == [-3.0, -1.0]
    assert node(made)._rows[7]["config"] == {"x": 0.25, "y": 0.75}
    assert node(made)._rows[7]["values"] == [-5.0, -6.0]


def test_spaces_that_end():
    parameters = [
        RangeParameterConfig(name="x", parameter_type="int", bounds=(1, 2)),
        ChoiceParameterConfig(name="y", parameter_type="bool", values=[True, False]),
    ]
    made = client(parameters=parameters)
    points = [tuple(p.values()) for p in made.get_next_trials(max_trials=4).values()]
    assert sorted(points) == [(1, False), (1, True), (2, False), (2, True)]
    with pytest.raises(SearchSpaceExhausted, match="all points"):
        made.get_next_trials(max_trials=1)


def test_after_another_node():
    sobol = GenerationNode(
        name="Sobol",
        generator_specs=[GeneratorSpec(Generators.SOBOL, generator_kwargs={"seed": 1})],
        transition_criteria=[MinTrials(threshold=6, transition_to="LaMOO")],
    )
    made = client()
    made.set_generation_strategy(GenerationStrategy(nodes=[sobol, LaMOONode(0, n_initial=6)]))
    late = run(made, 10)[6:]
    assert np.mean([p["y"] for p in late]) < 0.2
    assert [row["status"] for row in node(made)._rows] == ["done"] * 9


def test_the_older_client():
    made = AxClient(
        generation_strategy=GenerationStrategy(nodes=[LaMOONode(0, n_initial=6)]),
        verbose_logging=False,
    )
    made.create_experiment(
        parameters=[{"name": n, "type": "range", "bounds": [0.0, 1.0]} for n in "xy"],
        objectives={n: ObjectiveProperties(minimize=True, threshold=2.0) for n in "fg"},
    )
    for _ in range(8):
        parameters, index = made.get_next_trial()
        made.complete_trial(index, {name: (v, 0.0) for name, v in two(parameters).items()})
    assert made.generation_strategy._nodes[0]._goal.thresholds == [-2.0, -2.0]
    assert len(made.get_pareto_optimal_parameters(use_model_predictions=False)) > 1


def test_every_kind_of_parameter():
    space = SearchSpace(
        [
            Range("lr", FLOAT, 1e-4, 1e-1, log_scale=True),
            Range("part", FLOAT, 0, 1, digits=1),
            Range("n", INT, 1, 1000, log_scale=True),
            Choice("op", STRING, ["a", "b", "c"], is_ordered=False),
            Choice("size", INT, [16, 64, 32], is_ordered=True, log_scale=False),
            FixedParameter("seed", INT, 7),
            DerivedParameter("twice", FLOAT, "2 * part + 1"),
        ],
        [ParameterConstraint("part + size <= 64.5")],
    )
    host = AxSpace(space)
    kinds = ["Float", "Float", "Integer", "Categorical", "Integer"]
    assert [type(p).__name__ for p in host.space.params.values()] == kinds
    assert [host.space.params[n].log for n in ("lr", "part", "n")] == [True, False, True]
    X = np.random.default_rng(0).random((40, 5))
    X = X[host.space.is_valid(X)]
    for config in host.space.decode(X):
        parameters = host.parameters(config)
        space.validate_membership(parameters)
        assert parameters["size"] == (16, 32, 64)[config["size"]]
        assert parameters["twice"] == pytest.approx(2 * parameters["part"] + 1)
        assert host.config(parameters) == {**config, "part": round(config["part"], 1)}
    for wrong in ({"op": "d"}, {"n": 0}, {"lr": None}, {"part": 1.0, "size": 64}):
        assert host.config({**parameters, **wrong}) is None


def test_hierarchical_spaces():
    space = SearchSpace(
        [
            Choice("op", STRING, ["conv", "skip"], dependents={"conv": ["width"]}),
            Range("width", INT, 1, 9),
        ]
    )
    host = AxSpace(space)
    code = space.parameters["op"].values.index("skip")
    assert host.parameters({"op": code, "width": 3}) == {"op": "skip"}
    assert host.config({"op": "skip"}) == {"op": code, "width": 5}
    assert host.parameters({"op": 1 - code, "width": 3}) == {"op": "conv", "width": 3}


def test_bad_input():
    for wrong in ({"seed": -1}, {"n_initial": 0}, {"ref": [NAN]}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LaMOONode(**wrong)
    with pytest.raises(TypeError, match="n_intial"):
        LaMOONode(n_intial=1)
    fidelity = Range("e", INT, 1, 9, is_fidelity=True, target_value=9)
    with pytest.raises(ValueError, match="'e' is a fidelity"):
        AxSpace(SearchSpace([fidelity]))
    with pytest.raises(ValueError, match=r"'n'.*within 2"):
        AxSpace(SearchSpace([Range("n", INT, 0, 2**60)]))
    with pytest.raises(UnsupportedError, match=r"\{'x': 0.5\}, wanted none"):
        client().get_next_trials(max_trials=1, fixed_parameters={"x": 0.5})
