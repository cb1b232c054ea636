"""Networks of normal and reduction cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamoo_fast.nas.networks.blocks import DropPath, relu_conv_bn
from lamoo_fast.nas.spaces.cell_stack import CellStack
from lamoo_fast.nas.spaces.genotype import Gene, Genotype


class FactorizedReduce(nn.Module):
    """Halve the image: two pointwise convolutions, the second one moved by a pixel."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c_in, h, w) to (batch, c_out, h / 2, w / 2)."""
        x = torch.relu(x)
        joined: Tensor = self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))
        return joined


def separable(kernel: int, channels: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Rectify, convolve each channel, mix the channels, normalise."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(
            channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    )


def operation(op: str, channels: int, stride: int) -> nn.Module:
    """Return the module of an operation by its published name."""
    if op == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    if op == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if op == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    kernel = int(op[-1])
    if op.startswith("dil_conv"):
        return separable(kernel, channels, stride, dilation=2)
    return nn.Sequential(*separable(kernel, channels, stride), *separable(kernel, channels))


class Cell(nn.Module):
    """A cell of a genotype.

    Parameters
    ----------
    genes, concat : sequences
        As in a `Genotype`.
    before, last : int
        Channels of the two cells before it.
    channels : int
        Of each node.
    reduction : bool
        Whether it halves the image.
    after_reduction : bool
        Whether the last cell did, so that the one before still has twice the size.
    """

    def __init__(
        self,
        genes: Sequence[Gene],
        concat: Sequence[int],
        before: int,
        last: int,
        channels: int,
        *,
        reduction: bool,
        after_reduction: bool,
    ) -> None:
        super().__init__()
        self.width = len(concat) * channels
        self.sources = [source for _, source in genes]
        self.concat = list(concat)
        self.preprocess = preprocess(before, last, channels, after_reduction)
        self.ops = nn.ModuleList(
            operation(op, channels, 2 if reduction and source < 2 else 1) for op, source in genes
        )
        self.drop = DropPath()

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Map the outputs of the two cells before to (batch, width, h, w)."""
        nodes = [self.preprocess[0](before), self.preprocess[1](last)]
        paths: list[Tensor] = []
        for op, source in zip(self.ops, self.sources, strict=True):
            path = op(nodes[source])
            # what is handed on as it is stays: without it some images would lose all signal
            paths.append(path if isinstance(op, nn.Identity) else self.drop(path))
            if len(paths) == 2:
                nodes.append(paths[0] + paths[1])
                paths = []
        return torch.cat([nodes[i] for i in self.concat], dim=1)


def preprocess(before: int, last: int, channels: int, after_reduction: bool) -> nn.ModuleList:
    """Bring the two inputs of a cell to one size and its number of channels."""
    if after_reduction:
        first: nn.Module = FactorizedReduce(before, channels)
    else:
        first = relu_conv_bn(1, before, channels)
    return nn.ModuleList([first, relu_conv_bn(1, last, channels)])


class Auxiliary(nn.Sequential):
    """Second classifier, for training only, on images of `size` by `size` pixels."""

    def __init__(self, channels: int, size: int, classes: int) -> None:
        # 2 x 2 windows of 5 pixels that reach both borders, as published for 8 and 7 pixels
        pool = nn.AvgPool2d(5, size - 5) if size > 6 else nn.AdaptiveAvgPool2d(2)
        super().__init__(
            nn.ReLU(),
            pool,
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )


class MakeCell(Protocol):
    """Makes a cell from what `Cell` takes behind the genotype; it must tell its ``width``."""

    def __call__(
        self, before: int, last: int, channels: int, *, reduction: bool, after_reduction: bool
    ) -> nn.Module:
        """Return the cell."""


class SkeletonStack(nn.Module):
    """Everything around the cells, whatever these are.

    Parameters
    ----------
    settings : CellStack
        Channels, number of cells, classes, stem.
    make_cell : callable
        Returns a cell. Its forward takes the outputs of the two cells before it, and behind them
        whatever is given to the forward of the skeleton behind the images.
    """

    def __init__(self, settings: CellStack, make_cell: MakeCell) -> None:
        super().__init__()
        c = settings.channels
        self.stem, before, last = _stem(settings)
        self.cells = nn.ModuleList()
        self.auxiliary: nn.Module | None = None
        size = settings.image_size // (8 if settings.halving_stem else 1)
        after_reduction = settings.halving_stem
        for number in range(settings.cells):
            reduction = number in settings.reductions
            c *= 1 + reduction
            size //= 1 + reduction
            cell = make_cell(before, last, c, reduction=reduction, after_reduction=after_reduction)
            self.cells.append(cell)
            before, last, after_reduction = last, int(cell.width), reduction  # type: ignore[arg-type]
            if number == settings.reductions[-1] and settings.auxiliary:
                self.auxiliary = Auxiliary(last, size, settings.classes)
        self._auxiliary_at = settings.reductions[-1]
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(last, settings.classes)

    def forward(self, x: Tensor, *choice: Any) -> Tensor:
        """Map images (batch, in_channels, height, width) to scores (batch, classes)."""
        return self._run(x, choice)[0]

    def forward_auxiliary(self, x: Tensor, *choice: Any) -> tuple[Tensor, Tensor]:
        """Return the scores and those of the auxiliary classifier, both (batch, classes).

        Raises
        ------
        ValueError
            If the network was built without one.
        """
        if self.auxiliary is None:
            raise ValueError(
                "the network has no auxiliary classifier: build it with auxiliary=True"
            )
        scores, middle = self._run(x, choice)
        return scores, self.auxiliary(middle)

    def _run(self, x: Tensor, choice: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
        before = self.stem[0](x)
        last = self.stem[1](before)
        middle = last
        for number, cell in enumerate(self.cells):
            before, last = last, cell(before, last, *choice)
            if number == self._auxiliary_at:
                middle = last
        return self.classifier(self.pool(last)), middle


def _stem(settings: CellStack) -> tuple[nn.ModuleList, int, int]:
    """Make what gives the first cell its two inputs, and their channels."""
    c, images = settings.channels, settings.in_channels

    def conv(c_in: int, c_out: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm2d(c_out)]

    if settings.halving_stem:
        quarter = nn.Sequential(*conv(images, c // 2, 2), nn.ReLU(), *conv(c // 2, c, 2))
        return nn.ModuleList([quarter, nn.Sequential(nn.ReLU(), *conv(c, c, 2))]), c, c
    plain = nn.Sequential(*conv(images, 3 * c, 1))
    return nn.ModuleList([plain, nn.Identity()]), 3 * c, 3 * c


class NetworkStack(SkeletonStack):
    """Stand-alone network of a genotype."""

    def __init__(self, settings: CellStack, genotype: Genotype) -> None:
        def make_cell(
            before: int, last: int, channels: int, *, reduction: bool, after_reduction: bool
        ) -> Cell:
            genes = genotype.reduce if reduction else genotype.normal
            concat = genotype.reduce_concat if reduction else genotype.normal_concat
            return Cell(
                genes, concat, before, last, channels,
                reduction=reduction, after_reduction=after_reduction,
            )  # fmt: skip

        super().__init__(settings, make_cell)
