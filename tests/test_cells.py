"""Volumes in many objectives: every instruction set, threads, interrupts, hard shapes."""

import os
import signal
import subprocess
import sys

import naive
import numpy as np
import pytest

from lamoo_fast.kernels import hv_contributions, hv_improvement, hypervolume


def fronts(n, m):
    """A sphere, its convex side, and points with ties and repetitions."""
    rng = np.random.default_rng(m)
    sphere = rng.random((n, m)) + 0.01
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    return sphere, 1.0 - sphere, np.ceil(6 * sphere) / 6


LEVELS = """
import sys
import numpy as np
from lamoo_fast import hv_contributions, hv_improvement, hypervolume
out = []
for F in np.load(sys.argv[1]).values():
    out += [hypervolume(F, 1.01), *hv_contributions(F, 1.01)]
    out += [*hv_improvement(F[::3] * 0.99, F, 1.01)]
np.save(sys.argv[2], out)
"""


def test_levels_agree(tmp_path):
    shapes = [(4, 300), (5, 400), (6, 90), (8, 70), (11, 25), (14, 13)]
    sets = [F for m, n in shapes for F in fronts(n, m)]
    np.savez(tmp_path / "F.npz", *sets)
    results = []
    for level in ("baseline", "avx2", "avx512"):
        subprocess.run(
            [sys.executable, "-c", LEVELS, tmp_path / "F.npz", tmp_path / "out.npy"],
            env={**os.environ, "LAMOO_FAST_SIMD": level}, check=True,
        )  # fmt: skip
        results.append(np.load(tmp_path / "out.npy"))
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], rtol=1e-12, atol=0)


@pytest.mark.parametrize(("m", "n"), [(5, 700), (6, 300), (7, 150), (9, 60), (16, 18)])
def test_sizes_agree(m, n):
    """What points add one after the other sums up to the volume, whatever tables the sets get."""
    for F in fronts(n, m):
        volume = hypervolume(F, 1.01)
        gains = [hv_improvement(F[i : i + 1], F[:i], 1.01)[0] for i in range(n)]
        assert sum(gains) == pytest.approx(volume, rel=1e-12)
        assert hypervolume(F, 1.01, n_threads=2) == volume


@pytest.mark.parametrize("m", [5, 8])
def test_dominating_point(m):
    """The volume that it alone covers is that of its box without that of the front inside."""
    F = fronts(60, m)[0] + 0.05
    best = np.full((1, m), 0.01)
    own = hv_contributions(np.vstack([F, best]), 1.1, ignore_dominated=False)
    assert (own[:-1] == 0.0).all()
    assert own[-1] == pytest.approx(1.09**m - hypervolume(F, 1.1), rel=1e-9)


def test_many_objectives_few_points():
    """Cuts into many parts would take for ever; tables of subsets take a moment."""
    rng = np.random.default_rng(1)
    F = rng.random((16, 100))
    volume = hypervolume(F, 1.0)
    assert hypervolume(F[:, ::-1], 1.0) == pytest.approx(volume, rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(9, 8), (12, 14), (14, 11)])
def test_tables_of_many_limits(n, m):
    """Few points that limit each other in most objectives."""
    for F in fronts(n, m):
        exact = float(naive.hypervolume(F, [1.01] * m))
        assert hypervolume(F, 1.01) == pytest.approx(exact, rel=1e-12)
        assert hypervolume(F[:, ::-1], 1.01) == pytest.approx(exact, rel=1e-12)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(("n", "m"), [(400, 14), (60, 25), (30_000, 7)])
def test_interrupt(n, m, n_threads):
    F = fronts(n, m)[0]

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            hypervolume(F, 1.01, n_threads=n_threads)  # without it, it would take days
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_more_than_could_be_finished_ends_for_lists_too():
    """So many points that their tables would take too much memory, on any number of threads."""
    for n_threads in (1, 2):
        with pytest.raises(ValueError, match="hv_approx estimates"):
            hypervolume(fronts(3000, 60)[0], 1.01, n_threads=n_threads)


@pytest.mark.parametrize("kernel", [hypervolume, hv_contributions])
def test_more_than_could_be_finished(kernel):
    F = fronts(300, 100)[0]
    with pytest.raises(ValueError, match="hv_approx estimates"):
        kernel(F, 1.01)


def test_many_points_that_can_be_finished():
    """A curve in many objectives: sizes alone do not make a set hard."""
    t = np.linspace(0, 1, 1000)
    F = np.column_stack([t**p for p in range(1, 11)] + [1 - t**p for p in range(1, 11)])
    volume = hypervolume(F, 1.5)
    assert hypervolume(F[::2], 1.5) < volume < 1.5**20
    assert hypervolume(F[:, ::-1], 1.5) == pytest.approx(volume, rel=1e-12)
