"""Bayesian optimisation inside a region: expected hypervolume improvement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lamoo_fast.kernels import is_nondominated
from lamoo_fast.search.samplers.uniform import UniformSampler, perturb
from lamoo_fast.search.samplers.view import View
from lamoo_fast.search.space import Array, Space
from lamoo_fast.search.tree import Region

if TYPE_CHECKING:
    from lamoo_fast.search.samplers.belief import Belief, Fits

_MAX_LISTED = 2**15  # points of a space that are all looked at
_ROUNDS, _PARENTS = 5, 24  # of the local search for better candidates


@dataclass(frozen=True)
class EHVISampler:
    """The points with the largest expected hypervolume improvement.

    One exact Gaussian process an objective, on a learned monotone warp of its values, with a
    covariance for categories and numbers alike, is fitted to all evaluations. Candidates are a
    uniform sample of the region and changes to its best points, improved by local search. In a
    space of at most 32,768 points they are all unseen points, those outside the region too: where
    the model is asked about every point, a region only withholds good ones. Points of a batch are
    chosen one after the other; earlier ones and those under evaluation are taken as evaluated at
    their predicted values ("kriging believer", Ginsbourger et al., 2010).

    Where evaluations are noisy, points that were evaluated are candidates too, of the region its
    best ones: the model is least sure of a point that it has seen once, and another look at what
    seems best may be worth more than a new point.

    Parameters
    ----------
    n_candidates : int
        Size of the uniform sample.

    Raises
    ------
    ValueError
        When n_candidates < 1.

    Notes
    -----
    O(n^3) for the model of n observations, of which at most 2,000 are used, the best half of
    them and a random half of the rest; hyperparameters are fitted to at most 400, and again when
    the number of observations has grown by a sixteenth. BLAS is held to one thread, so that a
    seed gives one run on every number of cores.

    Examples
    --------
    >>> EHVISampler()
    EHVISampler(n_candidates=512)
    """

    n_candidates: int = 512
    leaf_size: ClassVar[int] = 40  # of many objectives: the model does better alone than in less
    _fits: Fits = field(default_factory=dict, repr=False, compare=False, init=False)

    def __post_init__(self) -> None:
        if self.n_candidates < 1:
            raise ValueError(f"n_candidates is {self.n_candidates}, wanted at least 1")

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d): snapped, valid and new."""
        if len(view.X) < 2:
            return UniformSampler().draw(region, n, view)
        from lamoo_fast.search.samplers.belief import Belief, one_thread

        with one_thread():
            seed = int(view.rng.integers(2**31))
            listed = self._listed(region, view)
            pool = self._sample(region, n, view) if listed is None else listed
            if not len(pool):
                return pool
            belief = Belief(region.space, view, self._fits, seed)
            if listed is not None:
                return pool[belief.best(pool, n)]
            picked = pool[:0]
            while len(picked) < n:  # beside what is believed, other places are worth a climb
                X = _climb(region, pool, view.having_seen(region.space, picked), belief)
                X = _without(region.space, X, picked)
                if not len(X):
                    break
                best = X[belief.best(X, 1)]
                belief.believe(best)
                picked = np.vstack([picked, best])
            return picked

    def _listed(self, region: Region, view: View) -> Array | None:
        """All points of the space that may be proposed, or None if they are too many."""
        space = region.space
        if not space.is_enumerable or len(space.enumerate()) > _MAX_LISTED:
            return None
        X = space.enumerate()
        return X[view.is_new(space, X) | view.replicates(space, X)]

    def _sample(self, region: Region, n: int, view: View) -> Array:
        """Candidates all over the region and near the best points in it."""
        space = region.space
        X = UniformSampler().draw(region, max(n, self.n_candidates), view)
        rows = np.flatnonzero(region.contains(view.X) & view.feasible)
        front = view.X[rows[is_nondominated(view.F[rows])]]
        if len(front) == 0:
            return X
        again = front[view.replicates(space, front)]
        return np.vstack([X, _near(region, front, len(X), view.having_seen(space, X)), again])


def _climb(region: Region, X: Array, view: View, belief: Belief) -> Array:
    """Add to the candidates X (c, d) what is found by changing the best of them, round by round."""
    value = belief.value(X, coarse=True)
    for _ in range(_ROUNDS):
        top = np.argsort(-value, kind="stable")[:_PARENTS]
        seen = view.having_seen(region.space, X)
        near = _near(region, X[top], len(X) // 2 + _PARENTS, seen)
        if len(near):
            X = np.vstack([X, near])
            value = np.concatenate([value, belief.value(near, coarse=True)])
    return X


def _near(region: Region, X: Array, n: int, view: View) -> Array:
    """Up to n new points of the region: changes to random rows of X."""
    space = region.space
    near = space.snap(perturb(X[view.rng.integers(len(X), size=n)], view.rng))
    near = near[region.contains(near)]
    near = near[view.is_new(space, near)]
    return near[space.is_valid(near)]


def _without(space: Space, X: Array, picked: Array) -> Array:
    """Different points of X (n, d), none of them among the picked ones."""
    met = set(space.keys(picked))
    left = []
    for i, key in enumerate(space.keys(X)):
        if key not in met:
            met.add(key)
            left.append(i)
    return X[left]
