"""Cost of a hypervolume against the number of objectives and of points, for every method.

Exact methods: seconds of a call, ours also with lesser instruction sets forced. Approximate
methods: seconds until the root mean square of the relative error over seeded fronts is within
--tolerance, as it also is with twice the samples. One thread. A method that goes over the limit
is not asked for more points or objectives. All cells come from one run; it takes some minutes.

    python bench/hv_cost.py --limit 3 --out results/bench/hv_cost
    python bench/hv_cost.py --plot-only --out results/bench/hv_cost
"""

import argparse
import csv
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from cases import REF, front
from compare import RESULTS
from rivals import Estimator, estimators

import lamoo_fast as lf
from lamoo_fast import machine
from lamoo_fast.bench import OURS, hypervolume_contenders
from lamoo_fast.kernels import simd_level

SHAPE = "linear"
FRONTS = 8
LEVELS = ("baseline", "avx2", "avx512")
BY_OBJECTIVES = {n: tuple(range(2, 16)) for n in (30, 100, 300)}  # points of a leaf of LaMOO
BY_POINTS = dict.fromkeys((3, 5, 8), (10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000))


@dataclass(frozen=True)
class Cost:
    method: str
    exact: bool
    m: int
    n: int
    seconds: float
    error: float


def exact_seconds(call: Callable, m: int, n: int) -> tuple[float, float]:
    """Least time of at least 50 ms of calls after the first, if that is short, and the volume."""
    F, ref = front(SHAPE, n, m), np.full(m, REF)
    started = time.perf_counter()
    value = float(call(F, ref))
    best = time.perf_counter() - started
    until = time.perf_counter() + 0.05
    while best < 1.0 and time.perf_counter() < until:
        started = time.perf_counter()
        call(F, ref)
        best = min(best, time.perf_counter() - started)
    return best, value


def approximate_seconds(
    method: Estimator, m: int, n: int, tolerance: float, limit: float
) -> tuple[float, float] | None:
    """Time and error with the fewest samples that are good enough; so must be twice as many."""
    ref = np.full(m, REF)
    sets = [front(SHAPE, n, m, seed) for seed in range(FRONTS)]
    truth = [true_volume(m, n, seed) for seed in range(FRONTS)]
    effort, good = 64, None
    while True:
        errors, taken = [], math.inf
        for seed, (F, value) in enumerate(zip(sets, truth, strict=True)):
            started = time.perf_counter()
            found = method.call(F, ref, effort, seed)
            taken = min(taken, time.perf_counter() - started)
            errors.append(found / value - 1.0)
        error = float(np.sqrt(np.mean(np.square(errors))))
        if error > tolerance:
            good = None
        elif good is None:
            good = taken, error
        else:
            return good
        if 2 * taken > limit:
            return None
        effort *= 2


_TRUTH: dict[tuple[int, int, int], float] = {}
_EXACT_WORK = {2: 10**7, 3: 10**6, 4: 10**4, 5: 3000, 6: 1000, 7: 300, 8: 200, 9: 100, 10: 80}


def true_volume(m: int, n: int, seed: int) -> float:
    """Exact where that is quick, else an estimate far better than the tolerance."""
    key = m, n, seed
    if key not in _TRUTH:
        F = front(SHAPE, n, m, seed)
        if n <= _EXACT_WORK.get(m, 30 if m < 15 else 20):
            _TRUTH[key] = lf.hypervolume(F, REF)
        else:
            _TRUTH[key] = lf.hv_approx(F, REF, n_samples=2**17, seed=2**32 + seed).value
    return _TRUTH[key]


def cells() -> Iterator[tuple[int, int]]:
    """(m, n) in an order in which work grows along both."""
    wanted = {(m, n) for n, objectives in BY_OBJECTIVES.items() for m in objectives}
    wanted |= {(m, n) for m, sizes in BY_POINTS.items() for n in sizes}
    return iter(sorted(wanted))


