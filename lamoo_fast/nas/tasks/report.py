"""What a run has found, in one page of Markdown: front, trained networks, costs, files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from lamoo_fast.nas.costs.energy import measure_energy
from lamoo_fast.nas.costs.latency import measure_latency
from lamoo_fast.nas.costs.memory import measure_memory
from lamoo_fast.nas.evaluators.rank import rank_correlation
from lamoo_fast.nas.problem import Config
from lamoo_fast.nas.tasks.export import Exported
from lamoo_fast.nas.tasks.folder import RunFolder
from lamoo_fast.nas.tasks.problem import latency
from lamoo_fast.nas.tasks.task import Task

__all__ = ["agreement", "report"]


def agreement(task: Task, found: Sequence[Mapping[str, Any]]) -> str:
    """Say how well the search ordered what was trained; nothing for fewer than three."""
    name = task.metric.name
    pairs = [
        (network["searched"][name], network["trained"][name])
        for network in found
        if name in network["searched"] and math.isfinite(network["trained"][name])
    ]
    if len(pairs) < 3:
        return ""
    cheap, true = zip(*pairs, strict=True)
    return f"{name} in the search against trained: {rank_correlation(cheap, true)}"


def report(
    folder: RunFolder,
    task: Task,
    device: str,
    chosen: str,
    network: nn.Module,
    found: Sequence[Mapping[str, Any]],
    written: Sequence[Exported],
    fronts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> str:
    """Return the page about a run and the network that is exported.

    Parameters
    ----------
    folder, task
        The run.
    device : str
        Where costs are measured.
    chosen : str
        The exported architecture.
    network : nn.Module
        What is exported.
    found : sequence of dict
        All trained networks, as `networks` returns them.
    written : sequence of Exported
        The files.
    fronts : mapping of str to sequence of dict
        What the searches found, by their names.
    """
    stem = folder.network(chosen).name
    files = [f"{stem}.state.pt: weights, a state_dict", *map(str, written)]
    costs = _costs(network, task, task.architectures.decode(chosen), device)
    lines = [
        f"# {task.name}: networks found",
        "",
        f"Exported: `{chosen}`",
        "",
        f"![The exported architecture]({stem}.png)",
        "",
        *(f"- {line}" for line in [*files, *costs]),
        "",
        *_trained(task, device, found),
    ]
    for name, front in fronts.items():
        units = "flops and params in millions, latency in ms"
        lines += ["", f"## Front of {name}", "", f"By the supernet; {units}.", "", *_front(front)]
    return "\n".join(lines) + "\n"


def _costs(network: nn.Module, task: Task, config: Config, device: str) -> list[str]:
    example = task.example(config)
    lines = [
        f"latency: {measure_latency(network, example, device=device)}",
        f"memory: {measure_memory(network, example, device=device)}",
    ]
    try:
        return [*lines, f"energy: {measure_energy(network, example, device=device)}"]
    except (ImportError, ValueError) as error:
        return [*lines, f"energy: not measured, {error}"]


def _trained(task: Task, device: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    metric = task.metric
    columns = [
        "architecture",
        f"{metric.label}, test",
        f"{metric.label}, search",
        "multiply-adds",
        "parameters",
        f"latency on {device} [ms]",
    ]
    rows, measured = [], None
    for network in found:
        config = task.architectures.decode(network["architecture"])
        measured = latency(task, config, device)
        searched = network["searched"].get(metric.name)
        rows.append(
            [
                _code(network["architecture"]),
                f"{network['trained'][metric.name]:.4f}",
                "" if searched is None else f"{searched:.4f}",
                f"{network['flops'] / 1e6:.4g} M",
                f"{network['params'] / 1e6:.4g} M",
                f"{measured.milliseconds:.3g}",
            ]
        )
    lines = _table(columns, rows)
    if measured is not None:
        lines += ["", f"Latencies are medians; the last is {measured}."]
    if said := agreement(task, found):
        lines += ["", f"Agreement: {said}"]
    return lines


def _front(front: Sequence[Mapping[str, Any]]) -> list[str]:
    columns = ["architecture", *front[0]["values"]]
    return _table(
        columns,
        [
            [_code(one["architecture"]), *(f"{v:.6g}" for v in one["values"].values())]
            for one in front
        ],
    )


def _code(architecture: str) -> str:
    return f"`{architecture}`".replace("|", "\\|")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
