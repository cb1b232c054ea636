"""The study of the search: every method takes part, runs are paired, a killed study goes on."""

import csv
import importlib
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast.nas import Objective, Problem

SOURCES = Path(__file__).parent.parent / "bench"
SHARED = Path(__file__).parents[2] / "shared/data/nas"


@pytest.fixture(scope="module")
def sources():
    """Import a module of the folder of benchmarks."""
    if not SOURCES.is_dir():
        pytest.skip("no source tree beside the tests")
    pytest.importorskip("matplotlib")
    sys.path.insert(0, str(SOURCES))
    before = set(sys.modules)
    yield importlib.import_module
    sys.path.remove(str(SOURCES))
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == SOURCES:
            del sys.modules[name]


@pytest.fixture
def data(monkeypatch):
    if "LAMOO_DATA" not in os.environ:
        monkeypatch.setenv("LAMOO_DATA", str(SHARED))
    if not Path(os.environ["LAMOO_DATA"], "nasbench201_joined.csv.gz").is_file():
        pytest.skip("the shared tables are not here: set LAMOO_DATA to their folder")


def toy(problems, listed=False):
    """Categories only: the number of ones against the number of zeros and a bonus for one pair."""

    def cost(config):
        values = list(config.values())
        return values.count(0) + 0.1 * values[2]

    def evaluate(config):
        values = list(config.values())
        return values.count(1) + 2 * (values[:2] == [1, 2]), cost(config)

    params = {f"x{i}": lf.Categorical([0, 1, 2]) for i in range(5)}
    space = lf.Space(params)
    if listed:
        space = lf.Space(params, valid=lf.Listed(space.decode(space.enumerate()[::4])))
    objectives = [Objective("a", "maximize"), Objective("b", "minimize")]
    problem = Problem("toy", space, objectives, evaluate)
    F = np.array([problem.evaluate(c) for c in space.decode(space.enumerate())])
    best = lf.hypervolume(F, (-1, 6), maximise=[True, False])
    return problems.StudyProblem(
        "toy", problem, (-1, 6), best, best, 1e-4, known={1: cost},
        structure=lambda configs: [list(c.values()).count(1) for c in configs],
    )  # fmt: skip


METHODS = ["random", "mutation", "nsga2", "nsga3", "sms-emoa", "como-cma", "hamming-gp",
           "hamming-gp-known", "motpe", "optuna-nsga2", "optuna-gp", "qlognehvi", "lamoo",
           "lamoo-uniform", "lamoo-cma", "lamoo-notree", "lamoo-uniform-notree",
           "lamoo-cma-notree", "lamoo-b5", "lamoo-known", "lamoo-structure",
           "lamoo-known-structure", "lamoo-notree-known"]  # fmt: skip
SLOW = ("optuna-gp", "qlognehvi")


@pytest.mark.parametrize("kind", ["categories", "table", "real"])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_runs(sources, name, kind):
    problems, methods, runs = map(sources, ("search_problems", "search_methods", "search_runs"))
    assert list(methods.METHODS) == METHODS
    problem = problems.branin_currin() if kind == "real" else toy(problems, kind == "table")
    budget = 11 if name in SLOW else 15
    if name in SLOW and kind == "table":
        pytest.skip("takes long, and tables are the same to it")
    F = []

    def evaluate(config):
        F.append(known(config))
        return F[-1]

    known = problem.problem.evaluate
    wrapped = replace(
        problem, problem=Problem("toy", problem.space, problem.problem.objectives, evaluate)
    )
    try:
        gaps, seconds = runs.search(wrapped, methods.METHODS[name], 1, budget)
    except methods.UnfitError as error:
        pytest.skip(str(error))
    assert len(gaps) == budget <= len(F)
    assert np.isfinite([*gaps, seconds]).all()
    assert seconds > 0
    assert (np.diff(gaps) <= 0).all()
    ref = problem.signs * problem.ref
    volume = lf.hypervolume(problem.signs * np.array(F[:budget]), ref)
    assert volume <= problem.best + 1e-9
    gap = (problem.best - volume) / problem.unit
    assert gaps[-1] == pytest.approx(math.log10(max(gap, problem.floor)))
    random, _ = runs.search(problem, methods.METHODS["random"], 1, budget)
    assert gaps[:10] == random[:10]


def test_a_run_counts_what_is_new(sources):
    """Repeats are answered and not counted; what has no evaluation stands for the nearest row."""
    problems, methods, runs = map(sources, ("search_problems", "search_methods", "search_runs"))
    problem = toy(problems, listed=True)
    evaluated = []
    known = problem.problem.evaluate

    class Stubborn:
        """Asks for one point again and again, then for another one that is not in the table."""

        def __init__(self, problem, X, F, seed):
            self.X, self.asked, self.told = X, 0, []

        def ask(self):
            self.asked += 1
            if self.asked <= 20:
                return self.X[:1].copy()
            return np.full((1, 5), 0.5) * np.array([[1, 1, 1, 1, self.asked % 3 / 3 + 1 / 3]])

        def tell(self, X, F):
            self.told.append((X, F))

    def evaluate(config):
        evaluated.append(tuple(config.values()))
        return known(config)

    wrapped = Problem("toy", problem.space, problem.problem.objectives, evaluate)
    problem = replace(problem, problem=wrapped)
    gaps, _ = runs.search(problem, methods.Entry(Stubborn), 0, 14)
    assert len(gaps) == 14
    assert len(set(evaluated)) == len(evaluated) <= 14
    assert all(
        problem.space.valid(dict(zip(problem.space.names, e, strict=True))) for e in evaluated
    )


