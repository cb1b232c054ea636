"""Recorded searches beside each other: how far each came, how soon it was where others ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamoo_fast.record import EXACT_TRACES, Record, check_same_objectives, common_ref, trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROUNDING = 1e-12  # two searches with the same front may differ by this


@dataclass(frozen=True)
class Run:
    """One search of a comparison.

    Attributes
    ----------
    name : str
        Its folder.
    volumes : list of float
        Hypervolume after each trial, against the common reference point.
    failed, front : int
        Numbers of failed trials and of trials on the front.
    """

    name: str
    volumes: list[float]
    failed: int
    front: int

    @property
    def final(self) -> float:
        """Hypervolume in the end."""
        return self.volumes[-1] if self.volumes else 0.0

    def reached(self, level: float) -> int | None:
        """Number of evaluations after which the hypervolume is at least `level`; None if never."""
        enough = level - _ROUNDING * abs(level)
        return next((i for i, v in enumerate(self.volumes, start=1) if v >= enough), None)


@dataclass(frozen=True)
class Comparison:
    """Searches of the same objectives against one reference point.

    Attributes
    ----------
    runs : list of Run
        In the order given.
    ref : tuple of float
        In each objective the worst reference point of the searches.
    exact : bool
        Whether the hypervolumes are exact.
    """

    runs: list[Run]
    ref: tuple[float, ...]
    exact: bool

    @classmethod
    def of(cls, records: Sequence[Record]) -> Comparison:
        """Compare recorded searches.

        Raises
        ------
        ValueError
            If there are fewer than two, their objectives differ, or nothing is feasible.
        """
        if len(records) < 2:
            raise ValueError(f"got {len(records)} searches to compare; wanted at least 2")
        check_same_objectives(records)
        ref = common_ref(records)
        if ref is None:
            raise ValueError("no trial of these searches is done and feasible; nothing to compare")
        runs = [
            Run(
                str(record.folder),
                trace(record.opt, ref),
                sum(t.status == "failed" for t in record.opt.trials),
                len(record.opt.pareto_front()),
            )
            for record in records
        ]
        return cls(runs, ref, len(ref) <= EXACT_TRACES)

    def __str__(self) -> str:
        best = max(run.final for run in self.runs)
        rows = [["", "search", "evaluations", "failed", "front", "hypervolume", "of the best"]]
        for i, run in enumerate(self.runs, start=1):
            share = run.final / best if 0 < best < math.inf else math.nan
            counts = [str(len(run.volumes)), str(run.failed), str(run.front)]
            rows.append([str(i), run.name, *counts, f"{run.final:.6g}", f"{100 * share:.2f} %"])
        levels = [["evaluations until", *(f"end of {i + 1}" for i in range(len(self.runs)))]]
        for i, run in enumerate(self.runs, start=1):
            took = [run.reached(other.final) for other in self.runs]
            levels.append([f"{i} reaches", *("never" if t is None else str(t) for t in took)])
        how = "" if self.exact else ", estimated to 0.2 %"
        ref = ", ".join(f"{r:.6g}" for r in self.ref)
        return f"{_aligned(rows)}\n\n{_aligned(levels)}\n\nhypervolumes against ({ref}){how}"

    def draw(self) -> Figure:
        """Draw the hypervolumes after each evaluation."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 4.2), dpi=130, layout="constrained")
        axes = figure.add_subplot()
        for i, run in enumerate(self.runs):
            count = range(1, len(run.volumes) + 1)
            label = run.name.replace("$", r"\$")
            style = ("-", "--", "-.", ":")[i % 4]
            axes.step(count, run.volumes, where="post", ls=style, lw=1.6, label=f"{label} ")
        axes.set_xlabel("evaluations")
        axes.set_ylabel("hypervolume")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.legend(loc="lower right")
        return figure


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
