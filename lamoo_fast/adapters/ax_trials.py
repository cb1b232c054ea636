"""Experiments of Ax: what they want, and their trials as trials of `LaMOO`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.outcome_constraint import OutcomeConstraint
from ax.core.trial_status import TrialStatus
from ax.core.types import ComparisonOp

from lamoo_fast.adapters.ax_space import AxSpace

_WAITING = TrialStatus.CANDIDATE, TrialStatus.STAGED, TrialStatus.RUNNING
Weights = Sequence[tuple[str, float]]  # of metrics, by signature


class Goal:
    """The objectives of an experiment, all maximised, and its outcome constraints.

    An outcome constraint relative to the status quo goes by the mean of what is known of that.

    Parameters
    ----------
    experiment : Experiment
        With an optimization config.
    data : Data
        What is known.

    Raises
    ------
    ValueError
        When there is no optimization config, or it is one of preferences, or a bound is relative
        and nothing is known of the status quo.
    """

    def __init__(self, experiment: Experiment, data: Data) -> None:
        config = experiment.optimization_config
        if config is None or config.is_bope_problem:
            raise ValueError(f"optimization_config is {config}, wanted objectives")
        self._means: dict[tuple[int, str], dict[str, float]] = {}
        df = data.df
        columns = (df[name] for name in ("trial_index", "arm_name", "metric_signature", "mean"))
        for index, arm, metric, mean in zip(*columns, strict=True):
            self._means.setdefault((int(index), arm), {})[metric] = float(mean)
        signature = config.objective.metric_name_to_signature
        self.objectives: list[Weights] = [
            [(signature[name], weight) for name, weight in part]
            for part in config.objective._parsed[1]  # of a sum in a list nothing else knows
        ]
        quo = experiment.status_quo
        baseline = [m for (_, arm), m in self._means.items() if quo and arm == quo.name]
        thresholds = config.objective_thresholds if config.is_moo_problem else []
        limits = [c for c in config.outcome_constraints if c not in thresholds]
        self._limits = [(c, _bound(c, baseline)) for c in limits]
        by_metric = {c.metric_weights[0][0]: _bound(c, baseline) for c in thresholds}
        self.thresholds = [
            part[0][1] * by_metric.get(part[0][0], math.nan) if len(part) == 1 else math.nan
            for part in self.objectives
        ]

    @property
    def n_constraints(self) -> int:
        """Number of outcome constraints."""
        return len(self._limits)

    def outcome(self, index: int, arm: str) -> tuple[list[float], list[float]] | None:
        """Return objectives and constraints of an arm, or None when a metric is not known."""
        means = self._means.get((index, arm), {})
        try:
            values = [_sum(part, means) for part in self.objectives]
            excess = [
                (1 if c.op == ComparisonOp.LEQ else -1) * (_sum(c.metric_weights, means) - bound)
                for c, bound in self._limits
            ]
        except KeyError:
            return None
        return values, excess


def rows(experiment: Experiment, goal: Goal, host: AxSpace) -> list[dict[str, Any]]:
    """Describe the trials in the space as `LaMOO.state_dict` does, each arm one trial.

    Those that are not completed, or completed without some metric, are pending; failed, abandoned
    and early stopped ones have failed, and so have those with values that are not finite. Stale
    ones have never been.
    """
    found: list[dict[str, Any]] = []
    for index, trial in experiment.trials.items():
        given_up = {arm.name for arm in getattr(trial, "abandoned_arms", ())}
        for arm in trial.arms if trial.status != TrialStatus.STALE else ():
            config = host.config(arm.parameters)
            if config is None:
                continue
            row = pending(len(found), config)
            if trial.status == TrialStatus.COMPLETED and arm.name not in given_up:
                outcome = goal.outcome(index, arm.name)
                if outcome is not None and np.isfinite([*outcome[0], *outcome[1]]).all():
                    row |= {"status": "done", "values": outcome[0], "constraints": outcome[1]}
                elif outcome is not None:
                    row |= {"status": "failed", "message": f"values are not finite: {outcome}"}
            elif trial.status not in _WAITING or arm.name in given_up:
                row |= {"status": "failed", "message": trial.status.name.lower()}
            found.append(row)
    return found


def pending(number: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a pending trial."""
    row = {"id": number, "config": dict(config), "relaxed": 0, "values": None, "constraints": []}
    return row | {"status": "pending", "message": ""}


def _sum(weights: Weights, means: Mapping[str, float]) -> float:
    return sum(weight * means[metric] for metric, weight in weights)


def _bound(constraint: OutcomeConstraint, baseline: Sequence[Mapping[str, float]]) -> float:
    """Return the bound in the units of the metrics; a relative one is in per cent."""
    if not constraint.relative:
        return float(constraint.bound)
    try:
        found = [_sum(constraint.metric_weights, means) for means in baseline]
    except KeyError:
        found = []
    known = float(np.mean(found)) if found else math.nan
    if not math.isfinite(known):
        raise ValueError(f"{constraint} is relative, wanted data of the status quo")
    return known + float(constraint.bound) / 100 * abs(known)
