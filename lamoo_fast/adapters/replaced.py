"""Names in the modules of a host, replaced for a while."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import Any
from unittest.mock import patch


@contextmanager
def replaced(host: str, places: Mapping[str, Mapping[str, Callable[..., Any]]]) -> Iterator[None]:
    """Replace functions in modules as long as the context lasts, errors or not.

    Parameters
    ----------
    host : str
        Name of the distribution, for the error.
    places : mapping of str to mapping of str to callable
        By module and name, what to put there.

    Raises
    ------
    AttributeError
        When a module or a name is not there; nothing is replaced then.

    Examples
    --------
    >>> import math
    >>> with replaced("numpy", {"math": {"sqrt": lambda x: "ours"}}):
    ...     math.sqrt(4)
    'ours'
    >>> math.sqrt(4)
    2.0
    """
    found = []
    for place, functions in places.items():
        for name, function in functions.items():
            try:
                module = importlib.import_module(place)
                getattr(module, name)
            except (ModuleNotFoundError, AttributeError) as error:
                raise AttributeError(
                    f"{host} {version(host)} has no {place}.{name}, which is to be replaced: "
                    f"lamoo_fast does not know this version of {host}"
                ) from error
            found.append(patch.object(module, name, function))
    with ExitStack() as stack:
        for patched in found:
            stack.enter_context(patched)
        yield
