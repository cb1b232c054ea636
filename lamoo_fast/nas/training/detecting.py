"""Detectors in the training loop: images, and boxes of which every image has another number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from lamoo_fast.nas.datasets.coco import DetectionData
from lamoo_fast.nas.networks.detection import Objects, detection_loss
from lamoo_fast.nas.training.objective import Loss

__all__ = ["DetectionLoss", "ImageRows", "ObjectRows", "flipped", "objects_of"]


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
    """The objects of these images: (n, most, 5), box and label; a label of -1 is none.

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
        tables = []
        for row in self.rows[rows].tolist():
            boxes, labels = self.data.objects_in(row)
            tables.append(torch.cat([boxes, labels[:, None].to(boxes)], dim=1))
        return pad_sequence(tables, batch_first=True, padding_value=-1.0)


def objects_of(table: Tensor) -> list[Objects]:
    """Return the objects of each image from a table (n, most, 5) as of `ObjectRows`."""
    return [Objects(rows[:, :4], rows[:, 4].long()) for rows in (t[t[:, 4] >= 0] for t in table)]


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
        """Yield the loss of a batch; there is no accuracy."""
        if self.flip:
            images, labels = flipped(images, labels, generator)
        value = detection_loss(model(images), objects_of(labels))
        yield Loss(value, labels.new_zeros(()), 0)
