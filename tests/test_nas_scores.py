"""Files of scores: written, gone on with, read as hints, and what is wrong with them."""

import shutil

import numpy as np
import pytest

from lamoo_fast.cli import main
from lamoo_fast.nas.scores import Scores, is_file, write_scores
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.search.space import Categorical, Float, Integer, Space

SPACE = Space({"op": Categorical(["conv", "none", "skip"]), "width": Integer(1, 4)})
ALL = SPACE.decode(SPACE.enumerate())


def score(configs):
    return [[len(c["op"]) / 3, -c["width"]] for c in configs]


@pytest.fixture
def file(tmp_path):
    write_scores(tmp_path / "scores.csv", SPACE.params, ALL, ["length", "thin"], score)
    return tmp_path / "scores.csv"


def test_scores_come_back_as_they_were(file):
    scores = Scores(str(file), SPACE)
    assert scores.names == ["length", "thin"]
    np.testing.assert_array_equal(scores(ALL[::-1]), score(ALL[::-1]))
    np.testing.assert_array_equal(Scores(f"{file}:thin", SPACE)(ALL), [r[1:] for r in score(ALL)])
    assert [is_file(name) for name in (str(file), "a.csv:b", "csv_acc")] == [True, True, False]


@pytest.mark.parametrize("cut", [0, 9, 50, 133, 10_000])
def test_writing_goes_on_where_it_was_cut_off(file, cut):
    whole = file.read_bytes()
    file.write_bytes(whole[:cut])
    asked, counted = [], []

    def spied(configs):
        asked.extend(configs)
        return score(configs)

    there = write_scores(
        file, SPACE.params, ALL, ["length", "thin"], spied, batch=5, count=counted.append
    )
    assert file.read_bytes() == whole
    assert asked == ALL[there:]
    assert there == max(whole[:cut].count(b"\n") - 1, 0) == counted[0]
    assert sum(counted) == len(ALL)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("thin", "thick"), "has columns"),
        (lambda text: text.replace("conv,2", "conv,3"), "has rows of other architectures"),
        (lambda text: text + text.splitlines()[-1] + "\n", "has rows of other architectures"),
    ],
)
def test_a_file_of_other_scores_is_not_gone_on_with(file, change, said):
    changed = change(file.read_text())
    file.write_text(changed)
    with pytest.raises(ValueError, match=said):
        write_scores(file, SPACE.params, ALL, ["length", "thin"], score)
    assert file.read_text() == changed


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("", "op,width,a\nconv,1,nan\n", "no rows"),
        ("", "op,width,a\nflat,1,2\n", "line 2: 'op' is 'flat', wanted one of"),
        ("", "op,width,a\nconv,5,2\n", "line 2: 'width' is 5, wanted an integer in"),
        ("", "op,width,a\nconv,,2\n", "line 2: 'width' is '', wanted an integer in"),
        ("", "op,width,a\nconv,1,high\n", "wanted a number"),
        ("", "op,width,a\nconv,1,inf\n", "wanted a finite number"),
        ("", "op,width,a\nconv,1\n", "has 2 fields; wanted 3"),
        ("", "op,width\nconv,1\n", "has no scores"),
        ("", "op,a\nconv,1\n", "has no column 'width'"),
        (":b", "op,width,a\nconv,1,1\n", "has no score 'b'"),
        ("", "op,width,a\n", "no rows"),
        ("", "", "has no scores"),
    ],
)
def test_bad_files_are_named(tmp_path, source, text, said):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"bad.*{said}"):
        Scores(f"{file}{source}", SPACE)


@pytest.mark.parametrize("content", [b"op,width,a\nconv,\xff,1\n", b"op," + b"z" * 200_000 + b"\n"])
def test_files_that_are_no_tables_are_named(tmp_path, content):
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.csv cannot be read"):
        Scores(str(file), SPACE)
    with pytest.raises(ValueError, match=r"bad\.csv is damaged"):
        write_scores(file, SPACE.params, ALL, ["a"], score)
    assert file.read_bytes() == content


@pytest.mark.parametrize("content", ["notes without an end of line", "op,width,a\nconv,1\n"])
def test_what_is_no_beginning_of_the_scores_is_left_alone(tmp_path, content):
    file = tmp_path / "mine.csv"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"mine\.csv .*move it away"):
        write_scores(file, SPACE.params, ALL, ["a"], lambda configs: [[1.0] for _ in configs])
    assert file.read_text() == content


def test_too_few_scores_to_predict_others_are_said(tmp_path):
    write_scores(tmp_path / "few.csv", SPACE.params, ALL[:5], ["length", "thin"], score)
    with pytest.raises(ValueError, match=r"few\.csv has scores of 5 configurations, not of all"):
        Scores(str(tmp_path / "few.csv"), SPACE)


