"""A task as a search problem: values by a supernet, costs by counting or measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lamoo_fast.nas.costs.latency import Latency, measure_latency
from lamoo_fast.nas.evaluators.evaluator import Evaluator
from lamoo_fast.nas.problem import Objective, Problem, nearest
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths
from lamoo_fast.nas.tasks.task import Task
from lamoo_fast.search.space import Config

_DRAWN = 8  # architectures that tell whether costs differ


@dataclass(frozen=True)
class Values:
    """Evaluates many architectures at once.

    Parameters
    ----------
    task : Task
        Builds the networks whose latency is measured.
    evaluator : Evaluator
        Gives the values that have no other source.
    objectives : sequence of Objective
        What is wanted.
    device : str
        Where latencies are measured.
    """

    task: Task
    evaluator: Evaluator
    objectives: Sequence[Objective]
    device: str

    def __call__(self, configs: list[Config]) -> list[tuple[float, ...]]:
        """Return the values of each, in the order of the objectives."""
        evaluations = self.evaluator.evaluate(configs)
        return [
            tuple(
                self._value(objective, config, evaluation.values) for objective in self.objectives
            )
            for config, evaluation in zip(configs, evaluations, strict=True)
        ]

    def _value(self, objective: Objective, config: Config, values: Any) -> float:
        if objective.known is not None:
            return objective.known(config)
        if objective.name == "latency":
            return latency(self.task, config, self.device).milliseconds
        return float(values[objective.name])


def latency(task: Task, config: Config, device: str) -> Latency:
    """Measure how long an architecture takes for one input on a device."""
    generator = torch.Generator().manual_seed(0)  # the weights do not matter
    network = task.exported(task.architectures.build(config, generator=generator))
    return measure_latency(network, task.example(config), device=device)


def make_problem(
    task: Task, evaluator: Evaluator, names: Sequence[str] | None, device: str
) -> tuple[Problem, Values]:
    """Return the problem of a task, and its evaluation of many architectures at once.

    Parameters
    ----------
    names : sequence of str, optional
        Objectives: the task's metric, "flops" and "params" in millions, "latency" in ms. By
        default the metric and the flops; the latency where all architectures have as many flops.

    Raises
    ------
    ValueError
        If a name is unknown, or given twice.
    """
    costs = task.architectures.cost
    flops = Objective("flops", "minimize", "M", lambda config: costs(config).flops / 1e6)
    params = Objective("params", "minimize", "M", lambda config: costs(config).params / 1e6)
    offered = [task.metric, flops, params, Objective("latency", "minimize", "ms")]
    known = {objective.name: objective for objective in offered}
    names = names or [task.metric.name, _price(task, flops.known)]
    for name in names:
        if name not in known:
            raise ValueError(f"unknown objective {name!r} of {task.name}{nearest(name, [*known])}")
    objectives = [known[name] for name in names]
    values = Values(task, evaluator, objectives, device)
    space = task.architectures.space
    return Problem(task.name, space, objectives, lambda config: values([config])[0]), values


def _price(task: Task, flops: Callable[[Config], float] | None) -> str:
    """Name the cost in which architectures differ."""
    assert flops is not None
    generator = torch.Generator().manual_seed(0)
    drawn = UniformPaths(_DRAWN).draw(Choices(task.architectures.space), generator)
    return "flops" if len({flops(config) for config in drawn}) > 1 else "latency"
