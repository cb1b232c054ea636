"""What the benchmark programs share: cells, targets, the table and the CSV file.

A program names its kernel, its contenders and its cells, and calls `run`. Times are the least of
each contender's alternating calls in this process; ratio is the best rival's over ours.
"""

import argparse
import csv
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from cases import is_clean

from lamoo_fast import machine
from lamoo_fast.bench import OURS, Contender, Outcome, compare, duration, relative

RESULTS = Path("results/bench")


@dataclass(frozen=True)
class Row:
    kernel: str
    shape: str
    m: int
    n: int
    ours: float  # s
    ours_median: float
    rival: float
    rival_median: float
    which: str
    ratio: float
    error: float  # against the first rival of the list that took part
    alarm: bool
    remark: str


@dataclass(frozen=True)
class Target:
    """A row of the table of targets; `group` is what stands before ": " in a row's kernel."""

    group: str
    objectives: range
    least_n: int
    goal: float = math.nan  # none
    floor: float = math.nan
    least_rival: float = 0.0  # s

    def holds(self, row: Row) -> bool:
        return (
            row.kernel.split(": ")[0] == self.group
            and row.m in self.objectives
            and row.n >= self.least_n
            and not row.rival < self.least_rival
        )


def span(low: int, high: int) -> range:
    return range(low, high + 1)


TARGETS = (
    Target("hypervolume", span(2, 2), 100_000, 5, 1.3),
    Target("hypervolume", span(3, 3), 0, 3, 1.3),
    Target("hypervolume", span(4, 4), 0, 2.5, 1.3),
    Target("hypervolume", span(5, 5), 0, 3.5, 1.5),
    Target("hypervolume", span(6, 6), 0, 8, 4),
    Target("hypervolume", span(7, 7), 0, 10, 6),
    Target("hypervolume", span(8, 15), 0, 14, 5),
    Target("hypervolume, real data", span(2, 15), 0),
    Target("hv_contributions", span(2, 3), 0, 2.5, 1.2),
    Target("hv_contributions", span(4, 8), 0, 20, 10),
    Target("hv_contributions, real data", span(2, 15), 0),
    Target("hv_approx", span(5, 20), 0, 5, 2),
    Target("is_nondominated, low conflict", span(2, 10), 0, 3, 1),
    Target("is_nondominated, mostly front", span(3, 10), 0, 3, 1.2),
    Target("pareto_rank", span(2, 3), 0, 2.5, 1.2),
    Target("pareto_rank", span(4, 15), 0, 4, 1.5),
    Target("pareto_rank, real data", span(2, 15), 0),
    Target("dominance_count", span(2, 3), 10_000, 100, 30),
    Target("dominance_count", span(4, 15), 10_000, 25, 10),
    Target("dominance_count, real data", span(2, 15), 10_000),
    Target("ParetoArchive", span(2, 6), 0, 100, 30),
    Target("ParetoArchive, one by one", span(2, 6), 0),
    Target("small call", span(2, 15), 0, 3, 2),
    Target("2 threads", span(2, 15), 0, 1.7, 1.4, least_rival=5e-3),
)


@dataclass(frozen=True)
class Cell:
    kernel: str
    shape: str
    m: int
    n: int
    make: Callable[[], np.ndarray]
    contenders: Sequence[Contender]
    extra: Callable[[np.ndarray], tuple] = lambda F: ()  # arguments after the points
    error: Callable[[Any, Any], float] = relative


