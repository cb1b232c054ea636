"""The commands that README and the site show run, each once and cut to a small size."""

import shlex
import shutil

import pytest
from nas_data import shared_path
from test_docs import PAGES, blocks

from lamoo_fast.cli import main

# What makes a command short; of options given twice the last counts.
SMALLER = {
    ("search",): "--budget 12",
    ("resume",): "--budget 13",
    ("bench",): "-m 2,3 -n 50 --seconds 2",
    ("nas", "train-supernet"): "--limit-batches 1 --epochs 2",
    ("nas", "search"): "--limit-batches 1 --budget 10",
    ("nas", "score"): "--limit-batches 1",
    ("nas", "retrain"): "--limit-batches 1 --epochs 1 --count 1",
    ("nas", "export"): "--limit-batches 1",
}
MY_MODULE = """
import lamoo_fast as lf

@lf.problem(lf.Space({"x": lf.Float(0, 1)}), objectives={"f": "minimize", "g": "maximize"})
def my_problem(config):
    return config["x"], config["x"] ** 0.5
"""


def shortened(line):
    name, *args = shlex.split(line, comments=True)
    if name == "make" and args == ["demo"]:
        return shlex.split("search nasbench201 --budget 12 --out results/nasbench201")
    if name != "lamoo" or "cuda" in args or "--data" in args:
        return None
    if "--compare" in args:
        args[args.index("--compare") + 1] = "1"
    if "results/nas-digits/scores-untrained.csv" in args:
        return None  # of all cells, which takes minutes
    if args[:2] == ["nas", "score"]:
        args += ["--count", "20"]
    more = next((v for k, v in SMALLER.items() if args[: len(k)] == list(k)), "")
    return args + shlex.split(more)


def test_commands_of_all_pages(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch", reason="networks need PyTorch")
    monkeypatch.setenv("LAMOO_DATA", str(shared_path("nasbench201_joined.csv.gz").parent))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_module.py").write_text(MY_MODULE, encoding="utf-8")
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines()]
    given = dict.fromkeys(tuple(args) for line in lines if (args := shortened(line)))
    assert len(given) > 20
    for args in given:
        if args[0] == "report":
            assert main(shlex.split("search nasbench201 --seed 1 --budget 12")) == 0
        elif args[0] == "search":  # there are several of the same name
            shutil.rmtree(tmp_path / f"results/{args[1]}-seed0", ignore_errors=True)
        assert main(args) == 0, (args, capsys.readouterr().err)
