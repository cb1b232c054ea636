"""hypervolume, hypervolume_batch, hv_contributions, hv_improvement: exact to 1e-12 relative."""

from fractions import Fraction
from itertools import product
from math import factorial, prod

import naive
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import clouds, point_sets

from lamoo_fast.kernels import (
    filter_dominated,
    hv_contributions,
    hv_improvement,
    hypervolume,
    hypervolume_batch,
)

thousand = settings(max_examples=1000, deadline=None)


def assert_close(values, exact):
    """1e-12 relative against exact numbers, each on its own, tiny ones too."""
    values = np.atleast_1d(values)
    assert len(values) == len(exact)
    for value, wanted in zip(values, exact, strict=True):
        assert value >= 0.0
        assert abs(Fraction(float(value)) - wanted) <= Fraction(1e-12) * wanted, (value, wanted)


# ---- the twin itself ----


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(0, 8), st.integers(0, 2**32))
def test_naive_counts_unit_cells(m, n, seed):
    F = np.random.default_rng(seed).integers(0, 5, (n, m))
    cells = sum(any(all(F[i] <= cell) for i in range(n)) for cell in product(range(4), repeat=m))
    assert naive.hypervolume(F, [4] * m) == cells


# ---- against the twin ----


@thousand
@given(point_sets())
def test_hypervolume_equals_naive(case):
    F, ref = case
    exact = [naive.hypervolume(F, ref)]
    assert_close(hypervolume(F, ref), exact)
    # Few points go another way than many.
    assert_close(hypervolume(np.repeat(F, 25, axis=0), ref), exact)


@thousand
@given(point_sets(max_n=8), st.booleans())
def test_contributions_equal_naive(case, ignore_dominated):
    F, ref = case
    values = hv_contributions(F, ref, ignore_dominated=ignore_dominated)
    assert_close(values, naive.hv_contributions(F, ref, ignore_dominated))


def hard_front(kind, n, m):
    """A front over 16 orders of magnitude, of nearly equal points, in long boxes, with ties."""
    rng = np.random.default_rng(n)
    F = rng.random((n, m))
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    if kind == "wide":
        return 10 ** (16 * F - 8)
    if kind == "near":
        return F[0] + 1e-9 * F
    if kind == "long":
        return F * 10.0 ** rng.integers(-8, 9, m)
    return np.ceil(7 * F) / 7


@pytest.mark.parametrize("kind", ["wide", "near", "long", "ties"])
@pytest.mark.parametrize(("n", "m"), [(90, 4), (67, 5), (20, 6)])
def test_many_points_equal_naive(kind, n, m):
    """More than Hypothesis draws: cells in many slices, registers and words."""
    F = hard_front(kind, n, m)
    ref = 1.01 * F.max(axis=0)
    exact = naive.hypervolume(F, ref)
    assert_close(hypervolume(F, ref), [exact])
    own = hv_contributions(F, ref, ignore_dominated=False)
    assert_close(own[0], [exact - naive.hypervolume(F[1:], ref)])


@thousand
@given(point_sets(max_n=10), st.integers(0, 3))
def test_improvement_equals_naive(case, c):
    F, ref = case
    candidates, F = F[:c], F[c:]
    values = hv_improvement(candidates, F, ref)
    assert_close(values, naive.hv_improvement(candidates, F, ref))


@thousand
@given(point_sets(), st.data())
def test_batch_equals_single_calls(case, data):
    F, ref = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(F)), max_size=4)))
    sets = np.split(F, cuts)
    values = hypervolume_batch(sets, ref)
    assert values.tolist() == [hypervolume(s, ref) for s in sets]


# ---- against other packages ----


@thousand
@given(clouds(max_n=60, max_m=8))
def test_hypervolume_equals_moocore(F):
    moocore = pytest.importorskip("moocore")
    if F.shape[1] > 6:
        F = F[:30]  # its time grows steeply with m
    ref = np.full(F.shape[1], 1.05)
    ours, theirs = hypervolume(F, ref), moocore.hypervolume(F, ref=ref)
    assert ours == pytest.approx(theirs, rel=1e-11)
    if ours != pytest.approx(theirs, rel=1e-12):  # one of the two has lost digits: not ours
        assert ours == pytest.approx(float(naive.hypervolume(F, ref)), rel=1e-12)


