"""What a search leaves behind: its front as CSV, pictures, and a summary to print."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lamoo_fast.nas import Problem, Table
from lamoo_fast.record import EXACT_TRACES, partition, trace
from lamoo_fast.search import Float, LaMOO, Trial

_ROWS_PRINTED = 40


def write(problem: Problem, opt: LaMOO, front: Sequence[Trial], out: Path) -> str:
    """Write the front and the pictures of a search.

    Parameters
    ----------
    problem : Problem
    opt : LaMOO
        The search, with at least one feasible trial.
    front : sequence of Trial
        Its Pareto front, in the order to write.
    out : Path
        Folder to write to.

    Returns
    -------
    str
        The front as a table, and one line of summary.
    """
    failed = sum(t.status == "failed" for t in opt.trials)
    infeasible = sum(t.status == "done" and not t.feasible for t in opt.trials)
    fates = f"{failed} failed" + (f", {infeasible} infeasible" if problem.constraints else "")
    _write_front(problem, front, out / "front.csv")
    best = _draw(problem, opt, out)
    ref = opt.ref
    if ref is None:
        volume = "hypervolume unknown: no reference point yet"
    else:
        volume = f"hypervolume {opt.hypervolume():.6g}"
        if best:  # of a flat table there is none
            volume += f" ({100 * opt.hypervolume() / best:.2f} % of the true front's {best:.6g})"
        volume += f" against ({', '.join(f'{r:.6g}' for r in ref)})"
    return (
        f"{_table(problem, front)}\n\n"
        f"{volume}; {len(opt.trials)} evaluations, {fates}; results in {out}"
    )


def _write_front(problem: Problem, front: Sequence[Trial], path: Path) -> None:
    names = [o.name for o in problem.objectives]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *problem.space.names, *names, *problem.constraints])
        writer.writerows(
            [t.id, *t.config.values(), *(t.values or ()), *t.constraints] for t in front
        )


def _draw(problem: Problem, opt: LaMOO, out: Path) -> float | None:
    """Write the pictures; return the true front's hypervolume, if it is known."""
    from lamoo_fast import plot

    m = len(problem.objectives)
    exact = m <= EXACT_TRACES
    title = f"{problem.name}, LaMOO"
    table = problem if isinstance(problem, Table) else None
    true_front = table.true_front() if table is not None and exact else None
    best = table.hypervolume(opt.ref) if table is not None and exact else None
    figures = {}
    if m > 1:
        figures["pareto"] = plot.pareto(
            opt.trials, problem.objectives, ref=opt.ref, true_front=true_front, title=title
        )
    if opt.ref is not None:
        if exact:
            figures["hypervolume"] = plot.hypervolume_trace(
                trace(opt, opt.ref), best=best, title=title
            )
        tree = partition(opt, opt.ref)
        chosen = opt.selection.select(tree) if exact else None
        figures["tree"] = plot.partition_tree(tree, chosen=chosen, values=exact, title=title)
        if problem.space.d == 2 and all(
            isinstance(p, Float) for p in problem.space.params.values()
        ):
            figures["regions"] = plot.regions(tree, opt.trials, chosen=chosen, title=title)
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png")
    return best


def _table(problem: Problem, front: Sequence[Trial]) -> str:
    """Lay out the front in aligned columns."""
    head = ["id", *(o.label for o in problem.objectives), *problem.space.names]
    rows = [
        [str(t.id), *(f"{v:.6g}" for v in t.values or ()), *map(_short, t.config.values())]
        for t in front[:_ROWS_PRINTED]
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in [head, *rows]
    ]
    if len(front) > _ROWS_PRINTED:
        lines.append(f"... and {len(front) - _ROWS_PRINTED} more in front.csv")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
