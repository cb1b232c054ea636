"""Detectors: boxes against pycocotools and slow twins, the loss, learning on generated shapes."""

import numpy as np
import pytest
from nas_data import sampled

from lamoo_fast.nas.spaces.detector import Detector
from lamoo_fast.nas.spaces.mobilenet import MobileNet

torch = pytest.importorskip("torch")

from lamoo_fast.nas.costs.flops import count  # noqa: E402 - needs torch
from lamoo_fast.nas.networks.boxes import (  # noqa: E402
    area,
    generalised_iou,
    pairwise_iou,
    suppress,
)
from lamoo_fast.nas.networks.detection import (  # noqa: E402
    Objects,
    assign,
    centredness,
    detection_loss,
    detections,
)

SMALL = Detector(
    MobileNet(width=0.25, in_channels=1, resolutions=(64, 72)),
    classes=2, width=16, convs=1, extra_levels=1,
)  # fmt: skip


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_boxes(n, seed=0):
    corners = 50 * torch.rand(n, 2, 2, generator=generator(seed))
    return torch.cat([corners.amin(1), corners.amax(1) + 1], dim=1)


@pytest.mark.parametrize(
    "space", [SMALL, Detector(MobileNet(resolutions=(96,)), classes=3, width=8, extra_levels=0)]
)
def test_the_built_detector_costs_the_closed_form(space):
    for config in sampled(space, 2):
        size = config["resolution"]
        image = torch.zeros(1, space.backbone.in_channels, size, size)
        network = space.build(config, generator=generator())
        assert count(network, image) == space.cost(config)


def test_predictions_of_all_levels():
    config = SMALL.backbone.largest(64)
    network = SMALL.build(config, generator=generator()).eval()
    said = network(torch.randn(3, 1, 64, 64, generator=generator()))
    n = 8 * 8 + 4 * 4 + 2 * 2 + 1
    assert SMALL.strides == (8, 16, 32, 64)
    assert said.scores.shape == (3, n, 2)
    assert said.boxes.shape == (3, n, 4)
    assert said.places[:2].tolist() == [[4, 4], [12, 4]]
    assert said.places[-1].tolist() == [32, 32]
    assert said.strides.unique().tolist() == [8, 16, 32, 64]
    middle = (said.places >= said.boxes[..., :2]) & (said.places <= said.boxes[..., 2:])
    assert middle.all()
    # rare at first: one in a hundred
    assert said.scores.sigmoid().mean().item() == pytest.approx(0.01, rel=0.3)


def test_weights_of_a_classifier_fit_the_backbone():
    config = SMALL.backbone.smallest()
    classifier = SMALL.backbone.build(config, generator=generator(1))
    detector = SMALL.build(config, generator=generator(2))
    said = detector.backbone.load_state_dict(classifier.state_dict(), strict=False)
    assert not said.missing_keys
    assert all(key.startswith(("head.", "classifier.")) for key in said.unexpected_keys)


def test_overlaps_against_pycocotools():
    mask = pytest.importorskip("pycocotools.mask")
    first, second = some_boxes(20), some_boxes(30, seed=1)

    def sizes(boxes):
        return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).double().numpy()

    expected = mask.iou(sizes(first), sizes(second), [0] * 30)
    assert np.allclose(pairwise_iou(first, second).numpy(), expected, atol=1e-5)


def test_generalised_overlap():
    one = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    assert generalised_iou(one, one).item() == pytest.approx(1)
    # 4 + 4 of a hull of 6 x 2, nothing shared: -(12 - 8) / 12
    apart = torch.tensor([[4.0, 0.0, 6.0, 2.0]])
    assert generalised_iou(one, apart).item() == pytest.approx(-1 / 3)
    assert generalised_iou(one, apart + 1e4).item() == pytest.approx(-1, abs=1e-3)
    pairs = some_boxes(40), some_boxes(40, seed=2)
    plain = pairwise_iou(*pairs).diagonal()
    assert (generalised_iou(*pairs) <= plain + 1e-6).all()
    assert area(torch.tensor([3.0, 3.0, 1.0, 5.0])).item() == 0


def test_suppression_against_a_slow_twin():
    boxes, labels = some_boxes(60), torch.randint(3, (60,), generator=generator())
    scores = torch.rand(60, generator=generator(5))
    left, kept = sorted(range(60), key=lambda i: -scores[i]), []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [
            i for i in left
            if labels[i] != labels[best] or pairwise_iou(boxes[[i]], boxes[[best]]).item() <= 0.3
        ]  # fmt: skip
    assert suppress(boxes, scores, labels, 0.3).tolist() == kept
    assert 10 < len(kept) < 60
    assert suppress(boxes[:0], scores[:0], labels[:0], 0.3).tolist() == []


