"""Native code: the C++ tests under sanitizers, the header in C."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

CSRC = Path(__file__).parent.parent / "csrc"
TESTS = sorted(CSRC.glob("test_*.cpp"))
LIBRARY = sorted(set(CSRC.glob("*.cpp")) - set(TESTS))
PLAIN = [
    "-std=c++17", "-O1", "-g1", "-ffp-contract=off", "-pthread", "-Wall", "-Wextra",
    "-Wconversion", "-Werror",
]  # fmt: skip
FLAGS = [*PLAIN, "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def run(*command):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=600, check=False
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


def test_races(compiler, tmp_path):
    """Four threads make thousands of calls at once, some with threads of their own, under TSan."""
    program = tmp_path / "fuzz"
    flags = [*PLAIN, "-fsanitize=thread"]
    (tmp_path / "probe.cpp").write_text("int main() { return 0; }\n")
    try:
        run(compiler, *flags, tmp_path / "probe.cpp", "-o", program)
        run(program)
    except AssertionError:
        pytest.skip("the thread sanitizer does not run here")
    run(compiler, *flags, CSRC / "test_fuzz.cpp", *LIBRARY, "-o", program)
    run(program, 2500, 1, 4)  # 120,000 calls


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
