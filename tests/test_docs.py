"""README and site keep their word: their Python runs, their commands and files exist."""

import ast
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lamoo_fast.cli import _parser

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in [README, *sorted((ROOT / "docs").glob("*.md"))]
    if page.exists()
}
pytestmark = pytest.mark.skipif(not PAGES, reason="no README beside the tests")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


PYTHON = [
    pytest.param(code, id=f"{page}-{i}")
    for page in PAGES
    for i, code in enumerate(blocks(page, "python"))
]
COMMANDS = [
    line
    for page in PAGES
    for block in blocks(page, "sh")
    for line in block.splitlines()
    if line.strip()
]


# Hosts of recipes that no extra installs; the page says that they are not tested.
ELSEWHERE = {"ray", "mpi4py"}


@pytest.mark.parametrize("code", PYTHON)
def test_python_runs(code, tmp_path):
    if "ax.api" in code and sys.version_info < (3, 11):
        pytest.skip("Ax needs Python 3.11")
    nodes = ast.walk(ast.parse(code))
    hosts = {(getattr(n, "module", None) or n.names[0].name).split(".")[0] for n in nodes
             if isinstance(n, (ast.Import, ast.ImportFrom))}  # fmt: skip
    for host in hosts & ELSEWHERE:
        if importlib.util.find_spec(host) is None or host == "mpi4py":  # which wants mpiexec
            pytest.skip(f"{host} is not here: only the syntax is checked")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_exist(line):
    name, *args = shlex.split(line, comments=True)
    if name == "lamoo":
        _parser().parse_args(args)  # a wrong option ends with SystemExit
    elif name == "make":
        assert f"\n{args[0]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    elif name == "python":
        text = "".join(p.read_text("utf-8") for p in (ROOT / args[0]).parent.glob("*.py"))
        assert (ROOT / args[0]).exists()
        for option in (arg for arg in args if arg.startswith("--")):
            assert f'"{option}"' in text, option
    else:
        assert [name, args[0]] == ["pip", "install"]


def test_opens_with_the_two_commands():
    first, second = blocks("README.md", "sh")[:2]
    assert (first.strip(), second.strip()) == ("make demo", "make test")


@pytest.mark.parametrize("page", PAGES)
def test_files_named_in_it_exist(page):
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGES[page]):
        assert ((ROOT / page).parent / link).exists(), link


def test_the_reference_names_everything_public():
    import lamoo_fast as lf

    named = set((ROOT / "docs" / "api.rst").read_text(encoding="utf-8").split())
    assert set(lf.__all__) - named == {"FAILED"}


def test_the_site_builds(tmp_path):
    pytest.importorskip("furo", reason="the site needs sphinx, myst-parser and furo")
    build = f"-qW -b html -d {tmp_path / 'trees'} {ROOT / 'docs'} {tmp_path / 'html'}"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *shlex.split(build)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "html" / "api" / "lamoo_fast.hypervolume.html").read_text("utf-8")
    assert "reference point" in text.lower()
    assert (tmp_path / "html" / "lamoo.html").exists()
