"""Detectors in training: boxes in batches, the elastic supernet, the task from end to end."""

import math
from dataclasses import replace

import pytest
from nas_data import sampled

torch = pytest.importorskip("torch", reason="detectors need torch")
pytest.importorskip("pycocotools", reason="average precision needs pycocotools")
pytest.importorskip("PIL", reason="images need pillow")

from lamoo_fast.cli import main  # noqa: E402
from lamoo_fast.nas.datasets.shapes import write_shapes  # noqa: E402
from lamoo_fast.nas.evaluators.precision import precision  # noqa: E402
from lamoo_fast.nas.networks.detection import Objects, detection_loss  # noqa: E402
from lamoo_fast.nas.networks.detector import Predictions  # noqa: E402
from lamoo_fast.nas.spaces.detector import Detector  # noqa: E402
from lamoo_fast.nas.spaces.mobilenet import MobileNet  # noqa: E402
from lamoo_fast.nas.supernets.detector import DetectionSandwich, ElasticDetector  # noqa: E402
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths  # noqa: E402
from lamoo_fast.nas.supernets.recalibrate import recalibrate  # noqa: E402
from lamoo_fast.nas.tasks.detection import coco  # noqa: E402
from lamoo_fast.nas.tasks.task import Run  # noqa: E402
from lamoo_fast.nas.training.detection import ObjectRows, flipped, packed, unpacked  # noqa: E402
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402

