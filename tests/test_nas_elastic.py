"""The elastic supernet against stand-alone networks with its weights; the sandwich rule."""

import pytest

torch = pytest.importorskip("torch", reason="the supernets need torch")

from torch.nn import functional  # noqa: E402

from lamoo_fast.nas.spaces.mobilenet import MobileNet  # noqa: E402
from lamoo_fast.nas.supernets.elastic import ElasticMobileNet  # noqa: E402
from lamoo_fast.nas.supernets.objective import Sandwich  # noqa: E402
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths  # noqa: E402
from lamoo_fast.nas.supernets.recalibrate import recalibrate  # noqa: E402
from lamoo_fast.nas.training.loop import Training  # noqa: E402
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402

SPACE = MobileNet(0.2, classes=3, in_channels=1, resolutions=(24, 32), dropout=0.0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def supernet():
    net = ElasticMobileNet(SPACE, generator=generator())
    with torch.no_grad():  # also biases and the maps of kernels
        for name, parameter in net.named_parameters():
            if parameter.ndim == 1 or "maps" in name:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator(1)))
    return net.double()  # 20 blocks of small images magnify what is rounded


IMAGES = torch.randn(12, 1, 32, 32, generator=generator(2), dtype=torch.float64)
DRAWN = UniformPaths(2).draw(Choices(SPACE.space), generator(3))
CONFIGS = [*DRAWN, SPACE.largest(), SPACE.smallest(), DRAWN[0]]


def resized(config):
    size = (config["resolution"],) * 2
    return functional.interpolate(IMAGES, size, mode="bilinear", antialias=True)


def close(a, b):
    return torch.allclose(a, b, atol=1e-8, rtol=1e-8)


@torch.no_grad()
def test_many_subnets_equal_stand_alone_networks(supernet):
    statistics = recalibrate(supernet, CONFIGS, IMAGES, batch=6)
    scores = supernet.eval().forward_many(IMAGES[:4], CONFIGS, statistics)
    assert float(scores.std(0).mean()) > 0.01
    for config, own in zip(CONFIGS, scores, strict=True):
        assert close(supernet(IMAGES[:4], config, statistics), own)
        assert close(supernet.subnet(config, statistics).eval()(resized(config)[:4]), own)
        # The averages as PyTorch gathers them.
        twin = supernet.subnet(config).train()
        for part in twin.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = None
        for images in torch.split(resized(config), 6):
            twin(images)
        assert close(twin.eval()(resized(config)[:4]), own)


def test_sandwich_distils_the_largest_into_others(supernet):
    labels = torch.tensor([0, 1, 2] * 4)
    objective = Sandwich(SPACE, Choices(SPACE.space), count=1, smoothing=0.1)
    losses = list(objective.losses(supernet, IMAGES, labels, generator(5)))
    (drawn,) = UniformPaths(1).draw(Choices(SPACE.space), generator(5))
    largest = supernet(IMAGES, SPACE.largest()).detach()
    wanted = functional.cross_entropy(largest, labels, label_smoothing=0.1)
    assert torch.isclose(losses[0].value, wanted, atol=1e-5)
    assert int(losses[0].correct) == int((largest.argmax(1) == labels).sum())
    for loss, config in zip(losses[1:], [SPACE.smallest(), drawn], strict=True):
        scores = supernet(IMAGES, config)
        soft = -(largest.softmax(1) * scores.log_softmax(1)).sum(1).mean()
        assert torch.isclose(loss.value, soft, atol=1e-5)
    # The smallest's loss does not train the deepest blocks, which only the teacher has.
    supernet.zero_grad()
    losses[1].value.backward()
    assert supernet.network.blocks[4].project[0].weight.grad is None
    assert supernet.network.blocks[1].project[0].weight.grad is not None


def test_training_runs():
    supernet = ElasticMobileNet(SPACE, generator=generator()).double()
    labels = torch.tensor([0, 1, 2] * 4)
    recipe = Recipe(epochs=2, batch=6, learning_rate=0.05)
    objective = Sandwich(SPACE, Choices(SPACE.space), count=1)
    before = supernet.network.blocks[3].depthwise[0].weight.clone()
    history = Training(supernet, objective, IMAGES, labels, recipe, progress=False).run()
    assert len(history) == 2
    assert not torch.equal(supernet.network.blocks[3].depthwise[0].weight, before)
