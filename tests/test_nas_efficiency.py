"""What hints save: the figures of two sets of curves, and the command line."""

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast.cli import main
from lamoo_fast.nas.efficiency import Efficiency, efficiency
from lamoo_fast.nas.files import FILES, DataFile
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.table import Table

MODULE = """
import numpy as np
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.table import Table

worth = np.random.default_rng(7).random((20, 20))
pairs = [{"a": a, "b": b} for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"]
good = worth.ravel()
cost = np.arange(400) % 20 + np.arange(400) // 20
table = Table(
    "pairs", pairs,
    [Objective("good", "maximize"), Objective("cost", "minimize"), Objective("cheap", "maximize")],
    np.column_stack([good, cost, np.exp(good)]), default=["good", "cost"],
)
"""


def test_figures_are_those_of_the_mean_curves():
    without = np.array([[0.0, 0.5, 0.9], [0.0, 0.9, 0.9]])
    helped = np.array([[0.0, 0.99, 0.99], [0.0, 0.81, 1.0]])
    found = Efficiency(without, helped, 1.0, "hints")
    assert found.level == pytest.approx(1.0)
    np.testing.assert_allclose(found.curve(without), [0.0, (np.log10(2) + 1) / 2, 1.0])
    assert found.curve(helped)[2] == pytest.approx(3.0)  # 2 and no gap, which counts as 1e-4
    assert found.evaluations == 2
    assert str(found).endswith("level of 1 takes 2 evaluations, 3 without: 1.50 times fewer")
    early = Efficiency(without[:, [0, 2, 2, 2]], helped[:, [0, 2, 2, 2]], 1.0, "hints")
    assert early.times == 1  # both are there after 2 of 4
    plain = Efficiency(without, helped, np.nan, "hints")
    assert plain.level == pytest.approx(0.9)
    assert plain.evaluations == 2
    worse = Efficiency(helped, without, np.nan, "hints")
    assert worse.evaluations is None
    assert "is not reached" in str(worse)


def test_hypervolumes_are_those_of_what_was_evaluated():
    values = np.random.default_rng(0).random((30, 2))
    seen = []
    table = Table(
        "line",
        [{"x": i} for i in range(30)],
        [Objective("gain", "maximize"), Objective("loss", "minimize")],
        values,
    )

    class Spied(Table):
        def evaluate(self, config):
            seen.append(super().evaluate(config))
            return seen[-1]

    spied = Spied("line", table.configs, table.objectives, values)

    def make(seed, helped):
        hints = (lambda cs: [c["x"] for c in cs]) if helped else None
        return lf.LaMOO(table.space, table.directions, ref=table.ref, seed=seed, hints=hints)

    found = efficiency(spied, make, "hints", seeds=2, budget=32, batch=5)
    assert found.without.shape == found.helped.shape == (2, 32)
    assert len(seen) == 4 * 30
    for start, curve in ((0, found.without[0]), (30, found.helped[0])):
        for n in (1, 7, 30):
            some = seen[start : start + n]
            wanted = lf.hypervolume(some, table.ref, maximise=[True, False])
            assert curve[n - 1] == pytest.approx(wanted)
    assert found.without[:, 29:] == pytest.approx(table.hypervolume())  # all is known then
    assert seen[:10] == seen[30:40]  # one initial design


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    (tmp_path / "pairs_of_letters.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return "pairs_of_letters:table"


def test_compare_prints_how_many_evaluations_hints_save(pairs, tmp_path, capsys):
    options = ["--hints", "cheap", "--compare", "4", "--budget", "40", "--batch", "4"]
    assert main(["search", pairs, *options]) == 0
    text = capsys.readouterr().out
    assert "after 40 evaluations, 4 seeds" in text
    before, after = text.split(" without hints, ")
    assert float(after.split()[0]) > float(before.split()[-1]) + 1
    assert float(after.split(" times fewer")[0].split()[-1]) > 1
    assert not (tmp_path / "results").exists()
    assert main(["search", pairs, "--compare", "2"]) == 2
    assert "--compare needs --hints" in capsys.readouterr().err
    assert main(["search", pairs, "--hints", "chaep"]) == 2
    assert "unknown objective 'chaep'" in capsys.readouterr().err


def test_a_search_with_hints_is_resumed_with_them(pairs, tmp_path, capsys):
    common = [pairs, "--hints", "cheap", "--batch", "4"]
    assert main(["search", *common, "--budget", "40", "--out", "whole"]) == 0
    assert main(["search", *common, "--budget", "24", "--out", "part"]) == 0
    assert main(["resume", "part", "--budget", "40"]) == 0
    fronts = [(tmp_path / name / "front.csv").read_text() for name in ("whole", "part")]
    assert fronts[0] == fronts[1]


def test_data_lists_every_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAMOO_DATA", str(tmp_path))
    monkeypatch.delenv("LAMOO_NB301", raising=False)
    (tmp_path / "coco").mkdir()
    assert main(["data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(FILES)
    for line, place in zip(lines[::2], lines[1::2], strict=True):
        assert line.startswith("present") or "to be had: " in place
    at = next(i for i, line in enumerate(lines) if " coco: " in line)
    assert lines[at].startswith("present")
    assert lines[at + 1].strip() == str(tmp_path / "coco")
    assert sum(line.startswith("absent") for line in lines) >= 10


def test_a_variable_names_another_place(tmp_path, monkeypatch):
    file = DataFile("model", "what", "where", variable="LAMOO_TEST_PLACE")
    assert file.find(tmp_path) is None
    monkeypatch.setenv("LAMOO_TEST_PLACE", str(tmp_path))
    assert file.find(None) == tmp_path
    monkeypatch.setenv("LAMOO_TEST_PLACE", str(tmp_path / "no"))
    assert file.find(tmp_path) is None
