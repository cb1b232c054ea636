"""Two threads against one: the ratio is the speed-up, and results must be identical.

Only calls above 5 ms count for the target.

    python bench/bench_threads.py -m 8
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from cases import REF, cloud
from compare import Cell, options, run
from rivals import differ

import lamoo_fast as lf
from lamoo_fast.bench import OURS, Contender


def improvement(F: np.ndarray, ref: float, n_threads: int) -> np.ndarray:
    return lf.hv_improvement(F - 0.01, F, ref, n_threads=n_threads)


def approx(F: np.ndarray, ref: float, n_threads: int) -> Any:
    return lf.hv_approx(F, ref, n_samples=2**18, seed=0, n_threads=n_threads)


def count(F: np.ndarray, ref: float, n_threads: int) -> np.ndarray:
    return lf.dominance_count(F, n_threads=n_threads)


def rank(F: np.ndarray, ref: float, n_threads: int) -> np.ndarray:
    return lf.pareto_rank(F, n_threads=n_threads)


def mask(F: np.ndarray, ref: float, n_threads: int) -> np.ndarray:
    return lf.is_nondominated(F, n_threads=n_threads)


CASES: tuple[tuple[str, Callable, str, tuple[tuple[int, int], ...]], ...] = (
    ("hypervolume", lf.hypervolume, "sphere",
     ((2, 1_000_000), (3, 100_000), (4, 10_000), (5, 3000), (6, 1000), (8, 300), (10, 80),
      (15, 40))),
    ("hv_contributions", lf.hv_contributions, "sphere",
     ((2, 1_000_000), (3, 100_000), (4, 3000), (5, 1000), (6, 300), (8, 80))),
    ("hv_improvement", improvement, "sphere", ((3, 3000), (5, 1000), (8, 80))),
    ("hv_approx", approx, "sphere", ((5, 300), (10, 100), (15, 40))),
    ("dominance_count", count, "uniform", ((3, 300_000), (5, 30_000), (10, 30_000))),
    ("pareto_rank", rank, "uniform", ((3, 100_000), (5, 30_000), (10, 30_000))),
    ("is_nondominated", mask, "sphere", ((2, 1_000_000), (3, 300_000), (5, 30_000), (10, 30_000))),
)  # fmt: skip


def main() -> None:
    args = options(__doc__).parse_args()
    cells = [
        Cell(
            f"2 threads: {name}", shape, m, n, lambda shape=shape, m=m, n=n: cloud(shape, n, m),
            [Contender(OURS, partial(call, n_threads=2), tidy=np.array, tolerance=0.0),
             Contender("1 thread", partial(call, n_threads=1), tidy=np.array, tolerance=0.0)],
            lambda F: (REF,), differ,
        )
        for name, call, shape, sizes in CASES
        for m, n in sizes
    ]  # fmt: skip
    run("threads", cells, args)


if __name__ == "__main__":
    main()
