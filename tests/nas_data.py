"""Rows of the shared tables, and what several tests of architectures need."""

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest


def shared_path(name):
    """Path of a shared table, or skip."""
    for folder in (os.environ.get("LAMOO_DATA"), Path(__file__).parents[2] / "shared/data/nas"):
        if folder and (Path(folder) / name).is_file():
            return Path(folder) / name
    pytest.skip(f"{name} is not here: set LAMOO_DATA to the folder of the shared tables")


def shared(name):
    """Rows of a shared table, or skip."""
    with gzip.open(shared_path(name), "rt", newline="") as file:
        return list(csv.DictReader(file))


def sampled(architectures, n, seed=0):
    """Return n random configurations of a space."""
    X = np.random.default_rng(seed).random((n, architectures.space.d))
    return architectures.space.decode(X)
