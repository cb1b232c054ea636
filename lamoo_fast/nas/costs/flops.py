"""Multiply-adds and parameters of any torch module, counted while it runs."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lamoo_fast.nas.spaces.architecture import Cost

_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def count(module: nn.Module, *inputs: Tensor) -> Cost:
    """Count what `module` does to `inputs` in evaluation mode.

    Counted are convolutions (with their groups), linear and recurrent layers, each
    bias as one per output. Normalisations, activations, pooling and sums are not, as is usual
    (the first can be folded into convolutions). Products of tensors that no such layer does, say
    in attention, are not seen.

    Parameters
    ----------
    module : nn.Module
        Its mode, weights and buffers are left as they are.
    *inputs : Tensor
        For the usual figures one image: shape (1, channels, height, width).

    Returns
    -------
    Cost
        Multiply-adds of the whole batch, and trainable parameters.

    Examples
    --------
    >>> count(nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False), torch.zeros(1, 4, 5, 5))
    Cost(flops=3600, params=144)
    """
    total = 0

    def add(layer: nn.Module, given: tuple[Any, ...], result: Any) -> None:
        nonlocal total
        total += _multiply_adds(layer, given, result)

    hooks = [
        layer.register_forward_hook(add)
        for layer in module.modules()
        if isinstance(layer, (*_CONVS, nn.Linear, nn.RNNBase))
    ]
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
        for part, training in modes:
            part.training = training
    return Cost(total, sum(p.numel() for p in module.parameters() if p.requires_grad))


def _multiply_adds(layer: nn.Module, given: tuple[Any, ...], result: Any) -> int:
    if isinstance(layer, nn.RNNBase):
        return _recurrent(layer, given[0])
    outputs: int = result.numel()
    bias = layer.bias is not None
    if isinstance(layer, nn.Linear):
        return outputs * (layer.in_features + bias)
    assert isinstance(layer, _CONVS)
    return outputs * (layer.in_channels // layer.groups * math.prod(layer.kernel_size) + bias)


def _recurrent(layer: nn.RNNBase, x: Any) -> int:
    """Every weight matrix, and every bias, is used once per step of every sequence."""
    data = x.data if isinstance(x, nn.utils.rnn.PackedSequence) else x
    steps = data.numel() // layer.input_size
    return steps * sum(p.numel() for p in layer.parameters())
