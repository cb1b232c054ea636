"""Threads inside a kernel change no bit; threads around kernels do not disturb each other."""

import threading

import numpy as np
import pytest
from kernel_table import KERNELS, THREADED, assert_identical, call

from lamoo_fast.kernels import ParetoArchive, dominance_count, is_nondominated, pareto_rank


def cases():
    for m, n in [(1, 500), (2, 3000), (3, 3000), (4, 300), (5, 100), (6, 60), (8, 25), (40, 6)]:
        F = np.random.default_rng(m).random((n, m))
        front = F / np.linalg.norm(F, axis=1, keepdims=True)
        yield np.vstack([front, F[: n // 4], front[: n // 8]])


@pytest.mark.parametrize("name", THREADED)
def test_n_threads_changes_no_bit(name):
    for F in cases():
        ref = np.full(F.shape[1], 1.1)
        expected = call(name, F, ref, n_threads=1)
        for n_threads in (2, 4, -1, 1000):
            assert_identical(call(name, F, ref, n_threads=n_threads), expected)


@pytest.mark.parametrize(("m", "n"), [(3, 30_000), (4, 6000)])
def test_count_of_many_points(m, n):
    F = np.random.default_rng(0).integers(0, 50, (n, m))
    expected = dominance_count(F)
    for n_threads in (2, 3, 4):
        np.testing.assert_array_equal(dominance_count(F, n_threads=n_threads), expected)


@pytest.mark.parametrize("kernel", [dominance_count, is_nondominated, pareto_rank])
@pytest.mark.parametrize("m", [2, 3])
def test_sorting_of_many_points(kernel, m):
    rng = np.random.default_rng(m)
    F = rng.random((40_000, m))
    tied = rng.integers(0, 50, F.shape)
    skewed = np.column_stack([F[:, 0] ** 99, 1 - F[:, 1:]])
    for points in (F, tied, skewed, np.vstack([F, [[1e308] * m, [-1e308] * m]])):
        np.testing.assert_array_equal(kernel(points, n_threads=3), kernel(points))


@pytest.mark.parametrize(("m", "n"), [(2, 300), (2, 50_000), (3, 50_000)])
def test_front_of_many_points(m, n):
    """Mostly front, with ties, repeated points and some that are dominated by a little."""
    F = np.random.default_rng(n).exponential(size=(n, m))
    F = np.round(F / F.sum(axis=1, keepdims=True), 4 if m == 2 else 3)
    for points in (F, np.vstack([F, F[: n // 3]]), np.vstack([F[: n // 5] + 1e-5, F])):
        first = np.unique(points, axis=0, return_index=True)[1]
        front = pareto_rank(points) == 0
        for n_threads in (1, 2, 3):
            mask = is_nondominated(points, keep_weakly=True, n_threads=n_threads)
            np.testing.assert_array_equal(mask, front)
            mask = is_nondominated(points, n_threads=n_threads)
            np.testing.assert_array_equal(np.flatnonzero(mask), np.sort(first[front[first]]))


def in_threads(count, work):
    """Run work(i) in `count` threads that start at the same moment; raise what they raise."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(i):
        barrier.wait()
        try:
            results[i] = work(i)
        except BaseException as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


@pytest.mark.parametrize("name", KERNELS)
def test_calls_at_once(name):
    sets = [F[:200] for F in cases() if F.shape[1] > 1]
    expected = [call(name, F, np.full(F.shape[1], 1.1)) for F in sets]

    def work(i):
        for k in np.random.default_rng(i).permutation(len(sets)):
            F = sets[k]
            result = KERNELS[name](F, np.full(F.shape[1], 1.1))
            assert_identical(result if isinstance(result, tuple) else (result,), expected[k])

    in_threads(8, work)


@pytest.mark.parametrize("m", [2, 4])
def test_one_archive_for_all(m):
    points = np.random.default_rng(m).random((8, 50, m))
    archive, alone = ParetoArchive(np.ones(m)), ParetoArchive(np.ones(m))
    alone.add(points.reshape(-1, m))

    def work(i):
        for row in points[i]:
            archive.add(row[None])
            assert len(archive.front) > 0
            assert archive.hypervolume > 0

    in_threads(8, work)
    np.testing.assert_array_equal(archive.front, alone.front)
    assert archive.hypervolume == pytest.approx(alone.hypervolume, rel=1e-13)
