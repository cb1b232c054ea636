"""Cost of choosing a leaf: hypervolumes and seconds of `ask`, for path and leaf selection.

A search with the uniform sampler is told n random points and asked for one, told of 5 more points
and asked again. "exact" never estimates a hypervolume. Points are those near a simplex, nearly all
of them non-dominated and as dear as any, and cells of NAS-Bench-201 with accuracies and latencies:
those of the first Pareto ranks, as at the end of a search, and random ones (LAMOO_DATA is the
folder of the table). Seconds are those of the processor, so that other work does not count. A
method that goes over the limit is not asked for more points or objectives.

    python bench/bench_selection.py --limit 10 --out results/bench/selection
    python bench/bench_selection.py --plot-only --out results/bench/selection
"""

import argparse
import csv
import math
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from cases import COLUMNS
from compare import RESULTS
from hv_cost import Within
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import lamoo_fast as lf
from lamoo_fast import machine
from lamoo_fast.nas import Table, data_folder
from lamoo_fast.nas.nasbench201 import nasbench201_joined
from lamoo_fast.search import tree as tree_module
from lamoo_fast.search import volume as volume_module

PROBLEMS = ("simplex", "nasbench201, best", "nasbench201")
OBJECTIVES = tuple(range(2, 16))
POINTS = (200, 500, 1000)
MORE = 5  # points told before the second ask
REPEATS = 9
METHODS: dict[str, tuple[Any, bool]] = {  # the selection and whether it is exact
    "path, exact": (lf.Path(), True),
    "leaf, exact": (lf.Leaf(), True),
    "path": (lf.Path(), False),
    "leaf": (lf.Leaf(), False),
}


@dataclass(frozen=True)
class Cost:
    """One ask: `rows` is the size of the largest set whose hypervolume was computed."""

    problem: str
    m: int
    n: int
    method: str
    ask: str  # "first", or "next" after 5 more points
    volumes: int
    rows: int
    selection: float  # s
    seconds: float  # of the whole ask


class Watched:
    """A selection that tells what it took: seconds, and rows of each hypervolume it computed.

    Short ones are done up to `REPEATS` times for the least time.
    """

    def __init__(self, selection: Any) -> None:
        self.selection = selection

    def select(self, tree: Any) -> int:
        known = tree._volumes, tree._volume_of, tree._values
        self.seconds, self.all_seconds = math.inf, 0.0
        with mock.patch.object(tree_module, "volumes", self.volumes):
            for _ in range(REPEATS):
                self.rows: list[int] = []
                tree._volumes, tree._volume_of = map(dict, known[:2])
                tree._values = known[2].copy()
                start = time.process_time()
                leaf = self.selection.select(tree)
                seconds = time.process_time() - start
                self.seconds = min(self.seconds, seconds)
                self.all_seconds += seconds
                if self.all_seconds > 0.1:
                    break
        return int(leaf)

    def volumes(self, F: np.ndarray, which: np.ndarray, k: int, ref: np.ndarray) -> Any:
        self.rows += np.bincount(which, minlength=k).tolist()
        return volume_module.volumes(F, which, k, ref)


def points(problem: str, n: int, m: int) -> tuple[lf.Space, list[dict], np.ndarray]:
    """A space, n + MORE of its points and their objectives, minimised."""
    rng = np.random.default_rng([n, m])
    if problem == "simplex":
        X = rng.random((n + MORE, m))
        space = lf.Space({f"x{i}": lf.Float(0, 1) for i in range(m)})
        F = np.log(X) / np.log(X).sum(axis=1, keepdims=True) * (1 + 0.1 * X[:, :1])
        return space, space.decode(X), F
    cells = nasbench201()
    assert isinstance(cells, Table)
    rows = rng.permutation(len(cells.configs))
    if problem == "nasbench201, best":
        first = np.argsort(lf.pareto_rank(values(m)[rows]), kind="stable")
        rows = rng.permutation(rows[first[: n + MORE]])
    rows = rows[: n + MORE]
    return cells.space, [cells.configs[i] for i in rows], values(m)[rows]


@cache
def values(m: int) -> np.ndarray:
    """The first m objectives of all cells, minimised."""
    cells = nasbench201()
    assert isinstance(cells, Table)
    names = [o.name for o in cells.objectives]
    F = cells.values[:, [names.index(name) for name in list(COLUMNS)[:m]]]
    return F * np.where(list(COLUMNS.values())[:m], -1, 1)


@cache
def nasbench201() -> Table | str:
    """The table, or why it is not there."""
    try:
        return nasbench201_joined(data_folder())
    except (OSError, ValueError) as error:
        return f"left out: {error}"


def costs(problem: str, n: int, m: int, method: str) -> Iterator[Cost]:
    selection, exact = METHODS[method]
    space, configs, F = points(problem, n, m)
    opt = lf.LaMOO(
        space,
        ["minimize"] * m,
        ref=F.max(axis=0) + 0.1 * np.ptp(F, axis=0),
        sampler=lf.UniformSampler(),
        selection=(watched := Watched(selection)),
        seed=0,
    )
    with ExitStack() as stack:
        if exact:
            limits = dict.fromkeys(OBJECTIVES, sys.maxsize)
            stack.enter_context(mock.patch.object(volume_module, "EXACT_UP_TO", limits))
        for ask, rows in (("first", slice(n)), ("next", slice(n, n + MORE))):
            opt.tell(configs[rows], F[rows])
            start = time.process_time()
            opt.ask()
            seconds = time.process_time() - start - watched.all_seconds + watched.seconds
            sizes = watched.rows
            yield Cost(
                problem, m, n, method, ask, len(sizes), max(sizes, default=0), watched.seconds,
                seconds,
            )  # fmt: skip


