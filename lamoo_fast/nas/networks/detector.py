"""One-stage detectors: backbone, feature pyramid, head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lamoo_fast.nas.networks.blocks import conv_bn
from lamoo_fast.nas.networks.mobilenet import InvertedResidualBlock
from lamoo_fast.nas.spaces.detector import Detector
from lamoo_fast.nas.spaces.mobilenet import InvertedResidual, MobileNet


class Predictions(NamedTuple):
    """What a detector says about each of n places, over all levels.

    scores (batch, n, classes) and centred (batch, n) are before the sigmoid; boxes (batch, n, 4)
    are left, top, right, bottom in pixels; places (n, 2) are x, y in pixels and strides (n,) the
    pixels between neighbours.
    """

    scores: Tensor
    centred: Tensor
    boxes: Tensor
    places: Tensor
    strides: Tensor


class Backbone(nn.Module):
    """The stem and the blocks of a `MobileNet`, named as there so that weights fit.

    Parameters
    ----------
    settings : MobileNet
        Channels of the image and of the stem.
    blocks : sequence of InvertedResidual
        From first to last.
    taps : sequence of int
        Numbers of the blocks whose outputs are returned.
    """

    def __init__(
        self, settings: MobileNet, blocks: Sequence[InvertedResidual], taps: Sequence[int]
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *conv_bn(3, settings.in_channels, settings.stem, stride=2), nn.Hardswish()
        )
        self.blocks = nn.Sequential(*(InvertedResidualBlock(block) for block in blocks))
        self.taps = list(taps)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map images to the outputs of the tapped blocks."""
        x, kept = self.stem(x), []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                kept.append(x)
        return kept


class Pyramid(nn.Module):
    """Feature pyramid: each map is joined by what the next coarser one knows.

    Parameters
    ----------
    channels : sequence of int
        Of the given maps, finest first.
    width : int
        Of all levels.
    extra : int
        Levels added by halving the coarsest.
    """

    def __init__(self, channels: Sequence[int], width: int, extra: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.output = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in channels)
        self.halve = nn.ModuleList(
            nn.Conv2d(width, width, 3, stride=2, padding=1) for _ in range(extra)
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map (batch, channels, h, w) each to (batch, width, h, w) each, finest first."""
        sides = [lateral(m) for lateral, m in zip(self.lateral, maps, strict=True)]
        for finer in range(len(sides) - 2, -1, -1):
            up = interpolate(sides[finer + 1], size=sides[finer].shape[-2:], mode="nearest")
            sides[finer] = sides[finer] + up
        levels = [output(side) for output, side in zip(self.output, sides, strict=True)]
        for number, halve in enumerate(self.halve):
            levels.append(halve(torch.relu(levels[-1]) if number else levels[-1]))
        return levels


class RareConv(nn.Conv2d):
    """Scores of classes that are seen rarely: they start at one in a hundred."""

    def initialise(self, generator: torch.Generator) -> None:
        """Draw small weights; the bias says how rare."""
        self.weight.normal_(0, 0.01, generator=generator)
        if self.bias is not None:
            self.bias.fill_(-math.log(99))


class Scales(nn.Module):
    """A learned factor for each level."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(levels))

    def initialise(self, generator: torch.Generator) -> None:
        """Start at one."""
        self.factor.fill_(1)


class Head(nn.Module):
    """The part that all levels share."""

    def __init__(self, settings: Detector) -> None:
        super().__init__()
        width = settings.width

        def branch() -> nn.Sequential:
            layers: list[nn.Module] = []
            for _ in range(settings.convs):
                norm = nn.GroupNorm(width // 8, width)
                layers += [nn.Conv2d(width, width, 3, padding=1), norm, nn.ReLU()]
            return nn.Sequential(*layers)

        self.classify, self.locate = branch(), branch()
        self.scores = RareConv(width, settings.classes, 3, padding=1)
        self.sides = nn.Conv2d(width, 4, 3, padding=1)
        self.centred = nn.Conv2d(width, 1, 3, padding=1)
        self.scales = Scales(len(settings.strides))

    def forward(self, level: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores, logarithms of the sides in strides, and centredness, (batch, ., h, w)."""
        classes, boxes = self.classify(x), self.locate(x)
        sides = self.sides(boxes) * self.scales.factor[level]
        return self.scores(classes), sides, self.centred(boxes)


class DetectorNetwork(nn.Module):
    """A detector with the blocks of one backbone.

    Parameters
    ----------
    settings : Detector
        Classes, pyramid, head.
    blocks : sequence of InvertedResidual
        Of the backbone.
    taps : sequence of int
        Blocks whose outputs the pyramid starts from.
    """

    def __init__(
        self, settings: Detector, blocks: Sequence[InvertedResidual], taps: Sequence[int]
    ) -> None:
        super().__init__()
        self.strides = settings.strides
        self.backbone = Backbone(settings.backbone, blocks, taps)
        channels = [blocks[tap].c_out for tap in taps]
        self.pyramid = Pyramid(channels, settings.width, settings.extra_levels)
        self.head = Head(settings)

    def forward(self, images: Tensor) -> Predictions:
        """Map images (batch, channels, height, width) to what is said about each place."""
        return predict(self.pyramid(self.backbone(images)), self.strides, self.head)


def predict(levels: Sequence[Tensor], strides: Sequence[int], head: Head) -> Predictions:
    """Return what a head says about each place of the levels of a pyramid."""
    parts: list[Predictions] = []
    for number, (level, stride) in enumerate(zip(levels, strides, strict=True)):
        scores, sides, centred = (_by_place(t) for t in head(number, level))
        places = _places(level, stride)
        # far beyond any image, so that early mistakes stay finite
        reach = stride * sides.clamp(max=7.0).exp()
        boxes = torch.cat([places - reach[..., :2], places + reach[..., 2:]], dim=-1)
        apart = torch.full_like(places[:, 0], stride)
        parts.append(Predictions(scores, centred[..., 0], boxes, places, apart))
    return Predictions(
        torch.cat([part.scores for part in parts], dim=1),
        torch.cat([part.centred for part in parts], dim=1),
        torch.cat([part.boxes for part in parts], dim=1),
        torch.cat([part.places for part in parts]),
        torch.cat([part.strides for part in parts]),
    )


def _by_place(x: Tensor) -> Tensor:
    """Turn (batch, c, h, w) into (batch, h w, c)."""
    return x.flatten(2).transpose(1, 2)


def _places(level: Tensor, stride: int) -> Tensor:
    """Return the centres of a level's places in pixels, (h w, 2)."""
    height, width = level.shape[-2:]
    rows = torch.arange(height, device=level.device, dtype=level.dtype)
    columns = torch.arange(width, device=level.device, dtype=level.dtype)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return stride * (torch.stack([x, y], dim=-1).reshape(-1, 2) + 0.5)
