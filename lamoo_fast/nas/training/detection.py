"""Detectors in the training loop: images, and boxes of which every image has another number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lamoo_fast.nas.datasets.coco import DetectionData
from lamoo_fast.nas.networks.detection import Objects, assign, detection_loss
from lamoo_fast.nas.networks.detector import Predictions
from lamoo_fast.nas.training.objective import Loss

__all__ = [
    "DetectionLoss",
    "ImageRows",
    "ObjectRows",
    "flipped",
    "loss_of",
    "packed",
    "unpacked",
]


@dataclass(frozen=True)
class ImageRows:
    """Some images of a data set, read when they are asked for.

    Parameters
    ----------
    data : DetectionData
        The data set.
    rows : Tensor
        Numbers of the images.
    """

    data: DetectionData
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self.data.images(self.rows[rows])


@dataclass(frozen=True)
class ObjectRows:
    """The objects of these images, as `packed`.

    Parameters
    ----------
    data : DetectionData
        The data set.
    rows : Tensor
        Numbers of the images.
    """

    data: DetectionData
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Tensor) -> Tensor:
        return packed([self.data.objects_in(row) for row in self.rows[rows].tolist()])


def packed(objects: Sequence[Objects]) -> Tensor:
    """Put the objects of n images, at most k each, into one tensor (n, k, 5).

    The last number is the label; it is -1 where an image has fewer.

    Examples
    --------
    >>> one = Objects(torch.tensor([[0.0, 0.0, 2.0, 3.0]]), torch.tensor([4]))
    >>> packed([one, Objects(torch.zeros(0, 4), torch.zeros(0))])[:, 0, 4].tolist()
    [4.0, -1.0]
    """
    most = max((len(labels) for _, labels in objects), default=0)
    whole = torch.zeros(len(objects), max(1, most), 5)
    whole[..., 4] = -1
    for row, (boxes, labels) in zip(whole, objects, strict=True):
        row[: len(labels), :4] = boxes
        row[: len(labels), 4] = labels
    return whole


def unpacked(whole: Tensor) -> list[Objects]:
    """Invert `packed`."""
    return [Objects(row[row[:, 4] >= 0, :4], row[row[:, 4] >= 0, 4].long()) for row in whole]


def flipped(images: Tensor, table: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirror about every second image and its boxes; `generator` is on the CPU."""
    chosen = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
    width = images.shape[-1]
    mirrored = torch.cat(
        [width - table[..., 2:3], table[..., 1:2], width - table[..., :1], table[..., 3:]], dim=-1
    )
    return (
        torch.where(chosen[:, None, None, None], images.flip(-1), images),
        torch.where(chosen[:, None, None], mirrored, table),
    )


@dataclass(frozen=True)
class DetectionLoss:
    """The loss of a detector.

    Parameters
    ----------
    flip : bool
        Whether every second image is mirrored.
    """

    flip: bool = True

    def losses(
        self, model: nn.Module, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the loss of a batch; the accuracy is that of places."""
        if self.flip:
            images, labels = flipped(images, labels, generator)
        yield loss_of(model(images), unpacked(labels))


def loss_of(predictions: Predictions, objects: Sequence[Objects]) -> Loss:
    """Return `detection_loss`; right is a place that prefers the class of its object."""
    correct, count = predictions.strides.new_zeros((), dtype=torch.long), 0
    for scores, (boxes, kinds) in zip(predictions.scores.detach(), objects, strict=True):
        owner = assign(predictions.places, predictions.strides, boxes)
        places = owner >= 0
        correct = correct + (scores[places].argmax(-1) == kinds[owner[places]]).sum()
        count += int(places.sum())
    return Loss(detection_loss(predictions, objects), correct, count)
