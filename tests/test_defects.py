"""Mistakes known from earlier code for the same algorithm, each shown to be absent here.

The numbers are those of the project's list of defects.
"""

import ast
import math
import sys
from pathlib import Path as FilePath

import numpy as np
import pytest

import lamoo_fast
from lamoo_fast.search import (
    FAILED,
    BoTorchSampler,
    Categorical,
    CMASampler,
    EHVISampler,
    Float,
    Integer,
    LaMOO,
    Leaf,
    PartitionTree,
    Path,
    Region,
    Space,
    SVMClassifier,
    UniformSampler,
    View,
)

CUBE = Space({f"x{i}": Float(0, 1) for i in range(3)})
CELLS = Space({f"edge{i}": Categorical(["none", "skip", "conv", "pool"]) for i in range(4)})
SAMPLERS = [
    UniformSampler(),
    CMASampler(),
    EHVISampler(n_candidates=64),
    BoTorchSampler(n_candidates=64),
]


def objectives(config):
    x, *rest = config.values()
    cost = sum((r - 0.3) ** 2 for r in rest)
    return (x**2 + cost, (x - 1) ** 2 + cost)


def run(opt, budget, evaluate=objectives, batch=5):
    while len(opt.trials) < budget:
        trials = opt.ask(batch)
        opt.tell(trials, [evaluate(t.config) for t in trials])
    return opt


def tree_of():
    X = np.random.default_rng(0).random((120, 3))
    F = np.array([objectives(c) for c in CUBE.decode(X)])
    ref = np.array([2.0, 2.0])
    return X, PartitionTree.build(CUBE, X, F, ref, SVMClassifier(), leaf_size=8)


class Recorder:
    """A sampler that remembers what it was given."""

    def __init__(self):
        self.calls = []

    def __repr__(self):
        return "Recorder()"

    def draw(self, region, n, view):
        self.calls.append((region, view))
        return UniformSampler().draw(region, n, view)


def test_c01_your_own_problem_runs_and_its_initial_size_counts():
    space = Space({"width": Integer(1, 64, log=True), "act": Categorical(["relu", "tanh"])})
    opt = LaMOO(
        space,
        ["maximize", "minimize", "minimize"],
        sampler=UniformSampler(),
        n_initial=17,
        leaf_size=5,
        seed=0,
    )

    def mine(config):
        wide = math.log2(config["width"])
        return (wide - (config["act"] == "tanh"), wide**2, config["width"])

    run(opt, 17, mine, batch=1)
    assert opt.tree is None
    run(opt, 60, mine, batch=3)
    assert opt.tree.visits[0] >= 57
    assert len(opt.pareto_front()) > 1


def test_c02_children_hold_the_rows_that_lie_in_their_region():
    X, tree = tree_of()
    assert len(tree) > 3
    for node in range(len(tree)):
        inside = np.flatnonzero(tree.region(node).contains(X))
        assert sorted(tree.rows(node)) == inside.tolist()


def test_c03_path_selection_compares_hypervolumes_of_inner_nodes():
    _, tree = tree_of()
    values = [tree.value(node) for node in range(len(tree))]
    assert np.isfinite(values).all()
    node = 0
    while tree.child[node, 0] >= 0:
        node = max(tree.child[node], key=tree.value)
    assert Path(c_p=0).select(tree) == node
    # However deep the tree may grow, no leaf is chosen just because it was not split further.
    assert Leaf(c_p=0).select(tree) == max(tree.leaves, key=tree.value)


def test_c04_visits_and_values_take_in_what_was_told():
    opt = run(
        LaMOO(CUBE, ["minimize"] * 2, sampler=UniformSampler(), ref=(2, 2), leaf_size=8, seed=0), 60
    )
    opt.ask()
    before = opt.tree
    opt.tell([{"x0": 0.0, "x1": 0.3, "x2": 0.3}], [(0.0, 0.0)])
    opt.ask()
    assert opt.tree.visits[0] == before.visits[0] + 1
    assert before.value(0) < opt.tree.value(0) == 4.0 == opt.hypervolume()


