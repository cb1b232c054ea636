"""Architectures as numbers that say what matters about them: features for predictors and hints.

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

from lamoo_fast.nas.problem import Config
from lamoo_fast.nas.spaces.cell201 import EDGES
from lamoo_fast.nas.spaces.darts import OPS as DARTS_OPS
from lamoo_fast.nas.spaces.darts import Darts

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
    >>> dict(zip(summary.names, summary(cell, {0}, {2}).tolist()))  # doctest: +NORMALIZE_WHITESPACE
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


_CELL201 = PathSummary(
    {
        "skip": {"skip_connect"},
        "conv1x1": {"nor_conv_1x1"},
        "conv3x3": {"nor_conv_3x3"},
        "pool": {"avg_pool_3x3"},
        "conv": {"nor_conv_1x1", "nor_conv_3x3"},
        "work": {"nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"},
    }
)


def cell201_features(configs: Sequence[Config]) -> Floats:
    """Path summaries (n, 33) of NAS-Bench-201 cells, given by the operations on their six edges.

    Examples
    --------
    >>> cell = dict.fromkeys(("0to1", "0to2", "1to2", "0to3", "1to3", "2to3"), "nor_conv_3x3")
    >>> cell201_features([cell])[0, :3].tolist()  # paths, longest, shortest
    [4.0, 3.0, 1.0]
    """
    ends = {name: (int(name[0]), int(name[-1])) for name in EDGES}
    return np.array(
        [_CELL201([(*ends[e], c[e]) for e in EDGES if c[e] != "none"], {0}, {3}) for c in configs]
    )


_DARTS = PathSummary(
    {
        **{op: {op} for op in DARTS_OPS},
        "conv": {op for op in DARTS_OPS if "_conv_" in op},
        "separable": {"sep_conv_3x3", "sep_conv_5x5"},
        "wide": {"sep_conv_5x5", "dil_conv_5x5"},
    }
)


def darts_features(darts: Darts, configs: Sequence[Config]) -> Floats:
    """Path summaries of both cells, multiply-adds and parameters (n, 108) of DARTS networks.

    Paths go from the two inputs of a cell to its four nodes, which are all outputs.

    Examples
    --------
    >>> from lamoo_fast.nas.spaces.darts import Darts
    >>> darts = Darts(channels=32, cells=8)
    >>> config = darts.space.decode([[0.0] * darts.space.d])[0]
    >>> darts_features(darts, [config])[0, :3].tolist()  # paths, longest, shortest
    [8.0, 1.0, 1.0]
    """
    rows = []
    for config in configs:
        genotype = darts.genotype(config)
        cells = [
            _DARTS(
                [(source, 2 + i // 2, op) for i, (op, source) in enumerate(genes)],
                {0, 1},
                {2, 3, 4, 5},
            )
            for genes in (genotype.normal, genotype.reduce)
        ]
        cost = darts.cost(config)
        rows.append(np.concatenate([*cells, [cost.flops, cost.params]]))
    return np.array(rows)