def measure(problems: list[str], limit: float) -> Iterator[Cost]:
    """Cell by cell, so that a busy moment hits all methods alike."""
    within = {(p, method): Within(limit) for p in problems for method in METHODS}
    for problem in problems:
        for n in POINTS:
            for m in OBJECTIVES:
                for method in METHODS:
                    known = within[problem, method]
                    if known.allows(m, n):
                        found = list(costs(problem, n, m, method))
                        known.known[m, n] = max(cost.selection for cost in found)
                        yield from found


def table(found: list[Cost]) -> str:
    """Markdown: a line for each problem, n and m."""
    cells = {(c.problem, c.n, c.m, c.method, c.ask): c for c in found}
    lines = [
        "| points | m | " + " | ".join(METHODS) + " | path, exact / leaf |",
        "|---" * (3 + len(METHODS)) + "|",
    ]
    for problem, n, m in dict.fromkeys((c.problem, c.n, c.m) for c in found):
        row = [f"{problem}, {n}", str(m)]
        for method in METHODS:
            first = cells.get((problem, n, m, method, "first"))
            after = cells.get((problem, n, m, method, "next"))
            row.append(
                f"{first.volumes}: {milliseconds(first.selection)} of {milliseconds(first.seconds)}"
                f"; {after.volumes}: {milliseconds(after.selection)}"
                if first and after
                else "over the limit"
            )
        dear, cheap = (cells.get((problem, n, m, k, "first")) for k in ("path, exact", "leaf"))
        row.append(f"{dear.selection / cheap.selection:.3g}" if dear and cheap else "")
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def milliseconds(seconds: float) -> str:
    return f"{float(f'{1e3 * seconds:.2g}'):g}"


STYLES: dict[str, dict[str, Any]] = {
    "path, exact": {"color": "#000000", "marker": "x"},
    "leaf, exact": {"color": "#0072B2", "marker": "s"},
    "path": {"color": "#E69F00", "marker": "^"},
    "leaf": {"color": "#D55E00", "marker": "o"},
}


def draw(found: list[Cost], about: str) -> Figure:
    """Seconds of the selection in the first ask, and of the whole ask as thin lines."""
    problems = list(dict.fromkeys(c.problem for c in found))
    sizes = sorted({c.n for c in found})
    figure = Figure(
        figsize=(3.2 * len(sizes), 2.7 * len(problems) + 2.9), dpi=150, layout="constrained"
    )
    axes = figure.subplots(len(problems) + 1, len(sizes), squeeze=False, sharex=True, sharey="row")
    for column, n in enumerate(sizes):
        for row, problem in enumerate([*problems, problems[0]]):
            ax, counting = axes[row][column], row == len(problems)
            for method, style in STYLES.items():
                first = sorted(
                    (c.m, c.volumes if counting else c.selection, c.seconds)
                    for c in found
                    if (c.problem, c.n, c.method, c.ask) == (problem, n, method, "first")
                )
                if not first:
                    continue
                m, y, whole = zip(*first, strict=True)
                ax.plot(m, y, **style, ms=3.5, lw=1.4, label=method)
                if not counting:
                    ax.plot(m, whole, color=style["color"], lw=0.6, ls=":")
            ax.set_title(f"{problem}, {n} points", fontsize=9)
            ax.grid(alpha=0.3, lw=0.5)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            if not counting:
                ax.set_yscale("log")
    for row in axes[:-1]:
        row[0].set_ylabel("seconds of the selection\n(dotted: of the whole ask)", fontsize=8)
    axes[-1][0].set_ylabel("hypervolumes in one ask", fontsize=8)
    axes[-1][0].set_ylim(bottom=0)
    for ax in axes[-1]:
        ax.set_xlabel("objectives")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False,
        title=about, title_fontsize=6,
    )  # fmt: skip
    return figure


ABOUT = """\
For path and leaf selection: hypervolumes computed, then milliseconds of the selection of the
milliseconds of the whole ask; after the semicolon the selection of the next ask, 5 points later.
The last column is the ratio of the times of the first selection.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of a selection (10)")
    parser.add_argument("--out", type=Path, default=RESULTS / "selection", help="without suffix")
    parser.add_argument("--plot-only", action="store_true", help="draw the CSV of an earlier run")
    args = parser.parse_args()

    path = args.out.with_suffix(".csv")
    if not args.plot_only:
        problems = list(PROBLEMS)
        if isinstance(nasbench201(), str):
            print("nasbench201", nasbench201())
            problems = problems[:1]
        list(costs(problems[0], 50, 2, "leaf"))  # imports and caches
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(f"# {machine.summary()}\n")
            writer = csv.writer(file)
            writer.writerow([field.name for field in fields(Cost)])
            for cost in measure(problems, args.limit):
                writer.writerow(astuple(cost))
                file.flush()
                print(*astuple(cost), flush=True)
    about, *lines = path.read_text(encoding="utf-8").splitlines()
    about = about.removeprefix("# ")
    found = [
        Cost(
            row["problem"], int(row["m"]), int(row["n"]), row["method"], row["ask"],
            int(row["volumes"]), int(row["rows"]), float(row["selection"]), float(row["seconds"]),
        )
        for row in csv.DictReader(lines)
    ]  # fmt: skip
    args.out.with_suffix(".md").write_text(f"{about}\n\n{ABOUT}\n{table(found)}", encoding="utf-8")
    draw(found, about).savefig(args.out.with_suffix(".png"))
    print(args.out.with_suffix(".md"), args.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
