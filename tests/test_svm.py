"""Support vector machines beside scikit-learn's and a slow twin."""

import os
import pickle
import subprocess
import sys

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.svm import SVC

from lamoo_fast.kernels.svm import KERNELS, SVM, on_sides, train_svm


def problem(n, f, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f))
    score = 0.3 * np.square(X).sum(axis=1) + X[:, 0] + noise * rng.normal(size=n)
    return X, score < np.median(score)


def settings(kernel, f, C=10.0):
    return {"kernel": kernel, "gamma": 1 / f, "degree": 3, "C": C}


def svc_of(X, good, tol=1e-3, **given):
    return SVC(coef0=1, tol=tol, **given).fit(X, good)


def as_svm(svc, f):
    return SVM(
        svc.kernel, svc.gamma, svc.degree, np.zeros(f), np.ones(f), svc.support_vectors_,
        svc.dual_coef_[0], float(svc.intercept_[0]),
    )  # fmt: skip


@st.composite
def machines(draw, f):
    """Any machine, not a trained one: grids, ties, far and huge numbers."""
    s = draw(st.integers(0, 9))
    numbers = st.sampled_from([0.0, 1.0, -1.0, 0.5, 3.0]) | st.floats(-40, 40, width=32)
    weights = st.sampled_from([0.0, 1.0, -1.0, 10.0]) | st.floats(-1e4, 1e4, width=32)
    return SVM(
        draw(st.sampled_from(KERNELS)),
        draw(st.sampled_from([1 / f, 1e-6, 0.5, 300.0])),
        draw(st.integers(1, 5)),
        draw(hnp.arrays(float, f, elements=st.integers(-2, 2))),
        draw(hnp.arrays(float, f, elements=st.sampled_from([1.0, 0.03, 7.0]))),
        draw(hnp.arrays(float, (s, f), elements=numbers)),
        draw(hnp.arrays(float, s, elements=weights)),
        draw(st.sampled_from([0.0, -1.0, 0.25])),
    )


@st.composite
def paths(draw):
    f = draw(st.integers(1, 7))
    sides = draw(st.lists(st.tuples(machines(f), st.booleans()), min_size=1, max_size=4))
    n = draw(st.integers(0, 70))
    grid = draw(hnp.arrays(float, (n, f), elements=st.integers(-3, 3)))
    return sides, grid if draw(st.booleans()) else np.random.default_rng(n).normal(size=(n, f))


@given(paths())
def test_decisions_are_those_of_the_twin(case):
    sides, Z = case
    for svm, _ in sides:
        size = 1e-12 * (1 + max(np.abs(svm.dual), default=0))
        if svm.kernel != "rbf":
            with np.errstate(all="ignore"):
                far = np.abs((Z - svm.mean) / svm.scale).max(initial=1)
                far *= np.abs(svm.support).max(initial=1) * len(svm.mean)
                size *= far if svm.kernel == "linear" else (svm.gamma * far + 1) ** svm.degree
        wanted = [naive.svm_decision(svm, z) for z in Z.tolist()]
        np.testing.assert_allclose(svm.decision(Z), wanted, rtol=1e-9, atol=10 * size)


@given(paths(), st.sampled_from([0.0, 1e-9, -0.3]))
def test_sides_are_exactly_those_of_the_decisions(case, margin):
    sides, Z = case
    wanted = np.ones(len(Z), dtype=bool)
    for svm, above in sides:
        wanted &= (svm.decision(Z) > margin) == above
    assert np.array_equal(on_sides(sides, Z, margin), wanted)
    for i in range(len(Z)):  # whatever the company
        assert on_sides(sides, Z[i : i + 1], margin)[0] == wanted[i]


