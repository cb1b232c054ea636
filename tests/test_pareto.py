"""is_nondominated, filter_dominated, pareto_rank, dominance_count."""

import os
import subprocess
import sys

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import clouds, point_sets

from lamoo_fast.kernels import dominance_count, filter_dominated, is_nondominated, pareto_rank

thousand = settings(max_examples=1000, deadline=None)


@thousand
@given(point_sets())
def test_mask_equals_naive(case):
    F, _ = case
    for keep_weakly in (False, True):
        mask = is_nondominated(F, keep_weakly=keep_weakly)
        assert mask.dtype == np.bool_
        assert mask.tolist() == naive.is_nondominated(F, keep_weakly)
        np.testing.assert_array_equal(filter_dominated(F, keep_weakly=keep_weakly), F[mask])


@thousand
@given(point_sets())
def test_rank_equals_naive(case):
    F, _ = case
    rank = pareto_rank(F)
    assert rank.dtype == np.int64
    assert rank.tolist() == naive.pareto_rank(F)


@thousand
@given(point_sets())
def test_count_equals_naive(case):
    F, _ = case
    count = dominance_count(F)
    assert count.dtype == np.int64
    assert count.tolist() == naive.dominance_count(F)


@thousand
@given(clouds())
def test_equals_moocore(F):
    moocore = pytest.importorskip("moocore")
    for keep_weakly in (False, True):
        np.testing.assert_array_equal(
            is_nondominated(F, keep_weakly=keep_weakly),
            moocore.is_nondominated(F, keep_weakly=keep_weakly),
        )
    np.testing.assert_array_equal(pareto_rank(F), moocore.pareto_rank(F))


@thousand
@given(clouds(min_n=2, min_m=2))  # it refuses less
def test_equals_pygmo(F):
    pygmo = pytest.importorskip("pygmo")
    _, _, count, rank = pygmo.fast_non_dominated_sorting(F)
    np.testing.assert_array_equal(dominance_count(F), count)
    np.testing.assert_array_equal(pareto_rank(F), rank)


def brute_count(F):
    less = (F[:, None] < F[None]).any(axis=2)
    return ((F[:, None] <= F[None]).all(axis=2) & less).sum(axis=0)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("levels", [3, 40, 10**6])