def test_best_hypervolumes(sources, data):
    """The largest ones of tables come from their fronts, and those of formulas are not passed."""
    problems = sources("search_problems")
    nb201 = problems.load("nb201")
    assert nb201.best == pytest.approx(8.0551, abs=1e-4)
    assert len(nb201.front) == 14
    for name in ("macro", "graph-cora", "accel", "lanas", "darts", "analognas-3"):
        problem = problems.load(name)
        F = problem.signs * problem.problem.values
        assert lf.hypervolume(F, problem.signs * problem.ref) == pytest.approx(problem.best)
        config = problem.problem.configs[17]
        for j, function in problem.known.items():
            assert function(config) == pytest.approx(problem.problem.evaluate(config)[j])
    for m in (3, 5):
        sphere = problems.sphere(m)
        U = np.abs(np.random.default_rng(m).standard_normal((3000, m)))
        dominated = lf.hypervolume(U / np.linalg.norm(U, axis=1)[:, None], [1.1] * m)
        assert 0.7 * sphere.best < dominated < sphere.best


def test_tables_that_are_missing_are_skipped(sources, monkeypatch, tmp_path):
    monkeypatch.setenv("LAMOO_DATA", str(tmp_path))
    problems, runs = sources("search_problems"), sources("search_runs")
    problems.load.cache_clear()
    problems._nb201.cache_clear()
    tasks, reasons = runs.plan(["nb201", "lanas", "branin-currin"], {}, 1, 1, None)
    assert tasks == []
    assert [reason.split(":")[0] for reason in reasons] == ["nb201", "lanas"]
    problems.load.cache_clear()


def test_curves_are_written_as_steps(sources):
    runs, stats = sources("search_runs"), sources("search_stats")
    gaps = [0.5, 0.5, 0.25, 0.25, -1.123456789, -1.1234567]
    text = runs.steps(gaps)
    assert text == "1:0.50000 3:0.25000 5:-1.12346"
    assert stats.unfolded(text, 6) == pytest.approx(gaps, abs=1e-5)
    assert stats.unfolded("1:0.5", 3).tolist() == [0.5] * 3


