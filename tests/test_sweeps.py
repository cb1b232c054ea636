"""Two to four objectives at sizes out of reach for exact twins: one algorithm against another."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from lamoo_fast import hv_contributions, hv_improvement, hypervolume, is_nondominated


def sphere(rng, n, m):
    g = np.abs(rng.standard_normal((n, m)))
    return 1 - g / np.linalg.norm(g, axis=1, keepdims=True)


def cluster(rng, n, m):
    """A few close groups: an outlier is limited by many points at once."""
    return sphere(rng, 4, m)[rng.integers(0, 4, n)] + 1e-3 * sphere(rng, n, m)


def few_values(rng, n, m):
    return np.round(4 * sphere(rng, n, m)) / 4


def one_value(rng, n, m):
    F = sphere(rng, n, m)
    F[:, rng.integers(m)] = 0.5
    return F


def cloud(rng, n, m):
    return rng.random((n, m))


def repeated(rng, n, m):
    F = sphere(rng, n, m)
    return F[rng.integers(0, n // 2, n)]


SHAPES = [sphere, cluster, few_values, one_value, cloud, repeated]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)


def lifted(F):
    """With one more objective, in which every box is one long: the volumes stay."""
    return np.column_stack([F, np.zeros(len(F))])


def raised(ref):
    return np.append(ref, 1.0)


@shapes
@pytest.mark.parametrize(("m", "n"), [(2, 3000), (3, 1500), (3, 9000), (4, 700)])
def test_one_more_objective_changes_nothing(shape, m, n):
    rng = np.random.default_rng(m)
    F, ref = shape(rng, n, m), np.full(m, 1.01)
    assert hypervolume(F, ref) == pytest.approx(hypervolume(lifted(F), raised(ref)), rel=1e-12)


@shapes
@pytest.mark.parametrize(("m", "n"), [(2, 400), (3, 300)])
@pytest.mark.parametrize("ignore_dominated", [True, False])
def test_contributions_with_one_more_objective(shape, m, n, ignore_dominated):
    rng = np.random.default_rng(m)
    F, ref = shape(rng, n, m), np.full(m, 1.01)
    got = hv_contributions(F, ref, ignore_dominated=ignore_dominated)
    wanted = hv_contributions(lifted(F), raised(ref), ignore_dominated=ignore_dominated)
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=0)


def test_one_point_hides_a_long_staircase():
    """Its part has hundreds of steps: added up anew at each, that would take quadratic time."""
    x = np.sort(np.random.default_rng(0).random(600))
    F = np.column_stack([x, x[::-1], np.random.default_rng(1).random(600) + 0.5])
    F = np.vstack([F / 2 + 0.25, [0.2, 0.2, 0.2], [0.1, 0.9, 0.1], [0.9, 0.1, 0.1]])
    got = hv_contributions(F, np.full(3, 2.0), ignore_dominated=False)
    wanted = hv_contributions(lifted(F), np.array([2.0, 2, 2, 1]), ignore_dominated=False)
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=0)


@shapes
@pytest.mark.parametrize(("m", "n"), [(2, 400), (3, 300)])
def test_improvement_with_one_more_objective(shape, m, n):
    rng = np.random.default_rng(m)
    F, ref = shape(rng, n, m), np.full(m, 1.01)
    C = np.vstack([shape(rng, 40, m) * 0.999, shape(rng, 9, m) - 0.3, F[:5], np.full(m, -1.0)])
    got = hv_improvement(C, F, ref)
    wanted = hv_improvement(lifted(C), lifted(F), raised(ref))
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 66, 128, 129, 130, 1000])
def test_improvement_by_candidates_that_take_many_steps(n):
    rng = np.random.default_rng(n)
    x, y = np.sort(rng.random(n)), np.sort(rng.random(n))[::-1]
    F = np.column_stack([x, y])
    C = np.vstack([F[rng.integers(0, n, 60)] - rng.random((60, 2)) ** 4, F[:70] - [0, 0.3]])
    C = np.vstack([C, np.column_stack([x[:70], np.zeros(len(x[:70]))])])
    got = hv_improvement(C, F, np.full(2, 1.01))
    wanted = hv_improvement(lifted(C), lifted(F), np.array([1.01, 1.01, 1]))
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=0)


def test_improvement_by_whole_staircases_takes_no_quadratic_time():
    n = 1_000_000
    F = np.column_stack([np.arange(n), np.arange(n)[::-1]]) / n
    seconds = {1: [], 4000: []}
    for k in (1, 4000) * 3:
        start = time.process_time()
        got = hv_improvement(F[:k] - [0.0, 2.0], F, np.full(2, 1.0))
        seconds[k].append(time.process_time() - start)
        assert (got > 0).all()
    assert min(seconds[4000]) < 35 * min(seconds[1])  # 10 to 22; step by step, about 50


@shapes
@pytest.mark.parametrize(("m", "n"), [(2, 100_000), (3, 30_000), (4, 3000)])
def test_only_the_front_counts(shape, m, n):
    """At sizes where other ways of sorting are taken, and whatever the order."""
    rng = np.random.default_rng(m)
    F, ref = shape(rng, n, m), np.full(m, 1.01)
    front = F[is_nondominated(F)]
    volume = hypervolume(F, ref)
    assert volume == pytest.approx(hypervolume(front, ref), rel=1e-12)
    assert volume == pytest.approx(hypervolume(front[np.argsort(front[:, 0])], ref), rel=1e-12)


@pytest.mark.parametrize("m", [2, 3])
def test_ten_million_points(m):
    """Few of them are on the front, and these alone are measured again."""
    F = np.random.default_rng(m).random((10**7, m))
    ref = np.full(m, 1.1)
    front = is_nondominated(F)
    assert 1 < front.sum() < 10**4
    assert hypervolume(F, ref) == pytest.approx(hypervolume(F[front], ref), rel=1e-12)
    assert (F[front].min(axis=0) == F.min(axis=0)).all()  # the best of each objective is there


@shapes
@pytest.mark.parametrize(("m", "n"), [(2, 60_000), (3, 30_000), (4, 3000)])
def test_threads_change_no_digit(shape, m, n):
    rng = np.random.default_rng(m)
    F, ref = shape(rng, n, m), np.full(m, 1.01)
    assert len({hypervolume(F, ref, n_threads=k) for k in (1, 2, 3)}) == 1
    if m < 4:
        one, two = (hv_contributions(F, ref, n_threads=k) for k in (1, 2))
        assert (one == two).all()


LEVELS = """
import sys
import numpy as np
from lamoo_fast import hv_contributions, hv_improvement, hypervolume
F = np.load(sys.argv[1])
out = [hypervolume(F, 1.01), hypervolume(F[:, :3], 1.01)]
out += [*hv_contributions(F[:, :3], 1.01), *hv_improvement(F[:, 1:] * 0.999, F[:, :3], 1.01)]
np.save(sys.argv[2], out)
"""


def test_levels_agree(tmp_path):
    rng = np.random.default_rng(1)
    F = np.vstack([shape(rng, 150, 4) for shape in SHAPES])
    np.save(tmp_path / "F.npy", F)
    results = []
    for level in ("baseline", "avx2", "avx512"):
        subprocess.run(
            [sys.executable, "-c", LEVELS, tmp_path / "F.npy", tmp_path / "out.npy"],
            env={**os.environ, "LAMOO_FAST_SIMD": level}, check=True,
        )  # fmt: skip
        results.append(np.load(tmp_path / "out.npy"))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-12, atol=0)
