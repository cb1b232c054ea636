"""Tests that need an optional package are skipped, with the reason, where it is not installed."""

import importlib.util
import re

import pytest
from hypothesis import HealthCheck, settings

# How fast a machine is decides nothing: with what is set already, as in a run of CI.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

PACKAGE_OF_EXTRA = {"bo": "botorch", "cma": "cma"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    try:
        return (yield)
    except ImportError as error:
        extra = re.search(r"pip install 'lamoo_fast\[(\w+)\]'", str(error))
        if extra and importlib.util.find_spec(PACKAGE_OF_EXTRA[extra[1]]) is None:
            pytest.skip(str(error))
        raise
