import pickle

import naive
import naive_search
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.svm import SVC

from lamoo_fast.search.partition import SVMClassifier, better_half, split_rows, violation

KERNELS = ["rbf", "linear", "poly"]
small_sets = hnp.arrays(
    float, st.tuples(st.integers(1, 14), st.integers(1, 4)), elements=st.integers(0, 4)
)


def problem(n=60, d=4, seed=0):
    """Features and two objectives that disagree along the first feature."""
    Z = np.random.default_rng(seed).random((n, d))
    rest = np.square(Z[:, 1:] - 0.5).sum(axis=1)
    return Z, np.column_stack([Z[:, 0] + rest, 1 - Z[:, 0] + rest])


@given(small_sets)
def test_better_half_is_that_of_the_twin(F):
    good, wanted = better_half(F), naive_search.good_rows(F.tolist())
    assert (None if good is None else good.tolist()) == wanted


@given(small_sets, st.data())
def test_infeasible_and_failed_rows_are_worse_than_all_others(F, data):
    n, c = len(F), data.draw(st.integers(0, 3))
    G = data.draw(hnp.arrays(float, (n, c), elements=st.integers(-3, 3)))
    failed = data.draw(hnp.arrays(bool, n))
    F[failed], G[failed] = np.nan, np.nan
    excess = violation(F, G)
    wanted = naive_search.violations(F.tolist(), G.tolist())
    np.testing.assert_allclose(excess, wanted, rtol=1e-12)
    good, twin = better_half(F, excess), naive_search.good_rows(F.tolist(), excess.tolist())
    assert (None if good is None else good.tolist()) == twin
    if good is not None:
        assert excess[good].max() <= excess[~good].min()


def test_the_smallest_violation_beside_a_huge_one_is_one():
    excess = violation(np.ones((3, 1)), np.array([[5e-324], [1e308], [0.0]]))
    assert excess[2] == 0 < excess[0] < excess[1] == 1


@given(small_sets, st.randoms())
def test_labels_do_not_depend_on_the_order_of_rows(F, random):
    order = list(range(len(F)))
    random.shuffle(order)
    good, shuffled = better_half(F), better_half(F[order])
    assert (good is None) == (shuffled is None)
    assert good is None or np.array_equal(good[order], shuffled)


def test_ties_share_a_label_and_the_cut_is_nearest_to_half():
    F = np.array([[0, 0], [1, 1], [1, 1], [1, 1], [1, 1], [2, 2]], dtype=float)
    assert better_half(F).tolist() == [True] + [False] * 5  # 1 and 5 are equally near to 3
    F = np.array([[0, 0], [1, 1], [1, 1], [1, 1], [2, 2], [2, 2], [2, 2]], dtype=float)
    assert better_half(F).tolist() == [True] * 4 + [False] * 3
    assert better_half(np.ones((5, 2))) is None
    assert better_half(np.array([[0.0, 1.0], [1.0, 0.0]])) is None


def test_equal_dominance_counts_are_told_apart_by_rank():
    # Rows 2 and 3 are dominated by two rows each; for row 2 these form a chain, for row 3 not.
    F = np.array([[0, 8], [1, 9], [2, 10], [8, 3], [7, 2.5], [7.5, 2.2]])
    assert naive.dominance_count(F) == [0, 1, 2, 2, 0, 0]
    assert naive.pareto_rank(F) == [0, 1, 2, 1, 0, 0]
    worse = np.full((4, 2), 20.0)
    assert better_half(np.vstack([F, worse])).tolist() == [1, 1, 0, 1, 1, 1] + [0] * 4


@pytest.mark.parametrize("kernel", KERNELS)
def test_decision_is_that_of_scikit_learn(kernel):
    Z, F = problem()
    good = better_half(F)
    split = SVMClassifier(kernel, C=3, degree=4).fit(Z, good)
    scaled = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    svc = SVC(C=3, kernel=kernel, gamma=1 / 4, degree=4, coef0=1).fit(scaled, good)
    probe = np.random.default_rng(1).random((900, 4))
    wanted = svc.decision_function((probe - Z.mean(axis=0)) / Z.std(axis=0))
    np.testing.assert_allclose(split.decision(probe), wanted, atol=0.02)  # both within 1e-3
    assert np.mean(split.side(probe) == (wanted > 0)) > 0.99


@pytest.mark.parametrize("kernel", KERNELS)
def test_side_of_a_point_does_not_depend_on_its_company(kernel):
    # A symmetric discrete problem: many points have a decision of exactly 0 in real arithmetic.
    codes = np.stack(np.meshgrid(*[np.arange(3)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    Z = np.eye(3)[codes].reshape(len(codes), -1)
    good = (codes == 0).sum(axis=1) > (codes == 1).sum(axis=1)
    split = SVMClassifier(kernel).fit(Z, good)
    together = split.side(Z)
    alone = [bool(split.side(Z[i : i + 1])[0]) for i in range(len(Z))]
    pairs = np.concatenate([split.side(Z[i : i + 2]) for i in range(0, len(Z), 2)])
    assert together.tolist() == alone == pairs.tolist()


@pytest.mark.parametrize("kernel", KERNELS)
def test_features_are_scaled(kernel):
    Z, F = problem()
    sides = [split_rows(SVMClassifier(kernel), Z * s + t, F, 5)[1] for s, t in [(1, 0), (2**20, 7)]]
    assert np.array_equal(*sides)


def test_constant_features_are_harmless():
    Z, F = problem()
    with_constant = np.column_stack([Z, np.full(len(Z), 0.3)])
    assert np.array_equal(
        split_rows(SVMClassifier(), Z, F, 5)[1],
        split_rows(SVMClassifier(), with_constant, F, 5)[1],
    )


def test_split_refuses():
    Z, F = problem()
    svm = SVMClassifier()
    assert split_rows(svm, Z, F, 5) is not None
    assert split_rows(svm, Z[:9], F[:9], 5) is None  # too few rows
    assert split_rows(svm, Z, np.ones_like(F), 5) is None  # one class
    assert split_rows(svm, np.ones_like(Z), F, 5) is None  # all rows in one place
    side = split_rows(svm, Z, F, 5)[1]
    smaller = int(min(side.sum(), 60 - side.sum()))
    assert smaller < 30
    assert split_rows(svm, Z, F, smaller) is not None
    assert split_rows(svm, Z, F, smaller + 1) is None  # too small a child


def test_sides_need_not_be_the_labels():
    Z, F = problem()
    F = F + np.random.default_rng(3).normal(0, 0.3, F.shape)
    split, side = split_rows(SVMClassifier("linear"), Z, F, 5)
    assert not np.array_equal(side, better_half(F))
    assert np.array_equal(side, split.side(Z))


@pytest.mark.parametrize("kernel", KERNELS)
def test_splits_can_be_pickled(kernel):
    Z, F = problem()
    split, side = split_rows(SVMClassifier(kernel), Z, F, 5)
    assert np.array_equal(pickle.loads(pickle.dumps(split)).side(Z), side)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": "sigmoid"}, "kernel is 'sigmoid'"),
        ({"C": 0}, "C is 0"),
        ({"C": float("nan")}, "C is nan"),
        ({"gamma": "auto"}, "gamma is 'auto'"),
        ({"gamma": -1.0}, "gamma is -1.0"),
        ({"degree": 0}, "degree is 0"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SVMClassifier(**settings)
