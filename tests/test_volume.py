"""Hypervolumes of nodes: exact while that is quick, estimates with an error above."""

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lamoo_fast.fronts import REF, front
from lamoo_fast.kernels import hypervolume
from lamoo_fast.search import volume as module
from lamoo_fast.search.volume import EXACT_UP_TO, volume, volumes


@given(
    hnp.arrays(float, st.tuples(st.integers(0, 8), st.integers(1, 5)), elements=st.integers(0, 5))
)
def test_small_sets_are_exact(F):
    found = volume(F, np.full(F.shape[1], 4.0))
    wanted = float(naive.hypervolume(F.tolist(), [4.0] * F.shape[1]))
    assert found.value == pytest.approx(wanted, rel=1e-12)
    assert (found.stderr, found.n_samples) == (0, 0)


@pytest.mark.parametrize("m", range(6, 16))
def test_the_rule_is_the_size_of_the_front(m):
    n = EXACT_UP_TO[m]
    F, ref = front("linear", n + 1, m), np.full(m, REF)
    worse = np.vstack([F[:n], F[:n] + 0.01, np.full((5, m), REF)])
    assert volume(F[:n], ref).stderr == 0
    assert volume(worse, ref) == volume(F[:n], ref)
    above = volume(F, ref)
    assert 0 < above.stderr <= 2e-3 * above.value
    assert above.value == pytest.approx(hypervolume(F, ref), abs=5 * above.stderr)


@pytest.mark.parametrize("m", [10, 13, 15])
@pytest.mark.parametrize("shape", ["linear", "convex", "inverted", "mixed"])
def test_no_set_takes_long(shape, m):
    F, ref = front(shape, 3000, m), np.full(m, REF)
    found = volume(F, ref)  # exactly, it would be years
    assert 0 < found.stderr < 0.02 * found.value
    assert volume(F[::-1], ref) == found


def together(sets, ref):
    which = np.repeat(np.arange(len(sets)), [len(F) for F in sets])
    return volumes(np.vstack([np.empty((0, len(ref))), *sets]), which, len(sets), ref)


@given(
    hnp.arrays(float, st.tuples(st.integers(0, 60), st.just(3)), elements=st.integers(0, 5)),
    st.lists(st.integers(0, 60), max_size=5),
    st.randoms(use_true_random=False),
)
def test_many_sets_are_those_one_by_one_in_any_order(F, cuts, random):
    F = F + 0.1 * F[:, ::-1] ** 0.3  # sums that do not come out the same in every order
    sets = np.split(F, sorted(cuts))
    ref = np.full(3, 6.1)
    rows = [random.sample(range(len(part)), len(part)) for part in sets]
    shuffled = [part[order] for part, order in zip(sets, rows, strict=True)]
    assert together(shuffled, ref) == [volume(part, ref) for part in sets]


def test_sets_of_both_kinds_keep_their_places():
    large, small = front("linear", 90, 12), front("convex", 9, 12)
    ref = np.full(12, REF)
    found = together([large, small, large[::-1], small[:0]], ref)
    assert [one.n_samples > 0 for one in found] == [True, False, True, False]
    assert found == [volume(large, ref), volume(small, ref), volume(large, ref), (0.0, 0.0, 0)]
    assert together([], ref) == []


def test_estimates_do_not_depend_on_order_or_repeats():
    F, ref = front("convex", 100, 12), np.full(12, REF)
    order = np.random.default_rng(0).permutation(100)
    assert volume(F, ref).stderr > 0
    assert volume(F[order], ref) == volume(F, ref)
    assert volume(np.vstack([F, F[:50]]), ref) == volume(F, ref)


def test_units_change_an_estimate_by_less_than_its_error():
    F, ref = front("linear", 200, 11), np.full(11, REF)
    scale = 2.0 ** np.arange(-5, 6)
    plain, scaled = volume(F, ref), volume(F * scale + 1, ref * scale + 1)
    assert scaled.value / scale.prod() == pytest.approx(plain.value, rel=1e-9)


def test_more_objectives_than_the_table_has(monkeypatch):
    F = front("linear", 40, 18)
    assert volume(F[:20], np.full(18, REF)).stderr == 0
    assert volume(F, np.full(18, REF)).stderr > 0


def test_nothing_better_than_ref_is_nothing():
    assert volume(np.ones((500, 12)), np.ones(12)) == (0.0, 0.0, 0)
    assert volume(np.empty((0, 12)), np.ones(12)) == (0.0, 0.0, 0)


def test_an_extreme_front_tells_its_error(monkeypatch):
    monkeypatch.setattr(module, "_MOST_SAMPLES", 64)
    F = 10.0 ** -np.random.default_rng(0).uniform(0, 8, (300, 12))
    found = volume(F, np.ones(12))
    assert found.stderr > 2e-3 * found.value