def test_places_belong_to_the_object_that_they_are_central_in():
    places = torch.tensor([[4.0, 4], [12, 4], [20, 20], [16, 16], [320, 320]])
    strides = torch.tensor([8.0, 8, 8, 16, 64])
    small, large = [0.0, 0, 8, 8], [0.0, 0, 640, 640]
    assert assign(places, strides, torch.tensor([small])).tolist() == [0, -1, -1, -1, -1]
    assert assign(places, strides, torch.tensor([large])).tolist() == [-1, -1, -1, -1, 0]
    # the smaller of two
    both = torch.tensor([[0.0, 0, 40, 40], [10.0, 10, 30, 30]])
    assert assign(places, strides, both).tolist() == [-1, -1, 1, -1, -1]
    assert assign(places, strides, torch.zeros(0, 4)).tolist() == [-1] * 5
    box = torch.tensor([[0.0, 0, 4, 4]])
    assert centredness(torch.tensor([[2.0, 2]]), box).item() == 1
    assert centredness(torch.tensor([[1.0, 2]]), box).item() == pytest.approx((1 / 3) ** 0.5)


def shapes(n, seed):
    """Images with one or two bright squares (label 0) or crosses (label 1)."""
    draw = np.random.default_rng(seed)
    images, objects = torch.zeros(n, 1, 64, 64), []
    for image in images:
        boxes, labels = [], []
        for half in range(int(draw.integers(1, 3))):
            side = int(draw.integers(14, 28))
            x = 32 * half + int(draw.integers(0, 32 - side))
            y = int(draw.integers(0, 64 - side))
            label = int(draw.integers(2))
            if label:
                third = side // 3
                image[0, y + third : y + side - third, x : x + side] = 1
                image[0, y : y + side, x + third : x + side - third] = 1
            else:
                image[0, y : y + side, x : x + side] = 1
            boxes.append([x, y, x + side, y + side])
            labels.append(label)
        objects.append(Objects(torch.tensor(boxes, dtype=torch.float32), torch.tensor(labels)))
    return images, objects


def test_it_learns_to_detect_shapes():
    images, objects = shapes(8, seed=0)
    network = SMALL.build(SMALL.backbone.smallest(64), generator=generator())
    optimiser = torch.optim.AdamW(network.parameters(), 0.01)
    losses = []
    for _ in range(35):
        loss = detection_loss(network(images), objects)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10)
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    network.train()  # statistics of the batch, as only these images were seen
    found = detections(network(images), (64, 64), least_score=0.3)
    hits = [
        bool((overlaps & (one.labels[:, None] == true.labels[None])).any(0)[k])
        for one, true in zip(found, objects, strict=True)
        for overlaps in [pairwise_iou(one.boxes, true.boxes) > 0.5]
        for k in range(len(true.labels))
    ]
    assert np.mean(hits) > 0.7
    for one in found:
        assert (one.scores[:-1] >= one.scores[1:]).all()
        assert ((one.boxes >= 0) & (one.boxes <= 64)).all()


def test_images_without_objects():
    network = SMALL.build(SMALL.backbone.smallest(64), generator=generator())
    nothing = Objects(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    loss = detection_loss(network(torch.zeros(2, 1, 64, 64)), [nothing, nothing])
    loss.backward()
    assert torch.isfinite(loss)
    said = network.eval()(torch.zeros(1, 1, 64, 64))
    assert len(detections(said, (64, 64), least_score=0.9)[0].scores) == 0
    assert len(detections(said, (64, 64), least_score=0, limit=3)[0].scores) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Detector(width=12), "width is 12, wanted a multiple of 8"),
        (lambda: Detector(classes=0), "classes is 0, wanted a whole number >= 1"),
        (lambda: Detector(extra_levels=-1), "extra_levels is -1, wanted a whole number >= 0"),
        (lambda: Detector(backbone="mobilenet"), "backbone is 'mobilenet', wanted a MobileNet"),
        (lambda: Detector().decode("[]"), "wanted JSON like"),
        (lambda: bad_loss([]), "objects has 0 images, wanted 1"),
        (
            lambda: bad_loss([Objects(torch.ones(1, 4), torch.tensor([2]))]),
            "labels are [2], wanted 0 to 1",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def bad_loss(objects):
    network = SMALL.build(SMALL.backbone.smallest(64), generator=generator())
    return detection_loss(network(torch.zeros(1, 1, 64, 64)), objects)
