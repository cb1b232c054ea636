"""hv_approx: reproducible, and its standard error is honest."""

import os
import subprocess
import sys

import numpy as np
import pytest

from lamoo_fast.kernels import hv_approx, hypervolume


def fronts(count, m, n):
    for seed in range(count):
        rng = np.random.default_rng([seed, m])
        F = rng.random((n, m))
        yield seed, F / np.linalg.norm(F, axis=1, keepdims=True) if seed % 2 else F


T_31 = 2.0395  # 97.5 % quantile of Student's t, for 32 replicates


def shares(estimates, exact, t):
    """How many of the errors are within t standard errors; an estimate without error is right."""
    inside = []
    for estimate, truth in zip(estimates, exact, strict=True):
        assert estimate.value == pytest.approx(truth, rel=0.5)
        inside.append(abs(estimate.value - truth) <= t * estimate.stderr + 1e-12 * truth)
    return np.mean(inside)


@pytest.mark.parametrize(("m", "n"), [(2, 10), (3, 20), (5, 20), (8, 12)])
def test_standard_error_is_honest(m, n):
    """Over seeded sets the error in standard errors is as it should be for 32 replicates."""
    sets = [F for _, F in fronts(300, m, n)]
    exact = [hypervolume(F, 1.1) for F in sets]
    estimates = [hv_approx(F, 1.1, n_samples=2**11, seed=k) for k, F in enumerate(sets)]
    z = np.array(
        [(e.value - x) / e.stderr for e, x in zip(estimates, exact, strict=True) if e.stderr]
    )
    assert abs(z.mean()) < 0.3  # no bias: 0.06 is one standard error here
    assert np.mean(np.abs(z) < 0.5) < 0.6  # and not far too wide
    assert shares(estimates, exact, T_31) > 0.91
    assert shares(estimates, exact, 4.0) > 0.98


def elongated(m, n, rng):
    """Each point far from ref in one objective and hundreds of times closer in the others."""
    heights = 10 ** rng.uniform(-3, -2, (n, m))
    heights[np.arange(n), rng.integers(m, size=n)] = rng.uniform(0.5, 1.0, n)
    return 1.0 - heights


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_elongated_boxes(m):
    """They were estimated at a fifteenth of the truth, with an error bar as small."""
    sets = [elongated(m, 12, np.random.default_rng([k, m])) for k in range(200)]
    exact = [hypervolume(F, 1.0) for F in sets]
    estimates = [hv_approx(F, 1.0, n_samples=2**11, seed=k) for k, F in enumerate(sets)]
    assert shares(estimates, exact, T_31) > 0.9
    errors = [e.value / x - 1.0 for e, x in zip(estimates, exact, strict=True)]
    assert np.sqrt(np.mean(np.square(errors))) < 0.01


@pytest.mark.parametrize("m", [20, 40, 100])
def test_many_objectives(m):
    """Few boxes, exact by inclusion and exclusion in the kernel; the interval covered in 76 %."""
    sets = [np.random.default_rng([k, m]).random((4, m)) * 0.3 for k in range(200)]
    exact = [hypervolume(F, 1.0) for F in sets]
    estimates = [hv_approx(F, 1.0, n_samples=2**10, seed=k) for k, F in enumerate(sets)]
    assert shares(estimates, exact, T_31) > 0.9


def test_scale_of_objectives_does_not_matter():
    F = np.random.default_rng(2).random((30, 6))
    units = 10.0 ** np.array([-60, 40, 0, 3, -7, 12])
    a = hv_approx(F, 1.1, n_samples=4096, seed=0)
    b = hv_approx(F * units, 1.1 * units, n_samples=4096, seed=0)
    assert b.value == pytest.approx(a.value * np.prod(units), rel=1e-9)
    assert b.stderr == pytest.approx(a.stderr * np.prod(units), rel=1e-6)


def test_dominated_and_repeated_points_change_nothing():
    F = np.random.default_rng(2).random((30, 6))
    more = np.concatenate([F, F[:7], F + 0.01, np.full((2, 6), 1.2)])
    assert hv_approx(more, 1.1, seed=0) == hv_approx(F, 1.1, seed=0)


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


@pytest.mark.parametrize("m", [2, 5, 20])
def test_number_of_samples(m):
    """As many as wanted, whether or not they can be shared out evenly."""
    F = np.random.default_rng(0).random((20, m))
    exact = hypervolume(F, 1.1)
    assert hv_approx(F, 1.1, seed=0).n_samples == 2**17
    for n_samples in (1, 2, 15, 31, 100, 1000, 3001, 4096, 4127):
        estimate = hv_approx(F, 1.1, n_samples=n_samples, seed=0)
        assert estimate.n_samples == n_samples
        assert (estimate.stderr == np.inf) == (n_samples == 1)
        assert n_samples < 100 or abs(estimate.value - exact) < 8 * estimate.stderr


def test_interrupt():
    """Ctrl-C ends a call that would take days."""
    code = (
        "import signal, numpy as np\n"
        "from lamoo_fast.kernels import hv_approx\n"
        "F = np.random.default_rng(0).random((300, 12))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.3)\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "try:\n    hv_approx(F, 1.1, n_samples=10**13, n_threads=2)\n"
        "except KeyboardInterrupt:\n    print('stopped')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.strip() == "stopped"


LEVELS = """
import numpy as np
from lamoo_fast.kernels import hv_approx, simd_level
print(simd_level())
for m, n in ((2, 9), (3, 30), (5, 300), (7, 60), (12, 40), (33, 9)):
    rng = np.random.default_rng(m)
    F = np.abs(rng.normal(size=(n, m)))
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    for n_samples in (40, 3000, 20000):
        print(m, n, *map(repr, hv_approx(F, 1.1, n_samples=n_samples, seed=5)))
"""


def test_every_level_gives_the_same_bits():
    outputs = {}
    for level in ("baseline", "avx2", "avx512"):
        done = subprocess.run(
            [sys.executable, "-c", LEVELS], capture_output=True, text=True, timeout=600, check=True,
            env={**os.environ, "LAMOO_FAST_SIMD": level},
        )  # fmt: skip
        used, *lines = done.stdout.splitlines()
        outputs[used] = lines
    assert "baseline" in outputs
    for lines in outputs.values():
        assert lines == outputs["baseline"]


@pytest.mark.parametrize("rel_tol", [1e-2, 1e-3])
def test_rel_tol(rel_tol):
    for seed, F in fronts(5, 6, 15):
        estimate = hv_approx(F, 1.1, rel_tol=rel_tol, seed=seed)
        assert estimate.stderr <= rel_tol * estimate.value
        assert abs(estimate.value - hypervolume(F, 1.1)) < 6 * rel_tol * estimate.value
        assert estimate.n_samples < 2**22
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
    """One box is its own sample: no error is left."""
    estimate = hv_approx(np.full((1, m), 0.5), 1.5, seed=1)
    assert estimate[:2] == pytest.approx((1.0, 0.0), abs=1e-12)


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
