"""The packages that the adapters plug into: is it there, and is it new enough."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version


def require(package: str, least: str, extra: str) -> None:
    """Raise an ImportError that names the extra to install, unless the package will do.

    Parameters
    ----------
    package : str
        Name of the distribution, as pip knows it.
    least : str
        Lowest version, such as "4.4".
    extra : str
        The extra of lamoo_fast that installs it.

    Raises
    ------
    ImportError
        When the package is missing or too old.

    Examples
    --------
    >>> require("numpy", "1.24", "any")
    >>> require("numpy", "999", "any")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ImportError: this adapter needs numpy>=999, ... is installed: pip install 'lamoo_fast[any]'
    """
    try:
        found = version(package)
    except PackageNotFoundError:
        found = ""
    if not found or _release(found) < _release(least):
        there = f"{found} is installed" if found else "which is not installed"
        raise ImportError(
            f"this adapter needs {package}>={least}, {there}: pip install 'lamoo_fast[{extra}]'"
        )


def _release(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (5, 0, 0) of "5.0.0.dev1"."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, found.group().split("."))) if found else ()