class Within:
    """Remembers what a method took, so as not to ask for what would go far over the limit."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.known: dict[tuple[int, int], float] = {}

    def allows(self, m: int, n: int) -> bool:
        if any(s > self.limit and a <= m and b <= n for (a, b), s in self.known.items()):
            return False
        fewer_points = sorted((b, s) for (a, b), s in self.known.items() if a == m and b < n)
        fewer_objectives = sorted((a, s) for (a, b), s in self.known.items() if b == n and a < m)
        expected = max(extrapolated(fewer_points, n), extrapolated(fewer_objectives, m))
        return expected <= 2 * self.limit


def extrapolated(known: list[tuple[int, float]], x: int) -> float:
    """Continue the power law through the last two points; 0 if there are none."""
    if len(known) < 2:
        return 0.0
    (x0, s0), (x1, s1) = known[-2:]
    power = max(0.0, math.log(s1 / s0) / math.log(x1 / x0))
    return s1 * (x / x1) ** power


def measure_exact(limit: float, only_ours: bool) -> Iterator[Cost]:
    """Cell by cell, so that a busy moment hits all methods alike."""
    contenders = hypervolume_contenders(f"{OURS} {simd_level()}")
    within = {c.name: Within(limit) for c in (contenders[:1] if only_ours else contenders)}
    for m, n in cells():
        volume = math.nan
        for contender in contenders:
            name = contender.name
            if name not in within or not contender.fits(m, True) or not within[name].allows(m, n):
                continue
            seconds, value = exact_seconds(contender.call, m, n)
            within[name].known[m, n] = seconds
            volume = value if math.isnan(volume) else volume
            error = abs(value / volume - 1.0)
            if error > 1e-9:
                print(f"{name} m={m} n={n} is off by {error:.1e}", file=sys.stderr)
            if seconds <= limit:
                yield Cost(name, True, m, n, seconds, error)


def measure_approximate(limit: float, tolerance: float) -> Iterator[Cost]:
    for method in estimators():
        name = f"{OURS} approximate" if method.name == OURS else method.name
        for m, n in cells():
            if n not in BY_OBJECTIVES:
                continue
            found = approximate_seconds(method, m, n, tolerance, limit / 8)
            if found is not None:
                yield Cost(name, False, m, n, *found)


def measure_lesser_levels(limit: float) -> Iterator[Cost]:
    """Ours in processes of their own, each with one of the lesser instruction sets forced."""
    if simd_level() not in LEVELS:
        return
    for level in LEVELS[: LEVELS.index(simd_level())]:
        done = subprocess.run(
            [sys.executable, __file__, "--only-ours", "--limit", str(limit)],
            env={**os.environ, "LAMOO_FAST_SIMD": level},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        yield from read(done.stdout.splitlines())


def read(lines: list[str]) -> list[Cost]:
    return [
        Cost(
            row["method"], row["exact"] == "True", int(row["m"]), int(row["n"]),
            float(row["seconds"]), float(row["error"]),
        )
        for row in csv.DictReader(line for line in lines if not line.startswith("#"))
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=2.0, help="seconds a call may take (2)")
    parser.add_argument("--tolerance", type=float, default=0.01, help="of approximations (0.01)")
    parser.add_argument("--out", type=Path, default=RESULTS / "hv_cost", help="without suffix")
    parser.add_argument("--plot-only", action="store_true", help="draw the CSV of an earlier run")
    parser.add_argument("--only-ours", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()

    writer = csv.writer(sys.stdout)
    head = [field.name for field in fields(Cost)]
    if args.only_ours:
        writer.writerow(head)
        for cost in measure_exact(args.limit, only_ours=True):
            writer.writerow(astuple(cost))
        return
    path = args.out.with_suffix(".csv")
    if not args.plot_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            about = f"# {machine.summary()}; {SHAPE} fronts, tolerance {args.tolerance}\n"
            file.write(about)
            print(about, end="")
            both = csv.writer(file)
            both.writerow(head)
            for source in (
                measure_exact(args.limit, only_ours=False),
                measure_lesser_levels(args.limit),
                measure_approximate(args.limit, args.tolerance),
            ):
                for cost in source:
                    both.writerow(astuple(cost))
                    writer.writerow(astuple(cost))
                    sys.stdout.flush()
    about, *lines = path.read_text(encoding="utf-8").splitlines()
    from hv_cost_plot import draw

    figure = draw(read(lines), about.removeprefix("# "))
    for suffix in (".pdf", ".png"):
        figure.savefig(args.out.with_suffix(suffix))
        print(args.out.with_suffix(suffix))


if __name__ == "__main__":
    main()
