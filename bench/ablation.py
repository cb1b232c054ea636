"""Ablations: what each part of LaMOO contributes, on the problems and runs of the study.

    python bench/ablation.py --workers 2          # starts, or goes on where it was stopped
    python bench/ablation.py --report             # tables and a plot of what there is

Each variant changes one thing of a base: LaMOO with its default sampler, or with the uniform one,
where the tree is all there is. Figures are the difference of a variant to its base.
"""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from matplotlib.figure import Figure
from search import arguments, chosen, perform
from search_methods import WITHOUT_TREE, Entry, Ours, ours
from search_report import measured, page
from search_stats import Study, gain, half_width

import lamoo_fast as lf

BASES: dict[str, Any] = {"default": lf.EHVISampler, "uniform": lf.UniformSampler}
CHANGES: dict[str, dict[str, Any]] = {
    "no tree": {"leaf_size": WITHOUT_TREE},
    "kernel linear": {"classifier": lf.SVMClassifier("linear")},
    "kernel poly": {"classifier": lf.SVMClassifier("poly")},
    "c_p 0": {"selection": lf.Leaf(c_p=0.0)},
    "c_p 0.05": {"selection": lf.Leaf(c_p=0.05)},
    "c_p 0.3": {"selection": lf.Leaf(c_p=0.3)},
    "leaf size 5": {"leaf_size": 5},
    "leaf size 20": {"leaf_size": 20},
    "path": {"selection": lf.Path()},
    "greedy": {"selection": lf.Greedy()},
    "surrogate": {"surrogate": lf.Surrogate()},
}
INITIAL = (5, 20, 40)


class Unwarped(lf.EHVISampler):
    """The default sampler with warps of the objectives that are next to straight lines."""

    def draw(self, region: Any, n: int, view: Any) -> np.ndarray:
        from lamoo_fast.search.warp import LogWarp

        high = LogWarp.LOG_SHIFTS[1]
        with mock.patch.object(LogWarp, "LOG_SHIFTS", (high - 1e-3, high)):
            return super().draw(region, n, view)


class Confined(lf.EHVISampler):
    """The default sampler that stays in the region where it could look at the whole space too."""

    def _listed(self, region: Any, view: Any) -> np.ndarray | None:
        X = super()._listed(region, view)
        return None if X is None else X[region.contains(X)]


class Relabelled(Ours):
    """LaMOO with another order of rows that are equal in dominance, of more than two objectives."""

    def __init__(self, *args: Any, order: Callable[[np.ndarray], np.ndarray], **settings: Any):
        self.order = order
        super().__init__(*args, **settings)

    def ask(self) -> np.ndarray:
        with mock.patch("lamoo_fast.search.partition.rank_sum", self.order):
            return super().ask()


def alike(F: np.ndarray) -> np.ndarray:
    return np.zeros(len(F))


def scaled(F: np.ndarray) -> np.ndarray:
    span = np.ptp(F, axis=0)
    return (F - F.min(axis=0)) / np.where(span > 0, span, 1.0)


def contribution(F: np.ndarray) -> np.ndarray:
    """What a row alone adds to the hypervolume, largest first."""
    return -lf.hv_approx_contributions(scaled(F), 1.1, n_samples=1024, seed=0).value


def nearly_dominating(F: np.ndarray) -> np.ndarray:
    """Number of rows that would dominate if they were better by a tenth of the range."""
    F = scaled(F)
    return np.array([(f >= F - 0.1).all(axis=1).sum() for f in F], dtype=float)


ORDERS = {"none": alike, "contribution": contribution, "epsilon": nearly_dominating}


