"""What the study comes to: tables as CSV and markdown, and pictures of the curves."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from search_methods import OURS, RIVALS, SAMPLERS
from search_problems import N_INITIAL
from search_stats import Curves, Study, first_at, gain, geometric_mean, levels, read

# Okabe and Ito's colours, told apart by most colour-blind readers; lines and markers differ too.
STYLES: dict[str, dict[str, Any]] = {
    "random": {"color": "#999999", "ls": ":"},
    "mutation": {"color": "#000000", "ls": "--"},
    "nsga2": {"color": "#E69F00"},
    "nsga3": {"color": "#E69F00", "ls": "--"},
    "sms-emoa": {"color": "#E69F00", "ls": ":"},
    "como-cma": {"color": "#999999", "ls": "-."},
    "hamming-gp": {"color": "#0072B2", "ls": "--"},
    "hamming-gp-known": {"color": "#0072B2", "ls": ":"},
    "motpe": {"color": "#009E73"},
    "optuna-nsga2": {"color": "#009E73", "ls": ":"},
    "optuna-gp": {"color": "#009E73", "ls": "--"},
    "qlognehvi": {"color": "#0072B2"},
    "lamoo": {"color": "#D55E00", "lw": 2.4},
    "lamoo-notree": {"color": "#D55E00", "ls": "--"},
    "lamoo-uniform": {"color": "#CC79A7", "lw": 1.8},
    "lamoo-uniform-notree": {"color": "#CC79A7", "ls": "--"},
    "lamoo-cma": {"color": "#56B4E9", "lw": 1.8},
    "lamoo-cma-notree": {"color": "#56B4E9", "ls": "--"},
    "lamoo-b5": {"color": "#D55E00", "ls": ":"},
    "lamoo-known": {"color": "#D55E00", "ls": "-."},
    "lamoo-structure": {"color": "#F0E442", "lw": 1.8},
    "lamoo-known-structure": {"color": "#F0E442", "lw": 2.4, "ls": "-."},
    "lamoo-notree-known": {"color": "#D55E00", "ls": (0, (1, 4))},
}


def measured(out: Path) -> Study:
    """Read the runs in the folder, or end with what is wrong with them."""
    path = out / "runs.csv"
    if not path.exists():
        raise SystemExit(f"{path} is not there; wanted runs to report")
    try:
        found = read(path)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if not found:
        raise SystemExit(f"{path} has no run; wanted some to report")
    return found


def write(out: Path) -> None:
    """Write tables and pictures into the folder that has the runs."""
    found = measured(out)
    pages = [
        page(out, "ends", "Mean log10 gap at the end of the budget", *ends(found)),
        page(out, "levels", LEVELS, *level_rows(found)),
        page(out, "published", PUBLISHED, *published_rows(found)),
        page(out, "tree", TREE, *tree_rows(found)),
        page(out, "seconds", "Mean seconds an evaluation, asking and telling", *seconds(found)),
    ]
    (out / "report.md").write_text("\n".join(pages))
    draw(found).savefig(out / "curves.png", dpi=150)
    for problem in found:
        draw({problem: found[problem]}).savefig(out / f"curves-{problem}.png", dpi=150)


LEVELS = """Evaluations to the level that the best rival's mean curve reaches at the end

The share is that of the budget. Where ours does not reach the level it is the inverse, the budget
over the rival's evaluations to where ours ends. Rivals that are told an objective in closed form
are compared with ours that are told it too. The difference of the log10 gaps at the end has a
paired 95 % interval and is negative where ours is better."""

TREE = """How many times fewer evaluations a sampler needs with the tree than without

To the level at which the worse of both ends. Geometric mean over the problems, 95 % bootstrap
interval over the seeds."""


# Where the published mean curves of qEHVI in LaMOO end, at 99 evaluations.
LAMOO_AT_99 = {"nb201": -0.597, "branin-currin": -0.169, "vehicle-safety": 0.093}
POINTS = (20, 40, 60, 80, 99)

PUBLISHED = """Mean log10 gap on the way, and the median of the evaluations to the published level