@pytest.mark.parametrize("stretch", [1, 20])
@pytest.mark.parametrize(("n", "f"), [(30, 1), (400, 3), (400, 10), (400, 30)])
def test_points_at_the_boundary_are_on_the_side_of_their_decision(n, f, stretch):
    """In single precision alone, many of these would come out wrong."""
    X, good = problem(n, f)
    X[: n // 10] *= stretch  # long vectors: much of their product cancels
    svm = train_svm(X, good, **settings("rbf", f))
    rng = np.random.default_rng(1)
    inner, outer = (rng.choice(X[(svm.decision(X) > 0) == side], 500) for side in (True, False))
    for _ in range(50):
        middle = (inner + outer) / 2
        above = (svm.decision(middle) > 0)[:, None]
        inner, outer = np.where(above, middle, inner), np.where(above, outer, middle)
    Z = np.vstack([inner + 10.0**-k * rng.normal(size=inner.shape) for k in range(4, 18)])
    wanted = svm.decision(Z) > 0
    assert 0.2 < wanted.mean() < 0.8
    assert np.array_equal(on_sides([(svm, True)], Z), wanted)
    assert np.array_equal(on_sides([(svm, False)], Z), ~wanted)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n", "f"), [(20, 1), (60, 4), (300, 30)])
def test_decision_is_that_of_scikit_learn(kernel, n, f):
    X, good = problem(n, f)
    svc = svc_of(X, good, **settings(kernel, f))
    svm = as_svm(svc, f)
    probe = np.random.default_rng(1).normal(size=(9000, f))  # more than two blocks
    wanted = svc.decision_function(probe)
    np.testing.assert_allclose(svm.decision(probe), wanted, rtol=1e-9, atol=1e-9)
    clear = np.abs(wanted) > 1e-9
    assert np.array_equal(on_sides([(svm, True)], probe)[clear], wanted[clear] > 0)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n", "f"), [(9, 1), (20, 6), (100, 10), (400, 30)])
def test_training_is_that_of_scikit_learn(kernel, n, f):
    X, good = problem(n, f, seed=n)
    probe = np.random.default_rng(1).normal(size=(500, f))
    tight = [
        train_svm(X, good, tolerance=1e-7, **settings(kernel, f)).decision(probe),
        svc_of(X, good, 1e-7, **settings(kernel, f)).decision_function(probe),
    ]
    np.testing.assert_allclose(*tight, atol=1e-4)
    ours = train_svm(X, good, **settings(kernel, f))
    theirs = as_svm(svc_of(X, good, **settings(kernel, f)), f)
    assert dual_objective(ours) == pytest.approx(dual_objective(theirs), rel=1e-4)


def test_many_rows_are_trained_on_like_scikit_learn():
    X, good = problem(1000, 10)
    ours = train_svm(X, good, **settings("rbf", 10))
    svc = svc_of(X, good, **settings("rbf", 10))
    assert abs(len(ours.dual) - len(svc.support_)) <= 3
    assert dual_objective(ours) == pytest.approx(dual_objective(as_svm(svc, 10)), rel=1e-6)
    probe = np.random.default_rng(1).normal(size=(2000, 10))
    np.testing.assert_allclose(ours.decision(probe), svc.decision_function(probe), atol=5e-3)


def gram(svm, X):
    one = [SVM(svm.kernel, svm.gamma, svm.degree, np.zeros(X.shape[1]), np.ones(X.shape[1]),
               x[None], np.ones(1), 0.0) for x in X]  # fmt: skip
    return np.array([unit.decision(X) for unit in one])


def dual_objective(svm):
    return np.abs(svm.dual).sum() - svm.dual @ gram(svm, svm.support) @ svm.dual / 2


@given(
    hnp.arrays(float, st.tuples(st.integers(2, 25), st.integers(1, 4)),
               elements=st.integers(0, 3)),
    st.data(),
)  # fmt: skip
def test_training_is_optimal_even_if_equal_rows_have_different_labels(X, data):
    good = data.draw(hnp.arrays(bool, len(X)))
    good[0], good[-1] = True, False
    kernel = data.draw(st.sampled_from(KERNELS))
    C = data.draw(st.sampled_from([0.1, 10.0]))
    svm = train_svm(X, good, **settings(kernel, X.shape[1], C))
    assert svm.dual.sum() == pytest.approx(0, abs=1e-9)
    assert np.abs(svm.dual).max(initial=0) <= C
    # Each row belongs to the support vectors equal to it, which share its label or another one.
    y = np.where(good, 1.0, -1.0)
    slack = np.maximum(0, 1 - y * svm.decision(X)).sum()
    K = gram(svm, svm.support) if len(svm.dual) else np.zeros((0, 0))
    primal = svm.dual @ K @ svm.dual / 2 + C * slack
    gap = primal - (np.abs(svm.dual).sum() - svm.dual @ K @ svm.dual / 2)
    assert -1e-6 * (1 + primal) <= gap <= 4e-3 * C * len(X)  # no gap at the optimum


FAR = [{"kernel": "poly", "degree": 600}, {"gamma": 1e300}, {"gamma": 1e-300}, {"C": 1e300}]


@pytest.mark.parametrize("extreme", [*FAR, {"C": 1e-300}])
def test_extreme_settings_end(extreme):
    X, good = problem(300, 5)
    svm = train_svm(X, good, **{**settings("rbf", 5), **extreme})
    with np.errstate(all="ignore"):
        assert np.array_equal(on_sides([(svm, True)], X), svm.decision(X) > 0)


LEVELS = """
import sys
import numpy as np
from lamoo_fast.kernels.svm import KERNELS, on_sides, train_svm
rng = np.random.default_rng(0)
X = np.vstack([rng.normal(size=(150, 7)), rng.integers(0, 3, size=(150, 7))])
good = np.square(X).sum(axis=1) + rng.normal(size=300) < 7
Z = np.vstack([rng.normal(size=(5001, 7)), rng.integers(0, 3, size=(2000, 7))])
out = []
for kernel in KERNELS:
    svms = [train_svm(X[:n], good[:n], kernel=kernel, gamma=1 / 7, degree=3, C=10.0)
            for n in (300, 20)]
    out += [svms[0].dual, svms[0].decision(Z), on_sides(list(zip(svms, (True, False))), Z)]
np.save(sys.argv[1], np.concatenate(out))
"""


def test_levels_agree_in_all_bits(tmp_path):
    results = []
    for level in ("baseline", "avx2", "avx512"):
        subprocess.run(
            [sys.executable, "-c", LEVELS, tmp_path / "out.npy"],
            env={**os.environ, "LAMOO_FAST_SIMD": level}, check=True,
        )  # fmt: skip
        results.append(np.load(tmp_path / "out.npy").tobytes())
    assert len(set(results)) == 1


def test_machines_can_be_pickled():
    X, good = problem(50, 3)
    svm = train_svm(X, good, **settings("rbf", 3))
    before = svm.decision(X)
    assert np.array_equal(pickle.loads(pickle.dumps(svm)).decision(X), before)


def test_bad_input():
    X, good = problem(20, 3)
    svm = train_svm(X, good, **settings("rbf", 3))
    other = train_svm(X[:, :2], good, **settings("rbf", 3))
    with pytest.raises(ValueError, match=r"Z has shape \(20, 2\), wanted \(n, 3\)"):
        svm.decision(X[:, :2])
    with pytest.raises(ValueError, match=r"Z has shape \(3,\)"):
        on_sides([(svm, True)], X[0])
    with pytest.raises(ValueError, match="3 and 2 features"):
        on_sides([(svm, True), (other, True)], X)
    with pytest.raises(ValueError, match="sides is empty"):
        on_sides([], X)
    with pytest.raises(ValueError, match="one label only"):
        train_svm(X, np.ones(20, dtype=bool), **settings("rbf", 3))
    with pytest.raises(ValueError, match="have shapes"):
        train_svm(X, good[:19], **settings("rbf", 3))
    with pytest.raises(ValueError, match="have shapes"):
        SVM("rbf", 1.0, 1, np.zeros(3), np.ones(3), X, np.ones(19), 0.0).decision(X)
    assert svm.decision(X[:0]).shape == on_sides([(svm, True)], X[:0]).shape == (0,)
