"""Pictures of cells as graphs and of chains of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _NODE = "#333333", "#dfe8f2"
# One colour per kind of operation, so that two pictures can be compared at a glance.
_COLOURS = {
    "skip": "#7f7f7f",
    "identity": "#7f7f7f",
    "pool": "#2ca02c",
    "dil": "#9467bd",
    "sep": "#1f77b4",
    "conv": "#c8102e",
}


class Edge(NamedTuple):
    """An operation between two nodes of a cell."""

    source: str
    target: str
    label: str


def draw_cells(
    cells: Mapping[str, tuple[Mapping[str, str], Sequence[Edge]]], *, title: str = ""
) -> Figure:
    """Draw cells below each other: nodes from left to right, operations as labelled arcs.

    Parameters
    ----------
    cells : mapping of str to (labels, edges)
        Per cell, by its heading: the labels of the nodes by key in the order of computation, and
        the edges.
    title : str
        Above the picture.

    Examples
    --------
    >>> figure = draw_cells({"": ({"a": "in", "b": "out"}, [Edge("a", "b", "conv")])})
    >>> len(figure.axes)
    1
    """
    from matplotlib.figure import Figure

    widest = max(len(labels) for labels, _ in cells.values())
    figure = Figure(
        figsize=(max(6.0, 1.9 * widest), 3.6 * len(cells) + 0.4), dpi=110, layout="constrained"
    )
    for axes, (heading, (labels, edges)) in zip(
        figure.subplots(len(cells), squeeze=False)[:, 0], cells.items(), strict=True
    ):
        _draw_cell(axes, labels, edges)
        axes.set_title(heading, fontsize=10, loc="left")
    figure.suptitle(title.replace("$", r"\$"), fontsize=9)
    return figure


def _draw_cell(axes: Axes, labels: Mapping[str, str], edges: Sequence[Edge]) -> None:
    from matplotlib.patches import FancyArrowPatch

    place = {key: x for x, key in enumerate(labels)}
    above: dict[tuple[str, str], int] = {}
    for number, edge in enumerate(edges):
        a, b = place[edge.source], place[edge.target]
        # Neighbours are joined straight; longer edges, and a second one between the same nodes,
        # go round, in turn above and below.
        twin = above[edge[:2]] = above.get(edge[:2], -1) + 1
        span = b - a
        bend = 0.0 if span == 1 and not twin else (0.28 + 0.12 * twin) * (-1) ** number
        colour = _colour(edge.label)
        axes.add_patch(
            FancyArrowPatch(
                (a, 0), (b, 0), connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>",
                mutation_scale=12, shrinkA=16, shrinkB=16, color=colour, lw=1.5,
            )
        )  # fmt: skip
        # a quadratic arc with control point (span / 2, -bend span) is half as high in its middle
        axes.text(
            (a + b) / 2, -bend * span / 2, edge.label, color=colour, fontsize=7.5,
            ha="center", va="center", bbox={"fc": "white", "ec": "none", "pad": 0.6},
        )  # fmt: skip
    for key, x in place.items():
        axes.text(
            x, 0, labels[key], ha="center", va="center", fontsize=8, color=_INK,
            bbox={"boxstyle": "round,pad=0.4", "fc": _NODE, "ec": _INK, "lw": 0.8},
        )  # fmt: skip
    reach = max(0.5, 0.24 * (len(labels) - 1))
    axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(-reach, reach))
    axes.set_axis_off()


def _colour(label: str) -> str:
    return next((colour for part, colour in _COLOURS.items() if part in label), _INK)
