"""The kernels in the hands of others: C, Cython, Numba and SciPy use the installed package."""

import ctypes
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast.kernels import _core

INCLUDE = Path(lf.get_include())
HEADER = (INCLUDE / "lamoo_fast.h").read_text()
DECLARED = set(re.findall(r"^LAMOO_API [\w ]+\**\s*(lamoo_\w+)\(", HEADER, re.MULTILINE))
ROOT = Path(lf.__file__).parent.parent
F = np.random.default_rng(0).random((40, 4))
REF = np.full(4, 1.1)


def run(*command, cwd):
    """Run python, in cwd, with the same lamoo_fast as here."""
    result = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, capture_output=True, text=True,
        check=False, timeout=600, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(folder, source):
    """Compile a C or Cython module named user."""
    pytest.importorskip("setuptools")
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("no C compiler")
    (folder / "build.py").write_text(BUILD)
    run("build.py", "build_ext", "--inplace", source, cwd=folder)


BUILD = """
import sys
from setuptools import Extension, setup
import lamoo_fast
user = Extension("user", [sys.argv.pop()], include_dirs=[lamoo_fast.get_include()])
if user.sources[0].endswith(".pyx"):
    from Cython.Build import cythonize
    [user] = cythonize(user, language_level=3)
setup(ext_modules=[user])
"""


# ---- C ----


def test_c_module(tmp_path):
    """A C extension calls through the capsule."""
    (tmp_path / "user.c").write_text(C_USER)
    build(tmp_path, "user.c")
    code = "import user; print(user.volume(b'\\0' * 16, 2))"
    assert run("-c", code, cwd=tmp_path).strip() == "9.0"


C_USER = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "lamoo_fast_capsule.h"

static const lamoo_api* lamoo;

static PyObject* volume(PyObject* self, PyObject* args) {
  const char* F;
  Py_ssize_t bytes, m;
  double out = 0.0, ref[2] = {3.0, 3.0};
  if (!PyArg_ParseTuple(args, "y#n", &F, &bytes, &m)) return NULL;
  size_t n = (size_t)(bytes / m) / sizeof(double);
  if (lamoo->hypervolume((const double*)F, n, (size_t)m, ref, NULL, &out) != LAMOO_OK)
    return PyErr_NoMemory();
  return PyFloat_FromDouble(out);
}

