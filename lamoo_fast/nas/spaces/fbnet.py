"""The space of FBNet as HW-NAS-Bench measures it: 22 layers, nine blocks each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lamoo_fast.nas.spaces.architecture import Config, Cost, check_counts, operation_of
from lamoo_fast.nas.spaces.layers import conv, linear
from lamoo_fast.search.space import Categorical, Space

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from lamoo_fast.nas.networks.fbnet import NetworkFBNet

__all__ = ["OPS", "FBNet", "Layer"]

OPS = (
    "k3_e1",
    "k3_e1_g2",
    "k3_e3",
    "k3_e6",
    "k5_e1",
    "k5_e1_g2",
    "k5_e3",
    "k5_e6",
    "skip",
)

_DEPTHS = (1, 4, 4, 4, 4, 4, 1)
_WIDTHS = (16, 24, 32, 64, 112, 184, 352)
_STEM = 16


class Layer(NamedTuple):
    """A layer with its operation; ``size`` is the side of its output in pixels."""

    op: str
    c_in: int
    c_out: int
    stride: int
    size_in: int

    @property
    def kernel(self) -> int:
        """Side of the depthwise convolution; one for ``skip``."""
        return 1 if self.op == "skip" else int(self.op[1])

    @property
    def middle(self) -> int:
        """Channels between the first and the last convolution."""
        return self.c_in * (1 if self.op == "skip" else int(self.op[4]))

    @property
    def groups(self) -> int:
        """Groups of the two pointwise convolutions."""
        return 2 if self.op.endswith("_g2") else 1

    @property
    def size(self) -> int:
        """Side of the output in pixels."""
        return -(-self.size_in // self.stride)

    @property
    def changes(self) -> bool:
        """Whether the output has another shape than the input."""
        return self.stride > 1 or self.c_in != self.c_out


@lru_cache(maxsize=2**12)
def layer_cost(layer: Layer) -> Cost:
    """Count multiply-adds and parameters of a layer."""
    if layer.op == "skip":
        return conv(1, layer.c_in, layer.c_out, layer.size) if layer.changes else Cost(0, 0)
    middle, groups = layer.middle, layer.groups
    total = conv(1, layer.c_in, middle, layer.size_in, groups=groups)
    total += conv(layer.kernel, middle, middle, layer.size, groups=middle)
    return total + conv(1, middle, layer.c_out, layer.size, groups=groups)


@dataclass(frozen=True)
class FBNet:
    """Networks of FBNet (Wu et al., CVPR 2019) in the form of HW-NAS-Bench (Li et al., ICLR 2021).

    Seven stages of 1, 4, 4, 4, 4, 4 and 1 layers with 16 to 352 channels; each layer is an
    inverted residual block with kernel 3 or 5 and expansion 1 (with or without two groups), 3 or
    6, or a skip, which is a pointwise convolution where the shape changes. 9^22, about 10^21,
    networks.

    Parameters
    ----------
    classes : int
        Outputs.
    in_channels : int
        Channels of the image.
    image_size : int
        Pixels of a side.
    features : int
        Channels before the classifier.
    strides : tuple of int
        Stride of the stem and of the first layer of each stage. The defaults are for images of 32
        pixels; `imagenet` has the others.

    Raises
    ------
    ValueError
        If a setting is no such number.

    Examples
    --------
    >>> space = FBNet()
    >>> space.cost(space.decode(str([8] * 22)))
    Cost(flops=11609060, params=780660)
    """

    classes: int = 100
    in_channels: int = 3
    image_size: int = 32
    features: int = 1504
    strides: tuple[int, ...] = (1, 1, 1, 2, 2, 1, 2, 1)

    name: ClassVar[str] = "fbnet"

    def __post_init__(self) -> None:
        counts = ("classes", "in_channels", "image_size", "features")
        check_counts(**{name: getattr(self, name) for name in counts})
        if len(self.strides) != 8 or not set(self.strides) <= {1, 2}:
            raise ValueError(f"strides is {self.strides}, wanted eight numbers of 1 and 2")

    @classmethod
    def imagenet(cls) -> FBNet:
        """Return the variant for images of 224 pixels and 1,000 classes."""
        return cls(classes=1000, image_size=224, features=1984, strides=(2, 1, 2, 2, 2, 1, 2, 1))

    @cached_property
    def space(self) -> Space:
        """One operation per layer, named as the columns of the shared table."""
        return Space({f"l{layer}": Categorical(OPS) for layer in range(sum(_DEPTHS))})

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the published list of 22 operation numbers."""
        return str(self.to_codes(config))

    def decode(self, text: str) -> Config:
        """Read a list of 22 operation numbers.

        Raises
        ------
        ValueError
            If it is not of that form.
        """
        try:
            codes = json.loads(text)
            if not isinstance(codes, list):
                raise ValueError
        except (ValueError, RecursionError):
            raise ValueError(f"architecture {text!r}: wanted a list of 22 numbers") from None
        return self.from_codes(codes)

    def to_codes(self, config: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the operations, as HW-NAS-Bench takes them."""
        return [OPS.index(op) for op in self.space.check(config).values()]

    def from_codes(self, codes: Sequence[int]) -> Config:
        """Invert `to_codes`; ValueError if it is not 22 numbers of 0 to 8."""
        names = self.space.names
        if len(codes) != len(names):
            raise ValueError(f"codes has {len(codes)} numbers, wanted {len(names)}")
        return {n: operation_of(code, OPS, n) for n, code in zip(names, codes, strict=True)}

    @cached_property
    def shapes(self) -> tuple[tuple[int, int, int, int], ...]:
        """Channels in and out, stride and size of the input of each layer."""
        c_in, size = _STEM, -(-self.image_size // self.strides[0])
        shapes = []
        for depth, width, stride in zip(_DEPTHS, _WIDTHS, self.strides[1:], strict=True):
            for step in [stride] + [1] * (depth - 1):
                shapes.append((c_in, width, step, size))
                c_in, size = width, -(-size // step)
        return tuple(shapes)

    def layers(self, config: Mapping[str, Any]) -> list[Layer]:
        """Return the layers of a network from first to last."""
        ops = self.space.check(config).values()
        return [Layer(op, *shape) for op, shape in zip(ops, self.shapes, strict=True)]

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds and parameters.

        Raises
        ------
        ValueError
            If `config` is not one of the space.
        """
        layers = self.layers(config)
        total = conv(3, self.in_channels, _STEM, layers[0].size_in)
        for layer in layers:
            total += layer_cost(layer)
        total += conv(1, layers[-1].c_out, self.features, layers[-1].size)
        return total + linear(self.features, self.classes)

    def descriptors(self, config: Mapping[str, Any]) -> list[str]:
        """Name the parts of a network: operation, channels, stride and size of the input."""
        layers = self.layers(config)
        named = [
            f"{layer.op}-{layer.c_in}to{layer.c_out}-stride{layer.stride}-{layer.size_in}px"
            for layer in layers
        ]
        stem = f"stem-{self.in_channels}to{_STEM}-stride{self.strides[0]}-{self.image_size}px"
        head = f"head-{layers[-1].c_out}to{self.features}to{self.classes}-{layers[-1].size}px"
        return [stem, *named, head]

    def example(self, config: Mapping[str, Any]) -> torch.Tensor:
        """Return one black image."""
        import torch

        self.space.check(config)
        return torch.zeros(1, self.in_channels, self.image_size, self.image_size)

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> NetworkFBNet:
        """Make the stand-alone network of a configuration."""
        from lamoo_fast.nas.networks.fbnet import NetworkFBNet
        from lamoo_fast.nas.networks.initialise import initialised

        layers = self.layers(config)
        return initialised(lambda: NetworkFBNet(self, layers), generator)

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw the layers as boxes: height by channels inside, colour by kernel."""
        from lamoo_fast.nas.spaces.drawing import Box, draw_chain

        boxes = []
        for layer in self.layers(config):
            kind = "skip" if layer.op == "skip" else f"kernel {layer.kernel}"
            note = f"{layer.size} px, {layer.c_out} channels" if layer.changes else ""
            boxes.append(Box(layer.op, layer.middle, kind, note))
        return draw_chain(boxes, "channels inside", title=self.encode(config))
