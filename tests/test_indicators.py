"""epsilon_additive, epsilon_mult, igd_plus, crowding_distance."""

import os
import subprocess
import sys

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import clouds

import lamoo_fast as lf

some = settings(max_examples=300, deadline=None)


@st.composite
def pairs(draw):
    """Two sets of as many objectives, and which of them are maximised."""
    F = draw(clouds(max_n=40, max_m=6))
    R = np.random.default_rng(draw(st.integers(0, 999))).random(
        (draw(st.integers(1, 40)), F.shape[1])
    )
    if draw(st.booleans()):
        R = R.round(1)
    maximise = draw(st.lists(st.booleans(), min_size=F.shape[1], max_size=F.shape[1]))
    return F, R, maximise


@some
@given(pairs())
def test_equal_naive(case):
    F, R, maximise = case
    signs = np.where(maximise, -1.0, 1.0)
    wanted = naive.epsilon_additive(F * signs, R * signs)
    assert lf.epsilon_additive(F, R, maximise=maximise) == wanted
    wanted = naive.igd_plus(F * signs, R * signs)
    assert lf.igd_plus(F, R, maximise=maximise) == pytest.approx(wanted, rel=1e-13, abs=0)
    F, R = F + 0.1, R + 0.1
    assert lf.epsilon_mult(F, R, maximise=maximise) == naive.epsilon_mult(F, R, maximise)


@some
@given(pairs())
def test_equal_moocore(case):
    moocore = pytest.importorskip("moocore")
    F, R, maximise = case
    for name in ("epsilon_additive", "igd_plus", "epsilon_mult"):
        if name == "epsilon_mult":
            F, R = F + 0.1, R + 0.1
        wanted = getattr(moocore, name)(F, ref=R, maximise=maximise)
        assert getattr(lf, name)(F, R, maximise=maximise) == pytest.approx(wanted, rel=1e-13, abs=0)


def test_nothing_is_missing():
    rng = np.random.default_rng(0)
    for n, k, m in [(1, 1, 1), (15, 3, 2), (16, 17, 40), (1000, 500, 3)]:
        F = rng.random((n, m)) + 1
        assert lf.epsilon_additive(F, F) == 0.0
        assert lf.epsilon_mult(F, F) == 1.0
        assert lf.igd_plus(F, F) == 0.0
        assert lf.epsilon_additive(F + 0.5, F.min(axis=0)[None]) >= 0.5
        R = rng.random((k, m)) + 1
        for kernel in (lf.epsilon_additive, lf.epsilon_mult, lf.igd_plus):
            assert kernel(F, R, n_threads=3) == kernel(F, R) == kernel(F.tolist(), R.tolist())


def test_extreme_numbers():
    F, R = np.array([[3.0, 4.0]]), np.zeros((2, 2))
    for scale in (1e-300, 1e-160, 1e160, 1e300):
        assert lf.igd_plus(F * scale, R) == pytest.approx(5 * scale, rel=1e-12)
    huge = np.finfo(float).max
    assert lf.crowding_distance([[-huge], [0.0], [huge]]).tolist() == [np.inf, 1.0, np.inf]
    assert lf.epsilon_additive([[huge]], [[-huge]]) == np.inf


def test_distances_far_below_the_numbers():
    """Squares of differences underflow next to numbers that need no scaling."""
    one = np.array([[0.0, 1.0]])
    for tiny in (1e-100, 1e-155, 1e-162, 1e-200, 1e-300, 5e-324):
        F = np.array([[3 * tiny, 0.0], [1.0, 0.0]])
        assert lf.igd_plus(F, one) == pytest.approx(3 * tiny, rel=1e-12, abs=0)
    assert lf.igd_plus([[1e200, 1e40]], [[1e200, 0.0]]) == pytest.approx(1e40, rel=1e-12)
    assert lf.igd_plus([[3e-200, 4e-200, 0]], [[0, 0, 1], [0, 0, 2]]) == pytest.approx(
        5e-200, rel=1e-12, abs=0
    )
    assert lf.igd_plus([[0.0, 0.0]], [[0.0, 1.0]]) == 0.0
    huge = np.finfo(float).max
    assert lf.igd_plus([[huge], [-huge / 2]], [[-huge]]) == huge / 2


