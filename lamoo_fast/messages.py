"""What the commands say when something is wrong, one line on stderr."""

from __future__ import annotations

import sys

INTERRUPTED = 128 + 2
"""The exit status with which shells report SIGINT."""


def complain(text: str) -> None:
    """Print a line."""
    print("lamoo:", " ".join(text.split()), file=sys.stderr)


def described(error: OSError) -> str:
    """Say what the system could not do, and with which file."""
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"
