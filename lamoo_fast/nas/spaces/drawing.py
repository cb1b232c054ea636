"""Pictures of cells as graphs and of networks as chains of blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _NODE, _JOIN = "#333333", "#dfe8f2", "#b0b0b0"
# One colour per kind of operation, so that two pictures can be compared at a glance.
_COLOURS = {
    "skip": "#7f7f7f",
    "identity": "#7f7f7f",
    "pool": "#2ca02c",
    "dil": "#9467bd",
    "sep": "#1f77b4",
    "conv": "#c8102e",
    "kernel 3": "#9ecae1",
    "kernel 5": "#4292c6",
    "kernel 7": "#08519c",
    "tanh": "#1f77b4",
    "relu": "#c8102e",
    "sigmoid": "#9467bd",
}


class Edge(NamedTuple):
    """An operation between two nodes of a cell; without a label, the node is handed on."""

    source: str
    target: str
    label: str


class Box(NamedTuple):
    """A block of a chain.

    ``label`` stands inside; ``height`` is drawn to scale; ``kind`` gives the colour and stands in
    the legend; ``note`` stands below.
    """

    label: str
    height: float
    kind: str
    note: str = ""


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
        figsize=(max(6.0, 1.7 * widest), 0.4 + 3.2 * len(cells)), dpi=110, layout="constrained"
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
    from matplotlib.path import Path

    place = {key: x for x, key in enumerate(labels)}
    drawn: dict[tuple[str, str], int] = {}
    reach = {1: 0.3, -1: 0.3}
    for number, edge in enumerate(edges):
        a, b = place[edge.source], place[edge.target]
        # Neighbours are joined straight; longer edges, and a second one between the same nodes,
        # go round, in turn above and below, the higher the longer.
        twin = drawn[edge[:2]] = drawn.get(edge[:2], -1) + 1
        side = 1 if number % 2 else -1
        height = side * (0.35 * (b - a - 1) + 0.35 * twin)
        inset = 0.15 if height == 0 else 0.08
        colour = _colour(edge.label) if edge.label else _JOIN
        foot = 0.13 * side if height else 0.0
        # a quadratic curve is half as high as its control point
        curve = Path(
            [(a + inset, foot), ((a + b) / 2, 2 * height - foot), (b - inset, foot)],
            [Path.MOVETO, Path.CURVE3, Path.CURVE3],
        )
        axes.add_patch(
            FancyArrowPatch(
                path=curve, arrowstyle="-|>", mutation_scale=11, color=colour, lw=1.4, zorder=1
            )
        )
        axes.text(
            (a + b) / 2, height, edge.label, color=colour, fontsize=7.5, ha="center", va="center",
            bbox={"fc": "white", "ec": "none", "pad": 0.6} if edge.label else None, zorder=2,
        )  # fmt: skip
        reach[side] = max(reach[side], abs(height) + 0.2)
    for key, x in place.items():
        axes.text(
            x, 0, labels[key].replace(" ", "\n"), ha="center", va="center", fontsize=8, color=_INK,
            bbox={"boxstyle": "round,pad=0.35", "fc": _NODE, "ec": _INK, "lw": 0.8}, zorder=3,
        )  # fmt: skip
    axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(-reach[-1], reach[1]))
    axes.set_axis_off()


def draw_chain(boxes: Sequence[Box], height_label: str, *, title: str = "") -> Figure:
    """Draw blocks from left to right as bars.

    Parameters
    ----------
    boxes : sequence of Box
        From first to last.
    height_label : str
        What the height of a bar is.
    title : str
        Above the picture.

    Examples
    --------
    >>> figure = draw_chain([Box("k3", 16, "kernel 3"), Box("k5", 24, "kernel 5")], "channels")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['kernel 3', 'kernel 5']
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(8.0, 0.5 * len(boxes)), 4.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    for kind in sorted({box.kind for box in boxes}):
        places = [x for x, box in enumerate(boxes) if box.kind == kind]
        heights = [boxes[x].height for x in places]
        axes.bar(places, heights, 0.8, color=_colour(kind), edgecolor=_INK, lw=0.6, label=kind)
    for x, box in enumerate(boxes):
        axes.text(
            x, box.height, f" {box.label}", rotation=90, ha="center", va="bottom", fontsize=7.5,
            color=_INK,
        )  # fmt: skip
    noted = [x for x, box in enumerate(boxes) if box.note]
    axes.set_xticks(noted, [boxes[x].note for x in noted], fontsize=7, rotation=25, ha="right")
    axes.set_ylabel(height_label)
    axes.set_ylim(0, 1.25 * max(box.height for box in boxes))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, loc="upper left", frameon=False)
    axes.set_title(title, fontsize=10)
    return figure


def _colour(label: str) -> str:
    return next((colour for part, colour in _COLOURS.items() if part in label), _INK)
