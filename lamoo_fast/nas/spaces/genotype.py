"""Genotypes: the published text form of cells whose nodes choose their inputs."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, NamedTuple

Gene = tuple[str, int]
"""An operation and the number of the node that it is applied to."""


class Genotype(NamedTuple):
    """Normal and reduction cell of a convolutional network.

    Each holds two genes per node; nodes 0 and 1 are the outputs of the two cells before. The nodes
    in ``concat`` are joined to the cell's output.

    Examples
    --------
    >>> str(Genotype([("skip_connect", 0), ("max_pool_3x3", 1)], [2],
    ...              [("skip_connect", 0), ("skip_connect", 1)], [2]))[:60]
    "Genotype(normal=[('skip_connect', 0), ('max_pool_3x3', 1)], "
    """

    normal: Sequence[Gene]
    normal_concat: Sequence[int]
    reduce: Sequence[Gene]
    reduce_concat: Sequence[int]

    @classmethod
    def parse(cls, text: str) -> Genotype:
        """Read the published form; concatenations may be lists or ranges.

        Raises
        ------
        ValueError
            If the text is not of that form, or a gene names a node that is not before it.
        """
        read = read_genotype(text, cls._fields)
        for cell in ("normal", "reduce"):
            genes, concat = read[cell], read[f"{cell}_concat"]
            check_genes(genes, [number // 2 + 2 for number in range(len(genes))], cell)
            if not genes or len(genes) % 2:
                raise ValueError(f"{cell} has {len(genes)} genes, wanted two per node")
            nodes = len(genes) // 2 + 2
            if not concat or not all(isinstance(n, int) and 0 <= n < nodes for n in concat):
                raise ValueError(f"{cell}_concat is {concat}, wanted nodes of 0 to {nodes - 1}")
        return cls(**read)


def read_genotype(text: str, fields: Sequence[str]) -> dict[str, list[Any]]:
    """Read ``Genotype(field=[...], ...)`` without running it.

    Raises
    ------
    ValueError
        If it is anything but that call with exactly these fields, lists or ranges of literals.

    Examples
    --------
    >>> read_genotype("Genotype(recurrent=[('tanh', 0)], concat=range(1, 2))",
    ...               ["recurrent", "concat"])
    {'recurrent': [('tanh', 0)], 'concat': [1]}
    """
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call) or call.args or ast.unparse(call.func) != "Genotype":
            raise ValueError
        read = {str(keyword.arg): _literal(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        form = ", ".join(f"{field}=[...]" for field in fields)
        raise ValueError(f"genotype {text!r}: wanted Genotype({form})") from None
    if sorted(read) != sorted(fields):
        raise ValueError(f"genotype has fields {sorted(read)}, wanted {sorted(fields)}")
    return {field: read[field] for field in fields}


def _literal(node: ast.expr) -> list[Any]:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "range":
        limits = [ast.literal_eval(argument) for argument in node.args]
        if len(limits) == 2 and all(0 <= n < 1000 for n in limits):
            return list(range(*limits))
    value = ast.literal_eval(node)
    if not isinstance(value, (list, tuple)):
        raise ValueError
    return list(value)


def check_genes(genes: Sequence[Any], limits: Sequence[int], name: str) -> None:
    """Raise ValueError unless each gene is (operation, node below its limit)."""
    for number, (gene, limit) in enumerate(zip(genes, limits, strict=True)):
        if (
            not isinstance(gene, tuple)
            or len(gene) != 2
            or not isinstance(gene[0], str)
            or not isinstance(gene[1], int)
            or not 0 <= gene[1] < limit
        ):
            raise ValueError(
                f"gene {number} of {name} is {gene!r}, wanted (operation, node below {limit})"
            )
