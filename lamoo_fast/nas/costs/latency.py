"""Measured latency."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lamoo_fast.nas.costs.run import Measured, Runner
from lamoo_fast.search.checks import check_count


@dataclass(frozen=True, kw_only=True)
class Latency(Measured):
    """How long a network took.

    Parameters
    ----------
    milliseconds : float
        Median over all runs, per batch.
    low, high : float
        First and third quartile.
    threads, warm_up, runs : int
        Threads of the processor; runs that did not count, and that did.
    batch, device, dtype
        As `Measured`.
    """

    milliseconds: float
    low: float
    high: float
    threads: int
    warm_up: int
    runs: int

    def __str__(self) -> str:
        return (
            f"{self.milliseconds:.3f} ms (quartiles {self.low:.3f} to {self.high:.3f}, "
            f"{self.runs} runs after {self.warm_up}) per batch of {self.batch} in {self.dtype} "
            f"on {self.device}, {self.threads} thread{'s' * (self.threads > 1)}"
        )


def measure_latency(
    module: nn.Module,
    example: Tensor,
    *,
    batch: int = 1,
    threads: int = 1,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    warm_up: int = 5,
    runs: int = 25,
) -> Latency:
    """Time a network: the median of many runs, after some that do not count.

    The median, since other work on the machine can only make a run longer.

    Parameters
    ----------
    module, example, batch, device, dtype
        As `Runner`.
    threads : int
        Of the processor; the setting of the process is restored.
    warm_up, runs : int
        Runs that do not count, and that do.

    Raises
    ------
    ValueError
        If the device is not here, a count is below one, or `example` is not one input.

    Examples
    --------
    >>> measured = measure_latency(nn.Linear(8, 8), torch.zeros(1, 8), batch=4, runs=3)
    >>> measured.batch, measured.milliseconds > 0
    (4, True)
    """
    check_count("threads", threads)
    check_count("runs", runs)
    check_count("warm_up", warm_up, least=0)
    run = Runner(module, example, batch=batch, device=device, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for _ in range(warm_up):
            run()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
    finally:
        torch.set_num_threads(before)
    low, median, high = (float(q) for q in np.quantile(times, [0.25, 0.5, 0.75]))
    return Latency(
        milliseconds=median,
        low=low,
        high=high,
        threads=threads,
        warm_up=warm_up,
        runs=runs,
        **run.conditions(),
    )
