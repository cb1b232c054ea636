"""The space of DARTS and NAS-Bench-301: a normal and a reduction cell of four nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, ClassVar

from lamoo_fast.nas.spaces.architecture import Config
from lamoo_fast.nas.spaces.cell_stack import CellStack
from lamoo_fast.nas.spaces.genotype import Gene, Genotype
from lamoo_fast.search.space import Categorical, Space

__all__ = ["OPS", "Darts"]

OPS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)

_NODES = range(2, 6)
_CONCAT = list(_NODES)
_KEY = "NetworkSelectorDatasetInfo:darts:"


@dataclass(frozen=True)
class Darts(CellStack):
    """Cells of DARTS (Liu, Simonyan and Yang, ICLR 2019), searched by NAS-Bench-301 too.

    Each of the four nodes 2 to 5 of a cell adds two operations of seven on two different earlier
    nodes; all four are joined. There are (1 x 3 x 6 x 10) x 7^8 = 1,037,664,180 cells and with two
    of them 1,076,746,950,455,072,400, about 10^18, architectures (Zela et al., ICLR 2022). A
    configuration names the two inputs of each node together, smaller one first, so that each of
    them is valid and none comes twice.

    See `CellStack` for the settings: the defaults are those for CIFAR-10, `imagenet` the others.

    Examples
    --------
    >>> darts = Darts()
    >>> second_order = darts.decode(
    ...     "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    ...     "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    ...     "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    ...     "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    ...     "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
    ...     "reduce_concat=[2, 3, 4, 5])")
    >>> darts.cost(second_order).params
    3349342
    """

    name: ClassVar[str] = "darts"

    @cached_property
    def space(self) -> Space:
        """Per node of each cell its two inputs, where there is a choice, and two operations."""
        params: dict[str, Any] = {}
        for cell in ("normal", "reduce"):
            for node in _NODES:
                if node > 2:
                    pairs = [f"{a}_{b}" for a, b in combinations(range(node), 2)]
                    params[f"{cell}_{node}_inputs"] = Categorical(pairs)
                params[f"{cell}_{node}_op_a"] = Categorical(OPS)
                params[f"{cell}_{node}_op_b"] = Categorical(OPS)
        return Space(params)

    def genotype(self, config: Mapping[str, Any]) -> Genotype:
        """Return both cells of a configuration."""
        config = self.space.check(config)
        cells: list[list[Gene]] = []
        for cell in ("normal", "reduce"):
            genes: list[Gene] = []
            for node in _NODES:
                pair = config.get(f"{cell}_{node}_inputs", "0_1")
                for source, which in zip(pair.split("_"), "ab", strict=True):
                    genes.append((config[f"{cell}_{node}_op_{which}"], int(source)))
            cells.append(genes)
        return Genotype(cells[0], _CONCAT, cells[1], _CONCAT)

    def configuration(self, genotype: Genotype) -> Config:
        """Return the configuration of a genotype.

        Raises
        ------
        ValueError
            If it is not one of the space.
        """
        config: Config = {}
        for cell, genes, concat in (
            ("normal", genotype.normal, genotype.normal_concat),
            ("reduce", genotype.reduce, genotype.reduce_concat),
        ):
            if len(genes) != 2 * len(_NODES) or list(concat) != _CONCAT:
                raise ValueError(
                    f"{cell} has {len(genes)} genes and concatenates {list(concat)}, "
                    f"wanted {2 * len(_NODES)} and {_CONCAT}"
                )
            for node in _NODES:
                (op_a, a), (op_b, b) = sorted(genes[2 * node - 4 : 2 * node - 2], key=_source)
                if a == b:
                    raise ValueError(f"both inputs of {cell} node {node} are {a}, wanted two")
                if node > 2:
                    config[f"{cell}_{node}_inputs"] = f"{a}_{b}"
                config |= {f"{cell}_{node}_op_a": op_a, f"{cell}_{node}_op_b": op_b}
        return self.space.check(config)

    def to_nasbench301(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return the keys and values that NAS-Bench-301 has for an architecture.

        Its ``edge_normal_0`` to ``_13`` number the edges of a cell by node and source; only those
        in use are there.

        Examples
        --------
        >>> darts = Darts()
        >>> first, *_ = darts.space.decode([[0.0] * darts.space.d])
        >>> len(darts.to_nasbench301(first))
        22
        """
        config = self.space.check(config)
        official = {}
        for cell, genes in zip(("normal", "reduce"), self.genotype(config)[::2], strict=True):
            for node in _NODES:
                if node > 2:
                    key = f"{_KEY}inputs_node_{cell}_{node}"
                    official[key] = config[f"{cell}_{node}_inputs"]
                for op, source in genes[2 * node - 4 : 2 * node - 2]:
                    official[f"{_KEY}edge_{cell}_{_edge(node, source)}"] = op
        return official

    def from_nasbench301(self, official: Mapping[str, str]) -> Config:
        """Invert `to_nasbench301`; keys of other settings are passed over.

        Raises
        ------
        ValueError
            If a key is missing or has a value that the space has not.
        """
        config: Config = {}
        try:
            for cell in ("normal", "reduce"):
                for node in _NODES:
                    pair = "0_1"
                    if node > 2:
                        pair = official[f"{_KEY}inputs_node_{cell}_{node}"]
                        config[f"{cell}_{node}_inputs"] = pair
                    for source, which in zip(pair.split("_"), "ab", strict=True):
                        key = f"{_KEY}edge_{cell}_{_edge(node, int(source))}"
                        config[f"{cell}_{node}_op_{which}"] = official[key]
        except KeyError as error:
            raise ValueError(f"no key {error} in the configuration of NAS-Bench-301") from None
        return self.space.check(config)


def _source(gene: Gene) -> int:
    return gene[1]


def _edge(node: int, source: int) -> int:
    """Number of an edge: node 2 has edges 0 and 1, node 3 has 2 to 4, and so on."""
    return (node - 2) * (node + 1) // 2 + source
