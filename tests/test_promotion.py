"""Cheap fidelities that choose what a search evaluates, from the command line."""

import csv
import json
from functools import partial

import pytest

from lamoo_fast.cli import main
from lamoo_fast.nas import load_problem
from lamoo_fast.nas.problem import Objective, Problem
from lamoo_fast.nas.promotion import promotion
from lamoo_fast.record import Record
from lamoo_fast.search import Integer, Space, UniformSampler

MODULE = """
import numpy as np
from lamoo_fast.nas.problem import Objective, Problem
from lamoo_fast.nas.table import Table

worth = np.random.default_rng(7).random(400)
pairs = [{"a": a, "b": b} for a in range(20) for b in range(20)]
table = Table(
    "pairs", pairs,
    [
        Objective("good", "maximize"),
        Objective("cost", "minimize", known=lambda config: config["a"] + config["b"]),
        Objective("cheap", "maximize"),
    ],
    np.column_stack([worth, [p["a"] + p["b"] for p in pairs], np.exp(worth)]),
    default=["good", "cost"],
)
smooth = Problem(
    "smooth", table.space, [Objective("x", "minimize"), Objective("y", "minimize")],
    lambda c: ((c["a"] - 4) ** 2 + c["b"], (c["b"] - 9) ** 2 + c["a"]), ref=(400.0, 400.0),
)
"""


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    (tmp_path / "pairs_of_numbers.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return "pairs_of_numbers:table"


def fewer(capsys):
    return float(capsys.readouterr().out.split(" times fewer")[0].split()[-1])


SIZE = ["--compare", "3", "--budget", "40", "--batch", "4"]


@pytest.mark.parametrize("sampler", ["uniform", "cma"])
def test_a_cheap_column_saves_evaluations(pairs, tmp_path, capsys, sampler):
    if sampler == "cma":
        pytest.importorskip("cma")
    assert main(["search", pairs, "--promote", "cheap", "--sampler", sampler, *SIZE]) == 0
    assert fewer(capsys) > 1.3
    assert not (tmp_path / "results").exists()


def test_a_predictor_saves_evaluations(pairs, capsys):
    assert main(["search", "pairs_of_numbers:smooth", "--promote", "predictor", *SIZE]) == 0
    assert fewer(capsys) > 1.3


def test_scores_of_which_losses_are_minimised(pairs, tmp_path, capsys):
    table = load_problem(pairs, ["good"])
    with open(tmp_path / "scores.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "loss"])
        writer.writerows((*c.values(), -table.evaluate(c)[0]) for c in table.configs)
    line = ["search", pairs, "--promote", "scores.csv,predictor", "--one-in", "8,2", *SIZE]
    assert main(line) == 0
    assert fewer(capsys) > 1.3


def test_each_fidelity_passes_one_in_so_many(pairs):
    problem = load_problem(pairs)
    schedule = promotion(
        problem, partial(load_problem, pairs), ["cheap", "predictor"], None, UniformSampler()
    )
    assert [rung.keep for rung in schedule.rungs] == [1 / 2, 1 / 16]
    assert dict(schedule.rungs[1].objectives) == {"good": "maximize"}  # the cost is known


def test_a_search_that_promotes_is_resumed(pairs, tmp_path, capsys):
    common = [pairs, "--promote", "cheap,predictor", "--one-in", "2,4", "--batch", "4"]
    assert main(["search", *common, "--budget", "40", "--out", "whole"]) == 0
    assert main(["search", *common, "--budget", "24", "--out", "part"]) == 0
    assert main(["resume", "part", "--budget", "40"]) == 0
    fronts = [(tmp_path / name / "front.csv").read_text() for name in ("whole", "part")]
    assert fronts[0] == fronts[1]
    assert main(["search", pairs, "--sampler", "uniform", "--budget", "40", "--out", "none"]) == 0
    assert (tmp_path / "none/front.csv").read_text() != fronts[0]
    assert main(["report", "part"]) == 0
    page = (tmp_path / "part/report.html").read_text()
    assert "--promote cheap,predictor --one-in 2,4" in page
    assert Record.read(tmp_path / "part").run["sampler"] == "uniform"


@pytest.mark.parametrize("wrong", [[2, 0], ["2", 4], 2, [True, 2]])
def test_a_journal_of_other_hands(pairs, tmp_path, capsys, wrong):
    line = ["--promote", "cheap,predictor", "--one-in", "2,4", "--budget", "12", "--out", "part"]
    assert main(["search", pairs, *line]) == 0
    journal = tmp_path / "part/journal.jsonl"
    text = journal.read_text()
    assert '"one_in":[2,4]' in text
    journal.write_text(text.replace('"one_in":[2,4]', f'"one_in":{json.dumps(wrong)}'))
    assert main(["resume", "part"]) == 2
    assert "was not made by `lamoo search`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("--promote cheap --one-in 2,4", "got 2 numbers for 1 fidelities"),
        ("--promote cheap --one-in 0", "wanted a whole number >= 1"),
        ("--promote chaep", "unknown objective 'chaep'"),
        ("--promote cost", "--promote names cost, which is searched"),
        ("--promote ,", "--promote is empty"),
        ("--promote cheap --sampler ehvi", "--promote draws by uniform or cma; got ehvi"),
        ("--promote cheap --hints cheap", "leave it out beside --promote"),
        ("--promote nothing.csv", "nothing.csv"),
        ("--one-in 4", "--one-in needs --promote"),
        ("--compare 2", "--compare needs --hints or --promote"),
    ],
)
def test_bad_commands(pairs, tmp_path, capsys, line, wanted):
    assert main(["search", pairs, *line.split()]) == 2
    assert wanted in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_what_cannot_be_promoted_by(pairs):
    smooth = load_problem("pairs_of_numbers:smooth")
    with pytest.raises(ValueError, match=r"is no table.*wanted 'predictor' or a file"):
        promotion(smooth, lambda names: smooth, ["cheap"], None, UniformSampler())
    space = Space({"x": Integer(1, 9)})
    sizes = [Objective("size", "minimize", known=lambda c: c["x"])]
    known = Problem("known", space, sizes, lambda c: (c["x"],))
    with pytest.raises(ValueError, match="there is none to predict"):
        promotion(known, known.select, ["predictor"], None, UniformSampler())
