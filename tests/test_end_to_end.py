"""Whole searches on real tables: every sampler with leaf and path selection."""

import importlib.metadata
import importlib.util
import json

import pytest

from lamoo_fast.cli import main
from lamoo_fast.nas import load_problem

PROBLEMS = {
    "nasbench201": "analog-nasbench",
    "nasbench-graph-cora": "nas-bench-graph",
    "branin-currin": "lamoo_fast",
}
NEEDS = {"ehvi": "numpy", "uniform": "numpy", "cma": "cma", "botorch": "botorch"}
BUDGET = 28  # some ten trials beyond the initial design
SEARCHES = [
    (sampler, selection)
    for sampler in NEEDS
    for selection in ("leaf", "path")
    if (sampler, selection) != ("botorch", "path")  # takes long
]


@pytest.mark.parametrize(("sampler", "selection"), SEARCHES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_search(name, sampler, selection, tmp_path, capsys):
    try:
        importlib.metadata.version(PROBLEMS[name])
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{PROBLEMS[name]} is not installed")
    if importlib.util.find_spec(NEEDS[sampler]) is None:
        pytest.skip(f"{NEEDS[sampler]} is not installed")
    out = tmp_path / "out"
    options = f"--budget {BUDGET} --sampler {sampler} --selection {selection}"
    status = main(["search", name, *options.split(), "--out", str(out)])
    assert status == 0, capsys.readouterr().err
    assert f"{BUDGET} evaluations, 0 failed" in capsys.readouterr().out
    assert {"journal.jsonl", "front.csv", "pareto.png", "hypervolume.png", "tree.png"} <= {
        file.name for file in out.iterdir()
    }

    # Told values are the problem's own, no point stands twice, and search went on after the design.
    problem = load_problem(name)
    lines = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    asked = [trial for line in lines if "ask" in line for trial in line["ask"]]
    told = {line["tell"]: line["values"] for line in lines if "tell" in line}
    assert sorted(told) == [trial["id"] for trial in asked] == list(range(BUDGET))
    for trial in asked:
        assert problem.evaluate(trial["config"]) == pytest.approx(told[trial["id"]], rel=1e-12)
    assert len({json.dumps(trial["config"]) for trial in asked}) == BUDGET
    assert lines[0]["search"]["settings"]["n_initial"] < BUDGET
