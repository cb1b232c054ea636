"""Outcome constraints: who counts, who comes back from disk, and who steers the search."""

import json
import math

import numpy as np
import pytest
from toys import DIRECTIONS, SPACE, evaluate

import lamoo_fast as lf
from lamoo_fast.cli import main
from lamoo_fast.search.journal import Journal

LIMIT = 0.4


def bounded(config):
    """Two objectives, then two constraints: x >= 0.4 and not op c."""
    return (*evaluate(config), LIMIT - config["x"], (config["op"] == "c") - 0.5)


def search(seed=0, **settings):
    how = {"n_constraints": 2, "leaf_size": 4, "n_initial": 10} | settings
    return lf.LaMOO(SPACE, DIRECTIONS, seed=seed, **how)


def run(opt, n, batch=4):
    lf.Study(opt, bounded, progress=False).run(n, batch)
    return opt


@pytest.mark.parametrize(
    "row",
    [
        (1.0, 2.0, -1.0, 0.0),
        [1, 2, -1, 0],
        np.array([1, 2, -1, 0], dtype=np.float32),
        ((1.0, 2.0), (-1.0, 0.0)),
        [np.array([1.0, 2.0]), [-1, 0]],
    ],
)
def test_rows_are_numbers_or_pairs(row):
    opt = search()
    (told,) = opt.tell(opt.ask(), [row])
    assert (told.values, told.constraints, told.feasible) == ((1.0, 2.0), (-1.0, 0.0), True)


def test_one_objective_and_one_constraint():
    opt = lf.LaMOO(SPACE, ["minimize"], sampler=lf.UniformSampler(), n_constraints=1, seed=0)
    told = opt.tell(opt.ask(3), [(1.0, 2.0), ([1.0], [2.0]), (1.0, [-2.0])])
    assert [(t.values, t.constraints) for t in told] == [((1,), (2,)), ((1,), (2,)), ((1,), (-2,))]
    assert [t.feasible for t in told] == [False, False, True]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 2, 3), r"values\[0\] has shape \(3,\), wanted \(4,\): 2 objectives and 2 constr"),
        (((1, 2, 3), (1,)), "2 objectives and 2 constraints"),
        (((1, 2), 3), "2 objectives and 2 constraints"),
        ((1, 2, "a", 3), "wanted 2 objectives and 2 constraints or FAILED"),
    ],
)
def test_bad_rows(row, message):
    opt = search()
    opt.ask()
    with pytest.raises(ValueError, match=message):
        opt.tell([0], [row])
    (trial,) = lf.Study(opt, lambda config: row, progress=False).run(1)
    assert trial.status == "failed"


@pytest.mark.parametrize("bad", [-1, 1.5, True, None])
def test_bad_numbers_of_constraints(bad):
    with pytest.raises(ValueError, match=f"n_constraints is {bad}, wanted a whole number >= 0"):
        search(n_constraints=bad)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_constraints_that_are_no_numbers_are_failures(bad):
    opt = search()
    told = opt.tell(opt.ask(2), [(1.0, 2.0, bad, 0.0), ((1.0, 2.0), (0.0, bad))])
    assert [t.status for t in told] == ["failed"] * 2


def test_only_feasible_trials_count():
    opt = search(ref=(0, 10))
    assert opt.hypervolume() == 0
    values = [[1, 2, 0, 0], [9, 1, 1e-9, -5], [9, 1, -5, 1], [3, 4, -1, -1], [0.5, 3, 0, 0]]
    opt.tell(opt.ask(5), values)
    assert [t.id for t in opt.pareto_front()] == [0, 3]
    assert opt.hypervolume() == pytest.approx(1 * 8 + 2 * 6)


def test_the_reference_point_comes_from_feasible_trials_and_moves_until_there_are_enough():
    opt = search(n_initial=3)
    opt.tell(opt.ask(3), [[1, 2, 1, 0], [3, 6, 1, 0], [0, 9, 1, 0]])
    assert opt.ref == pytest.approx((0.8, 6.4))  # of all: there is no feasible one
    opt.tell(opt.ask(2), [[5, 5, 0, 0], [6, 7, 0, 0]])
    assert opt.ref == pytest.approx((4.9, 7.2))
    opt.ask(1)
    opt.tell(opt.ask(1), [[7, 9, 0, 0]])
    assert opt.ref == pytest.approx((4.8, 9.4))
    opt.tell(opt.ask(1), [[8, 99, 0, 0]])
    assert opt.ref == pytest.approx((4.8, 9.4))  # fixed by the last ask


def test_the_tree_is_that_of_constrained_domination():
    opt = run(search(3), 60)
    opt.ask()
    good, bad = (opt.tree.rows(int(node)) for node in opt.tree.child[0])
    feasible = np.array([t.feasible for t in opt.trials])
    assert feasible[good].mean() > feasible[bad].mean() + 0.2
    assert opt.tree.value(0) == pytest.approx(opt.hypervolume(), rel=1e-12)
    assert opt.tree.visits[0] == 60


