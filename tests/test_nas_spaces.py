"""What holds for every family of architectures."""

import pickle
import subprocess
import sys

import pytest
from matplotlib.figure import Figure
from nas_data import sampled

import lamoo_fast as lf
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.spaces.darts import Darts
from lamoo_fast.nas.spaces.detector import Detector
from lamoo_fast.nas.spaces.fbnet import FBNet
from lamoo_fast.nas.spaces.mobilenet import MobileNet
from lamoo_fast.nas.spaces.nasnet import NasnetCell
from lamoo_fast.nas.spaces.recurrent import RecurrentCell

TINY_BACKBONE = MobileNet(width=0.25, classes=3, resolutions=(32, 40))
TINY = [
    Cell201(channels=4, cells=1, classes=3, in_channels=1, image_size=8),
    Darts(channels=4, cells=3, classes=3, image_size=8),
    NasnetCell(channels=4, cells=3, classes=3, image_size=8),
    TINY_BACKBONE,
    FBNet(classes=3, image_size=8, features=8),
    RecurrentCell(vocabulary=7, hidden=4),
    Detector(TINY_BACKBONE, classes=2, width=8, convs=1, extra_levels=0),
]
by_name = pytest.mark.parametrize("space", TINY, ids=lambda space: space.name)


def test_importing_spaces_takes_no_torch_along():
    modules = {type(space).__module__ for space in TINY}
    code = f"import sys, {', '.join(sorted(modules))}\n"
    code += "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600
    )
    assert done.stdout.strip() == "[]"


@by_name
def test_strings_pickles_and_pictures(space):
    for config in sampled(space, 20):
        assert space.decode(space.encode(config)) == config
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    assert again.cost(config) == space.cost(config)
    assert isinstance(space.draw(config), Figure)
    with pytest.raises(ValueError):
        space.decode("nonsense")
    for method in (space.encode, space.cost, space.draw):
        with pytest.raises(ValueError, match="config has keys"):
            method({})


@by_name
def test_one_seed_builds_one_network_whatever_else_is_drawn(space):
    torch = pytest.importorskip("torch")
    config = sampled(space, 1)[0]

    def build(seed):
        return space.build(config, generator=torch.Generator().manual_seed(seed)).state_dict()

    before = torch.get_rng_state()
    first = build(0)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    again, other = build(0), build(1)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert all(torch.isfinite(value).all() for value in first.values())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def some_input(torch, space, config):
    drawn = torch.Generator().manual_seed(1)
    if isinstance(space, RecurrentCell):
        return torch.randint(space.vocabulary, (3, 2), generator=drawn)
    size = config.get("resolution") or space.image_size
    images = space.backbone if isinstance(space, Detector) else space
    return torch.randn(6, images.in_channels, size, size, generator=drawn)


def tensors(result):
    return [result] if hasattr(result, "shape") else list(result)


@by_name
@pytest.mark.filterwarnings("ignore:.*(trace|Python)")
def test_networks_can_be_traced(space):
    torch = pytest.importorskip("torch")
    config = sampled(space, 1)[0]
    network = space.build(config, generator=torch.Generator().manual_seed(0)).eval()
    x = some_input(torch, space, config)
    traced = torch.jit.trace(network, (x,), check_trace=False)
    for one, other in zip(tensors(traced(x)), tensors(network(x)), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("space", TINY[:-1], ids=lambda space: space.name)
def test_networks_learn(space):
    """A small step against the gradient lowers the loss."""
    torch = pytest.importorskip("torch")
    config = sampled(space, 1, seed=4)[0]
    network = space.build(config, generator=torch.Generator().manual_seed(0)).eval()
    x = some_input(torch, space, config)

    def loss():
        scores = tensors(network(x))[0].flatten(0, -2)
        return torch.nn.functional.cross_entropy(
            scores, torch.arange(len(scores)) % scores.shape[1]
        )

    before = loss()
    before.backward()
    reached = [p for p in network.parameters() if p.grad is not None]
    length = sum((p.grad**2).sum() for p in reached).sqrt()
    with torch.no_grad():
        for parameter in reached:
            parameter -= 1e-3 / length * parameter.grad
    assert loss() < before


@by_name
def test_a_search_takes_the_space_and_its_costs(space):
    """Two objectives that follow from the architecture: parameters, and multiply-adds per one."""

    def ratio(config):
        cost = space.cost(config)
        return cost.flops / cost.params

    problem = lf.Problem(
        space.name,
        space.space,
        [
            lf.Objective("params", "minimize", known=lambda config: space.cost(config).params),
            lf.Objective("ratio", "maximize"),
        ],
        lambda config: (space.cost(config).params, ratio(config)),
    )
    search = lf.LaMOO(
        problem.space, problem.directions, known=problem.known, n_initial=6, seed=0,
        sampler=lf.UniformSampler(),
    )  # fmt: skip
    for _ in range(3):
        trials = search.ask(4)
        search.tell(trials, [problem.evaluate(trial.config) for trial in trials])
    assert len(search.trials) == 12
