"""Networks that stack one normal and one reduction cell, each given by a genotype."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lamoo_fast.nas.spaces.architecture import Config, Cost, check_counts
from lamoo_fast.nas.spaces.genotype import Genotype
from lamoo_fast.nas.spaces.layers import conv, linear
from lamoo_fast.nas.spaces.path_summary import structure_of

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure
    from typing_extensions import Self

    from lamoo_fast.nas.networks.cell_stack import NetworkStack


@dataclass(frozen=True)
class CellStack(ABC):
    """Skeleton of the networks of DARTS (Liu, Simonyan and Yang, ICLR 2019).

    The cells at a third and two thirds of the depth are reduction cells: they halve the image and
    double the channels. Each cell sees the outputs of the two before it.

    Parameters
    ----------
    channels : int
        Channels of a node of the first cells, even.
    cells : int
        Cells in all.
    classes : int
        Outputs.
    in_channels : int
        Channels of the image.
    image_size : int
        Pixels of a side, a multiple of 4, or of 32 with `halving_stem`.
    halving_stem : bool
        Start with three convolutions of stride two, as for ImageNet, in place of one of stride
        one.
    auxiliary : bool
        Give the built network a second classifier behind the second reduction cell, which helps
        training and is thrown away after it. It is not part of the cost.

    Raises
    ------
    ValueError
        If a setting is no such number.
    """

    channels: int = 36
    cells: int = 20
    classes: int = 10
    in_channels: int = 3
    image_size: int = 32
    halving_stem: bool = False
    auxiliary: bool = False

    def __post_init__(self) -> None:
        counts = ("channels", "cells", "classes", "in_channels", "image_size")
        check_counts(**{name: getattr(self, name) for name in counts})
        if self.channels % 2:
            raise ValueError(f"channels is {self.channels}, wanted an even number")
        step = 32 if self.halving_stem else 4
        if self.image_size % step:
            raise ValueError(f"image_size is {self.image_size}, wanted a multiple of {step}")

    @classmethod
    def imagenet(cls, *, channels: int = 48, cells: int = 14, auxiliary: bool = False) -> Self:
        """Return the published variant for images of 224 pixels and 1,000 classes."""
        return cls(
            channels=channels,
            cells=cells,
            classes=1000,
            image_size=224,
            halving_stem=True,
            auxiliary=auxiliary,
        )

    @abstractmethod
    def genotype(self, config: Mapping[str, Any]) -> Genotype:
        """Return both cells of a configuration."""

    @abstractmethod
    def configuration(self, genotype: Genotype) -> Config:
        """Invert `genotype`; ValueError if the space has no such cells."""

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the published string ``Genotype(normal=[...], normal_concat=[...], ...)``."""
        return str(self.genotype(config))

    def decode(self, text: str) -> Config:
        """Read the published string; the order of a node's two inputs does not matter.

        Raises
        ------
        ValueError
            If it is not of that form, or the space has no such cells.
        """
        return self.configuration(Genotype.parse(text))

    @property
    def reductions(self) -> tuple[int, ...]:
        """Numbers of the reduction cells."""
        return tuple(sorted({self.cells // 3, 2 * self.cells // 3}))

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds and parameters of the network without its auxiliary classifier.

        Raises
        ------
        ValueError
            If `config` is not one of the space.
        """
        genotype = self.genotype(config)
        total = _around(self, len(genotype.normal_concat), len(genotype.reduce_concat))
        for op, _ in genotype.normal:
            total += _everywhere(self, op, reduction=False, stride=1)
        for op, source in genotype.reduce:
            total += _everywhere(self, op, reduction=True, stride=2 if source < 2 else 1)
        return total

    def structure(self, configs: Sequence[Mapping[str, Any]]) -> list[tuple[float, ...]]:
        """Tell of cells what follows from their graphs and goes with accuracy: hints of a search.

        Parameters, then of either cell the convolutions on the longest paths, the paths that
        change nothing and the share of the paths with pooling.

        Raises
        ------
        ValueError
            If a configuration is not one of the space.
        """
        return [self._structure(config) for config in configs]

    def _structure(self, config: Mapping[str, Any]) -> tuple[float, ...]:
        genotype = self.genotype(config)
        numbers = [float(self.cost(config).params)]
        for genes, outputs in (
            (genotype.normal, genotype.normal_concat),
            (genotype.reduce, genotype.reduce_concat),
        ):
            edges = [(source, 2 + i // 2, op) for i, (op, source) in enumerate(genes)]
            numbers += structure_of(edges, {0, 1}, set(outputs))
        return tuple(numbers)

    def shapes(self) -> list[tuple[bool, int, int]]:
        """Tell of each cell whether it reduces, its channels, and the size of its output."""
        c, size = self.channels, self.image_size // (8 if self.halving_stem else 1)
        shapes = []
        for number in range(self.cells):
            reduction = number in self.reductions
            c, size = c * (1 + reduction), size // (1 + reduction)
            shapes.append((reduction, c, size))
        return shapes

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> NetworkStack:
        """Make the stand-alone network of a configuration."""
        from lamoo_fast.nas.networks.cell_stack import NetworkStack
        from lamoo_fast.nas.networks.initialise import initialised

        genotype = self.genotype(config)
        return initialised(lambda: NetworkStack(self, genotype), generator)

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw both cells as graphs."""
        from lamoo_fast.nas.spaces.drawing import Edge, draw_cells

        genotype = self.genotype(config)
        cells = {}
        for heading, genes, concat in (
            ("normal cell", genotype.normal, genotype.normal_concat),
            ("reduction cell", genotype.reduce, genotype.reduce_concat),
        ):
            nodes = range(2, 2 + len(genes) // 2)
            labels = {"0": "cell before last", "1": "last cell"}
            labels |= {str(node): str(node) for node in nodes} | {"out": "output"}
            edges = [Edge(str(s), str(i // 2 + 2), op) for i, (op, s) in enumerate(genes)]
            edges += [Edge(str(node), "out", "") for node in concat]
            cells[heading] = (labels, edges)
        return draw_cells(cells)


@lru_cache(maxsize=64)
def _around(space: CellStack, normal: int, reduce: int) -> Cost:
    """Cost of all but the operations, where cells join so many nodes."""
    c, size = space.channels, space.image_size
    if space.halving_stem:
        total = conv(3, space.in_channels, c // 2, size // 2)
        total += conv(3, c // 2, c, size // 4) + conv(3, c, c, size // 8)
        before = last = c
    else:
        before = last = 3 * c
        total = conv(3, space.in_channels, last, size)
    for reduction, c, size in space.shapes():
        given = size * (1 + reduction)
        total += conv(1, before, c, given) + conv(1, last, c, given)
        before, last = last, c * (reduce if reduction else normal)
    return total + linear(last, space.classes)


@lru_cache(maxsize=256)
def _everywhere(space: CellStack, op: str, *, reduction: bool, stride: int) -> Cost:
    """Cost of an operation over all normal or all reduction cells."""
    total = Cost(0, 0)
    for reduces, channels, size in space.shapes():
        if reduces == reduction:
            total += operation_cost(op, channels, size, stride)
    return total


def operation_cost(op: str, channels: int, size: int, stride: int) -> Cost:
    """Cost of an operation of a cell onto an image of ``size`` by ``size`` pixels.

    A separable convolution is a depthwise and a pointwise one, both twice; a dilated one the same
    once. A skip connection of stride two is a pointwise convolution, pooling is free.
    """
    pair = conv(1, channels, channels, size)
    if op.startswith(("sep_conv", "dil_conv")):
        kernel = int(op[-1])
        pair += conv(kernel, channels, channels, size, groups=channels, norm=False)
        return 2 * pair if op.startswith("sep") else pair
    return pair if op == "skip_connect" and stride == 2 else Cost(0, 0)