@pytest.mark.parametrize("n", [31, 32, 33, 300, 777])
def test_many_points(m, levels, n):
    """Past the sizes of blocks and chunks, with many and with few ties."""
    F = np.random.default_rng(n + m).integers(0, levels, (n, m))
    F = np.vstack([F, F[: n // 3]])
    count = brute_count(F)
    np.testing.assert_array_equal(dominance_count(F), count)
    first = np.sort(np.unique(F, axis=0, return_index=True)[1])
    kept = np.flatnonzero(is_nondominated(F))
    np.testing.assert_array_equal(kept, [i for i in first if count[i] == 0])
    np.testing.assert_array_equal(is_nondominated(F, keep_weakly=True), count == 0)
    rank = pareto_rank(F)
    rest = np.arange(len(F))
    for front in range(rank.max() + 1):
        mask = brute_count(F[rest]) == 0
        np.testing.assert_array_equal(rank[rest] == front, mask)
        rest = rest[~mask]
    assert len(rest) == 0


def wanted_fronts(rank, max_fronts, min_points):
    """The ranks when not all fronts are wanted, from all ranks."""
    fronts = rank.max(initial=-1) + 1
    held = np.cumsum(np.bincount(rank))
    if (held >= min_points).any():
        fronts = np.argmax(held >= min_points) + 1
    return np.minimum(rank, min(fronts, max_fronts))


@settings(max_examples=300, deadline=None)
@given(clouds(max_n=200), st.integers(1, 9), st.integers(1, 210))
def test_some_fronts(F, max_fronts, min_points):
    rank, everything = pareto_rank(F), 10**9
    for fronts, points in [
        (max_fronts, everything),
        (everything, min_points),
        (max_fronts, min_points),
    ]:
        np.testing.assert_array_equal(
            pareto_rank(F, max_fronts=fronts, min_points=points),
            wanted_fronts(rank, fronts, points),
        )


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_some_fronts_of_many_points(m):
    rng = np.random.default_rng(m)
    F = 0.7 * rng.random((5000, 1)) + 0.3 * rng.random((5000, m))
    F[4000:] = F[:1000]
    rank = pareto_rank(F)
    assert rank.max() > 9
    for fronts, points in [(1, 5000), (4, 5000), (5000, 1), (5000, 700), (5000, 2500), (7, 300)]:
        np.testing.assert_array_equal(
            pareto_rank(F, max_fronts=fronts, min_points=points),
            wanted_fronts(rank, fronts, points),
        )


@pytest.mark.parametrize("name", ["max_fronts", "min_points"])
def test_some_fronts_need_a_count(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        pareto_rank([[1.0]], **{name: 0})
    with pytest.raises(TypeError, match=f"{name} must be an integer"):
        pareto_rank([[1.0]], **{name: 1.0})
    assert pareto_rank([[1.0]], **{name: 10**30}).tolist() == [0]


DIGEST = """
import hashlib, numpy as np
from lamoo_fast.kernels import dominance_count, is_nondominated, pareto_rank, simd_level
rng = np.random.default_rng(0)
print(simd_level())
for m in (1, 2, 3, 4, 5, 9, 40):
    for n in (1, 10, 40, 600, 3000):
        for F in (
            rng.random((n, m)),
            rng.integers(5, size=(n, m)),
            -np.sort(-rng.random((n, m)), axis=1),
            rng.random((n, 1)) + 0.1 * rng.random((n, m)),
        ):
            for threads in (1, 3):
                for kernel in (is_nondominated, pareto_rank, dominance_count):
                    out = kernel(F, n_threads=threads).astype(np.int64)
                    print(m, n, kernel.__name__, hashlib.sha256(out.tobytes()).hexdigest())
"""


def test_levels_agree():
    """Every instruction set that this processor has gives the same, on one thread and on three."""
    results = {}
    for level in ("baseline", "avx2", "avx512"):
        done = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "LAMOO_FAST_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        )
        ran, *lines = done.stdout.splitlines()
        results[ran] = lines
    first = next(iter(results.values()))
    assert all(lines == first for lines in results.values())
    by_kernel = [first[i : i + 6] for i in range(0, len(first), 6)]
    assert all(lines[:3] == lines[3:] for lines in by_kernel)


def test_more_ranks_than_16_bits_hold():
    """Where columns no longer fit into 16 bits."""
    rng = np.random.default_rng(5)
    for n in (32768, 65533, 65536, 70000):
        F = np.repeat(rng.permutation(n)[:, None], 3, axis=1)  # a chain
        np.testing.assert_array_equal(dominance_count(F), F[:, 0])
        np.testing.assert_array_equal(pareto_rank(F), F[:, 0])
        line = np.arange(n)
        front = np.column_stack([line, n - line, 0 * line, 0 * line])
        F = np.vstack([front, front + np.array([0, 0, 1, 0])])[rng.permutation(2 * n)]
        np.testing.assert_array_equal(is_nondominated(F), F[:, 2] == 0)


@settings(max_examples=200, deadline=None)
@given(clouds(max_n=40))
def test_metamorphic(F):
    """What must not change the result, and what changes it in a known way."""
    n, m = F.shape
    rng = np.random.default_rng(n)
    mask, rank, count = is_nondominated(F, keep_weakly=True), pareto_rank(F), dominance_count(F)
    np.testing.assert_array_equal(mask, rank == 0)
    np.testing.assert_array_equal(mask, count == 0)
    assert (count >= rank).all()  # a dominator in every front before

    rows, columns = rng.permutation(n), rng.permutation(m)
    scale = np.exp2(rng.integers(-9, 9, m))
    for other, maximise in [
        (F[rows][:, columns], False),
        ((F * scale)[rows], False),
        (-F[rows], True),
        (np.where(columns == 0, -F, F)[rows], columns == 0),
        (np.hstack([F, F])[rows], False),
    ]:
        np.testing.assert_array_equal(pareto_rank(other, maximise=maximise), rank[rows])
        np.testing.assert_array_equal(dominance_count(other, maximise=maximise), count[rows])
        np.testing.assert_array_equal(
            is_nondominated(other, maximise=maximise, keep_weakly=True), mask[rows]
        )

    # A point that all dominate has all as dominators and a front of its own.
    worst = np.vstack([F, F.max(axis=0) + 1])
    np.testing.assert_array_equal(dominance_count(worst), [*count, n])
    np.testing.assert_array_equal(pareto_rank(worst), [*rank, rank.max() + 1])
    # The other way round dominance turns round: both counts have the same sum.
    assert dominance_count(F, maximise=True).sum() == count.sum()


@pytest.mark.parametrize("m", range(1, 41))
def test_no_point_one_point_equal_points(m):
    for n in (0, 1, 5):
        F = np.full((n, m), 0.1)
        assert pareto_rank(F).tolist() == [0] * n
        assert dominance_count(F).tolist() == [0] * n
        assert is_nondominated(F, keep_weakly=True).tolist() == [True] * n
        assert is_nondominated(F).tolist() == [True][:n] + [False] * (n - 1)
        assert filter_dominated(F).shape == (min(n, 1), m)


def test_extreme_numbers():
    tiny, huge = 5e-324, np.finfo(float).max
    F = np.array([[-huge, huge, 0.0], [-huge, huge, tiny], [huge, -huge, -0.0], [huge, huge, huge]])
    for columns in ([0, 1], [0, 1, 2], [0, 1, 2, 0], [0, 1, 2, 2, 1]):
        G = F[:, columns]
        assert dominance_count(G).tolist() == naive.dominance_count(G)
        assert pareto_rank(G).tolist() == naive.pareto_rank(G)
        assert is_nondominated(G).tolist() == naive.is_nondominated(G)


def test_negative_zero_is_zero():
    for m in (1, 2, 3, 5):
        F = np.array([[0.0] * m, [-0.0] * m])
        assert is_nondominated(F).tolist() == [True, False]
        assert dominance_count(F).tolist() == [0, 0]
        assert pareto_rank(F).tolist() == [0, 0]


def test_maximise_one_objective():
    F = [[1, 1], [1, 2], [2, 2]]
    assert is_nondominated(F, maximise=[False, True]).tolist() == [False, True, False]
    assert dominance_count(F, maximise=(False, True)).tolist() == [1, 0, 1]
    assert filter_dominated(F, maximise=np.array([0, 1])).tolist() == [[1.0, 2.0]]
