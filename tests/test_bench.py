"""The benchmarks: point sets are what they promise, and a comparison sees what is wrong or slow."""

import dataclasses
import importlib
import math
import subprocess
import sys
import time
from pathlib import Path

import naive
import numpy as np
import pytest

from lamoo_fast import bench, fronts, machine
from lamoo_fast.bench import OURS, Contender
from lamoo_fast.cli import main

SOURCES = Path(__file__).parent.parent / "bench"


@pytest.mark.parametrize("shape", fronts.SHAPES)
@pytest.mark.parametrize(("n", "m"), [(40, 2), (60, 3), (60, 8)])
def test_fronts(shape, n, m):
    F = fronts.front(shape, n, m)
    assert F.shape == (n, m)
    assert F.dtype == np.float64
    assert F.flags.c_contiguous
    assert F.min() >= 0
    assert F.max() < fronts.REF
    assert np.array_equal(F, fronts.front(shape, n, m))
    assert not np.array_equal(F, fronts.front(shape, n, m, seed=1))
    dominated = np.array(naive.dominance_count(F)) > 0
    repeated = n - len(np.unique(F, axis=0))
    if shape == "mixed":
        assert n // 8 <= dominated.sum() <= n * 3 // 4
        assert repeated >= n // 8 - 1
        assert any(len(np.unique(column)) < n - repeated for column in F.T)
    else:
        assert not dominated.any()
        assert repeated == 0


def test_fronts_bend_as_they_are_called():
    sums = {s: fronts.front(s, 200, 3).sum(axis=1) for s in ("sphere", "linear", "convex")}
    assert sums["sphere"].min() >= 1
    assert sums["linear"] == pytest.approx(1)
    assert sums["convex"].max() <= 2
    products = fronts.front("inverted", 200, 3).prod(axis=1)
    assert products == pytest.approx(products[0])
    first = np.sort(fronts.front("discontinuous", 400, 2)[:, 0])
    assert (np.diff(first) > 0.05).sum() >= 2


def slept(seconds):
    def call(F, ref):
        time.sleep(seconds * len(F))
        return 1.0

    return call


def test_compare():
    F, ref = np.zeros((64, 2)), 1.0
    contenders = [
        Contender(OURS, slept(1e-5)),
        Contender("slow", slept(1e-4)),
        Contender("endless", slept(0.1)),
        Contender("wrong", lambda F, ref: 2.0),
        Contender("rough", lambda F, ref: 1.001, exact=False),
    ]
    outcome = bench.compare(contenders[:3], (F, ref), limit=0.1, budget=0.05)
    assert outcome.best_rival == "slow"
    assert 2 < outcome.ratio < 50
    assert outcome.left_out == ("endless",)
    assert outcome.wrong == ()
    assert not outcome.alarm
    assert outcome.seconds[OURS] <= outcome.median[OURS]

    outcome = bench.compare([contenders[0], contenders[3]], (F, ref), budget=0.01)
    assert outcome.wrong == ("wrong",)
    assert outcome.alarm
    assert outcome.best_rival is None
    assert math.isnan(outcome.ratio)

    outcome = bench.compare([contenders[0], contenders[4]], (F, ref), budget=0.01)
    assert outcome.wrong == ("rough",)
    assert outcome.errors["rough"] == pytest.approx(1e-3, rel=0.01)
    assert not outcome.alarm


def test_points_beyond_the_reference_point_are_removed():
    F = np.array([[0.5, 0.5], [1.0, 0.2], [0.2, 2.0]])
    assert bench.inside(F, np.ones(2)).tolist() == [[0.5, 0.5]]
    assert bench.inside(F[:1], np.ones(2)).base is F


@pytest.mark.parametrize("m", [2, 3, 4, 6, 9])
@pytest.mark.parametrize("shape", ["inverted", "mixed"])
def test_rivals_agree(shape, m):
    contenders = bench.hypervolume_contenders()
    if len(contenders) == 1:
        pytest.skip("no rival is installed")
    F, ref = fronts.front(shape, 30, m), np.full(m, fronts.REF)
    fit = [c for c in contenders if c.fits(m, shape != "mixed")]
    outcome = bench.compare(fit, (F, ref), budget=0.001)
    assert outcome.wrong == ()
    assert set(outcome.seconds) == {c.name for c in fit}


