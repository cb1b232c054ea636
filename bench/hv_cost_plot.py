"""The picture of hv_cost.py: nine panels, time on a log scale, a method is one colour in all."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe and Ito's colours, told apart by most colour-blind readers; markers differ as well.
STYLES: dict[str, dict[str, Any]] = {
    "lamoo_fast avx512": {"color": "#D55E00", "marker": "o", "lw": 2.2, "zorder": 5},
    "lamoo_fast avx2": {"color": "#D55E00", "marker": "s", "lw": 1.2, "alpha": 0.7},
    "lamoo_fast baseline": {"color": "#D55E00", "marker": "^", "lw": 1.2, "alpha": 0.45},
    "lamoo_fast neon": {"color": "#D55E00", "marker": "o", "lw": 2.2, "zorder": 5},
    "moocore": {"color": "#0072B2", "marker": "D"},
    "hvwfg": {"color": "#009E73", "marker": "v"},
    "pygmo": {"color": "#000000", "marker": "x"},
    "lamoo_fast approximate": {"color": "#CC79A7", "marker": "o", "lw": 2.2, "zorder": 4},
    "moocore Rphi-FWE+": {"color": "#56B4E9", "marker": "D"},
    "moocore DZ2019-MC": {"color": "#56B4E9", "marker": "<"},
    "moocore DZ2019-HW": {"color": "#56B4E9", "marker": ">"},
    "pygmo FPRAS": {"color": "#999999", "marker": "x"},
}


def draw(costs: Sequence[Any], about: str) -> Figure:
    """Rows of panels: exact methods against objectives and points, then approximate ones."""
    leaf_sizes = sorted({c.n for c in costs if not c.exact}) or sorted({c.n for c in costs})[:3]
    deep = sorted({c.m for c in costs if c.n not in leaf_sizes})
    best = next((name for name in STYLES if any(c.method == name for c in costs)), "")
    exact = [c for c in costs if c.exact]
    names = {c.method for c in exact}
    approximate = [c for c in costs if not c.exact or c.method == best]
    rows = (
        [(f"exact, {n} points", [c for c in exact if c.n == n], "m") for n in leaf_sizes],
        [(f"exact, {m} objectives", [c for c in exact if c.m == m], "n") for m in deep],
        [(f"approximate, {n} points", [c for c in approximate if c.n == n], "m")
         for n in leaf_sizes],
    )  # fmt: skip
    columns = max(map(len, rows))
    figure = Figure(figsize=(3.4 * columns, 9.0), dpi=120, layout="constrained")
    axes = figure.subplots(3, columns, squeeze=False, sharey=True)
    shown: dict[str, Any] = {}
    for panels, row in zip(rows, axes, strict=True):
        row[0].set_ylabel("seconds")
        for ax, (title, chosen, along) in zip(row, panels, strict=False):
            for method, style in STYLES.items():
                points = sorted(
                    (getattr(c, along), c.seconds) for c in chosen if c.method == method
                )
                if points:
                    (line,) = ax.plot(
                        *zip(*points, strict=True),
                        **{"ls": "-" if method in names else "--", "lw": 1.2, "ms": 3.5, **style},
                    )
                    shown.setdefault(method, line)
            ax.set(yscale="log", xlabel="objectives" if along == "m" else "points")
            ax.set_title(title, fontsize=9)
            if along == "n":
                ax.set_xscale("log")
            else:
                ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.grid(alpha=0.3, lw=0.5)
        for ax in row[len(panels) :]:
            ax.remove()
    figure.legend(
        list(shown.values()), list(shown), loc="outside lower center", ncols=4, fontsize=8,
        frameon=False, title=about, title_fontsize=6,
    )  # fmt: skip
    return figure
