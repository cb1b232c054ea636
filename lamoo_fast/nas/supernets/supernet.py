"""What all supernets have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.supernets.statistics import (
    BatchStatistics,
    Normaliser,
    Statistics,
    Stored,
)

__all__ = ["Supernet"]


class Supernet(nn.Module, ABC):
    """One network that holds the weights of all architectures of a space.

    Subclasses give `run` and `subnet`. Without `statistics`, a subnet's activations are normalised
    by their own mean and variance over the batch, whether in training mode or not: there are no
    running averages, since they would belong to a mixture of subnets. For evaluation
    `lamoo_fast.nas.supernets.recalibrate.recalibrate` records the statistics of the subnets asked
    for.

    Parameters
    ----------
    architectures : ArchitectureSpace
        The space.

    Attributes
    ----------
    group_floats : int
        Largest activation, in numbers, that a pass on the CPU should make: 4 MB stay in its cache.
    """

    group_floats: ClassVar[int] = 2**20

    def __init__(self, architectures: ArchitectureSpace) -> None:
        super().__init__()
        self.architectures = architectures

    @abstractmethod
    def run(self, x: Tensor, configs: Sequence[Mapping[str, Any]], normalise: Normaliser) -> Tensor:
        """Map images (batch, channels, height, width) to scores (subnets, batch, classes)."""

    @abstractmethod
    def subnet(self, config: Mapping[str, Any], statistics: Statistics | None = None) -> nn.Module:
        """Make the stand-alone network of an architecture with a copy of the shared weights.

        With `statistics` its running averages are those recorded for it, so that it computes in
        evaluation mode what the supernet computes with them.
        """

    def forward(
        self, x: Tensor, config: Mapping[str, Any], statistics: Statistics | None = None
    ) -> Tensor:
        """Map images (batch, channels, height, width) to scores (batch, classes) by one subnet."""
        return self.forward_many(x, [config], statistics)[0]

    def forward_many(
        self,
        x: Tensor,
        configs: Sequence[Mapping[str, Any]],
        statistics: Statistics | None = None,
    ) -> Tensor:
        """Run the same images through many subnets at once.

        Parameters
        ----------
        x : Tensor
            Images (batch, channels, height, width).
        configs : sequence of dict
            The k subnets; repeated ones cost nothing.
        statistics : Statistics, optional
            What `recalibrate` recorded for them; by default the batch's own are used.

        Returns
        -------
        Tensor
            Scores (k, batch, classes).

        Raises
        ------
        ValueError
            If an architecture is not one of the space, or has no recorded statistics.

        Notes
        -----
        Images of all subnets that choose an operation go through it in one call, and what several
        subnets compute alike is computed once. With recorded statistics images do not depend on
        each other; on the CPU they then go in groups that keep activations in its cache.
        """
        if not configs:
            raise ValueError("configs is empty, wanted at least one architecture")
        configs = [self.architectures.space.check(config) for config in configs]
        if statistics is None:
            return self.run(x, configs, BatchStatistics())
        stored = Stored(statistics, self.layer_names(), self._names_of(configs))
        if x.device.type != "cpu":
            return self.run(x, configs, stored)
        images = max(1, self.group_floats // (len(configs) * self.largest_activation(x)))
        return torch.cat(
            [self.run(part, configs, stored) for part in torch.split(x, images)], dim=1
        )

    @abstractmethod
    def largest_activation(self, x: Tensor) -> int:
        """Numbers in the largest activation of one image by one subnet."""

    def layer_names(self) -> dict[nn.Module, str]:
        """Names of the layers of normalisation, as in `named_modules`."""
        return {
            module: name
            for name, module in self.named_modules()
            if isinstance(module, nn.BatchNorm2d)
        }

    def _names_of(self, configs: Sequence[Mapping[str, Any]]) -> list[str]:
        return [self.architectures.encode(config) for config in configs]
