"""The house rules that a machine can check: import direction, import cost, file length."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lamoo_fast

PACKAGE = Path(lamoo_fast.__file__).parent
# A room may import itself and the rooms to its left.
ROOMS = ["kernels", "machine", "fronts", "bench", "search", "nas", "adapters"]
ROOMS += ["plot", "record", "report", "page", "compare", "messages", "cli_arguments"]
ROOMS += ["cli_nas", "cli_report", "cli_search", "cli"]
ROOT_SOURCES = Path(__file__).parent.parent


def room_of(module: str) -> str | None:
    """`lamoo_fast.search.tree` -> `search`; None for the package itself and for foreign modules."""
    parts = module.split(".")
    return parts[1] if parts[0] == "lamoo_fast" and len(parts) > 1 else None


def imports(file: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative imports hide the room"
            names.append(node.module or "")
            if node.module == "lamoo_fast":
                names += [f"lamoo_fast.{alias.name}" for alias in node.names]
    return names


def test_imports_go_only_to_the_left():
    seen = set()
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).with_suffix("").parts[0]
        if room in {"__init__", "__main__"}:
            continue
        assert room in ROOMS, f"{file} stands in no room"
        seen.add(room)
        for module in imports(file):
            target = room_of(module)
            if target is None:
                # `from lamoo_fast import hypervolume` would load every room
                last = room in ROOMS[ROOMS.index("plot") :]
                assert module != "lamoo_fast" or last, f"{file} imports the top"
                continue
            allowed = [*ROOMS[: ROOMS.index(room) + 1], "__version__"]
            assert target in allowed, f"{file} imports {module}: {room} is left of {target}"
    assert seen == set(ROOMS)


def test_import_is_light():
    """Importing takes no heavy package along and, after numpy, little time."""
    code = (
        "import sys, time\n"
        "start = time.perf_counter(); import numpy\n"
        "middle = time.perf_counter(); import lamoo_fast\n"
        "numpy, ours = middle - start, time.perf_counter() - middle\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'scipy', 'cma', 'tqdm', 'botorch', 'pandas',\n"
        "         'numba'}\n"
        "print(ours / numpy, *sorted(heavy & set(sys.modules)))\n"
    )
    ratios = []
    for _ in range(5):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600
        ).stdout.split()
        assert out[1:] == []
        ratios.append(float(out[0]))
    # Beside numpy's own in one process, so that a busy machine does not decide.
    assert min(ratios) < 3


@pytest.mark.skipif(not (ROOT_SOURCES / "csrc").exists(), reason="no source tree beside the tests")
def test_files_are_short():
    files = [
        file
        for folder in ("csrc", "lamoo_fast", "tests", "bench")
        for file in (ROOT_SOURCES / folder).rglob("*")
        if file.suffix in {".py", ".pyx", ".pxi", ".pxd", ".pyi", ".cpp", ".hpp", ".h"}
        and file.name != "_core.cpp"
    ]
    assert len(files) > 20
    for file in files:
        assert len(file.read_text().splitlines()) <= 450, file


def test_public_names_are_documented():
    for name in lamoo_fast.__all__:
        assert getattr(lamoo_fast, name).__doc__, name


def test_no_slow_path_without_the_extension(tmp_path):
    """A copy without the compiled part must refuse to import and say the fix."""
    import shutil

    shutil.copytree(
        PACKAGE, tmp_path / "lamoo_fast", ignore=shutil.ignore_patterns("*.so", "*.pyd")
    )
    done = subprocess.run(
        [sys.executable, "-c", "import lamoo_fast"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "SYSTEMROOT": "C:\\Windows"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "ImportError" in done.stderr
    assert "pip install" in done.stderr
