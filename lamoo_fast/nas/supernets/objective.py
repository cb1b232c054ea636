"""Losses of sampled subnets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lamoo_fast.nas.supernets.paths import Choices, Paths
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.training.objective import Loss

__all__ = ["SampledPaths"]


@dataclass(frozen=True)
class SampledPaths:
    """Mean cross entropy of the subnets of a step, which go through the supernet together.

    Parameters
    ----------
    choices : Choices
        The space, or the part of it that is trained.
    paths : Paths
        Draws the subnets.
    smoothing : float
        Label smoothing.
    """

    choices: Choices
    paths: Paths
    smoothing: float = 0.0

    def losses(
        self, model: Supernet, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield one loss, the mean over subnets and images."""
        configs = self.paths.draw(self.choices, generator)
        scores = model.forward_many(images, configs).flatten(0, 1)
        wanted = labels.repeat(len(configs))
        value = functional.cross_entropy(scores, wanted, label_smoothing=self.smoothing)
        yield Loss(value, (scores.detach().argmax(-1) == wanted).sum(), wanted.numel())
