"""When the partition is learned again, and when new trials just go down the splits it has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lamoo_fast.search.archive import Rows
from lamoo_fast.search.partition import Classifier
from lamoo_fast.search.space import Array, Space
from lamoo_fast.search.tree import PartitionTree

ALWAYS_BELOW = 200
"""With fewer rows than this, the partition is learned from all rows at each ask."""
FRACTION = 0.1
"""With more, it is learned again when the rows are more by this fraction."""


class Growth:
    """The partition of a growing set of trials.

    Parameters
    ----------
    space : Space
        Where the points lie.
    classifier : Classifier
        Learns the splits.
    leaf_size : int
        Least number of rows in a leaf.
    noisy : bool
        Whether rows are means of replicates, which change. The partition is then always learned
        from all rows.
    predict : callable, optional
        Takes rows and the reference point, and returns what `PartitionTree.build` takes as
        predicted.

    Notes
    -----
    The splits are those of the first k rows by id, where k depends on the number of rows alone,
    and the other rows are sent down these splits. So the tree depends on the trials and not on
    when it was asked for: a restored search has the same one. The trees learned on the way to n
    rows are O(log n) many beyond the first 200.

    Examples
    --------
    >>> [learned_from(n) for n in (1, 199, 200, 219, 220, 241, 242, 10_000)]
    [1, 199, 200, 200, 220, 220, 242, 9782]
    """

    def __init__(
        self,
        space: Space,
        classifier: Classifier,
        leaf_size: int,
        noisy: bool,
        predict: Callable[[Rows, Array], tuple[Array, Array, Array] | None] | None = None,
    ) -> None:
        self._space = space
        self._classifier = classifier
        self._leaf_size = leaf_size
        self._noisy = noisy
        self._predict = predict
        self._base: Rows | None = None
        self._tree: PartitionTree | None = None

    def tree(self, rows: Rows, settled: int, ref: Array) -> PartitionTree:
        """Return the tree over all rows.

        Parameters
        ----------
        rows : Rows
            By id.
        settled : int
            How many rows at the front are there to stay, before the first pending trial. The
            splits are learned from these, so that a late trial does not change them; unless one
            trial keeps too many others waiting.
        ref : array, shape (m,)
            Reference point, minimised.
        """
        n = len(rows)
        k = n
        if n >= ALWAYS_BELOW and not self._noisy:
            k = learned_from(settled if settled >= 0.8 * n else n)
        base = rows.where(slice(k))
        tree = self._tree
        if tree is None or not _same(self._base, base) or not np.array_equal(tree.ref, ref):
            tree = PartitionTree.build(
                self._space,
                base.X,
                base.F,
                ref,
                self._classifier,
                leaf_size=self._leaf_size,
                G=base.G,
                ids=base.ids,
                previous=None if self._noisy else tree,
                predicted=None if self._predict is None else self._predict(base, ref),
            )
            self._base = base.copy()
        if n > len(tree.order):
            tree = tree.with_rows(rows.X, rows.F, G=rows.G, ids=rows.ids)
        self._tree = tree
        return tree


def learned_from(n: int) -> int:
    """Return how many of n rows the splits are learned from."""
    k = ALWAYS_BELOW
    if n <= k:
        return n
    while (larger := int(k * (1 + FRACTION))) <= n:
        k = larger
    return k


def _same(a: Rows | None, b: Rows) -> bool:
    """Tell whether two sets of rows are the same; the values can change where they are means."""
    return a is not None and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=name in "FG")
        for name in ("ids", "F", "G")
    )
