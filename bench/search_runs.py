"""Runs of the study: one run, its rows in the file, and a pool that does what is missing there.

A run is written to the file at once when it is over. A study that was killed thus goes on with
the runs that are not in the file, and ends with the same rows, but for the seconds.
"""

import csv
import fcntl
import io
import math
import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from search_methods import Entry
from search_problems import StudyProblem, initial_design, load
from search_rivals import Array, UnfitError, nearest
from tqdm import tqdm

import lamoo_fast as lf

COLUMNS = ("problem", "method", "seed", "budget", "seconds", "curve")
STALE = 300  # proposals without a new point after which a method is taken to have converged

Run = tuple[str, str, int]


@dataclass(frozen=True)
class Task:
    """One run: what the worker needs to know."""

    problem: str
    method: str
    seed: int
    budget: int
    entry: Entry

    @property
    def run(self) -> Run:
        return self.problem, self.method, self.seed


def search(
    problem: StudyProblem, entry: Entry, seed: int, budget: int
) -> tuple[list[float], float]:
    """Log gaps after each evaluation, and the seconds of building the method, asking, telling."""
    space = problem.space
    ref = problem.signs * np.array(problem.ref)
    rng = np.random.default_rng([seed, 21])
    X = initial_design(problem, seed, entry.n_initial)
    F = problem.evaluate(X)
    known = dict(zip(space.keys(X), F, strict=True))
    track = Track(problem, ref)
    for values in F:
        track.add(values)

    start = time.perf_counter()
    method = entry.make(problem, X, F, seed)
    spent = time.perf_counter() - start
    stale = 0
    while len(track.gaps) < budget and stale < STALE:
        start = time.perf_counter()
        X = space.snap(method.ask())
        spent += time.perf_counter() - start
        X = usable(space, X, rng)
        values = []
        stale += 1
        for key, x in zip(space.keys(X), X, strict=True):
            if key not in known:
                known[key] = problem.evaluate(x[None])[0]
                track.add(known[key])
                stale = 0
            values.append(known[key])
        start = time.perf_counter()
        method.tell(X, np.array(values))
        spent += time.perf_counter() - start
    gaps = track.gaps[:budget]
    return gaps + gaps[-1:] * (budget - len(gaps)), spent


class Track:
    """Log gap of what was found so far, after each evaluation."""

    def __init__(self, problem: StudyProblem, ref: Array) -> None:
        self.problem, self.ref = problem, ref
        self.front = np.empty((0, len(ref)))
        self.volume = 0.0
        self.gaps: list[float] = []

    def add(self, values: Array) -> None:
        if (values < self.ref).all() and not (self.front <= values).all(axis=1).any():
            kept = self.front[~(values <= self.front).all(axis=1)]
            self.front = np.vstack([kept, values])
            self.volume = lf.hypervolume(self.front, self.ref)
        self.gaps.append(self.problem.log_gap(self.volume))


def usable(space: lf.Space, X: Array, rng: np.random.Generator) -> Array:
    """Move each point that has no evaluation to the nearest one that has, at random."""
    if space.valid is None:
        return X
    valid = space.is_valid(X)
    for i in np.flatnonzero(~valid):
        X[i] = nearest(X[i : i + 1], space.enumerate(), rng)
    return X


def perform(task: Task) -> tuple[Task, str, str]:
    """Do a run in a worker: its line in the file, or why there is none."""
    try:
        problem = load(task.problem)
        if isinstance(problem, str):
            return task, "", problem
        gaps, seconds = search(problem, task.entry, task.seed, task.budget)
    except UnfitError as error:
        return task, "", f"{task.method} on {task.problem}: {error}"
    except Exception:
        return task, "", f"FAILED {task.run}\n{traceback.format_exc()}"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(
        (*task.run, task.budget, f"{seconds:.3f}", steps(gaps))
    )
    return task, text.getvalue(), ""