@pytest.mark.parametrize(
    "choices",
    [[True, False], [None, "relu"], ["0", "1"], ["1.0", "2.0"], [0.5, 1], [1, "a"], ["nan", "é"]],
)
def test_choices_are_those_of_the_space(tmp_path, choices):
    space = Space({"c": Categorical(choices), "n": Integer(0, 1)})
    configs = space.decode(space.enumerate())
    write_scores(
        tmp_path / "s.csv", space.params, configs, ["a"], lambda cs: [[c["n"]] for c in cs]
    )
    assert write_scores(tmp_path / "s.csv", space.params, configs, ["a"], score) == 4
    scores = Scores(str(tmp_path / "s.csv"), space)
    assert scores.rows()[0] == configs
    assert scores(configs) == [(float(c["n"]),) for c in configs]


def test_choices_that_look_alike_are_said(tmp_path):
    (tmp_path / "s.csv").write_text("c,a\n1,2\n")
    with pytest.raises(ValueError, match=r"'c' has choices .* look alike"):
        Scores(str(tmp_path / "s.csv"), Space({"c": Categorical([1, "1"])}))


def test_numbers_are_found_by_the_point_they_are(tmp_path):
    """A configuration that was encoded and decoded may differ in its last bit."""
    space = Space({"lr": Float(1e-3, 1, log=True), "w": Integer(1, 9)})
    configs = [{"lr": i / 1000, "w": i % 9 + 1} for i in range(1, 61)]
    path = tmp_path / "s.csv"
    write_scores(path, space.params, configs, ["a"], lambda cs: [[c["lr"]] for c in cs])
    again = space.decode(space.encode(configs))
    assert again != configs
    np.testing.assert_allclose(
        np.ravel(Scores(str(path), space)(again)), [c["lr"] for c in configs], rtol=1e-14
    )


def test_rows_without_a_score_count_for_nothing(file):
    text = file.read_text()
    file.write_text(text.replace("none,3,1.3333333333333333,-3", "none,3,nan,-3"))
    assert file.read_text() != text
    with pytest.raises(ValueError, match="has scores of 11 configurations, not of all"):
        Scores(str(file), SPACE)


def test_writing_goes_on_inside_a_letter(tmp_path):
    space = Space({"c": Categorical(["é", "è"])})
    configs = space.decode(space.enumerate())
    path = tmp_path / "s.csv"
    asked = space.params, configs, ["a"], lambda cs: [[len(c["c"])] for c in cs]
    write_scores(path, *asked)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index("è".encode()) + 1])
    assert write_scores(path, *asked) == 1
    assert path.read_bytes() == whole


def test_scores_that_a_file_lacks_are_predicted(tmp_path, caplog):
    space = Cell201().space
    rng = np.random.default_rng(0)
    some = space.decode(space.enumerate()[rng.permutation(15_625)[:150]])

    def convolutions(configs):
        return [[sum("conv" in op for op in c.values()), 1.0] for c in configs]

    write_scores(tmp_path / "some.csv", space.params, some[:100], ["convs", "same"], convolutions)
    scores = Scores(str(tmp_path / "some.csv"), space)
    assert "some.csv has 100 configurations; convs of the others is predicted" in caplog.text
    found = np.array(scores([*some[100:], *some[:100]]))
    wanted = np.array(convolutions([*some[100:], *some[:100]]))
    np.testing.assert_array_equal(found[50:], wanted[50:])
    assert np.abs(found[:50] - wanted[:50]).mean() < 0.2 < wanted[:50, 0].std()
    np.testing.assert_allclose(found[:50, 1], 1)
    assert scores([]) == []


