"""What is minimised in a step of a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CrossEntropy", "Loss", "Objective", "check_labels"]


def check_labels(labels: Tensor, classes: int) -> None:
    """Check that labels are numbers of classes; torch would leave out -100, and kill a CUDA device.

    Raises
    ------
    ValueError
        If one is not.
    """
    low, high = (int(end) for end in torch.aminmax(labels))
    if low < 0 or high >= classes:
        raise ValueError(f"labels go from {low} to {high}, wanted 0 to {classes - 1}")


@dataclass(frozen=True)
class Loss:
    """A part of a step's loss.

    Parameters
    ----------
    value : Tensor
        A scalar.
    correct, count : Tensor, int
        How many of how many predictions were right.
    """

    value: Tensor
    correct: Tensor
    count: int


class Objective(Protocol):
    """Gives the losses of a step one after the other.

    The gradients of one are taken before the next is asked for, so that a step over several subnets
    needs no more memory than one.
    """

    def losses(
        self, model: Any, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the losses whose gradients a step sums; `generator` is on the CPU."""


@dataclass(frozen=True)
class CrossEntropy:
    """Classification by one network.

    Parameters
    ----------
    smoothing : float
        Share of the probability that is spread evenly over the classes (Szegedy et al., CVPR 2016).
    """

    smoothing: float = 0.0

    def losses(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the mean cross entropy of the batch."""
        scores = model(images)
        check_labels(labels, scores.shape[-1])
        value = functional.cross_entropy(scores, labels, label_smoothing=self.smoothing)
        yield Loss(value, (scores.detach().argmax(-1) == labels).sum(), labels.numel())
