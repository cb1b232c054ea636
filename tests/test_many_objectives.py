"""Searches where almost nothing is dominated: labels, trees and asks."""

import naive_search
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from toys import run

from lamoo_fast.kernels import dominance_count, is_nondominated
from lamoo_fast.search import (
    BoTorchSampler,
    CMASampler,
    EHVISampler,
    Float,
    Greedy,
    LaMOO,
    Leaf,
    Path,
    Space,
    SVMClassifier,
    UniformSampler,
)
from lamoo_fast.search.partition import better_half, rank_sum, split_rows

CUBE = Space({f"x{i}": Float(0, 1) for i in range(4)})
sets = hnp.arrays(
    float, st.tuples(st.integers(1, 20), st.integers(1, 6)), elements=st.integers(0, 5)
)


def many(m):
    """Objectives that each want another point, and all want x0 near 0.3."""
    targets = np.random.default_rng(m).random((m, 4))

    def evaluate(config):
        x = np.array(list(config.values()))
        return np.abs(x - targets).sum(axis=1) + 0.2 * abs(x[0] - 0.3)

    return evaluate


@given(sets)
def test_rank_sums_are_those_of_the_twin(F):
    least = F.shape[1]  # the twin counts each row against itself
    assert (rank_sum(F) + least).tolist() == naive_search.rank_sums(F.tolist())


@given(sets, st.data())
def test_labels_depend_on_the_order_of_values_alone(F, data):
    n, m = F.shape
    good = better_half(F)
    rows = np.array(data.draw(st.permutations(range(n))))
    columns = np.array(data.draw(st.permutations(range(m))))
    growing = np.stack([np.cumsum(data.draw(hnp.arrays(
        float, 6, elements=st.integers(1, 1000)))) for _ in range(m)])  # fmt: skip
    other = np.stack([growing[j][F[:, j].astype(int)] for j in range(m)], axis=1)
    for changed, wanted in (
        (F[rows], None if good is None else good[rows]),
        (F[:, columns], good),
        (other * 2.0**100, good),
    ):
        found = better_half(changed)
        assert (found is None) == (wanted is None)
        assert found is None or np.array_equal(found, wanted)


@given(sets)
def test_no_row_is_better_than_one_that_dominates_it(F):
    good = better_half(F)
    if good is not None:
        assert dominance_count(F)[good].max() <= dominance_count(F)[~good].min()
        for f in F[good]:
            better = (f >= F).all(axis=1) & (f > F).any(axis=1)
            assert good[better].all()


@pytest.mark.parametrize("m", [3, 5, 13])
def test_rows_that_are_all_nondominated_are_split_in_the_middle(m):
    F = np.random.default_rng(m).dirichlet(np.ones(m), 60)
    assert is_nondominated(F).all()
    good = better_half(F)
    assert 25 <= good.sum() <= 35
    assert rank_sum(F)[good].max() < rank_sum(F)[~good].min()


def test_on_a_front_of_two_objectives_no_row_is_better():
    x = np.random.default_rng(0).random(50)
    assert better_half(np.column_stack([x, 1 - x**3])) is None


def test_ranks_of_two_objectives_are_not_added_up():
    F = np.array([[0, 9], [1, 10], [2, 4], [8, 5], [3, 3], [4, 2], [9, 0], [6, 8]], dtype=float)
    front = dominance_count(F) == 0
    assert front.sum() == 5
    assert len(set(rank_sum(F)[front])) == 3
    assert np.array_equal(better_half(F), front)
    assert better_half(np.column_stack([F, np.zeros(8)])).sum() == 4


def test_ties_in_everything_share_a_label():
    F = np.vstack([np.eye(6)] * 5)  # each row as good as any
    assert is_nondominated(F, keep_weakly=True).all()
    assert better_half(F) is None
    worse = np.ones((4, 6))
    assert better_half(np.vstack([F, worse])).tolist() == [True] * 30 + [False] * 4


def test_a_nondominated_set_is_split_where_the_points_tell_it_apart():
    X = np.random.default_rng(0).random((100, 2))
    knee = X[:, :1] * np.ones(4) + 0.01 * np.random.default_rng(1).dirichlet(np.ones(4), 100)
    F = np.column_stack([knee, 1 - X[:, 0]])  # the last objective keeps all of them on the front
    assert is_nondominated(F).all()
    _, side = split_rows(SVMClassifier(), X, F, 10)
    assert X[side, 0].mean() < 0.3 < 0.7 < X[~side, 0].mean()


@pytest.mark.parametrize("selection", [Leaf(), Path(), Greedy()], ids=repr)
@pytest.mark.parametrize("m", [5, 13])
def test_searches_end(m, selection):
    opt = LaMOO(CUBE, ["minimize"] * m, sampler=UniformSampler(), selection=selection, seed=0)
    run(opt, 150, 10, many(m))
    assert is_nondominated(np.array([t.values for t in opt.trials])).mean() > 0.4
    assert len(opt.tree) > 5
    assert opt.tree.visits[opt.tree.leaves].max() <= 75
    assert opt.hypervolume() > 0
    assert len(opt.pareto_front()) > 50


def test_a_model_of_many_objectives_gets_larger_regions():
    for m, sampler, wanted in (
        (2, None, 10),
        (3, None, 40),
        (3, BoTorchSampler(), 40),
        (3, UniformSampler(), 10),
        (3, CMASampler(), 10),
    ):
        opt = LaMOO(CUBE, ["minimize"] * m, sampler=sampler)
        assert opt.leaf_size == opt.settings()["leaf_size"] == wanted
        assert LaMOO(CUBE, ["minimize"] * m, sampler=sampler, leaf_size=7).leaf_size == 7


def test_the_default_sampler_searches_thirteen_objectives():
    opt = LaMOO(CUBE, ["minimize"] * 13, sampler=EHVISampler(n_candidates=32), seed=0)
    run(opt, 14, 2, many(13))
    assert len(opt.trials) == 14


@pytest.mark.parametrize("selection", [Leaf(), Path()], ids=repr)
def test_an_ask_with_a_thousand_trials_of_fifteen_objectives_ends(selection):
    opt = LaMOO(CUBE, ["minimize"] * 15, sampler=UniformSampler(), selection=selection, seed=0)
    configs = CUBE.decode(np.random.default_rng(0).random((1000, 4)))
    opt.tell(configs, [many(15)(c) for c in configs])
    opt.ask(5)  # exact hypervolumes would take years
    assert opt.tree.volume(0).stderr > 0
    assert opt.tree.volume(0).stderr <= 2e-3 * opt.tree.value(0)


def test_one_seed_gives_one_search_where_volumes_are_estimates():
    runs = []
    for _ in range(2):
        opt = LaMOO(CUBE, ["minimize"] * 13, sampler=UniformSampler(), selection=Path(), seed=3)
        runs.append([t.config for t in run(opt, 80, 10, many(13)).trials])
        assert opt.tree.volume(0).stderr > 0
    assert runs[0] == runs[1]


def test_many_objectives_that_are_all_equal():
    opt = LaMOO(CUBE, ["minimize"] * 13, sampler=UniformSampler(), seed=0)
    run(opt, 60, 10, lambda c: np.full(13, c["x0"]))  # as one objective
    assert len(opt.pareto_front()) == 1
    assert len(opt.tree) > 1
    flat = LaMOO(CUBE, ["minimize"] * 13, sampler=UniformSampler(), seed=0)
    run(flat, 40, 10, lambda c: np.ones(13))  # nothing to learn
    assert len(flat.tree) == 1
