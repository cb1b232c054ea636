"""What a search believes about points it has not evaluated: models of all outcomes."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

from lamoo_fast.kernels import pareto_rank
from lamoo_fast.search.acquisition import Certain, Marginal, Predicted, log_ehvi
from lamoo_fast.search.gp import (
    Covariance,
    Features,
    GaussianProcess,
    Inputs,
    fit_hyperparameters,
)
from lamoo_fast.search.samplers.view import View, spread
from lamoo_fast.search.scores import Scaled
from lamoo_fast.search.space import Array, Space

_COARSE, _FINE = 16, 128  # directions of a first and a second look, for many objectives
_SHORTLIST = 512  # candidates that get a second look
_MAX_FITTED = 400  # rows the hyperparameters are fitted to
_MAX_ROWS = 2000  # rows the processes are conditioned on
_MAX_FITS = 64  # remembered

Fits: TypeAlias = dict[tuple[bytes, bytes, bytes], Array]
"""Hyperparameters by the data they were fitted to."""


class Belief:
    """One Gaussian process for each objective that is not known, each constraint, and failure.

    Parameters
    ----------
    space : Space
        Where the points lie.
    view : View
        The evaluations, at least two.
    fits : Fits
        Hyperparameters fitted before; new ones are added.
    seed : int
        For the directions that stand for many objectives.
    """

    def __init__(self, space: Space, view: View, fits: Fits, seed: int) -> None:
        self._unit = spread(view.F)  # the choice must not depend on the units of the objectives
        self._ref, self._known, self._seed = view.ref / self._unit, view.known, seed
        rows = _kept(view.F)
        X, F, G = view.X[rows], view.F[rows] / self._unit, view.G[rows]
        # A scale of rows that the hyperparameters are fitted to: a function of the data.
        self._inputs = Inputs(space, Scaled(view.hints, X[: _fitted(len(X))]))
        self._covariance = Covariance(self._inputs)
        m = F.shape[1]
        self._objectives = {
            j: self._process(X, F[:, j], fits) for j in range(m) if j not in self._known.columns
        }
        self._bounds = spread(G)
        self._constraints = [self._process(X, g, fits) for g in (G / self._bounds).T]
        self._failure: GaussianProcess | None = None
        if len(view.failed):
            everywhere = np.vstack([X, view.failed[-_MAX_ROWS:]])
            failed = np.arange(len(everywhere)) >= len(X)
            self._failure = self._process(everywhere, failed.astype(np.float64), fits)
        # With noise, the values that were lucky are not the front: the predicted ones are.
        self._F = self._means(X) if view.noisy else F
        self._F = self._F[(G <= 0).all(axis=1)]
        self.believe(view.pending)

    def value(self, X: Array, *, coarse: bool = False) -> Array:
        """Log of the expected gain of points X (c, d), were each evaluated alone.

        The expected hypervolume improvement times the probability that a point is feasible.
        """
        B = self._inputs(X)
        along = _directions(len(self._ref), _COARSE if coarse else _FINE, self._seed)
        log_value = log_ehvi(self._F, self._ref, self._marginals(X, B), along)
        for gp in self._constraints:
            log_value += gp.warp.log_probability_below(np.zeros(()), *gp.predict(B))
        if self._failure is not None:
            log_value += self._failure.warp.log_probability_below(
                np.full((), 0.5), *self._failure.predict(B)
            )
        return log_value

    def means(self, X: Array) -> tuple[Array, Array]:
        """Most likely objectives (k, m) and constraints (k, c) of X; NaN where X likely fails."""
        B = self._inputs(X)
        F = self._means(X) * self._unit
        G = np.empty((len(X), len(self._constraints)))
        for j, gp in enumerate(self._constraints):
            G[:, j] = gp.warp.inverse(gp.predict(B)[0]) * self._bounds[j]
        if self._failure is not None:
            fails = self._failure.warp.inverse(self._failure.predict(B)[0]) > 0.5
            F[fails], G[fails] = np.nan, np.nan
        return F, G

    def best(self, X: Array, n: int) -> list[int]:
        """Positions of the best n points of X (c, d), chosen one after the other."""
        left = np.arange(len(X))
        if len(X) > _SHORTLIST + n:  # what is hopeless alone stays so beside believed points
            order = np.argsort(-self.value(X, coarse=True), kind="stable")
            left = np.sort(order[: _SHORTLIST + n])
        chosen: list[int] = []
        while len(left):
            chosen.append(int(left[np.argmax(self.value(X[left]))]))
            left = left[left != chosen[-1]]
            if len(chosen) == n:
                break
            self.believe(X[chosen[-1:]])
        return chosen

    def believe(self, X: Array) -> None:
        """Take points X as evaluated, with the predicted values."""
        if not len(X):
            return
        B = self._inputs(X)
        feasible = np.ones(len(X), dtype=np.bool_)
        for gp in self._constraints:
            feasible &= gp.warp.inverse(gp.predict(B)[0]) <= 0
        self._F = np.vstack([self._F, self._means(X)[feasible]])
        for gp in (*self._objectives.values(), *self._constraints):
            gp.believe(B)

    def _process(self, X: Array, y: Array, fits: Fits) -> GaussianProcess:
        A = self._inputs(X)
        theta = _hyperparameters(self._covariance, A, X, y, fits)
        return GaussianProcess(self._covariance, theta, A, y)

    def _marginals(self, X: Array, B: Features) -> list[Marginal]:
        known = self._known.values(X) / self._unit
        return [
            Predicted(self._objectives[j].warp, *self._objectives[j].predict(B))
            if j in self._objectives
            else Certain(known[:, j])
            for j in range(len(self._ref))
        ]

    def _means(self, X: Array) -> Array:
        """Most likely objectives (k, m) of points X."""
        means = self._known.values(X) / self._unit
        B = self._inputs(X)
        for j, gp in self._objectives.items():
            means[:, j] = gp.warp.inverse(gp.predict(B)[0])
        return means


def _kept(F: Array) -> npt.NDArray[np.intp]:
    """Rows that the models see: all, or the best and a random choice of the rest."""
    if len(F) <= _MAX_ROWS:
        return np.arange(len(F))
    order = np.argsort(pareto_rank(F), kind="stable")
    half = _MAX_ROWS // 2
    rest = np.random.default_rng(len(F)).permutation(order[half:])[:half]
    return np.sort(np.concatenate([order[:half], rest]))


def _hyperparameters(covariance: Covariance, A: Features, X: Array, y: Array, fits: Fits) -> Array:
    """Hyperparameters fitted to the first rows; a function of the data, remembered."""
    rows = np.arange(_fitted(len(y)))
    if len(rows) > _MAX_FITTED:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:_MAX_FITTED])
    key = X[rows].tobytes(), y[rows].tobytes(), A.hints[rows].tobytes()
    if key not in fits:
        while len(fits) >= _MAX_FITS:
            del fits[next(iter(fits))]
        fits[key] = fit_hyperparameters(covariance, A[rows], y[rows])
    return fits[key]


def _fitted(n: int) -> int:
    """How many of n rows are fitted to: in steps of about a sixteenth, few asks need a new fit."""
    step = max(1, 2 ** ((n // 16).bit_length() - 1)) if n >= 32 else 1
    return n - n % step


@lru_cache(64)
def _directions(m: int, k: int, seed: int) -> Array:
    """Unit vectors (k, m), quasi-uniform on the positive orthant of the sphere."""
    if m < 3:
        return np.ones((1, m))
    u = qmc.Sobol(m, scramble=True, seed=seed).random(k)
    v = np.abs(ndtri(np.clip(u, 1e-12, 1 - 1e-12))) + 1e-9
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True))


def one_thread() -> Any:
    """Let BLAS sum in one order whatever the machine: the result depends on the seed alone."""
    return _thread_pools().limit(limits=1)


@cache
def _thread_pools() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
