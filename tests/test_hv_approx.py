"""hv_approx: reproducible, and its standard error is honest."""

import numpy as np
import pytest

from lamoo_fast.kernels import hv_approx, hypervolume


def fronts(count, m, n):
    for seed in range(count):
        rng = np.random.default_rng([seed, m])
        F = rng.random((n, m))
        yield seed, F / np.linalg.norm(F, axis=1, keepdims=True) if seed % 2 else F


@pytest.mark.parametrize(("m", "n"), [(2, 10), (3, 20), (5, 20), (8, 12)])
def test_standard_error_is_honest(m, n):
    """Over seeded sets the error in standard errors is as it should be for few replicates."""
    z = []
    for seed, F in fronts(200, m, n):
        exact = hypervolume(F, 1.1)
        estimate = hv_approx(F, 1.1, n_samples=2**10, seed=seed)
        assert estimate.value == pytest.approx(exact, rel=0.3)
        assert estimate.stderr > 0
        z.append((estimate.value - exact) / estimate.stderr)
    z = np.array(z)
    assert abs(z.mean()) < 0.35  # no bias: 0.07 is one standard error here
    assert np.mean(np.abs(z) < 1.96) > 0.88
    assert np.mean(np.abs(z) < 4) > 0.98
    assert np.mean(np.abs(z) < 0.5) < 0.6  # and not far too wide


def test_more_samples_less_error():
    for seed, F in fronts(6, 5, 20):
        few, many = (hv_approx(F, 1.1, n_samples=n, seed=seed) for n in (2**10, 2**16))
        assert many.stderr < few.stderr / 4


def test_reproducible_by_seed():
    F = np.random.default_rng(0).random((20, 5))
    first = hv_approx(F, 1.1, n_samples=5000, seed=7)
    assert first == hv_approx(F, 1.1, n_samples=5000, seed=7)
    assert first == hv_approx(F, 1.1, n_samples=5000, seed=np.int32(7), n_threads=2)
    assert first.value != hv_approx(F, 1.1, n_samples=5000, seed=8).value
    a, b = (hv_approx(F, 1.1, seed=np.random.default_rng(3), n_samples=5000) for _ in range(2))
    assert a == b
    rng = np.random.default_rng(3)
    assert hv_approx(F, 1.1, seed=rng, n_samples=5000) == a
    assert hv_approx(F, 1.1, seed=rng, n_samples=5000) != a  # the generator has moved on
    assert len({hv_approx(F, 1.1, n_samples=5000).value for _ in range(3)}) == 3


def test_number_of_samples():
    F = np.random.default_rng(0).random((20, 5))
    assert 0.9 * 2**17 <= hv_approx(F, 1.1, seed=0).n_samples <= 2**17
    assert 0.9 * 3000 <= hv_approx(F, 1.1, n_samples=3000, seed=0).n_samples <= 3000


@pytest.mark.parametrize("rel_tol", [1e-2, 1e-3])
def test_rel_tol(rel_tol):
    for seed, F in fronts(5, 6, 15):
        estimate = hv_approx(F, 1.1, rel_tol=rel_tol, seed=seed)
        assert estimate.stderr <= rel_tol * estimate.value
        assert abs(estimate.value - hypervolume(F, 1.1)) < 6 * rel_tol * estimate.value
        capped = hv_approx(F, 1.1, rel_tol=1e-12, n_samples=4096, seed=seed)
        assert capped.n_samples <= 4096


def test_exact_where_it_can_be():
    """One objective, no point, no point below ref."""
    F = np.array([[0.25], [0.5], [2.0]])
    assert hv_approx(F, 1.0, n_samples=64, seed=0)[:2] == pytest.approx((0.75, 0.0), abs=1e-15)
    for m in (1, 2, 5, 40):
        assert hv_approx(np.empty((0, m)), 1.0, seed=0)[:2] == (0.0, 0.0)
        assert hv_approx(np.ones((3, m)), 1.0, seed=0)[:2] == (0.0, 0.0)


@pytest.mark.parametrize("m", [1, 2, 3, 10, 40])
def test_one_point_many_objectives(m):
    estimate = hv_approx(np.full((1, m), 0.5), 1.5, seed=1)
    assert abs(estimate.value - 1.0) <= max(6 * estimate.stderr, 1e-12)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"n_samples": 0}, "n_samples must be in"),
        ({"n_samples": -1}, "n_samples must be in"),
        ({"rel_tol": 0.0}, "rel_tol must be positive"),
        ({"rel_tol": float("nan")}, "rel_tol must be positive"),
        ({"seed": -1}, "seed must be in"),
        ({"seed": 2**64}, "seed must be in"),
    ],
)
def test_bad_values(kwargs, message):
    with pytest.raises(ValueError, match=message):
        hv_approx([[0.0, 0.0]], 1.0, **kwargs)


def test_bad_types():
    for kwargs in ({"n_samples": 2.5}, {"seed": "x"}, {"seed": 1.5}, {"n_samples": True}):
        with pytest.raises(TypeError, match="must be an integer"):
            hv_approx([[0.0, 0.0]], 1.0, **kwargs)
