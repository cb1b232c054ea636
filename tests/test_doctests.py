"""The examples in the docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import lamoo_fast

MODULES = [
    info.name
    for info in pkgutil.walk_packages(lamoo_fast.__path__, "lamoo_fast.")
    if info.name != "lamoo_fast.__main__"
]


@pytest.mark.parametrize("module", MODULES)
def test_examples(module):
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        # One that names the extra is missing here, or a part of an adapter misses its host.
        ours = (error.name or "lamoo_fast").startswith("lamoo_fast")
        if "lamoo_fast[" not in str(error) and (ours or ".adapters." not in module):
            raise
        pytest.skip(str(error))
    assert doctest.testmod(found).failed == 0


def test_every_room_has_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for room in ("kernels", "search", "nas"):
        modules = [m for m in MODULES if m.startswith(f"lamoo_fast.{room}.")]
        tests = [t for m in modules for t in finder.find(importlib.import_module(m))]
        assert sum(len(t.examples) for t in tests) > 10, room
