"""Cheap fidelities that choose what a search evaluates, from the command line."""

import csv
import json
from functools import partial

import pytest

from lamoo_fast.cli import main
from lamoo_fast.nas import load_problem
from lamoo_fast.nas.problem import Objective, Problem
from lamoo_fast.nas.promotion import Promotion
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
        Objective("slow", "minimize"),
    ],
    np.column_stack([worth, [p["a"] + p["b"] for p in pairs], np.exp(worth), worth**2]),
    default=["good", "cost"],
)
smooth = Problem(
    "smooth", table.space, [Objective("x", "minimize"), Objective("y", "minimize")],
    lambda c: ((c["a"] - 4) ** 2 + c["b"], (c["b"] - 9) ** 2 + c["a"]), ref=(400.0, 400.0),
)
bound = Problem(
    "bound", table.space, [Objective("x", "minimize"), Objective("y", "minimize")],
    lambda c: (c["a"] + c["b"] / 9, 20 - c["a"] + c["b"], 5.5 - c["b"]), ref=(40.0, 40.0),
    constraints=["enough"],
)


def fails(c):
    if c["b"] < 6:
        raise RuntimeError("no")
    return c["a"] + c["b"] / 9, 20 - c["a"] + c["b"]


def never(c):
    raise RuntimeError("no")