def test_bench_command(capsys):
    line = "bench hv -m 2,3,20 -n 12 --shapes linear,mixed --seconds 1"
    assert main(line.split()) == 0
    about, *lines = capsys.readouterr().out.splitlines()
    assert about == machine.summary()
    names = [c.name for c in bench.hypervolume_contenders()]
    if len(names) == 1:
        assert lines.pop(0).startswith("no rival is installed")
    assert lines[0].split() == ["shape", "m", "n", *names]
    cells = [line.split()[:3] for line in lines[1:-1]]
    assert cells == [[s, m, "12"] for m in ("2", "3", "20") for s in ("linear", "mixed")]
    assert all(" us" in line or " ms" in line for line in lines[1:-1])
    if len(names) > 1:
        assert all(" x" in line for line in lines[1:-1])


def test_bench_command_tells_of_differences(capsys, monkeypatch):
    both = [Contender(OURS, lambda F, ref: 1.0), Contender("other", lambda F, ref: 1.5)]
    monkeypatch.setattr(bench, "hypervolume_contenders", lambda: both)
    line = "bench hv -m 3 -n 5 --shapes sphere --seconds 1"
    assert main(line.split()) == 1
    assert "off by 3e-01" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("bench", "the following arguments are required: kernel"),
        ("bench hx", "invalid choice: 'hx'"),
        ("bench hv -m 0", "argument -m: got '0'; wanted a whole number >= 1"),
        ("bench hv -m ,", "argument -m: got ','; wanted at least one"),
        ("bench hv -n 1e5", "argument -n: got '1e5'"),
        ("bench hv --shapes spere", "argument --shapes: got 'spere'; did you mean 'sphere'?"),
        ("bench hv --seconds 0", "argument --seconds: got '0'"),
        ("bench hv -m 2 -n 100000000000000", "Unable to allocate"),
    ],
)
def test_bench_errors(capsys, line, wanted):
    assert main(line.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("lamoo: error: ")
    assert err.count("\n") == 1
    assert wanted in err


@pytest.fixture
def sources(monkeypatch):
    """Import a module of the folder of benchmarks."""
    if not SOURCES.is_dir():
        pytest.skip("no source tree beside the tests")
    monkeypatch.syspath_prepend(str(SOURCES))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == SOURCES:
            del sys.modules[name]


def test_clouds(sources):
    cases = sources("cases")
    shares = {}
    for shape in cases.CLOUDS:
        F = cases.cloud(shape, 500, 3)
        assert F.shape == (500, 3)
        assert F.min() >= 0
        assert F.max() <= 1
        assert np.array_equal(F, cases.cloud(shape, 500, 3))
        shares[shape] = np.mean(np.array(naive.dominance_count(F)) == 0)
    assert shares["correlated"] < shares["uniform"] < shares["anticorrelated"]
    assert len(np.unique(cases.cloud("grid", 500, 3))) <= 20
    assert len(np.unique(cases.cloud("grid", 5000, 2), axis=0)) < 500


def test_real_fronts(sources):
    cases = sources("cases")
    F = cases.real_front(40, 4)
    if isinstance(F, str):
        pytest.skip(F)
    assert F.shape == (40, 4)
    assert F.min() >= 0
    assert F.max() <= 1
    assert not np.any(naive.dominance_count(F))
    assert np.array_equal(F, cases.real_front(40, 4))
    assert len(cases._measured(2, True)) == 43
    assert len(cases._measured(4, True)) == 83
    assert cases.real_cloud(15_625, 2).shape == (15_625, 2)
    assert "has 43 points, not 44" in cases.real_front(44, 2)
    assert "16 objectives" in cases.real_front(5, 16)


def test_real_fronts_are_absent_with_a_reason(sources, monkeypatch, tmp_path):
    monkeypatch.setenv("LAMOO_DATA", str(tmp_path))
    cases = sources("cases")
    assert cases.real_front(10, 2).startswith(f"no {tmp_path}")
    assert "LAMOO_DATA" in cases.real_front(10, 2)
    assert cases.REAL not in cases.shapes(("sphere",), 10, 2)


def test_every_kernel_has_a_rival_that_agrees(sources):
    cases, rivals = sources("cases"), sources("rivals")
    F, ref = cases.cloud("grid", 60, 3), np.full(3, cases.REF)
    for contenders, args, error in (
        (rivals.contributions(), (F, ref), rivals.worst_entry),
        (rivals.masks(), (F,), rivals.differ),
        (rivals.ranks(), (F,), rivals.differ),
        (rivals.counts(), (F,), rivals.differ),
        (rivals.archives(rivals.add_at_once), (F, ref), rivals.differ),
        (rivals.archives(rivals.add_one_by_one), (F, ref), rivals.differ),
    ):
        fit = [c for c in contenders if c.fits(3, False)]
        outcome = bench.compare(fit, args, error=error, budget=0.001, limit=60.0)
        assert not outcome.alarm, contenders[-1].name
        assert set(outcome.seconds) == {c.name for c in fit}


def test_summary_and_files(sources, tmp_path, monkeypatch):
    compare = sources("compare")
    fields = ("sphere", 8, 50, 1.0, 1.0, 20.0, 20.0, "hvwfg", 20.0, 0.0, False, "")
    slower = ("mixed", 8, 50, 1.0, 1.0, 4.0, 4.0, "pygmo", 4.0, 0.0, False, "a, b")
    rows = [compare.Row("hypervolume", *fields), compare.Row("hypervolume", *slower)]
    (row,) = compare.summary_rows(rows)
    assert row == (
        "hypervolume", "8 to 15", "2", "8.94", "14", "4.00", "5",
        "mixed m=8 n=50 (pygmo)", "no",
    )  # fmt: skip
    assert compare.summary_rows(rows[:1])[0][-1] == "mean, floor"
    too_slow = dataclasses.replace(rows[1], ours=math.nan, ratio=math.nan)
    assert compare.summary_rows([rows[0], too_slow])[0][-1] == "ours over the limit in 1"
    compare.write(tmp_path / "x.csv", rows)
    (tmp_path / "hv_cost.csv").write_text("# other\nmethod,exact\n")
    monkeypatch.setattr(sys, "argv", ["", "--results", str(tmp_path), "--out", str(tmp_path / "y")])
    sources("summary").main()
    assert "| hypervolume | 8 to 15 | 2 | 8.94 | 14 |" in (tmp_path / "y").read_text()
    about, again = compare.read(tmp_path / "x.csv")
    assert about == machine.summary()
    assert again == rows


def test_cost(sources, tmp_path):
    """What is asked for stays near the limit, and the picture shows every method."""
    pytest.importorskip("matplotlib")
    cost, plot = sources("hv_cost"), sources("hv_cost_plot")
    within = cost.Within(1.0)
    assert within.allows(8, 100)
    within.known.update({(8, 30): 0.01, (8, 100): 0.3})
    assert within.allows(8, 120)
    assert not within.allows(8, 300)
    within.known[6, 1000] = 1.5
    assert not within.allows(7, 1000)
    costs = [
        cost.Cost(method, "~" not in method, m, n, 1e-4 * m * n, 0.0)
        for method in plot.STYLES
        for n in (30, 1000)
        for m in (2, 3, 4)
    ]
    figure = plot.draw(costs, "a machine")
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == set(plot.STYLES)
    figure.savefig(tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


TESTS_OF_PYMOO = """
import numpy as np
from pymoo.util.nds import non_dominated_sorting
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

F = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
EARLY = NonDominatedSorting().do(F)

def test_fronts():
    assert [front.tolist() for front in EARLY] == [[0, 1], [2]]
    assert [front.tolist() for front in NonDominatedSorting().do(F)] == [[0, 1], [2]]

def test_kernels():
    assert non_dominated_sorting.pareto_rank.__module__.startswith("moocore")
"""


def test_tests_of_pymoo_with_our_kernels_under_it(tmp_path):
    """What they compute when they are imported counts too; what differs is named."""
    pytest.importorskip("pymoo")
    if not SOURCES.is_dir():
        pytest.skip("no bench/ beside the tests")
    (tmp_path / "test_sorting.py").write_text(TESTS_OF_PYMOO)
    done = subprocess.run(
        [sys.executable, SOURCES / "under_pymoo.py", tmp_path, "-q"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "2 calls of pymoo.util.nds.non_dominated_sorting.pareto_rank" in done.stdout
    assert "1 tests reached them" in done.stdout
    assert "test_sorting::test_kernels: passed alone, failure with ours" in done.stdout
    assert done.stdout.endswith("1 of 2 tests pass on pymoo alone only\n")
