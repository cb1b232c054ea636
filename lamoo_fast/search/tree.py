"""The partition tree: splits all the way down, and the region of the space behind each node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels.approx import HVEstimate
from lamoo_fast.search.partition import Classifier, Split, inside, split_rows, violation
from lamoo_fast.search.space import Array, Mask, Space
from lamoo_fast.search.volume import volumes

MAX_DEPTH = 32
"""Depth of the tree at most; bounds the work when every split cuts off only a few rows."""


_Cuts: TypeAlias = dict[bytes, "tuple[Split, Mask] | None"]  # what `split_rows` said of some rows


@dataclass(frozen=True)
class Region:
    """A part of the space: all points on the given side of each split.

    Attributes
    ----------
    space : Space
        The whole space.
    constraints : tuple of (Split, bool)
        Splits and sides from the root of the tree down; none for the whole space.

    Examples
    --------
    >>> from lamoo_fast.search.space import Float
    >>> whole = Region(Space({"x": Float(0, 1)}))
    >>> whole.contains(np.array([[0.2], [0.7]]))
    array([ True,  True])
    """

    space: Space
    constraints: tuple[tuple[Split, bool], ...] = ()

    def contains(self, X: npt.ArrayLike) -> Mask:
        """Tell which points of X (n, d) lie inside; `Space.valid` is not asked."""
        return inside(self.constraints, self.space.features(X))

    def parent(self) -> Region:
        """Give up the deepest constraint.

        Raises
        ------
        ValueError
            When the region is the whole space.
        """
        if not self.constraints:
            raise ValueError("the whole space has no parent region")
        return Region(self.space, self.constraints[:-1])


class PartitionTree:
    """Recursive splits of the observed points, as flat arrays; node 0 is the root.

    Nodes are numbered so that a parent comes before its children and a good child before the bad
    one. Made by `build`.

    Attributes
    ----------
    parent : array of int, shape (k,)
        Parent of each node, -1 for the root.
    child : array of int, shape (k, 2)
        Good and bad child, -1 for a leaf.
    split : list of Split or None
        The split of each node, None for a leaf.
    order, start, stop : array of int, shape (n,), (k,), (k,)
        ``order[start[i]:stop[i]]`` are the rows of node i.
    visits : array of int, shape (k,)
        Number of rows of each node, failed and infeasible ones included: an evaluation was spent
        on each. Were they left out, the bonus for rarely visited nodes would never fade where
        evaluations fail, and draw the search there again and again.
    """

    def __init__(self, space: Space, F: Array, ref: Array, ids: npt.NDArray[np.int64]) -> None:
        self.space = space
        self.ref = ref
        self._F = F
        self._excess = np.zeros(len(F))
        self._feasible = np.ones(len(F), dtype=np.bool_)
        self._ids = ids
        self._learner: tuple[Classifier, int] | None = None
        self._cuts: _Cuts = {}
        self._volumes: dict[bytes, HVEstimate] = {}
        self._volume_of: dict[int, HVEstimate] = {}
        self._values = np.empty(0)  # those of `_volume_of`, NaN where it has none
        self._after: npt.NDArray[np.intp] | None = None
        self.order = np.arange(len(F))
        self.parent = np.empty(0, dtype=np.intp)
        self.child = np.empty((0, 2), dtype=np.intp)
        self.start = np.empty(0, dtype=np.intp)
        self.stop = np.empty(0, dtype=np.intp)
        self.split: list[Split | None] = []

    @classmethod
    def build(
        cls,
        space: Space,
        X: Array,
        F: Array,
        ref: Array,
        classifier: Classifier,
        *,
        leaf_size: int,
        G: Array | None = None,
        ids: Sequence[int] | npt.NDArray[np.int64] | None = None,
        previous: PartitionTree | None = None,
        predicted: tuple[Array, Array, Array] | None = None,
    ) -> PartitionTree:
        """Split the observed points until every leaf refuses.

        Parameters
        ----------
        space : Space
            Where the points lie.
        X, F : array, shape (n, d) and (n, m)
            Points and minimised objectives, NaN where the evaluation failed. The tree does not
            depend on the order of the rows.
        ref : array, shape (m,)
            Reference point of the hypervolumes.
        classifier : Classifier
            Learns the splits.
        leaf_size : int
            Least number of rows of a node; one with fewer than twice as many is not split.
        G : array, shape (n, c), optional
            Outcome constraints, each met where <= 0. Infeasible rows are worse than all feasible
            ones, and failed rows worse than those.
        ids : n ints, optional
            What each row is called, for `previous`; by default its position.
        previous : PartitionTree, optional
            A tree over some of the same rows. Nodes that have the same rows here are split as they
            were there, if the classifier and leaf_size are the same, and keep their hypervolume,
            if the ref is.
        predicted : tuple of X, F and G, optional
            Points that were not observed and what is predicted there. Splits are learned from
            them too; they are no rows of the tree, and no hypervolume counts them.

        Notes
        -----
        The construction of LaMOO (Zhao et al., ICLR 2022; JMLR 25(177), 2024). Dominance is
        counted among the rows of a node only. O(depth) times the cost of a training on n rows.
        """
        # One fixed order of rows makes sums and the training independent of the order of arrival.
        G = np.empty((len(F), 0)) if G is None else G
        canonical = np.lexsort(np.hstack([F, G, X]).T[::-1])
        excess = violation(F, G)
        row_ids = np.arange(len(F)) if ids is None else np.asarray(ids, dtype=np.int64)
        tree = cls(space, F.copy(), ref, row_ids.copy())
        tree._excess, tree._feasible = excess, excess == 0
        tree._learner = classifier, leaf_size
        known: _Cuts = {}
        if previous is not None and previous._learner == tree._learner and predicted is None:
            known = previous._cuts
        Z, labelled, bounds = space.features(X), F, excess
        if predicted is not None:
            Z = np.vstack([Z, space.features(predicted[0])])
            labelled, G = np.vstack([F, predicted[1]]), np.vstack([G, predicted[2]])
            bounds = violation(labelled, G)
        parent: list[int] = []
        child: list[list[int]] = []
        spans: list[tuple[int, int]] = []
        # Rows, predicted ones, first position, parent, which child, depth.
        stack = [(canonical, np.arange(len(F), len(Z)), 0, -1, 0, 0)]
        order = tree.order
        while stack:
            rows, more, start, above, which, depth = stack.pop()
            node = len(parent)
            parent.append(above)
            child.append([-1, -1])
            spans.append((start, start + len(rows)))
            order[start : start + len(rows)] = rows
            if above >= 0:
                child[above][which] = node
            cut = None
            if depth < MAX_DEPTH and len(rows) >= 2 * leaf_size:
                key = _digest(tree._ids[rows], excess[rows])
                if key in known:
                    cut = known[key]
                else:
                    at = np.concatenate([rows, more])
                    cut = split_rows(
                        classifier, Z[at], labelled[at], leaf_size, bounds[at], len(more)
                    )
                tree._cuts[key] = cut
            tree.split.append(cut[0] if cut else None)
            if cut:
                side, guessed = cut[1][: len(rows)], cut[1][len(rows) :]
                good = rows[side]
                below = start + len(good), node, 1, depth + 1
                stack.append((rows[~side], more[~guessed], *below))
                stack.append((good, more[guessed], start, node, 0, depth + 1))
        tree.parent = np.array(parent, dtype=np.intp)
        tree.child = np.array(child, dtype=np.intp)
        tree.start, tree.stop = np.array(spans, dtype=np.intp).T
        tree._values = np.full(len(parent), np.nan)
        for array in (tree.parent, tree.child, tree.start, tree.stop, tree.order):
            array.flags.writeable = False
        same_ref = previous is not None and np.array_equal(previous.ref, ref)
        if previous is not None and same_ref and previous._any_feasible():
            keys = {tree._key(node) for node in range(len(tree))}
            tree._volumes = {k: v for k, v in previous._volumes.items() if k in keys}
        return tree

    def with_rows(
        self,
        X: Array,
        F: Array,
        *,
        G: Array | None = None,
        ids: Sequence[int] | npt.NDArray[np.int64] | None = None,
    ) -> PartitionTree:
        """Return a tree with the same splits over more rows.

        Parameters
        ----------
        X, F, G, ids
            All rows as for `build`, ids increasing: those of this tree and others.

        Notes
        -----
        New rows are sent down the splits, nothing is trained: O(n) operations on arrays, and
        O(depth) splits for each new row. Hypervolumes are taken over where no row was added.
        """
        G = np.empty((len(F), 0)) if G is None else G
        row_ids = np.arange(len(F)) if ids is None else np.asarray(ids, dtype=np.int64)
        tree = PartitionTree(self.space, F.copy(), self.ref, row_ids.copy())
        tree._excess = violation(F, G)
        tree._feasible = tree._excess == 0
        tree.parent, tree.child, tree.split = self.parent, self.child, self.split
        tree._learner, tree._cuts = self._learner, self._cuts
        leaf = np.empty(len(F), dtype=np.intp)
        old = np.isin(row_ids, self._ids, assume_unique=True)
        mine = np.empty(len(self._ids), dtype=np.intp)
        mine[self.order] = np.repeat(self.leaves, self.visits[self.leaves])
        leaf[old] = mine[np.argsort(self._ids, kind="stable")]
        leaf[~old] = self._leaves(self.space.features(X[~old]))
        # Nodes are numbered from left to right. Of small integers the sort is one by digits.
        small = leaf.astype(np.uint16) if len(self) < 2**16 else leaf
        tree.order = np.argsort(small, kind="stable")
        below = np.concatenate([[0], np.cumsum(np.bincount(leaf, minlength=len(self)))])
        tree._after = self._ends()
        tree.start, tree.stop = below[:-1], below[tree._after]
        for array in (tree.start, tree.stop, tree.order):
            array.flags.writeable = False
        same = self.visits == tree.visits
        if not self._any_feasible():  # the units of violations may have changed
            same[:] = False
        tree._volume_of = dict(self._volume_of)
        for node in np.flatnonzero(~same).tolist():
            tree._volume_of.pop(node, None)
        tree._values = np.where(same, self._values, np.nan)
        return tree

    def _ends(self) -> npt.NDArray[np.intp]:
        """Return, for each node, the node after the last one below it (k,)."""
        if self._after is None:
            after = list(range(1, len(self) + 1))
            parent = self.parent.tolist()
            for node in range(len(self) - 1, 0, -1):
                after[parent[node]] = max(after[parent[node]], after[node])
            self._after = np.array(after, dtype=np.intp)
        return self._after

    def _leaves(self, Z: Array) -> npt.NDArray[np.intp]:
        """Find the leaf of each row of the features Z (n, f)."""
        leaf = np.zeros(len(Z), dtype=np.intp)
        stack = [(0, np.arange(len(Z)))]
        while stack:
            node, rows = stack.pop()
            leaf[rows] = node
            split = self.split[node]
            if split is not None and len(rows):
                side = split.side(Z[rows])
                good, bad = self.child[node].tolist()
                stack += [(good, rows[side]), (bad, rows[~side])]
        return leaf

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def visits(self) -> npt.NDArray[np.intp]:
        """Number of rows of each node (k,)."""
        return self.stop - self.start

    @property
    def leaves(self) -> npt.NDArray[np.intp]:
        """Nodes without children, good sides first."""
        return np.flatnonzero(self.child[:, 0] < 0)

    def rows(self, node: int) -> npt.NDArray[np.intp]:
        """Rows of X and F that lie in a node."""
        return self.order[self.start[node] : self.stop[node]]

    def value(self, node: int) -> float:
        """Hypervolume of the feasible rows of a node, computed when first asked for.

        While no row of the tree is feasible, what comes nearest to it counts in its place: 1 less
        the smallest violation in the node, in units of twice the largest of all.
        """
        return self.volume(node).value

    def values(self, nodes: npt.NDArray[np.intp]) -> Array:
        """`value` of several nodes, which takes less time than one by one."""
        self._measure(nodes[np.isnan(self._values[nodes])].tolist())
        return self._values[nodes]

    def volume(self, node: int) -> HVEstimate:
        """`value` with its standard error, 0 where it is exact."""
        if node not in self._volume_of:
            self._measure([node])
        return self._volume_of[node]

    def _measure(self, nodes: list[int]) -> None:
        """Find the hypervolumes of nodes, remembered ones or new ones."""
        keys = [self._key(node) for node in nodes]
        new = {k: self.rows(i) for k, i in zip(keys, nodes, strict=True) if k not in self._volumes}
        if not self._any_feasible():
            found = [HVEstimate(self._nearness(rows), 0.0, 0) for rows in new.values()]
        elif new:
            rows = np.concatenate([*new.values()])
            which = np.repeat(np.arange(len(new)), [len(some) for some in new.values()])
            feasible = self._feasible[rows]
            found = volumes(self._F[rows[feasible]], which[feasible], len(new), self.ref)
        else:
            found = []
        self._volumes.update(zip(new, found, strict=True))
        for node, key in zip(nodes, keys, strict=True):
            self._volume_of[node] = self._volumes[key]
            self._values[node] = self._volumes[key].value

    def _nearness(self, rows: npt.NDArray[np.intp]) -> float:
        """Tell how near the rows come to being feasible, from 0 to 1."""
        least = self._excess[rows].min()
        if least == np.inf:
            return 0.0
        return float(1 - least / (2 * self._excess[self._excess < np.inf].max()))

    def _any_feasible(self) -> bool:
        return bool(self._feasible.any())

    def region(self, node: int) -> Region:
        """Part of the space that belongs to a node: all its rows lie inside, no other row does."""
        constraints: list[tuple[Split, bool]] = []
        while (above := int(self.parent[node])) >= 0:
            split = self.split[above]
            if split is None:
                raise RuntimeError(f"node {above} has children but no split")
            constraints.append((split, bool(self.child[above, 0] == node)))
            node = above
        return Region(self.space, tuple(reversed(constraints)))

    def _key(self, node: int) -> bytes:
        return np.sort(self._ids[self.rows(node)]).tobytes()


def _digest(*arrays: npt.NDArray[np.generic]) -> bytes:
    """Tell arrays apart by few bytes."""
    digest = blake2b(digest_size=16)
    for array in arrays:
        digest.update(array.tobytes())
    return digest.digest()
