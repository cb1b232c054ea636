"""Native code: the C++ tests under sanitizers, the header in C, the kernels in others' Cython."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import lamoo_fast.kernels

CSRC = Path(__file__).parent.parent / "csrc"
TESTS = sorted(CSRC.glob("test_*.cpp"))
LIBRARY = sorted(set(CSRC.glob("*.cpp")) - set(TESTS))
FLAGS = [
    "-std=c++17", "-O1", "-g", "-ffp-contract=off", "-pthread", "-Wall", "-Wextra",
    "-Wconversion", "-Werror", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
]  # fmt: skip


def run(*command):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=400, check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def compiler(tmp_path_factory):
    """A C++ compiler that can build with the sanitizers and whose programs run."""
    if not TESTS:
        pytest.skip("no csrc beside the tests")
    probe = tmp_path_factory.mktemp("probe")
    (probe / "probe.cpp").write_text("int main() { return 0; }\n")
    for name in filter(shutil.which, [os.environ.get("CXX", "g++"), "clang++"]):
        try:
            run(name, *FLAGS, probe / "probe.cpp", "-o", probe / "probe")
            run(probe / "probe")
        except (AssertionError, OSError):
            continue
        return name
    return pytest.skip("no C++ compiler with address and undefined sanitizers")


@pytest.fixture(scope="module")
def objects(compiler, tmp_path_factory):
    """The library, compiled once for all tests."""
    folder = tmp_path_factory.mktemp("objects")
    made = [folder / source.with_suffix(".o").name for source in LIBRARY]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(run, compiler, *FLAGS, "-c", source, "-o", target)
            for source, target in zip(LIBRARY, made, strict=True)
        ]
        for job in jobs:
            job.result()
    return made


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_native(test, compiler, objects, tmp_path):
    program = tmp_path / test.stem
    run(compiler, *FLAGS, test, *objects, "-o", program)
    run(program)


def test_header_is_c(compiler, tmp_path):
    """The interface is for C as well."""
    compiler_for_c = shutil.which("cc") or shutil.which("gcc")
    if compiler_for_c is None:
        pytest.skip("no C compiler")
    (tmp_path / "user.c").write_text(
        '#include "lamoo_fast.h"\nint main(void) { return LAMOO_OK; }\n'
    )
    run(compiler_for_c, "-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{CSRC}", "-fsyntax-only",
        tmp_path / "user.c")  # fmt: skip


USER = """
from lamoo_fast.kernels._core cimport lamoo_hypervolume

def volume(const double[:, ::1] F, const double[::1] ref):
    cdef double out = 0.0
    assert lamoo_hypervolume(&F[0, 0], F.shape[0], F.shape[1], &ref[0], NULL, &out) == 0
    return out
"""
BUILD = """
import sys
from Cython.Build import cythonize
from setuptools import setup
root, include = sys.argv.pop(), sys.argv.pop()
setup(ext_modules=cythonize("user.pyx", include_path=[root], language_level=3),
      include_dirs=[include])
"""


def test_cimport(compiler, tmp_path):
    """Other Cython code calls a kernel without Python in between."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    (tmp_path / "user.pyx").write_text(USER)
    (tmp_path / "build.py").write_text(BUILD)
    root = Path(lamoo_fast.kernels.__file__).parent.parent.parent
    code = "import numpy as np, user; print(user.volume(np.zeros((1, 2)), np.full(2, 3.0)))"
    for arguments in (["build.py", "build_ext", "--inplace", CSRC, root], ["-c", code]):
        result = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "9.0"