def test_crowding_of_the_least_numbers():
    """Half of the least number is 0."""
    inf = np.inf
    assert lf.crowding_distance([[0.0], [5e-324]]).tolist() == [inf, inf]
    assert lf.crowding_distance(5e-324 * np.array([[0], [1], [3], [4]])).tolist() == [
        inf,
        0.75,
        0.75,
        inf,
    ]


@pytest.mark.parametrize("kernel", [lf.epsilon_additive, lf.epsilon_mult, lf.igd_plus])
def test_bad_input(kernel):
    good = np.ones((2, 3))
    for bad, message in [
        (np.ones((0, 3)), "{} has no points"),
        (np.ones(3), "{} must have shape"),
        (np.full((1, 3), np.nan), "{} must be finite"),
        (np.ones((2, 2)), "F has . columns but ref has ."),
    ]:
        with pytest.raises(ValueError, match=message.format("F")):
            kernel(bad, good)
        with pytest.raises(ValueError, match=message.format("ref")):
            kernel(good, bad)
    with pytest.raises(ValueError, match="maximise"):
        kernel(good, good, maximise=[True])
    with pytest.raises(ValueError, match="n_threads"):
        kernel(good, good, n_threads=0)


def test_mult_needs_positive_numbers():
    for bad in ([[0.0, 1.0]], [[1.0, -1.0]]):
        with pytest.raises(ValueError, match="F must be above 0 everywhere"):
            lf.epsilon_mult(bad, [[1.0, 1.0]])
        with pytest.raises(ValueError, match="ref must be above 0 everywhere"):
            lf.epsilon_mult([[1.0, 1.0]], bad, maximise=True)


@some
@given(clouds(max_n=60), st.integers(1, 4))
def test_crowding(F, fronts):
    rank = np.random.default_rng(len(F)).integers(fronts, size=len(F))
    np.testing.assert_allclose(
        lf.crowding_distance(F, rank=rank), naive.crowding_distance(F, rank), rtol=1e-12
    )
    np.testing.assert_array_equal(
        lf.crowding_distance(F, rank=rank * 10**12), lf.crowding_distance(F, rank=rank)
    )
    one = naive.crowding_distance(F, [0] * len(F))
    np.testing.assert_allclose(lf.crowding_distance(F), one, rtol=1e-12)


@some
@given(clouds(min_n=2, max_n=60))
def test_crowding_equals_pymoo(F):
    metrics = pytest.importorskip("pymoo.operators.survival.rank_and_crowding.metrics")
    with np.errstate(invalid="ignore"):
        wanted = metrics.calc_crowding_distance(F)
    np.testing.assert_allclose(lf.crowding_distance(F), wanted, rtol=1e-9)


def test_crowding_of_few():
    assert lf.crowding_distance(np.empty((0, 2))).tolist() == []
    assert lf.crowding_distance(np.empty((0, 2)), rank=[]).tolist() == []
    assert lf.crowding_distance([[1.0, 2.0]]).tolist() == [0.0]  # no range
    assert lf.crowding_distance([[1.0, 2.0], [2.0, 1.0]]).tolist() == [np.inf, np.inf]


def test_crowding_refuses_ranks():
    F = np.ones((2, 2))
    with pytest.raises(ValueError, match=r"rank must have shape \(2,\)"):
        lf.crowding_distance(F, rank=[1])
    with pytest.raises(ValueError, match="rank must be at least 0, not -1"):
        lf.crowding_distance(F, rank=[0, -1])
    with pytest.raises(TypeError, match="rank must be integers"):
        lf.crowding_distance(F, rank=[0.0, 1.0])


LEVELS = """
import numpy as np, lamoo_fast as lf
rng = np.random.default_rng(0)
F, R = 1 + rng.random((333, 5)), 1 + rng.random((77, 5))
for kernel in (lf.epsilon_additive, lf.epsilon_mult, lf.igd_plus):
    print(kernel(F, R).hex(), kernel(F, R, maximise=True).hex())
print(lf.igd_plus(1e-200 * F, 1e-200 * R).hex())
for n in (1, 33, 5000):
    F, rank = rng.integers(99, size=(n, 3)), rng.integers(9, size=n)
    print(hash(lf.crowding_distance(F, rank=rank).tobytes()))
"""


def test_levels_agree():
    lines = {
        subprocess.run(
            [sys.executable, "-c", LEVELS],
            env={**os.environ, "LAMOO_FAST_SIMD": level, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for level in ("baseline", "avx2", "avx512")
    }
    assert len(lines) == 1