MODULE = """
import numpy as np
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.table import Table

worth = np.random.default_rng(7).random((20, 20))
pairs = [{"a": a, "b": b} for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"]
cost = np.arange(400) % 20 + np.arange(400) // 20
table = Table(
    "pairs", pairs, [Objective("good", "maximize"), Objective("cost", "minimize")],
    np.column_stack([worth.ravel(), cost]),
)
"""


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    (tmp_path / "pairs_with_scores.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    from pairs_with_scores import table

    def exact(configs):
        return [[np.exp(table.evaluate(c)[0]), 0.5] for c in configs]

    write_scores(tmp_path / "cheap.csv", table.space.params, table.configs, ["e", "same"], exact)
    return "pairs_with_scores:table"


def test_searches_go_by_a_file_and_are_resumed_with_it(pairs, tmp_path, monkeypatch, capsys):
    common = [pairs, "--hints", "cheap.csv:e", "--batch", "4"]
    assert main(["search", *common, "--compare", "2", "--budget", "40"]) == 0
    before, after = capsys.readouterr().out.split(" without hints, ")
    # Exact hints find nearly everything on any machine: a gap of some 10^-4, for 10^-1.6.
    assert float(after.split()[0]) > float(before.split()[-1]) + 1
    assert main(["search", *common, "--budget", "24", "--out", "whole"]) == 0
    assert main(["search", *common, "--budget", "16", "--out", "part"]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["resume", str(tmp_path / "part"), "--budget", "24"]) == 0
    fronts = [(tmp_path / name / "front.csv").read_text() for name in ("whole", "part")]
    assert fronts[0] == fronts[1]


@pytest.mark.parametrize("option", ["--hints", "--promote"])
def test_a_search_does_not_go_on_with_other_scores(pairs, tmp_path, capsys, option):
    line = [pairs, option, "cheap.csv", "--budget", "12", "--out", "part"]
    assert main(["search", *line]) == 0
    text = (tmp_path / "cheap.csv").read_text()
    (tmp_path / "cheap.csv").write_text(text[: len(text) // 2])
    assert main(["resume", "part", "--budget", "16"]) == 2
    assert "cheap.csv has changed since part was begun" in capsys.readouterr().err
    (tmp_path / "cheap.csv").write_text(text)
    assert main(["resume", "part", "--budget", "16"]) == 0


def test_bad_hints_are_one_line(pairs, capsys):
    assert main(["search", pairs, "--hints", "missing.csv", "--out", "no"]) == 2
    assert "missing.csv" in capsys.readouterr().err
    assert main(["search", pairs, "--hints", "cheap.csv:f", "--out", "no"]) == 2
    assert "cheap.csv has no score 'f'" in capsys.readouterr().err


def test_untrained_networks_score_cells_from_the_command_line(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch", reason="networks need torch")
    pytest.importorskip("sklearn", reason="digits come with it")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cells_by_cost.py").write_text(
        "from lamoo_fast.nas.problem import Objective, Problem\n"
        "from lamoo_fast.nas.spaces.cell201 import Cell201\n"
        "cells = Cell201()\n"
        "cost = Problem('cost', cells.space, [Objective('flops', 'minimize')],\n"
        "               lambda config: (cells.cost(config).flops,))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    command = ["nas", "score", "digits", "--count", "30", "--out", "run"]
    assert main([*command, "--against", "cells_by_cost:cost", "--objectives", "flop"]) == 2
    assert "unknown objective 'flop'" in capsys.readouterr().err
    assert not list(tmp_path.rglob("scores-*"))
    assert main([*command, "--against", "cells_by_cost:cost"]) == 0
    out = capsys.readouterr().out
    assert "untrained_naswot against flops: Spearman" in out
    assert "(30 cells)" in out
    file = tmp_path / "run" / "scores-untrained.csv"
    scores = Scores(str(file), Cell201().space)
    configs, rows = scores.rows()
    assert len(configs) == 30
    assert scores.names == ["untrained_naswot", "untrained_synflow"]
    costs = [Cell201().cost(config).flops for config in configs]
    assert np.corrcoef(np.transpose(rows)[1], costs)[0, 1] > 0.3  # flow comes through convolutions
    whole = file.read_text()
    file.write_text(whole[:-40])
    assert main(command) == 0
    assert file.read_text() == whole
    assert main(["nas", "score", "digits", "--supernet", "--out", "run"]) == 2
    assert "has no supernet; run: lamoo nas train-supernet digits" in capsys.readouterr().err


def test_scores_of_another_supernet_or_other_settings_are_not_gone_on_with(
    tmp_path, monkeypatch, capsys
):
    pytest.importorskip("torch", reason="networks need torch")
    pytest.importorskip("sklearn", reason="digits come with it")
    monkeypatch.chdir(tmp_path)
    train = ["nas", "train-supernet", "digits", "--out", "run", "--limit-batches", "1", "--epochs"]
    command = ["nas", "score", "digits", "--supernet", "--count", "3", "--out", "run"]
    file = tmp_path / "run" / "scores-supernet.csv"
    assert main([*train, "1"]) == 0
    assert main([*command, "--limit-batches", "1"]) == 0
    kept = file.read_text()
    assert main([*command, "--limit-batches", "1"]) == 0
    assert main([*command, "--limit-batches", "1", "--count", "5"]) == 0  # more of the same
    assert file.read_text().startswith(kept)
    assert file.read_text().count("\n") == 6
    kept = file.read_text()
    parts = [*command, "--few-shot", "2", "--limit-batches", "1", "--epochs", "1"]
    assert main(parts) == 0
    assert main([*parts[:-1], "2"]) == 2
    assert "its recipe.epochs is 1, wanted 2" in capsys.readouterr().err
    assert main(command) == 2
    assert "scores-supernet.csv is made with batches 1, now None" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "run" / "supernet")
    assert main([*train, "2"]) == 0
    assert main([*command, "--limit-batches", "1"]) == 2
    assert "scores-supernet.csv is made with supernet" in capsys.readouterr().err
    assert file.read_text() == kept
    file.with_suffix(".json").unlink()
    assert main(command) == 2
    assert "'unknown'" in capsys.readouterr().err
