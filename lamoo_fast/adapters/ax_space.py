"""Search spaces of Ax as a `Space`, their parameterizations as configurations of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ax.core.observation import ObservationFeatures
from ax.core.parameter import ChoiceParameter, DerivedParameter, FixedParameter
from ax.core.search_space import SearchSpace

from lamoo_fast.search import Categorical, Float, Integer, Space
from lamoo_fast.search.params import Param


class AxSpace:
    """The range and choice parameters of a search space as a `Space`.

    Choices are coded by their positions. Parameters that are fixed or derived are no part of it,
    parameter constraints are. Those that depend on a choice have a value in every configuration:
    that in the middle where they are not in an arm.

    Raises
    ------
    ValueError
        When a parameter is a fidelity or a task, or its range is beyond what a `Space` takes.

    Examples
    --------
    >>> from ax.core.parameter import ParameterType, RangeParameter
    >>> lr = RangeParameter("lr", ParameterType.FLOAT, lower=1e-4, upper=1, log_scale=True)
    >>> op = ChoiceParameter("op", ParameterType.STRING, ["conv", "skip"], is_ordered=False)
    >>> host = AxSpace(SearchSpace([lr, op]))
    >>> host.space.params["lr"], host.config({"lr": 0.5, "op": "skip"})
    (Float(low=0.0001, high=1.0, log=True), {'lr': 0.5, 'op': 1})
    >>> host.parameters({"lr": 0.5, "op": 0})
    {'lr': 0.5, 'op': 'conv'}
    """

    def __init__(self, host: SearchSpace) -> None:
        self._host = host
        self._tuned = dict(host.tunable_parameters)
        self.space = Space(
            {name: _param(parameter) for name, parameter in self._tuned.items()},
            valid=_Allowed(self) if host.parameter_constraints else None,
        )

    def parameters(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration as parameters of an arm."""
        found = self.values(config)
        for name, parameter in self._host.parameters.items():
            if isinstance(parameter, FixedParameter):
                found[name] = parameter.value
        for name, parameter in self._host.parameters.items():
            if isinstance(parameter, DerivedParameter):
                found[name] = parameter.compute(found)
        ordered = {name: found[name] for name in self._host.parameters}
        if self._host.is_hierarchical:
            full = ObservationFeatures(parameters=ordered)
            return dict(self._host.cast_observation_features(full).parameters)
        return ordered

    def values(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values behind the codes, rounded where a parameter says so."""
        return {
            name: parameter.values[config[name]]
            if isinstance(parameter, ChoiceParameter)
            else parameter.cast(config[name])
            for name, parameter in self._tuned.items()
        }

    def config(self, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the parameters of an arm as a configuration, or None when outside the space."""
        [found] = self.space.decode(np.full((1, self.space.d), 0.5))
        for name, parameter in self._tuned.items():
            value = parameters.get(name)
            if value is None and self._host.is_hierarchical:
                continue
            if isinstance(parameter, ChoiceParameter):
                if value not in parameter.values:
                    return None
                value = parameter.values.index(value)
            found[name] = value
        try:
            return self.space.check(found)
        except ValueError:
            return None


@dataclass(frozen=True)
class _Allowed:
    """Validity by the parameter constraints; no closure, so that it can be copied."""

    host: AxSpace

    def __call__(self, config: Mapping[str, Any]) -> bool:
        values = self.host.values(config)
        constraints: Sequence[Any] = self.host._host.parameter_constraints
        return all(constraint.check(values) for constraint in constraints)


def _param(parameter: Any) -> Param:
    if parameter.is_fidelity or getattr(parameter, "is_task", False):
        raise ValueError(f"parameter {parameter.name!r} is a fidelity or a task, wanted neither")
    if isinstance(parameter, ChoiceParameter):
        n = len(parameter.values)
        return Integer(0, n - 1) if parameter.is_ordered else Categorical(range(n))
    whole = parameter.parameter_type.name == "INT"
    kind = Integer if whole else Float
    try:
        return kind(parameter.lower, parameter.upper, log=parameter.log_scale)
    except ValueError as error:
        raise ValueError(f"parameter {parameter.name!r}: {error}") from None