def rows_of(folder):
    with open(folder / "runs.csv", newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def command(folder, *more):
    return [
        sys.executable, str(SOURCES / "search.py"), "--problems", "branin-currin", "dtlz2-3",
        "--methods", "random", "mutation", "lamoo-uniform", "--seeds", "2", "--budget", "14",
        "--out", str(folder), *more,
    ]  # fmt: skip


def test_a_killed_study_goes_on(sources, monkeypatch, tmp_path):
    pytest.importorskip("tqdm")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(command(whole, "--workers", "2"), check=True, capture_output=True)
    rows = rows_of(whole)
    assert len(rows) == 2 * 3 * 2
    for name in ("curves.png", "curves-dtlz2-3.png", "report.md", "levels.csv", "seconds.csv"):
        assert (whole / name).stat().st_size > 0
    assert "geometric mean of 2" in (whole / "report.md").read_text()
    assert "nan" not in (whole / "ends.csv").read_text()

    text = (whole / "runs.csv").read_text()
    killed.mkdir()  # in the middle of a line
    (killed / "runs.csv").write_text(text[: len(text) * 2 // 3])
    done = subprocess.run(
        command(killed, "--workers", "0"), check=True, capture_output=True, text=True
    )
    assert rows_of(killed) == rows
    assert "12/12" in done.stderr
    first = (killed / "runs.csv").read_text()
    monkeypatch.setattr(sys, "argv", command(killed, "--workers", "0")[1:])
    assert sources("search").main() == 0
    assert (killed / "runs.csv").read_text() == first  # nothing was left to do


def test_a_file_of_another_form_is_refused(sources, monkeypatch, tmp_path, capsys):
    old = "problem,method,seed,evaluation\nnb201,random,0,1\n"
    (tmp_path / "runs.csv").write_text(old)
    for more in ([], ["--report"]):
        monkeypatch.setattr(sys, "argv", command(tmp_path, *more)[1:])
        with pytest.raises(SystemExit) as caught:
            sources("search").main()
        assert "wanted ('problem', 'method'" in capsys.readouterr().err + str(caught.value)
        assert (tmp_path / "runs.csv").read_text() == old


def test_initial_points_are_paired(sources):
    problems = sources("search_problems")
    problem = problems.branin_currin()
    assert np.array_equal(
        problems.initial_design(problem, 3), problems.initial_design(problem, 3, 20)[:10]
    )
    assert not np.array_equal(
        problems.initial_design(problem, 3), problems.initial_design(problem, 4)
    )


def test_shares(sources):
    """Levels and gains of curves that are known."""
    stats = sources("search_stats")
    curve = -np.linspace(0.0, 1.0, 100)
    assert stats.share(2 * curve, curve) == pytest.approx(0.51)  # after 51 of 100
    assert stats.share(curve, 2 * curve) == pytest.approx(1 / 0.51)
    assert stats.reached(curve, -2) is None
    early = np.maximum(curve, -0.5)  # is at its end halfway
    assert stats.pace(early, early) == stats.pace(0 * curve, 0 * curve) == 1
    assert stats.pace(2 * curve, early) == pytest.approx(51 / 26)
    assert stats.pace(early, 2 * curve) == pytest.approx(26 / 51)
    fast = stats.Curves((0, 1), np.array([2 * curve, 2 * curve - 0.01]), np.ones(2), 90)
    slow = stats.Curves((0, 1), np.array([curve, curve]), np.ones(2), 90)
    (row,) = stats.levels({"p": {"ours": fast, "random": slow}}, "ours", ["random"])
    assert (row.rival, row.evaluations, row.seeds) == ("random", 51, 2)
    assert row.difference == pytest.approx(-1.005)
    assert row.interval == pytest.approx(12.706 * 0.005, rel=1e-3)
    assert not row.worse
    value, low, high, n = stats.gain({"p": {"a": fast, "b": slow}}, "a", "b")
    assert low <= value <= high
    assert value == pytest.approx(1 / 0.51, rel=0.02)
    assert n == 1


def test_expected_improvement_against_sampling(sources):
    models = sources("search_models")
    rng = np.random.default_rng(0)
    front, ref = np.array([[0.2, 0.7], [0.5, 0.3]]), np.array([1.0, 1.0])
    mean, std = rng.random((4, 2)), rng.uniform(0.1, 0.5, (4, 2))
    got = models.ehvi([(mean[:, j], std[:, j]) for j in (0, 1)], front, ref)
    before = lf.hypervolume(front, ref)
    for i in range(4):
        Y = rng.normal(mean[i], std[i], (20_000, 2))
        gains = [lf.hypervolume(np.vstack([front, y]), ref) - before for y in Y]
        assert got[i] == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / 141)


def test_ablation(sources, tmp_path):
    ablation = sources("ablation")
    names = ablation.variants()
    assert {"default", "uniform: no tree", "uniform: path", "default: initial 20"} <= set(names)
    line = [
        sys.executable, str(SOURCES / "ablation.py"), "--problems", "branin-currin", "--variants",
        "uniform", "uniform: no tree", "uniform: greedy", "uniform: initial 20", "--seeds", "2",
        "--budget", "24", "--workers", "0", "--out", str(tmp_path),
    ]  # fmt: skip
    subprocess.run(line, check=True, capture_output=True)
    text = (tmp_path / "report.md").read_text()
    assert "| uniform: greedy | uniform |" in text
    assert (tmp_path / "ablation.png").stat().st_size > 0


def test_ties_are_broken_otherwise(sources):
    """Every order of the ablation leads another way, and the one that is none to the old labels."""
    ablation = sources("ablation")
    F = np.random.default_rng(0).dirichlet(np.ones(5), 40)
    orders = [order(F) for order in ablation.ORDERS.values()]
    assert [len(set(order.round(9))) > 1 for order in orders] == [False, True, True]
    nearer, farther = [[0.1, 0.1, 0.1], [0.9, 0, 0], [0, 0.9, 0]], [[0, 0, 1.0]]
    F = np.array(nearer + farther)
    assert ablation.nearly_dominating(F)[0] > 0
    assert np.argmin(ablation.contribution(F)) == 0
    found = {}
    for name in ("uniform", *(f"uniform: ties by {order}" for order in ablation.ORDERS)):
        problem = sources("search_problems").sphere(5)
        entry = ablation.variants()[name]
        method = entry.make(problem, *design(sources, problem, 40), 0)
        method.ask()
        found[name] = len(method.opt.tree)
    assert found["uniform: ties by none"] < found["uniform"]


def design(sources, problem, n):
    X = sources("search_problems").initial_design(problem, 0, n)
    return X, problem.evaluate(X)


def test_problems_of_many_objectives(sources, data):
    problems = sources("search_problems")
    for name, m in (("nb201-latencies", 10), ("analognas-13", 13)):
        problem = problems.load(name)
        assert problem.m == m
        F = problem.signs * problem.front
        assert lf.hypervolume(F, problem.signs * problem.ref) == pytest.approx(problem.best)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("--problems nb2001", "unknown problem 'nb2001'"),
        ("--methods nsga4", "unknown method 'nsga4'"),
        ("--seeds 0", "--seeds is 0; wanted at least 1"),
        ("--budget 3", "--budget is 3; wanted at least"),
        ("--report", "is not there; wanted runs to report"),
    ],
)
def test_bad_commands(sources, capsys, monkeypatch, tmp_path, line, wanted):
    search = sources("search")
    monkeypatch.setattr(sys, "argv", ["search.py", *line.split(), "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        search.main()
    assert wanted in capsys.readouterr().err + str(caught.value)
