"""Processes that share one Optuna study in an SQLite file: is any trial lost or drawn twice?

    python bench/sqlite_study.py [--trials 2000] [--processes 2] [--space finite]
                                 [--sampler uniform]

Each process asks and tells until the study has all its trials. Printed are the numbers of trials
that are missing, not complete or of a configuration that another trial has, the seconds per trial,
and what they went into, over each quarter of the run. The exit status is 1 if anything is wrong.
The finite space has 15,625 points, as many as NAS-Bench-201.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import optuna

import lamoo_fast as lf
from lamoo_fast.adapters.optuna import LaMOOSampler

SAMPLERS = {"uniform": lf.UniformSampler, "cma": lf.CMASampler, "default": lf.EHVISampler}
NAME = "shared"


class Watched(LaMOOSampler):
    """A sampler that stores how long each draw took."""

    def sample_relative(self, study, trial, search_space):
        start = time.perf_counter()
        drawn = super().sample_relative(study, trial, search_space)
        self.seconds = time.perf_counter() - start
        return drawn


def finite(trial: optuna.Trial) -> tuple[float, float]:
    """15,625 points, of which the objectives tell all apart."""
    x = [trial.suggest_categorical(f"x{i}", list("abcde")) for i in range(6)]
    v = np.array(["abcde".index(value) for value in x]) / 4
    return float(v @ [1, 0.8, 0.6, 0.4, 0.2, 0.1]), float(((v - 1) ** 2).sum())


def continuous(trial: optuna.Trial) -> tuple[float, float]:
    """Six numbers: ZDT2."""
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    g = 1 + 9 * sum(x[1:]) / 5
    return x[0], g * (1 - (x[0] / g) ** 2)


SPACES = {"finite": finite, "continuous": continuous}


def work(file: str, space: str, sampler: str, trials: int) -> None:
    """Ask and tell in one process until the study has so many trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawing = Watched(seed=0, sampler=SAMPLERS[sampler]())
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{file}", sampler=drawing)
    while True:
        drawing.seconds = 0.0
        trial = study.ask()
        if trial.number >= trials:  # others ask at the same time
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            return
        values = SPACES[space](trial)
        trial.set_user_attr("draw", drawing.seconds)
        study.tell(trial, values)


def run(folder: Path, trials: int, processes: int, space: str, sampler: str) -> list[str]:
    """Let the processes work; print figures and return what is wrong."""
    file = str(folder / "study.db")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.create_study(study_name=NAME, storage=f"sqlite:///{file}", directions=["minimize"] * 2)
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=work, args=(file, space, sampler, trials)) for _ in range(processes)
    ]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    spent = time.perf_counter() - start
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{file}")
    found = [trial for trial in study.trials if trial.number < trials]
    numbers = Counter(trial.number for trial in found)
    points = Counter(tuple(sorted(trial.params.items())) for trial in found)
    wrong = {
        "lost": sum(numbers[i] != 1 for i in range(trials)),
        "not complete": sum(t.state != optuna.trial.TrialState.COMPLETE for t in found),
        "duplicates": len(found) - len(points),
        "dead processes": sum(worker.exitcode != 0 for worker in workers),
    }
    print(f"{space} space, {sampler} sampler, {processes} processes, {len(found)} trials:")
    print("  " + ", ".join(f"{count} {what}" for what, count in wrong.items()))
    print(f"  {spent:.1f} s, {spent / trials:.3f} s per trial; in each quarter:")
    for part in np.array_split(np.array(found, dtype=object), 4):
        ends = [t.datetime_complete.timestamp() for t in part]
        each = (max(ends) - min(t.datetime_start.timestamp() for t in part)) / len(part)
        drawing = np.mean([t.user_attrs["draw"] for t in part])
        print(f"    {each:.3f} s per trial, {drawing:.3f} s to draw one in its process")
    return [what for what, count in wrong.items() if count]


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--space", choices=SPACES, default="finite")
    parser.add_argument("--sampler", choices=SAMPLERS, default="uniform")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return bool(run(Path(folder), args.trials, args.processes, args.space, args.sampler))


if __name__ == "__main__":
    sys.exit(main())
