"""Hypervolume by sampling: estimates with standard errors, where exact volumes take too long.

Exact kernels take time exponential in the number of objectives; sampling takes O(n m) for each
sample, whatever the shape of the front. `hypervolume` is usually done within a tenth of a second
up to about 1000 points of 6 objectives, 100 of 10, 30 of 15; above, estimate.

An error bar is made from independent replicates. With r of them, ``value +- t stderr`` is a 95 %
interval for the t of Student's distribution with r - 1 degrees of freedom: 2.04 for the 32
replicates of calls with at least 32 samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core

_DEFAULT_SAMPLES = 2**17
_DEFAULT_SAMPLES_OF_POINT = 2**12
_MOST_SAMPLES = 2**26  # with rel_tol alone


class HVEstimate(NamedTuple):
    """An estimate of a hypervolume, its standard error and the number of samples it took."""

    value: float
    stderr: float
    n_samples: int


class HVEstimates(NamedTuple):
    """Estimates for each point, their standard errors and the number of samples each took."""

    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    n_samples: int


def hv_approx(
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    n_samples: int | None = None,
    rel_tol: float | None = None,
    seed: _check.Seed = None,
    maximise: _check.Maximise = False,
    n_threads: int = 1,
) -> HVEstimate:
    """Estimate the hypervolume of a set of points, with its standard error.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    n_samples : int, optional
        Samples to take, at most: by default 2**17, with rel_tol 2**26. Powers of two are spread
        most evenly. A single sample has an infinite standard error.
    rel_tol : float, optional
        Stop once the standard error is at most this fraction of the value.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same estimate, for any number of threads.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors.

    Returns
    -------
    HVEstimate
        value, stderr and n_samples (the samples taken). ``value +- 2.04 stderr`` is a 95 %
        interval.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or does not fit the others.

    See Also
    --------
    hypervolume : the exact number; the better choice while it takes no longer.

    Notes
    -----
    A sample is a direction from ref; along it the dominated region ends at a distance r, and the
    volume is the mean of r**m over the density of the directions (Deng and Zhang 2019). Directions
    go through the faces of the cube that bounds the region, bent towards the middle of the faces,
    or they are those of points in the boxes of F, chosen by volume as Karp and Luby (1983) and
    Bringmann and Friedrich (2010) do. In the second case a sample is the ratio of the largest
    r**m to the sum of that of all boxes: it lies between 1/n and 1, whatever the shape of the
    boxes and the number of objectives. Up to 512 further samples of the second kind come first
    and decide.

    The directions are Sobol' points with 32 independent linear scramblings and shifts. With few
    objectives they are so even that the error falls nearly as 1 / n_samples, with many as
    1 / sqrt(n_samples). Neighbouring directions meet few of the points; the rest are ruled out
    together. O(n m) for each sample at most, a small part of that with up to 10 objectives.

    Numbers agree to the last bit for any number of threads and instruction set.

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_approx
    >>> estimate = hv_approx([[1, 3], [2, 2], [3, 1]], ref=4, seed=0)
    >>> abs(estimate.value - 6.0) < 0.001
    True
    >>> F = [[0.1 * ((3 * i + k * k) % 11) for k in range(20)] for i in range(11)]
    >>> estimate = hv_approx(F, ref=1.1, rel_tol=0.001, seed=0)
    >>> estimate.stderr < 0.001 * estimate.value
    True
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    if rel_tol is not None:
        rel_tol = _check.number(rel_tol, "rel_tol")
        if not 0.0 < rel_tol < np.inf:
            raise ValueError(f"rel_tol must be positive and finite, not {rel_tol}")
    return HVEstimate(
        *_core.hv_approx(
            points,
            corner,
            _samples(n_samples, _DEFAULT_SAMPLES if rel_tol is None else _MOST_SAMPLES),
            rel_tol or 0.0,
            _check.seed(seed),
            _check.n_threads(n_threads),
        )
    )


