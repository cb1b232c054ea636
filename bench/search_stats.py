"""Figures of the study: mean curves, evaluations to a level, paired differences, seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from search_problems import N_INITIAL, PROBLEMS
from search_runs import Results

Array = np.ndarray
RESAMPLES = 2000
MOVED = 0.5e-5  # least change of a log gap that is a change; they are written to 1e-5


@dataclass(frozen=True)
class Curves:
    """Log gaps (seeds, evaluations) and seconds (seeds,) of one method on one problem."""

    seeds: tuple[int, ...]
    gaps: Array
    seconds: Array
    asked: int  # evaluations that the method chose

    @property
    def mean(self) -> Array:
        return self.gaps.mean(axis=0)

    @property
    def median(self) -> Array:
        return np.median(self.gaps, axis=0)

    @property
    def half_width(self) -> Array:
        """Half of the 95 % interval of the mean."""
        return half_width(self.gaps)

    def of(self, seeds: Iterable[int]) -> Array:
        row = {seed: i for i, seed in enumerate(self.seeds)}
        return self.gaps[[row[seed] for seed in seeds]]


def half_width(values: Array) -> Array:
    """Half of Student's 95 % interval of the mean over the first axis."""
    n = len(values)
    if n < 2:
        return np.full(values.shape[1:], np.nan)
    return stats.t.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)


Study = dict[str, dict[str, Curves]]  # by problem and method


def read(path: Path) -> Study:
    """All curves of a file of runs; those of one problem are cut to the shortest budget."""
    runs: dict[str, dict[str, dict[int, tuple[Array, float]]]] = {}
    for (problem, method, seed), row in Results(path).runs().items():
        curve = unfolded(row["curve"], int(row["budget"]))
        runs.setdefault(problem, {}).setdefault(method, {})[seed] = curve, float(row["seconds"])
    found: Study = {}
    for problem in sorted(runs, key=[*PROBLEMS, *sorted(runs)].index):
        methods = runs[problem]
        budget = min(len(curve) for seeds in methods.values() for curve, _ in seeds.values())
        for method, seeds in methods.items():
            curves = [curve for _, (curve, _) in sorted(seeds.items())]
            # What a whole run took, for the evaluations that remain of it.
            seconds = [
                s * (budget - N_INITIAL) / max(len(curve) - N_INITIAL, 1)
                for _, (curve, s) in sorted(seeds.items())
            ]
            found.setdefault(problem, {})[method] = Curves(
                tuple(sorted(seeds)),
                np.array([curve[:budget] for curve in curves]),
                np.array(seconds),
                budget - N_INITIAL,
            )
    return found


def unfolded(steps: str, budget: int) -> Array:
    """Log gaps after each evaluation, from where they fall (`search_runs.steps`)."""
    gaps = np.empty(budget)
    for step in steps.split():
        n, gap = step.split(":")
        gaps[int(n) - 1 :] = float(gap)
    return gaps


def reached(curve: Array, level: float) -> int | None:
    """Number of evaluations after which a curve is at the level or below.

    Counted from the last initial point on, since all methods share those.
    """
    at = np.flatnonzero(curve[N_INITIAL - 1 :] <= level + 1e-12)
    return int(at[0]) + N_INITIAL if len(at) else None


def share(ours: Array, theirs: Array) -> float:
    """Evaluations that ours needs for the last value of theirs, as a share of the budget.

    Where ours does not get there, it is the inverse: the budget over the evaluations that theirs
    needs for the last value of ours. The share is thus above 1 exactly where ours ends worse. A
    curve that never leaves the level of the initial points reaches nothing; if neither leaves it
    the share is 1.
    """
    start = theirs[N_INITIAL - 1]
    if theirs[-1] > start - MOVED:
        n = reached(ours, start - MOVED)
        return 1.0 if n is None else n / len(ours)
    n = reached(ours, theirs[-1])
    if n is not None:
        return n / len(ours)
    back = reached(theirs, ours[-1])
    assert back is not None  # theirs ends below the end of ours
    return len(theirs) / back


