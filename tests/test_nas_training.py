"""The training loop: schedule, skipped steps, checkpoints; and being killed in the middle."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from torch import nn  # noqa: E402

from lamoo_fast.nas.device import checked_device  # noqa: E402
from lamoo_fast.nas.spaces.cell201 import Cell201  # noqa: E402
from lamoo_fast.nas.supernets.cell201 import Supernet201  # noqa: E402
from lamoo_fast.nas.supernets.objective import SampledPaths  # noqa: E402
from lamoo_fast.nas.supernets.paths import Choices, FairPaths  # noqa: E402
from lamoo_fast.nas.training.average import MovingAverage  # noqa: E402
from lamoo_fast.nas.training.checkpoint import (  # noqa: E402
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)
from lamoo_fast.nas.training.loop import Training, TrainingDiverged, load_trained  # noqa: E402
from lamoo_fast.nas.training.objective import CrossEntropy, Loss  # noqa: E402
from lamoo_fast.nas.training.reading import NextToken, Reader  # noqa: E402
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402

X = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
RECIPE = Recipe(epochs=3, batch=10, average=0.9)


def network(seed=0, dropout=0.5):
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2))


def shaken(images, generator):
    return images + 0.1 * torch.randn(images.shape, generator=generator)


def training(model, *, recipe=RECIPE, objective=None, **options):
    options = {"seed": 1, "augment": shaken, "progress": False, **options}
    return Training(model, objective or CrossEntropy(0.1), X, Y, recipe, **options)


def same(a, b):
    return all(torch.equal(v, b[k]) for k, v in a.items())


def test_equals_a_loop_written_out():
    recipe = Recipe(epochs=4, batch=20, learning_rate=0.2, warmup=0.25, clip=0.5)
    model, twin = network(dropout=0.0), network(dropout=0.0)
    seen = []

    def note(images, generator):
        seen.append(images)
        return images

    history = training(model, recipe=recipe, augment=note).run()
    optimiser = torch.optim.SGD(twin.parameters(), momentum=0.9, weight_decay=5e-4, nesterov=True)
    rates = [0.1 * (1 + torch.cos(torch.tensor(torch.pi * t / 8))) for t in range(8)]
    rates[0] /= 2  # two of eight steps of warm-up
    for images, rate in zip(seen, rates, strict=True):
        rows = [int((image == X).all(1).nonzero()) for image in images]
        optimiser.param_groups[0]["lr"] = float(rate)
        optimiser.zero_grad()
        nn.functional.cross_entropy(twin(images), Y[rows], label_smoothing=0.1).backward()
        nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
        optimiser.step()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert len(history) == 4
    assert history[-1]["loss"] < history[0]["loss"]
    for first, second in ((seen[0], seen[1]), (seen[2], seen[3])):  # an epoch repeats no image
        assert len(torch.unique(torch.cat([first, second]), dim=0)) == 40


def test_moving_average():
    model = network()
    average = MovingAverage(model, 0.9)
    expected = [p.detach().clone() for p in model.parameters()]
    for t in range(30):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(1.0)
        average.update(model)
        decay = min(0.9, (1 + t) / (10 + t))
        expected = [
            decay * e + (1 - decay) * p for e, p in zip(expected, model.parameters(), strict=True)
        ]
    for own, wanted in zip(average.module.parameters(), expected, strict=True):
        assert torch.allclose(own, wanted.detach(), atol=1e-4)


def test_one_seed_one_result_and_no_global_generator():
    before = torch.get_rng_state()
    a, b, other = network(), network(), network()
    training(a).run()
    torch.rand(3)
    training(b).run()
    training(other, seed=2).run()
    torch.set_rng_state(before)
    assert same(a.state_dict(), b.state_dict())
    assert not same(a.state_dict(), other.state_dict())
    training(network()).run()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("stop", [1, 5, 7, 14])
def test_continued_training_is_the_same(tmp_path, stop):
    """With augmentation, dropout, momentum and moving average; stopped within an epoch or not."""
    whole = training(network())
    whole.run()
    path = tmp_path / "state.pt"
    training(network(), checkpoint=path, save_every=1).run(until=stop)
    continued = training(network(seed=5), checkpoint=path)
    assert continued.step == stop
    continued.run()
    assert same(whole.model.state_dict(), continued.model.state_dict())
    assert same(whole.trained.state_dict(), continued.trained.state_dict())
    drop = "seconds"
    for a, b in zip(whole.history, continued.history, strict=True):
        assert {k: v for k, v in a.items() if k != drop} == {
            k: v for k, v in b.items() if k != drop
        }


KILLED = textwrap.dedent("""
    import sys, torch
    sys.path.insert(0, {tests!r})
    from test_nas_training import supernet_training
    torch.set_num_threads({threads})
    def slow(images, generator):
        print("step", flush=True)
        return images
    training = supernet_training({path!r}, augment=slow)
    training.run()
    print("end", flush=True)
