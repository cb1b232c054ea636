"""Arguments: what is taken in which form, what is refused and with which words."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kernel_table import KERNELS, assert_identical, call

import lamoo_fast.kernels
from lamoo_fast.kernels import (
    _check,
    dominance_count,
    hv_improvement,
    hypervolume,
    hypervolume_batch,
    is_nondominated,
)


def test_public_functions_have_examples():
    for name in lamoo_fast.kernels.__all__:
        if not name.startswith("HVEstimate"):
            assert ">>> " in getattr(lamoo_fast.kernels, name).__doc__, name


# ---- layouts and dtypes: every kernel, the same result to the last bit ----


def spaced(F):
    out = np.full((2 * F.shape[0], 3 * F.shape[1]), np.nan)
    out[::2, ::3] = F
    return out[::2, ::3]


def read_only(F):
    F = F.copy()
    F.flags.writeable = False
    return F


def torch_tensor(F):
    return pytest.importorskip("torch").tensor(F)


def data_frame(F):
    return pytest.importorskip("pandas").DataFrame(F)


LAYOUTS = {
    "fortran": np.asfortranarray,
    "spaced": spaced,
    "negative strides": lambda F: F[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
    "list": lambda F: F.tolist(),
    "float32": lambda F: F.astype(np.float32),
    "float16": lambda F: F.astype(np.float16),
    "longdouble": lambda F: F.astype(np.longdouble),
    "big-endian": lambda F: F.astype(">f8"),
    "int64": lambda F: F.astype(np.int64),
    "uint8": lambda F: F.astype(np.uint8),
    "torch": torch_tensor,
    "pandas": data_frame,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", KERNELS)
def test_layouts(name, layout):
    for m in (1, 2, 3, 4, 6):
        F = np.random.default_rng(m).integers(0, 9, (14, m)).astype(float)
        ref = np.full(m, 8.0)
        laid_out = LAYOUTS[layout](F)
        if name in {"hypervolume_batch", "hv_improvement", "hv_approx_improvement"} and layout in {
            "list",
            "pandas",
        }:
            # Their entries in the table slice rows.
            laid_out = np.asarray(laid_out)
        assert_identical(call(name, laid_out, ref), call(name, F, ref))


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - {"pandas"}))
def test_layouts_of_ref(layout):
    F, ref = np.zeros((1, 3)), np.array([1.0, 2.0, 3.0])
    assert hypervolume(F, LAYOUTS[layout](ref[None])[0]) == 6.0


@pytest.mark.parametrize(
    "ref",
    [[1, 2.0, 3], (1.0, np.float64(2.0), np.int64(3)), [True, 2, 3], np.array([1, 2, 3])],
    ids=repr,
)
def test_numbers_of_ref(ref):
    assert hypervolume(np.zeros((1, 3)), ref) == 6.0


@pytest.mark.parametrize("ref", [2, 2.0, np.float64(2.0), np.int8(2), np.array(2.0)], ids=repr)
def test_one_number_as_ref(ref):
    assert hypervolume(np.zeros((1, 3)), ref) == 8.0


def test_large_numbers_of_ref():
    F = np.zeros((1, 2))
    assert hypervolume(F, 2**62) == 2.0**124
    assert hypervolume(F, [2**63, 2**62]) == 2.0**125
    assert hypervolume(F, [1.0, 1.7e308]) == 1.7e308
    for ref in (10**400, [1, 10**400], [1, 2**64]):
        with pytest.raises(TypeError, match="ref must hold real numbers, not object"):
            hypervolume(F, ref)


def test_sets_of_a_batch():
    rng = np.random.default_rng(0)
    sets = [rng.random((n, 3)) for n in (4, 0, 1, 30)]
    wanted = [hypervolume(F, 1.0) for F in sets]
    assert hypervolume_batch(sets, 1.0).tolist() == wanted
    assert hypervolume_batch(iter(sets), [1, 1, 1]).tolist() == wanted
    assert hypervolume_batch([sets[0], sets[1], sets[2].tolist(), sets[3]], 1.0).tolist() == wanted
    assert hypervolume_batch([1.0 - F for F in sets], 0.0, maximise=True) == pytest.approx(wanted)
    assert hypervolume_batch([sets[1], sets[1]], 1.0).tolist() == [0.0, 0.0]
    assert hypervolume_batch([], 1.0).shape == (0,)
    with pytest.raises(ValueError, match=r"sets\[1\] has 2 columns but sets\[0\] has 3"):
        hypervolume_batch([sets[0], np.zeros((1, 2))], 1.0)
    with pytest.raises(ValueError, match=r"sets\[2\] must be finite; sets\[2\]\[0, 1\] is nan"):
        hypervolume_batch([sets[0], sets[1], np.array([[0.0, np.nan, 0.0]])], 1.0)


@pytest.mark.parametrize("name", KERNELS)
def test_bool_objectives(name):
    F = np.random.default_rng(0).integers(0, 2, (9, 3))
    assert_identical(call(name, F.astype(bool), np.ones(3)), call(name, F, np.ones(3)))


def test_no_copy_when_it_fits():
    F = read_only(np.random.default_rng(0).random((5, 3)))
    assert _check.objectives(F) is F
    assert _check.objectives(F, maximise=True) is not F
    plain = np.ma.masked_array(F, mask=np.zeros_like(F, dtype=bool))
    assert np.shares_memory(_check.objectives(plain), F)


# ---- what every kernel refuses ----

BAD = [
    ([0.0, 1.0], ValueError, r"F must have shape \(points, objectives\).*F\.reshape\(1, -1\)"),
    (np.zeros((2, 2, 2)), ValueError, r"F must have shape .* but has shape \(2, 2, 2\)"),
    (3.0, ValueError, r"F must have shape .* but has shape \(\)"),
    ([], ValueError, r"F must have shape .*np\.empty\(\(0, m\)\)"),
    (np.empty((3, 0)), ValueError, r"F has no objectives: its shape is \(3, 0\)"),
    ([[0, 1], [0, np.nan]], ValueError, r"F must be finite; F\[1, 1\] is nan"),
    ([[0, 1], [-np.inf, 0]], ValueError, r"F must be finite; F\[1, 0\] is -inf"),
    ([[1j, 0]], TypeError, "F must hold real numbers, not complex128"),
    ([["a", "b"]], TypeError, "F must hold real numbers, not <U1"),
    ([[None, 1.0]], TypeError, "F must hold real numbers, not object"),
    ([[10**400, 1]], TypeError, "F must hold real numbers, not object"),
    (np.array([["2020-01-01"]], "M8[D]"), TypeError, "F must hold real numbers, not datetime64"),
    ([[1, 2], [3]], ValueError, "F is not a rectangular array of numbers"),
    (np.ma.masked_greater([[1.0, 5.0]], 3), ValueError, "F has masked entries"),
]
TAKES_F = sorted(set(KERNELS) - {"hypervolume_batch", "hv_improvement", "hv_approx_improvement"})


@pytest.mark.parametrize("name", TAKES_F)
@pytest.mark.parametrize(("F", "error", "message"), BAD)
def test_bad_objectives(name, F, error, message):
    with pytest.raises(error, match=message):
        KERNELS[name](F, np.ones(2))


@pytest.mark.parametrize(("F", "error", "message"), BAD)
def test_the_bad_argument_is_named(F, error, message):
    good = [[0.0, 0.0]]
    with pytest.raises(error, match=r"^candidates "):
        hv_improvement(F, good, 1.0)
    with pytest.raises(error, match=rf"^{message}"):
        hv_improvement(good, F, 1.0)
    with pytest.raises(error, match=r"^sets\[1\] "):
        hypervolume_batch([good, F], 1.0)


def test_bad_shapes_together():
    with pytest.raises(ValueError, match=r"^candidates has 2 columns but F has 3$"):
        hv_improvement(np.zeros((1, 2)), np.zeros((1, 3)), 1.0)
    with pytest.raises(ValueError, match=r"^sets\[1\] has 2 columns but sets\[0\] has 3$"):
        hypervolume_batch([np.zeros((1, 3)), np.zeros((0, 2))], 1.0)
    assert hypervolume_batch([], 1.0).shape == (0,)
    assert hypervolume_batch([np.empty((0, 3))], 1.0).tolist() == [0.0]


@pytest.mark.parametrize(
    ("ref", "error", "message"),
    [
        ([1.0, 1.0], ValueError, "^F has 3 columns but ref has 2$"),
        ([[1.0, 1.0, 1.0]], ValueError, r"ref must be a number or of shape \(3,\) but has shape"),
        ([1.0, np.inf, 1.0], ValueError, r"ref must be finite; ref\[1\] is inf"),
        (np.nan, ValueError, "ref must be finite"),
        ("x", TypeError, "ref must hold real numbers"),
        (None, TypeError, "ref must hold real numbers"),
        ([1.0, 2.0, 1.7e308], ValueError, "overflows float64 in objective 2"),
    ],
)
def test_bad_ref(ref, error, message):
    F = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, -1.7e308]])
    for name in ("hypervolume", "hv_contributions", "hv_approx"):
        with pytest.raises(error, match=message):
            KERNELS[name](F, ref)


def test_distance_overflow_is_seen_everywhere():
    far, near = [[-1.7e308, 0.0]], [[0.0, 0.0]]
    ref = [1.7e308, 1.0]
    with pytest.raises(ValueError, match="from candidates to ref"):
        hv_improvement(far, near, ref)
    with pytest.raises(ValueError, match="from sets to ref"):
        hypervolume_batch([near, far], ref)
    with pytest.raises(ValueError, match="overflows float64 in objective 0"):
        hypervolume([[1.7e308, 0.0]], [-1.7e308, 1.0], maximise=[True, False])
    # The other way round the point is beyond ref, however far.
    assert hypervolume([[1.7e308, 0.0]], [-1.7e308, 1.0]) == 0.0


# ---- maximise, flags, threads ----


@pytest.mark.parametrize("maximise", [True, np.True_, [True, True], (1, 1), np.array([1, 1], "u1")])
def test_maximise_forms(maximise):
    assert hypervolume([[1, 3], [3, 1]], 0, maximise=maximise) == 5.0


@pytest.mark.parametrize(
    ("maximise", "error", "message"),
    [
        ([True], ValueError, r"maximise must be a bool or 2 bools but has shape \(1,\)"),
        ([[True, False]], ValueError, "maximise must be a bool or 2 bools"),
        ([0, 2], TypeError, "maximise must be a bool or 2 bools"),
        ("yes", TypeError, "maximise must be a bool or 2 bools"),
        (None, TypeError, "maximise must be a bool or 2 bools"),
        (0.0, TypeError, "maximise must be a bool or 2 bools"),
    ],
)
def test_bad_maximise(maximise, error, message):
    for kernel in (dominance_count, is_nondominated):
        with pytest.raises(error, match=message):
            kernel([[1, 2]], maximise=maximise)


def test_flags_are_bools():
    with pytest.raises(TypeError, match="keep_weakly must be a bool, not 'no'"):
        is_nondominated([[1, 2]], keep_weakly="no")
    assert is_nondominated([[1, 2]], keep_weakly=np.True_).tolist() == [True]


def test_n_threads():
    assert _check.n_threads(1) == 1
    assert _check.n_threads(np.int8(3)) == 3
    assert _check.n_threads(10**30) == 1024
    everything = _check.n_threads(-1)
    assert 1 <= everything <= os.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        assert everything == len(os.sched_getaffinity(0))
    for bad in (0, -2):
        with pytest.raises(ValueError, match=f"n_threads must be at least 1, .* not {bad}"):
            hypervolume([[1, 2]], 3, n_threads=bad)
    for bad in (1.0, "2", None, True):
        with pytest.raises(TypeError, match="n_threads must be an integer"):
            dominance_count([[1, 2]], n_threads=bad)


def test_missing_extension_says_what_to_do(tmp_path):
    """The package's own Python files without the compiled one: an error with the fix in it."""
    package = Path(lamoo_fast.kernels.__file__).parent
    kernels = tmp_path / "lamoo_fast" / "kernels"
    kernels.mkdir(parents=True)
    (tmp_path / "lamoo_fast" / "__init__.py").write_text("import lamoo_fast.kernels")
    for file in package.glob("*.py"):
        (kernels / file.name).write_text(file.read_text())
    run = subprocess.run(
        [sys.executable, "-c", "import lamoo_fast"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert run.returncode == 1
    assert (
        "ImportError: lamoo_fast was installed without its compiled part; reinstall" in run.stderr
    )


def test_an_unknown_instruction_set_is_warned_of():
    def warnings(level):
        return subprocess.run(
            [sys.executable, "-c", "import lamoo_fast"],
            env={**os.environ, "LAMOO_FAST_SIMD": level},
            capture_output=True,
            text=True,
            check=True,
        ).stderr

    assert "LAMOO_FAST_SIMD is 'AVX2', which is ignored; it may be baseline" in warnings("AVX2")
    assert "RuntimeWarning" in warnings("sse2")
    for level in ("", "baseline", "avx2", "avx512"):
        assert warnings(level) == ""
