"""Uniform sampling inside a region, however small it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lamoo_fast.search.samplers.view import View
from lamoo_fast.search.space import Array, Mask, Space
from lamoo_fast.search.tree import Region

_FIRST_BATCH = 2**8
_LARGEST_BATCH = 2**14
_MIN_DRAWS = 2**15  # before rejection is judged
_MAX_DRAWS = 2**20
_MIN_ACCEPTANCE = 1e-3
_MAX_ROUNDS = 8  # of the Markov chains
_STEPS = 800  # of a chain between two points that are taken from it


@dataclass(frozen=True)
class UniformSampler:
    """Points drawn uniformly from the region.

    A space that can be enumerated is gone through in random order, without replacement. In any
    other, a scrambled Sobol sequence is filtered; when less than one point in a thousand passes,
    a Markov chain takes over that starts from known points of the region and never leaves it.

    Notes
    -----
    Scrambled Sobol points: Owen (1998). The chain is a Metropolis walk with symmetric proposals,
    so its stationary distribution is uniform on the part of the region that it can reach.

    Examples
    --------
    >>> from lamoo_fast.search.space import Integer
    >>> space = Space({"a": Integer(0, 2), "b": Integer(0, 1)})
    >>> none = np.empty((0, 2))
    >>> view = View(none, none, np.ones(2), none, set(), np.random.default_rng(0))
    >>> UniformSampler().draw(Region(space), 10, view).shape
    (6, 2)
    """

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d): snapped, valid, inside the region and new."""
        space = region.space
        points = _shuffled(space, view.rng) if space.is_enumerable else _sobol(space, view.rng)
        picked = np.empty((0, space.d))
        known: Array | None = None  # looked for when it is needed: there can be many
        drawn = 0
        for X in points:
            drawn += len(X)
            X = X[region.contains(X)]
            X = X[view.having_seen(space, picked).is_new(space, X)]
            picked = np.vstack([picked, _first_valid(space, X, n - len(picked))])
            if len(picked) == n:
                return picked
            hopeless = drawn >= _MIN_DRAWS and len(picked) < _MIN_ACCEPTANCE * drawn
            if hopeless and not space.is_enumerable:
                known = _known_inside(region, view) if known is None else known
                if len(known) + len(picked):
                    break
        if space.is_enumerable:
            return picked
        known = _known_inside(region, view) if known is None else known
        return np.vstack([picked, _walk(region, n - len(picked), view, known, picked)])


def _known_inside(region: Region, view: View) -> Array:
    """Points of the region that were proposed before (k, d), failed ones too if no other is."""
    known = np.vstack([view.X, view.pending])
    known = known[region.contains(known)]
    return known if len(known) else view.failed[region.contains(view.failed)]


def _batch_sizes() -> Iterator[int]:
    size = _FIRST_BATCH
    while True:
        yield size
        size = min(2 * size, _LARGEST_BATCH)


def _shuffled(space: Space, rng: np.random.Generator) -> Iterator[Array]:
    """All points of an enumerable space in random order, in growing batches."""
    grid = space.enumerate()
    order = rng.permutation(len(grid))
    start = 0
    for size in _batch_sizes():
        if start >= len(order):
            return
        yield grid[order[start : start + size]]
        start += size


def _sobol(space: Space, rng: np.random.Generator) -> Iterator[Array]:
    """Points of a scrambled Sobol sequence, snapped, in growing batches."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(space.d, scramble=True, seed=int(rng.integers(2**63)))
    drawn = 0
    for size in _batch_sizes():
        if drawn >= _MAX_DRAWS:
            return
        yield space.snap(sequence.random(size))
        drawn += size


def _first_valid(space: Space, X: Array, n: int) -> Array:
    """First n valid rows of X (k, d); `valid` is asked about few more rows than that."""
    if space.valid is None:
        return X[:n]
    found = np.empty((0, space.d))
    size = 2 * n + 8
    for i in range(0, len(X), size):
        block = X[i : i + size]
        found = np.vstack([found, block[space.is_valid(block)]])
        if len(found) >= n:
            break
    return found[:n]


def _walk(region: Region, n: int, view: View, known: Array, picked: Array) -> Array:
    """Up to n new points from Markov chains inside the region, side by side.

    A step changes the unsnapped point, and is taken when the snapped one is inside and valid.
    """
    space, rng = region.space, view.rng
    starts = np.vstack([known, picked])
    view = view.having_seen(space, picked)
    found = np.empty((0, space.d))
    if len(starts) == 0:
        return found
    chains = min(max(n, 32), 1024)
    state = starts[rng.integers(len(starts), size=chains)]
    for _ in range(_MAX_ROUNDS):
        for _ in range(_STEPS):
            proposal = perturb(state, rng)
            accepted = _inside(region, space.snap(proposal))
            state[accepted] = proposal[accepted]
        X = space.snap(state)
        X = X[view.is_new(space, X)][: n - len(found)]
        view = view.having_seen(space, X)
        found = np.vstack([found, X])
        if len(found) == n:
            break
    return found


def perturb(state: Array, rng: np.random.Generator) -> Array:
    """Change a random choice of coordinates of each point of state (c, d), without snapping.

    They are redrawn or shifted. Shifts come in all sizes, since nothing is known about the size
    of the region, and are reflected at the walls of the cube, which keeps them symmetric.
    """
    c, d = state.shape
    changed = rng.random((c, d)) < d ** -rng.random((c, 1))  # from one coordinate to all of them
    changed[np.arange(c), rng.integers(d, size=c)] = True
    shifted = np.abs(state + 2.0 ** rng.uniform(-12, 0, (c, 1)) * rng.standard_normal((c, d))) % 2
    shifted = np.minimum(shifted, 2 - shifted)
    redraw = rng.random((c, 1)) < 0.25
    return np.where(changed, np.where(redraw, rng.random((c, d)), shifted), state)


def _inside(region: Region, X: Array) -> Mask:
    inside = region.contains(X)
    inside[inside] = region.space.is_valid(X[inside])
    return inside