def steps(gaps: Iterable[float]) -> str:
    """Where the curve falls and to what: `1:0.51 7:0.3` is 0.51 from the first on, 0.3 from 7."""
    texts = [f"{gap:.5f}" for gap in gaps]
    fell = [i for i in range(len(texts)) if not i or texts[i] != texts[i - 1]]
    return " ".join(f"{i + 1}:{texts[i]}" for i in fell)


class Results:
    """The file of runs that are over, one a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self) -> dict[Run, dict[str, str]]:
        """Return the whole lines; one that a kill has cut off is left out."""
        if not self.path.exists():
            return {}
        lines = self.path.read_text().splitlines(keepends=True)
        rows = csv.DictReader(line for line in lines if line.endswith("\n"))
        if tuple(rows.fieldnames or COLUMNS) != COLUMNS:
            raise ValueError(f"{self.path} has the columns {rows.fieldnames}; wanted {COLUMNS}")
        return {
            (row["problem"], row["method"], int(row["seed"])): row
            for row in rows
            if None not in row.values()
        }

    def tidy(self, drop: Iterable[Run] = ()) -> set[Run]:
        """Rewrite the file with its whole runs in order, but for some; return those kept."""
        runs = self.runs()
        for run in drop:
            runs.pop(run, None)
        part = self.path.with_suffix(".part")
        with open(part, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(runs[run] for run in sorted(runs))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)
        return set(runs)

    def append(self, text: str) -> None:
        with open(self.path, "a") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Let one study at a time write the file; ValueError if another one does."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ValueError(f"another study writes to {self.path.parent}") from None
            yield


def plan(
    problems: Iterable[str],
    methods: Mapping[str, Entry],
    seeds: int,
    slow_seeds: int,
    budget: int | None,
) -> tuple[list[Task], list[str]]:
    """All runs, seed by seed, and why problems are left out."""
    loaded = [load(name) for name in problems]
    reasons = [problem for problem in loaded if isinstance(problem, str)]
    tasks = [
        Task(problem.name, method, seed, budget or problem.budget, entry)
        for seed in range(seeds)
        for problem in loaded
        if not isinstance(problem, str)
        for method, entry in methods.items()
        if seed < slow_seeds or not entry.slow
    ]
    return tasks, reasons


def study(tasks: list[Task], out: Path, workers: int, reasons: Iterable[str] = ()) -> list[str]:
    """Do the runs that are missing in the folder; return why some cannot be done.

    Raises
    ------
    ValueError
        When another study writes to the folder.
    """
    results = Results(out / "runs.csv")
    said = dict.fromkeys(reasons)
    for reason in said:
        tqdm.write(f"skipped: {reason}")
    with results.lock():
        reached = {run: int(row["budget"]) for run, row in results.runs().items()}
        short = [task.run for task in tasks if reached.get(task.run, math.inf) < task.budget]
        done = results.tidy(drop=short)
        left = [task for task in tasks if task.run not in done]
        try:
            with tqdm(total=len(tasks), initial=len(tasks) - len(left), unit="run") as bar:
                for task, text, reason in performed(left, workers):
                    bar.set_postfix_str(f"{task.method} on {task.problem}", refresh=False)
                    bar.update()
                    if text:
                        results.append(text)
                    elif reason not in said:
                        said[reason] = None
                        bar.write(f"skipped: {reason}")
        finally:
            results.tidy()
    return list(said)


def performed(tasks: list[Task], workers: int) -> Iterator[tuple[Task, str, str]]:
    """Do the runs, each in a process of one thread, or in this process if there are no workers."""
    if workers == 0:
        yield from map(perform, tasks)
        return
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # the processes inherit it before they import NumPy
    context = multiprocessing.get_context("spawn")  # a fork would share PyTorch's threads
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent)
    try:
        for future in as_completed([pool.submit(perform, task) for task in tasks]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """Let no worker outlive a study that was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def wait() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=wait, daemon=True).start()
