"""Measured latency, memory and energy, and tables of blocks."""

import gzip

import pytest
from nas_data import sampled, shared_path

from lamoo_fast.nas.costs.lookup import LookupTable, measure_table
from lamoo_fast.nas.spaces.fbnet import FBNet
from lamoo_fast.nas.spaces.mobilenet import MobileNet

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from lamoo_fast.nas.costs.energy import measure_energy  # noqa: E402
from lamoo_fast.nas.costs.latency import measure_latency  # noqa: E402
from lamoo_fast.nas.costs.memory import measure_memory  # noqa: E402

TINY = MobileNet(width=0.25, classes=3, resolutions=(32, 33))


def generator():
    return torch.Generator().manual_seed(0)


class Counting(nn.Module):
    """Notes each run: shape, type, mode."""

    calls: list = []  # noqa: RUF012 - shared with the copy that is measured

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        grad = torch.is_grad_enabled()
        self.calls.append((tuple(x.shape), x.dtype, self.training, torch.get_num_threads(), grad))
        return x * self.weight


def test_latency_runs_what_it_says():
    Counting.calls.clear()
    threads = torch.get_num_threads()
    module = Counting().train()
    measured = measure_latency(
        module, torch.zeros(1, 3), batch=4, threads=2, dtype=torch.float64, warm_up=2, runs=7
    )
    assert Counting.calls == [((4, 3), torch.float64, False, 2, False)] * 9
    assert torch.get_num_threads() == threads
    assert module.training
    assert module.weight.dtype == torch.float32
    assert (measured.batch, measured.threads, measured.runs) == (4, 2, 7)
    assert 0 < measured.low <= measured.milliseconds <= measured.high
    assert measured.device
    assert "per batch of 4 in float64 on" in str(measured)


def test_whole_numbers_stay_whole():
    embedding = nn.Embedding(5, 2)
    x = torch.zeros(1, 3, dtype=torch.long)
    assert measure_latency(embedding, x, dtype=torch.float64, runs=1).dtype == "float64"
    assert measure_memory(embedding, x).peak == 5 * 2 * 4 + 3 * 8 + 3 * 2 * 4


def test_the_median_does_not_heed_a_slow_run(monkeypatch):
    clock = iter([0.0, 0.001, 1.0, 1.002, 2.0, 9.0])
    monkeypatch.setattr("lamoo_fast.nas.costs.latency.time.perf_counter", lambda: next(clock))
    measured = measure_latency(nn.Identity(), torch.zeros(1, 1), warm_up=0, runs=3)
    assert measured.milliseconds == pytest.approx(2)


@pytest.mark.parametrize(
    ("module", "floats"),
    [
        (nn.ReLU(), 2 * 100),
        (nn.Sequential(nn.ReLU(), nn.ReLU()), 3 * 100),
        (nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU()), 3 * 100),  # the first one is gone
        (nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Unflatten(1, (10, 10))), 2 * 100),  # views
        (nn.Linear(10, 7, bias=False), 70 + 100 + 70),
        (nn.BatchNorm1d(10), 4 * 10 + 2 + 2 * 100),  # its count of batches takes eight bytes
    ],
)
def test_peak_memory_is_what_lives_together(module, floats):
    measured = measure_memory(module, torch.zeros(1, 10, 10))
    assert measured.peak == 4 * floats
    weights = [*module.parameters(), *module.buffers()]
    assert measured.weights == sum(w.numel() * w.element_size() for w in weights)


def test_peak_memory_of_batches_types_and_skips():
    def peak(module, **settings):
        return measure_memory(module, torch.zeros(1, 10), **settings).peak

    assert peak(nn.ReLU(), batch=3) == 3 * peak(nn.ReLU())
    assert peak(nn.ReLU(), dtype=torch.float64) == 2 * peak(nn.ReLU())
    space = FBNet(classes=2)
    first, second = (space.from_codes([code] * 22) for code in (0, 3))
    small, large = (
        measure_memory(space.build(c, generator=generator()), space.example(c))
        for c in (first, second)
    )
    assert small.weights == 4 * space.cost(first).params + small_buffers(space, first)
    assert small.peak < large.peak
    # an expansion of six holds six times the channels before and behind its depthwise convolution
    assert large.peak - large.weights >= 2 * 6 * 16 * 32 * 32 * 4


def small_buffers(space, config):
    network = space.build(config, generator=generator())
    return sum(b.numel() * b.element_size() for b in network.buffers())


def test_energy_is_divided_by_the_runs():
    Counting.calls.clear()
    drawn = iter([1000, 1900])
    measured = measure_energy(
        Counting(), torch.zeros(1, 2), batch=2, device="cpu", seconds=0.05,
        counter=lambda: next(drawn),
    )  # fmt: skip
    assert measured.runs == len(Counting.calls) - 1 > 0
    assert measured.millijoules == pytest.approx(900 / measured.runs)
    assert 0 < measured.watts <= 0.9 / 0.05


