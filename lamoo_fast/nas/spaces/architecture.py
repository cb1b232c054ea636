"""What all families of architectures have in common."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lamoo_fast.search.checks import check_count
from lamoo_fast.search.space import Config, Space

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from torch import nn

__all__ = ["ArchitectureSpace", "Config", "Cost", "check_counts", "operation_of"]


@dataclass(frozen=True)
class Cost:
    """Price of a network: counts, the same on every machine.

    Parameters
    ----------
    flops : int
        Multiply-adds of one image (or one token) through convolutions and linear layers, each
        bias counted as one per output.
    params : int
        Trainable parameters.

    Examples
    --------
    >>> Cost(6, 3) + Cost(1, 1)
    Cost(flops=7, params=4)
    """

    flops: int
    params: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.params + other.params)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.flops * times, self.params * times)

    __rmul__ = __mul__


class ArchitectureSpace(Protocol):
    """A family of architectures; its implementations are frozen dataclasses.

    Their fields are the settings that all architectures share, such as channels and classes.
    """

    @property
    def name(self) -> str:
        """Name of the family."""

    @property
    def space(self) -> Space:
        """The choices: a configuration is a dict."""

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the published string of an architecture; ValueError as `Space.check`."""

    def decode(self, text: str) -> Config:
        """Invert `encode`; ValueError saying what is wrong with the string."""

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds and parameters in closed form."""

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> nn.Module:
        """Make the stand-alone network, with weights drawn from `generator`, on its device."""

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw a picture of the architecture."""


def check_counts(**settings: object) -> None:
    """Raise ValueError if a setting is not a whole number >= 1."""
    for name, value in settings.items():
        check_count(name, value)


def operation_of(code: object, ops: Sequence[str], name: str) -> str:
    """Return the operation that has the number `code`; ValueError if there is none."""
    if (
        isinstance(code, bool)
        or not isinstance(code, numbers.Integral)
        or code not in range(len(ops))
    ):
        raise ValueError(f"code of {name} is {code!r}, wanted 0 to {len(ops) - 1}")
    return ops[int(code)]
