"""Losses of sampled subnets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from lamoo_fast.nas.supernets.paths import Choices, Paths, UniformPaths
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.training.objective import Loss, check_labels
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.space import Config

__all__ = ["Elastic", "SampledPaths", "Sandwich"]


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
        check_labels(labels, scores.shape[-1])
        wanted = labels.repeat(len(configs))
        value = functional.cross_entropy(scores, wanted, label_smoothing=self.smoothing)
        yield Loss(value, (scores.detach().argmax(-1) == wanted).sum(), wanted.numel())


class Elastic(Protocol):
    """A space with a largest and a smallest subnet."""

    def largest(self) -> Config:
        """Return the most expensive subnet."""

    def smallest(self) -> Config:
        """Return the cheapest subnet."""


@dataclass(frozen=True)
class Sandwich:
    """The sandwich rule with in-place distillation (Yu and Huang, ICCV 2019).

    A step trains the largest subnet on the labels, then the smallest and some random ones on what
    the largest says of the same images: its probabilities, which are not trained by it.

    Parameters
    ----------
    space : Elastic
        Tells the largest and the smallest subnet.
    choices : Choices
        Where random subnets are drawn from.
    count : int
        Random subnets per step.
    smoothing : float
        Label smoothing for the largest.
    """

    space: Elastic
    choices: Choices
    count: int = 2
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_count("count", self.count)

    def losses(
        self, model: Supernet, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the loss of each subnet of the step, the largest first."""
        scores = model(images, self.space.largest())
        check_labels(labels, scores.shape[-1])
        value = functional.cross_entropy(scores, labels, label_smoothing=self.smoothing)
        teacher = scores.detach().softmax(-1)
        yield Loss(value, (teacher.argmax(-1) == labels).sum(), labels.numel())
        students = [self.space.smallest()]
        students += UniformPaths(self.count).draw(self.choices, generator)
        for config in students:
            scores = model(images, config)
            value = functional.cross_entropy(scores, teacher)
            yield Loss(value, (scores.detach().argmax(-1) == labels).sum(), labels.numel())