def test_the_search_finds_a_small_feasible_region():
    """From no feasible trial at all: the violations show the way."""
    space = lf.Space({f"x{i}": lf.Float(0, 1) for i in range(4)})

    def corner(config):
        x = list(config.values())
        return x[0], 1 - x[0], max(x[1:]) - 0.15

    def feasible(seed, **settings):
        opt = lf.LaMOO(space, ["minimize"] * 2, n_constraints=1, seed=seed, **settings)
        lf.Study(opt, corner, progress=False).run(120, 4)
        return sum(t.feasible for t in opt.trials)

    found = [feasible(seed, leaf_size=5) for seed in range(3)]
    uniform = [feasible(seed, n_initial=1000) for seed in range(3)]
    assert sum(found) > 20 > 3 > sum(uniform)


def test_state_and_journal_bring_constraints_back(tmp_path):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        lf.Study(opt, bounded, journal=journal, progress=False).run(30, 4)
    states = [json.loads(json.dumps(opt.state_dict()))]
    with Journal.open(tmp_path) as journal:
        assert journal.state() == states[0]
        states.append(journal.state())
    for state in states:
        again = search()
        again.load_state_dict(state)
        assert [t.constraints for t in again.trials] == [t.constraints for t in opt.trials]
        assert again.state_dict() == opt.state_dict()
        assert [t.config for t in again.ask(4)] == [t.config for t in opt.ask(4)]
        opt.load_state_dict(states[0])
    with pytest.raises(ValueError, match="state has n_constraints 2, but this search has 0"):
        search(n_constraints=0).load_state_dict(states[0])


def test_states_from_before_constraints_are_read():
    opt = lf.LaMOO(SPACE, DIRECTIONS, sampler=lf.UniformSampler(), seed=0, n_initial=10)
    lf.Study(opt, evaluate, progress=False).run(20)
    state = json.loads(json.dumps(opt.state_dict()))
    state["format"] = 1
    for name in ("n_constraints", "known", "noisy"):
        del state["settings"][name]
    for trial in state["trials"]:
        del trial["constraints"]
    again = lf.LaMOO(SPACE, DIRECTIONS, sampler=lf.UniformSampler(), n_initial=10)
    again.load_state_dict(state)
    assert again.state_dict() == opt.state_dict()
    with pytest.raises(ValueError, match="state has n_constraints 0, but this search has 2"):
        search().load_state_dict(state)


@pytest.mark.parametrize("sampler", [lf.UniformSampler(), lf.CMASampler()], ids=repr)
def test_samplers_take_constraints(sampler):
    opt = run(search(sampler=sampler, seed=1), 60)
    late = [t.feasible for t in opt.trials[30:]]
    assert sum(late) > 15


# ---- problems and the command line ----

PROBLEM = """
import lamoo_fast as lf

SPACE = lf.Space({"x": lf.Float(0, 1), "y": lf.Float(0, 1)})
GOALS = {"loss": "minimize", "gain": "maximize"}


@lf.problem(SPACE, GOALS, constraints=["memory"], ref=(1.5, 0.0))
def tight(config):
    return config["x"], config["x"] ** 0.5, config["y"] - config["x"]


@lf.problem(SPACE, GOALS, constraints=2)
def never(config):
    return (config["x"], 1.0), (config["y"] + 1, -1.0)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "bounds.py").write_text(PROBLEM)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_front_on_disk_is_feasible(here, capsys):
    arguments = ["search", "bounds:tight", "--budget", "40", "--no-wait", "--out", "out"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "40 evaluations, 0 failed, " in out
    assert "infeasible" in out
    head, *rows = (here / "out" / "front.csv").read_text().splitlines()
    assert head == "id,x,y,loss,gain,memory"
    assert rows
    assert all(float(row.split(",")[-1]) <= 0 for row in rows)
    assert main(["resume", "out", "--budget", "50"]) == 0
    assert "50 evaluations" in capsys.readouterr().out


def test_a_search_without_a_feasible_trial_says_so(here, capsys):
    assert main(["search", "bounds:never", "--budget", "25", "--out", "out"]) == 1
    error = capsys.readouterr().err
    assert "no trial is feasible: 25 violate constraints, 0 failed" in error


def test_problems_with_constraints():
    space = lf.Space({"x": lf.Float(0, 1)})
    goals = [lf.Objective("f", "minimize"), lf.Objective("g", "minimize")]

    def make(function, constraints=("a", "b")):
        return lf.Problem("p", space, goals, function, constraints=constraints)

    forms = (
        (1, 2, 3, 4),
        ((1, 2), (3, 4)),
        {"b": 4, "f": 1, "a": 3, "g": 2},
        np.array([1, 2, 3, 4]),
    )
    for form in forms:
        p = make(lambda config, form=form: form)
        assert p.evaluate({"x": 0}) == (1, 2, 3, 4)
        assert p.select(["g"]).evaluate({"x": 0}) == (2, 3, 4)
        assert p.select(["g"]).constraints == ("a", "b")
    assert make(lambda config: 0, 2).constraints == ("constraint 1", "constraint 2")
    for form, message in (
        ((1, 2, 3), r"3 values; wanted 4: \['f', 'g', 'a', 'b'\]"),
        (((1, 2, 3), (4,)), r"1 constraints; wanted 2: \['a', 'b'\]"),
        ({"f": 1, "g": 2, "a": 3}, r"wanted also \['b'\]"),
    ):
        with pytest.raises(ValueError, match=message):
            make(lambda config, form=form: form).evaluate({"x": 0})
    with pytest.raises(ValueError, match="wanted distinct names"):
        make(lambda config: 0, ["f"])
    with pytest.raises(ValueError, match="constraints is the string 'memory'"):
        make(lambda config: 0, "memory")
