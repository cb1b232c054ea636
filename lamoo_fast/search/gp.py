"""A small exact Gaussian process for mixed spaces, with a monotone warp of its outputs."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack, solve_triangular
from scipy.optimize import minimize

from lamoo_fast.search.scores import Scaled
from lamoo_fast.search.space import Array, Categorical, Space
from lamoo_fast.search.warp import LogWarp

_JITTER = 1e-8
_BLOCK = 512  # points predicted at a time
_FIT_STEPS = 40  # of L-BFGS; the last digits of a likelihood decide nothing
_SQRT5 = math.sqrt(5.0)


class Inputs:
    """How points look to the covariance of a Gaussian process.

    Parameters
    ----------
    space : Space
        The space of the points.
    hints : Scaled, optional
        Cheap numbers about points that go with what is predicted.

    Attributes
    ----------
    owner : array of int
        Parameter that each column of the one-hot block belongs to.
    """

    def __init__(self, space: Space, hints: Scaled | None = None) -> None:
        self.space = space
        self.hints = Scaled.nothing() if hints is None else hints
        self.names: list[tuple[int, Categorical]] = []
        self.numeric: list[int] = []
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for j, param in enumerate(space.params.values()):
            if isinstance(param, Categorical):
                groups[param.choices].append(len(self.names))
                self.names.append((j, param))
            else:
                self.numeric.append(j)
        self.groups = [members for members in groups.values() if len(members) > 1]
        self.owner = np.repeat(np.arange(len(self.names)), [p.n_codes for _, p in self.names])
        # Mean squared length of the blocks over the space, so that an amplitude is a variance.
        additive = sum(1 - 1 / p.n_codes for _, p in self.names) + len(self.numeric) / 6
        counted = sum(1 - 1 / self.names[members[0]][1].n_codes for members in self.groups)
        self.additive_scale = 1 / math.sqrt(additive) if additive else 1.0
        self.counted_scale = 1 / math.sqrt(counted) if counted else 1.0

    def __call__(self, X: Array) -> Features:
        """Compute the features of points X (n, d)."""
        blocks = [np.eye(p.n_codes)[p.codes(X[:, j])] for j, p in self.names]
        onehot = np.hstack(blocks) if blocks else np.empty((len(X), 0))
        numeric = X[:, self.numeric]
        squares = math.sqrt(5 / 12) * (6 * numeric * (numeric - 1) + 1)  # as spread as `numeric`
        centred = [block - 1 / block.shape[1] for block in blocks]
        additive = np.hstack([*centred, numeric - 0.5, squares])
        counted = [
            np.sum([centred[i] for i in members], axis=0) / math.sqrt(len(members))
            for members in self.groups
        ]
        return Features(
            onehot,
            numeric,
            self.additive_scale * additive,
            self.counted_scale * np.hstack(counted) if counted else np.empty((len(X), 0)),
            self.hints(X),
        )


@dataclass(frozen=True)
class Features:
    """Features of n points, one array per part of the covariance.

    Attributes
    ----------
    onehot, numeric : array, shape (n, f) and (n, e)
        Categories and numbers for the product part.
    additive : array, shape (n, f + 2 e)
        The same, centred, and the squares of numbers, orthogonal to them, for the additive part.
    counted : array, shape (n, g)
        How often each choice occurs among parameters with the same choices, centred.
    hints : array, shape (n, h)
        Cheap numbers about the points, of mean 0 and variance 1 or so.
    """

    onehot: Array
    numeric: Array
    additive: Array
    counted: Array
    hints: Array

    def __len__(self) -> int:
        return len(self.onehot)

    def __getitem__(self, rows: npt.NDArray[np.intp] | slice) -> Features:
        return Features(
            self.onehot[rows],
            self.numeric[rows],
            self.additive[rows],
            self.counted[rows],
            self.hints[rows],
        )

    def and_also(self, more: Features) -> Features:
        """Return these rows and after them those of `more`."""
        return Features(
            np.vstack([self.onehot, more.onehot]),
            np.vstack([self.numeric, more.numeric]),
            np.vstack([self.additive, more.additive]),
            np.vstack([self.counted, more.counted]),
            np.vstack([self.hints, more.hints]),
        )


class Covariance:
    """Sum of four parts, each with a learned amplitude; hyperparameters are logarithms.

    Product: exp(-sum over categories w_i [x_i != x'_i]) times a Matern-5/2 function of
    sqrt(sum over numbers w_i (x_i - x'_i)^2). Additive: linear in one-hot categories, quadratic in
    numbers, which tells where to go before the lengths of many numbers can be learned.
    The last two see only how often each choice occurs among the parameters that share one list
    of choices, such as the operations on the edges of a cell, for what is known about a choice on
    one edge says something about the others: one is linear, the other a squared exponential.
    Hints add two parts of their own, linear with an amplitude for each of them and a squared
    exponential: what is predicted is then a function of the hints and a rest that depends on the
    point, as an expensive code on a cheap one (Kennedy and O'Hagan, Biometrika 2000).
    """

    def __init__(self, inputs: Inputs) -> None:
        self.owner = inputs.owner
        self.n_categorical = len(inputs.names)
        self.n_numeric = len(inputs.numeric)
        self.n_counts = sum(inputs.names[members[0]][1].n_codes for members in inputs.groups)
        self.n_hints = inputs.hints.n
        d = self.n_categorical + self.n_numeric
        # Numbers: lengths of about sqrt(d), after Hvarfner et al. (ICML 2024). Categories: points
        # that differ everywhere are nearly independent.
        self.mean = np.concatenate(
            [
                np.zeros(4),
                np.full(self.n_categorical, math.log(1.5 / max(d, 1))),
                np.full(self.n_numeric, math.log(8.0 / max(d, 1))),
                np.full(self.n_counts, math.log(0.3)),
                np.full(self.n_hints, math.log(0.3 / max(self.n_hints, 1))),
                np.full(min(self.n_hints, 1), math.log(0.3)),
                np.full(self.n_hints, math.log(0.5 / max(self.n_hints, 1))),
            ]
        )
        self.sd = np.concatenate(
            [
                [1.0, 1.5, 1.5, 1.0],
                np.full(self.n_categorical, 1.0),
                np.full(self.n_numeric, 2.0),
                np.full(self.n_counts, 1.0),
                np.full(self.n_hints, 2.0),
                np.full(min(self.n_hints, 1), 1.5),
                np.full(self.n_hints, 1.5),
            ]
        )

    def _weights(self, theta: Array) -> tuple[Array, Array, Array]:
        """Inverse squared lengths of categories, numbers and counts."""
        sizes = [4, self.n_categorical, self.n_numeric, self.n_counts]
        _, u, v, c, _ = np.split(np.exp(theta), np.cumsum(sizes))
        return u, v, c

    def _of_hints(self, theta: Array) -> tuple[Array, float, Array]:
        """Amplitudes of the linear parts and of the other part, and its inverse squared lengths."""
        own = np.exp(theta[len(theta) - 2 * self.n_hints - 1 :])
        return own[: self.n_hints], float(own[self.n_hints]), own[self.n_hints + 1 :]

    def _product(self, theta: Array, A: Features, B: Features) -> tuple[Array, Array, Array]:
        """Hamming factor, Matern factor and its derivative by the squared distance."""
        u, v, _ = self._weights(theta)
        hamming = np.exp((A.onehot * u[self.owner]) @ B.onehot.T - u.sum())
        if not len(v):
            return hamming, np.ones(()), np.zeros(())
        s = _SQRT5 * np.sqrt(_squared_distances(A.numeric, B.numeric, v))
        e = np.exp(-s)
        return hamming, (1 + s + s * s / 3) * e, -5 / 6 * (1 + s) * e

    def between(self, theta: Array, A: Features, B: Features) -> Array:
        """Covariances (a, b)."""
        a = np.exp(theta[:4])
        hamming, matern, _ = self._product(theta, A, B)
        K = a[0] * hamming * matern
        K += a[1] * (A.additive @ B.additive.T)
        if self.n_counts:
            _, _, c = self._weights(theta)
            K += a[2] * (A.counted @ B.counted.T)
            K += a[3] * np.exp(-_squared_distances(A.counted, B.counted, c))
        if self.n_hints:
            linear, amplitude, h = self._of_hints(theta)
            K += (A.hints * linear) @ B.hints.T
            K += amplitude * np.exp(-_squared_distances(A.hints, B.hints, h))
        return np.asarray(K)

    def variance(self, theta: Array, A: Features) -> Array:
        """Prior variances (a,)."""
        a = np.exp(theta[:4])
        constant = a[0] + (a[3] if self.n_counts else 0.0)
        linear = a[1] * np.square(A.additive).sum(axis=1) + a[2] * np.square(A.counted).sum(axis=1)
        if self.n_hints:
            slopes, amplitude, _ = self._of_hints(theta)
            linear += np.square(A.hints) @ slopes + amplitude
        return np.asarray(constant + linear)

    def gradient(self, theta: Array, A: Features, W: Array) -> Array:
        """Sum of W times dK/dtheta over all pairs of A, for a symmetric W (a, a).

        Distances are never stored by parameter: sums over pairs are matrix products, O(a^2 f).
        """
        a = np.exp(theta[:4])
        u, v, c = self._weights(theta)
        hamming, matern, slope = self._product(theta, A, A)
        T = a[0] * W * hamming * matern
        total = T.sum()
        equal = (A.onehot * (T @ A.onehot)).sum(axis=0)  # sum of T where a category is the same
        equal = np.bincount(self.owner, equal, self.n_categorical)
        additive = a[1] * (A.additive * (W @ A.additive)).sum()
        amplitudes, weights = [total, additive, 0.0, 0.0], [-u * (total - equal)]
        if self.n_numeric:
            S = a[0] * W * hamming * slope
            weights.append(v * _sum_of_squares(S, A.numeric))
        if self.n_counts:
            R = a[3] * W * np.exp(-_squared_distances(A.counted, A.counted, c))
            amplitudes[2:] = [a[2] * (A.counted * (W @ A.counted)).sum(), R.sum()]
            weights.append(-c * _sum_of_squares(R, A.counted))
        if self.n_hints:
            linear, amplitude, h = self._of_hints(theta)
            R = amplitude * W * np.exp(-_squared_distances(A.hints, A.hints, h))
            weights.append(linear * (A.hints * (W @ A.hints)).sum(axis=0))
            weights += [R.sum(keepdims=True)[0], -h * _sum_of_squares(R, A.hints)]
        return np.concatenate([amplitudes, *weights])


def _squared_distances(A: Array, B: Array, w: Array) -> Array:
    """Weighted squared distances (a, b) between the rows of A and B."""
    P, Q = A * np.sqrt(w), B * np.sqrt(w)
    r2 = np.square(P).sum(axis=1)[:, None] + np.square(Q).sum(axis=1) - 2 * (P @ Q.T)
    return np.asarray(np.maximum(r2, 0.0))


def _sum_of_squares(S: Array, A: Array) -> Array:
    """Sum over all pairs of S[i, j] (A[i] - A[j])^2, for each column of A; S symmetric."""
    return np.asarray(2 * (S.sum(axis=1) @ np.square(A) - (A * (S @ A)).sum(axis=0)))


class GaussianProcess:
    """Exact Gaussian process on warped, standardised outputs.

    Parameters
    ----------
    covariance : Covariance
        Prior covariance.
    theta : array
        Hyperparameters, from `fit_hyperparameters`.
    A : Features
        Observed points.
    y : array, shape (n,)
        Observed values.

    Notes
    -----
    O(n^3) to build, O(n^2) a prediction (Rasmussen and Williams, 2006, Algorithm 2.1).
    """

    def __init__(self, covariance: Covariance, theta: Array, A: Features, y: Array) -> None:
        self._covariance = covariance
        self._theta = theta[:-2]
        self.A = A
        self.warp = LogWarp(y, math.exp(theta[-1]))
        self.z = self.warp(y)
        K = covariance.between(self._theta, A, A)
        K[np.diag_indices(len(y))] += math.exp(theta[-2]) + _JITTER
        self._noise = math.exp(theta[-2]) + _JITTER
        self._L = _cholesky(K)
        self._solve()

    def _solve(self) -> None:
        half = solve_triangular(self._L, self.z, lower=True, check_finite=False)
        self._alpha = solve_triangular(self._L, half, lower=True, trans=1, check_finite=False)

    def predict(self, B: Features) -> tuple[Array, Array]:
        """Mean and standard deviation (b,) of the warped values at points B, without noise."""
        mean, variance = np.empty(len(B)), self._covariance.variance(self._theta, B)
        for i in range(0, len(B), _BLOCK):  # stays in the cache
            rows = slice(i, i + _BLOCK)
            K = self._covariance.between(self._theta, B[rows], self.A).T
            mean[rows] = self._alpha @ K
            V = solve_triangular(self._L, K, lower=True, check_finite=False)
            variance[rows] -= np.square(V).sum(axis=0)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def believe(self, B: Features) -> None:
        """Take points B as observed, with their predicted means as values.

        The mean stays what it is everywhere, the variance shrinks near B. O(n^2) a point.
        """
        K = self._covariance.between(self._theta, self.A, B)
        own = self._covariance.between(self._theta, B, B)
        own[np.diag_indices(len(B))] += self._noise
        mean = self._alpha @ K
        V = solve_triangular(self._L, K, lower=True, check_finite=False)
        corner = _cholesky(own - V.T @ V)
        n, b = len(self.A), len(B)
        L = np.zeros((n + b, n + b))
        L[:n, :n], L[n:, :n], L[n:, n:] = self._L, V.T, corner
        self._L = L
        self.A = self.A.and_also(B)
        self.z = np.concatenate([self.z, mean])
        self._alpha = np.concatenate([self._alpha, np.zeros(b)])


def fit_hyperparameters(covariance: Covariance, A: Features, y: Array) -> Array:
    """Hyperparameters of largest posterior density, noise and warp among them.

    Parameters
    ----------
    covariance : Covariance
        Prior covariance.
    A : Features
        Observed points (n).
    y : array, shape (n,)
        Observed values, finite, not all equal.

    Returns
    -------
    array
        Those of the covariance, then log noise variance and log of the warp's shift.

    Notes
    -----
    L-BFGS on the log marginal likelihood of y, the Jacobian of the warp included (Snelson,
    Rasmussen and Ghahramani, NeurIPS 2003), plus log-normal priors. O(n^3) a step.
    """
    mean = np.concatenate([covariance.mean, [math.log(1e-3), 0.0]])
    sd = np.concatenate([covariance.sd, [1.5, 2.0]])
    n = len(y)

    def objective(theta: Array) -> tuple[float, Array]:
        prior = (theta - mean) / sd
        warp = LogWarp(y, math.exp(theta[-1]))
        z, dz, log_jacobian, d_log_jacobian = warp.with_gradient(y)
        noise = math.exp(theta[-2])
        K = covariance.between(theta[:-2], A, A)
        K[np.diag_indices(n)] += noise + _JITTER
        try:
            L = _cholesky(K)
        except np.linalg.LinAlgError:
            return 1e25, np.zeros(len(theta))
        inverse, _ = lapack.dpotri(L, lower=1)
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        alpha = inverse @ z
        W = inverse - np.outer(alpha, alpha)
        value = 0.5 * (z @ alpha) + np.log(np.diag(L)).sum() - log_jacobian
        gradient = np.concatenate(
            [
                0.5 * covariance.gradient(theta[:-2], A, W),
                [0.5 * noise * np.trace(W), alpha @ dz - d_log_jacobian],
            ]
        )
        return value + 0.5 * (prior @ prior), gradient + prior / sd

    low, high = mean - 5 * sd, mean + 5 * sd
    low[-1], high[-1] = LogWarp.LOG_SHIFTS
    found = minimize(
        objective,
        mean,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low, high, strict=True)),
        options={"maxiter": _FIT_STEPS},
    )
    return np.asarray(found.x)


def _cholesky(K: Array) -> Array:
    """Lower factor of K, with more on the diagonal if rounding makes it indefinite."""
    for jitter in (0.0, 1e-6, 1e-4):
        L, info = lapack.dpotrf(K + jitter * np.eye(len(K)) if jitter else K, lower=1, clean=1)
        if info == 0:
            return np.asarray(L)
    raise np.linalg.LinAlgError("the covariance matrix is not positive definite")