def test_c05_no_constraint_is_dropped_for_lack_of_points():
    class Corner:
        def side(self, Z):
            return (Z < 0.02).all(axis=1)  # 8e-6 of the volume

    view = View(
        np.full((1, 3), 0.01), np.ones((1, 2)), np.ones(2), np.empty((0, 3)), set(),
        np.random.default_rng(0),
    )  # fmt: skip
    region = Region(CUBE, ((Corner(), True),))
    points = UniformSampler().draw(region, 50, view)
    assert len(points) == 50
    assert (points < 0.02).all()


def test_c05_a_constraint_given_up_is_told():
    opt = LaMOO(CELLS, ["minimize"] * 2, sampler=UniformSampler(), leaf_size=4, seed=0)

    def cells(config):
        n = [list(config.values()).count(op) for op in ("none", "conv")]
        return (n[0] + n[1] / 2, 4 - n[0])

    run(opt, 200, cells)
    trials = opt.ask(40)
    region = opt.tree.region(opt.selection.select(opt.tree))
    for t in trials:
        kept = Region(CELLS, region.constraints[: len(region.constraints) - t.relaxed])
        assert kept.contains(t.x[None]).all()
    assert any(t.relaxed for t in trials)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_c06_every_proposal_lies_in_the_region(sampler):
    opt = LaMOO(CUBE, ["minimize"] * 2, sampler=sampler, leaf_size=8, seed=0, n_initial=60)
    run(opt, 60)
    for _ in range(3):
        trials = opt.ask(3)
        region = opt.tree.region(Leaf().select(opt.tree))
        assert region.constraints
        assert region.contains(np.array([t.x for t in trials])).all()
        assert {t.relaxed for t in trials} == {0}


def test_c07_nothing_of_one_problem_is_used_for_another():
    searches = []
    for m in (2, 3):
        opt = LaMOO(CUBE, ["minimize"] * m, ref=[5.0] * m, leaf_size=8, seed=0)
        run(opt, 30, lambda c, m=m: [abs(c["x0"] - i / 2) + c["x1"] for i in range(m)])
        opt.ask()
        assert opt.tree.ref.tolist() == [5.0] * m
        searches.append(opt)
    assert len({len(o.trials[0].values) for o in searches}) == 2


def test_c08_cma_proposals_are_new_follow_every_objective_and_the_seed():
    evaluated = []

    def evaluate(config):
        evaluated.append(tuple(config.values()))
        return tuple(-value for value in objectives(config))

    fronts = []
    for seed in (0, 1):
        opt = LaMOO(CUBE, ["maximize"] * 2, ref=(-2, -2), sampler=CMASampler(), seed=seed)
        run(opt, 100, evaluate)
        late = np.array([[t.config[f"x{i}"] for i in range(3)] for t in opt.trials[50:]])
        # Pareto set: x0 anywhere, x1 = x2 = 0.3. Uniform points are 0.29 away in each.
        assert np.abs(late[:, 1:] - 0.3).mean() < 0.2
        assert late[:, 0].std() > 0.05  # the best of one objective alone is a point
        fronts.append([t.config for t in opt.pareto_front()])
    assert len(evaluated) == len(set(evaluated)) == 200
    assert fronts[0] != fronts[1]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_c09_there_are_as_many_evaluations_as_trials(sampler):
    calls = []
    opt = LaMOO(CUBE, ["minimize"] * 2, sampler=sampler, n_initial=10, seed=0)
    run(opt, 25, lambda c: calls.append(c) or objectives(c))
    assert len(calls) == len(opt.trials) == 25


def test_c10_the_sampler_gets_the_leaf_itself():
    recorder = Recorder()
    opt = run(LaMOO(CUBE, ["minimize"] * 2, sampler=recorder, leaf_size=8, seed=0), 100)
    opt.ask()
    region, view = recorder.calls[-1]
    leaf = Leaf().select(opt.tree)
    assert tuple(region.constraints) == opt.tree.region(leaf).constraints
    assert region.contains(view.X).sum() == opt.tree.visits[leaf]


