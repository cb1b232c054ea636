"""In which order a training sees its data."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from lamoo_fast.nas.training.seeds import derived_generator

__all__ = ["Order", "Shuffled"]


class Order(Protocol):
    """Which rows a step takes."""

    def __len__(self) -> int:
        """Rows of an epoch."""

    def rows(self, step: int) -> Tensor:
        """Numbers of the rows of a step; they depend on nothing else."""


class Shuffled:
    """A new random order every epoch.

    Parameters
    ----------
    count, batch, per_epoch : int
        Of all rows, of those of a step, and of the steps of an epoch.
    seed : int
        The order of an epoch depends on nothing else.
    """

    def __init__(self, count: int, batch: int, per_epoch: int, seed: int) -> None:
        self._count, self._batch, self._per_epoch, self._seed = count, batch, per_epoch, seed
        self._epoch: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return self._count

    def rows(self, step: int) -> Tensor:
        """Return the rows of a step."""
        epoch, position = divmod(step, self._per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            generator = derived_generator(self._seed, "order", epoch)
            self._epoch = epoch, torch.randperm(self._count, generator=generator)
        first = position * self._batch
        return self._epoch[1][first : first + self._batch]