The level is where the authors' qEHVI in LaMOO ends after 99 evaluations; seeds are those that
reach it."""

Rows = tuple[list[str], list[list[str]]]


def page(out: Path, name: str, about: str, head: list[str], rows: list[list[str]]) -> str:
    """Write a table as CSV and return it as markdown."""
    with open(out / f"{name}.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    title, _, text = about.partition("\n\n")
    lines = [f"## {title}", "", *([text, ""] if text else []), *markdown(head, rows)]
    return "\n".join(lines) + "\n"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def ordered(found: Study) -> list[str]:
    """Methods that took part, in the order of the study; others after them."""
    there = {method for methods in found.values() for method in methods}
    known = [method for method in (*RIVALS, *OURS) if method in there]
    return known + sorted(there - set(known))


def ends(found: Study) -> Rows:
    names = ordered(found)
    rows = [
        [problem, *(at_the_end(methods[name]) if name in methods else "" for name in names)]
        for problem, methods in found.items()
    ]
    return ["problem", *names], rows


def at_the_end(curves: Curves) -> str:
    """Mean, half of its 95 % interval, and number of seeds."""
    n = len(curves.seeds)
    interval = f" ± {curves.half_width[-1]:.3f}" if n > 1 else ""
    return f"{curves.mean[-1]:.3f}{interval} ({n})"


def published_rows(found: Study) -> Rows:
    """Methods on the problems whose curves LaMOO's authors published."""
    head = ["problem", "method", *(f"at {n}" for n in POINTS), "level", "evaluations", "seeds"]
    rows = []
    for problem, level in LAMOO_AT_99.items():
        for name in ordered(found):
            if name not in found.get(problem, {}):
                continue
            curves = found[problem][name]
            mean = curves.mean
            n, arrived = first_at(curves, level)
            needed = f"{n:.0f}" if n < np.inf else f"> {len(mean)}"
            rows.append([
                problem, name, *(f"{mean[i - 1]:.3f}" if i <= len(mean) else "" for i in POINTS),
                f"{level}", needed, f"{arrived} of {len(curves.seeds)}",
            ])  # fmt: skip
    return head, rows


def level_rows(found: Study, methods: Iterable[str] | None = None) -> Rows:
    head = ["problem", "ours", "best rival", "level", "evaluations", "budget", "share",
            "share (medians)", "difference", "95 % ±", "seeds", "worse"]  # fmt: skip
    rows = []
    for method in ordered(found) if methods is None else methods:
        if method in RIVALS:
            continue
        equal = [name for name in RIVALS if "known" in method or "known" not in name]
        compared = levels(found, method, equal)
        for row in compared:
            budget = found[row.problem][method].gaps.shape[1]
            rows.append([
                row.problem, method, row.rival, f"{row.level:.3f}",
                "not reached" if row.evaluations is None else str(row.evaluations), str(budget),
                f"{row.share:.3f}", f"{row.median_share:.3f}", f"{row.difference:+.3f}",
                f"{row.interval:.3f}", str(row.seeds), "yes" if row.worse else "no",
            ])  # fmt: skip
        if compared:
            mean = geometric_mean(row.share for row in compared)
            median = geometric_mean(row.median_share for row in compared)
            rows.append([
                f"geometric mean of {len(compared)}", method, "", "", "", "", f"{mean:.3f}",
                f"{median:.3f}", "", "", "", f"on {sum(row.worse for row in compared)}",
            ])  # fmt: skip
    return head, rows


def tree_rows(found: Study) -> Rows:
    rows = []
    for name in SAMPLERS:
        result = gain(found, name, f"{name}-notree")
        if result is not None:
            value, low, high, problems = result
            rows.append([name, f"{value:.2f}", f"{low:.2f}", f"{high:.2f}", str(problems)])
    return ["sampler", "times fewer", "from", "to", "problems"], rows


def seconds(found: Study) -> Rows:
    names = ordered(found)
    rows = [
        [problem, *(
            f"{methods[n].seconds.mean() / max(methods[n].asked, 1):.4f}" if n in methods else ""
            for n in names
        )]
        for problem, methods in found.items()
    ]  # fmt: skip
    return ["problem", *names], rows


def draw(found: Study) -> Figure:
    """One panel a problem: mean log gap after each evaluation and its 95 % interval."""
    names = ordered(found)
    columns = min(4, len(found))
    lines = -(-len(found) // columns)
    single = len(found) == 1
    size = (8.0, 5.0) if single else (4.0 * columns, 3.2 * lines + 0.8)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    shown: dict[str, Any] = {}
    for ax, (problem, methods) in zip(axes, found.items(), strict=False):
        for name in names:
            if name not in methods:
                continue
            curves = methods[name]
            x = np.arange(N_INITIAL, curves.gaps.shape[1] + 1)
            style = {"lw": 1.2, **STYLES.get(name, {})}
            mean, width = curves.mean[N_INITIAL - 1 :], curves.half_width[N_INITIAL - 1 :]
            (line,) = ax.plot(x, mean, **style)
            low, high = mean - width, mean + width
            ax.fill_between(x, low, high, color=line.get_color(), alpha=0.12, lw=0)
            shown.setdefault(name, line)
        ax.set_title(problem, fontsize=10)
        ax.set_xlabel("evaluations")
        ax.margins(x=0)
        ax.grid(alpha=0.3)
    for ax in axes[::columns]:
        ax.set_ylabel("log10 hypervolume gap")
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    handles = [(line, name) for name, line in shown.items()]
    figure.legend(
        *zip(*handles, strict=True),
        loc="outside right upper" if single else "outside lower center",
        ncols=1 if single else 7,
        fontsize=8,
    )
    return figure
