"""The commands `lamoo nas`: from a supernet to exported networks, interrupted and misused."""

import csv
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("sklearn", reason="needs the digits of scikit-learn")

from lamoo_fast.cli import main  # noqa: E402
from lamoo_fast.nas.spaces.cell201 import Cell201  # noqa: E402
from lamoo_fast.nas.tasks import curves, load_task  # noqa: E402
from lamoo_fast.nas.tasks.images import some_rows  # noqa: E402
from lamoo_fast.nas.tasks.task import Run  # noqa: E402

CELLS = Cell201(channels=4, cells=1, in_channels=1, image_size=8)  # of the task "digits"
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
TINY = ["--epochs", "2", "--limit-batches", "2", "--batch-size", "20"]


def lamoo(*words):
    return main(["nas", *map(str, words)])


def refused(capsys, *words):
    """The message of a command that ends with an error."""
    capsys.readouterr()
    assert lamoo(*words) == 2
    message = capsys.readouterr().err
    assert message.startswith("lamoo: error: ")
    assert message.count("\n") == 1
    return message


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run whose supernet is trained, a little."""
    folder = tmp_path_factory.mktemp("run") / "digits"
    assert lamoo("train-supernet", "digits", "--out", folder, *TINY) == 0
    return folder


def weights(folder):
    return torch.load(folder / "supernet" / "checkpoint.pt", weights_only=True)["state"]["model"]


def test_digits_from_supernet_to_exported_network(trained, capsys):
    with (trained / "supernet" / "curves.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    assert (trained / "supernet" / "curves.png").stat().st_size > 1000

    for few_shot in ([], ["--few-shot", 2, "--epochs", 1, "--batch-size", 20]):
        budget = ["--budget", 6, "--batch", 6, "--limit-batches", 2]
        assert lamoo("search", "digits", "--out", trained, *budget, *few_shot) == 0
        place = trained / ("search-few-shot-2" if few_shot else "search")
        front = json.loads((place / "front.json").read_text())["front"]
        for one in front:
            cost = CELLS.cost(CELLS.decode(one["architecture"]))
            assert one["values"]["flops"] == pytest.approx(cost.flops / 1e6)
            assert 0 <= one["values"]["accuracy"] <= 1
        values = np.array([[-v["values"]["accuracy"], v["values"]["flops"]] for v in front])
        for a in values:
            assert not any((b <= a).all() and (b < a).any() for b in values)
    assert len(list((trained / "few-shot-2").glob("part-*.pt"))) == 2

    assert lamoo("retrain", "digits", "--out", trained, "--architecture", CELL, *TINY) == 0
    assert lamoo("retrain", "digits", "--out", trained, "--count", 1, *TINY) == 0
    with (trained / "networks.csv").open() as file:
        rows = {row["architecture"]: row for row in csv.DictReader(file)}
    front = json.loads((trained / "search" / "front.json").read_text())["front"]
    best = max(front, key=lambda one: one["values"]["accuracy"])
    assert {CELL, best["architecture"]} == set(rows)
    assert int(rows[CELL]["params"]) == CELLS.cost(CELLS.decode(CELL)).params
    assert [rows[CELL][name] for name in ("epochs", "batch", "batches")] == ["2", "20", "2"]

    found = json.loads((trained / "search" / "front.json").read_text())
    for one in found["front"]:
        one["values"]["accuracy"] += 0.25  # as if another search had found them
    (trained / "search" / "front.json").write_text(json.dumps(found))
    assert lamoo("retrain", "digits", "--out", trained, "--count", 1, *TINY) == 0
    searched = {
        json.loads(path.read_text())["architecture"]: json.loads(path.read_text())["searched"]
        for path in trained.glob("networks/*/metrics.json")
    }
    assert searched[best["architecture"]]["accuracy"] == best["values"]["accuracy"] + 0.25
    assert searched[CELL] == {}

    (trained / "search-few-shot-2" / "front.json").write_text('{"front": []}')  # all had failed
    capsys.readouterr()
    assert lamoo("export", "digits", "--out", trained, "--architecture", CELL) == 0
    assert CELL in capsys.readouterr().out
    (path,) = (trained / "export").glob("*.pt2")
    images, labels = load_task("digits").data.split("test")
    rows_tested = some_rows(len(labels), 40)  # two batches of 20
    scores = torch.export.load(path).module()(images[rows_tested])
    correct = (scores.argmax(1) == labels[rows_tested]).sum().item()
    assert float(rows[CELL]["accuracy"]) == pytest.approx(correct / 40)

    network = CELLS.build(CELLS.decode(CELL), generator=torch.Generator()).eval()
    state = path.with_name(path.name.replace(".pt2", ".state.pt"))
    network.load_state_dict(torch.load(state, weights_only=True))
    torch.testing.assert_close(network(images[rows_tested]), scores, rtol=1e-5, atol=1e-5)
    report = (trained / "export" / "report.md").read_text()
    assert all(row.replace("|", "\\|") in report for row in rows)
    assert "## Front of search\n" in report
    assert "search-few-shot-2" not in report
    for measured in ("- latency: ", "- memory: ", "- energy: not measured, device is 'cpu'"):
        assert f"\n{measured}" in report
    assert path.with_suffix(".png").exists()


def test_killed_supernet_goes_on_to_the_same_weights(trained, tmp_path, monkeypatch, capsys):
    written = curves.Curves.__call__

    def killed(self, history):
        written(self, history)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(curves.Curves, "__call__", killed)
        assert lamoo("train-supernet", "digits", "--out", tmp_path, *TINY) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert "for 2 of 4 steps" in refused(capsys, "search", "digits", "--out", tmp_path)
    assert lamoo("train-supernet", "digits", "--out", tmp_path) == 0  # the numbers are known
    for name, value in weights(trained).items():
        assert torch.equal(value, weights(tmp_path)[name]), name


def test_search_goes_on_as_if_it_had_not_stopped(trained, tmp_path, capsys):
    def searched(name, *budgets):
        folder = tmp_path / name
        (folder / "supernet").mkdir(parents=True)
        for file in ("run.json", "supernet/settings.json", "supernet/checkpoint.pt"):
            (folder / file).write_bytes((trained / file).read_bytes())
        for budget in budgets:
            words = ["--budget", budget, "--batch", 3, "--limit-batches", 1]
            assert lamoo("search", "digits", "--out", folder, *words) == 0
        lines = (folder / "search" / "journal.jsonl").read_text().splitlines()
        return [json.loads(line)["values"] for line in lines if '"values"' in line]

    assert searched("twice", 3, 6) == searched("once", 6)
    other = ["--out", tmp_path / "once", "--objectives", "accuracy", "--limit-batches", 1]
    assert "objectives" in refused(capsys, "search", "digits", *other)
    other = ["--out", tmp_path / "once", "--batch-size", 7, "--limit-batches", 1]
    assert "batch_size None, now 7" in refused(capsys, "search", "digits", *other)


def test_what_cannot_be_done_is_said_in_one_line(trained, tmp_path, capsys):
    new = tmp_path / "new"
    assert "did you mean 'digits'" in refused(capsys, "train-supernet", "digit", "--out", new)
    assert "--data" in refused(capsys, "train-supernet", "cifar10", "--out", new)
    missing = ["--data", tmp_path / "nowhere"]
    assert "nowhere" in refused(capsys, "train-supernet", "imagenet", "--out", new, *missing)
    assert "leave it out" in refused(capsys, "search", "digits", "--out", new, "--data", tmp_path)
    assert not new.exists()
    device = ["--device", "cuda:77"]
    assert "cuda:77" in refused(capsys, "train-supernet", "digits", "--out", new, *device)
    assert "train-supernet" in refused(capsys, "search", "digits", "--out", new)
    assert "lamoo nas search" in refused(capsys, "retrain", "digits", "--out", new)
    assert "lamoo nas retrain" in refused(capsys, "export", "digits", "--out", new)
    cell = ["--architecture", "|nor_conv_9x9~0|"]
    assert "nor_conv_9x9" in refused(capsys, "retrain", "digits", "--out", new, *cell)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    assert "new or empty" in refused(capsys, "train-supernet", "digits", "--out", tmp_path / "full")

    here = ["digits", "--out", trained]
    assert "seed 0, got 1" in refused(capsys, "train-supernet", *here, "--seed", 1)
    assert "task 'digits'" in refused(capsys, "train-supernet", "cifar10", "--out", trained)
    assert "epochs 2, got 3" in refused(capsys, "train-supernet", *here, "--epochs", 3)
    assert "parts is 3" in refused(capsys, "search", *here, "--few-shot", 3)
    assert "did you mean 'flops'" in refused(capsys, "search", *here, "--objectives", "flop")
    assert "wanted a whole number" in refused(capsys, "search", *here, "--budget", 0)


def test_damaged_checkpoint_is_refused(trained, tmp_path, capsys):
    (tmp_path / "supernet").mkdir()
    for file in ("run.json", "supernet/settings.json"):
        (tmp_path / file).write_bytes((trained / file).read_bytes())
    whole = (trained / "supernet" / "checkpoint.pt").read_bytes()
    (tmp_path / "supernet" / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    assert "truncated" in refused(capsys, "train-supernet", "digits", "--out", tmp_path)
    assert "truncated" in refused(capsys, "search", "digits", "--out", tmp_path)


def test_outputs_that_are_no_numbers_are_not_exported(tmp_path, caplog):
    from lamoo_fast.nas.tasks.export import export_network

    class Broken(torch.nn.Linear):
        """Its outputs are NaN."""

        def forward(self, x):
            return super().forward(x) * float("nan")

    with pytest.raises(RuntimeError):
        export_network(Broken(3, 2).eval(), torch.ones(1, 3), tmp_path, "broken")
    assert "its outputs differ by nan" in caplog.text
    assert not list(tmp_path.glob("*.pt2"))


def test_only_trained_networks_are_exported(tmp_path, capsys):
    zero = CELL.replace("nor_conv_3x3", "none")  # fewer multiply-adds, so that it comes first
    chosen = ["--architecture", CELL, "--architecture", zero]
    assert lamoo("retrain", "digits", "--out", tmp_path, *chosen, *TINY) == 0
    places = {}
    for path in tmp_path.glob("networks/*/metrics.json"):
        found = json.loads(path.read_text())
        places[found["architecture"]] = path.parent
        if found["architecture"] == zero:
            found["trained"]["accuracy"] = float("nan")
            path.write_text(json.dumps(found))
    capsys.readouterr()
    assert lamoo("export", "digits", "--out", tmp_path) == 0
    assert CELL in capsys.readouterr().out
    (places[CELL] / "checkpoint.pt").unlink()
    assert "checkpoint.pt is missing" in refused(capsys, "export", "digits", "--out", tmp_path)


def test_few_images_are_of_many_classes():
    task = load_task("digits")
    order = task.data.labels.argsort(stable=True)  # as a folder for each class lists them
    parts = {
        part: order[rows]
        for part, rows in zip(
            ("train", "valid", "test"),
            (slice(0, None, 3), slice(1, None, 3), slice(2, None, 3)),
            strict=True,
        )
    }
    data = replace(task.data, splits=parts)
    task = replace(task, data=data, calibration=100)
    evaluator = task.one_shot(task.supernet(Run(progress=False)).model, Run(batches=1))
    assert len(evaluator._labels) == 100
    assert len(evaluator._labels.unique()) == 10
    images, labels = data.split("train")
    every = images[torch.arange(len(images))].flatten(1)
    rows = torch.cdist(evaluator._calibration.flatten(1), every).argmin(1)
    assert len(labels[rows].unique()) == 10
    fixed = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    torch.nn.init.zeros_(fixed[1].weight)
    with torch.no_grad():
        fixed[1].bias.copy_(torch.eye(10)[0])  # says that all are zeros
    assert 0 < task.measure(fixed, {}, Run(batches=1))["accuracy"] < 0.3


def test_without_torch_the_fix_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = refused(capsys, "train-supernet", "digits", "--out", tmp_path)
    assert "pip install 'lamoo_fast[nas]'" in message


def test_full_sizes_take_a_step(tmp_path, capsys):
    """The published networks and recipes, on generated images."""
    image = pytest.importorskip("PIL.Image", reason="needs Pillow")
    rng = np.random.default_rng(0)
    cifar = tmp_path / "cifar"
    cifar.mkdir()
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        records = rng.integers(256, size=(4, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (cifar / f"{name}.bin").write_bytes(records.tobytes())
    folder = tmp_path / "imagenet"
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            (folder / part / name).mkdir(parents=True)
            for i in range(4):
                pixels = rng.integers(256, size=(40, 50, 3), dtype=np.uint8)
                image.fromarray(pixels).save(folder / part / name / f"{i}.png")
    few = ["--epochs", 1, "--limit-batches", 1, "--batch-size", 2]
    for task, data in (("cifar10", cifar), ("imagenet", folder)):
        out = tmp_path / f"run-{task}"
        assert lamoo("train-supernet", task, "--data", data, "--out", out, *few) == 0
        assert f"supernet of {task}, 1 epochs" in capsys.readouterr().out
    part = ["--data", cifar, "--small", "--out", tmp_path / "part"]
    assert lamoo("train-supernet", "cifar10", *part, *few) == 0
    assert "supernet of cifar10-part, 1 epochs" in capsys.readouterr().out
