"""Language models and detectors, from files to perplexity and precision."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from lamoo_fast.nas.datasets.coco import coco  # noqa: E402
from lamoo_fast.nas.datasets.shapes import write_shapes  # noqa: E402
from lamoo_fast.nas.datasets.small import python_help  # noqa: E402
from lamoo_fast.nas.networks.detection import Objects  # noqa: E402
from lamoo_fast.nas.spaces.detector import Detector  # noqa: E402
from lamoo_fast.nas.spaces.mobilenet import MobileNet  # noqa: E402
from lamoo_fast.nas.spaces.recurrent import RecurrentCell  # noqa: E402
from lamoo_fast.nas.training.detection import (  # noqa: E402
    Detect,
    DetectionImages,
    average_precision,
    packed,
    unpacked,
)
from lamoo_fast.nas.training.language import NextToken, perplexity, windows  # noqa: E402
from lamoo_fast.nas.training.loop import Training  # noqa: E402
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402

DARTS = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), "
    "('sigmoid', 5), ('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def language_model(vocabulary, hidden, dropout=0.0):
    names = ("dropout_output", "dropout_hidden", "dropout_input", "dropout_embedding")
    space = RecurrentCell(vocabulary=vocabulary, hidden=hidden, **dict.fromkeys(names, dropout))
    return space.build(space.decode(DARTS), generator=generator())


def test_a_language_model_learns_english():
    data = python_help("characters")
    model = language_model(len(data.vocabulary), hidden=24)
    text = data.tokens["valid"][:800]
    before = perplexity(model, text)
    assert before == pytest.approx(len(data.vocabulary), rel=0.2)
    training = Training(
        model,
        NextToken(),
        *windows(data.tokens["train"][:22_000], 10),
        Recipe(epochs=1, batch=32, learning_rate=2.0, weight_decay=0, clip=0.25),
        progress=False,
    )
    history = training.run()
    assert history[0]["accuracy"] > 0.15
    # what a model reaches that only knows how frequent characters are
    counts = torch.bincount(data.tokens["train"], minlength=len(data.vocabulary)) + 1.0
    frequent = math.exp(-(counts / counts.sum()).log()[text[1:]].mean().item())
    assert perplexity(model, text) < 1.1 * frequent < 0.3 * before


def test_perplexity_does_not_depend_on_the_pieces():
    model = language_model(7, hidden=8, dropout=0.5)
    text = torch.randint(7, (23,), generator=generator(1))
    whole = perplexity(model, text)
    assert perplexity(model, text, length=5) == pytest.approx(whole, rel=1e-5)
    scores, _ = model(text[:-1, None])
    losses = [-s.log_softmax(-1)[t].item() for s, t in zip(scores[:, 0], text[1:], strict=True)]
    assert whole == pytest.approx(math.exp(sum(losses) / 22), rel=1e-5)


def test_the_change_of_the_state_costs():
    model = language_model(5, hidden=6)
    x, y = windows(torch.arange(9) % 5, 4)
    (plain,) = NextToken(smoothness=0).losses(model, x, y, generator())
    (smooth,) = NextToken(smoothness=2.0).losses(model, x, y, generator())
    states = model(x.t())[1]
    extra = 2 * (states[1:] - states[:-1]).pow(2).mean()
    assert smooth.value.item() == pytest.approx((plain.value + extra).item(), rel=1e-5)
    assert plain.count == 8
    assert 0 <= int(plain.correct) <= 8


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: windows(torch.arange(4), 4), "4 tokens are too few for a window of 4"),
        (lambda: windows(torch.arange(4), 0), "length is 0, wanted a whole number >= 1"),
        (lambda: perplexity(nn.Identity(), torch.zeros(1)), "tokens has 1, wanted at least 2"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
