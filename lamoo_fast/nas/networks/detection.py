"""Learning to detect, and reading what a detector found (FCOS, Tian et al., ICCV 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lamoo_fast.nas.networks.boxes import area, generalised_iou, suppress
from lamoo_fast.nas.networks.detector import Predictions

_RADIUS = 1.5  # strides around the centre of an object in which places belong to it
_LONGEST = 8.0  # strides to the farthest side of an object that a level should find
_ALPHA, _GAMMA = 0.25, 2.0


class Objects(NamedTuple):
    """The objects of an image: boxes (k, 4) in pixels and labels (k,) from 0."""

    boxes: Tensor
    labels: Tensor


class Detections(NamedTuple):
    """What was found in an image, best first: boxes (k, 4), scores (k,) and labels (k,)."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def detection_loss(predictions: Predictions, objects: Sequence[Objects]) -> Tensor:
    """Return the sum of three losses, each per place that belongs to an object.

    Focal loss of the classes (Lin et al., ICCV 2017), generalised intersection over union of the
    boxes weighted by how central the place is, and cross-entropy of the centredness.

    Parameters
    ----------
    predictions : Predictions
        Of a batch.
    objects : sequence of Objects
        One for each image; there may be none in it.

    Raises
    ------
    ValueError
        If there are not as many as images, or a label is none of the classes.
    """
    scores, classes = predictions.scores, predictions.scores.shape[-1]
    if len(objects) != len(scores):
        raise ValueError(f"objects has {len(objects)} images, wanted {len(scores)}")
    wanted = torch.zeros_like(scores)
    boxes, found = [], torch.zeros_like(predictions.centred, dtype=torch.bool)
    for number, (image_boxes, labels) in enumerate(objects):
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise ValueError(f"labels are {labels.tolist()}, wanted 0 to {classes - 1}")
        owner = assign(predictions.places, predictions.strides, image_boxes)
        found[number] = owner >= 0
        places = found[number].nonzero()[:, 0]
        wanted[number, places, labels[owner[places]]] = 1
        boxes.append(image_boxes[owner[places]])
    count = max(1, int(found.sum()))
    total = _focal(scores, wanted).sum() / count
    if found.any():
        true = torch.cat(boxes).to(predictions.boxes)
        places = predictions.places.expand(len(scores), -1, -1)[found]
        central = centredness(places, true)
        overlap = generalised_iou(predictions.boxes[found], true)
        total = total + ((1 - overlap) * central).sum() / central.sum()
        total = total + binary_cross_entropy_with_logits(predictions.centred[found], central)
    return total


def _focal(scores: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy in which what is already right counts little."""
    p = scores.sigmoid()
    right = p * wanted + (1 - p) * (1 - wanted)
    balance = _ALPHA * wanted + (1 - _ALPHA) * (1 - wanted)
    entropy = binary_cross_entropy_with_logits(scores, wanted, reduction="none")
    return balance * (1 - right) ** _GAMMA * entropy


def assign(places: Tensor, strides: Tensor, boxes: Tensor) -> Tensor:
    """Tell which object each place belongs to: its number, or -1.

    A place belongs to an object if it is inside of it, near to its centre, and its level is the
    one for objects of that size; the smallest if there are several. n places and k boxes take
    n k time and memory.
    """
    if len(boxes) == 0:
        return places.new_full((len(places),), -1, dtype=torch.long)
    boxes = boxes.to(places)
    sides = torch.cat(
        [places[:, None] - boxes[None, :, :2], boxes[None, :, 2:] - places[:, None]], -1
    )
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = (places[:, None] - centres[None]).abs().amax(-1) < _RADIUS * strides[:, None]
    longest = sides.amax(-1)
    lower = torch.where(strides == strides.min(), 0 * strides, _LONGEST / 2 * strides)
    upper = torch.where(strides == strides.max(), torch.inf * strides, _LONGEST * strides)
    fits = (longest > lower[:, None]) & (longest <= upper[:, None])
    size = area(boxes)[None].expand(len(places), -1)
    size = torch.where((sides.amin(-1) > 0) & near & fits, size, torch.inf)
    least, owner = size.min(dim=1)
    return torch.where(least < torch.inf, owner, -1)


def centredness(places: Tensor, boxes: Tensor) -> Tensor:
    """Return how central n places are in n boxes: 1 at the centre, 0 at a side."""
    low, high = places - boxes[:, :2], boxes[:, 2:] - places
    ratio = torch.minimum(low, high) / torch.maximum(low, high)
    return ratio.clamp(min=0).prod(dim=-1).sqrt()


@torch.no_grad()
def detections(
    predictions: Predictions,
    size: tuple[int, int],
    *,
    least_score: float = 0.05,
    overlap: float = 0.6,
    candidates: int = 1000,
    limit: int = 100,
) -> list[Detections]:
    """Read what was found in each image.

    Parameters
    ----------
    predictions : Predictions
        Of a batch.
    size : (height, width)
        Of the images; boxes are cut off there.
    least_score : float
        Whatever scores less is left out. A score is the geometric mean of the probability of the
        class and the centredness.
    overlap : float
        Greatest intersection over union with a better detection of the same class.
    candidates, limit : int
        How many are compared, and how many are returned at most.
    """
    height, width = size
    classes = predictions.scores.shape[-1]
    combined = predictions.scores.sigmoid() * predictions.centred.sigmoid()[..., None]
    read = []
    for scores, boxes in zip(combined.sqrt().flatten(1), predictions.boxes, strict=True):
        best, order = scores.topk(min(candidates, len(scores)))
        order, best = order[best >= least_score], best[best >= least_score]
        labels = order % classes
        chosen = boxes[order // classes]
        chosen = torch.minimum(chosen.clamp(min=0), chosen.new_tensor([width, height] * 2))
        kept = suppress(chosen, best, labels, overlap)[:limit]
        read.append(Detections(chosen[kept], best[kept], labels[kept]))
    return read
