"""The NASNet-like CIFAR-10 cell of LaNAS: seven nodes, four operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from lamoo_fast.nas.spaces.architecture import Config, operation_of
from lamoo_fast.nas.spaces.cell_stack import CellStack
from lamoo_fast.nas.spaces.genotype import Gene, Genotype
from lamoo_fast.search.space import Categorical, Integer, Space

__all__ = ["OPS", "NasnetCell"]

OPS = ("sep_conv_3x3", "max_pool_3x3", "skip_connect", "sep_conv_5x5")

_NODES = 7


@dataclass(frozen=True)
class NasnetCell(CellStack):
    """Cells of LaNAS (Wang et al., TPAMI 2021) in the form of NASNet (Zoph et al., CVPR 2018).

    Each of seven nodes adds two operations of four on any two earlier nodes, equal or not; the
    nodes that no other one uses are joined. One cell serves as normal and as reduction cell. In a
    normal cell an unused input is joined too. There are 4^14 x (8!)^2 = 436,396,165,064,294,400
    codes; the same cell can have several, as the two inputs of a node may change places.

    See `CellStack` for the settings; the defaults are those of the trained table.

    Examples
    --------
    >>> cells = NasnetCell()
    >>> config = cells.from_codes([0, 1, 1, 1] * 7)
    >>> cells.genotype(config).normal_concat
    [0, 2, 3, 4, 5, 6, 7, 8]
    """

    channels: int = 32

    name: ClassVar[str] = "nasnet-lanas"

    @cached_property
    def space(self) -> Space:
        """Per node two operations and two inputs, named as the columns of the trained table."""
        params: dict[str, Any] = {}
        for node in range(_NODES):
            params |= {f"n{node}_op{which}": Categorical(OPS) for which in "AB"}
            params |= {f"n{node}_in{which}": Integer(0, node + 1) for which in "AB"}
        return Space(params)

    def from_codes(self, codes: Sequence[int]) -> Config:
        """Return the configuration of the 28 numbers of a row of the trained table.

        Raises
        ------
        ValueError
            If they are not 28 or one is out of range.
        """
        names = self.space.names
        if len(codes) != len(names):
            raise ValueError(f"codes has {len(codes)} numbers, wanted {len(names)}")
        config: Config = {}
        for name, code in zip(names, codes, strict=True):
            config[name] = operation_of(code, OPS, name) if "_op" in name else code
        return self.space.check(config)

    def genotype(self, config: Mapping[str, Any]) -> Genotype:
        """Return the cell of a configuration, twice."""
        config = self.space.check(config)
        genes: list[Gene] = [
            (config[f"n{node}_op{which}"], config[f"n{node}_in{which}"])
            for node in range(_NODES)
            for which in "AB"
        ]
        return Genotype(genes, _loose_ends(genes), genes, [n for n in _loose_ends(genes) if n > 1])

    def configuration(self, genotype: Genotype) -> Config:
        """Return the configuration of a genotype.

        Raises
        ------
        ValueError
            If its two cells differ, or it is not one of the space.
        """
        genes = list(genotype.normal)
        if list(genotype.reduce) != genes:
            raise ValueError("normal and reduction cell differ, wanted one cell for both")
        if len(genes) != 2 * _NODES:
            raise ValueError(f"the cell has {len(genes)} genes, wanted {2 * _NODES}")
        config: Config = {}
        for number, (op, source) in enumerate(genes):
            node, which = number // 2, "AB"[number % 2]
            config |= {f"n{node}_op{which}": op, f"n{node}_in{which}": source}
        config = self.space.check(config)
        expected = self.genotype(config)
        for cell in ("normal_concat", "reduce_concat"):
            given, wanted = list(getattr(genotype, cell)), getattr(expected, cell)
            if given != wanted:
                raise ValueError(f"{cell} is {given}, wanted the unused nodes {wanted}")
        return config


def _loose_ends(genes: Sequence[Gene]) -> list[int]:
    """Nodes that no gene is applied to."""
    used = {source for _, source in genes}
    return [node for node in range(_NODES + 2) if node not in used]
