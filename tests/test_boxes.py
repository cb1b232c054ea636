"""nondominated_boxes and dominated_boxes: disjoint, complete, as few as can be."""

from fractions import Fraction
from itertools import product
from math import inf, prod

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import clouds, point_sets

from lamoo_fast.kernels import (
    TooManyBoxes,
    dominated_boxes,
    filter_dominated,
    hypervolume,
    nondominated_boxes,
)


def containing(boxes, Y):
    """In how many of the boxes each point lies."""
    lower, upper = boxes
    inside = (lower <= Y[:, None]) & (Y[:, None] < upper)
    return inside.all(axis=2).sum(axis=1)


def front_of(n, m, seed):
    F = np.abs(np.random.default_rng(seed).normal(size=(n, m)))
    return F / np.linalg.norm(F, axis=1, keepdims=True)


@settings(max_examples=400, deadline=None)
@given(point_sets(max_n=6, max_m=4))
def test_each_place_is_in_one_box(case):
    """Corners are coordinates of points: what holds on the grid of them holds everywhere."""
    F, ref = case
    levels = [[-inf, *sorted({*column, r})] for column, r in zip(F.T, ref, strict=True)]
    Y = np.array(list(product(*levels)))
    below = (ref > Y).all(axis=1)
    dominated = (F[None] <= Y[:, None]).all(axis=2).any(axis=1)
    for kernel, part in [(nondominated_boxes, ~dominated), (dominated_boxes, dominated)]:
        lower, upper = boxes = kernel(F, ref)
        assert lower.shape == upper.shape == (len(lower), F.shape[1])
        assert (lower < upper).all()
        np.testing.assert_array_equal(containing(boxes, Y), below & part)


@settings(max_examples=400, deadline=None)
@given(point_sets(max_n=6, max_m=4))
def test_as_few_as_local_upper_bounds(case):
    F, ref = case
    bounds = naive.local_upper_bounds(F, ref)
    _, upper = nondominated_boxes(F, ref)
    assert set(map(tuple, upper)) >= bounds
    front = filter_dominated(F[(ref > F).all(axis=1)])
    if all(len(set(column)) == len(front) for column in front.T):
        assert len(upper) == len(bounds)
        assert len(dominated_boxes(F, ref)[0]) <= len(bounds)


@settings(max_examples=200, deadline=None)
@given(point_sets(max_n=9, max_m=6))
def test_volume_is_exact(case):
    F, ref = case
    lower, upper = dominated_boxes(F, ref)
    corners = zip(lower.tolist(), upper.tolist(), strict=True)
    volume = sum(prod(Fraction(b) - Fraction(a) for a, b in zip(*c, strict=True)) for c in corners)
    assert volume == naive.hypervolume(F, ref)


@settings(max_examples=100, deadline=None)
@given(clouds(max_n=40, max_m=5), st.integers(0, 99))
def test_larger_sets(F, seed):
    m = F.shape[1]
    ref = np.full(m, 0.9)
    parts = nondominated_boxes(F, ref), dominated_boxes(F, ref)
    Y = np.random.default_rng(seed).random((200, m)) * 1.3 - 0.3
    Y[::5] = F[np.arange(40) % len(F)]
    dominated = (F[None] <= Y[:, None]).all(axis=2).any(axis=1)
    below = (ref > Y).all(axis=1)
    np.testing.assert_array_equal(containing(parts[0], Y), below & ~dominated)
    np.testing.assert_array_equal(containing(parts[1], Y), below & dominated)
    low, volume = np.full(m, -1.0), hypervolume(F, ref)
    rest = np.prod(parts[0][1] - np.maximum(parts[0][0], low), axis=1).sum()
    assert rest == pytest.approx(np.prod(ref - low) - volume, rel=1e-12)
    assert np.prod(parts[1][1] - parts[1][0], axis=1).sum() == pytest.approx(volume, rel=1e-12)


