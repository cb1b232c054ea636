"""Cells as graphs of operations: what the paths through them come to, in a few numbers.

What a cell computes depends on the paths from its input to its output: an operation on an edge
that no path uses counts nothing, and two cells with the same paths are the same function. Hence
the path encoding of White, Neiswanger and Savani ("BANANAS", AAAI 2021), which marks every
sequence of operations that occurs on a path. It has a number for each of them, hundreds that some
ten evaluations cannot weigh; here the paths are summed up in a few numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Edge", "PathSummary", "structure_of"]

Floats = npt.NDArray[np.float64]
Edge = tuple[int, int, str]
"""Node that an operation reads, node that it writes to (of a larger number), its name."""


@dataclass(frozen=True)
class PathSummary:
    """Summary of the paths of an acyclic graph whose edges are operations.

    Parameters
    ----------
    groups : mapping of str to set of str
        Kinds of operations that are counted, each by the names of the operations in it; one
        operation may be in several groups.

    Notes
    -----
    The number of paths, the operations on the longest and on the shortest of them; then of every
    group how many of its operations are on a path at all, the most, the fewest and the mean of how
    many a path holds, and the number of paths that hold none. A graph without a path has zeros.
    One pass over the edges, O(edges x groups), without a list of the paths, whose number may be
    exponential.

    Examples
    --------
    >>> summary = PathSummary({"conv": {"conv3x3"}})
    >>> cell = [(0, 1, "conv3x3"), (1, 2, "conv3x3"), (0, 2, "skip"), (1, 3, "skip")]
    >>> summary.named(cell, {0}, {2})  # doctest: +NORMALIZE_WHITESPACE
    {'paths': 2.0, 'longest': 2.0, 'shortest': 1.0, 'conv': 2.0, 'conv_most': 2.0,
     'conv_fewest': 0.0, 'conv_mean': 1.0, 'conv_missing': 1.0}
    """

    groups: Mapping[str, Set[str]]

    @property
    def names(self) -> list[str]:
        """What each feature is."""
        endings = ("", "_most", "_fewest", "_mean", "_missing")
        of_groups = [group + ending for group in self.groups for ending in endings]
        return ["paths", "longest", "shortest", *of_groups]

    def named(self, edges: Iterable[Edge], sources: Set[int], sinks: Set[int]) -> dict[str, float]:
        """Features of the graph by name."""
        return dict(zip(self.names, self(edges, sources, sinks).tolist(), strict=True))

    def __call__(self, edges: Iterable[Edge], sources: Set[int], sinks: Set[int]) -> Floats:
        """Features (3 + 5 groups,) of the graph, of its paths from `sources` to `sinks`."""
        live = _live(sorted(edges), sources, sinks)
        # Column 0 counts every operation, the others those of a group.
        counts = {
            op: np.array([1.0, *(op in members for members in self.groups.values())])
            for _, _, op in live
        }
        nothing = np.zeros(1 + len(self.groups))
        at = {node: _Tally(1.0, nothing, nothing, nothing, nothing + 1) for node in sources}
        for source, target, op in live:  # what comes into a node precedes what goes out of it
            path = at[source].extended(counts[op])
            at[target] = at[target].joined(path) if target in at else path
        ends = [at[node] for node in sorted(sinks) if node in at]
        if not ends:
            return np.zeros(3 + 5 * len(self.groups))
        whole = ends[0]
        for other in ends[1:]:
            whole = whole.joined(other)
        used = np.sum([counts[op] for _, _, op in live], axis=0)
        rows = [used, whole.most, whole.fewest, whole.total / whole.paths, whole.without]
        first = [whole.paths, whole.most[0], whole.fewest[0]]
        return np.concatenate([first, np.column_stack(rows)[1:].ravel()])


@dataclass(frozen=True)
class _Tally:
    """What is on the paths that lead to a node, by group: arrays but for their number."""

    paths: float
    most: Floats
    fewest: Floats
    total: Floats
    without: Floats

    def extended(self, count: Floats) -> _Tally:
        """Let all paths go on over an operation that is `count` (0 or 1) of each group."""
        return _Tally(
            self.paths,
            self.most + count,
            self.fewest + count,
            self.total + self.paths * count,
            self.without * (1 - count),
        )

    def joined(self, other: _Tally) -> _Tally:
        """Count the paths of both."""
        return _Tally(
            self.paths + other.paths,
            np.maximum(self.most, other.most),
            np.minimum(self.fewest, other.fewest),
            self.total + other.total,
            self.without + other.without,
        )


def _live(edges: Sequence[Edge], sources: Set[int], sinks: Set[int]) -> list[Edge]:
    """Those of the ordered edges that are on a path from `sources` to `sinks`."""
    reached, wanted = set(sources), set(sinks)
    for source, target, _ in edges:
        if source in reached:
            reached.add(target)
    for source, target, _ in sorted(edges, key=lambda edge: -edge[1]):
        if target in wanted:
            wanted.add(source)
    return [edge for edge in edges if edge[0] in reached and edge[1] in wanted]


def structure_of(edges: Iterable[Edge], sources: Set[int], sinks: Set[int]) -> tuple[float, ...]:
    """Tell of a cell what goes with accuracy whatever the data: depth, shortcuts, pooling.

    Most convolutions on a path, paths that change nothing, share of the paths with pooling.

    Examples
    --------
    >>> cell = [(0, 1, "nor_conv_3x3"), (1, 2, "avg_pool_3x3"), (0, 2, "skip_connect")]
    >>> structure_of(cell, {0}, {2})
    (1.0, 1.0, 0.5)
    """
    edges = [edge for edge in edges if edge[2] != "none"]
    ops = {op for _, _, op in edges}
    found = PathSummary(
        {
            "conv": {op for op in ops if "conv" in op},
            "pool": {op for op in ops if "pool" in op},
            "change": ops - {"skip_connect"},
        }
    ).named(edges, sources, sinks)
    paths = found["paths"]
    pooled = 1 - found["pool_missing"] / paths if paths else 0.0
    return found["conv_most"], found["change_missing"], pooled
