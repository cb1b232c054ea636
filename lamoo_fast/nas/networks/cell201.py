"""Networks of NAS-Bench-201 cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from lamoo_fast.nas.networks.blocks import Zero, relu_conv_bn, sum_of
from lamoo_fast.nas.spaces.cell201 import EDGES, Cell201


def operation(op: str, channels: int) -> nn.Module:
    """Return the module of one of the five operations."""
    modules: dict[str, Callable[[], nn.Module]] = {
        "none": Zero,
        "skip_connect": nn.Identity,
        "nor_conv_1x1": lambda: relu_conv_bn(1, channels, channels),
        "nor_conv_3x3": lambda: relu_conv_bn(3, channels, channels),
        "avg_pool_3x3": lambda: nn.AvgPool2d(3, 1, padding=1, count_include_pad=False),
    }
    return modules[op]()


class Cell(nn.Module):
    """A cell with one operation per edge.

    Parameters
    ----------
    ops : mapping of str to str
        Operation by edge.
    channels : int
        The same at every node.
    """

    def __init__(self, ops: Mapping[str, str], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict({edge: operation(ops[edge], channels) for edge in EDGES})

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        nodes = [x]
        for node in (1, 2, 3):
            nodes.append(sum_of([self.edges[f"{i}to{node}"](nodes[i]) for i in range(node)]))
        return nodes[-1]


class Reduction(nn.Module):
    """Residual block that halves the image and doubles the channels."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        c_out = 2 * c_in
        self.main = nn.Sequential(
            relu_conv_bn(3, c_in, c_out, stride=2), relu_conv_bn(3, c_out, c_out)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c, h, w) to (batch, 2 c, h / 2, w / 2)."""
        out: Tensor = self.main(x) + self.shortcut(x)
        return out


class Skeleton(nn.Module):
    """Everything around the cells, whatever these are.

    Parameters
    ----------
    settings : Cell201
        Channels, cells per stage, classes, channels of the image.
    make_cell : callable
        Returns a cell for a number of channels. Its forward takes the tensor, and behind it
        whatever is given to the forward of the skeleton behind the images.
    """

    def __init__(self, settings: Cell201, make_cell: Callable[[int], nn.Module]) -> None:
        super().__init__()
        c = settings.channels
        self.stem = nn.Sequential(
            nn.Conv2d(settings.in_channels, c, 3, padding=1, bias=False), nn.BatchNorm2d(c)
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(make_cell(width) for _ in range(settings.cells))
            for width in (c, 2 * c, 4 * c)
        )
        self.reductions = nn.ModuleList([Reduction(c), Reduction(2 * c)])
        self.head = nn.Sequential(
            nn.BatchNorm2d(4 * c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.classifier = nn.Linear(4 * c, settings.classes)

    def forward(self, x: Tensor, *choice: Any) -> Tensor:
        """Map images (batch, in_channels, height, width) to scores (batch, classes)."""
        x = self.stem(x)
        for number, stage in enumerate(self.stages):
            if number:
                x = self.reductions[number - 1](x)
            for cell in stage.children():
                x = cell(x, *choice)
        scores: Tensor = self.classifier(self.head(x))
        return scores


class Network201(Skeleton):
    """Stand-alone network of one cell.

    Parameters
    ----------
    settings : Cell201
        As `Skeleton`.
    config : mapping of str to str
        Operation by edge.
    """

    def __init__(self, settings: Cell201, config: Mapping[str, str]) -> None:
        super().__init__(settings, lambda channels: Cell(config, channels))