""")


def supernet_training(path, **options):
    space = Cell201(4, 1, classes=3, in_channels=1, image_size=4)
    generator = torch.Generator().manual_seed(0)
    supernet = Supernet201(space, generator=generator)
    images = torch.randn(64, 1, 4, 4, generator=generator)
    labels = torch.randint(3, (64,), generator=generator)
    objective = SampledPaths(Choices(space.space), FairPaths())
    recipe = Recipe(epochs=6, batch=16)
    options = {"seed": 3, "progress": False, "checkpoint": path, "save_every": 2, **options}
    return Training(supernet, objective, images, labels, recipe, **options)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_and_resumed_equals_not_killed(tmp_path):
    """kill -9 at some step of a supernet's training; another process goes on."""
    path = tmp_path / "killed.pt"
    threads = torch.get_num_threads()  # sums are in another order with others
    code = KILLED.format(tests=os.path.dirname(__file__), path=str(path), threads=threads)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        for _ in range(7):  # killed while the seventh step is computed
            assert child.stdout.readline() == "step\n"
        time.sleep(0.002)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert path.exists()
    resumed = supernet_training(path)
    assert 0 < resumed.step < resumed.steps
    resumed.run()
    whole = supernet_training(None)
    whole.run()
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    assert list(tmp_path.iterdir()) == [path] or all(
        p.name.endswith(".part") for p in tmp_path.iterdir() if p != path
    )


class Broken:
    """Cross entropy, but not a number in some steps."""

    def __init__(self, bad, how=float("nan")):
        self.bad, self.how, self.calls = bad, how, 0

    def __repr__(self):
        return "Broken"

    def losses(self, model, images, labels, generator):
        step, self.calls = self.calls, self.calls + 1
        (loss,) = CrossEntropy().losses(model, images, labels, generator)
        factor = self.how if step in self.bad else 1.0
        yield Loss(loss.value * factor, loss.correct, loss.count)


class InfiniteGradient(Broken):
    """The value is fine, its gradient is not."""

    def losses(self, model, images, labels, generator):
        step, self.calls = self.calls, self.calls + 1
        (loss,) = CrossEntropy().losses(model, images, labels, generator)
        if step in self.bad:
            zero = model[0].weight.sum() * 0
            yield Loss(loss.value + torch.sqrt(zero), loss.correct, loss.count)
        else:
            yield loss


@pytest.mark.parametrize("kind", [Broken, InfiniteGradient])
def test_bad_steps_are_skipped(kind, caplog):
    bad = {2, 3, 9}
    run = training(network(), objective=kind(bad))
    before = {}

    def watch(images, generator):
        before[run.step] = [p.detach().clone() for p in run.model.parameters()]
        return images

    run._augment = watch
    run.run()
    for step in range(14):
        moved = any(
            not torch.equal(a, b) for a, b in zip(before[step], before[step + 1], strict=True)
        )
        assert moved == (step not in bad)
    assert len([r for r in caplog.records if "skipped" in r.message]) == 3


