"""Weights from a generator of one's own, so that one seed gives one network."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

_M = TypeVar("_M", bound=nn.Module)


def initialised(make: Callable[[], _M], generator: torch.Generator) -> _M:
    """Make a module and draw all its weights from `generator`; the global one is not touched.

    Convolutions get normal weights of variance 2 / fan-out (He et al., ICCV 2015), linear layers
    uniform ones within 1 / sqrt(fan-in), biases 0, normalisations 1 and 0. A module with
    parameters of its own kind says how it is filled by a method ``initialise(generator)``.

    Parameters
    ----------
    make : callable
        Returns the module; called where tensors take no memory.
    generator : torch.Generator
        The module is placed on its device.

    Raises
    ------
    TypeError
        If a module has parameters of its own and no method ``initialise``.

    Examples
    --------
    >>> first, second = (
    ...     initialised(lambda: nn.Linear(2, 1), torch.Generator().manual_seed(0)) for _ in "ab"
    ... )
    >>> bool((first.weight == second.weight).all())
    True
    """
    with torch.device("meta"):
        module = make()
    module.to_empty(device=generator.device)
    initialise(module, generator)
    return module


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Fill the parameters and buffers of `module`, as `initialised` says."""
    for part in module.modules():
        own = getattr(part, "initialise", None)
        if own is not None:
            own(generator)
        elif isinstance(part, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            fan_out = part.out_channels // part.groups * math.prod(part.kernel_size)
            part.weight.normal_(0, math.sqrt(2 / fan_out), generator=generator)
            _zero(part.bias)
        elif isinstance(part, nn.Linear):
            bound = 1 / math.sqrt(part.in_features)
            part.weight.uniform_(-bound, bound, generator=generator)
            _zero(part.bias)
        elif isinstance(part, nn.Embedding):
            part.weight.uniform_(-0.1, 0.1, generator=generator)
        elif isinstance(part, nn.RNNBase):
            for weight in part.parameters():
                bound = 1 / math.sqrt(part.hidden_size)
                weight.uniform_(-bound, bound, generator=generator)
        elif isinstance(part, (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)):
            part.reset_parameters()  # constants, nothing is drawn
        elif any(True for _ in part.parameters(recurse=False)):
            raise TypeError(f"{type(part).__name__} has parameters but no method `initialise`")


def _zero(bias: torch.Tensor | None) -> None:
    if bias is not None:
        bias.zero_()
