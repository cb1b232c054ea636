"""Checks of the settings of a search: each returns the plain value or raises ValueError."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Sequence

import numpy as np

_DIRECTIONS = ("minimize", "maximize")


def check_directions(directions: Sequence[str]) -> tuple[str, ...]:
    """Return the directions as a tuple."""
    if isinstance(directions, str):
        raise ValueError(f"directions is the string {directions!r}, wanted a list of strings")
    for direction in directions:
        if direction not in _DIRECTIONS:
            near = difflib.get_close_matches(str(direction), _DIRECTIONS, 1, 0)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"direction is {direction!r}, wanted one of {_DIRECTIONS}{hint}")
    if not directions:
        raise ValueError("directions is empty, wanted one for each objective")
    return tuple(directions)


def check_count(name: str, value: object, *, least: int = 1) -> int:
    """Return a whole number that is large enough as an int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} is {value!r}, wanted a whole number >= {least}")
    return int(value)


def generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Generator of the search's own, so that nobody else moves its state."""
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    elif seed is not None and (not isinstance(seed, numbers.Integral) or seed < 0):
        raise ValueError(f"seed is {seed!r}, wanted a whole number >= 0, a Generator or None")
    return np.random.Generator(np.random.PCG64(seed))