static PyMethodDef methods[] = {{"volume", volume, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "user", NULL, -1, methods,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_user(void) {
  lamoo = lamoo_import();
  return lamoo == NULL ? NULL : PyModule_Create(&module);
}
"""


def test_another_abi_is_refused(tmp_path):
    """A module that was compiled for other headers says so at import, and does not crash."""
    source = C_USER.replace(
        "lamoo = lamoo_import()",
        "lamoo_api other = *(const lamoo_api*)PyCapsule_Import(LAMOO_CAPSULE_NAME, 0);\n"
        "  other.abi_version = LAMOO_FAST_ABI_VERSION - 1;\n"
        "  lamoo = lamoo_checked(&other)",
    )
    (tmp_path / "user.c").write_text(source)
    build(tmp_path, "user.c")
    code = "try:\n    import user\nexcept ImportError as error:\n    print(error)"
    assert "compile it against the installed lamoo_fast" in run("-c", code, cwd=tmp_path)


def test_loaded_by_its_symbols():
    """ctypes, and every language that can load a library, finds the C functions by name."""
    library = ctypes.CDLL(_core.__file__)
    out = ctypes.c_double()
    pointer = ctypes.POINTER(ctypes.c_double)
    status = library.lamoo_hypervolume(
        F.ctypes.data_as(pointer), ctypes.c_size_t(40), ctypes.c_size_t(4),
        REF.ctypes.data_as(pointer), None, ctypes.byref(out),
    )  # fmt: skip
    assert status == 0
    assert out.value == lf.hypervolume(F, REF)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the symbols of an ELF file")
def test_exported_symbols():
    """The C interface and the entry for Python, and nothing else."""
    if shutil.which("nm") is None:
        pytest.skip("no nm")
    table = subprocess.run(
        ["nm", "-D", "--defined-only", _core.__file__], capture_output=True, text=True, check=True
    ).stdout
    exported = {line.split()[-1] for line in table.splitlines()}
    assert exported == DECLARED | {"PyInit__core", "lamoo_get_api"}


def test_every_function_is_everywhere():
    """What lamoo_fast.h declares is in the capsule's table and, without an object, in the pxd."""
    assert len(DECLARED) > 15
    capsule = (INCLUDE / "lamoo_fast_capsule.h").read_text()
    fields = re.findall(r"LAMOO_FIELD\((\w+)\);", capsule)
    assert {f"lamoo_{field}" for field in fields} == DECLARED
    functions = {name for name in DECLARED if not re.search("archive|boxes|simd_level", name)}
    assert functions <= set(_core.__pyx_capi__)


# ---- Cython ----


def test_cython_module(tmp_path):
    """Other Cython code calls a kernel without Python in between."""
    pytest.importorskip("Cython")
    (tmp_path / "user.pyx").write_text(CYTHON_USER)
    build(tmp_path, "user.pyx")
    code = "import numpy as np, user; print(user.volume(np.zeros((1, 2)), np.full(2, 3.0)))"
    assert run("-c", code, cwd=tmp_path).strip() == "9.0"


CYTHON_USER = """
from lamoo_fast.kernels._core cimport lamoo_hypervolume, lamoo_run

def volume(const double[:, ::1] F, const double[::1] ref):
    cdef double out = 0.0
    cdef lamoo_run run = lamoo_run(2, NULL, NULL)
    cdef int status
    with nogil:
        status = lamoo_hypervolume(&F[0, 0], F.shape[0], F.shape[1], &ref[0], &run, &out)
    assert status == 0
    return out
"""


# ---- Numba ----


@pytest.fixture(scope="module")
def compiled():
    pytest.importorskip("numba")
    from lamoo_fast.adapters import numba

    return numba


def test_numba_equals_python(compiled):
    some = F[:5]
    for points in (F, F[:0], F[:1], np.round(F, 1), F[:, ::-1], F.astype(np.float32), F[::2]):
        for name in ("hypervolume", "hv_contributions"):
            result = getattr(compiled, name)(points, REF)
            np.testing.assert_array_equal(result, getattr(lf, name)(points, REF))
        for name in ("is_nondominated", "pareto_rank", "dominance_count"):
            result, wanted = getattr(compiled, name)(points), getattr(lf, name)(points)
            assert result.dtype == wanted.dtype
            np.testing.assert_array_equal(result, wanted)
        result = compiled.hv_improvement(some, points, REF)
        np.testing.assert_array_equal(result, lf.hv_improvement(some, points, REF))


def test_numba_user(compiled):
    """Inside of other compiled code, in parallel, and with read-only arrays."""
    import numba

    @numba.njit(parallel=True)
    def volumes(sets, ref):
        out = np.empty(len(sets))
        for i in numba.prange(len(sets)):
            out[i] = compiled.hypervolume(sets[i], ref)
        return out

    sets = np.random.default_rng(1).random((300, 20, 4))
    sets.flags.writeable = False
    np.testing.assert_array_equal(volumes(sets, REF), lf.hypervolume_batch(sets, REF))


def test_numba_errors(compiled):
    import numba

    huge = np.finfo(float).max
    for arguments, message in [
        ((np.full((2, 4), np.nan), REF), "F must be finite"),
        ((F, REF[:3]), "ref must have as many values"),
        ((F, REF * np.inf), "ref must be finite"),
        ((np.empty((3, 0)), np.empty(0)), "no objectives"),
        ((np.full((1, 1), -huge), np.full(1, huge)), "overflows"),
    ]:
        with pytest.raises(ValueError, match=message):
            compiled.hypervolume(*arguments)
    with pytest.raises(ValueError, match="candidates must have"):
        compiled.hv_improvement(F[:, :2], F, REF)
    with pytest.raises(numba.TypingError, match="2 dimensions"):
        compiled.hypervolume(REF, REF)


def test_numba_cache(compiled, tmp_path):
    """Compiled code from another process finds the kernels."""
    code = (
        "import numpy as np, numba\n"
        "from lamoo_fast.adapters.numba import hypervolume\n"
        "print(hypervolume(np.zeros((1, 2)), np.full(2, 3.0)), hypervolume.stats.cache_hits)\n"
    )
    (tmp_path / "code.py").write_text(code)
    run("code.py", cwd=tmp_path)
    volume, hits = run("code.py", cwd=tmp_path).replace("Counter", "").split(maxsplit=1)
    assert volume == "9.0"
    assert "1" in hits


# ---- SciPy ----


def test_scipy_quad():
    """The mean improvement over a line, by SciPy and in closed form."""
    integrate = pytest.importorskip("scipy.integrate")
    from lamoo_fast.adapters.scipy import improvement

    front = np.array([[0.0, 1.0], [1.0, 0.0]])
    f = improvement(front, 2.0)
    del front
    for y in (0.0, 0.25, 0.9, 1.5):
        value, error = integrate.quad(f, 0.0, 1.0, args=(y,))
        assert value == pytest.approx(0.5 * max(1.0 - y, 0.0), abs=1e-9)
        assert error < 1e-7
    # over a grid of cells that the front bounds, the integrand is bilinear in each
    value, _ = integrate.nquad(f, [(0.0, 1.0), (0.0, 1.0)])
    assert value == pytest.approx(0.25, abs=1e-7)


def test_scipy_integrand():
    pytest.importorskip("scipy")
    from lamoo_fast.adapters.scipy import improvement

    integrand = improvement(F, REF)
    function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(
        ctypes.cast(ctypes.CDLL(_core.__file__).lamoo_improvement_at, ctypes.c_void_p).value
    )
    user_data = integrand.user_data
    for x in F * 0.9:
        x = np.ascontiguousarray(x)
        assert function(4, x.ctypes.data, user_data) == lf.hv_improvement([x], F, REF)[0]
        assert np.isnan(function(3, x.ctypes.data, user_data))
    x[2] = np.nan
    assert np.isnan(function(4, x.ctypes.data, user_data))
    with pytest.raises(ValueError, match="ref"):
        improvement(F, REF[:2])


# ---- many calls, many threads ----


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_no_leak_in_a_million_calls():
    sets = [np.random.default_rng(m).random((6, m)) for m in (2, 3, 4, 5)]
    corners = [np.ones(F.shape[1]) for F in sets]

    def calls(count):
        for F, ref in itertools.islice(itertools.cycle(zip(sets, corners, strict=True)), count):
            _core.hypervolume(F, ref, 1)
            _core.hv_contributions(F, ref, True, 1)
            lf.is_nondominated(F)
            lf.dominance_count(F)

    calls(10_000)
    before = resident_bytes()
    calls(250_000)
    assert resident_bytes() - before < 4e6  # a leak of 16 bytes a call would show


def test_sixteen_threads_at_once():
    """The same calls, with the GIL released, from 16 threads that each use two."""
    front = np.random.default_rng(0).random((200, 5))
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    ref = np.full(5, 1.1)
    wanted = lf.hypervolume(front, ref), lf.hv_contributions(front, ref).tobytes()
    results, barrier = [], threading.Barrier(16)

    def work():
        barrier.wait()
        for _ in range(10):
            contributions = lf.hv_contributions(front, ref, n_threads=2)
            results.append((lf.hypervolume(front, ref, n_threads=2), contributions.tobytes()))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [wanted] * 160


def test_sizes_that_overflow():
    """More entries than there is memory for, in a view that takes none: an error, no crash."""
    for shape in [(2**40, 8), (2**31, 2**28)]:
        endless = np.broadcast_to(0.0, shape)
        for kernel in (lf.is_nondominated, lf.pareto_rank, lambda F: lf.hypervolume(F, 1.0)):
            with pytest.raises((MemoryError, ValueError)):
                kernel(endless)