def test_a_table_of_blocks_there_and_back(tmp_path):
    configs = sampled(TINY, 3)
    table = measure_table(TINY, configs, generator=generator(), runs=1, warm_up=0)
    names = {name for c in configs for name in TINY.descriptors(c)}
    assert set(table.milliseconds) == names
    assert "batch 1, 1 thread" in table.source
    for suffix in ("csv", "csv.gz"):
        path = tmp_path / f"table.{suffix}"
        table.write(path)
        again = LookupTable.read(path)
        assert dict(again.milliseconds) == dict(table.milliseconds)
        assert again.source == path.name
    for config in configs:
        total = sum(table.milliseconds[name] for name in TINY.descriptors(config))
        assert again.latency(TINY.descriptors(config)) == pytest.approx(total)
    other = MobileNet(width=0.25, resolutions=(64,))
    names = other.descriptors(other.largest())
    with pytest.raises(ValueError, match=r"block 'first_conv-input:64x64x3.*' is not among"):
        table.latency(names)


@pytest.mark.parametrize("space", [TINY, FBNet(classes=4, image_size=12)])
def test_the_parts_are_the_network_and_have_their_names(space):
    shapes = {}
    for config in sampled(space, 3):
        network = space.build(config, generator=generator()).eval()
        x = torch.randn(space.example(config).shape, generator=generator())
        expected, names = network(x), space.descriptors(config)
        for name, part in zip(names, network.parts(), strict=True):
            made = (x.shape, [(k, v.shape) for k, v in part.state_dict().items()])
            assert shapes.setdefault(name, made) == made, "two different parts with one name"
            x = part(x)
        assert torch.allclose(x, expected, atol=1e-6)


def test_every_network_is_in_the_shared_table():
    """Latencies of an i7-8700K for widths 1.0 and 1.2 at all resolutions."""
    table = LookupTable.read(shared_path("ofa_mbv3_lut_i7_8700K.csv.gz"))
    assert len(table.milliseconds) == 4050
    for width in (1.0, 1.2):
        space = MobileNet(width=width)
        configs = [*sampled(space, 200), space.largest(), space.smallest()]
        times = [table.latency(space.descriptors(c)) for c in configs]
        assert min(times) == times[-1]
        assert max(times) == times[-2]
    # its one largest network, added up by hand
    rows = gzip.decompress(shared_path("ofa_mbv3_lut_i7_8700K.csv.gz").read_bytes()).decode()
    found = {line.split(",")[0]: float(line.split(",")[1]) for line in rows.splitlines()[1:]}
    stages = [(112, 24, 56, 32, 0), (56, 32, 28, 48, 1), (28, 48, 14, 96, 0)]
    stages += [(14, 96, 14, 136, 1), (14, 136, 7, 192, 1)]
    total = sum(
        found[name]
        for name in (
            "first_conv-input:224x224x3-output:112x112x24",
            "MBConv-input:112x112x24-output:112x112x24-expand:1-kernel:3-stride:1-idskip:1-se:0",
            "final_expand_layer-input:7x7x192-output:7x7x1152",
            "feature_mix_layer-input:1x1x1152-output:1x1x1536",
            "classifier-input:1536-output:1000",
        )
    )
    for before, c_in, after, c_out, se in stages:
        first = f"MBConv-input:{before}x{before}x{c_in}-output:{after}x{after}x{c_out}"
        rest = f"MBConv-input:{after}x{after}x{c_out}-output:{after}x{after}x{c_out}"
        stride = 2 if before != after else 1
        total += found[f"{first}-expand:6-kernel:7-stride:{stride}-idskip:0-se:{se}"]
        total += 3 * found[f"{rest}-expand:6-kernel:7-stride:1-idskip:1-se:{se}"]
    assert table.latency(space.descriptors(space.largest())) == pytest.approx(total)


def broken_table(text):
    def read(tmp_path):
        path = tmp_path / "table.csv"
        path.write_text(text)
        LookupTable.read(path)

    return read


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: measure_latency(nn.ReLU(), torch.zeros(2, 3)), "example has shape (2, 3)"),
        (lambda _: measure_latency(nn.ReLU(), torch.zeros(1, 3), runs=0), "runs is 0, wanted"),
        (lambda _: measure_latency(nn.ReLU(), torch.zeros(1, 3), threads=0), "threads is 0"),
        (lambda _: measure_memory(nn.ReLU(), torch.zeros(1, 3), batch=0), "batch is 0, wanted"),
        (
            lambda _: measure_memory(nn.ReLU(), torch.zeros(1, 3), device="gpu"),
            "device is 'gpu', wanted one of ['cpu'",
        ),
        (
            lambda _: measure_latency(nn.ReLU(), torch.zeros(1, 3), device="cuda:99"),
            "device is 'cuda:99', wanted one of ['cpu'",
        ),
        (
            lambda _: measure_energy(nn.ReLU(), torch.zeros(1, 3), device="cpu"),
            "device is 'cpu'; only GPUs of NVIDIA count their energy",
        ),
        (
            lambda _: measure_energy(nn.ReLU(), torch.zeros(1, 3), device="cpu", seconds=0),
            "seconds is 0, wanted a number above 0",
        ),
        (lambda _: measure_table(TINY, [], generator=generator()), "configs is empty"),
        (broken_table("name,ms\n"), "wanted ['block', 'mean_ms'] too"),
        (broken_table("block,mean_ms\na,fast\n"), "line 2: mean_ms is 'fast'"),
        (broken_table("block,mean_ms\na,1\na,2\n"), "line 3: block 'a' has 2.0 ms"),
        (broken_table("block,mean_ms\na,nan\n"), "block 'a' has nan ms"),
    ],
)
def test_bad_input(call, message, tmp_path):
    with pytest.raises(ValueError) as error:
        call(tmp_path)
    assert message in str(error.value)
