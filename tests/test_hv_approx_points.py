"""hv_approx_contributions and hv_approx_improvement: exact where they can be, honest elsewhere."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import point_sets

from lamoo_fast.kernels import (
    hv_approx_contributions,
    hv_approx_improvement,
    hv_contributions,
    hv_improvement,
)

T_31 = 2.0395  # 97.5 % quantile of Student's t, for 32 replicates


def sphere(n, m, seed):
    F = np.abs(np.random.default_rng([n, m, seed]).normal(size=(n, m)))
    return F / np.linalg.norm(F, axis=1, keepdims=True)


@given(point_sets(max_n=9, max_m=5))
@settings(deadline=None)
def test_few_points_are_exact(case):
    """Every cell is counted; ties, repeated and dominated points included."""
    F, ref = case
    for ignore in (True, False):
        got = hv_approx_contributions(F, ref, seed=0, n_samples=2**13, ignore_dominated=ignore)
        wanted = hv_contributions(F, ref, ignore_dominated=ignore)
        np.testing.assert_allclose(got.value, wanted, rtol=1e-11, atol=0)
        assert not got.stderr.any()
    got = hv_approx_improvement(F[::2], F[1::2], ref, seed=0, n_samples=2**13)
    np.testing.assert_allclose(got.value, hv_improvement(F[::2], F[1::2], ref), rtol=1e-11, atol=0)


def linear(n, m, seed):
    F = np.random.default_rng([n, m, seed]).exponential(size=(n, m))
    return F / F.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("shape", [sphere, linear])
@pytest.mark.parametrize(("m", "n"), [(8, 40), (12, 25)])
def test_standard_errors_are_honest(shape, m, n):
    """Contributions range over orders of magnitude; each has its own error bar."""
    z, errors = [], []
    for seed in range(12):
        F = shape(n, m, seed)
        exact = hv_contributions(F, 1.1)
        got = hv_approx_contributions(F, 1.1, n_samples=2**10, seed=seed)
        assert got.n_samples == 2**10
        sampled = got.stderr > 0
        np.testing.assert_allclose(got.value[~sampled], exact[~sampled], rtol=1e-11)
        z.append((got.value - exact)[sampled] / got.stderr[sampled])
        errors.append((got.value / exact - 1.0)[sampled])
    z, errors = np.concatenate(z), np.concatenate(errors)
    assert len(z) > 100
    assert np.mean(np.abs(z) < T_31) > 0.91
    assert np.mean(np.abs(z) < 0.5) < 0.6
    assert abs(z.mean()) < 0.3
    assert np.sqrt(np.mean(errors**2)) < 0.1


def test_more_samples_less_error():
    F = sphere(40, 9, 0)
    few, many = (hv_approx_contributions(F, 1.1, n_samples=k, seed=0) for k in (2**9, 2**13))
    assert many.stderr.sum() < few.stderr.sum() / 4


def test_improvement():
    F, C = sphere(40, 9, 0), sphere(15, 9, 1) * np.linspace(0.8, 1.1, 15)[:, None]
    exact = hv_improvement(C, F, 1.1)
    got = hv_approx_improvement(C, F, 1.1, seed=0)
    assert np.abs(got.value - exact).max() < 0.1 * exact.max()
    assert np.all(np.abs(got.value - exact) <= 6 * got.stderr + 1e-12 * exact)
    flipped = hv_approx_improvement(-C, -F, -1.1, seed=0, maximise=True)
    np.testing.assert_array_equal(flipped.value, got.value)
    assert hv_approx_improvement(np.empty((0, 9)), F, 1.1).value.shape == (0,)
    alone = hv_approx_improvement(C, np.empty((0, 9)), 1.1, seed=0)
    np.testing.assert_allclose(alone.value, np.prod(1.1 - C, axis=1), rtol=1e-12)


def test_reproducible_by_seed():
    F = sphere(30, 10, 0)
    first = hv_approx_contributions(F, 1.1, n_samples=256, seed=7)
    for other in (
        hv_approx_contributions(F, 1.1, n_samples=300, seed=7, n_threads=2),
        hv_approx_contributions(F, 1.1, n_samples=256, seed=np.int64(7)),
    ):
        np.testing.assert_array_equal(first.value, other.value)
        np.testing.assert_array_equal(first.stderr, other.stderr)
    other = hv_approx_contributions(F, 1.1, n_samples=256, seed=8)
    assert (first.value != other.value).any()


LEVEL = """
import numpy as np
from lamoo_fast.kernels import hv_approx_contributions
F = np.abs(np.random.default_rng(0).normal(size=(40, 11)))
F /= np.linalg.norm(F, axis=1, keepdims=True)
print(hv_approx_contributions(F, 1.1, n_samples=512, seed=3).value.tolist())
"""


def test_every_level_gives_the_same_bits():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", LEVEL], capture_output=True, text=True, timeout=600, check=True,
            env={**os.environ, "LAMOO_FAST_SIMD": level},
        ).stdout
        for level in ("baseline", "avx2", "avx512")
    ]  # fmt: skip
    assert outputs[0] == outputs[1] == outputs[2]


def test_bad_values():
    with pytest.raises(ValueError, match="n_samples must be in"):
        hv_approx_contributions([[0.0, 0.0]], 1.0, n_samples=0)
    with pytest.raises(ValueError, match="candidates has 3 columns but F has 2"):
        hv_approx_improvement(np.zeros((1, 3)), np.zeros((1, 2)), 1.0)
    with pytest.raises(TypeError, match="ignore_dominated must be"):
        hv_approx_contributions([[0.0, 0.0]], 1.0, ignore_dominated="no")
