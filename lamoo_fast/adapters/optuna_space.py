"""Optuna's distributions as parameters of a `Space`, and its trials as trials of `LaMOO`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from lamoo_fast.search.params import Categorical, Float, Integer, Param

DRAWN = "lamoo:drawn"  # system attribute of a trial: the parameters drawn for it, by name


@dataclass(frozen=True)
class Axis:
    """One distribution: the values of Optuna on one side, codes, the values of `param`, beyond.

    Choices are coded by their positions, and numbers with a step by the number of steps.
    """

    distribution: BaseDistribution
    param: Param

    def code(self, value: Any) -> float | int | None:
        """Return the code of a value, or None if it is out of range or between two steps."""
        d = self.distribution
        try:
            if isinstance(d, CategoricalDistribution):
                return int(d.to_internal_repr(value))
            if _stepped(d):
                code = self.param.check(round((value - d.low) / d.step))  # type: ignore[attr-defined]
                off = abs(self.value(code) - value)
                return None if off > 0.01 * d.step else code  # type: ignore
            return self.param.check(value)  # type: ignore[return-value]
        except (ValueError, TypeError, OverflowError):
            return None

    def value(self, code: Any) -> Any:
        """Return the value behind a code."""
        d = self.distribution
        if isinstance(d, CategoricalDistribution):
            return d.to_external_repr(code)
        if _stepped(d):
            return min(d.low + code * d.step, d.high)  # type: ignore[attr-defined]
        return code


def axes(distributions: Mapping[str, BaseDistribution]) -> dict[str, Axis]:
    """Return an axis for each distribution of more than one value that LaMOO can search.

    Whole numbers beyond 2**51 are left out.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> [axis] = axes({"x": FloatDistribution(0, 1, step=0.25)}).values()
    >>> axis.param, axis.code(0.75), axis.value(3)
    (Integer(low=0, high=4, log=False), 3, 0.75)
    """
    found = {}
    for name, distribution in distributions.items():
        if not distribution.single():
            try:
                found[name] = Axis(distribution, _param(distribution))
            except (ValueError, OverflowError):
                continue
    return found


def groups(names: Iterable[str], trials: Iterable[FrozenTrial]) -> list[list[str]]:
    """Sort parameters into groups, those together that occur in the same trials.

    Examples
    --------
    >>> from optuna import create_study
    >>> study = create_study()
    >>> for first, second in ("ab", "ac"):
    ...     trial = study.ask()
    ...     _ = trial.suggest_float(first, 0, 1), trial.suggest_float(second, 0, 1)
    >>> groups("abc", study.trials)
    [['a'], ['b'], ['c']]
    """
    sets = {frozenset(trial.distributions) for trial in trials}
    by_sets: dict[frozenset[frozenset[str]], list[str]] = {}
    for name in names:
        by_sets.setdefault(frozenset(s for s in sets if name in s), []).append(name)
    return list(by_sets.values())


def constraints(trial: FrozenTrial) -> dict[str, float]:
    """Return the constraints of a trial by name."""
    try:
        return dict(trial.constraints)
    except AttributeError:  # before Optuna 5
        stored = trial.system_attrs.get("constraints") or ()
        return {str(i): value for i, value in enumerate(stored)}


def point(trial: FrozenTrial) -> dict[str, Any]:
    """Return the parameters of a trial; with what is drawn for it while it runs.

    Examples
    --------
    >>> from optuna import create_study
    >>> study = create_study()
    >>> _ = study.ask().suggest_float("x", 0, 0)
    >>> point(study.trials[0])
    {'x': 0.0}
    """
    if trial.state.is_finished():
        return trial.params
    return {**trial.system_attrs.get(DRAWN, {}), **trial.params}


def saved(
    trials: Iterable[FrozenTrial], axes: Mapping[str, Axis], limits: Sequence[str]
) -> list[dict[str, Any]]:
    """Describe the trials that have all of the parameters as `LaMOO.state_dict` does.

    Limits are the names of all constraints; one that a trial does not have counts as met, as in
    Optuna. Values that are not finite are no values.
    """
    rows: list[dict[str, Any]] = []
    for trial in trials:
        params = point(trial)
        if not params.keys() >= axes.keys():
            continue
        config = {name: axis.code(params[name]) for name, axis in axes.items()}
        if None in config.values():
            continue
        row = {"id": len(rows), "config": config, "relaxed": 0, "values": None, "constraints": []}
        row |= {"status": "failed" if trial.state.is_finished() else "pending"}
        row |= {"message": trial.state.name.lower()}
        if trial.state == TrialState.COMPLETE:
            given = constraints(trial)
            bounds = [given.get(name, 0.0) for name in limits]
            if all(map(math.isfinite, [*trial.values, *bounds])):
                row |= {"status": "done", "values": list(trial.values), "constraints": bounds}
        rows.append(row)
    return rows


def _stepped(d: BaseDistribution) -> bool:
    """Tell whether the values are low, low + step, ..., rather than those of a Float or Integer."""
    if isinstance(d, FloatDistribution):
        return d.step is not None
    return isinstance(d, IntDistribution) and not d.log


def _param(d: BaseDistribution) -> Param:
    if isinstance(d, CategoricalDistribution):
        return Categorical(range(len(d.choices)))
    if not isinstance(d, (FloatDistribution, IntDistribution)):
        raise ValueError(f"{d!r} is no distribution that lamoo_fast knows")
    if _stepped(d):
        return Integer(0, round((d.high - d.low) / d.step))  # type: ignore[operator]
    if isinstance(d, IntDistribution):
        return Integer(d.low, d.high, log=True)
    return Float(d.low, d.high, log=d.log)
