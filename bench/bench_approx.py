"""Approximate hypervolume: error at equal time; with --coverage, what the standard error is worth.

Each method takes the largest power of two of samples that fits the time; the error is the root
mean square over fronts of the relative error. Coverage is the share of fronts whose exact volume
lies within 2.04 standard errors of the estimate, which `hv_approx` calls a 95 % interval.

    python bench/bench_approx.py -m 10
    python bench/bench_approx.py --coverage
"""

import math
import time

import numpy as np
from cases import REF, front
from compare import HEAD, RESULTS, Row, finish, line, options
from rivals import Estimator, estimators

import lamoo_fast as lf
from lamoo_fast import machine

CASES = (
    ("sphere", 5, 300),
    ("linear", 5, 300),
    ("sphere", 10, 100),
    ("convex", 10, 100),
    ("sphere", 20, 25),
)
SECONDS = (0.01, 0.1)
FRONTS = 8
QUANTILE = 2.04  # of the t distribution, as the docstring of hv_approx says
COVERED = {4: 100, 6: 60, 8: 40, 10: 30}
SHAPES = ("sphere", "linear", "convex", "inverted", "clustered", "discontinuous", "mixed")


def effort_for(method: Estimator, F: np.ndarray, ref: np.ndarray, seconds: float) -> int:
    """The largest power of two that takes no longer than `seconds`; 64 at least."""
    effort = 64
    method.call(F, ref, effort, 0)
    while effort < 2**30:
        taken = math.inf
        for _ in range(3):
            started = time.perf_counter()
            method.call(F, ref, 2 * effort, 0)
            taken = min(taken, time.perf_counter() - started)
        if taken > seconds:
            break
        # Far from the limit, double at once as often as is safe.
        effort *= 2 ** max(1, int(math.log2(seconds / taken)) - 1)
    return effort


def errors(method: Estimator, sets: list[np.ndarray], truth: list[float], effort: int) -> float:
    ref = np.full(sets[0].shape[1], REF)
    relative = [
        method.call(F, ref, effort, seed) / value - 1.0
        for seed, (F, value) in enumerate(zip(sets, truth, strict=True))
    ]
    return float(np.sqrt(np.mean(np.square(relative))))


def equal_time(args) -> None:
    methods = estimators()
    print(f"approx: {machine.summary()}\nours and rival are errors at equal time\n{HEAD}")
    started = time.perf_counter()
    rows = []
    for shape, m, n in CASES:
        if (args.m and m not in args.m) or (args.shapes and shape not in args.shapes):
            continue
        sets = [front(shape, n, m, seed) for seed in range(4 * FRONTS if args.full else FRONTS)]
        ref = np.full(m, REF)
        truth = [lf.hypervolume(F, ref) for F in sets]
        for seconds in SECONDS:
            found = {
                method.name: errors(method, sets, truth, effort_for(method, sets[0], ref, seconds))
                for method in methods
            }
            ours = found.pop(methods[0].name)
            which = min(found, key=found.__getitem__) if found else ""
            best = found.get(which, math.nan)
            rows.append(
                Row(
                    f"hv_approx: {seconds} s", shape, m, n, ours, ours, best, best, which,
                    best / ours, math.nan, False,
                    ", ".join(f"{name} {value:.1e}" for name, value in found.items()),
                )
            )  # fmt: skip
            print(line(rows[-1]), flush=True)
    finish("approx", rows, time.perf_counter() - started)


def coverage(args) -> None:
    """Write what share of 400 fronts lies within the 95 % interval, for some sample sizes."""
    print(f"coverage of value +- {QUANTILE} stderr; {machine.summary()}")
    lines = ["m,n,n_samples,fronts,covered,mean_stderr,rms_error"]
    for m, n in COVERED.items():
        if args.m and m not in args.m:
            continue
        sets = [front(SHAPES[seed % len(SHAPES)], n, m, seed) for seed in range(400)]
        truth = np.array([lf.hypervolume(F, REF) for F in sets])
        for n_samples in (2**10, 2**13, 2**16) if args.full else (2**10, 2**13):
            found = [lf.hv_approx(F, REF, n_samples=n_samples, seed=k) for k, F in enumerate(sets)]
            value, stderr = np.array([e[0] for e in found]), np.array([e[1] for e in found])
            covered = np.mean(np.abs(value - truth) <= QUANTILE * stderr)
            error = np.sqrt(np.mean((value / truth - 1) ** 2))
            lines.append(
                f"{m},{n},{n_samples},{len(sets)},{covered:.4f},"
                f"{np.mean(stderr / truth):.2e},{error:.2e}"
            )
            print(f"m={m:2} n={n:3} {n_samples:6} samples: {100 * covered:.1f} % of {len(sets)} "
                  f"fronts; RMS error {error:.1e}", flush=True)  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "coverage.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--coverage", action="store_true", help="check the standard errors instead")
    args = parser.parse_args()
    coverage(args) if args.coverage else equal_time(args)


if __name__ == "__main__":
    main()
