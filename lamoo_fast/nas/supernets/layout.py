"""The layout of tensors inside a supernet: (rows, batch, height, width, channels).

Channels come last, so that a row's scale and shift lie along the innermost dimension; convolutions
get it as PyTorch's channels-last layout, without copying.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

__all__ = ["inside", "rows_of", "through"]


def inside(images: Tensor) -> Tensor:
    """Make the only row of images (batch, channels, height, width)."""
    return images.permute(0, 2, 3, 1).contiguous()[None]


def rows_of(x: Tensor, index: Tensor | None) -> Tensor:
    """Return some rows; all, and no copy, if `index` is None."""
    return x if index is None else x.index_select(0, index)


def through(x: Tensor, layer: Callable[[Tensor], Tensor]) -> Tensor:
    """Send the images of all rows at once through a layer for (images, channels, h, w)."""
    # Images of one channel are in both layouts at once, and PyTorch returns the other one for them.
    out = layer(x.flatten(0, 1).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()
    return out.reshape(*x.shape[:2], *out.shape[1:])
