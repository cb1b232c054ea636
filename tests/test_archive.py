"""ParetoArchive: the front of everything added so far, in whatever portions."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import clouds, point_sets

from lamoo_fast.kernels import ParetoArchive, filter_dominated, hypervolume


def sorted_front(F, **kwargs):
    front = filter_dominated(F, **kwargs)
    return front[np.lexsort(front.T[::-1])]


@settings(max_examples=1000, deadline=None)
@given(point_sets(), st.data())
def test_equals_naive(case, data):
    F, ref = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(F)), max_size=4)))
    archive, accepted, added = ParetoArchive(ref), [], []
    for batch in np.split(F, cuts):
        accepted += archive.add(batch).tolist()
        added += batch.tolist()
        so_far = np.array(added).reshape(-1, len(ref))
        np.testing.assert_array_equal(archive.front, sorted_front(so_far))
        assert archive.hypervolume == pytest.approx(hypervolume(so_far, ref), rel=1e-12)
        assert len(archive) == len(archive.front)
    members, wanted = naive.archive([F.tolist()])
    assert accepted == wanted
    assert [tuple(row) for row in archive.front.tolist()] == members


@settings(max_examples=300, deadline=None)
@given(clouds(max_n=200, max_m=6))
def test_one_by_one_equals_at_once(F):
    m = F.shape[1]
    at_once, one_by_one = ParetoArchive(np.ones(m)), ParetoArchive(np.ones(m))
    accepted = at_once.add(F)
    assert accepted.tolist() == [one_by_one.add(row[None])[0] for row in F]
    np.testing.assert_array_equal(at_once.front, one_by_one.front)
    np.testing.assert_array_equal(at_once.front, sorted_front(F))
    assert not at_once.add(F).any()  # all known


@pytest.mark.parametrize("m", [1, 2, 3, 6])
def test_many_points(m):
    """Fronts that shrink as well as grow."""
    rng = np.random.default_rng(m)
    archive = ParetoArchive(np.full(m, 3.0))
    for radius in (3.0, 2.0, 1.0):
        F = rng.random((1000, m))
        archive.add(radius * F / np.linalg.norm(F, axis=1, keepdims=True))
    archive.add(np.zeros((1, m)))
    assert archive.front.tolist() == [[0.0] * m]
    assert archive.hypervolume == 3.0**m


@settings(max_examples=500, deadline=None)
@given(point_sets(), st.data())
def test_remove(case, data):
    F, ref = case
    archive = ParetoArchive(ref)
    archive.add(F)
    for _ in range(2):
        front = archive.front
        k = len(front)
        gone = np.array(data.draw(st.lists(st.booleans(), min_size=k, max_size=k)), dtype=bool)
        archive.remove(gone if data.draw(st.booleans()) else np.flatnonzero(gone))
        np.testing.assert_array_equal(archive.front, front[~gone])
        assert archive.hypervolume == pytest.approx(hypervolume(front[~gone], ref), rel=1e-12)
        # What is left is an archive like any other.
        accepted = archive.add(F)
        both = np.vstack([front[~gone], F])
        assert accepted.tolist() == naive.archive([both.tolist()])[1][len(front[~gone]) :]
        np.testing.assert_array_equal(archive.front, sorted_front(both))
        assert archive.hypervolume == pytest.approx(hypervolume(both, ref), rel=1e-12)


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_clear(m):
    F = np.random.default_rng(m).random((100, m))
    archive = ParetoArchive(np.ones(m))
    archive.add(F)
    volume = archive.hypervolume
    archive.clear()
    assert (len(archive), archive.hypervolume, archive.front.shape) == (0, 0.0, (0, m))
    archive.add(F)
    assert archive.hypervolume == volume


@pytest.mark.parametrize(
    ("which", "error"),
    [
        ([2], IndexError),
        ([-3], IndexError),
        ([True], IndexError),
        ([True, False, True], IndexError),
        ([0.0], TypeError),
        (True, TypeError),
        ("a", TypeError),
        (None, TypeError),
    ],
)
def test_remove_what_is_not_there(which, error):
    archive = ParetoArchive([1.0, 1.0])
    archive.add([[0.0, 0.5], [0.5, 0.0]])
    with pytest.raises(error):
        archive.remove(which)
    assert len(archive) == 2
    archive.remove([])
    assert len(archive) == 2
    archive.remove(-1)
    assert archive.front.tolist() == [[0.0, 0.5]]


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("largest", [1.0, 1e-290, 1e290])
def test_volume_stays_exact(m, largest):
    """Whenever it is asked for, after thousands of additions, tiny and huge."""
    rng = np.random.default_rng(m)
    n, scale = 4000 if m == 2 else 400, largest ** (1 / m)
    F = rng.random((n, m)) ** 3
    F *= scale * (1.0 - 0.9 * np.arange(n)[:, None] / n) / np.linalg.norm(F, axis=1, keepdims=True)
    ref = np.full(m, scale)
    archive = ParetoArchive(ref)
    archive.add(F[: n // 2])
    for i, row in enumerate(F[n // 2 :], n // 2):
        archive.add(row[None])
        if i % 7 == 0 or scale == 1.0:
            volume = archive.hypervolume
        if i % (n // 8) == 0:
            assert archive.hypervolume == pytest.approx(hypervolume(F[: i + 1], ref), rel=1e-13)
    archive.add(F[:, ::-1])
    both = np.vstack([F, F[:, ::-1]])
    assert volume < archive.hypervolume == pytest.approx(hypervolume(both, ref), rel=1e-13)


@pytest.mark.parametrize("m", [2, 3, 6])
def test_large_fronts(m):
    """Past the sizes of blocks, in sorted order and not, with rows that remove many."""
    rng = np.random.default_rng(m)
    F = rng.random((6000, m))
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    F[1000:3000] = F[1000:3000][np.argsort(F[1000:3000, 0])]
    F[3000:4000] *= 0.9
    F[5000:] = F[5000:].round(1)
    archive = ParetoArchive(np.ones(m))
    for batch in np.split(F, [1, 10, 2500, 4500]):
        archive.add(batch)
    np.testing.assert_array_equal(archive.front, sorted_front(F))
    assert archive.hypervolume == pytest.approx(hypervolume(F, np.ones(m)), rel=1e-12)


def test_members_may_lie_beyond_ref():
    archive = ParetoArchive([1.0, 1.0])
    assert archive.add([[0.5, 2.0], [2.0, 0.5]]).all()
    assert archive.hypervolume == 0.0
    assert archive.add([[0.5, 0.5]]).all()
    assert archive.front.tolist() == [[0.5, 0.5]]
    assert archive.hypervolume == 0.25


def test_maximise():
    archive = ParetoArchive([0.0, 4.0], maximise=[True, False])
    assert archive.add([[1, 1], [2, 1], [2, 2], [3, 3]]).tolist() == [True, True, False, True]
    assert archive.front.tolist() == [[3.0, 3.0], [2.0, 1.0]]
    assert archive.hypervolume == 7.0
    assert archive.ref.tolist() == [0.0, 4.0]


def test_empty():
    for m in (1, 2, 3, 40):
        archive = ParetoArchive(np.zeros(m))
        assert archive.add(np.empty((0, m))).shape == (0,)
        assert archive.front.shape == (0, m)
        assert archive.hypervolume == 0.0
        assert len(archive) == 0


def test_is_its_own():
    """Nothing outside can change an archive."""
    ref, maximise = np.array([2.0, 2.0]), np.array([False, False])
    archive = ParetoArchive(ref, maximise=maximise)
    archive.add([[1.0, 1.0]])
    ref[:] = 9.0
    maximise[:] = True
    archive.front[:] = -5.0
    assert archive.front.tolist() == [[1.0, 1.0]]
    assert archive.ref.tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        archive.ref[0] = 1.0


@pytest.mark.parametrize("m", [1, 2, 4])
def test_pickle_and_copy(m):
    archive = ParetoArchive(np.ones(m), maximise=[True] + [False] * (m - 1))
    archive.add(np.random.default_rng(0).random((50, m)))
    for twin in (pickle.loads(pickle.dumps(archive)), copy.deepcopy(archive), copy.copy(archive)):
        np.testing.assert_array_equal(twin.front, archive.front)
        assert twin.hypervolume == archive.hypervolume
        twin.add(np.where(np.arange(m) == 0, 9.0, -9.0)[None])
        assert len(twin) == 1
    assert m == 1 or len(archive) > 1


def test_refused_points_change_nothing():
    archive = ParetoArchive([1.0, 1.0])
    archive.add([[0.5, 0.5]])
    for bad in ([[0.0, np.nan]], [[0.0]], [0.0, 0.0], [["a", "b"]], [[-1.7e308, 0.0]]):
        ref = [1.7e308, 1.0] if bad == [[-1.7e308, 0.0]] else [1.0, 1.0]
        other = ParetoArchive(ref)
        other.add([[0.5, 0.5]])
        with pytest.raises((ValueError, TypeError)):
            other.add(bad)
        assert other.front.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("ref", [1.0, [], [[1.0, 1.0]]])
def test_ref_needs_one_number_per_objective(ref):
    with pytest.raises(ValueError, match="ref must have one number for each objective"):
        ParetoArchive(ref)


LEVELS = """
import hashlib, numpy as np
from lamoo_fast.kernels import ParetoArchive
rng = np.random.default_rng(0)
for m in (1, 2, 3, 4, 7, 9):
    for F in (rng.random((700, m)), rng.integers(9, size=(700, m)) / 8):
        F = F / np.maximum(np.linalg.norm(F, axis=1, keepdims=True), 0.5)
        archive = ParetoArchive(np.full(m, 1.1))
        accepted = np.concatenate([archive.add(F[:333]), archive.add(F[333:])])
        archive.remove(np.arange(0, len(archive), 3))
        accepted = np.append(accepted, archive.add(F[::5]))
        digest = hashlib.sha256(accepted.tobytes() + archive.front.tobytes())
        print(m, digest.hexdigest())
"""


def test_levels_agree():
    lines = {
        subprocess.run(
            [sys.executable, "-c", LEVELS],
            env={**os.environ, "LAMOO_FAST_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for level in ("baseline", "avx2", "avx512")
    }
    assert len(lines) == 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals to threads are POSIX")
def test_interrupt():
    """Ctrl-C ends a long add at once; the points up to there are members."""
    rng = np.random.default_rng(0)
    F = rng.random((1_000_000, 9))
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    archive, main = ParetoArchive(np.ones(9)), threading.main_thread().ident
    timer = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    try:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            archive.add(F)
    finally:
        signal.signal(signal.SIGINT, before)
    members = archive.front
    assert len(members) < len(F)
    np.testing.assert_array_equal(members, sorted_front(F[: len(members)]))
