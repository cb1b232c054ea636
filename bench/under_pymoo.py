"""pymoo's own tests, on pymoo alone and with our kernels under it: which ones differ?

    python bench/under_pymoo.py PATH/TO/pymoo/tests [arguments of pytest]

pymoo's distributions have no tests: they are in its repository, of which the version that is
installed is wanted. Ends with 1 where a test that passes on pymoo alone does not with our kernels.

It is a plugin of pytest too, for the second run alone: `python -m pytest -p under_pymoo ...` with
this folder in PYTHONPATH.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lamoo_fast.adapters import pymoo_kernels
from lamoo_fast.adapters.replaced import replaced

calls: Counter[str] = Counter()
reached: set[str] = set()


def counted(name, function):
    @wraps(function)
    def call(*args, **kwargs):
        calls[name] += 1
        return function(*args, **kwargs)

    return call


def pytest_configure(config):
    """Before tests are imported: whatever they compute meanwhile is by our kernels too."""
    places = {
        place: {name: counted(f"{place}.{name}", function) for name, function in functions.items()}
        for place, functions in pymoo_kernels.PLACES.items()
    }
    under = ExitStack()
    under.enter_context(replaced("pymoo", places))
    config.add_cleanup(under.close)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    before = calls.total()
    try:
        return (yield)
    finally:
        if calls.total() > before:
            reached.add(item.nodeid)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("our kernels under pymoo")
    for name, n in sorted(calls.items()):
        terminalreporter.write_line(f"{n:9} calls of {name}")
    terminalreporter.write_line(f"{len(reached):9} tests reached them")


def outcomes(arguments, *plugin):
    """Run pytest in a process of its own; return what came of each test."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.getenv("PYTHONPATH")])])
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", *arguments, *plugin, f"--junitxml={report}",
            "--continue-on-collection-errors",
        ]  # fmt: skip
        subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
        cases = ElementTree.parse(report).iter("testcase")
        return {
            f"{case.get('classname')}::{case.get('name')}": next(
                (child.tag for child in case if child.tag in ("failure", "error", "skipped")),
                "passed",
            )
            for case in cases
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tests", help="folder of pymoo's tests, followed by arguments of pytest")
    known, others = parser.parse_known_args()
    arguments = [known.tests, *others]
    alone = outcomes(arguments)
    ours = outcomes(arguments, "-p", "under_pymoo")
    print("pymoo alone:", dict(Counter(alone.values())))
    print("our kernels:", dict(Counter(ours.values())))
    differ = {test for test in alone.keys() | ours.keys() if alone.get(test) != ours.get(test)}
    for test in sorted(differ):
        print(f"{test}: {alone.get(test, 'absent')} alone, {ours.get(test, 'absent')} with ours")
    worse = [test for test in differ if alone.get(test) == "passed"]
    print(f"{len(worse)} of {len(alone)} tests pass on pymoo alone only")
    sys.exit(bool(worse))


if __name__ == "__main__":
    main()
