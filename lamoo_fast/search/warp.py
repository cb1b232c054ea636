"""A monotone transformation of an objective, learned with the model that predicts it."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from lamoo_fast.search.space import Array

_ROOT_2 = math.sqrt(2.0)
_ROOT_2PI = math.sqrt(2 * math.pi)
_ROOT_HALF_PI = math.sqrt(math.pi / 2)


class LogWarp:
    """Standardised log(1 + (y - best) / shift), and linear below the best value.

    Objectives of real problems are often heavy-tailed on their bad side. A model of the warped
    values is not misled by these, and sees the differences among good ones. A large shift makes
    the warp nearly linear. Below the best value seen it goes on as a straight line, so that there
    is no bound on what may be found.

    Parameters
    ----------
    y : array, shape (n,)
        Observed values, minimised.
    shift : float
        In units of the distance from the best to the median value.
    """

    LOG_SHIFTS = (math.log(0.3), math.log(200.0))
    """Range of the logarithm of the shift."""

    def __init__(self, y: Array, shift: float) -> None:
        low = float(y.min())
        unit = float(np.median(y)) - low
        if not unit > 0:
            unit = float(y.max()) - low
        if not unit > 0:
            unit = max(abs(low), 1.0)
        self._shift = shift * unit
        self._origin = low
        u = np.log1p((y - low) / self._shift)
        self._mean = float(u.mean())
        self._sd = max(float(u.std()), 1e-9)

    def __call__(self, y: Array) -> Array:
        """Warp values."""
        t = (y - self._origin) / self._shift
        with np.errstate(invalid="ignore", divide="ignore"):
            u = np.where(t > 0, np.log1p(np.maximum(t, 0.0)), t)
        return np.asarray((u - self._mean) / self._sd)

    def inverse(self, z: Array) -> Array:
        """Values that `__call__` maps to z."""
        u = self._mean + self._sd * z
        t = np.where(u > 0, np.expm1(np.clip(u, 0.0, 600.0)), u)
        return np.asarray(self._origin + self._shift * t)

    def with_gradient(self, y: Array) -> tuple[Array, Array, float, float]:
        """Warped y, its derivative by log shift, the log Jacobian and its derivative.

        For the values that the warp was made from.
        """
        t = (y - self._origin) / self._shift
        u = np.log1p(t)
        z = (u - self._mean) / self._sd
        du = -t / (1 + t)
        centred = du - du.mean()
        slope = float((z * centred).mean())  # of the standard deviation
        dz = (centred - z * slope) / self._sd
        n = len(y)
        log_jacobian = -float(u.sum()) - n * math.log(self._shift * self._sd)
        return z, dz, log_jacobian, -float(du.sum()) - n - n * slope / self._sd

    def log_expected_gains(self, levels: Array, mean: Array, sd: Array) -> Array:
        """Log of E[max(level - Y, 0)], shape (k, c), for each of the levels (k,).

        The warped values of Y are normal with the means and standard deviations (c,). Below the
        best value Y is normal, and the gain that of Jones, Schonlau and Welch (1998); above, Y is
        log-normal but for a shift, and the gain the price of a put in the formula of Black and
        Scholes (1973). Stable where the gain is tiny.
        """
        M, S = self._mean + self._sd * mean, self._sd * sd
        log_S = math.log(self._shift) + np.log(S)
        at_best = log_S + _log_normal_gain(-M / S)
        put_at_best = _log_put(1.0, M, S)
        out = np.empty((len(levels), len(M)))
        for i, t in enumerate((levels - self._origin) / self._shift):
            if t <= 0:
                out[i] = log_S + _log_normal_gain((t - M) / S)
            else:
                above = math.log(self._shift) + _log_difference(_log_put(1 + t, M, S), put_at_best)
                out[i] = np.logaddexp(at_best, above)
        return out

    def log_probability_below(self, level: Array, mean: Array, sd: Array) -> Array:
        """Log of P(Y <= level); the arguments broadcast."""
        return np.asarray(log_ndtr((self(level) - mean) / sd))


def _log_normal_gain(x: Array) -> Array:
    """Log of E[max(x - N, 0)] for a standard normal N (Ament et al., NeurIPS 2023)."""
    near = np.maximum(x, -1.0)
    value = np.log(np.exp(-0.5 * near * near) / _ROOT_2PI + near * ndtr(near))
    far = np.minimum(x, -1.0)
    mills = _ROOT_HALF_PI * erfcx(-far / _ROOT_2)
    # 1 + x mills(x) loses its digits far out, where it is 1 / x^2.
    rest = np.where(far > -1e5, np.log1p(np.maximum(far * mills, -1 + 1e-16)), -2 * np.log(-far))
    return np.where(x > -1, value, -0.5 * far * far - math.log(_ROOT_2PI) + rest)


def _log_put(k: float, M: Array, S: Array) -> Array:
    """Log of E[max(k - exp(N), 0)] for a normal N (M, S)."""
    d = (math.log(k) - M) / S
    outer = log_ndtr(d)
    lost = np.minimum(M + 0.5 * S * S - math.log(k) + log_ndtr(d - S) - outer, -1e-15)
    return np.asarray(math.log(k) + outer + np.log(-np.expm1(lost)))


def _log_difference(a: Array, b: Array) -> Array:
    """Log of exp(a) - exp(b), for a > b but for rounding."""
    return np.asarray(a + np.log(-np.expm1(np.minimum(b - a, -1e-16))))
