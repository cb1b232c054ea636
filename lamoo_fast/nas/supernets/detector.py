"""The supernet of detectors: an elastic backbone, and one pyramid and head for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamoo_fast.nas.networks.detector import DetectorNetwork, Head, Predictions, Pyramid, predict
from lamoo_fast.nas.networks.initialise import initialised
from lamoo_fast.nas.spaces.detector import TAPS, Detector
from lamoo_fast.nas.spaces.mobilenet import STAGES
from lamoo_fast.nas.supernets.elastic import ElasticMobileNet, resized
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths
from lamoo_fast.nas.supernets.statistics import BatchStatistics, Normaliser, Statistics, Stored
from lamoo_fast.nas.training.detection import flipped, loss_of, unpacked
from lamoo_fast.nas.training.objective import Loss
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.space import Config

__all__ = ["DetectionSandwich", "ElasticDetector"]


class ElasticDetector(nn.Module):
    """Weight sharing over the detectors of a `Detector` space.

    Parameters
    ----------
    architectures : Detector
        The space.
    generator : torch.Generator
        Draws the weights; the supernet is placed on its device.

    Notes
    -----
    Backbones differ in depth, kernels and expansions but not in the channels of their stages, so
    that one pyramid and one head fit all. Images are resized to each subnet's resolution; what it
    says is in the pixels of the images that were given.

    The backbone is a whole `ElasticMobileNet`, so that the weights of one that was trained to
    classify fit; its last layers are not used.
    """

    def __init__(self, architectures: Detector, *, generator: torch.Generator) -> None:
        super().__init__()
        self.architectures = architectures
        self.backbone = ElasticMobileNet(architectures.backbone, generator=generator)
        blocks = architectures.backbone.blocks(architectures.backbone.largest())
        taps = architectures.taps(architectures.backbone.largest())
        channels = [blocks[tap].c_out for tap in taps]
        width, extra = architectures.width, architectures.extra_levels
        self.pyramid = initialised(lambda: Pyramid(channels, width, extra), generator)
        self.head = initialised(lambda: Head(architectures), generator)

    def forward(self, images: Tensor, config: Mapping[str, Any]) -> Predictions:
        """Map images (batch, channels, side, side) to what one subnet says about each place."""
        return self.forward_many(images, [config])[0]

    def forward_many(
        self,
        images: Tensor,
        configs: Sequence[Mapping[str, Any]],
        statistics: Statistics | None = None,
    ) -> list[Predictions]:
        """Run the same images through many subnets at once.

        Parameters
        ----------
        images : Tensor
            Shape (batch, channels, side, side).
        configs : sequence of dict
            The subnets.
        statistics : Statistics, optional
            What `recalibrate` recorded for them; by default the batch's own are used.

        Returns
        -------
        list of Predictions
            One for each subnet, in the pixels of `images`. Subnets of one resolution go together.

        Raises
        ------
        ValueError
            If an architecture is not one of the space, or has no recorded statistics.
        """
        if not configs:
            raise ValueError("configs is empty, wanted at least one architecture")
        configs = [self.architectures.space.check(config) for config in configs]
        if statistics is None:
            return self.run(images, configs, BatchStatistics())
        names = [self.architectures.encode(config) for config in configs]
        return self.run(images, configs, Stored(statistics, self.layer_names(), names))

    def run(
        self, x: Tensor, configs: Sequence[Mapping[str, Any]], normalise: Normaliser
    ) -> list[Predictions]:
        """Do as `forward_many` with a way to normalise."""
        found: dict[int, Predictions] = {}
        for resolution in dict.fromkeys(config["resolution"] for config in configs):
            members = [i for i, config in enumerate(configs) if config["resolution"] == resolution]
            many = self._run_one_size(resized(x, resolution), configs, members, normalise)
            found |= zip(members, _apart(many, len(members), x.shape[-1] / resolution), strict=True)
        return [found[i] for i in range(len(configs))]

    def _run_one_size(
        self,
        x: Tensor,
        configs: Sequence[Mapping[str, Any]],
        members: list[int],
        normalise: Normaliser,
    ) -> Predictions:
        """What the members say, one after the other along the batch."""
        maps: list[Tensor] = []
        stages = self.backbone.stages(x, configs, members, normalise)
        for (y, row), number in zip(stages, range(len(STAGES)), strict=True):
            if number in TAPS:
                rows = torch.tensor([row[i] for i in members], device=y.device)
                maps.append(y.index_select(0, rows).flatten(0, 1).permute(0, 3, 1, 2))
        return predict(self.pyramid(maps), self.architectures.strides, self.head)

    def layer_names(self) -> dict[nn.Module, str]:
        """Names of the layers of normalisation, as in the backbone."""
        return self.backbone.layer_names()

    @torch.no_grad()
    def subnet(
        self, config: Mapping[str, Any], statistics: Statistics | None = None
    ) -> DetectorNetwork:
        """Make the stand-alone detector with a copy of the shared weights."""
        device = next(self.parameters()).device
        network = self.architectures.build(config, generator=torch.Generator(device))
        backbone = self.backbone.subnet(config, statistics)
        network.backbone.load_state_dict(backbone.state_dict(), strict=False)
        network.pyramid.load_state_dict(self.pyramid.state_dict())
        network.head.load_state_dict(self.head.state_dict())
        return network


def _apart(many: Predictions, count: int, factor: float) -> list[Predictions]:
    """Part the batches of `count` subnets, with all lengths in pixels `factor` times as small."""
    places, strides = many.places * factor, many.strides * factor
    three = (part.chunk(count) for part in (many.scores, many.centred, many.boxes * factor))
    return [
        Predictions(scores, centred, boxes, places, strides)
        for scores, centred, boxes in zip(*three, strict=True)
    ]


@dataclass(frozen=True)
class DetectionSandwich:
    """`DetectionLoss` of the largest and the smallest subnet, and some random ones.

    The sandwich rule (Yu and Huang, ICCV 2019), with the objects for all: there is no distillation.

    Parameters
    ----------
    largest, smallest : dict
        Subnets of every step.
    choices : Choices
        Where random subnets are drawn from.
    count : int
        Random subnets per step.
    flip : bool
        Whether every second image is mirrored.
    """

    largest: Config
    smallest: Config
    choices: Choices
    count: int = 2
    flip: bool = True

    def __post_init__(self) -> None:
        check_count("count", self.count)

    def losses(
        self, model: ElasticDetector, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the loss of each subnet of the step, the largest first."""
        if self.flip:
            images, labels = flipped(images, labels, generator)
        objects = unpacked(labels)
        random = UniformPaths(self.count).draw(self.choices, generator)
        for config in (self.largest, self.smallest, *random):
            yield loss_of(model(images, config), objects)
