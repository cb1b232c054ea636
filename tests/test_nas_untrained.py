"""Scores of networks without training, against their formulas written out."""

import math
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these evaluators need torch")

from nas_data import sampled  # noqa: E402
from torch import nn  # noqa: E402

from lamoo_fast.nas.evaluators.untrained import SCORES, Untrained, naswot, synflow  # noqa: E402
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201  # noqa: E402
from lamoo_fast.nas.spaces.darts import Darts  # noqa: E402
from lamoo_fast.nas.spaces.fbnet import FBNet  # noqa: E402
from lamoo_fast.nas.spaces.mobilenet import MobileNet  # noqa: E402

CELLS = Cell201(channels=2, cells=1, in_channels=1, image_size=8)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


IMAGES = torch.randn(6, 1, 8, 8, generator=generator())


class Tiny(nn.Module):
    """Two rectified layers, one of them without a module, and a bias."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 5)
        self.norm = nn.BatchNorm1d(5)
        self.second = nn.Linear(5, 4)
        self.last = nn.Linear(4, 2)
        for weight in self.parameters():
            nn.init.normal_(weight, generator=generator(weight.numel()))

    def forward(self, x):
        x = nn.functional.relu(self.norm(self.first(x)))
        return self.last(torch.relu(self.second(x)))


def test_naswot_counts_units_switched_alike():
    network, x = Tiny(), torch.randn(4, 3, generator=generator())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    a = x.numpy() @ network.first.weight.detach().numpy().T + network.first.bias.detach().numpy()
    normal = (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-5)
    scale, shift = (p.detach().numpy() for p in (network.norm.weight, network.norm.bias))
    h = np.maximum(normal * scale + shift, 0)
    b = h @ network.second.weight.detach().numpy().T + network.second.bias.detach().numpy()
    codes = np.hstack([h > 0, b > 0])
    kernel = [[np.sum(one == other) for other in codes] for one in codes]
    assert naswot(network, x) == pytest.approx(np.log(np.linalg.det(kernel + np.eye(4))))
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name  # statistics too


def test_naswot_of_images_all_alike_is_least():
    """Then K is the number of units everywhere: det(K + I) = 1 + images x units."""
    x = torch.ones(4, 3)
    assert naswot(Tiny(), x) == pytest.approx(math.log(1 + 4 * 9))
    assert naswot(Tiny(), torch.randn(4, 3, generator=generator())) > math.log(1 + 4 * 9)


def test_synflow_adds_up_what_weights_carry():
    network = Tiny()
    w1, b1, w2, b2, w3, b3 = (
        p.detach().double().abs().numpy()
        for layer in (network.first, network.second, network.last)
        for p in (layer.weight, layer.bias)
    )
    first = w1 @ np.ones(3) + b1  # positive: rectifying changes nothing
    second = w2 @ first + b2
    after_second = w3.T @ np.ones(2)  # what a unit adds to the output
    after_first = w2.T @ after_second
    total = after_first @ (w1 @ np.ones(3) + b1) + after_second @ (w2 @ first + b2)
    total += np.ones(2) @ (w3 @ second + b3)
    assert synflow(network, (3,)) == pytest.approx(math.log1p(total), rel=1e-12)
    assert all(p.grad is None for p in network.parameters())


def test_a_cell_that_passes_nothing_has_no_flow():
    values = Untrained(CELLS, IMAGES).evaluate([dict.fromkeys(EDGES, "none")])[0].values
    assert values["synflow"] == 0
    # Before the four convolutions of the reductions and in the head, all of them off.
    units = 2 * 8 * 8 + 4 * 4 * 4 + 4 * 4 * 4 + 8 * 2 * 2 + 8 * 2 * 2
    assert values["naswot"] == pytest.approx(math.log(1 + 6 * units))


def test_scores_depend_on_seed_and_architecture_alone():
    configs = sampled(CELLS, 5)
    some = Untrained(CELLS, IMAGES, seed=1)
    together = some.evaluate(configs)
    state = torch.get_rng_state()
    for config, one in zip(configs, together, strict=True):
        (alone,) = some.evaluate([config])
        assert alone.values == one.values
        assert (one.fidelity, sorted(one.values)) == ("untrained", sorted(SCORES))
        assert one.cost > 0
    assert torch.equal(torch.get_rng_state(), state)
    others = [Untrained(CELLS, IMAGES, seed=s).evaluate(configs)[0].values for s in (1, 2)]
    assert others[0] == together[0].values != others[1]


def test_repeats_are_averaged_and_scores_chosen():
    config = dict.fromkeys(EDGES, "nor_conv_3x3")
    one, many = (
        Untrained(CELLS, IMAGES, scores=["synflow"], repeats=n).evaluate([config])[0].values
        for n in (1, 15)
    )
    assert list(many) == ["synflow"]
    others = [Untrained(CELLS, IMAGES, scores=["synflow"], seed=s) for s in range(1, 16)]
    mean = np.mean([other.evaluate([config])[0].values["synflow"] for other in others])
    assert many["synflow"] == pytest.approx(mean, rel=0.03)
    assert one["synflow"] != many["synflow"]


@pytest.mark.parametrize(
    "space",
    [
        Darts(channels=4, cells=3, image_size=16),
        FBNet(image_size=32),
        MobileNet(),
    ],
    ids=lambda space: space.name,
)
def test_every_family_of_images_has_scores(space):
    images = torch.randn(3, 3, 32, 32, generator=generator())
    values = Untrained(space, images).evaluate(sampled(space, 1))[0].values
    assert all(math.isfinite(v) and v > 0 for v in values.values())


def test_trimmed_cells_compute_the_same():
    x = torch.randn(5, 1, 8, 8, generator=generator())
    for config in sampled(CELLS, 25):
        network = CELLS.build(config, generator=generator()).eval()
        other = CELLS.build(CELLS.trimmed(config), generator=generator()).eval()
        kept = network.state_dict()
        other.load_state_dict({name: kept[name] for name in other.state_dict()})
        assert torch.equal(network(x), other(x))
    cells = [dict(zip(EDGES, ops, strict=True)) for ops in product(OPS, repeat=6)]
    trimmed = {tuple(CELLS.trimmed(cell).values()) for cell in cells}
    assert len(trimmed) == 9445


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": IMAGES[:1]}, r"images has shape \(1, 1, 8, 8\), wanted \(b, ...\) with b >= 2"),
        ({"images": IMAGES[:0]}, r"images has shape \(0, 1, 8, 8\)"),
        ({"images": IMAGES * math.nan}, "images has NaN or infinity"),
        ({"scores": ["snip"]}, r"scores is \['snip'\], wanted some of"),
        ({"scores": []}, r"scores is \[\]"),
        ({"repeats": 0}, "repeats"),
        ({"device": "cuda:77"}, "cuda"),
    ],
)
def test_bad_input_is_named(change, said):
    given = {"images": IMAGES} | change
    with pytest.raises(ValueError, match=said):
        Untrained(CELLS, given.pop("images"), **given)


def test_a_network_that_rectifies_nothing_is_named():
    with pytest.raises(ValueError, match="Linear that rectifies nothing"):
        naswot(nn.Linear(3, 2), torch.randn(4, 3))
