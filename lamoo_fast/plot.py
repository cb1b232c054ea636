"""Pictures of a search: each function returns a `matplotlib.figure.Figure`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import filter_dominated
from lamoo_fast.nas.problem import Objective
from lamoo_fast.search.space import Float
from lamoo_fast.search.tree import PartitionTree
from lamoo_fast.search.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

_FRONT = "#c8102e"
_TRUE = "#4d4d4d"
_MATRIX_LIMIT = 4  # more objectives than this are drawn as parallel coordinates
_LEAVES_SHOWN = 32
_LARGEST = 1e307


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=130, layout="constrained")


def pareto(
    trials: Sequence[Trial],
    objectives: Sequence[Objective],
    *,
    ref: Sequence[float] | None = None,
    true_front: npt.ArrayLike | None = None,
    title: str = "",
) -> Figure:
    """Draw all evaluated points, coloured by their order, and the front that they form.

    Parameters
    ----------
    trials : sequence of Trial
        Those that failed, are pending or violate constraints are left out.
    objectives : sequence of Objective
        Names, directions and units of the values, two or more. Two are drawn as one scatter plot,
        up to four as a plot per pair, more as parallel coordinates.
    ref : sequence of float, optional
        Reference point. Points beyond it count nothing and would squeeze the rest, so that the
        axes end there.
    true_front : (k, m) array, optional
        The best that there is, if known.
    title : str
        Above the picture.

    Raises
    ------
    ValueError
        If there are fewer than two objectives, or no trial is done and feasible.
    """
    m = len(objectives)
    if m < 2:
        raise ValueError(f"got {m} objectives; a Pareto plot needs at least 2")
    done = [t for t in trials if t.feasible]
    if not done:
        raise ValueError("no trial is done and feasible; there is nothing to draw")
    F = np.array([t.values for t in done], dtype=np.float64)
    order = np.array([t.id for t in done])
    maximise = [o.direction == "maximize" for o in objectives]
    front = np.unique(filter_dominated(F, maximise=maximise), axis=0)
    best = None if true_front is None else np.asarray(true_front, dtype=np.float64)
    if m > _MATRIX_LIMIT:
        return _parallel(F, front, objectives, title)
    if m == 2:
        figure = _figure(7.2, 4.8)
        # what is paid goes to the right, what is gained upwards
        x, y = (1, 0) if maximise == [True, False] else (0, 1)
        pairs = [(x, y, figure.add_subplot())]
    else:
        figure = _figure(3.4 * (m - 1) + 1.2, 3.2 * (m - 1) + 0.5)
        grid = figure.subplots(m - 1, m - 1, squeeze=False)
        pairs = [(i, j, grid[j - 1][i]) for j in range(1, m) for i in range(j)]
        for row, column in zip(*np.triu_indices(m - 1, 1), strict=True):
            grid[row][column].remove()
    hidden = 0
    for x, y, axes in pairs:
        points = _scatter(axes, F[:, [x, y]], order)
        if m == 2:
            _steps(axes, front[:, [x, y]], best, maximise[x], x, y)
        else:
            if best is not None:
                axes.plot(best[:, x], best[:, y], "D", mfc="none", mec=_TRUE, ms=4,
                          label="true front")  # fmt: skip
            axes.plot(front[:, x], front[:, y], "o", mfc="none", mec=_FRONT, ms=7, mew=1.3,
                      label="front found")  # fmt: skip
        shown = [
            _limit(set_limit, F[:, i], front[:, i], best, i, maximise[i], ref)
            for i, set_limit in ((x, axes.set_xlim), (y, axes.set_ylim))
        ]
        hidden = max(hidden, int((~(shown[0] & shown[1])).sum()))
        axes.set_xlabel(_better(objectives[x]))
        axes.set_ylabel(_better(objectives[y]))
        axes.grid(alpha=0.25)
    axes = pairs[0][2]
    if m == 2:
        axes.legend(loc="lower right" if maximise[y] else "upper right", framealpha=0.9)
    else:
        figure.legend(*axes.get_legend_handles_labels(), loc="upper right")
    bar = figure.colorbar(points, ax=[axes for *_, axes in pairs], pad=0.02, fraction=0.05)
    bar.set_label("trial")
    note = f"{len(done)} trials, {len(front)} on the front"
    if hidden:
        note += f"; {hidden} far off the front not shown"
    figure.suptitle(_literal(f"{title}\n{note}" if title else note), fontsize=11)
    return figure


def _scatter(axes: Axes, P: Floats, order: npt.NDArray[np.int_]) -> Any:
    return axes.scatter(P[:, 0], P[:, 1], c=order, s=22, cmap="viridis", alpha=0.85, linewidths=0)


def _steps(
    axes: Axes, front: Floats, best: Floats | None, maximise_x: bool, x: int, y: int
) -> None:
    # between two points the front belongs to the one that is no worse in x
    where = "steps-pre" if maximise_x else "steps-post"
    if best is not None:
        B = best[np.argsort(best[:, x])]
        axes.plot(B[:, x], B[:, y], color=_TRUE, ls="--", lw=1.2, marker="D", ms=4, mfc="none",
                  drawstyle=where, label="true front", zorder=1)  # fmt: skip
    P = front[np.argsort(front[:, 0])]
    axes.plot(P[:, 0], P[:, 1], color=_FRONT, lw=1.6, marker="o", ms=6, mfc="none", mew=1.4,
              drawstyle=where, label="front found", zorder=3)  # fmt: skip


def _limit(
    set_limit: Any,
    values: Floats,
    front: Floats,
    best: Floats | None,
    column: int,
    maximised: bool,
    ref: Sequence[float] | None,
) -> npt.NDArray[np.bool_]:
    """Set an axis so that the front fills it; return which values lie inside."""
    known = front if best is None else np.concatenate([front, best[:, column]])
    # Matplotlib cannot draw an axis of which the ends or the length are not finite.
    low, high = np.clip([known.min(), known.max()], -_LARGEST, _LARGEST).tolist()
    span = max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-300)
    # The side of the better values ends with the front; the other one shows one more span of
    # worse points, but nothing beyond the reference point.
    if maximised:
        worst = max(float(values.min()), low - span, -np.inf if ref is None else ref[column])
        limits = min(worst, low) - 0.06 * span, high + 0.08 * span
    else:
        worst = min(float(values.max()), high + span, np.inf if ref is None else ref[column])
        limits = low - 0.08 * span, max(worst, high) + 0.06 * span
    set_limit(*limits)
    return np.asarray((values >= limits[0]) & (values <= limits[1]))


def _better(objective: Objective) -> str:
    arrow = "higher" if objective.direction == "maximize" else "lower"
    return _literal(f"{objective.label}  ({arrow} is better)")


def _literal(text: str) -> str:
    """Keep Matplotlib from reading a formula between two dollar signs."""
    return text.replace("$", r"\$")


def _parallel(F: Floats, front: Floats, objectives: Sequence[Objective], title: str) -> Figure:
    """One vertical axis per objective, better values up; one line per point."""
    m = len(objectives)
    figure = _figure(1.5 * m + 1.5, 4.8)
    axes = figure.add_subplot()
    low, high = F.min(axis=0), F.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    flip = np.array([o.direction == "minimize" for o in objectives])

    def height(P: Floats) -> Floats:
        share: Floats = (P - low) / span
        share[:, flip] = 1 - share[:, flip]
        return share

    axes.plot(height(F).T, color="#9aa5b1", lw=0.6, alpha=0.5)
    axes.plot(height(front).T, color=_FRONT, lw=1.1, alpha=0.8)
    for i in range(m):
        axes.plot([i, i], [0, 1], color="black", lw=0.8)
        top, bottom = (low[i], high[i]) if flip[i] else (high[i], low[i])
        axes.text(i, 1.03, f"{top:.4g}", ha="center", va="bottom", fontsize=8)
        axes.text(i, -0.03, f"{bottom:.4g}", ha="center", va="top", fontsize=8)
    axes.set_xticks(range(m), [_literal(o.label) for o in objectives], rotation=25, ha="right")
    axes.tick_params(axis="x", length=0)
    axes.set_yticks([])
    axes.set_ylim(-0.1, 1.1)
    axes.set_xlim(-0.3, m - 0.7)
    axes.set_frame_on(False)
    note = f"{len(F)} trials (grey), {len(front)} on the front (red); better is up"
    figure.suptitle(_literal(f"{title}\n{note}" if title else note), fontsize=11)
    return figure


def hypervolume_trace(
    hypervolumes: npt.ArrayLike, *, best: float | None = None, title: str = ""
) -> Figure:
    """Draw the hypervolume after each evaluation.

    Parameters
    ----------
    hypervolumes : (n,) array
        Of all trials up to each one.
    best : float, optional
        Hypervolume of the true front; adds an axis in percent of it.
    title : str
        Above the picture.

    Raises
    ------
    ValueError
        If there are no values.
    """
    V = np.asarray(hypervolumes, dtype=np.float64)
    if V.ndim != 1 or not len(V):
        raise ValueError(f"hypervolumes has shape {V.shape}; wanted (n,) with n >= 1")
    figure = _figure(7.2, 4.2)
    axes = figure.add_subplot()
    count = np.arange(1, len(V) + 1)
    axes.step(count, V, where="post", color=_FRONT, lw=1.8, label="found")
    axes.set_xlabel("evaluations")
    axes.set_ylabel("hypervolume")
    axes.set_xlim(0, len(V) * 1.02 + 1)
    axes.grid(alpha=0.25)
    top = float(np.max(V, initial=0.0, where=np.isfinite(V)))
    if best is not None and best > 0:
        axes.axhline(best, color=_TRUE, ls="--", lw=1.2, label="true front")
        top = max(top, best)
    axes.set_ylim(0, min(1.05 * top, _LARGEST) if top > 0 else 1.0)
    if best is not None and best > 0:
        percent = axes.twinx()
        percent.set_ylim(0, 100 * axes.get_ylim()[1] / best)
        percent.set_ylabel("% of the true front's hypervolume")
    axes.legend(loc="lower right")
    if title:
        axes.set_title(_literal(title), fontsize=11)
    return figure


def partition_tree(
    tree: PartitionTree, *, chosen: int | None = None, values: bool = True, title: str = ""
) -> Figure:
    """Draw the tree of regions from left to right, the good side of each split above.

    Parameters
    ----------
    tree : PartitionTree
        As learned by the search. Below the largest nodes that fit, subtrees are folded.
    chosen : int, optional
        Leaf to mark, with the path to it.
    values : bool
        Write each node's hypervolume, as a share of that of all points, and colour by it. Computed
        where the search did not need it, which takes long for many objectives.
    title : str
        Above the picture.
    """
    shown = unfolded(tree)
    depth = {0: 0}
    for node in range(1, len(tree)):
        if node in shown:
            depth[node] = depth[int(tree.parent[node])] + 1
    tips = [node for node in sorted(shown) if int(tree.child[node, 0]) not in shown]
    row = {node: float(i) for i, node in enumerate(tips)}
    for node in sorted(shown, reverse=True):  # children have larger numbers than their parent
        if node not in row:
            row[node] = sum(row[int(child)] for child in tree.child[node]) / 2
    path = {0}
    while chosen is not None and chosen > 0:
        path.add(chosen)
        chosen = int(tree.parent[chosen])

    figure = _figure(1.55 * (max(depth.values()) + 1) + 0.9, 0.46 * len(tips) + 1.3)
    axes = figure.add_subplot()
    total = tree.value(0) if values else 0.0
    total = total if total < np.inf else 0.0  # beyond floats, there are no shares
    least = min(tree.value(node) for node in shown) / total if total > 0 else 1.0
    for node in sorted(shown):
        here = depth[node], -row[node]
        if node:
            above = int(tree.parent[node])
            good = int(tree.child[above, 0]) == node
            axes.plot([depth[above], here[0]], [-row[above], here[1]],
                      color="#1b7837" if good else "#b2182b", ls="-" if good else "--",
                      lw=2.4 if node in path else 1.1, zorder=1)  # fmt: skip
        folded = node in tips and tree.child[node, 0] >= 0
        marked = node in path and len(path) > 1
        _node(axes, tree, node, here, total, least, folded=folded, marked=marked)
    axes.set_xlim(-0.5, max(depth.values()) + 0.5)
    axes.set_ylim(-len(tips) + 0.4, 0.6)
    axes.axis("off")
    for label, colour, style in (("good side", "#1b7837", "-"), ("bad side", "#b2182b", "--")):
        axes.plot([], [], color=colour, ls=style, label=label)
    axes.plot(
        [],
        [],
        color=_FRONT,
        lw=2.4,
        marker="s",
        mfc="none",
        ls="",
        label="way to the chosen region",
    )
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    note = f"{len(tree.leaves)} regions of {int(tree.visits[0])} points"
    if values:
        note += "; n points, share of the hypervolume"
    figure.suptitle(_literal(f"{title}\n{note}" if title else note), fontsize=11)
    return figure


def unfolded(tree: PartitionTree) -> set[int]:
    """Return the nodes to draw: the largest shown one is split again while the leaves fit."""
    shown, tips = {0}, {0}
    while len(tips) < _LEAVES_SHOWN:
        inner = [node for node in tips if tree.child[node, 0] >= 0]
        if not inner:
            break
        largest = max(inner, key=lambda node: (int(tree.visits[node]), -node))
        children = {int(child) for child in tree.child[largest]}
        shown |= children
        tips = (tips - {largest}) | children
    return shown


def _node(
    axes: Axes,
    tree: PartitionTree,
    node: int,
    here: tuple[float, float],
    total: float,
    least: float,
    *,
    folded: bool,
    marked: bool,
) -> None:
    from matplotlib import colormaps

    text = f"n = {int(tree.visits[node])}"
    fill: Any = "white"
    if total > 0:
        share = tree.value(node) / total
        text += f" · {100 * share:.0f} %"
        # from white to green over the shares in this picture
        fill = colormaps["Greens"](0.55 * (share - least) / max(1 - least, 1e-9))
    if folded:
        text += " …"
    axes.text(
        *here, text, ha="center", va="center", fontsize=8.5, zorder=2,
        bbox={
            "boxstyle": "round,pad=0.35", "facecolor": fill,
            "edgecolor": _FRONT if marked else "#666666", "linewidth": 2.0 if marked else 0.8,
        },
    )  # fmt: skip


def regions(
    tree: PartitionTree, trials: Sequence[Trial], *, chosen: int | None = None, title: str = ""
) -> Figure:
    """Draw the regions of a space with two real parameters, with the points in it.

    Parameters
    ----------
    tree : PartitionTree
        As learned by the search.
    trials : sequence of Trial
        Points to draw.
    chosen : int, optional
        Leaf to mark.
    title : str
        Above the picture.

    Raises
    ------
    ValueError
        If the space has other parameters than two floats.
    """
    params = tree.space.params
    if len(params) != 2 or not all(isinstance(p, Float) for p in params.values()):
        raise ValueError(f"space has parameters {list(params)}; wanted two of type Float")
    ticks = (np.arange(240) + 0.5) / 240
    X = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    leaf_of, value = np.zeros(len(X)), np.zeros(len(X))
    for rank, leaf in enumerate(tree.leaves):
        inside = tree.region(int(leaf)).contains(X)
        leaf_of[inside], value[inside] = rank, tree.value(int(leaf))
    figure = _figure(6.6, 5.4)
    axes = figure.add_subplot()
    shape = (len(ticks), len(ticks))
    total = tree.value(0)
    share = value / total if 0 < total < np.inf else np.zeros(len(X))
    image = axes.imshow(100 * share.reshape(shape), origin="lower", extent=(0, 1, 0, 1),
                        cmap="YlGn", vmin=0, vmax=130, aspect="auto")  # fmt: skip
    edges = np.arange(len(tree.leaves) - 1) + 0.5
    for edge in edges:  # one contour per border, since numbers of neighbours may differ by many
        axes.contour(ticks, ticks, leaf_of.reshape(shape), [edge], colors="#555555", linewidths=0.7)
    if chosen is not None and len(tree) > 1:
        inside = tree.region(chosen).contains(X).reshape(shape).astype(float)
        axes.contour(ticks, ticks, inside, [0.5], colors=_FRONT, linewidths=2.2)
    P = np.array([t.x for t in trials]).reshape(-1, 2)
    axes.scatter(P[:, 0], P[:, 1], c="black", s=9, linewidths=0)
    for axis, (name, p) in zip((axes.xaxis, axes.yaxis), params.items(), strict=True):
        places = np.linspace(0, 1, 6)
        axis.set_ticks(places, [f"{v:.3g}" for v in p.from_unit(places)])
        axis.set_label_text(_literal(name))
    bar = figure.colorbar(image, ax=axes, boundaries=range(101), ticks=range(0, 101, 20))
    bar.set_label("% of the hypervolume found")
    note = f"{len(tree.leaves)} regions, the chosen one in red" if chosen is not None else ""
    axes.set_title(_literal("\n".join(filter(None, [title, note]))), fontsize=11)
    return figure
