"""The once-for-all MobileNetV3 space: kernels, expansions, depths and the image's resolution."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lamoo_fast.nas.spaces.architecture import Config, Cost, check_counts
from lamoo_fast.nas.spaces.layers import conv, linear
from lamoo_fast.search.space import Categorical, Integer, Space

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from lamoo_fast.nas.networks.mobilenet import MobileNetV3

__all__ = ["DEPTH", "EXPANSIONS", "KERNELS", "STAGES", "InvertedResidual", "MobileNet", "Stage"]

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
DEPTH = 4
"""Most blocks of a stage; the least is two."""


class Stage(NamedTuple):
    """What the blocks of a stage have in common; the stride is that of the first one."""

    width: int
    stride: int
    hard_swish: bool
    squeeze: bool


STAGES = (
    Stage(24, 2, False, False),
    Stage(40, 2, False, True),
    Stage(80, 2, True, False),
    Stage(112, 1, True, True),
    Stage(160, 2, True, True),
)


class InvertedResidual(NamedTuple):
    """A block: expand the channels, convolve each, squeeze and excite, project.

    ``size`` is the side of its output in pixels. With an expansion of one there is no first
    convolution. What goes in is added where stride and channels allow.
    """

    c_in: int
    c_out: int
    kernel: int
    expansion: int
    stride: int
    hard_swish: bool
    squeeze: bool
    size_in: int

    @property
    def middle(self) -> int:
        """Channels between the first and the last convolution."""
        return divisible(self.c_in * self.expansion)

    @property
    def squeezed(self) -> int:
        """Channels inside of squeeze and excitation."""
        return divisible(self.middle // 4)

    @property
    def size(self) -> int:
        """Side of the output in pixels."""
        return -(-self.size_in // self.stride)

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.c_in == self.c_out


@lru_cache(maxsize=2**14)
def block_cost(block: InvertedResidual) -> Cost:
    """Count multiply-adds and parameters of a block."""
    middle = block.middle
    total = conv(block.kernel, middle, middle, block.size, groups=middle)
    total += conv(1, middle, block.c_out, block.size)
    if block.expansion > 1:
        total += conv(1, block.c_in, middle, block.size_in)
    if block.squeeze:
        total += linear(middle, block.squeezed) + linear(block.squeezed, middle)
    return total


def divisible(channels: float) -> int:
    """Round to a multiple of eight, no more than a tenth below.

    Examples
    --------
    >>> [divisible(c) for c in (19.2, 28.8, 3, 134.4)]
    [24, 32, 8, 136]
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


