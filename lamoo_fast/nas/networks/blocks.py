"""Blocks that several families share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Zero(nn.Module):
    """No connection."""

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros of the same shape."""
        return torch.zeros_like(x)


def conv_bn(
    kernel: int, c_in: int, c_out: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution that keeps the image but for its stride, and normalisation."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


def relu_conv_bn(kernel: int, c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """Rectify, convolve with as much padding as keeps the image, normalise."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(c_out))


def sum_of(parts: Sequence[Tensor]) -> Tensor:
    """Add tensors from the left, so that rounding does not depend on who adds."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


class DropPath(nn.Module):
    """Stochastic depth: whole paths of some images are dropped while training.

    An image's path is zero with probability `rate`, and else divided by ``1 - rate``, so that its
    mean stays (Larsson, Maire and Shakhnarovich, ICLR 2017). As `torch.nn.Dropout`, it draws from
    the global generator of PyTorch.

    Attributes
    ----------
    rate : float
        Zero at first; `set_drop_path` changes it in a whole network.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rate = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, ...) to the same shape."""
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty((len(x), *[1] * (x.ndim - 1))).bernoulli_(keep)
        return x * (mask / keep)


def set_drop_path(network: nn.Module, rate: float) -> None:
    """Set the rate of every `DropPath` of a network, as schedules do from epoch to epoch.

    Raises
    ------
    ValueError
        If `rate` is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise ValueError(f"rate is {rate!r}, wanted a number in [0, 1)")
    for part in network.modules():
        if isinstance(part, DropPath):
            part.rate = rate
