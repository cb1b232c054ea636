"""What a search believes about points it has not evaluated: models of all objectives."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import qmc

from lamoo_fast.kernels import pareto_rank
from lamoo_fast.search.acquisition import Marginal, Predicted, log_ehvi
from lamoo_fast.search.gp import (
    Covariance,
    Features,
    GaussianProcess,
    Inputs,
    fit_hyperparameters,
)
from lamoo_fast.search.samplers.view import View
from lamoo_fast.search.space import Array, Space

COARSE, FINE = 16, 128
"""Directions of a first and a second look at candidates for three and more objectives."""

_SHORTLIST = 512  # candidates that get a second look
_MAX_FITTED = 400  # rows the hyperparameters are fitted to
_MAX_ROWS = 2000  # rows the process is conditioned on
_MAX_FITS = 32  # remembered

Fits: TypeAlias = dict[tuple[bytes, bytes], Array]
"""Hyperparameters by the data they were fitted to."""


class Belief:
    """Models of the objectives and the choice of points by them."""

    def __init__(self, space: Space, view: View, fits: Fits) -> None:
        self.view = view
        self.inputs = Inputs(space)
        self.ref = view.ref
        covariance = Covariance(self.inputs)
        rows = _kept(view.F)
        X, self.F = view.X[rows], view.F[rows]
        A = self.inputs(X)
        self.models = []
        for j in range(self.F.shape[1]):
            y = self.F[:, j]
            theta = _hyperparameters(covariance, A, X, y, fits)
            self.models.append(GaussianProcess(covariance, theta, A, y))
        if len(view.pending):
            self._believe(self.inputs(view.pending))

    def coarse(self, X: Array, seed: int) -> Array:
        """First look at points X (c, d): larger is better."""
        return self.value(self.inputs(X), directions(len(self.ref), COARSE, seed))

    def value(self, B: Features, along: Array) -> Array:
        """Log of the expected hypervolume improvement of points B."""
        marginals: list[Marginal] = [Predicted(gp.warp, *gp.predict(B)) for gp in self.models]
        return log_ehvi(self.F, self.ref, marginals, along)

    def best(self, X: Array, n: int, seed: int) -> list[int]:
        """Positions of the best n points of X (c, d), chosen one after the other."""
        m = len(self.ref)
        B = self.inputs(X)
        chosen: list[int] = []
        left = np.arange(len(X))
        if m > 2 and len(left) > _SHORTLIST + n:
            value = self.value(B, directions(m, COARSE, seed))
            left = np.sort(np.argsort(-value, kind="stable")[: _SHORTLIST + n])
        value = self.value(B[left], directions(m, FINE, seed))
        if len(left) > _SHORTLIST + n:  # what is hopeless alone stays so beside believed points
            top = np.sort(np.argsort(-value, kind="stable")[: _SHORTLIST + n])
            left, value = left[top], value[top]
        while True:
            at = int(np.argmax(value))
            chosen.append(int(left[at]))
            left = np.delete(left, at)
            if len(chosen) == n or not len(left):
                return chosen
            self._believe(B[np.array([chosen[-1]])])
            value = self.value(B[left], directions(m, FINE, seed))

    def _believe(self, B: Features) -> None:
        means = [gp.warp.inverse(gp.predict(B)[0]) for gp in self.models]
        for gp in self.models:
            gp.believe(B)
        self.F = np.vstack([self.F, np.column_stack(means)])


def _kept(F: Array) -> npt.NDArray[np.intp]:
    """Rows that the models see: all, or the best and a random choice of the rest."""
    if len(F) <= _MAX_ROWS:
        return np.arange(len(F))
    order = np.argsort(pareto_rank(F), kind="stable")
    half = _MAX_ROWS // 2
    rest = np.random.default_rng(len(F)).permutation(order[half:])[:half]
    return np.sort(np.concatenate([order[:half], rest]))


def _hyperparameters(covariance: Covariance, A: Features, X: Array, y: Array, fits: Fits) -> Array:
    """Hyperparameters fitted to the first rows; a function of the data, remembered.

    Their number goes in steps of a sixteenth, so that most asks need no new fit.
    """
    n = len(y)
    step = max(1, 2 ** ((n // 16).bit_length() - 1)) if n >= 32 else 1
    rows = np.arange(n - n % step)
    if len(rows) > _MAX_FITTED:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:_MAX_FITTED])
    key = X[rows].tobytes(), y[rows].tobytes()
    if key not in fits:
        while len(fits) >= _MAX_FITS:
            del fits[next(iter(fits))]
        fits[key] = fit_hyperparameters(covariance, A[rows], y[rows])
    return fits[key]


@lru_cache(64)
def directions(m: int, k: int, seed: int) -> Array:
    """Unit vectors (k, m), quasi-uniform on the positive orthant of the sphere."""
    if m < 3:
        return np.ones((1, m))
    u = qmc.Sobol(m, scramble=True, seed=seed).random(k)
    v = np.abs(ndtri(np.clip(u, 1e-12, 1 - 1e-12))) + 1e-9
    return np.asarray(v / np.linalg.norm(v, axis=1, keepdims=True))
