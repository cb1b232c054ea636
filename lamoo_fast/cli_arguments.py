"""How the commands read their arguments: each a function of the text, for ``type=``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any

from lamoo_fast.nas.problem import nearest


def whole(least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number, at least so large."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"got {text!r}; wanted a whole number >= {least}")
        return value

    return parse


def seconds(text: str) -> float:
    """Read a positive number of seconds."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}; wanted a number of seconds > 0")
    return value


def names(text: str) -> list[str]:
    """Read one or more names with commas between them."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"got {text!r}; wanted at least one")
    return found


def one_of(known: Mapping[str, Any]) -> Callable[[str], str]:
    """Return a function that reads one of the known names."""

    def parse(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"got {text!r}{nearest(text, list(known))}")
        return text

    return parse


def each(parse: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """Return a function that reads one or more values with commas between them."""

    def parse_all(text: str) -> list[Any]:
        return [parse(part) for part in names(text)]

    return parse_all
