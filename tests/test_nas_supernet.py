"""The supernet of NAS-Bench-201 cells against stand-alone networks with its weights."""

import pytest

torch = pytest.importorskip("torch", reason="the supernets need torch")

from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201  # noqa: E402
from lamoo_fast.nas.supernets.cell201 import Supernet201  # noqa: E402
from lamoo_fast.nas.supernets.layout import inside, through  # noqa: E402
from lamoo_fast.nas.supernets.recalibrate import (  # noqa: E402
    load_statistics,
    recalibrate,
    save_statistics,
)
from lamoo_fast.nas.supernets.sharing import plan_cell  # noqa: E402
from lamoo_fast.nas.supernets.statistics import Statistics  # noqa: E402

SPACE = Cell201(4, 2, classes=3, in_channels=1, image_size=8)
DEAD = dict.fromkeys(EDGES, "none")
TOLERANCE = 1e-5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(count, seed=0):
    codes = torch.randint(len(OPS), (count, len(EDGES)), generator=generator(seed)).tolist()
    return [dict(zip(EDGES, (OPS[c] for c in row), strict=True)) for row in codes]


@pytest.fixture(scope="module")
def supernet():
    net = Supernet201(SPACE, generator=generator())
    with torch.no_grad():  # weights and biases of normalisation that are not 1 and 0
        for parameter in net.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator(1)))
    return net


@pytest.fixture(scope="module")
def images():
    return torch.randn(60, 1, 8, 8, generator=generator(2))


@pytest.fixture(scope="module")
def configs():
    return [*draw(12), DEAD, {**DEAD, "0to3": "skip_connect"}, draw(1)[0]]


def averaged(network, images, batch):
    """Running averages as PyTorch gathers them."""
    network.train()
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
            part.reset_running_stats()
    with torch.no_grad():
        for i in range(0, len(images), batch):
            network(images[i : i + batch])
    return network.eval()


def largest_difference(a, b):
    return float((a - b).abs().max())


@torch.no_grad()
def test_many_subnets_at_once_equal_stand_alone_networks(supernet, images, configs):
    statistics = recalibrate(supernet, configs, images, batch=20)
    scores = supernet.forward_many(images[:7], configs, statistics)
    assert scores.shape == (len(configs), 7, 3)
    assert float(scores.std(0).mean()) > 0.05  # they do differ
    for config, own in zip(configs, scores, strict=True):
        assert largest_difference(supernet(images[:7], config, statistics), own) < TOLERANCE
        # The averages are gathered by PyTorch, and those copied with the weights are the same.
        twin = averaged(supernet.subnet(config), images, batch=20)
        assert largest_difference(twin(images[:7]), own) < TOLERANCE
        copy = supernet.subnet(config, statistics).eval()
        assert largest_difference(copy(images[:7]), own) < TOLERANCE


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_channels_stay_last_whatever_the_images(channels):
    """Or one subnet alone rounds in another order than many do."""
    x = inside(torch.randn(5, channels, 8, 8, generator=generator()))
    for layer in (torch.nn.Conv2d(channels, 4, 3), torch.nn.AvgPool2d(2)):
        out = through(x, layer)
        assert out.is_contiguous()
        expected = layer(x[0].permute(0, 3, 1, 2).contiguous()).permute(0, 2, 3, 1)
        assert largest_difference(out[0], expected) < TOLERANCE


@torch.no_grad()
def test_without_statistics_each_subnet_uses_those_of_the_batch(supernet, images, configs):
    scores = supernet.forward_many(images, configs)
    for config, own in zip(configs, scores, strict=True):
        assert largest_difference(supernet.subnet(config).train()(images), own) < TOLERANCE


def test_gradients_are_the_sum_of_those_of_the_subnets(supernet, images, configs):
    weights = list(supernet.parameters())

    def gradients(scores):
        loss = scores.square().sum()
        return torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)

    together = gradients(supernet.forward_many(images[:8], configs))
    one_by_one = [gradients(supernet(images[:8], config)) for config in configs]
    for whole, *parts in zip(together, *one_by_one, strict=True):
        total = sum(parts)
        assert largest_difference(whole, total) < 1e-4 * max(1.0, float(total.abs().max()))