@pytest.mark.parametrize("m", [1, 2, 4, 7])
def test_c11_every_choice_works_for_any_number_of_objectives(m):
    for selection in (Leaf(), Path()):
        for sampler in (UniformSampler(), CMASampler()):
            opt = LaMOO(
                CUBE, ["minimize"] * m, sampler=sampler, selection=selection, leaf_size=6, seed=0
            )
            run(opt, 45, lambda c: [abs(c["x0"] - i / 7) + c["x1"] for i in range(m)])
            assert opt.hypervolume() > 0


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_c12_categories_have_no_order_and_nothing_is_evaluated_twice(sampler):
    Z = CELLS.features(CELLS.enumerate())
    distances = {float(np.square(Z[0] - z).sum()) for z in Z}
    assert distances == {0.0, 2.0, 4.0, 6.0, 8.0}  # twice the number of edges that differ
    opt = LaMOO(CELLS, ["minimize"] * 2, sampler=sampler, leaf_size=5, seed=0)
    run(opt, 30, lambda c: (sum(v == "none" for v in c.values()), c["edge0"] != "none"))
    assert len({tuple(t.config.values()) for t in opt.trials}) == 30


def test_c13_constraints_failures_and_pending_trials_are_respected(capfd):
    np.random.seed(1)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    space = Space(CELLS.params, valid=lambda c: c["edge0"] != "pool")
    opt = LaMOO(space, ["minimize"] * 2, sampler=UniformSampler(), leaf_size=4, seed=0)
    waiting = opt.ask(5)
    while len(opt.trials) < 80:
        trials = opt.ask(5)
        values = [list(t.config.values()).count("none") for t in trials]
        opt.tell(trials, [FAILED if v == 3 else (v, (v - 2) ** 2) for v in values])
    configs = [tuple(t.config.values()) for t in opt.trials + opt.pending]
    assert len(set(configs)) == len(configs) == 85
    assert all(edge != "pool" for edge, *_ in configs)
    assert [t.id for t in opt.pending] == [t.id for t in waiting]
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert capfd.readouterr() == ("", "")


def test_c14_only_public_modules_of_the_declared_dependencies_are_used():
    declared = {"numpy", "scipy", "tqdm", "cma", "torch", "botorch", "gpytorch"}
    declared |= {"threadpoolctl", "pandas"}  # the last by whoever asks for a data frame
    declared |= {"lamoo_fast"} | sys.stdlib_module_names
    folder = FilePath(lamoo_fast.__file__).parent / "search"
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            else:
                continue
            for name in names:
                first, *rest = name.split(".")
                assert first in declared, f"{file}: {name}"
                assert not any(part.startswith("_") for part in rest), f"{file}: {name}"


def test_c15_no_graphics_processor_is_assumed(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    sampler = BoTorchSampler(n_candidates=32)
    opt = run(LaMOO(CUBE, ["minimize"] * 2, sampler=sampler, n_initial=10, seed=0), 15)
    assert len(opt.trials) == 15


def test_c16_units_of_parameters_and_objectives_do_not_matter():
    configs = []
    for a, b in ((1, 1), (2**20, 2**-20)):
        space = Space({f"x{i}": Float(0, b) for i in range(3)})
        opt = LaMOO(space, ["minimize"] * 2, sampler=UniformSampler(), leaf_size=6, seed=0)

        def scaled(config, a=a, b=b):
            f = objectives({k: v / b for k, v in config.items()})
            return (f[0] * a, f[1] * b)

        run(opt, 80, scaled)
        configs.append([[v / b for v in t.config.values()] for t in opt.trials])
    assert configs[0] == configs[1]


def test_c17_the_reference_point_need_not_be_known():
    opt = run(LaMOO(CUBE, ["minimize"] * 2, sampler=UniformSampler(), seed=0), 40)
    assert opt.hypervolume() > 0


@pytest.mark.parametrize("selection", [Leaf(), Path()], ids=repr)
def test_c17_search_goes_on_where_nothing_is_better_than_the_reference(selection):
    opt = LaMOO(
        CUBE,
        ["minimize"] * 2,
        sampler=UniformSampler(),
        ref=(-1, -1),
        selection=selection,
        leaf_size=8,
        seed=0,
    )
    opt = run(opt, 40)
    run(opt, 160, batch=2)
    assert opt.hypervolume() == 0
    excess = [max(np.array(t.values) - opt.ref) for t in opt.trials]  # what keeps it from the goal
    assert np.mean(excess[40:]) < np.mean(excess[:10]) - 0.1
    assert min(excess[40:]) <= min(excess[:40])
