"""One HTML page about a recorded search, which needs nothing but itself.

All that it shows is in it as JSON; `script.js` draws it, `style.css` and `template.html` frame it.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamoo_fast import plot
from lamoo_fast.nas.spaces.families import family_of
from lamoo_fast.record import (
    EXACT_TRACES,
    Record,
    check_same_objectives,
    common_ref,
    partition,
    trace,
)
from lamoo_fast.search import Float, PartitionTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
_ARCHITECTURES_DRAWN = 6


def write(
    record: Record, path: Path, *, beside: Sequence[Record] = (), command: str | None = None
) -> None:
    """Write the page about a search.

    Parameters
    ----------
    record : Record
        The search; it may have no trials yet.
    path : Path
        File to write.
    beside : sequence of Record
        Other searches of the same objectives, whose hypervolumes are drawn too.
    command : str, optional
        Makes the same search again.

    Raises
    ------
    ValueError
        If the objectives of the searches are not the same.
    OSError
        If the file cannot be written.
    """
    here = files(__name__)
    parts = {
        "TITLE": escape(f"{record.name} - lamoo report"),
        "STYLE": here.joinpath("style.css").read_text("utf-8"),
        "DATA": _embedded(contents(record, beside=beside, command=command)),
        "SCRIPT": here.joinpath("script.js").read_text("utf-8"),
    }
    # Cut in one go, so that nothing in a part is taken for the place of another.
    pieces = here.joinpath("template.html").read_text("utf-8").split("@@")
    pieces[1::2] = [parts[name] for name in pieces[1::2]]
    path.write_text("".join(pieces), encoding="utf-8")


def _embedded(data: Any) -> str:
    """Write JSON that ends no script element whatever strings are in it."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def contents(
    record: Record, *, beside: Sequence[Record] = (), command: str | None = None
) -> dict[str, Any]:
    """Return all that the page shows, in JSON types; parameters as for `write`."""
    check_same_objectives([record, *beside])
    opt = record.opt
    ref = opt.ref or common_ref([record, *beside])
    told = [*opt.trials, *opt.pending]
    front = [trial.id for trial in opt.pareto_front()]
    return {
        "format": FORMAT,
        "problem": record.name,
        "folder": str(record.folder),
        "made_with": str(record.header.get("package", "")),
        "created": str(record.header.get("created", "")),
        "written_with": version("lamoo_fast"),
        "objectives": [
            {"name": o.name, "direction": o.direction, "unit": o.unit} for o in record.objectives
        ],
        "params": list(opt.space.names),
        "trials": sorted((t.to_dict() for t in told), key=lambda trial: trial["id"]),
        "infeasible": [t.id for t in opt.trials if t.status == "done" and not t.feasible],
        "front": front,
        "ref": None if ref is None else list(ref),
        "exact": len(opt.directions) <= EXACT_TRACES,
        "curves": [] if ref is None else [_curve(r, ref) for r in [record, *beside]],
        **_partition(record, ref),
        "architectures": _architectures(record, front),
        "command": command,
        "run": record.run,
        "search": {
            **record.header["search"]["settings"],
            "space": opt.space.to_dict(),
        },
    }


def _curve(record: Record, ref: Sequence[float]) -> dict[str, Any]:
    volumes = trace(record.opt, ref)
    return {"name": str(record.folder), "volumes": [_finite(v) for v in volumes]}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _partition(record: Record, ref: Sequence[float] | None) -> dict[str, Any]:
    """Describe the tree: the nodes that are shown, and the map of a plane of two real numbers."""
    nothing: dict[str, Any] = {"tree": None, "regions": None}
    if ref is None or not record.repeatable or not record.opt.trials:
        return nothing
    opt = record.opt
    tree = partition(opt, ref)
    chosen = opt.selection.select(tree)
    nodes = _nodes(tree, chosen, [t.id for t in opt.trials])
    picture = None
    params = opt.space.params.values()
    if len(params) == 2 and all(isinstance(p, Float) for p in params):
        picture = _image(plot.regions(tree, opt.trials, chosen=chosen), "png")
    return {"tree": {"regions": len(tree.leaves), "nodes": nodes}, "regions": picture}


def _nodes(tree: PartitionTree, chosen: int, ids: Sequence[int]) -> list[dict[str, Any]]:
    shown = sorted(plot.unfolded(tree))
    place = {node: i for i, node in enumerate(shown)}
    way = {0}
    while chosen > 0:
        way.add(chosen)
        chosen = int(tree.parent[chosen])
    total = tree.value(0)
    known = 0 < total < math.inf
    nodes = []
    for node in shown:
        above = int(tree.parent[node])
        children = [int(child) for child in tree.child[node] if child >= 0]
        nodes.append(
            {
                "parent": place.get(above, -1),
                "good": above >= 0 and int(tree.child[above, 0]) == node,
                "folded": bool(children) and children[0] not in place,
                "chosen": node in way,
                "share": _finite(tree.value(node) / total) if known else None,
                "trials": sorted(ids[row] for row in tree.rows(node)),
            }
        )
    return nodes


def _architectures(record: Record, front: Iterable[int]) -> list[dict[str, Any]]:
    """Draw architectures of the front, at equal distances along the first objective."""
    family = family_of(record.opt.space)
    if family is None:
        return []
    ids = set(front)
    best = sorted(
        (t for t in record.opt.trials if t.id in ids), key=lambda t: (t.values or (), t.id)
    )
    n = min(len(best), _ARCHITECTURES_DRAWN)
    drawn = []
    for i in np.linspace(0, len(best) - 1, n).round().astype(int).tolist() if n else []:
        trial = best[i]
        image = _image(family.draw(trial.config), "svg")
        drawn.append({"id": trial.id, "text": family.encode(trial.config), "image": image})
    return drawn


def _image(figure: Figure, kind: str) -> str:
    """Return a picture as the address that is the picture itself."""
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "lamoo"}):  # the same bytes each time
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
    mime = "image/svg+xml" if kind == "svg" else f"image/{kind}"
    return f"data:{mime};base64,{base64.b64encode(file.getvalue()).decode()}"