@torch.no_grad()
@pytest.mark.parametrize("op", ["skip_connect", "avg_pool_3x3"])
def test_an_operation_that_all_subnets_share(supernet, images, op):
    for edge in EDGES:
        configs = [{**config, edge: op} for config in draw(4)]
        together = supernet.forward_many(images[:9], configs)
        for config, own in zip(configs, together, strict=True):
            assert largest_difference(supernet(images[:9], config), own) < TOLERANCE


@torch.no_grad()
def test_images_in_groups_change_nothing(supernet, images, configs, monkeypatch):
    statistics = recalibrate(supernet, configs, images)
    whole = supernet.forward_many(images[:5], configs, statistics)
    monkeypatch.setattr(Supernet201, "group_floats", 1)
    split = supernet.forward_many(images[:5], configs, statistics)
    assert largest_difference(split, whole) < TOLERANCE


def test_equal_values_are_computed_once():
    """All subnets see one input, so that node 1 has at most four values that are not zero."""
    configs = draw(200)
    choices = tuple(tuple(c[e] for e in EDGES) for c in configs)
    plan = plan_cell(choices, (0,) * len(choices), torch.device("cpu"))

    def value(choice, node):
        """The value at a node as an expression, written out by recursion."""
        terms = []
        for edge, op in zip(EDGES, choice, strict=True):
            if int(edge[-1]) == node and op != "none":
                source = value(choice, int(edge[0])) if edge[0] != "0" else "x"
                terms += [f"{op}@{edge}({source})"] if source else []
        return "+".join(terms)

    for node, (count, branches) in enumerate(plan.nodes, start=1):
        different = {value(choice, node) for choice in choices}
        assert count == len(different - {""}) + (node == 3 and "" in different)
        # Every product of a branch is used, and none is made twice.
        for branch in branches:
            products = {
                value(choice, branch.source) if branch.source else "x"
                for choice in choices
                if choice[EDGES.index(branch.edge)] == branch.op
            } - {""}
            assert len(branch.rows.owner) == len(products)
    outputs = {}
    for choice, row in zip(choices, plan.output, strict=True):
        assert outputs.setdefault(row, value(choice, 3)) == value(choice, 3)


def test_subnet_does_not_share_memory(supernet, images, configs):
    before = supernet.network.classifier.weight.clone()
    with torch.no_grad():
        for parameter in supernet.subnet(configs[0]).parameters():
            parameter.zero_()
    assert torch.equal(supernet.network.classifier.weight, before)


def test_statistics_are_saved_and_restored(supernet, images, configs, tmp_path):
    path = tmp_path / "statistics.pt"
    statistics = recalibrate(supernet, configs[:3], images)
    save_statistics(path, supernet, statistics)
    restored = load_statistics(path, supernet)
    with torch.no_grad():
        scores = supernet.forward_many(images[:5], configs[:3], statistics)
        assert torch.equal(supernet.forward_many(images[:5], configs[:3], restored), scores)
    with pytest.raises(ValueError, match="belongs to something else: its weights is"):
        load_statistics(path, Supernet201(SPACE, generator=generator(9)))
    other = Cell201(4, 1, classes=3, in_channels=1, image_size=8)
    with pytest.raises(ValueError, match=r"its space is 'Cell201\(channels=4, cells=2"):
        load_statistics(path, Supernet201(other, generator=generator()))


def test_statistics_of_others_are_refused(supernet, images, configs):
    statistics = recalibrate(supernet, configs[:2], images)
    with pytest.raises(ValueError, match="recalibrate the supernet for them first"):
        supernet.forward_many(images, configs[:3], statistics)
    assert isinstance(statistics.of(SPACE.encode(configs[1])), Statistics)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({**DEAD, "0to1": "nor_conv_5x5"}, "0to1.*nor_conv_5x5"),
        ({"0to1": "none"}, "config has keys"),
    ],
)
def test_architectures_outside_the_space(supernet, images, bad, message):
    with pytest.raises(ValueError, match=message):
        supernet(images, bad)
    with pytest.raises(ValueError, match=message):
        recalibrate(supernet, [DEAD, bad], images)


def test_no_architectures_and_no_images(supernet, images):
    with pytest.raises(ValueError, match="configs is empty"):
        supernet.forward_many(images, [])
    with pytest.raises(ValueError, match=r"images has shape \(0, 1, 8, 8\)"):
        recalibrate(supernet, [DEAD], images[:0])
