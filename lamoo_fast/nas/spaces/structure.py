"""Numbers about what flows through a cell, which say much about how well it learns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Edge", "Flow"]

Edge = tuple[int, int, str]  # source, target, operation; "none" lets nothing through


@dataclass(frozen=True)
class Flow:
    """Paths through a cell from its inputs to its outputs.

    Parameters
    ----------
    depth : float
        Most convolutions on a path to an output, averaged over the outputs.
    shortcuts : float
        Paths without any operation but identities.
    pooled : float
        Share of the paths on which something is pooled; 0 where there is no path.

    Examples
    --------
    >>> Flow.of([(0, 1, "nor_conv_3x3"), (1, 2, "avg_pool_3x3"), (0, 2, "skip_connect")], [0], [2])
    Flow(depth=1.0, shortcuts=1.0, pooled=0.5)
    """

    depth: float
    shortcuts: float
    pooled: float

    @classmethod
    def of(cls, edges: Iterable[Edge], inputs: Sequence[int], outputs: Sequence[int]) -> Flow:
        """Follow the edges, which all lead from lower to higher numbers. O(edges)."""
        paths = dict.fromkeys(inputs, 1.0)
        plain = dict(paths)  # paths without pooling
        shortcuts = dict(paths)
        depth = dict.fromkeys(inputs, 0)
        for source, target, op in sorted(edges):
            if op == "none" or source not in paths:
                continue
            paths[target] = paths.get(target, 0.0) + paths[source]
            if "pool" not in op:
                plain[target] = plain.get(target, 0.0) + plain.get(source, 0.0)
            if op in ("skip_connect", "identity"):
                shortcuts[target] = shortcuts.get(target, 0.0) + shortcuts.get(source, 0.0)
            depth[target] = max(depth.get(target, 0), depth[source] + ("conv" in op))
        reached = [node for node in outputs if node in paths]
        total = sum(paths[node] for node in reached)
        return cls(
            sum(float(depth[node]) for node in reached) / len(outputs),
            sum(shortcuts.get(node, 0.0) for node in reached),
            1 - sum(plain.get(node, 0.0) for node in reached) / total if total else 0.0,
        )