@dataclass(frozen=True)
class MobileNet:
    """Subnets of once-for-all MobileNetV3 (Cai et al., ICLR 2020).

    Five stages of two to four inverted residual blocks (`d0` to `d4`), each block with a kernel of
    3, 5 or 7 (`ks0` to `ks19`) and an expansion of 3, 4 or 6 (`e0` to `e19`), on images of a
    chosen resolution. Blocks are numbered four to a stage; what is chosen for those beyond its
    depth has no effect (`canonical`). There are ``(9^2 + 9^3 + 9^4)^5``, about 2 x 10^19, networks
    at each resolution.

    Parameters
    ----------
    width : float
        Factor of all channels; 1.0 and 1.2 were published.
    classes : int
        Outputs.
    in_channels : int
        Channels of the image.
    resolutions : tuple of int
        Sides of the image in pixels that can be chosen.
    dropout : float
        Share of the features that the classifier does not see while training.

    Raises
    ------
    ValueError
        If a setting is no such number.

    Examples
    --------
    >>> ofa = MobileNet(width=1.2)
    >>> round(ofa.cost(ofa.largest()).params / 1e6, 2), ofa.n_networks
    (10.7, 21758655492572485851)
    """

    width: float = 1.0
    classes: int = 1000
    in_channels: int = 3
    resolutions: tuple[int, ...] = tuple(range(128, 225, 4))
    dropout: float = 0.1

    name: ClassVar[str] = "mobilenet"

    def __post_init__(self) -> None:
        check_counts(classes=self.classes, in_channels=self.in_channels)
        if not 0 < self.width < 100:
            raise ValueError(f"width is {self.width!r}, wanted a number above 0 and below 100")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout!r}, wanted a number in [0, 1)")
        if not self.resolutions:
            raise ValueError("resolutions is empty, wanted at least one")
        for resolution in self.resolutions:
            check_counts(resolutions=resolution)

    @cached_property
    def space(self) -> Space:
        """Depths, kernels, expansions, resolution, named as in the shared table of latencies."""
        blocks = range(DEPTH * len(STAGES))
        return Space(
            {
                **{f"d{stage}": Integer(2, DEPTH) for stage in range(len(STAGES))},
                **{f"ks{block}": Categorical(KERNELS) for block in blocks},
                **{f"e{block}": Categorical(EXPANSIONS) for block in blocks},
                "resolution": Categorical(self.resolutions),
            }
        )

    @property
    def n_networks(self) -> int:
        """Number of different networks at each resolution, about 2 x 10^19."""
        choices = len(KERNELS) * len(EXPANSIONS)
        per_stage: int = sum(choices**depth for depth in range(2, DEPTH + 1))
        total: int = per_stage ** len(STAGES)
        return total

    def largest(self, resolution: int | None = None) -> Config:
        """Return the most expensive subnet, at the highest resolution if none is given."""
        return self._uniform(
            DEPTH, KERNELS[-1], EXPANSIONS[-1], resolution or max(self.resolutions)
        )

    def smallest(self, resolution: int | None = None) -> Config:
        """Return the cheapest subnet, at the lowest resolution if none is given."""
        resolution = resolution or min(self.resolutions)
        return self._uniform(2, KERNELS[0], EXPANSIONS[0], resolution)

    def _uniform(self, depth: int, kernel: int, expansion: int, resolution: int) -> Config:
        values = {"d": depth, "k": kernel, "e": expansion, "r": resolution}
        return self.space.check({name: values[name[0]] for name in self.space.names})

    def canonical(self, config: Mapping[str, Any]) -> Config:
        """Return the configuration of the same network whose unused blocks are smallest.

        Two configurations build the same network if and only if these are equal.
        """
        config = self.space.check(config)
        for block in range(DEPTH * len(STAGES)):
            if block % DEPTH >= config[f"d{block // DEPTH}"]:
                config |= {f"ks{block}": KERNELS[0], f"e{block}": EXPANSIONS[0]}
        return config

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the authors' dictionary of lists as JSON, with all twenty blocks."""
        config = self.space.check(config)
        lists = {
            key: [value for name, value in config.items() if name.rstrip("0123456789") == key]
            for key in ("ks", "e", "d")
        }
        return json.dumps({**lists, "r": [config["resolution"]]})

    def decode(self, text: str) -> Config:
        """Read the authors' dictionary as JSON.

        ``r`` may be a number or a list of one; ``ks`` and ``e`` may hold all twenty blocks or, as
        in the files of Neural Architecture Transfer, only those in use. A width ``w`` must be that
        of this space; other keys are passed over.

        Raises
        ------
        ValueError
            If it is not of that form, or the space has no such network.
        """
        try:
            read = json.loads(text)
            depths, resolution = list(read["d"]), read["r"]
            lists = {key: list(read[key]) for key in ("ks", "e")}
        except (ValueError, KeyError, TypeError, RecursionError):
            form = '{"ks": [...], "e": [...], "d": [...], "r": 224}'
            raise ValueError(f"subnet {text!r}: wanted JSON like {form}") from None
        if read.get("w", self.width) != self.width:
            raise ValueError(f"subnet has width {read['w']!r}, wanted {self.width}")
        if isinstance(resolution, list) and len(resolution) == 1:
            resolution = resolution[0]
        config = {f"d{stage}": depth for stage, depth in enumerate(depths)}
        config["resolution"] = resolution
        blocks = range(DEPTH * len(STAGES))
        if len(depths) != len(STAGES) or not all(isinstance(d, int) for d in depths):
            raise ValueError(f"d is {depths}, wanted {len(STAGES)} depths")
        used = [block for block in blocks if block % DEPTH < depths[block // DEPTH]]
        for key, least in (("ks", KERNELS[0]), ("e", EXPANSIONS[0])):
            values = lists[key]
            if len(values) not in {len(blocks), len(used)}:
                raise ValueError(
                    f"{key} has {len(values)} values, "
                    f"wanted {len(blocks)} or the {len(used)} in use"
                )
            chosen = dict(zip(blocks if len(values) == len(blocks) else used, values, strict=True))
            config |= {f"{key}{block}": chosen.get(block, least) for block in blocks}
        return self.space.check(config)

    @cached_property
    def stem(self) -> int:
        """Channels of the first convolution and of the first block."""
        return divisible(16 * self.width)

    @cached_property
    def head(self) -> tuple[int, int]:
        """Channels of the last convolution and of the features."""
        return divisible(960 * self.width), divisible(1280 * self.width)

    def blocks(self, config: Mapping[str, Any]) -> list[InvertedResidual]:
        """Return the blocks of a subnet from first to last; the first one is always the same."""
        config = self.space.check(config)
        size = -(-config["resolution"] // 2)
        listed = [InvertedResidual(self.stem, self.stem, 3, 1, 1, False, False, size)]
        for number, stage in enumerate(STAGES):
            for position in range(config[f"d{number}"]):
                block, last = DEPTH * number + position, listed[-1]
                listed.append(
                    InvertedResidual(
                        last.c_out,
                        divisible(stage.width * self.width),
                        config[f"ks{block}"],
                        config[f"e{block}"],
                        1 if position else stage.stride,
                        stage.hard_swish,
                        stage.squeeze,
                        last.size,
                    )
                )
        return listed

    def stage_ends(self, config: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the last block of each stage, as `blocks` lists them."""
        config = self.space.check(config)
        return list(accumulate(config[f"d{number}"] for number in range(len(STAGES))))

    def trunk_cost(self, blocks: Sequence[InvertedResidual]) -> Cost:
        """Count what comes before the last convolutions and the classifier."""
        total = conv(3, self.in_channels, self.stem, blocks[0].size_in)
        for block in blocks:
            total += block_cost(block)
        return total

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds and parameters at the resolution of the configuration.

        Raises
        ------
        ValueError
            If `config` is not one of the space.
        """
        blocks = self.blocks(config)
        expanded, features = self.head
        total = self.trunk_cost(blocks) + conv(1, blocks[-1].c_out, expanded, blocks[-1].size)
        total += linear(expanded, features, bias=False)
        return total + linear(features, self.classes)

    def descriptors(self, config: Mapping[str, Any]) -> list[str]:
        """Name the parts of a network as the shared table of latencies does."""
        blocks = self.blocks(config)
        expanded, features = self.head
        resolution, first, size, last = config["resolution"], blocks[0], blocks[-1].size, blocks[-1]
        named = [
            f"first_conv-input:{_shape(resolution, self.in_channels)}"
            f"-output:{_shape(first.size_in, first.c_in)}"
        ]
        named += [
            f"MBConv-input:{_shape(b.size_in, b.c_in)}-output:{_shape(b.size, b.c_out)}"
            f"-expand:{b.expansion}-kernel:{b.kernel}-stride:{b.stride}"
            f"-idskip:{b.residual:d}-se:{b.squeeze:d}"
            for b in blocks
        ]
        return [
            *named,
            f"final_expand_layer-input:{_shape(size, last.c_out)}-output:{_shape(size, expanded)}",
            f"feature_mix_layer-input:{_shape(1, expanded)}-output:{_shape(1, features)}",
            f"classifier-input:{features}-output:{self.classes}",
        ]

    def example(self, config: Mapping[str, Any]) -> torch.Tensor:
        """Return one black image of the configuration's resolution."""
        import torch

        size = self.space.check(config)["resolution"]
        return torch.zeros(1, self.in_channels, size, size)

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> MobileNetV3:
        """Make the stand-alone network of a configuration, which takes any resolution."""
        from lamoo_fast.nas.networks.initialise import initialised
        from lamoo_fast.nas.networks.mobilenet import MobileNetV3

        blocks = self.blocks(config)
        return initialised(lambda: MobileNetV3(self, blocks), generator)

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw the blocks as boxes: width by expansion, colour by kernel."""
        from lamoo_fast.nas.spaces.drawing import Box, draw_chain

        boxes = []
        for number, block in enumerate(self.blocks(config)):
            first = block.c_in != block.c_out or number == 0
            note = f"{block.size} px, {block.c_out} channels" if first else ""
            label = f"k{block.kernel} e{block.expansion}"
            boxes.append(Box(label, block.middle, f"kernel {block.kernel}", note))
        return draw_chain(boxes, "channels inside", title=f"{config['resolution']} pixels")


def _shape(size: int, channels: int) -> str:
    return f"{size}x{size}x{channels}"
