"""hv_least_contributor and hv_subset_selection."""

from fractions import Fraction

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import clouds, point_sets

from lamoo_fast.kernels import (
    hv_contributions,
    hv_improvement,
    hv_least_contributor,
    hv_subset_selection,
    hypervolume,
)


def whole_numbers(max_n, max_m):
    """Points whose volumes are exact in float64, so that ties are ties: `(F, ref)`."""

    def draw(seed, n, m, side):
        rng = np.random.default_rng(seed)
        return rng.integers(0, side + 1, (n, m)).astype(float), np.full(m, float(side))

    return st.builds(
        draw, st.integers(0, 2**32), st.integers(1, max_n), st.integers(1, max_m), st.integers(1, 6)
    )


# ---- the least contributor ----


@settings(max_examples=500, deadline=None)
@given(whole_numbers(9, 7))
def test_least_contributor_equals_naive(case):
    F, ref = case
    assert hv_least_contributor(F, ref) == naive.hv_least_contributor(F, ref)


@settings(max_examples=500, deadline=None)
@given(point_sets(min_n=1, max_n=8))
def test_least_contribution_is_least(case):
    F, ref = case
    own = naive.hv_contributions(F, ref)
    found = own[hv_least_contributor(F, ref)]
    assert found <= min(own) * (1 + Fraction(1e-12))


@settings(max_examples=200, deadline=None)
@given(clouds(max_n=150, max_m=7))
def test_least_contributor_of_larger_sets(F):
    ref = np.full(F.shape[1], 1.05)
    own = hv_contributions(F, ref)
    i = hv_least_contributor(F, ref)
    assert own[i] <= own.min() * (1 + 1e-12)
    assert hv_least_contributor(F, ref, n_threads=3) == i


def test_first_of_idle_points():
    F = np.array([[0, 3, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 9, 0, 0], [2, 2, 2, 2]], float)
    assert hv_least_contributor(F, 4.0) == 1
    assert hv_least_contributor(F[[0, 4, 1, 2]], 4.0) == 1
    assert hv_least_contributor(F[[0, 3, 1]], 4.0) == 1


def test_many_idle_points():
    """The first of many that others repeat or dominate, in less than quadratic time."""
    rng = np.random.default_rng(0)
    g = np.abs(rng.standard_normal((40_000, 4)))
    F = 1 - g / np.linalg.norm(g, axis=1, keepdims=True)
    assert hv_least_contributor(np.vstack([F, F[:0:-1]]), 2.0) == 1
    assert hv_least_contributor(np.vstack([F, F + 0.01]), 2.0) == len(F)
    assert hv_least_contributor(np.vstack([F, F + 0.01, F[-5:-3]]), 2.0) == len(F) - 5


def test_no_least_contributor_of_nothing():
    with pytest.raises(ValueError, match=r"F has no points: its shape is \(0, 4\)"):
        hv_least_contributor(np.empty((0, 4)), 1.0)


# ---- subsets ----


@settings(max_examples=300, deadline=None)
@given(whole_numbers(8, 6), st.data())
def test_subset_equals_naive(case, data):
    F, ref = case
    k = data.draw(st.integers(0, len(F)))
    assert hv_subset_selection(F, k, ref).tolist() == naive.hv_subset_selection(F, k, ref)


@settings(max_examples=200, deadline=None)
@given(clouds(max_n=60, max_m=6))
def test_each_choice_adds_most(F):
    ref = np.full(F.shape[1], 1.05)
    k = min(len(F), 12)
    chosen = hv_subset_selection(F, k, ref)
    assert len(set(chosen.tolist())) == k
    for i in range(k):
        gains = hv_improvement(F, F[chosen[:i]], ref)
        assert gains[chosen[i]] >= gains.max() * (1 - 1e-12)
    assert hv_subset_selection(F, k, ref, n_threads=3).tolist() == chosen.tolist()
    assert hv_subset_selection(-F, k, -ref, maximise=True).tolist() == chosen.tolist()


def test_bound_on_the_best_subset():
    F = np.random.default_rng(3).random((10, 4))
    best = max(
        hypervolume(F[[i, j, k]], 1.0) for i in range(10) for j in range(i) for k in range(j)
    )
    assert hypervolume(F[hv_subset_selection(F, 3, 1.0)], 1.0) >= (1 - np.exp(-1)) * best


@pytest.mark.parametrize("k", [-1, 4])
def test_bad_k(k):
    with pytest.raises(ValueError, match=rf"k must be in 0 .. 3, the number of points, not {k}"):
        hv_subset_selection(np.zeros((3, 2)), k, 1.0)
    with pytest.raises(TypeError, match="k must be an integer"):
        hv_subset_selection(np.zeros((3, 2)), 1.5, 1.0)