def pace(ours: Array, theirs: Array) -> float:
    """Evaluations of theirs over those of ours, to the level at which the worse of them ends.

    Equal curves have pace 1, also where they reach their end early. A curve that does not leave the
    level of the initial points counts as needing all evaluations.
    """
    level = min(max(ours[-1], theirs[-1]), theirs[N_INITIAL - 1] - MOVED)
    return (reached(theirs, level) or len(theirs)) / (reached(ours, level) or len(ours))


def first_at(curves: Curves, level: float) -> tuple[float, int]:
    """Median over the seeds of the evaluations to a level, and how many seeds get there.

    A run that does not get there counts as needing more than all that do.
    """
    needed = [n if (n := reached(row, level)) else np.inf for row in curves.gaps]
    return float(np.median(needed)), int(np.isfinite(needed).sum())


def geometric_mean(shares: Iterable[float]) -> float:
    return float(np.exp(np.mean(np.log(list(shares)))))


def best(methods: Mapping[str, Curves], names: Iterable[str]) -> str | None:
    """The one of the methods whose mean is the least at the end."""
    there = [name for name in names if name in methods]
    return min(there, key=lambda name: methods[name].mean[-1], default=None)


@dataclass(frozen=True)
class Level:
    """Ours against the best rival of a problem: at the level where that one ends."""

    problem: str
    method: str
    rival: str
    level: float
    evaluations: int | None  # of our mean curve to the level
    share: float
    median_share: float
    difference: float  # of the log gaps at the end, ours minus the rival's; < 0 is better
    interval: float  # half of its paired 95 % interval
    seeds: int

    @property
    def worse(self) -> bool:
        """Whether ours ends worse by more than chance."""
        return self.difference - self.interval > 0


def levels(study: Study, method: str, rivals: Iterable[str]) -> list[Level]:
    """Compare a method with the best rival of each problem, on the seeds that both have."""
    rows = []
    rivals = list(rivals)
    for problem, methods in study.items():
        rival = best(methods, (name for name in rivals if name != method))
        if rival is None or method not in methods:
            continue
        ours, theirs = methods[method], methods[rival]
        both = sorted(set(ours.seeds) & set(theirs.seeds))
        if not both:
            continue
        a, b = ours.of(both), theirs.of(both)
        gaps = a[:, -1] - b[:, -1]
        mean, level = a.mean(axis=0), b.mean(axis=0)
        medians = np.median(a, axis=0), np.median(b, axis=0)
        rows.append(
            Level(
                problem,
                method,
                rival,
                float(level[-1]),
                reached(mean, level[-1]),
                share(mean, level),
                share(*medians),
                float(gaps.mean()),
                float(half_width(gaps)),
                len(both),
            )
        )
    return rows


def gain(study: Study, with_it: str, without: str) -> tuple[float, float, float, int] | None:
    """How many times fewer evaluations one variant needs than another one (see `pace`).

    The geometric mean over the problems, with a 95 % bootstrap interval over the
    seeds (paired in each problem), and the number of problems.
    """
    pairs = []
    for methods in study.values():
        if with_it in methods and without in methods:
            a, b = methods[with_it], methods[without]
            both = sorted(set(a.seeds) & set(b.seeds))
            if both:
                pairs.append((a.of(both), b.of(both)))
    if not pairs:
        return None
    rng = np.random.default_rng(0)

    def ratio(rows: Iterable[Array]) -> float:
        return geometric_mean(
            pace(a[i].mean(axis=0), b[i].mean(axis=0))
            for (a, b), i in zip(pairs, rows, strict=True)
        )

    value = ratio([np.arange(len(a)) for a, _ in pairs])
    again = [ratio([rng.integers(len(a), size=len(a)) for a, _ in pairs]) for _ in range(RESAMPLES)]
    low, high = np.quantile(again, [0.025, 0.975])
    return value, float(low), float(high), len(pairs)