@thousand
@given(clouds(max_n=60, min_m=2, max_m=8))
def test_hypervolume_equals_pygmo(F):
    pygmo = pytest.importorskip("pygmo")
    ref = np.full(F.shape[1], 1.5)  # it refuses points beyond
    F = F[:40] if F.shape[1] > 6 else F
    assert hypervolume(F, ref) == pytest.approx(pygmo.hypervolume(F).compute(ref), rel=1e-12)


@thousand
@given(clouds(max_n=40, min_m=2, max_m=6), st.booleans())
def test_contributions_equal_moocore(F, ignore_dominated):
    moocore = pytest.importorskip("moocore")
    ref = np.full(F.shape[1], 1.05)
    ours = hv_contributions(F, ref, ignore_dominated=ignore_dominated)
    theirs = moocore.hv_contributions(F, ref=ref, ignore_dominated=ignore_dominated)
    # It subtracts volumes and sets to zero what is below 1.5e-8.
    tolerance = 1e-10 * hypervolume(F, ref) + np.where(theirs == 0, 1.5e-8, 0.0)
    assert (np.abs(ours - theirs) <= tolerance).all()


@thousand
@given(clouds(max_n=40, min_m=2, max_m=6))
def test_contributions_equal_pygmo(F):
    pygmo = pytest.importorskip("pygmo")
    F = filter_dominated(F)
    assume(len(F) > 1)  # it refuses one point; its default for m = 3 is wrong with ties
    ref = np.full(F.shape[1], 1.5)
    theirs = pygmo.hypervolume(F).contributions(ref, hv_algo=pygmo.hvwfg())
    assert np.abs(hv_contributions(F, ref) - theirs).max() <= 1e-10 * hypervolume(F, ref)


# ---- closed forms ----


@pytest.mark.parametrize("m", range(1, 41))
def test_no_point_one_point_equal_points(m):
    ref = np.ones(m)
    for n in (0, 1, 5):
        F = np.full((n, m), 0.25)
        volume = 0.75**m if n else 0.0
        assert hypervolume(F, ref) == pytest.approx(volume, rel=1e-12)
        contributions = hv_contributions(F, ref)
        assert contributions.tolist() == ([hypervolume(F, ref)] if n == 1 else [0.0] * n)
        assert hv_improvement(F[:0], F, ref).tolist() == []
        more = hv_improvement(np.vstack([F, np.zeros(m), ref]), F, ref)
        assert more[:n].tolist() == [0.0] * n
        assert more[n] == pytest.approx(1 - volume, rel=1e-12)
        assert more[n + 1] == 0.0


@pytest.mark.parametrize("m", range(1, 41))
def test_one_point_per_objective(m):
    """Box j is 1 long in objective j and 2 in the others: each adds one unit cube."""
    F = 1.0 + np.eye(m)[: min(m, 9)]
    exact = naive.hypervolume(F, [3.0] * m)
    assert_close(hypervolume(F, 3.0), [exact])
    assert_close(hv_contributions(F, 3.0), naive.hv_contributions(F, [3.0] * m))


@pytest.mark.parametrize(("m", "k"), [(2, 50), (3, 12), (4, 7), (5, 5), (6, 4), (7, 3)])
def test_staircase_of_a_simplex(m, k):
    """All grid points x >= 0 with sum x = k - 1, ref = k: counted by a binomial sum."""
    F = np.array([x for x in product(range(k), repeat=m) if sum(x) == k - 1], dtype=float)
    # A unit cell [c, c + 1] is covered when sum(c) >= k - 1.
    free = prod(range(k - 1, k - 1 + m)) // factorial(m)  # cells with sum(c) <= k - 2
    assert hypervolume(F, k) == k**m - free