@pytest.mark.parametrize(("m", "n", "count"), [(1, 9, 1), (2, 300, 301), (3, 300, 601)])
def test_numbers_of_boxes(m, n, count):
    assert len(nondominated_boxes(front_of(n, m, m), 1.1)[0]) == count


def test_order_and_company_do_not_matter():
    F = front_of(30, 4, 0)
    more = np.vstack([F[::-1], F[3:5], F + 0.1, [[0.0, 0.0, 0.0, 1.1], [9.0, -9.0, -9.0, -9.0]]])
    for kernel in (nondominated_boxes, dominated_boxes):
        for corners, wanted in zip(kernel(more, 1.1), kernel(F, 1.1), strict=True):
            np.testing.assert_array_equal(corners, wanted)


def test_boxes_that_fit_together_are_one():
    """Equal heights: a step for each point would be three boxes too many."""
    F = np.array([[0, 3, 0], [1, 2, 0], [2, 1, 0], [3, 0, 0]])
    lower, upper = nondominated_boxes(F, 4)
    assert len(lower) == 6
    assert (upper[:, 2] == 0).sum() == 1


@pytest.mark.parametrize("maximise", [True, [True, False, True], np.array([0, 0, 1])])
def test_maximised(maximise):
    F = front_of(20, 3, 0)
    sign = np.where(np.broadcast_to(maximise, 3), -1.0, 1.0)
    for kernel in (nondominated_boxes, dominated_boxes):
        low, high = (corners * sign for corners in kernel(F, 1.1))
        lower, upper = kernel(F * sign, 1.1 * sign, maximise=maximise)
        np.testing.assert_array_equal(lower, np.minimum(low, high))
        np.testing.assert_array_equal(upper, np.maximum(low, high))
        assert not (np.signbit(lower) & (lower == 0)).any()


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_no_point_below_ref(m):
    for F in (np.empty((0, m)), np.full((2, m), 3.0), np.full((1, m), 4.0)):
        lower, upper = nondominated_boxes(F, 3)
        assert lower.tolist() == [[-inf] * m]
        assert upper.tolist() == [[3.0] * m]
        assert dominated_boxes(F, 3)[0].shape == (0, m)


def test_one_point_of_many_objectives():
    point = np.arange(40.0)[None]
    assert len(nondominated_boxes(point, 40)[0]) == 40
    [box] = np.hstack(dominated_boxes(point, 40))
    assert box.tolist() == [*range(40), *[40.0] * 40]


def test_extreme_numbers():
    huge, tiny = 1.7e308, 5e-324
    F = [[-huge, huge / 2, 0.0], [0.0, -tiny, tiny], [-tiny, 0.0, -huge]]
    lower, upper = nondominated_boxes(F, huge)
    assert len(lower) == 7
    assert set(upper.ravel()) == {huge, *np.ravel(F)}


# ---- the limit ----


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_limit_is_exact(m):
    F = front_of(25, m, m)
    count = len(nondominated_boxes(F, 1.1)[0])
    for kernel in (nondominated_boxes, dominated_boxes):
        assert len(kernel(F, 1.1, max_boxes=count)[0]) <= count
        with pytest.raises(TooManyBoxes, match=rf"max_boxes = {count - 1} boxes in {m} objectives"):
            kernel(F, 1.1, max_boxes=count - 1)


def test_a_limit_ends_what_would_take_forever():
    F = front_of(1000, 40, 0)
    with pytest.raises(ValueError, match="more than max_boxes = 2000"):
        nondominated_boxes(F, 1.1, max_boxes=2000)


def test_bad_limits():
    for bad in (0, -5):
        with pytest.raises(ValueError, match=f"max_boxes must be at least 1, not {bad}"):
            nondominated_boxes([[0, 0]], 1, max_boxes=bad)
    for bad in (2.0, None, True, "9"):
        with pytest.raises(TypeError, match="max_boxes must be an integer"):
            dominated_boxes([[0, 0]], 1, max_boxes=bad)
    assert len(nondominated_boxes([[0, 0]], 1, max_boxes=10**30)[0]) == 2
