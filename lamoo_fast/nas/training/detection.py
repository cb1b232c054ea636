"""Training and judging detectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lamoo_fast.nas.datasets.coco import DetectionData
from lamoo_fast.nas.networks.detection import (
    Objects,
    assign,
    detection_loss,
    detections,
)
from lamoo_fast.nas.training.device import device_of, to_device
from lamoo_fast.nas.training.objective import Loss

__all__ = ["Detect", "DetectionImages", "average_precision", "packed"]


@dataclass(frozen=True)
class Detect:
    """The loss of `detection_loss`; right is a place that prefers the class of its object."""

    def losses(
        self, model: Any, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the loss of a batch with objects as `packed` gives them."""
        predictions, objects = model(images), unpacked(labels)
        correct, count = images.new_zeros((), dtype=torch.long), 0
        for scores, (boxes, kinds) in zip(predictions.scores.detach(), objects, strict=True):
            owner = assign(predictions.places, predictions.strides, boxes)
            places = owner >= 0
            correct = correct + (scores[places].argmax(-1) == kinds[owner[places]]).sum()
            count += int(places.sum())
        yield Loss(detection_loss(predictions, objects), correct, count)


class DetectionImages:
    """The images of a data set as a training takes them, and their objects.

    Parameters
    ----------
    data : DetectionData
        Read batch by batch.

    Attributes
    ----------
    labels : Tensor
        As `packed`, in the pixels of the images.
    """

    def __init__(self, data: DetectionData) -> None:
        self._data = data
        scales = [data.size / max(size) for size in data.sizes]
        self.labels = packed(
            [
                Objects(o.boxes * scale, o.labels)
                for o, scale in zip(data.objects, scales, strict=True)
            ]
        )

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self._data.batch(rows)[0]


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


@torch.no_grad()
def average_precision(model: Any, data: DetectionData, *, batch: int = 16) -> dict[str, float]:
    """Mean average precision of a detector on all images, as `DetectionData.precision`.

    Parameters
    ----------
    model : DetectorNetwork
        Set to evaluation mode.
    data : DetectionData
        The images and what is in them.
    batch : int
        Images at a time.

    Raises
    ------
    ValueError
        If pycocotools is not installed.
    """
    model.eval()
    device, found = device_of(model), []
    rows = torch.arange(len(data))
    for some in torch.split(rows, batch):
        images, _ = data.batch(some)
        said = model(to_device(images, device))
        found += detections(said, (images.shape[-2], images.shape[-1]))
    return data.precision(rows, found)
