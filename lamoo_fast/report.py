"""What a search leaves behind: its front as CSV, pictures, and a summary to print."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lamoo_fast.kernels import ParetoArchive
from lamoo_fast.nas import Problem, Table
from lamoo_fast.search import Float, LaMOO, PartitionTree, Trial

_ROWS_PRINTED = 40
_MAX_OBJECTIVES_TRACED = 5  # beyond, exact hypervolumes of long histories take minutes


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
        if best is not None:
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
    exact = m <= _MAX_OBJECTIVES_TRACED
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
                _trace(opt, opt.ref), best=best, title=title
            )
        tree = _tree(opt, opt.ref)
        chosen = opt.selection.select(tree) if exact else None
        figures["tree"] = plot.partition_tree(tree, chosen=chosen, values=exact, title=title)
        if problem.space.d == 2 and all(
            isinstance(p, Float) for p in problem.space.params.values()
        ):
            figures["regions"] = plot.regions(tree, opt.trials, chosen=chosen, title=title)
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png")
    return best


def _trace(opt: LaMOO, ref: Sequence[float]) -> list[float]:
    """Hypervolume after each trial, by id."""
    archive = ParetoArchive(ref, maximise=[d == "maximize" for d in opt.directions])
    volumes = []
    for trial in opt.trials:
        if trial.values is not None and trial.feasible:
            archive.add(np.array([trial.values]))
        volumes.append(archive.hypervolume)
    return volumes


def _tree(opt: LaMOO, ref: Sequence[float]) -> PartitionTree:
    """Tree over all trials; the search's own may not know the last ones."""
    m, c = len(opt.directions), opt.n_constraints
    told = opt.trials
    F = np.array([t.values or [np.nan] * m for t in told])
    G = np.array([t.constraints or [np.nan] * c for t in told]).reshape(len(told), c)
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in opt.directions])
    return PartitionTree.build(
        opt.space,
        np.array([t.x for t in told]),
        signs * F,
        signs * np.array(ref),
        opt.classifier,
        leaf_size=opt.leaf_size,
        G=G,
    )


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