@pytest.mark.parametrize("m", range(1, 9))
def test_points_on_and_beyond_ref_add_nothing(m):
    rng = np.random.default_rng(m)
    F = rng.random((12, m))
    outside = rng.random((12, m))
    outside[np.arange(12), rng.integers(0, m, 12)] = rng.choice([1.0, 1.5, 1e300], 12)
    both = np.vstack([outside, F])
    assert_close(hypervolume(both, 1.0), [naive.hypervolume(F, [1.0] * m)])
    assert (hv_contributions(both, 1.0)[:12] == 0.0).all()
    assert (hv_improvement(outside, F, 1.0) == 0.0).all()
    assert hypervolume(outside, 1.0) == 0.0


def test_ignore_dominated():
    F = [[1, 3], [2, 2], [3, 1], [2.5, 2.5]]
    assert hv_contributions(F, 4).tolist() == [1.0, 1.0, 1.0, 0.0]
    assert hv_contributions(F, 4, ignore_dominated=False).tolist() == [1.0, 0.75, 1.0, 0.0]


@pytest.mark.parametrize("m", range(2, 9))
def test_tiny_contributions_keep_their_digits(m):
    """Neighbours 1e-13 apart: a difference of volumes would leave nothing of it."""
    F = np.random.default_rng(m).random((6, m)) / m
    unit = np.eye(m)[np.arange(6) % m]
    F = np.vstack([F, F + 1e-13 * (np.roll(unit, 1, axis=1) - unit)])
    ref = np.ones(m)
    exact = naive.hv_contributions(F, ref)
    assert 0 < min(x for x in exact if x > 0) < 1e-12
    assert_close(hv_contributions(F, ref), exact)
    assert_close(hv_improvement(F[6:], F[:6], ref), naive.hv_improvement(F[6:], F[:6], ref))


# ---- metamorphic ----


@settings(max_examples=300, deadline=None)
@given(clouds(max_n=30, max_m=7))
def test_metamorphic(F):
    n, m = F.shape
    rng = np.random.default_rng(n)
    F = np.round(F * 2**20) / 2**20  # translation is exact then
    ref = np.full(m, 1.25)
    volume, parts = hypervolume(F, ref), hv_contributions(F, ref)
    scale, shift = np.exp2(rng.integers(-30, 30, m)), np.exp2(rng.integers(-3, 6, m))
    rows, columns = rng.permutation(n), rng.permutation(m)
    factor = scale.prod()

    assert hypervolume(F * scale, ref * scale) == pytest.approx(factor * volume, rel=1e-12)
    for G, r, maximise in [
        (F + shift, ref + shift, False),
        (F[rows], ref, False),
        (F[:, columns], ref[columns], False),
        (-F, -ref, True),
        (np.where(columns == 0, -F, F), np.where(columns == 0, -ref, ref), columns == 0),
        (np.vstack([F, F + 0.125, F[:1]]), ref, False),
    ]:
        assert hypervolume(G, r, maximise=maximise) == pytest.approx(volume, rel=1e-12)
    np.testing.assert_allclose(hv_contributions(F[rows], ref), parts[rows], rtol=1e-12)
    np.testing.assert_allclose(hv_contributions(F * scale, ref * scale), factor * parts, rtol=1e-12)

    # A contribution is the improvement over the others.
    front = filter_dominated(F)
    for i, part in enumerate(hv_contributions(front, ref)):
        others = np.delete(front, i, axis=0)
        assert hv_improvement(front[i : i + 1], others, ref)[0] == pytest.approx(part, rel=1e-12)
    # Improvements of one point after the other add up to the volume; contributions to no more.
    steps = [hv_improvement(F[i : i + 1], F[:i], ref)[0] for i in range(n)]
    assert sum(steps) == pytest.approx(volume, rel=1e-12)
    assert parts.sum() <= volume * (1 + 1e-12)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_scales_far_apart(m):
    """Objectives from 1e-200 to 1e200."""
    scale = np.exp2(np.linspace(-660, 660, m).round())
    F = np.random.default_rng(m).random((9, m))
    exact = naive.hypervolume(F * scale, scale)
    assert_close(hypervolume(F * scale, scale), [exact])
    assert_close(hv_contributions(F * scale, scale), naive.hv_contributions(F * scale, scale))