def test_skipped_steps_leave_running_averages_and_the_end_is_saved(tmp_path):
    def run(bad):
        model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        for own in model.parameters():
            nn.init.constant_(own, 0.1)
        rows = iter(range(99))

        def spoil(images, generator):
            return images * float("nan") if next(rows) in bad else images

        path = tmp_path / f"{len(bad)}.pt"
        result = training(model, augment=spoil, checkpoint=path)
        result.run(until=14)
        before = [buffer.clone() for buffer in model.buffers()]
        result.run()
        unchanged = all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True))
        assert load_checkpoint(path, "training", result._about)["step"] == result.steps
        return model, unchanged

    assert run(())[1] is False
    model, unchanged = run((2, 14))  # the last step, too
    assert unchanged
    assert all(bool(buffer.isfinite().all()) for buffer in model.buffers())
    assert model[1].num_batches_tracked == 13


def test_a_reader_goes_on_after_its_state_overflowed():
    class Grows(nn.Module):
        """Its state overflows."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, tokens, state):
            states = state * self.weight.detach() * 1e38 + tokens[..., None]
            return (states * self.weight).expand(-1, -1, 2), states

    reader = Reader(Grows(), 1, 2)
    reader.state.fill_(1e30)
    tokens = torch.ones(20, 3, dtype=torch.long)
    Training(reader, NextToken(), tokens, tokens, Recipe(1, 2), progress=False).run(until=1)
    assert reader.state.tolist() == [[0.0], [0.0]]


def test_stops_after_five_bad_steps_and_keeps_the_last_checkpoint(tmp_path):
    path = tmp_path / "good.pt"
    run = training(network(), objective=Broken(set(range(7, 99))), checkpoint=path, save_every=2)
    with pytest.raises(
        TrainingDiverged, match=r"step 12 of 15: loss is nan.*good.pt holds.*step 6"
    ):
        run.run()
    good = training(network(), objective=Broken(set()), checkpoint=path)
    assert good.step == 6
    good.run()
    assert good.step == 15


@pytest.mark.parametrize("asked", [True, False])
def test_a_training_that_ends_in_bad_steps_has_not_ended(tmp_path, asked):
    """The state that the last good step left is not shown to be good by any later one."""
    path = tmp_path / "none.pt" if asked else None
    run = training(network(), objective=Broken({13, 14}), checkpoint=path, save_every=99)
    kept = "made yet" if asked else "asked for"
    with pytest.raises(
        TrainingDiverged, match=rf"of 15: .*2 such steps in a row; no checkpoint was {kept}"
    ):
        run.run()
    assert not list(tmp_path.iterdir())


def test_damaged_checkpoint(tmp_path):
    path = tmp_path / "state.pt"
    run = training(network(), checkpoint=path)
    run.run()
    whole = path.read_bytes()
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"state\.pt is truncated or not a checkpoint"):
            training(network(), checkpoint=path)
    for place in range(0, len(whole), 211):  # a bit that has flipped, wherever it is
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            found = training(network(), checkpoint=path)
        except ValueError:
            continue
        assert same(found.model.state_dict(), run.model.state_dict())
        assert same(found.trained.state_dict(), run.trained.state_dict())
    path.write_text("not a checkpoint at all")
    with pytest.raises(ValueError, match="truncated or not a checkpoint"):
        training(network(), checkpoint=path)


def test_tensors_with_strides_are_kept(tmp_path):
    for rows in (3, 1):
        column = torch.arange(6.0).reshape(3, 2)[:rows, 1]
        save_checkpoint(tmp_path / "state.pt", "columns", {}, {"column": column})
        found = load_checkpoint(tmp_path / "state.pt", "columns", {})
        assert torch.equal(found["column"], torch.tensor([1.0, 3.0, 5.0])[:rows])


def test_checkpoint_of_something_else(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    about = {"space": {"name": "nasbench201", "channels": 16}}
    training(network(), checkpoint=path, about=about).run()
    kept = path.read_bytes()
    for change, message in (
        ({"about": {"space": {"name": "darts", "channels": 16}}}, "space.name is 'nasbench201'"),
        ({"about": {"space": {"name": "nasbench201", "channels": 8}}}, "space.channels is 16"),
        ({"recipe": Recipe(epochs=4, batch=10, average=0.9)}, "recipe.epochs is 3, wanted 4"),
        ({"seed": 7}, "seed is 1, wanted 7"),
        ({"objective": CrossEntropy(0.2)}, "smoothing=0.1.*wanted.*smoothing=0.2"),
    ):
        with pytest.raises(ValueError, match=message):
            training(network(), checkpoint=path, **{"about": about, **change})
    with pytest.raises(ValueError, match="of another model"):
        training(nn.Linear(3, 2), checkpoint=path, about=about)
    monkeypatch.setattr("lamoo_fast.nas.training.checkpoint.VERSION", 3)
    with pytest.raises(ValueError, match="format version 2, wanted 3"):
        training(network(), checkpoint=path, about=about)
    assert path.read_bytes() == kept  # nothing is lost


def test_weights_of_a_checkpoint(tmp_path):
    path = tmp_path / "state.pt"
    run = training(network(), checkpoint=path, about={"space": "a"})
    run.run()
    fresh = network(seed=8)
    load_trained(path, fresh, {"space": "a"})
    assert same(fresh.state_dict(), run.trained.state_dict())
    assert not same(fresh.state_dict(), run.model.state_dict())  # it is the average
    with pytest.raises(ValueError, match="its space is 'a', wanted 'b'"):
        load_trained(path, fresh, {"space": "b"})
    with pytest.raises(ValueError, match="of another model"):
        load_trained(path, nn.Linear(2, 2))


def test_fingerprint_sees_every_number():
    layer = nn.BatchNorm1d(3)  # counts its batches in a tensor without dimensions
    first = fingerprint(layer)
    assert first == fingerprint(nn.BatchNorm1d(3))
    layer.num_batches_tracked += 1
    assert fingerprint(layer) != first


def test_checkpoint_does_not_run_code(tmp_path):
    path = tmp_path / "evil.pt"
    torch.save({"version": 1, "state": os.system}, path)
    with pytest.raises(ValueError, match=r"evil\.pt is truncated or not a checkpoint"):
        load_checkpoint(path, "training", {})


def test_failed_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    save_checkpoint(path, "x", {}, torch.ones(2))

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, "x", {}, torch.zeros(2))
    assert list(tmp_path.iterdir()) == [path]
    assert torch.equal(load_checkpoint(path, "x", {}), torch.ones(2))
    with pytest.raises(ValueError, match="holds a x, wanted a y"):
        load_checkpoint(path, "y", {})


@pytest.mark.parametrize("name", ["cuda:99", "quantum", "xla"])
def test_absent_device(name):
    with pytest.raises(ValueError, match=f"device is '{name}', wanted one of \\['cpu'"):
        checked_device(name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 2.5}, "batch is 2.5"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"clip": 0}, "clip is 0"),
        ({"drop_path": 1.0}, "drop_path is 1.0"),
        ({"weight_decay": -1}, "weight_decay is -1"),
    ],
)
def test_bad_recipes(settings, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**settings)


@pytest.mark.parametrize("label", [2, -1, -100])
def test_labels_that_are_no_class(label):
    labels = Y.clone()
    labels[7] = label
    run = Training(network(), CrossEntropy(), X, labels, Recipe(1, 50), progress=False)
    with pytest.raises(ValueError, match=r"labels go from .*wanted 0 to 1"):
        run.run()
    cells = Cell201(channels=2, cells=1, in_channels=1, image_size=4, classes=2)
    supernet = Supernet201(cells, generator=torch.Generator().manual_seed(0))
    objective = SampledPaths(Choices(cells.space), FairPaths())
    images, labels = torch.zeros(4, 1, 4, 4), torch.tensor([0, 1, label, 0])
    with pytest.raises(ValueError, match=r"labels go from .*wanted 0 to 1"):
        next(objective.losses(supernet, images, labels, torch.Generator()))


def test_bad_data():
    with pytest.raises(ValueError, match="images has length 50, labels 49"):
        Training(network(), CrossEntropy(), X, Y[:-1], RECIPE)