nothing = Problem(
    "nothing", table.space, [Objective("x", "minimize"), Objective("y", "minimize")], never,
    ref=(40.0, 40.0),
)
failing = Problem(
    "failing", table.space, [Objective("x", "minimize"), Objective("y", "minimize")], fails,
    ref=(40.0, 40.0),
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
    size = ["--compare", "6", "--budget", "40", "--batch", "4"]
    assert main(["search", "pairs_of_numbers:smooth", "--promote", "predictor", *size]) == 0
    assert fewer(capsys) > 1.1


def write_scores(file, name, sign):
    good = load_problem("pairs_of_numbers:table", ["good"])
    with open(file, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["a", "b", name])
        writer.writerows((*c.values(), sign * good.evaluate(c)[0]) for c in good.configs)


def test_a_predictor_learns_from_hints(pairs, tmp_path, capsys):
    """Of values without any pattern, a predictor knows nothing but what the hints tell."""
    found = {}
    for name in ("cheap", "none"):
        assert main(["search", pairs, "--promote", "predictor", "--hints", name, *SIZE]) == 0
        out = capsys.readouterr().out
        found[name] = float(out.split(" with promotion")[0].split()[-1])
    assert found["cheap"] > found["none"] + 0.3  # of the logarithm of the gap
    line = [pairs, "--promote", "predictor", "--hints", "cheap", "--batch", "4"]
    assert main(["search", *line, "--budget", "20", "--out", "part"]) == 0
    assert main(["resume", "part", "--budget", "32"]) == 0
    assert main(["search", *line, "--budget", "32", "--out", "whole"]) == 0
    fronts = [(tmp_path / name / "front.csv").read_text() for name in ("whole", "part")]
    assert fronts[0] == fronts[1]


@pytest.mark.parametrize(
    ("name", "sign", "way"),
    [("Loss", -1, "minimize"), ("accuracy", 1, "maximize"), ("good", 1, "maximize")],
)
def test_scores_have_a_direction(pairs, tmp_path, capsys, name, sign, way):
    write_scores(tmp_path / "scores.csv", name, sign)
    assert main(["search", pairs, "--promote", "scores.csv", "--one-in", "8", *SIZE]) == 0
    out = capsys.readouterr().out
    assert f"one of 8 by {tmp_path / 'scores.csv'}: {name} ({way})" in out
    assert float(out.split(" times fewer")[0].split()[-1]) > 1.3


def test_a_score_named_as_an_objective_has_its_direction(pairs, tmp_path):
    write_scores(tmp_path / "scores.csv", "y", 1)
    smooth = load_problem("pairs_of_numbers:smooth", ["y"])
    promoted = Promotion(smooth, smooth.select, [str(tmp_path / "scores.csv")])
    assert str(promoted).endswith("y (minimize)")


def test_each_fidelity_passes_one_in_so_many(pairs):
    problem = load_problem(pairs)
    promoted = Promotion(problem, partial(load_problem, pairs), ["cheap", "predictor"])
    first, second = (promoted.sampler(UniformSampler()) for _ in range(2))
    assert [rung.keep for rung in first.rungs] == [1 / 2, 1 / 16]
    assert dict(first.rungs[0].objectives) == {"cheap": "maximize"}
    assert dict(first.rungs[1].objectives) == {"good": "maximize"}  # the cost is known
    # What one search has learned is not told another one.
    assert first.rungs[1].evaluator is not second.rungs[1].evaluator
    slow = Promotion(problem, partial(load_problem, pairs), ["slow"]).sampler(UniformSampler())
    assert dict(slow.rungs[0].objectives) == {"slow": "minimize"}
    assert slow.rungs[0].keep == 1 / 32
    many = Promotion(problem, partial(load_problem, pairs), ["slow"] * 8)
    assert many.one_in == [2] * 8


def test_what_violates_constraints_or_fails_is_passed_over(pairs, tmp_path):
    """Both sampled uniformly and promoted; the best points of both problems are of no use."""
    for name in ("bound", "failing"):
        useless = {}
        for out, options in (
            ("plain", ["--sampler", "uniform"]),
            ("best", ["--promote", "predictor"]),
        ):
            line = [
                f"pairs_of_numbers:{name}",
                *options,
                "--budget",
                "60",
                "--out",
                f"{name}-{out}",
            ]
            assert main(["search", *line]) == 0
            trials = Record.read(tmp_path / f"{name}-{out}").opt.trials
            useless[out] = sum(not trial.feasible for trial in trials)
        # The best that is of use lies beside what is not, hence some more; without a thought of
        # that nearly all 60 would be of no use.
        assert useless["best"] <= 2 * useless["plain"] < 30


def test_failures_are_compared_and_said(pairs, capsys):
    line = ["pairs_of_numbers:failing", "--promote", "predictor", "--compare", "1"]
    assert main(["search", *line, "--budget", "20", "--batch", "4"]) == 0
    out, err = capsys.readouterr()
    assert "after 20 evaluations, 1 seeds" in out
    assert err.count("of 20 evaluations failed; the first: RuntimeError: no") == 2


@pytest.mark.parametrize("name", ["nothing", "bound"])
def test_where_nothing_is_found_nothing_is_saved(pairs, capsys, name):
    """All evaluations fail; three evaluations violate constraints."""
    line = [f"pairs_of_numbers:{name}", "--promote", "predictor", "--compare", "1"]
    assert main(["search", *line, "--budget", "3"]) == 1
    assert "nothing better than the reference point was found without" in capsys.readouterr().out


def test_a_score_of_what_is_known_tells_nothing(pairs, tmp_path, capsys):
    write_scores(tmp_path / "scores.csv", "cost", 1)
    assert main(["search", pairs, "--promote", "scores.csv", "--budget", "12"]) == 2
    assert "ranks by cost alone, of good none is known" in capsys.readouterr().err


def test_a_run_from_before_the_number_was_kept_goes_on(pairs, tmp_path):
    line = [pairs, "--promote", "cheap,predictor", "--one-in", "2,16", "--batch", "4"]
    assert main(["search", *line, "--budget", "16", "--out", "old"]) == 0
    journal = tmp_path / "old/journal.jsonl"
    text = journal.read_text().replace('"one_in":[2,16]', '"one_in":null')
    journal.write_text(text.replace(',"files":{}', ""))
    assert '"files"' not in journal.read_text()
    assert main(["resume", "old", "--budget", "20"]) == 0


def test_objectives_of_a_table_are_declared_known(pairs, tmp_path, capsys):
    line = ["--objectives", "good,slow", "--budget", "20", "--out", "r"]
    assert main(["search", pairs, *line, "--promote", "cheap"]) == 2
    assert "cheap ranks by cheap alone, of good, slow none is known" in capsys.readouterr().err
    assert main(["search", pairs, *line, "--promote", "cheap", "--known", "slow"]) == 0
    assert Record.read(tmp_path / "r").run["known"] == ["slow"]
    assert Record.read(tmp_path / "r").run["one_in"] == [32]  # whatever later versions take
    assert main(["resume", "r", "--budget", "24"]) == 0
    assert main(["report", "r"]) == 0
    assert "--known slow --promote cheap" in (tmp_path / "r/report.html").read_text()
    assert main(["search", "pairs_of_numbers:smooth", "--known", "x"]) == 2
    assert "--known is for tables" in capsys.readouterr().err


def test_a_search_that_promotes_is_resumed(pairs, tmp_path, capsys):
    common = [pairs, "--promote", "cheap,predictor", "--one-in", "2,4", "--batch", "4"]
    assert main(["search", *common, "--budget", "40", "--out", "whole"]) == 0
    assert main(["search", *common, "--budget", "24", "--out", "part"]) == 0
    assert main(["resume", "part", "--budget", "40"]) == 0
    whole, part = (Record.read(tmp_path / name).opt.trials for name in ("whole", "part"))
    assert [trial.config for trial in part] == [trial.config for trial in whole]
    assert main(["search", pairs, "--sampler", "uniform", "--budget", "40", "--out", "none"]) == 0
    assert Record.read(tmp_path / "none").opt.trials[-1].config != whole[-1].config
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
        ("--promote cheap --one-in 2,4", "--one-in) is [2, 4], wanted a number for each"),
        ("--promote cheap --one-in 0", "wanted a whole number >= 1"),
        ("--promote chaep", "neither 'predictor' nor a file of scores (.csv): unknown objective"),
        ("--promote cost", "'cost' is searched; wanted a cheaper column"),
        ("--known cheap", "--known names 'cheap', which is not searched"),
        ("--promote predictor,cheap --one-in 1000,11", "so that one in 11000 is evaluated"),
        ("--promote cheap --compare 2 --no-wait", "leave out --no-wait"),
        ("--promote cheap --one-in 1", "(--one-in) is [1], so that one in 1 is evaluated"),
        ("--promote ,", "argument --promote: got ','"),
        ("--promote cheap --sampler ehvi", "--promote draws by uniform or cma; got ehvi"),
        ("--promote cheap --hints slow", "leave it out, or promote by 'predictor' too"),
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
    with pytest.raises(ValueError, match=r"neither 'predictor' nor .* 'smooth' is no table"):
        Promotion(smooth, smooth.select, ["cheap"])
    space = Space({"x": Integer(1, 9)})
    sizes = [Objective("size", "minimize", known=lambda c: c["x"])]
    known = Problem("known", space, sizes, lambda c: (c["x"],))
    with pytest.raises(ValueError, match="are known; none is predicted"):
        Promotion(known, known.select, ["predictor"])
