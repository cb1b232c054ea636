"""Choosing the node whose region is sampled next: upper confidence bounds on hypervolume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.tree import PartitionTree


class Selection(Protocol):
    """Chooses a leaf. Its repr names all its settings, since saved searches compare it."""

    def select(self, tree: PartitionTree) -> int:
        """Return the leaf of the tree to sample from."""


def _check_c_p(c_p: float) -> None:
    if not 0 <= c_p < math.inf:
        raise ValueError(f"c_p is {c_p}, wanted a number >= 0")


def _best(tree: PartitionTree, nodes: npt.NDArray[np.intp], c_p: float, total: float) -> int:
    """Node with the largest upper confidence bound; of equal ones the first.

    In units of `total`: ucb = v / total + 2 c_p sqrt(2 ln N / n), with v and n hypervolume and rows
    of the node, and N the rows of its parent. c_p is thus a fraction, the same for every problem.
    While the total is 0 only the visits count. Hypervolumes may be estimates (`volume`). Their
    errors are no part of the bound: a five-hundredth is what the bonus of a node with 20 rows
    changes by when it gets one more, and sampling it is what settles the question.
    """
    visits = tree.visits
    bonus = np.sqrt(2 * np.log(visits[tree.parent[nodes]]) / visits[nodes])
    if not 0 < total < math.inf:
        return int(nodes[np.argmax(bonus)])
    return int(nodes[np.argmax(tree.values(nodes) / total + 2 * c_p * bonus)])


@dataclass(frozen=True)
class Leaf:
    """Upper confidence bound over all leaves at once.

    Needs hypervolumes of the leaves and of no other node, and leaves have few rows: the cheap
    choice when there are many objectives.

    Parameters
    ----------
    c_p : float
        Weight of exploration, as a fraction of the largest hypervolume of a leaf.

    Raises
    ------
    ValueError
        When c_p is negative or not finite.

    Notes
    -----
    Leaf selection of LaMOO (Zhao, Wang and Guo, JMLR 25(177), 2024, Algorithm 1).
    """

    c_p: float = 0.1

    def __post_init__(self) -> None:
        _check_c_p(self.c_p)

    def select(self, tree: PartitionTree) -> int:
        """Return the leaf with the largest bound."""
        if len(tree) == 1:
            return 0
        return _best(tree, tree.leaves, self.c_p, float(tree.values(tree.leaves).max()))


@dataclass(frozen=True)
class Path:
    """Upper confidence bound between two children, from the root down to a leaf.

    Needs hypervolumes of the children of the nodes on the path, and of all rows together.

    Parameters
    ----------
    c_p : float
        Weight of exploration, as a fraction of the hypervolume of all rows.

    Raises
    ------
    ValueError
        When c_p is negative or not finite.

    Notes
    -----
    Path selection of LaMOO (Zhao et al., ICLR 2022), the search of UCT (Kocsis and Szepesvari,
    2006).
    """

    c_p: float = 0.1

    def __post_init__(self) -> None:
        _check_c_p(self.c_p)

    def select(self, tree: PartitionTree) -> int:
        """Return the leaf at the end of the path."""
        node = 0
        while tree.child[node, 0] >= 0:
            node = _best(tree, tree.child[node], self.c_p, tree.value(0))
        return node


@dataclass(frozen=True)
class Greedy:
    """The child with the larger hypervolume, from the root down: no exploration."""

    def select(self, tree: PartitionTree) -> int:
        """Return the leaf at the end of the path."""
        return Path(c_p=0.0).select(tree)
