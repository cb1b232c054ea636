"""Predictors of architectures: encodings against a list of all paths, models, refits, promotion."""

import itertools

import numpy as np
import pytest

from lamoo_fast.nas.evaluators import Evaluation, as_hints
from lamoo_fast.nas.evaluators.encodings import cell201_features
from lamoo_fast.nas.evaluators.models import (
    Average,
    Ensemble,
    ProcessModel,
    boosted_trees,
    extra_trees,
    perceptron,
)
from lamoo_fast.nas.evaluators.predictor import Predictor, Promoting
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS
from lamoo_fast.nas.spaces.path_summary import PathSummary
from lamoo_fast.search import Integer, LaMOO, Space

SPACE = Space({"a": Integer(0, 20), "b": Integer(0, 20)})
ACCURACY = {"accuracy": "maximize"}


def truth(config):
    return {"accuracy": 90 - (config["a"] - 12) ** 2 / 10 - config["b"], "size": 2.0 ** config["b"]}


def grid(step=1):
    return [{"a": a, "b": b} for a in range(0, 21, step) for b in range(0, 21, step)]


def listed(edges, source, sinks):
    """All paths, as lists of operations."""
    own = [[]] if source in sinks else []
    return own + [
        [op, *rest] for s, t, op in edges if s == source for rest in listed(edges, t, sinks)
    ]


def summary(edges, sources, sinks, groups):
    paths = [p for s in sources for p in listed(edges, s, sinks)]
    if not paths:
        return [0.0] * (3 + 5 * len(groups))
    used = [
        e
        for e in edges
        if listed(edges, e[1], sinks)
        and (e[0] in sources or any(listed(edges, s, {e[0]}) for s in sources))
    ]
    out = [len(paths), max(map(len, paths)), min(map(len, paths))]
    for group in groups.values():
        held = [sum(op in group for op in path) for path in paths]
        out += [sum(op in group for *_, op in used), max(held), min(held), np.mean(held)]
        out.append(held.count(0))
    return out


def test_summaries_are_those_of_all_paths():
    rng = np.random.default_rng(0)
    groups = {"a": {"a"}, "b": {"b"}, "any": {"a", "b", "c"}}
    pairs = list(itertools.combinations(range(7), 2))
    empty = 0
    for _ in range(60):
        chosen = rng.permutation(len(pairs))[: rng.integers(1, 14)]
        edges = [(*pairs[i], str(rng.choice(["a", "b", "c"]))) for i in chosen]
        got = PathSummary(groups)(edges, {0, 1}, {5, 6}).tolist()
        wanted = summary(edges, {0, 1}, {5, 6}, groups)
        np.testing.assert_allclose(got, wanted)
        empty += wanted[0] == 0
    assert 0 < empty < 60


def test_cells_of_one_function_have_one_encoding():
    cell = dict(zip(EDGES, (OPS[i] for i in (3, 0, 0, 1, 0, 2)), strict=True))  # 0to1, 2to3 dead
    other = {**cell, "0to1": "avg_pool_3x3", "2to3": "skip_connect"}
    a, b, none = cell201_features([cell, other, dict.fromkeys(EDGES, "none")])
    np.testing.assert_array_equal(a, b)
    assert a.any()
    assert not none.any()
    assert not np.array_equal(a, cell201_features([{**cell, "0to3": "nor_conv_1x1"}])[0])


def features(configs):
    return [[c["a"], c["b"], (c["a"] - 12) ** 2] for c in configs]


def trees():
    pytest.importorskip("sklearn")
    return Ensemble(boosted_trees, features, members=3)


def many():
    pytest.importorskip("sklearn")
    return Average(Ensemble(extra_trees, features, members=2), Ensemble(perceptron, features))


