"""The cell of NAS-Bench-201: six edges between four nodes, five operations each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from lamoo_fast.nas.spaces.architecture import Config, Cost, check_counts
from lamoo_fast.nas.spaces.layers import conv, linear
from lamoo_fast.nas.spaces.path_summary import structure_of
from lamoo_fast.search.space import Categorical, Space

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from lamoo_fast.nas.networks.cell201 import Network201

__all__ = ["EDGES", "OPS", "Cell201"]

OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ("0to1", "0to2", "1to2", "0to3", "1to3", "2to3")

_KNOWN = frozenset(OPS)


@dataclass(frozen=True)
class Cell201:
    """Networks of NAS-Bench-201 (Dong and Yang, ICLR 2020): 5^6 = 15,625 cells.

    Three stages of equal cells, with a residual block that halves the image and doubles the
    channels before the second and the third. Node 0 of a cell is its input; every later node is
    the sum of the operations on the edges from all earlier ones; node 3 is the output.

    Parameters
    ----------
    channels : int
        Channels C of the first stage; the others have 2 C and 4 C.
    cells : int
        Cells per stage.
    classes : int
        Outputs.
    in_channels : int
        Channels of the image.
    image_size : int
        Pixels of a side of the image, a multiple of four.

    Raises
    ------
    ValueError
        If a setting is not a whole number >= 1, or `image_size` no multiple of four.

    Examples
    --------
    >>> cifar10 = Cell201()
    >>> config = cifar10.decode("|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+"
    ...                         "|nor_conv_1x1~0|skip_connect~1|skip_connect~2|")
    >>> config["0to2"], cifar10.cost(config)
    ('nor_conv_1x1', Cost(flops=15647370, params=129306))
    """

    channels: int = 16
    cells: int = 5
    classes: int = 10
    in_channels: int = 3
    image_size: int = 32

    name: ClassVar[str] = "nasbench201"

    def __post_init__(self) -> None:
        check_counts(**vars(self))
        if self.image_size % 4:
            raise ValueError(f"image_size is {self.image_size}, wanted a multiple of 4")

    @cached_property
    def space(self) -> Space:
        """One operation per edge."""
        return Space({edge: Categorical(OPS) for edge in EDGES})

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the official string, such as ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        config = self.space.check(config)
        return "+".join(
            "".join(f"|{config[f'{source}to{node}']}~{source}" for source in range(node)) + "|"
            for node in (1, 2, 3)
        )

    def decode(self, text: str) -> Config:
        """Read the official string.

        Raises
        ------
        ValueError
            If it is not of that form, or an operation is unknown.
        """
        nodes = text.split("+")
        read: Config = {}
        for node, part in enumerate(nodes, start=1):
            if not re.fullmatch(r"\|([^|~]+~\d+\|)+", part):
                raise ValueError(f"part {part!r} of cell {text!r}: wanted '|operation~node|...'")
            for op, source in re.findall(r"([^|~]+)~(\d+)", part):
                read[f"{int(source)}to{node}"] = op
        if tuple(read) != EDGES:
            raise ValueError(f"cell {text!r} has edges {list(read)}, wanted {list(EDGES)}")
        return self.space.check(read)

    def trimmed(self, config: Mapping[str, Any]) -> Config:
        """Return the cell without the edges that nothing comes through, or that lead nowhere.

        It computes the same function unless a normalisation in it adds a trained bias to nothing:
        those of new networks and of `Supernet201` do not. Of the 15,625 cells 9,445 are left.

        Examples
        --------
        >>> cell = dict.fromkeys(EDGES, "none") | {"0to1": "skip_connect", "2to3": "nor_conv_1x1"}
        >>> set(Cell201().trimmed(cell).values())
        {'none'}
        """
        config = self.space.check(config)
        open_edges = [edge for edge, op in config.items() if op != "none"]
        reached, useful = {"0"}, {"3"}
        for node in "123":
            if any(e[0] in reached for e in open_edges if e[-1] == node):
                reached.add(node)
        for node in "210":
            if any(e[-1] in useful for e in open_edges if e[0] == node):
                useful.add(node)
        return {
            edge: op if edge[0] in reached and edge[-1] in useful else "none"
            for edge, op in config.items()
        }

    def structure(self, configs: Sequence[Mapping[str, Any]]) -> list[tuple[float, ...]]:
        """Tell of cells what follows from their graphs and goes with accuracy: hints of a search.

        Parameters of all that the image flows through, convolutions on the longest path, paths
        that change nothing, share of the paths with pooling.

        Raises
        ------
        ValueError
            If a configuration is not one of the space.

        Examples
        --------
        >>> cells = Cell201()
        >>> cells.structure([dict.fromkeys(EDGES, "none") | {"0to3": "skip_connect"}])
        [(73306.0, 0.0, 1.0, 0.0)]
        """
        return [self._structure(self.trimmed(config)) for config in configs]

    def _structure(self, config: Config) -> tuple[float, ...]:
        edges = [(int(edge[0]), int(edge[-1]), op) for edge, op in config.items()]
        return float(self.cost(config).params), *structure_of(edges, {0}, {3})

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds and parameters: only the number of convolutions matters.

        Raises
        ------
        ValueError
            If `config` is not one of the space.
        """
        ops = [config[edge] for edge in EDGES if edge in config]
        if len(ops) != len(config) or len(ops) != len(EDGES) or not _KNOWN.issuperset(ops):
            self.space.check(config)
        n1, n3 = ops.count("nor_conv_1x1"), ops.count("nor_conv_3x3")
        fixed, one, three = self._unit_costs
        return fixed + n1 * one + n3 * three

    @cached_property
    def _unit_costs(self) -> tuple[Cost, Cost, Cost]:
        """Cost of the skeleton, of each 1 x 1 and of each 3 x 3 convolution of the cell."""
        c, size = self.channels, self.image_size
        stages = [(c, size), (2 * c, size // 2), (4 * c, size // 4)]
        fixed = conv(3, self.in_channels, c, size)
        for width, side in stages[1:]:
            fixed += conv(3, width // 2, width, side) + conv(3, width, width, side)
            fixed += conv(1, width // 2, width, side, norm=False)
        last = 4 * c
        fixed += Cost(0, 2 * last)  # the last normalisation stands behind no convolution
        fixed += linear(last, self.classes)
        one, three = Cost(0, 0), Cost(0, 0)
        for width, side in stages:
            one += self.cells * conv(1, width, width, side)
            three += self.cells * conv(3, width, width, side)
        return fixed, one, three

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> Network201:
        """Make the stand-alone network of a cell."""
        from lamoo_fast.nas.networks.cell201 import Network201
        from lamoo_fast.nas.networks.initialise import initialised

        checked = self.space.check(config)
        return initialised(lambda: Network201(self, checked), generator)

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw the cell as a graph; edges without operation are left out."""
        from lamoo_fast.nas.spaces.drawing import Edge, draw_cells

        config = self.space.check(config)
        edges = [Edge(edge[0], edge[-1], op) for edge, op in config.items() if op != "none"]
        labels = {"0": "input", "1": "1", "2": "2", "3": "output"}
        return draw_cells({"": (labels, edges)}, title=self.encode(config))
