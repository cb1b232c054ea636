"""Which subnets are trained in a step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from lamoo_fast.search.checks import check_count
from lamoo_fast.search.params import Categorical, Integer
from lamoo_fast.search.space import Config, Space

__all__ = ["Choices", "FairPaths", "Paths", "UniformPaths"]

_ATTEMPTS = 1000  # to find a valid configuration


class Choices:
    """A space, or a part of it: the values that each parameter may take.

    Parameters
    ----------
    space : Space
        All its parameters are Categorical or Integer.
    allowed : mapping of str to sequence, optional
        Values of some parameters; of the others all.

    Raises
    ------
    ValueError
        If a parameter is unknown or continuous, or a value is not one of its.

    Examples
    --------
    >>> space = Space({"op": Categorical(["skip", "conv", "pool"]), "depth": Integer(1, 2)})
    >>> part = Choices(space).restricted({"op": ["conv"]})
    >>> part.values
    {'op': ('conv',), 'depth': (1, 2)}
    >>> {"op": "pool", "depth": 1} in part
    False
    """

    def __init__(self, space: Space, allowed: Mapping[str, Sequence[Any]] | None = None) -> None:
        self.space = space
        self.values: dict[str, tuple[Any, ...]] = {}
        for name, param in space.params.items():
            if isinstance(param, Categorical):
                self.values[name] = tuple(param.choices)
            elif isinstance(param, Integer):
                self.values[name] = tuple(range(param.low, param.high + 1))
            else:
                raise ValueError(f"parameter {name!r} is {param!r}, wanted a discrete one")
        for name, some in (allowed or {}).items():
            known = self.values.get(name)
            if known is None:
                raise ValueError(f"allowed names {name!r}, wanted one of {list(self.values)}")
            if not some or not set(some) <= set(known):
                raise ValueError(f"allowed values of {name!r} are {list(some)}, wanted {known}")
            self.values[name] = tuple(value for value in known if value in some)

    def restricted(self, allowed: Mapping[str, Sequence[Any]]) -> Choices:
        """Return the part in which some parameters take fewer values."""
        return Choices(self.space, {**self.values, **allowed})

    def __contains__(self, config: Mapping[str, Any]) -> bool:
        return all(config[name] in values for name, values in self.values.items())

    def __repr__(self) -> str:
        return f"Choices({self.values})"

    @property
    def count(self) -> int:
        """Number of combinations, whether valid or not."""
        return math.prod(len(values) for values in self.values.values())

    def is_valid(self, config: Config) -> bool:
        """Ask the space whether it takes the combination."""
        return self.space.valid is None or self.space.valid(config)


class Paths(Protocol):
    """Draws the subnets of a step."""

    def draw(self, choices: Choices, generator: torch.Generator) -> list[Config]:
        """Return the subnets; the generator is on the CPU."""


@dataclass(frozen=True)
class UniformPaths:
    """Every value of every parameter with equal probability (Guo et al., ECCV 2020).

    Combinations that are not valid are drawn again.

    Parameters
    ----------
    count : int
        Subnets per step.

    Examples
    --------
    >>> choices = Choices(Space({"op": Categorical(["skip", "conv"])}))
    >>> len(UniformPaths(3).draw(choices, torch.Generator()))
    3
    """

    count: int = 1

    def __post_init__(self) -> None:
        check_count("count", self.count)

    def draw(self, choices: Choices, generator: torch.Generator) -> list[Config]:
        """Return `count` subnets."""
        return [self._one(choices, generator) for _ in range(self.count)]

    def _one(self, choices: Choices, generator: torch.Generator) -> Config:
        for _ in range(_ATTEMPTS):
            config = {
                name: values[int(torch.randint(len(values), (), generator=generator))]
                for name, values in choices.values.items()
            }
            if choices.is_valid(config):
                return config
        raise ValueError(f"none of {_ATTEMPTS} combinations drawn of {choices} is valid")


@dataclass(frozen=True)
class FairPaths:
    """Every value of every parameter once in a step (strict fairness, Chu et al., ICCV 2021).

    With m values per parameter a step has m subnets; each parameter's values are dealt to them in
    an order of its own. A parameter with fewer values deals them repeatedly, those that come once
    more than others by lot. Spaces in which some combinations are not valid have no such deal.

    Examples
    --------
    >>> choices = Choices(Space({"a": Categorical(["x", "y"]), "b": Categorical(["x", "y"])}))
    >>> paths = FairPaths().draw(choices, torch.Generator())
    >>> sorted(path["a"] for path in paths), sorted(path["b"] for path in paths)
    (['x', 'y'], ['x', 'y'])
    """

    def draw(self, choices: Choices, generator: torch.Generator) -> list[Config]:
        """Return as many subnets as the parameter with most values has."""
        if choices.space.valid is not None:
            raise ValueError("FairPaths wants a space whose combinations are all valid")
        size = max(len(values) for values in choices.values.values())
        dealt: dict[str, list[Any]] = {}
        for name, values in choices.values.items():
            rounds = [
                torch.randperm(len(values), generator=generator)
                for _ in range(-(-size // len(values)))
            ]
            deal = torch.cat(rounds)[:size]
            order = torch.randperm(size, generator=generator)
            dealt[name] = [values[i] for i in deal[order].tolist()]
        return [dict(zip(dealt, row, strict=True)) for row in zip(*dealt.values(), strict=True)]
