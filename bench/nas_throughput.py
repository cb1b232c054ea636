"""Images per second of many subnets in one pass, against one subnet after the other.

    python bench/nas_throughput.py

For each setting 64 different random subnets of a supernet of NAS-Bench-201 cells are evaluated on
the same images with their recorded statistics. Scores are compared first: in double precision the
ways have to agree to 1e-10; in single precision they mostly agree to the bit, but for a lone image
PyTorch sums in another order, and five cells amplify that. Then the ways are timed in turn, in
single precision; the least time of each counts. The stand-alone networks are those with the shared
weights copied in, channels last; in PyTorch's usual layout they round differently too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.supernets.cell201 import Supernet201
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths
from lamoo_fast.nas.supernets.recalibrate import recalibrate
from lamoo_fast.nas.training.seeds import derived_generator

SETTINGS = [  # pixels, channels of the first stage, cells per stage, images
    (8, 4, 1, 16),
    (8, 16, 1, 1),
    (8, 16, 1, 16),
    (8, 16, 5, 1),
    (8, 16, 5, 16),
    (32, 16, 1, 1),
    (32, 16, 1, 16),
    (32, 16, 5, 1),
    (32, 16, 5, 4),
]


def different(space: Cell201, count: int) -> list[dict[str, str]]:
    drawn = UniformPaths(2 * count).draw(Choices(space.space), derived_generator("subnets"))
    return list({space.encode(config): config for config in drawn}.values())[:count]


def least(ways: dict[str, Callable[[], torch.Tensor]], rounds: int) -> dict[str, float]:
    """Least seconds of each, timed in turn."""
    times = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            times[name] = min(times[name], time.perf_counter() - started)
    return times


def ways_of(
    supernet: Supernet201, configs: list[dict[str, str]], images: torch.Tensor, batch: int
) -> dict[str, Callable[[], torch.Tensor]]:
    """The three ways to the scores of the first images, in the precision of supernet and images."""
    statistics = recalibrate(supernet, configs, images, batch=32)
    networks = [supernet.subnet(config, statistics).eval() for config in configs]
    for network in networks:
        network.to(memory_format=torch.channels_last)
    x = images[:batch].contiguous(memory_format=torch.channels_last)
    return {
        "together": lambda: supernet.forward_many(x, configs, statistics),
        "one by one": lambda: torch.stack([supernet(x, c, statistics) for c in configs]),
        "stand-alone": lambda: torch.stack([network(x) for network in networks]),
    }


def difference(ways: dict[str, Callable[[], torch.Tensor]]) -> float:
    """Largest difference of scores between the first way and the others."""
    together, *others = (way() for way in ways.values())
    return max(float((together - other).abs().max()) for other in others)


@torch.inference_mode()
def measure(pixels: int, channels: int, cells: int, batch: int, rounds: int, subnets: int) -> None:
    space = Cell201(channels, cells, in_channels=1, image_size=pixels)
    supernet = Supernet201(space, generator=derived_generator("weights"))
    configs = different(space, subnets)
    images = torch.randn(64, 1, pixels, pixels, generator=derived_generator("images"))
    exact = difference(ways_of(supernet.double(), configs, images.double(), batch))
    if exact > 1e-10:
        raise SystemExit(f"scores differ by {exact} in double precision")
    ways = ways_of(supernet.float(), configs, images, batch)
    single = difference(ways)
    times = least(ways, rounds)
    rate = len(configs) * batch / times["together"]
    ratios = [times[name] / times["together"] for name in ("one by one", "stand-alone")]
    print(
        f"| {pixels} x {pixels} | {channels} | {cells} | {batch} | {exact:.0e} | {single:.0e} "
        f"| {rate:,.0f} | {ratios[0]:.1f} | {ratios[1]:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="timings of each, default 5")
    parser.add_argument("--subnets", type=int, default=64, help="in a pass, default 64")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch, default 1")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        "| pixels | channels | cells | batch | difference, double | single | images/s "
        "| one by one | stand-alone |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for setting in SETTINGS:
        measure(*setting, args.rounds, args.subnets)


if __name__ == "__main__":
    main()
