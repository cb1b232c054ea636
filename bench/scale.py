"""What a trial costs in the process that searches, against the number of trials.

    python bench/scale.py [journal] [search] [archive] [dask] [optuna] [--largest 100000]

Whatever is central is in one process: ask, tell, journal, what collects the results. Each part
fills its structure with trials, and times a few more. Evaluations cost nothing. One thread.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from bench_throughput import SPACE, evaluate, megabytes

import lamoo_fast as lf
from lamoo_fast.search.futures import Futures
from lamoo_fast.search.journal import FILE, Journal

WAYS = ["minimize", "minimize"]


def sizes(largest: int) -> list[int]:
    """1,000, 10,000, ... up to the largest."""
    return [n for n in (10**k for k in range(3, 8)) if n <= largest]


def drawn(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Random configurations."""
    return SPACE.decode(np.random.default_rng(seed).random((n, SPACE.d)))


def search(sampler: Any) -> lf.LaMOO:
    """Return an empty search."""
    return lf.LaMOO(SPACE, WAYS, ref=(2, 2), sampler=sampler, seed=0)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result of a call."""
    gc.collect()
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def journal(largest: int) -> Iterator[str]:
    """Lines per trial, and what it takes to read them all again."""
    for n in sizes(largest):
        opt = search(lf.UniformSampler())
        with tempfile.TemporaryDirectory() as folder:
            log = Journal.create(folder, opt)
            configs = drawn(n)
            told = opt.tell(configs, [evaluate(config) for config in configs])
            with mock.patch.object(os, "fsync"):  # the file is what a run in batches of 100 leaves
                for start in range(0, n, 100):
                    log.asked(told[start : start + 100], opt)
                    log.told(told[start : start + 100], [1.0] * 100)
            configs = told = []

            def more(opt: lf.LaMOO = opt, log: Journal = log) -> None:
                for config in drawn(200, seed=1):
                    [told] = opt.tell([config], [evaluate(config)])
                    log.asked([told], opt)
                    log.told([told], [1.0])

            def round_of_200(opt: lf.LaMOO = opt, log: Journal = log) -> None:
                told = opt.tell(drawn(200, seed=2), [evaluate(c) for c in drawn(200, seed=2)])
                log.asked(told, opt)
                log.told(told, [1.0] * 200)

            flushed, _ = timed(more)
            together, _ = timed(round_of_200)
            with mock.patch.object(os, "fsync"):
                written, _ = timed(more)
            log.close()
            size = (Path(folder) / FILE).stat().st_size / 2**20
            again = search(lf.UniformSampler())
            read, log = timed(lambda folder=folder: Journal.open(folder))
            loaded, _ = timed(lambda log=log, again=again: again.load_state_dict(log.state()))
            log.close()
        yield (
            f"{n:>9,} trials, {size:.0f} MB: {flushed / 200 * 1e3:.2f} ms per trial, "
            f"{written / 200 * 1e3:.2f} of them without the flush to disk, "
            f"{together / 200 * 1e3:.2f} in a round of 200; "
            f"resume {read + loaded:.1f} s ({read:.1f} to read), peak {megabytes():.0f} MB"
        )


def ask_tell(largest: int) -> Iterator[str]:
    """Ask and tell one by one, and in batches of 1,000."""
    samplers = {"uniform": (lf.UniformSampler(), 10**7), "default": (lf.EHVISampler(), 10**4)}
    for name, (sampler, most) in samplers.items():
        for n in sizes(min(largest, most)):
            opt, configs = search(sampler), drawn(n)
            rows = [evaluate(config) for config in configs]
            whole, _ = timed(lambda opt=opt, configs=configs, rows=rows: opt.tell(configs, rows))
            first = one(opt)
            single = statistics.median(one(opt) for _ in range(9 if name == "uniform" else 1))
            line = (
                f"{name} sampler, {n:>9,} trials (told at once in {whole:.1f} s): "
                f"ask {single * 1e3:.0f} ms, {first:.1f} s where the partition is learned anew"
            )
            if name == "uniform":
                batch, trials = timed(lambda opt=opt: opt.ask(1000))
                line += f"; 1,000 at once {batch / 1000 * 1e3:.2f} ms each"
                rows = [evaluate(trial.config) for trial in trials]
                told, _ = timed(lambda opt=opt, trials=trials, rows=rows: opt.tell(trials, rows))
                line += f", told in {told / 1000 * 1e3:.3f} ms each"
            yield line


def one(opt: lf.LaMOO) -> float:
    """Ask for a trial and tell it; return the seconds of the ask."""
    start = time.perf_counter()
    trials = opt.ask()
    spent = time.perf_counter() - start
    opt.tell(trials, [evaluate(trials[0].config)])
    return spent


def archive(largest: int) -> Iterator[str]:
    """Front and hypervolume, updated with each trial or computed from all of them."""
    for n in sizes(largest):
        F = np.array([evaluate(config) for config in drawn(n)])
        kept = lf.ParetoArchive([2, 2])
        update, _ = timed(lambda: [kept.add(row) for row in F[:, np.newaxis]])  # noqa: B023
        front, _ = timed(lambda: lf.is_nondominated(F))  # noqa: B023
        volume, _ = timed(lambda: lf.hypervolume(F, [2, 2]))  # noqa: B023
        yield (
            f"{n:>9,} points, {len(kept)} on the front: {update / n * 1e6:.1f} us per update; "
            f"anew: front {front * 1e3:.2f} ms, hypervolume {volume * 1e3:.2f} ms"
        )


def dask(largest: int) -> Iterator[str]:
    """Submit and collect through a cluster of two processes on this machine."""
    import distributed

    trials = search(lf.UniformSampler()).ask(500)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for flying in (2, 16, 128, 500):
            run = Futures(evaluate, client.get_executor(), flying, None)
            queue = deque(trials)
            cpu = time.process_time()
            spent, outcomes = timed(lambda run=run, queue=queue: list(chain(*run.evaluate(queue))))
            cpu = time.process_time() - cpu
            yield (
                f"{len(outcomes):,} trials, {flying} in flight: {spent / len(trials) * 1e3:.2f} ms "
                f"per trial, {cpu / len(trials) * 1e3:.2f} of this process (scheduler and client)"
            )


def optuna(largest: int) -> Iterator[str]:
    """Ask and tell through an SQLite file, by Optuna's random sampler and by ours."""
    import optuna as host

    from lamoo_fast.adapters.optuna import LaMOOSampler

    host.logging.set_verbosity(host.logging.WARNING)
    uniform = lf.UniformSampler()
    for n in (100, 1000):
        rows = [
            host.create_trial(
                params={f"x{i}": config[f"x{i}"] for i in range(4)},
                distributions={
                    f"x{i}": host.distributions.FloatDistribution(0, 1) for i in range(4)
                },
                values=evaluate(config),
            )
            for config in drawn(n)
        ]
        with tempfile.TemporaryDirectory() as folder:
            study = host.create_study(storage=f"sqlite:///{folder}/s.db", directions=WAYS)
            study.add_trials(rows)
            found = {}
            for sampler in (host.samplers.RandomSampler(0), LaMOOSampler(0, sampler=uniform)):
                study.sampler = sampler
                study.optimize(floats, n_trials=1)
                spent, _ = timed(lambda study=study: study.optimize(floats, n_trials=10))
                found[type(sampler).__name__] = spent / 10
        each = ", ".join(f"{name} {spent * 1e3:.0f} ms" for name, spent in found.items())
        yield f"{n:>9,} trials in an SQLite file: {each} per trial"


def floats(trial: Any) -> tuple[float, float]:
    """Objective of four floats."""
    config = {f"x{i}": trial.suggest_float(f"x{i}", 0, 1) for i in range(4)}
    return evaluate({**config, "n": 1, "op": "b"})


PARTS = {"journal": journal, "search": ask_tell, "archive": archive, "dask": dask, "optuna": optuna}


def main() -> None:
    """Read the arguments and print each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--largest", type=int, default=100_000)
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"unknown parts {sorted(unknown)}; wanted {list(PARTS)}")
    for name in args.parts or PARTS:
        print(f"{name}:")
        for line in PARTS[name](args.largest):
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