def options(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--full", action="store_true", help="all sizes, higher limits")
    parser.add_argument("-m", type=int, nargs="+", help="only these numbers of objectives")
    parser.add_argument("-n", type=int, nargs="+", help="only these numbers of points")
    parser.add_argument("--shapes", nargs="+", help="only these shapes")
    parser.add_argument("--limit", type=float, help="seconds a call may take (2; full: 10)")
    parser.add_argument("--budget", type=float, help="seconds of repeats a cell (0.2; full: 1)")
    return parser


def wanted(cells: Iterable[Cell], args: argparse.Namespace) -> list[Cell]:
    return [
        cell
        for cell in cells
        if (not args.m or cell.m in args.m)
        and (not args.n or cell.n in args.n)
        and (not args.shapes or cell.shape in args.shapes)
    ]


def run(name: str, cells: Iterable[Cell], args: argparse.Namespace) -> None:
    """Compare in every cell, print rows as they come, write them, print the summary."""
    cells = wanted(cells, args)
    names = dict.fromkeys(c.name for cell in cells for c in cell.contenders[1:])
    versions = [f"{c} {machine.package_version(c.split('-')[0]) or ''}".strip() for c in names]
    print(f"{name}: {machine.summary()}\nrivals: {', '.join(versions)}\n{HEAD}", flush=True)
    started = time.perf_counter()
    rows = []
    for cell in cells:
        F = cell.make()
        fit = [c for c in cell.contenders if c.fits(cell.m, is_clean(cell.shape))]
        outcome = compare(
            fit,
            (F, *cell.extra(F)),
            error=cell.error,
            limit=args.limit or (10.0 if args.full else 2.0),
            budget=args.budget or (1.0 if args.full else 0.2),
        )
        rows.append(row_of(cell, outcome, fit))
        print(line(rows[-1]), flush=True)
    finish(name, rows, time.perf_counter() - started)


def row_of(cell: Cell, outcome: Outcome, contenders: Sequence[Contender]) -> Row:
    best = outcome.best_rival
    remarks = [f"{name} is off by {outcome.errors[name]:.1e}" for name in outcome.wrong]
    if outcome.left_out:
        remarks.append(f"over the limit: {', '.join(outcome.left_out)}")
    first = next((c.name for c in contenders[1:] if c.name in outcome.errors), None)
    return Row(
        cell.kernel,
        cell.shape,
        cell.m,
        cell.n,
        outcome.seconds.get(OURS, math.nan),
        outcome.median.get(OURS, math.nan),
        outcome.seconds[best] if best else math.nan,
        outcome.median[best] if best else math.nan,
        best or "",
        outcome.ratio,
        outcome.errors[first] if first else math.nan,
        outcome.alarm,
        "; ".join(remarks),
    )


ERRORS = "hv_approx"  # rows of this kernel hold errors at equal time in place of times
HEAD = (
    f"{'kernel':30} {'shape':14} {'m':>2} {'n':>8} {'ours':>10} {'rival':>10} {'which':18} "
    f"{'ratio':>7} {'error':>8}"
)


def line(row: Row) -> str:
    shown = "{:.1e}".format if row.kernel.startswith(ERRORS) else duration
    return (
        f"{row.kernel:30} {row.shape:14} {row.m:2} {row.n:8} {shown(row.ours):>10} "
        f"{shown(row.rival):>10} {row.which:18} {row.ratio:7.2f} {row.error:8.1e} {row.remark}"
    ).rstrip()


def finish(name: str, rows: Sequence[Row], seconds: float) -> None:
    path = RESULTS / f"{name}.csv"
    write(path, rows)
    print(f"\n{summary(rows)}\n{len(rows)} cells in {seconds:.0f} s; {path}\n")
    if any(row.alarm for row in rows):
        print(f"{name}: results differ where they should not, see the remarks", file=sys.stderr)
        sys.exit(1)


def write(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {machine.summary()}\n")
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(row) for row in rows)


def read(path: Path) -> tuple[str, list[Row]]:
    """Return what machine the rows were measured on, and the rows."""
    kinds = {str: str, int: int, float: float, bool: lambda text: text == "True"}
    with path.open(encoding="utf-8", newline="") as file:
        about = file.readline().removeprefix("# ").strip()
        rows = [
            Row(*(kinds[f.type](values[f.name]) for f in fields(Row)))
            for values in csv.DictReader(file)
        ]
    return about, rows


SUMMARY_HEAD = (
    "target", "m", "cells", "mean ratio", "wanted", "worst", "floor", "worst cell", "met"
)  # fmt: skip


def summary_rows(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """For each target with cells: geometric mean of the ratios and the worst cell."""
    lines = []
    for target in TARGETS:
        cells = [row for row in rows if target.holds(row)]
        known = [row for row in cells if not math.isnan(row.ratio)]
        too_slow = [row for row in cells if math.isnan(row.ours)]
        if not known:
            continue
        mean = math.exp(sum(math.log(row.ratio) for row in known) / len(known))
        worst = min(known, key=lambda row: row.ratio)
        reached = {"mean": mean >= target.goal, "floor": worst.ratio >= target.floor}
        met = ", ".join(what for what, true in reached.items() if true) or "no"
        if math.isnan(target.goal):
            met = ""
        if too_slow:
            met = f"ours over the limit in {len(too_slow)}"
        m = target.objectives
        lines.append(
            (
                target.group + (f", n >= {target.least_n}" if target.least_n else ""),
                f"{m[0]}" if len(m) == 1 else f"{m[0]} to {m[-1]}",
                str(len(known)),
                f"{mean:.2f}",
                given(target.goal),
                f"{worst.ratio:.2f}",
                given(target.floor),
                f"{worst.shape} m={worst.m} n={worst.n} ({worst.which})",
                met,
            )
        )
    return lines


def given(number: float) -> str:
    return "-" if math.isnan(number) else f"{number:g}"


def summary(rows: Sequence[Row]) -> str:
    table = [SUMMARY_HEAD, *summary_rows(rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in table
    )