def hv_approx_contributions(
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    n_samples: int | None = None,
    seed: _check.Seed = None,
    maximise: _check.Maximise = False,
    ignore_dominated: bool = True,
    n_threads: int = 1,
) -> HVEstimates:
    """Estimate for each point the volume that it alone dominates, with standard errors.

    Parameters
    ----------
    F : array_like, shape (n, m)
        Points of m objectives.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    n_samples : int, optional
        Samples for each point, by default 2**12; rounded down to 32 times a power of two, but at
        least 32.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same estimates, for any number of threads.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    ignore_dominated : bool
        Take dominated points away first, so that they take nothing from the points that dominate
        them.
    n_threads : int
        Threads to use; -1 for all processors. Threads share out points.

    Returns
    -------
    HVEstimates
        value (n,), stderr (n,) and n_samples (for each point). The standard error of a value that
        is exact is 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or does not fit the others.

    See Also
    --------
    hv_contributions : the exact numbers; the better choice while they take no longer.

    Notes
    -----
    The box of a point is cut into cells along the boxes of the other points that reach into it:
    cells that one of them covers are dropped, cells that none of them meets are counted, and the
    largest of the others is cut again, until there are n_samples / 8 of them (at most 1024). Those
    are sampled: along a random line through the corner of the cell that the point dominates first
    the part that it has alone ends at the first other box (a sample of the distance to the power
    m, between 0 and 1). Few others or few objectives leave nothing to sample, and the result is
    exact. O(n_samples k m) at most for each point with k others in its box.

    Where all but a tiny part of the remaining cells is covered, samples seldom meet the rest:
    errors of a tenth of the value or more are then not to be trusted, as for every such mean.

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_approx_contributions
    >>> hv_approx_contributions([[1, 3], [2, 2], [3, 1], [2.5, 2.5]], ref=4, seed=0).value
    array([1., 1., 1., 0.])
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    return HVEstimates(
        *_core.hv_approx_contributions(
            points,
            corner,
            _check.flag(ignore_dominated, "ignore_dominated"),
            _samples(n_samples, _DEFAULT_SAMPLES_OF_POINT),
            _check.seed(seed),
            _check.n_threads(n_threads),
        )
    )


def hv_approx_improvement(
    candidates: ArrayLike,
    F: ArrayLike,
    /,
    ref: ArrayLike,
    *,
    n_samples: int | None = None,
    seed: _check.Seed = None,
    maximise: _check.Maximise = False,
    n_threads: int = 1,
) -> HVEstimates:
    """Estimate the volume that each candidate, on its own, would add to a set of points.

    Parameters
    ----------
    candidates : array_like, shape (c, m)
        Points that might join.
    F : array_like, shape (n, m)
        Points that are there.
    ref : float or array_like, shape (m,)
        Reference point; one number stands for all objectives.
    n_samples : int, optional
        Samples for each candidate, by default 2**12; rounded down to 32 times a power of two, but
        at least 32.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same estimates, for any number of threads.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.
    n_threads : int
        Threads to use; -1 for all processors. Threads share out candidates.

    Returns
    -------
    HVEstimates
        value (c,), stderr (c,) and n_samples (for each candidate).

    Raises
    ------
    ValueError, TypeError
        If an argument is not real or not finite, or does not fit the others.

    See Also
    --------
    hv_approx_contributions : algorithm, complexity and limits are the same.
    hv_improvement : the exact numbers.

    Examples
    --------
    >>> from lamoo_fast.kernels import hv_approx_improvement
    >>> hv_approx_improvement([[0, 3], [2, 2], [3, 3]], [[1, 3], [3, 1]], ref=4, seed=0).value
    array([1., 1., 0.])
    """
    points, corner = _check.points_and_ref(F, ref, maximise)
    joining = _check.objectives(candidates, maximise, "candidates")
    if joining.shape[1] != points.shape[1]:
        raise ValueError(f"candidates has {joining.shape[1]} columns but F has {points.shape[1]}")
    _check.distances_fit(joining, corner, "candidates")
    return HVEstimates(
        *_core.hv_approx_improvement(
            joining,
            points,
            corner,
            _samples(n_samples, _DEFAULT_SAMPLES_OF_POINT),
            _check.seed(seed),
            _check.n_threads(n_threads),
        )
    )


def _samples(n_samples: int | None, default: int) -> int:
    if n_samples is None:
        return default
    number = _check.integer(n_samples, "n_samples")
    if not 0 < number < 2**64:
        raise ValueError(f"n_samples must be in 1 .. 2**64 - 1, not {number}")
    return number
