"""ConfigSpace: its spaces as a `Space`, and the other way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lamoo_fast.adapters.hosts import require

require("ConfigSpace", "1.1", "configspace")

import ConfigSpace as Host
import numpy as np
from ConfigSpace.exceptions import ForbiddenValueError
from ConfigSpace.util import deactivate_inactive_hyperparameters

from lamoo_fast.search import Categorical, Float, Integer, Space
from lamoo_fast.search.params import Param


def from_configspace(host: Host.ConfigurationSpace) -> Space:
    """Return a `Space` of the same hyperparameters; forbidden combinations are not valid in it.

    Ordinal ones become categories, and constants categories of one choice. Of conditional ones the
    space has a value in every configuration: `configuration` takes out the inactive ones, so that
    several points may be one configuration.

    Raises
    ------
    ValueError
        When a hyperparameter is of another kind, such as a normal one.

    Examples
    --------
    >>> import ConfigSpace
    >>> host = ConfigSpace.ConfigurationSpace({"x": (0.5, 2.0), "op": ["conv", "skip"]})
    >>> from_configspace(host).params["x"]
    Float(low=0.5, high=2.0, log=False)
    """
    params = {str(h.name): _param(h) for h in host.values()}
    return Space(params, valid=_Allowed(host) if host.forbidden_clauses else None)


@dataclass(frozen=True)
class _Allowed:
    """Validity as a space of ConfigSpace has it; no closure, so that it can be pickled."""

    host: Host.ConfigurationSpace

    def __call__(self, config: Mapping[str, Any]) -> bool:
        try:
            configuration(self.host, config)
        except ForbiddenValueError:
            return False
        return True


def configuration(host: Host.ConfigurationSpace, config: Mapping[str, Any]) -> Host.Configuration:
    """Return a configuration of the `Space` as one of ConfigSpace, without what is inactive.

    Raises
    ------
    ConfigSpace.exceptions.ForbiddenValueError
        When it is forbidden.

    Examples
    --------
    >>> import ConfigSpace
    >>> host = ConfigSpace.ConfigurationSpace({"x": (0.5, 2.0), "op": ["conv", "skip"]})
    >>> _ = host.add(ConfigSpace.EqualsCondition(host["x"], host["op"], "conv"))
    >>> dict(configuration(host, {"x": 1.0, "op": "skip"}))
    {'op': 'skip'}
    """
    found = deactivate_inactive_hyperparameters(dict(config), host)
    found.check_valid_configuration()
    return found


def to_configspace(space: Space, *, seed: int | None = None) -> Host.ConfigurationSpace:
    """Return the parameters of a `Space` for ConfigSpace.

    Raises
    ------
    ValueError
        When the space has a `valid`, which ConfigSpace cannot ask.

    Examples
    --------
    >>> to_configspace(Space({"depth": Integer(1, 9)}))["depth"].upper
    9
    """
    if space.valid is not None:
        raise ValueError(f"valid is {space.valid!r}, wanted None: ConfigSpace cannot ask it")
    host = Host.ConfigurationSpace(seed=seed)
    for name, param in space.params.items():
        if isinstance(param, Categorical):
            host.add(Host.CategoricalHyperparameter(name, list(param.choices)))
        elif isinstance(param, Float):
            kind = Host.UniformFloatHyperparameter
            host.add(kind(name, param.low, param.high, log=param.log))
        elif param.low == param.high:
            host.add(Host.Constant(name, param.low))
        else:
            whole = Host.UniformIntegerHyperparameter
            host.add(whole(name, param.low, param.high, log=param.log))
    return host


def _param(h: Any) -> Param:
    if isinstance(h, (Host.CategoricalHyperparameter, Host.OrdinalHyperparameter)):
        values = h.choices if isinstance(h, Host.CategoricalHyperparameter) else h.sequence
        return Categorical(v.item() if isinstance(v, np.generic) else v for v in values)
    if isinstance(h, Host.Constant):
        return Categorical([h.value])
    if isinstance(h, Host.UniformIntegerHyperparameter):
        return Integer(int(h.lower), int(h.upper), log=h.log)
    if isinstance(h, Host.UniformFloatHyperparameter):
        return Float(float(h.lower), float(h.upper), log=h.log)
    raise ValueError(f"{h!r}: wanted a uniform, categorical, ordinal or constant hyperparameter")
