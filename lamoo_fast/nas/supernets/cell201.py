"""The supernet of NAS-Bench-201 cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lamoo_fast.nas.networks.cell201 import Reduction, Skeleton
from lamoo_fast.nas.networks.initialise import initialised
from lamoo_fast.nas.spaces.cell201 import EDGES, Cell201
from lamoo_fast.nas.supernets.layout import inside, rows_of, through
from lamoo_fast.nas.supernets.sharing import Branch, CellPlan, plan_cell
from lamoo_fast.nas.supernets.statistics import (
    Normaliser,
    Rows,
    Statistics,
    forget_running_averages,
)
from lamoo_fast.nas.supernets.supernet import Supernet

__all__ = ["Supernet201"]


def shared_convolution(kernel: int, channels: int) -> nn.Sequential:
    """Rectify, convolve, normalise; without weight and bias behind, and without averages."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels, affine=False, track_running_stats=False),
    )


class SharedCell(nn.Module):
    """A cell with both convolutions on every edge; the other operations have no weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict()
        for edge in EDGES:
            both = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
            self.edges[edge] = nn.ModuleDict(
                {op: shared_convolution(kernel, channels) for op, kernel in both.items()}
            )

    def forward(self, x: Tensor, plan: CellPlan, normalise: Normaliser) -> Tensor:
        """Map the rows of the input to those of node 3."""
        nodes = [x]
        rectified: dict[int, Tensor] = {}
        for count, branches in plan.nodes:
            total: Tensor | None = None
            for branch in branches:
                source = nodes[branch.source]
                if branch.op in ("nor_conv_1x1", "nor_conv_3x3"):
                    if branch.source not in rectified:
                        rectified[branch.source] = source.relu()
                    out = self._convolve(rectified[branch.source], branch, normalise)
                else:
                    out = rows_of(source, branch.inputs)
                    if branch.op == "avg_pool_3x3":
                        out = through(out, _POOL)
                total = _add(total, out, branch, count)
            nodes.append(x.new_zeros((count, *x.shape[1:])) if total is None else total)
        return nodes[3]

    def _convolve(self, rectified: Tensor, branch: Branch, normalise: Normaliser) -> Tensor:
        edge: Any = self.edges[branch.edge]
        _, conv, norm = edge[branch.op]
        return normalise(norm, through(rows_of(rectified, branch.inputs), conv), branch.rows)


_POOL = nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


class Supernet201(Supernet):
    """Weight sharing over all 15,625 cells of NAS-Bench-201.

    Every edge of every cell holds a 1 x 1 and a 3 x 3 convolution. The normalisations in the cells
    have neither weight nor bias, as in the one-shot methods of the benchmark: a scale would be that
    of a mixture of subnets, and without a bias "none" is exactly zero down the cell. Those of the
    skeleton, which all subnets use, have both.

    Parameters
    ----------
    architectures : Cell201
        Channels, cells, classes.
    generator : torch.Generator
        Draws the weights; the supernet is placed on its device.

    Notes
    -----
    The weight of an operation is shared by all subnets that choose it on that edge (single path
    one-shot, Guo et al., ECCV 2020, arXiv:1904.00420).

    Examples
    --------
    >>> supernet = Supernet201(Cell201(4, 1, in_channels=1), generator=torch.Generator())
    >>> config = dict.fromkeys(EDGES, "nor_conv_1x1")
    >>> supernet(torch.zeros(2, 1, 8, 8), config).shape
    torch.Size([2, 10])
    """

    architectures: Cell201

    def __init__(self, architectures: Cell201, *, generator: torch.Generator) -> None:
        super().__init__(architectures)
        self.network = initialised(lambda: Skeleton(architectures, SharedCell), generator)
        forget_running_averages(self.network)

    def run(self, x: Tensor, configs: Sequence[Mapping[str, Any]], normalise: Normaliser) -> Tensor:
        """Map images (batch, channels, height, width) to scores (subnets, batch, classes)."""
        choices = tuple(tuple(config[edge] for edge in EDGES) for config in configs)
        net: Any = self.network  # its parts are typed as mere modules
        device = x.device
        row: tuple[int, ...] = (0,) * len(choices)  # of each subnet: at first all see the same
        rows = Rows.of(row, 1, device)
        conv, norm = net.stem
        x = normalise(norm, through(inside(x), conv), rows)
        for number, stage in enumerate(net.stages):
            if number:
                x = _reduce(net.reductions[number - 1], x, rows, normalise)
            for cell in stage:
                plan = plan_cell(choices, row, device)
                x, row = cell(x, plan, normalise), plan.output
                rows = Rows.of(row, len(x), device)
        x = normalise(net.head[0], x, rows).relu().mean(dim=(2, 3))
        scores: Tensor = net.classifier(x)
        return scores[rows.of_subnet]

    def largest_activation(self, x: Tensor) -> int:
        """Numbers in an activation of the first stage, of one image."""
        return self.architectures.channels * x.shape[2] * x.shape[3]

    @torch.no_grad()
    def subnet(self, config: Mapping[str, Any], statistics: Statistics | None = None) -> nn.Module:
        """Make the stand-alone network of a cell with a copy of the shared weights."""
        config = self.architectures.space.check(config)
        weight = self.network.classifier.weight
        network = self.architectures.build(config, generator=torch.Generator(weight.device))
        network.to(weight.dtype)
        recorded = None
        if statistics is not None:
            recorded = statistics.of(self.architectures.encode(config))
        for name, part in network.named_modules():
            if isinstance(part, (nn.Conv2d, nn.Linear, nn.BatchNorm2d)):
                shared = _name_of_shared(name, config)
                theirs = self.network.get_submodule(shared).parameters()
                for own, other in zip(part.parameters(), theirs, strict=False):
                    own.copy_(other)  # normalisations in a cell have none and stay at 1 and 0
                if recorded is not None and isinstance(part, nn.BatchNorm2d):
                    recorded.copy_to(part, f"network.{shared}")
        return network


def _name_of_shared(name: str, config: Mapping[str, Any]) -> str:
    """Name in the supernet, which has one more level, of a module of a stand-alone network."""
    return re.sub(r"edges\.(\dto\d)", lambda match: f"{match[0]}.{config[match[1]]}", name)


def _add(total: Tensor | None, out: Tensor, branch: Branch, count: int) -> Tensor:
    """Add the results of a branch to the rows of a node of which there are `count`."""
    out = rows_of(out, branch.results)
    if total is None:
        if branch.targets is None:
            whole_source = branch.op == "skip_connect" and branch.inputs is branch.results is None
            return out.clone() if whole_source else out  # it may be added to
        total = out.new_zeros((count, *out.shape[1:]))
    return total + out if branch.targets is None else total.index_add_(0, branch.targets, out)


def _reduce(block: Reduction, x: Tensor, rows: Rows, normalise: Normaliser) -> Tensor:
    """Run the residual block between two stages."""
    out = x
    main: Any = block.main
    for _, conv, norm in main:
        out = normalise(norm, through(out.relu(), conv), rows)
    return out + through(x, block.shortcut)
