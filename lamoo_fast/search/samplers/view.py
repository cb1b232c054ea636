"""What a sampler sees and what it owes."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lamoo_fast.search.hints import Hints
from lamoo_fast.search.known import Known
from lamoo_fast.search.replicates import noise_variance
from lamoo_fast.search.space import Array, Mask, Space
from lamoo_fast.search.tree import Region


@dataclass(frozen=True)
class View:
    """What a sampler may know about the search.

    Rows are ordered by the id of their trial. The arrays are read-only and hold for one call: a
    sampler that keeps them for longer copies them.

    Attributes
    ----------
    X, F : array, shape (n, d) and (n, m)
        Evaluated points and their objectives, minimised. Where evaluations are noisy, replicates
        are rows of their own.
    ref : array, shape (m,)
        Reference point, minimised; where no feasible row dominates that of the search, it is moved
        back to where one does.
    pending : array, shape (p, d)
        Points that are proposed but not evaluated yet.
    seen : set of bytes
        Keys (`Space.keys`) of all points there are, failed and pending ones included.
    rng : Generator
        The one source of chance.
    G : array, shape (n, c)
        Outcome constraints of the rows, each met where <= 0; c = 0 without constraints.
    failed : array, shape (k, d)
        Points whose evaluation failed.
    known : Known
        Values of the objectives that need no evaluation, if there are any.
    hints : Hints
        Cheap numbers about points, if there are any.
    noisy : bool
        Whether evaluating a point again may give other values. A sampler may then propose points
        again that are in `seen`.
    drawn : set of bytes
        Keys of the points that this ask has drawn already, which are among the seen ones.
    """

    X: Array
    F: Array
    ref: Array
    pending: Array
    seen: Set[bytes]
    rng: np.random.Generator
    G: Array = None  # type: ignore[assignment]  # (n, 0) unless given
    failed: Array = None  # type: ignore[assignment]  # (0, d) unless given
    known: Known = None  # type: ignore[assignment]  # nothing unless given
    hints: Hints = None  # type: ignore[assignment]  # none unless given
    noisy: bool = False
    drawn: Set[bytes] = frozenset()

    def __post_init__(self) -> None:
        if self.G is None:
            object.__setattr__(self, "G", np.empty((len(self.X), 0)))
        if self.failed is None:
            object.__setattr__(self, "failed", np.empty((0, self.X.shape[1])))
        if self.known is None:
            object.__setattr__(self, "known", Known.nothing(self.F.shape[1]))
        if self.hints is None:
            object.__setattr__(self, "hints", Hints.nothing())

    @property
    def feasible(self) -> Mask:
        """Which rows meet all constraints (n,)."""
        return np.asarray((self.G <= 0).all(axis=1))

    def noise(self, space: Space) -> Array | None:
        """Variance of the noise of each objective (m,) from replicates; None without any."""
        return noise_variance(space.keys(self.X), self.F) if self.noisy else None

    def is_new(self, space: Space, X: Array) -> Mask:
        """Tell which points of X (n, d) are neither seen nor a repeat of an earlier row."""
        new = np.zeros(len(X), dtype=np.bool_)
        met: set[bytes] = set()
        for i, key in enumerate(space.keys(X)):
            new[i] = key not in self.seen and key not in met
            met.add(key)
        return new

    def replicates(self, space: Space, X: Array) -> Mask:
        """Tell which points of X (n, d) may be proposed once more: done ones, where noise is."""
        if not self.noisy:
            return np.zeros(len(X), dtype=np.bool_)
        done = set(space.keys(self.X)) - self.drawn
        return np.array([key in done for key in space.keys(X)], dtype=np.bool_)

    def having_seen(self, space: Space, X: Array) -> View:
        """Return this view with the points of X (n, d) among the seen and drawn ones."""
        if not len(X):
            return self
        keys = set(space.keys(X))
        return replace(self, seen=self.seen | keys, drawn=self.drawn | keys)


class Sampler(Protocol):
    """Draws points from a region.

    A sampler keeps no state between calls: all it uses is in its settings, the region and the
    view, so that a saved search goes on exactly as it would have. Its repr names all its
    settings, since saved searches compare it.
    """

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d): snapped, valid, inside the region and new.

        Only a sampler that judges every point of the space may go outside the region.
        """


def spread(F: Array) -> Array:
    """Range of each column of F (n, m), or its size where it has none: a unit to measure it in."""
    with np.errstate(over="ignore"):
        spread = np.ptp(F, axis=0)
    spread = np.where((spread > 0) & np.isfinite(spread), spread, np.abs(F).max(axis=0))
    return np.where(spread > 0, spread, 1.0)
