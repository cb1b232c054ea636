"""Validation: what the user gave becomes what the kernels take, or an error that says why not.

Kernels take C-contiguous float64 arrays, finite, all objectives minimised. Nothing given is ever
written to; an array that already fits is passed on without a copy.
"""

from __future__ import annotations

import operator
import os
import secrets
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _core

Floats: TypeAlias = NDArray[np.float64]
Maximise: TypeAlias = ArrayLike  # one bool, or one for each objective
Seed: TypeAlias = "int | np.random.Generator | None"

_LARGEST = float(np.finfo(np.float64).max)
_SMALL = 0.49 * _LARGEST  # the distance of two such numbers is a float64
_MAX_THREADS = 1024


def objectives(F: ArrayLike, maximise: Maximise = False, name: str = "F") -> Floats:
    """Points as a C-contiguous, finite, minimised float64 array (n, m), m >= 1."""
    if maximise is False and _core.is_ready(F):
        return F
    array = numbers(F, name)
    if array.ndim != 2:
        raise ValueError(_not_two_dimensional(array, name))
    if array.shape[1] == 0:
        raise ValueError(f"{name} has no objectives: its shape is {array.shape}")
    array = np.ascontiguousarray(array)
    if not _core.all_at_most(array, _LARGEST):
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(f"{name} must be finite; {name}[{row}, {column}] is {array[row, column]}")
    return minimised(array, maximise)


def reference(ref: ArrayLike, m: int, maximise: Maximise = False, F_name: str = "F") -> Floats:
    """A reference point of m objectives, minimised; one number stands for all."""
    array = numbers(ref, "ref")
    if array.ndim == 0:
        array = np.full(m, array)
    if array.ndim != 1:
        raise ValueError(f"ref must be a number or of shape ({m},) but has shape {array.shape}")
    if len(array) != m:
        columns = "1 column" if m == 1 else f"{m} columns"
        raise ValueError(f"{F_name} has {columns} but ref has {len(array)}")
    array = np.ascontiguousarray(array)
    if not _core.all_at_most(array, _LARGEST):
        j = int(np.argmin(np.isfinite(array)))
        raise ValueError(f"ref must be finite; ref[{j}] is {array[j]}")
    return minimised(array, maximise)


def distances_fit(F: Floats, ref: Floats, name: str = "F") -> None:
    """Refuse points so far below the reference point that the distance is not a float64."""
    if len(F) == 0 or (_core.all_at_most(ref, _SMALL) and _core.all_at_most(F, _SMALL)):
        return
    half = ref / 2 - F.min(axis=0) / 2  # never overflows itself
    if (half > _LARGEST / 2).any():
        j = int(np.argmax(half))
        raise ValueError(
            f"the distance from {name} to ref overflows float64 in objective {j}: "
            f"ref is {ref[j]:g} and the least value {F[:, j].min():g} (as minimised)"
        )


def points_and_ref(F: ArrayLike, ref: ArrayLike, maximise: Maximise) -> tuple[Floats, Floats]:
    """Points and their reference point, minimised, with distances that fit into float64."""
    if maximise is False and (ready := _core.ready_ref(F, ref, _SMALL)) is not None:
        return F, ready
    points = objectives(F, maximise)
    corner = reference(ref, points.shape[1], maximise)
    distances_fit(points, corner)
    return points, corner


def joined(sets: list[ArrayLike], maximise: Maximise) -> tuple[Floats, NDArray[np.uintp]]:
    """All points of one set or more, minimised, and where each set begins and the last one ends."""
    if maximise is False and (ready := _core.joined(sets, _SMALL)) is not None:
        return ready
    arrays = [objectives(F, maximise, f"sets[{i}]") for i, F in enumerate(sets)]
    m = arrays[0].shape[1]
    for i, F in enumerate(arrays):
        if F.shape[1] != m:
            raise ValueError(f"sets[{i}] has {F.shape[1]} columns but sets[0] has {m}")
    begin = np.zeros(len(arrays) + 1, dtype=np.uintp)
    np.cumsum([len(F) for F in arrays], out=begin[1:])
    return np.concatenate(arrays), begin


def minimised(array: Floats, maximise: Maximise) -> Floats:
    """Flip the signs of the maximised objectives (the last axis), in a copy if there are any."""
    if isinstance(maximise, bool) and not maximise:
        return array
    flags = np.asarray(maximise)
    m = array.shape[-1]
    if flags.dtype.kind not in "biu" or not np.isin(flags, (0, 1)).all():
        raise TypeError(f"maximise must be a bool or {m} bools, not {maximise!r}")
    if flags.shape not in ((), (m,)):
        raise ValueError(f"maximise must be a bool or {m} bools but has shape {flags.shape}")
    # 0 - x rather than -x: no -0.0 comes out.
    return np.where(flags.astype(bool), 0.0 - array, array)


def numbers(values: ArrayLike, name: str) -> Floats:
    """Real numbers of any shape as float64."""
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            raise ValueError(f"{name} has masked entries; remove or fill them")
        values = values.data
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from error
    if array.dtype == np.float64:
        return array if array.flags.aligned else array.copy()
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, not {array.dtype}")
    with np.errstate(over="ignore"):  # a long double out of range becomes inf, which is refused
        return array.astype(np.float64)


def number(value: object, name: str) -> float:
    """One real number, but no bool."""
    array = numbers(value, name)  # type: ignore[arg-type]
    if array.ndim != 0 or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be one number, not {value!r}")
    return float(array)


def flag(value: object, name: str) -> bool:
    """A bool, Python's or NumPy's."""
    if value is False or value is True:
        return value
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a bool, not {value!r}")
    return bool(value)


def n_threads(value: int) -> int:
    """The number of threads; -1 stands for all processors this process may use."""
    if type(value) is int and 0 < value <= _MAX_THREADS:
        return value
    count = integer(value, "n_threads")
    if count == -1:
        # Containers and batch systems often allow fewer processors than the machine has.
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if count < 1:
        raise ValueError(f"n_threads must be at least 1, or -1 for all processors, not {count}")
    return min(count, _MAX_THREADS)


def seed(value: Seed) -> int:
    """A number below 2**64: the one given, one drawn from a generator, or a random one."""
    if value is None:
        return secrets.randbits(64)
    if isinstance(value, np.random.Generator):
        return int(value.integers(2**64, dtype=np.uint64))
    number = integer(value, "seed")
    if not 0 <= number < 2**64:
        raise ValueError(f"seed must be in 0 .. 2**64 - 1, not {number}")
    return number


def integer(value: object, name: str) -> int:
    """An integer, Python's or NumPy's, but no bool."""
    if not isinstance(value, (bool, np.bool_)):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise TypeError(f"{name} must be an integer, not {value!r}")


def _not_two_dimensional(array: Floats, name: str) -> str:
    wanted = f"{name} must have shape (points, objectives)"
    if array.size == 0:
        return (
            f"{wanted} but has shape {array.shape}; "
            "for no points of m objectives pass np.empty((0, m))"
        )
    if array.ndim == 1:
        return (
            f"{wanted} but has shape {array.shape}; "
            f"for one point pass {name}.reshape(1, -1), for one objective {name}.reshape(-1, 1)"
        )
    return f"{wanted} but has shape {array.shape}"
