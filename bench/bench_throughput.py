"""Trials per second of a search whose evaluation costs nothing: what `ask` and `tell` cost.

    python bench/bench_throughput.py [--trials 10000] [--batch 1] [--samplers whole,uniform,cma]

"whole" never splits the space: what is left is the bookkeeping of trials. For each sampler, the
rate over each tenth of the run is printed, the time of the whole, the share of it that the sampler
took, and the largest memory of the process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import Any

import lamoo_fast as lf

SAMPLERS = {"whole": lf.UniformSampler, "uniform": lf.UniformSampler, "cma": lf.CMASampler}
SPACE = lf.Space(
    {
        **{f"x{i}": lf.Float(0, 1) for i in range(4)},
        "n": lf.Integer(1, 64),
        "op": lf.Categorical(["a", "b", "c"]),
    }
)


def evaluate(config: dict[str, float]) -> tuple[float, float]:
    """Two objectives that disagree about x0."""
    rest = sum((config[f"x{i}"] - 0.3) ** 2 for i in (1, 2, 3)) + config["n"] / 640
    return config["x0"] + rest, 1 - config["x0"] ** 0.5 + rest + 0.1 * (config["op"] != "b")


def megabytes() -> float:
    """Largest resident memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class Timed:
    """A sampler with a watch."""

    def __init__(self, sampler: Any) -> None:
        self.sampler = sampler
        self.seconds = 0.0

    def draw(self, *args: Any) -> Any:
        """Return what the sampler returns."""
        start = time.perf_counter()
        try:
            return self.sampler.draw(*args)
        finally:
            self.seconds += time.perf_counter() - start


def run(name: str, trials: int, batch: int) -> None:
    """Search and print."""
    sampler = Timed(SAMPLERS[name]())
    opt = lf.LaMOO(
        SPACE,
        ["minimize", "minimize"],
        ref=(2, 2),
        sampler=sampler,
        leaf_size=trials if name == "whole" else 10,
        seed=0,
    )
    study = lf.Study(opt, evaluate, progress=False)
    begin = time.perf_counter()
    print(f"{name}, batch {batch}:", end="", flush=True)
    for tenth in range(1, 11):
        start, told = time.perf_counter(), opt.n_told
        study.run(trials * tenth // 10, batch)
        print(f" {(opt.n_told - told) / (time.perf_counter() - start):.0f}", end="", flush=True)
    spent = time.perf_counter() - begin
    print(
        f" trials/s by tenths; {trials} in {spent:.1f} s ({trials / spent:.0f} per second), "
        f"{sampler.seconds / spent:.0%} in the sampler, "
        f"peak {megabytes():.0f} MB, hypervolume {opt.hypervolume():.4f}"
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--samplers", default="whole,uniform,cma")
    args = parser.parse_args()
    for name in args.samplers.split(","):
        run(name, args.trials, args.batch)


if __name__ == "__main__":
    main()
