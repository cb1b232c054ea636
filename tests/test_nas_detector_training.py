"""Detectors, from files in the form of COCO to their precision."""

import pytest

torch = pytest.importorskip("torch")

from lamoo_fast.nas.datasets.coco import coco  # noqa: E402
from lamoo_fast.nas.datasets.shapes import write_shapes  # noqa: E402
from lamoo_fast.nas.networks.detection import Objects  # noqa: E402
from lamoo_fast.nas.spaces.detector import Detector  # noqa: E402
from lamoo_fast.nas.spaces.mobilenet import MobileNet  # noqa: E402
from lamoo_fast.nas.training.detection import (  # noqa: E402
    Detect,
    DetectionImages,
    average_precision,
    packed,
    unpacked,
)
from lamoo_fast.nas.training.loop import Training  # noqa: E402
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def shapes(tmp_path):
    write_shapes(tmp_path, train=16, val=4, size=64)
    return [coco(tmp_path, part, size=64) for part in ("train", "val")]


def test_a_detector_learns_from_a_coco_folder(shapes):
    pytest.importorskip("pycocotools")
    train, val = shapes
    space = Detector(
        MobileNet(width=0.25, resolutions=(64,)), classes=3, width=16, convs=1, extra_levels=1
    )
    model = space.build(space.backbone.smallest(), generator=generator())
    assert average_precision(model, train)["AP50"] < 0.05
    images = DetectionImages(train)
    training = Training(
        model,
        Detect(),
        images,
        images.labels,
        Recipe(epochs=30, batch=8, learning_rate=0.05, warmup=0.1, weight_decay=0, clip=10.0),
        progress=False,
    )
    history = training.run()
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert average_precision(model, train)["AP50"] > 0.2
    assert set(average_precision(model, val, batch=3)) == {"mAP", "AP50", "AP75"}


def test_objects_in_the_pixels_of_the_images(shapes):
    train, _ = shapes
    half = coco(train.annotations.parents[1], "train", size=32)
    images = DetectionImages(half)
    rows = torch.tensor([3, 0])
    pixels, objects = half.batch(rows)
    assert torch.equal(images[rows], pixels)
    for one, (boxes, labels) in zip(unpacked(images.labels[rows]), objects, strict=True):
        assert torch.allclose(one.boxes, boxes)
        assert torch.equal(one.labels, labels)
    assert len(images) == 16


def test_packing():
    objects = [
        Objects(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)),
        Objects(torch.ones(2, 4), torch.tensor([5, 0])),
    ]
    whole = packed(objects)
    assert whole.shape == (2, 2, 5)
    for one, other in zip(unpacked(whole), objects, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert packed(objects[:1]).shape == (1, 1, 5)
