"""Seeded point sets to measure kernels on: fronts of many shapes, any number of objectives.

All points are minimised, in the unit cube, and better than `REF` in every objective.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

REF = 1.1

Floats = NDArray[np.float64]


def _sphere(rng: np.random.Generator, n: int, m: int) -> Floats:
    """Concave: uniform on the unit sphere, as the front of DTLZ2."""
    return _unit(np.abs(rng.normal(size=(n, m))))


def _linear(rng: np.random.Generator, n: int, m: int) -> Floats:
    """Uniform on the simplex, as the front of DTLZ1."""
    F: Floats = rng.exponential(size=(n, m))
    F /= F.sum(axis=1, keepdims=True)
    return F


def _convex(rng: np.random.Generator, n: int, m: int) -> Floats:
    """The sphere seen from the other side: bulging towards the ideal point."""
    return 1.0 - _sphere(rng, n, m)


def _inverted(rng: np.random.Generator, n: int, m: int) -> Floats:
    """A hyperbola, the same product of objectives everywhere: long tails along every axis."""
    Z = rng.normal(size=(n, m))
    F: Floats = np.exp(Z - Z.mean(axis=1, keepdims=True))
    F /= F.max()
    return F


def _clustered(rng: np.random.Generator, n: int, m: int) -> Floats:
    """Five close crowds on the sphere."""
    centres = _sphere(rng, 5, m)
    return _unit(np.abs(centres[rng.integers(5, size=n)] + 0.05 * rng.normal(size=(n, m))))


def _discontinuous(rng: np.random.Generator, n: int, m: int) -> Floats:
    """The sphere without every second slice of the first objective."""
    F = np.empty((0, m))
    while len(F) < n:
        drawn = _sphere(rng, 4 * n, m)
        F = np.concatenate([F, drawn[np.floor(8 * drawn[:, 0] ** 0.5) % 2 == 0]])
    return F[:n]


def _mixed(rng: np.random.Generator, n: int, m: int) -> Floats:
    """Half a sphere front; the rest dominated points, repeated points and ties."""
    F = _sphere(rng, n, m)
    dominated, ties, repeated = n // 4, n // 8, n // 8
    F[:dominated] += rng.random((dominated, m)) * (1.0 - F[:dominated])
    F[dominated : dominated + ties] = F[dominated : dominated + ties].round(1)
    F[n - repeated :] = F[rng.integers(n - repeated, size=repeated)]
    return F[rng.permutation(n)]


def _unit(X: Floats) -> Floats:
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X


SHAPES: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "sphere": _sphere,
    "linear": _linear,
    "convex": _convex,
    "inverted": _inverted,
    "clustered": _clustered,
    "discontinuous": _discontinuous,
    "mixed": _mixed,
}


def front(shape: str, n: int, m: int, seed: int = 0) -> Floats:
    """Draw a point set.

    Parameters
    ----------
    shape : str
        A key of `SHAPES`. All but "mixed" are mutually non-dominated.
    n, m : int
        Points and objectives.
    seed : int
        The same arguments give the same points.

    Returns
    -------
    ndarray of float64, shape (n, m)
    """
    return SHAPES[shape](random(shape, n, m, seed), n, m)


def random(name: str, *numbers: int) -> np.random.Generator:
    """Make the generator that belongs to a name and numbers.

    Parameters
    ----------
    name : str
    *numbers : int

    Returns
    -------
    numpy.random.Generator
    """
    return np.random.default_rng([zlib.crc32(name.encode()), *numbers])