SPACE = Detector(MobileNet(width=0.25, resolutions=(32, 48)), 3, 8, 1, 0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def small():
    return coco(small=True)


def test_objects_in_tables_and_back(small):
    rows = torch.tensor([5, 17, 3, 40])
    table = ObjectRows(small.train, torch.arange(len(small.train)))[rows]
    _, expected = small.train.batch(rows)
    assert len({len(o.labels) for o in expected}) > 1  # the table has empty places
    for found, wanted in zip(unpacked(table), expected, strict=True):
        assert torch.equal(found.boxes, wanted.boxes)
        assert torch.equal(found.labels, wanted.labels)


def test_mirrored_boxes_stay_around_their_shapes(small):
    rows = torch.arange(12)
    images = small.train.images(rows)
    table = ObjectRows(small.train, rows)[rows]
    mirrored, boxes = flipped(images, table, generator())
    changed = [not torch.equal(a, b) for a, b in zip(images, mirrored, strict=True)]
    assert 0 < sum(changed) < 12
    for i, change in enumerate(changed):
        assert torch.equal(mirrored[i], images[i].flip(-1) if change else images[i])
        for old, new in zip(unpacked(table)[i].boxes, unpacked(boxes)[i].boxes, strict=True):
            left, top, right, bottom = old.int().tolist()
            a, b, c, d = new.int().tolist()
            inside = images[i, :, top:bottom, left:right]
            there = mirrored[i, :, b:d, a:c]
            assert torch.equal(there, inside.flip(-1) if change else inside)
    again, _ = flipped(*flipped(images, table, generator()), generator())
    assert torch.equal(again, images)


def test_subnets_in_one_pass_are_those_cut_out():
    supernet = ElasticDetector(SPACE, generator=generator()).eval()
    drawn = sampled(SPACE, 3)
    configs = [{**c, "resolution": r} for c, r in zip(drawn, (48, 32, 48), strict=True)]
    images = torch.randn(6, 3, 48, 48, generator=generator(1))
    with torch.no_grad():
        statistics = recalibrate(supernet, configs, images, batch=6)
        many = supernet.forward_many(images, configs, statistics)
        for config, said in zip(configs, many, strict=True):
            side = config["resolution"]
            sized = images
            if side != 48:
                sized = torch.nn.functional.interpolate(
                    images, (side, side), mode="bilinear", antialias=True
                )
            alone = supernet.subnet(config, statistics).eval()(sized)
            for name, factor in (("scores", 1), ("centred", 1), ("boxes", 48 / side),
                                 ("places", 48 / side), ("strides", 48 / side)):  # fmt: skip
                expected = getattr(alone, name) * factor
                assert torch.allclose(getattr(said, name), expected, atol=1e-3, rtol=1e-4), name
    with pytest.raises(ValueError, match="configs is empty"):
        supernet.forward_many(images, [])
    with pytest.raises(ValueError, match="no statistics for"):
        supernet.forward_many(images, [SPACE.backbone.largest()], statistics)


def test_the_loss_is_the_same_in_the_pixels_of_any_size(small):
    supernet = ElasticDetector(SPACE, generator=generator())
    config = SPACE.backbone.smallest(32)
    images, objects = small.train.batch(torch.arange(4))
    said = supernet(images, config)
    factor = 32 / 64
    sized = Predictions(
        said.scores, said.centred, said.boxes * factor, said.places * factor, said.strides * factor
    )
    smaller = [type(o)(o.boxes * factor, o.labels) for o in objects]
    loss = float(detection_loss(said, objects).detach())
    assert loss == pytest.approx(float(detection_loss(sized, smaller).detach()), rel=1e-5)


def test_a_step_of_the_supernet_is_of_the_largest_the_smallest_and_random_ones(small):
    supernet = ElasticDetector(SPACE, generator=generator())
    backbone, choices = SPACE.backbone, Choices(SPACE.space)
    objective = DetectionSandwich(backbone.largest(), backbone.smallest(), choices, flip=False)
    rows = torch.arange(3)
    images, objects = small.train.batch(rows)
    table = ObjectRows(small.train, rows)[rows]
    with torch.no_grad():
        found = [float(v.value) for v in objective.losses(supernet, images, table, generator(7))]
        configs = [backbone.largest(), backbone.smallest()]
        configs += UniformPaths(2).draw(choices, generator(7))
        expected = [float(detection_loss(supernet(images, c), objects)) for c in configs]
    assert found == pytest.approx(expected, rel=1e-5)


class Oracle(torch.nn.Module):
    """Says the truth about images that it is told."""

    def __init__(self, objects, sure):
        super().__init__()
        self.objects, self.sure = list(objects), torch.nn.Parameter(torch.tensor(sure))

    def forward(self, images):
        most, batch = 4, len(images)
        boxes, scores = torch.zeros(batch, most, 4), torch.full((batch, most, 3), -20.0)
        for i in range(batch):
            wanted = self.objects.pop(0)
            for k, (box, label) in enumerate(zip(*wanted, strict=True)):
                boxes[i, k], scores[i, k, label] = box, self.sure
        nowhere = torch.zeros(0)
        return Predictions(scores, torch.full((batch, most), 20.0), boxes, nowhere, nowhere)


def test_precision_of_perfect_and_of_no_detections(small):
    rows = torch.arange(20)
    objects = [small.test.objects_in(i) for i in range(20)]
    assert precision(Oracle(objects, 5.0), small.test, rows, batch=7)["mAP"] == pytest.approx(1)
    assert precision(Oracle(objects, -20.0), small.test, rows, batch=7) == {
        "mAP": 0.0, "AP50": 0.0, "AP75": 0.0
    }  # fmt: skip


def test_images_without_objects_in_tables():
    none = Objects(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    two = Objects(torch.ones(2, 4), torch.tensor([5, 0]))
    assert packed([none, two]).shape == (2, 2, 5)
    assert [len(o.labels) for o in unpacked(packed([none, two]))] == [0, 2]
    assert packed([none]).shape == (1, 1, 5)


def test_a_detector_learns_and_continues(small, tmp_path):
    """On sixteen images, by which it is judged too: there is no time for more."""
    few = replace(
        small, train=first(small.train, 16), test=first(small.train, 16),
        network_recipe=Recipe(30, 8, 0.05, weight_decay=0.0, warmup=0.1, clip=10.0),
    )  # fmt: skip
    config = few.architectures.backbone.smallest(64)
    run = Run(progress=False)
    training = few.network(config, run, tmp_path / "network.pt")
    assert few.measure(training.trained, config, run)["AP50"] < 0.05
    training.run(until=31)
    training = few.network(config, run, tmp_path / "network.pt")
    assert training.step == 30  # an epoch's end was saved
    history = training.run()
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert few.measure(training.trained, config, run)["AP50"] > 0.15
    boxes, scores = few.exported(training.trained)(few.example(config))
    assert boxes.shape == (1, 85, 4)
    assert scores.shape == (1, 85, 3)


def first(data, n):
    return replace(data, paths=data.paths[:n], objects=data.objects[:n], sizes=data.sizes[:n])


def test_the_supernet_is_trained_evaluated_and_split(small, tmp_path):
    run = Run(progress=False, epochs=1, batch=8, batches=1)
    training = small.supernet(run, tmp_path / "supernet.pt")
    training.run()
    assert math.isfinite(training.history[0]["loss"])
    configs = [small.architectures.backbone.smallest(), small.architectures.backbone.largest()]
    few = replace(small, held_out=8, calibration=8)
    for evaluator, tag in (
        (few.one_shot(training.trained, run), "supernet"),
        (few.few_shot(training.trained, 2, run, tmp_path), "few-shot"),
    ):
        found = evaluator.evaluate(configs)
        assert [e.fidelity for e in found] == [tag] * 2
        assert all(0 <= e.values["mAP"] <= 1 for e in found)
    with pytest.raises(ValueError, match="its parent is"):
        few.few_shot(few.supernet(replace(run, seed=5)).model, 2, run, tmp_path)
    with pytest.raises(ValueError, match="parts is 3, wanted one for each of the 2 resolutions"):
        few.few_shot(training.trained, 3, run, tmp_path)
    with pytest.raises(ValueError, match="wanted an ElasticDetector"):
        few.one_shot(torch.nn.Linear(1, 1), run)


def test_a_folder_of_coco_in_full_size(tmp_path):
    with pytest.raises(ValueError, match="coco needs the folder of COCO"):
        coco()
    with pytest.raises(ValueError, match=r"instances_train2017\.json"):
        coco(tmp_path)
    write_shapes(tmp_path, train=5, val=2, size=96)
    for old, new in (("train", "train2017"), ("val", "val2017")):
        (tmp_path / old).rename(tmp_path / new)
        notes = tmp_path / "annotations"
        (notes / f"instances_{old}.json").rename(notes / f"instances_{new}.json")
    task = coco(tmp_path)
    assert task.architectures.width == 128
    run = Run(progress=False, epochs=1, batch=1, batches=2)
    config = task.architectures.backbone.smallest()
    training = task.network(config, run)
    assert training.steps == 2
    assert math.isfinite(training.run()[0]["loss"])
    assert task.measure(training.trained, config, run)["mAP"] < 0.1
    command = ["nas", "train-supernet", "coco", "--data", str(tmp_path), "--batch-size", "1"]
    command += ["--out", str(tmp_path / "run"), "--epochs", "1", "--limit-batches", "2"]
    assert main(command) == 0
    with pytest.raises(ValueError, match="the small coco generates its images"):
        coco(tmp_path, small=True)
