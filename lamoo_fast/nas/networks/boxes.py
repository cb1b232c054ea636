"""Boxes: left, top, right, bottom."""

from __future__ import annotations

import torch
from torch import Tensor


def area(boxes: Tensor) -> Tensor:
    """Return the areas (...) of boxes (..., 4); none is below zero."""
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return intersection over union (n, k) of boxes (n, 4) with boxes (k, 4).

    Examples
    --------
    >>> one = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    >>> float(pairwise_iou(one, one + 1))  # one pixel of seven
    0.1428571492433548
    """
    inner = torch.cat(
        [
            torch.maximum(first[:, None, :2], second[None, :, :2]),
            torch.minimum(first[:, None, 2:], second[None, :, 2:]),
        ],
        dim=-1,
    )
    shared = area(inner)
    union = area(first)[:, None] + area(second)[None] - shared
    return shared / union.clamp(min=torch.finfo(shared.dtype).tiny)


def generalised_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return generalised intersection over union (n,) of n pairs (Rezatofighi et al., CVPR 2019).

    Unlike the plain one, it tells how far apart two boxes are: it goes down to -1.
    """
    tiny = torch.finfo(first.dtype).tiny
    inner = torch.cat(
        [
            torch.maximum(first[:, :2], second[:, :2]),
            torch.minimum(first[:, 2:], second[:, 2:]),
        ],
        dim=-1,
    )
    outer = torch.cat(
        [
            torch.minimum(first[:, :2], second[:, :2]),
            torch.maximum(first[:, 2:], second[:, 2:]),
        ],
        dim=-1,
    )
    shared, around = area(inner), area(outer).clamp(min=tiny)
    union = area(first) + area(second) - shared
    return shared / union.clamp(min=tiny) - (around - union) / around


def suppress(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> Tensor:
    """Keep the best of boxes that overlap: greedy non-maximum suppression within each class.

    Parameters
    ----------
    boxes : Tensor
        Shape (n, 4).
    scores, labels : Tensor
        Shape (n,).
    threshold : float
        Boxes of a class whose intersection over union with a better one is above it are dropped.

    Returns
    -------
    Tensor
        Numbers of the boxes kept, best first. Takes n^2 time and memory.

    Examples
    --------
    >>> boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 3], [5, 5, 6, 6]])
    >>> suppress(boxes, torch.tensor([0.5, 0.9, 0.1]), torch.zeros(3), 0.5).tolist()
    [1, 2]
    """
    order = scores.argsort(descending=True, stable=True)
    rivals = pairwise_iou(boxes[order], boxes[order]) > threshold
    rivals &= labels[order][:, None] == labels[order][None]
    rows, dropped = rivals.cpu(), torch.zeros(len(order), dtype=torch.bool)
    kept = []
    for number in range(len(order)):
        if not dropped[number]:
            kept.append(number)
            dropped |= rows[number]
    return order[torch.tensor(kept, dtype=torch.long, device=order.device)]
