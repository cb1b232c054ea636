"""One test for each mistake that the kernels once made."""

import time
import warnings

import naive
import numpy as np
import pytest
from test_hypervolume import assert_close

from lamoo_fast.kernels import (
    _check,
    _core,
    hv_approx,
    hv_contributions,
    hv_improvement,
    hypervolume,
    hypervolume_batch,
    is_nondominated,
    pareto_rank,
)


@pytest.mark.parametrize("m", [3, 4, 6, 12])
def test_boxes_wide_in_one_objective_each(m):
    """Products scaled by the spans underflowed to 0."""
    F = np.full((m, m), -1.0)
    np.fill_diagonal(F, -1e307)
    ref = np.zeros(m)
    assert_close(hypervolume(F, ref), [naive.hypervolume(F, ref)])
    assert_close(hv_contributions(F, ref), naive.hv_contributions(F, ref))
    assert_close(hv_improvement(F[:1], F[1:], ref), naive.hv_improvement(F[:1], F[1:], ref))


@pytest.mark.parametrize("m", [2, 3, 5])
def test_small_steps_in_a_wide_objective(m):
    """Coordinates scaled by the span underflowed, so that points were equal which are not."""
    F = np.zeros((2, m))
    F[0, 1], F[1, 0] = 1.0, 1e-20
    ref = np.full(m, 2.0)
    ref[0] = 1e307
    exact = naive.hv_contributions(F, ref)
    assert exact[0] > 0
    assert_close(hv_contributions(F, ref), exact)
    assert_close(hv_improvement(F, F[::-1], ref), [0, 0])
    assert_close(hv_improvement(F[:1], F[1:], ref), exact[:1])


def test_small_contribution_to_a_large_volume():
    """A volume of 1e-120 next to one of 1e240 was 0."""
    F = np.vstack([np.zeros(40), 1e-3 * np.eye(40)])
    gain = pytest.approx(1e-120, rel=1e-11, abs=0)
    assert hv_contributions(F, 1e6, ignore_dominated=False)[0] == gain
    assert hv_improvement(F[:1], F[1:], 1e6)[0] == gain


def test_dominated_points_cost_little():
    """The exact volume went through all pairs of points, dominated or not."""
    F = np.random.default_rng(0).random((150_000, 4))
    start = time.process_time()
    front = F[is_nondominated(F)]
    volume, alone = hypervolume(front, 1.1), time.process_time() - start
    start = time.process_time()
    assert hypervolume(F, 1.1) == pytest.approx(volume, rel=1e-12)
    assert time.process_time() - start < 20 * alone + 0.01  # 1; it was 100


@pytest.mark.parametrize("rel_tol", [[0.1], [0.1, 0.2], True])
def test_rel_tol_is_one_number(rel_tol):
    """Errors did not name the argument; a bool was 1.0."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((TypeError, ValueError), match="rel_tol must be"):
            hv_approx([[0.0, 0.0]], 1.0, rel_tol=rel_tol)


def test_batch_takes_any_iterable():
    """A generator had no len()."""
    sets = [[[1.0, 3.0]], [[2.0, 2.0]]]
    assert hypervolume_batch(iter(sets), 4.0).tolist() == [3.0, 4.0]


def test_more_rows_than_can_be_numbered():
    """Was "kernel failed with status 2", after asking for memory for all of them."""
    rows = np.empty((2**32, 0))  # nothing in memory, and nothing is looked at
    with pytest.raises(ValueError, match="at most 2\\*\\*32 - 1"):
        _core.is_nondominated(rows, False, 1)


def test_unaligned_numbers():
    """Were handed on as they were, which C++ need not put up with."""
    F = np.random.default_rng(0).random((100, 3))
    unaligned = np.frombuffer(bytearray(F.nbytes + 1), dtype=float, count=F.size, offset=1)
    unaligned = unaligned.reshape(F.shape)
    unaligned[:] = F
    assert not unaligned.flags.aligned
    assert _check.objectives(unaligned).flags.aligned
    assert _check.reference(unaligned[0], 3).flags.aligned
    np.testing.assert_array_equal(pareto_rank(unaligned), pareto_rank(F))


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_mask_where_an_objective_is_the_same_for_all(m):
    """No point was good enough to drop others at the start: 15 to 30 times the time."""
    F = np.random.default_rng(m).random((200_000, m))
    F[:, -1] = 0.5
    start = time.process_time()
    mask = is_nondominated(F)
    with_it, start = time.process_time() - start, time.process_time()
    np.testing.assert_array_equal(is_nondominated(F[:, :-1].copy()), mask)
    assert with_it < 4 * (time.process_time() - start) + 0.01
