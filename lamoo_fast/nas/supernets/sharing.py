"""What the cells of many subnets can compute together.

Two subnets of a supernet share their weights, so that the value at a node of a cell depends only
on the operations on the way there. A `CellPlan` numbers the different values at each node and lists
every operation once, with all the values that go through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from lamoo_fast.nas.spaces.cell201 import EDGES, OPS
from lamoo_fast.nas.supernets.statistics import Rows

__all__ = ["Branch", "CellPlan", "Choice", "plan_cell"]

Choice = tuple[str, ...]
"""Operation on each edge, in the order of `EDGES`."""

_ENDS = tuple((int(edge[0]), int(edge[-1])) for edge in EDGES)
_NO_VALUE = -1


@dataclass(frozen=True)
class Branch:
    """An operation on an edge.

    Parameters
    ----------
    source : int
        Node that the edge comes from.
    edge, op : str
        The edge and the operation.
    inputs : Tensor or None
        Rows of the source node that go through it; None if these are all rows, in order.
    targets : Tensor or None
        Rows of the node at the end that a result is added to; None if all, in order.
    results : Tensor or None
        For each target the row of the results; None if the results are added in order.
    rows : Rows
        Which subnets the results belong to.
    """

    source: int
    edge: str
    op: str
    inputs: Tensor | None
    targets: Tensor | None
    results: Tensor | None
    rows: Rows


@dataclass(frozen=True)
class CellPlan:
    """Computation of one cell for many subnets.

    Parameters
    ----------
    nodes : tuple of (int, tuple of Branch)
        For nodes 1, 2 and 3 the number of different values and what they are sums of.
    output : tuple of int
        Row of node 3 for each subnet.
    """

    nodes: tuple[tuple[int, tuple[Branch, ...]], ...]
    output: tuple[int, ...]


@lru_cache(maxsize=32)
def plan_cell(
    choices: tuple[Choice, ...], inputs: tuple[int, ...], device: torch.device
) -> CellPlan:
    """Number the different values in a cell.

    Two values at a node are the same if the same operations lead there from the same values. A
    value that no operation leads to is zero, and stays zero through every operation, since the
    normalisations of a cell have no bias; such branches are left out.

    Parameters
    ----------
    choices : tuple of tuple of str
        Operation on each edge, for each of the k subnets.
    inputs : tuple of int
        Row of the cell's input for each subnet.
    device : torch.device
        Of the tensors of indices.

    Notes
    -----
    O(k) for a fixed number of edges.
    """
    values = [list(inputs)]  # at each node the row of each subnet
    counts = [max(inputs) + 1]
    nodes = []
    for node in (1, 2, 3):
        incoming = [(e, source) for e, (source, end) in enumerate(_ENDS) if end == node]
        rows: dict[tuple[tuple[int, str, int], ...], int] = {}
        here = []
        for subnet, choice in enumerate(choices):
            terms = tuple(
                (e, choice[e], values[source][subnet])
                for e, source in incoming
                if choice[e] != "none" and values[source][subnet] != _NO_VALUE
            )
            # The output of a cell needs a row even if it is zero.
            here.append(rows.setdefault(terms, len(rows)) if terms or node == 3 else _NO_VALUE)
        branches = []
        for e, source in incoming:
            for op in OPS[1:]:
                reached = [
                    (row, value)
                    for terms, row in rows.items()
                    for edge, name, value in terms
                    if edge == e and name == op
                ]
                if not reached:
                    continue
                through = sorted({value for _, value in reached})
                place = {value: i for i, value in enumerate(through)}
                of_subnet = [
                    place.get(values[source][subnet], -1) if choice[e] == op else -1
                    for subnet, choice in enumerate(choices)
                ]
                branches.append(
                    Branch(
                        source,
                        EDGES[e],
                        op,
                        _index(through, counts[source], device),
                        _index([row for row, _ in reached], len(rows), device),
                        _index([place[value] for _, value in reached], len(through), device),
                        Rows.of(of_subnet, len(through), device),
                    )
                )
        values.append(here)
        counts.append(len(rows))
        nodes.append((len(rows), tuple(branches)))
    return CellPlan(tuple(nodes), tuple(values[3]))


def _index(rows: Sequence[int], count: int, device: torch.device) -> Tensor | None:
    """Tensor of rows, or None if they are all rows in order."""
    return None if list(rows) == list(range(count)) else torch.tensor(rows, device=device)