@pytest.mark.parametrize(
    "model",
    [lambda: ProcessModel(SPACE), lambda: ProcessModel(SPACE, features), trees, many],
    ids=["process", "process of features", "trees", "average"],
)
def test_predictions_follow_the_truth(model):
    seen = [grid()[i] for i in np.random.default_rng(0).permutation(441)[:50]]
    predictor = Predictor({**ACCURACY, "size": "minimize"}, model)
    predictor.tell(seen, [truth(c) for c in seen])
    mean, sd = predictor.predict(grid())
    for j, name in enumerate(predictor.names):
        true = np.array([truth(c)[name] for c in grid()])
        ranks = (np.argsort(np.argsort(v)) for v in (mean[:, j], true))
        assert np.corrcoef(*ranks)[0, 1] > 0.9
    assert (sd >= 0).all()
    assert sd.max() > 0
    again = Predictor({**ACCURACY, "size": "minimize"}, model)
    again.tell(seen, [truth(c) for c in seen])
    np.testing.assert_array_equal(again.predict(grid())[0], mean)
    evaluations = again.evaluate(grid()[:5])
    np.testing.assert_allclose([e.values["size"] for e in evaluations], mean[:5, 1])
    assert {e.fidelity for e in evaluations} == {"predictor"}
    assert again.evaluate([]) == []


def test_more_truth_makes_it_better():
    order = [grid()[i] for i in np.random.default_rng(1).permutation(441)]
    predictor = Predictor(ACCURACY, lambda: ProcessModel(SPACE))

    def error():
        mean = predictor.predict(order)[0][:, 0]
        return np.abs(mean - [truth(c)["accuracy"] for c in order]).mean()

    errors = []
    for rows in (order[:6], order[6:20], order[20:60]):
        predictor.tell(rows, [truth(c) for c in rows])
        errors.append(error())
    assert errors[0] > errors[1] > 2 * errors[2]


class Counted:
    def __init__(self):
        self.asked = []

    def evaluate(self, configs):
        self.asked += configs
        return [Evaluation(truth(c), "trained", 1.0) for c in configs]


def test_the_promising_are_evaluated_truly():
    true = Counted()
    predictor = Predictor(ACCURACY, lambda: ProcessModel(SPACE))
    mixed = Promoting(predictor, true, n_first=25, share=0.1)
    order = [grid()[i] for i in np.random.default_rng(2).permutation(441)]
    results = mixed.evaluate(order)
    assert len(true.asked) == predictor.n_told == 25 + 42
    assert true.asked[:25] == order[:25]
    for config, result in zip(order, results, strict=True):
        assert (result.fidelity == "trained") == (config in true.asked)
        if result.fidelity == "trained":
            assert result.values == truth(config)
    best = sorted(order[25:], key=lambda c: -truth(c)["accuracy"])[:20]
    assert sum(c in true.asked for c in best) >= 15
    mixed.evaluate(order[:10])
    assert len(true.asked) == 25 + 42 + 1


def test_promising_ones_come_from_all_of_the_front():
    predictor = Predictor({"a": "minimize", "b": "minimize"}, lambda: ProcessModel(SPACE))
    predictor.tell(grid(4), grid(4))
    line = [{"a": i, "b": 20 - i} for i in range(21)] + [{"a": 20, "b": 20}]
    chosen = predictor.promising(line, 21, optimism=0.0)
    assert set(chosen[:2]) == {0, 20}
    assert 21 not in chosen


def test_an_evaluator_gives_hints_to_a_search():
    cheap = Counted()
    opt = LaMOO(SPACE, ["maximize"], seed=0, hints=as_hints(cheap, ["size", "accuracy"]))
    while len(opt.trials) < 20:
        trials = opt.ask(5)
        opt.tell(trials, [[truth(t.config)["accuracy"]] for t in trials])
    assert max(t.values[0] for t in opt.trials) == 90.0
    assert len(cheap.asked) == 441  # once each
    assert as_hints(cheap, ["size"])(grid()[:2]) == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"accuracy": 1.0}], "got 1 values for 2"),
        ([{"accuracy": 1.0}, {}], "wanted finite ones of \\['accuracy'\\]"),
        ([{"accuracy": 1.0}, {"accuracy": float("nan")}], "wanted finite"),
    ],
)
def test_bad_truth_is_not_learned(values, message):
    predictor = Predictor(ACCURACY, lambda: ProcessModel(SPACE))
    with pytest.raises(ValueError, match=message):
        predictor.tell(grid()[:2], values)
    with pytest.raises(ValueError, match="0 true evaluations are known; wanted at least 2"):
        predictor.predict(grid()[:1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Predictor({}, lambda: None), "objectives is empty"),
        (lambda: Predictor({"a": "up"}, lambda: None), "direction 'up'"),
        (lambda: Promoting(None, None, share=0.0), "share is 0"),
        (lambda: Promoting(None, None, n_first=1), "n_first is 1"),
        (lambda: Average(), "models is empty"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ValueError, match=message):
        make()
