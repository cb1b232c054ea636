"""Object detectors: a backbone of the once-for-all space, a feature pyramid, a one-stage head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lamoo_fast.nas.spaces.architecture import Config, Cost, check_counts
from lamoo_fast.nas.spaces.layers import conv
from lamoo_fast.nas.spaces.mobilenet import MobileNet
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.space import Space

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from lamoo_fast.nas.networks.detector import DetectorNetwork

__all__ = ["Detector"]

TAPS = (1, 3, 4)
"""Stages of the backbone that the pyramid starts from: strides 8, 16 and 32."""


@dataclass(frozen=True)
class Detector:
    """Detectors whose backbone is searched: FCOS (Tian et al., ICCV 2019) on a `MobileNet`.

    The maps of the backbone at strides 8, 16 and 32 become a feature pyramid (Lin et al., CVPR
    2017), lengthened by halving. On each of its levels the same head scores, at every place, each
    class, and gives the distances to the four sides of the box and how central the place is.

    Parameters
    ----------
    backbone : MobileNet
        The space that is searched; its classes and dropout play no part.
    classes : int
        Kinds of objects.
    width : int
        Channels of the pyramid and the head, a multiple of eight.
    convs : int
        Convolutions of each of the two branches of the head.
    extra_levels : int
        Levels beyond stride 32.

    Raises
    ------
    ValueError
        If a setting is no such number.

    Examples
    --------
    >>> space = Detector()
    >>> space.strides
    (8, 16, 32, 64, 128)
    >>> space.cost(space.backbone.smallest(320)).params
    2804442
    """

    backbone: MobileNet = field(default_factory=lambda: MobileNet(resolutions=(320, 416, 512)))
    classes: int = 80
    width: int = 128
    convs: int = 4
    extra_levels: int = 2

    name: ClassVar[str] = "detector"

    def __post_init__(self) -> None:
        check_counts(classes=self.classes, width=self.width, convs=self.convs)
        check_count("extra_levels", self.extra_levels, least=0)
        if self.width % 8:
            raise ValueError(f"width is {self.width}, wanted a multiple of 8")
        if not isinstance(self.backbone, MobileNet):
            raise ValueError(f"backbone is {self.backbone!r}, wanted a MobileNet")

    @property
    def space(self) -> Space:
        """The choices of the backbone."""
        return self.backbone.space

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels between the places of each level."""
        return tuple(8 << level for level in range(len(TAPS) + self.extra_levels))

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the string of the backbone."""
        return self.backbone.encode(config)

    def decode(self, text: str) -> Config:
        """Read the string of the backbone; ValueError as there."""
        return self.backbone.decode(text)

    def taps(self, config: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the blocks whose outputs the pyramid starts from."""
        ends = self.backbone.stage_ends(config)
        return [ends[stage] for stage in TAPS]

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds and parameters at the resolution of the configuration.

        Raises
        ------
        ValueError
            If `config` is not one of the space.
        """
        blocks, width = self.backbone.blocks(config), self.width
        total, sizes = self.backbone.trunk_cost(blocks), []
        for tap in self.taps(config):
            size = blocks[tap].size
            total += conv(1, blocks[tap].c_out, width, size, bias=True, norm=False)
            total += conv(3, width, width, size, bias=True, norm=False)
            sizes.append(size)
        for _ in range(self.extra_levels):
            sizes.append(-(-sizes[-1] // 2))
            total += conv(3, width, width, sizes[-1], bias=True, norm=False)
        head = [self._head_cost(size) for size in sizes]
        # one head for all levels, and a scale of the distances for each level
        return total + Cost(sum(h.flops for h in head), head[0].params + len(sizes))

    def _head_cost(self, size: int) -> Cost:
        branches = 2 * self.convs * conv(3, self.width, self.width, size, bias=True)
        outputs = self.classes + 4 + 1
        return branches + conv(3, self.width, outputs, size, bias=True, norm=False)

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> DetectorNetwork:
        """Make the detector with the backbone of a configuration."""
        from lamoo_fast.nas.networks.detector import DetectorNetwork
        from lamoo_fast.nas.networks.initialise import initialised

        blocks, taps = self.backbone.blocks(config), self.taps(config)
        return initialised(lambda: DetectorNetwork(self, blocks, taps), generator)

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw the backbone."""
        return self.backbone.draw(config)
