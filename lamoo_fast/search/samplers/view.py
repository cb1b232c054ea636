"""What a sampler sees and what it owes."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lamoo_fast.search.space import Array, Mask, Space
from lamoo_fast.search.tree import Region


@dataclass(frozen=True)
class View:
    """What a sampler may know about the search.

    Attributes
    ----------
    X, F : array, shape (n, d) and (n, m)
        Evaluated points and their objectives, minimised.
    ref : array, shape (m,)
        Reference point, minimised.
    pending : array, shape (p, d)
        Points that are proposed but not evaluated yet.
    seen : set of bytes
        Keys (`Space.keys`) of all points there are, failed and pending ones included.
    rng : Generator
        The one source of chance.
    """

    X: Array
    F: Array
    ref: Array
    pending: Array
    seen: Set[bytes]
    rng: np.random.Generator

    def is_new(self, space: Space, X: Array) -> Mask:
        """Tell which points of X (n, d) are neither seen nor a repeat of an earlier row."""
        new = np.zeros(len(X), dtype=np.bool_)
        met: set[bytes] = set()
        for i, key in enumerate(space.keys(X)):
            new[i] = key not in self.seen and key not in met
            met.add(key)
        return new

    def having_seen(self, space: Space, X: Array) -> View:
        """Return this view with the points of X (n, d) among the seen ones."""
        return replace(self, seen=self.seen | set(space.keys(X)))


class Sampler(Protocol):
    """Draws points from a region.

    A sampler keeps no state between calls: all it uses is in its settings, the region and the
    view, so that a saved search goes on exactly as it would have. Its repr names all its
    settings, since saved searches compare it.
    """

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d): snapped, valid, inside the region and new."""