def variants() -> dict[str, Entry]:
    """All variants by name: "base" or "base: what is changed"."""
    found = {}
    for base, sampler in BASES.items():
        entry = ours(sampler)
        found[base] = entry
        for what, settings in CHANGES.items():
            found[f"{base}: {what}"] = ours(sampler, **settings)
        for n in INITIAL:
            found[f"{base}: initial {n}"] = dataclasses.replace(entry, n_initial=n)
    found["default: confined"] = ours(Confined)
    found["default: confined, leaf size 20"] = ours(Confined, leaf_size=20)
    for what, order in ORDERS.items():
        make = partial(Relabelled, sampler=lf.UniformSampler, order=order)
        found[f"uniform: ties by {what}"] = Entry(make, ours=True)
    found["default: sampler cma"] = ours(lf.CMASampler)
    found["default: no warping"] = ours(Unwarped)
    return found


def main() -> int:
    parser = arguments(__doc__, Path(__file__).parent / "runs/ablation")
    known = variants()
    parser.add_argument("--variants", nargs="+", default=list(known), help=", ".join(known))
    parser.set_defaults(problems=["nb201", "nb201-raspi4", "macro", "graph-cora", "branin-currin"])
    args = parser.parse_args()
    status = (
        0 if args.report else perform(parser, args, chosen(parser, "variant", args.variants, known))
    )
    write(args.out)
    return status


def write(out: Path) -> None:
    """Write the table and the picture into the folder that has the runs."""
    found = measured(out)
    changes = differences(found)
    rows = [
        [variant, base, *(f"{x:+.3f}" for x in (mean, low, high)), str(problems), times]
        for variant, base, mean, low, high, problems, times in changes
    ]
    head = ["variant", "base", "difference", "from", "to", "problems", "times fewer evaluations"]
    (out / "report.md").write_text(page(out, "ablation", ABOUT, head, rows))
    draw(changes).savefig(out / "ablation.png", dpi=150)


ABOUT = """What a change does to the log10 gap at the end

Difference of the variant to its base, negative where the variant is better: mean over the problems
of the mean over paired seeds, with a 95 % interval over the seeds. Times fewer evaluations than
its base the variant needs for the level at which the worse of both ends, as a geometric mean."""

Change = tuple[str, str, float, float, float, int, str]


def differences(found: Study) -> list[Change]:
    rows = []
    names = dict.fromkeys(name for methods in found.values() for name in methods)
    for variant in sorted(names):
        base, _, what = variant.partition(": ")
        per_problem = []
        for methods in found.values():
            if what and base in methods and variant in methods:
                a, b = methods[variant], methods[base]
                both = sorted(set(a.seeds) & set(b.seeds))
                if both:
                    per_problem.append(a.of(both)[:, -1] - b.of(both)[:, -1])
        if per_problem:
            mean = float(np.mean([gaps.mean() for gaps in per_problem]))
            widths = np.array([half_width(gaps) for gaps in per_problem])
            width = float(np.sqrt((widths**2).sum()) / len(widths))
            times = gain(found, variant, base)
            assert times is not None
            told = f"{times[0]:.2f} ({times[1]:.2f} to {times[2]:.2f})"
            rows.append((variant, base, mean, mean - width, mean + width, len(widths), told))
    return rows


def draw(changes: list[Change]) -> Figure:
    """One line a variant: the difference and its interval."""
    figure = Figure(figsize=(7.5, 1.2 + 0.27 * len(changes)), layout="constrained")
    ax = figure.subplots()
    colors: Mapping[str, str] = {"default": "#D55E00", "uniform": "#0072B2"}
    for i, (_, base, mean, low, high, *_) in enumerate(changes):
        color = colors.get(base, "#000000")
        ax.plot([low, high], [i, i], color=color, lw=1.5)
        ax.plot([mean], [i], "o", color=color, ms=5)
    ax.axvline(0, color="#999999", lw=1)
    ax.set_yticks(range(len(changes)), [change[0] for change in changes], fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("log10 gap at the end, variant minus base; left is better")
    ax.grid(axis="x", alpha=0.3)
    return figure


if __name__ == "__main__":
    sys.exit(main())
