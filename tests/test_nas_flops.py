"""The counter against PyTorch's own one, which looks at tensor products, not at layers."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from lamoo_fast.nas.costs.flops import count  # noqa: E402
from lamoo_fast.nas.networks.initialise import initialised  # noqa: E402

CASES = {
    "conv": (nn.Conv2d(6, 4, (3, 5), stride=2, dilation=2, bias=False), (2, 6, 12, 13)),
    "groups": (nn.Conv2d(6, 12, 3, padding=1, groups=3, bias=False), (1, 6, 7, 7)),
    "depthwise": (nn.Conv2d(8, 8, 5, groups=8, bias=False), (1, 8, 9, 9)),
    "conv1d": (nn.Conv1d(3, 5, 4, bias=False), (1, 3, 10)),
    "linear": (nn.Linear(7, 3, bias=False), (2, 4, 7)),
    "net": (
        nn.Sequential(
            nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
            nn.Linear(4 * 36, 5, bias=False),
        ),
        (3, 3, 8, 8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_multiply_adds_are_half_the_floating_point_operations(name):
    module, shape = CASES[name]
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(shape))
    cost = count(module, torch.zeros(shape))
    assert 2 * cost.flops == counter.get_total_flops() > 0
    assert cost.params == sum(p.numel() for p in module.parameters())


def test_biases_count_once_per_output():
    assert count(nn.Conv2d(2, 3, 1), torch.zeros(1, 2, 4, 4)).flops == 16 * 3 * (2 + 1)
    assert count(nn.Linear(5, 2), torch.zeros(1, 5)).flops == 2 * (5 + 1)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_recurrent_layers(kind, gates):
    steps, batch, size, hidden = 7, 2, 5, 3
    x = torch.zeros(steps, batch, size)
    per_step = gates * hidden * (size + hidden) + gates * hidden * (hidden + hidden)
    assert count(kind(size, hidden, 2, bias=False), x).flops == steps * batch * per_step
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([7, 3]))
    both = gates * hidden * (size + hidden + 2) * 2
    assert count(kind(size, hidden, bidirectional=True), packed).flops == 10 * both


def test_the_module_is_left_as_it_was():
    net = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), nn.Conv2d(2, 1, 1)).train()
    net[1].eval()
    net[2].bias.requires_grad_(False)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    assert count(net, torch.ones(4, 2, 3, 3)).params == 2 + 2 + 2
    assert [part.training for part in net] == [True, False, True]
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    with pytest.raises(RuntimeError):
        count(net, torch.ones(4, 3, 3, 3))
    assert net.training
    assert not net[2]._forward_hooks


def test_initialised_refuses_what_it_cannot_fill():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.empty(2))

    with pytest.raises(TypeError, match="Own has parameters but no method"):
        initialised(Own, torch.Generator())
    Own.initialise = lambda self, generator: self.weight.normal_(generator=generator)
    assert initialised(Own, torch.Generator().manual_seed(3)).weight.abs().sum() > 0


@pytest.mark.parametrize("kind", [nn.LSTM, nn.Embedding, nn.LayerNorm])
def test_initialised_fills_every_kind(kind):
    first, again = (
        initialised(lambda: kind(4, 4), torch.Generator().manual_seed(0)) for _ in range(2)
    )
    for p, q in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(p, q)
        assert torch.isfinite(p).all()
