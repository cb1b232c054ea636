"""Numba: the kernels inside of `@njit` functions, with no Python and no GIL in between.

Arguments are checked as the Python functions check them, with errors of fixed texts, as Numba wants
them. All objectives are minimised and all calls run on one thread, so that they may stand in
`nogil` functions and in `prange` loops. C-contiguous float64 arrays are passed on without a copy.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import llvmlite.binding
import numpy as np
from numba import njit, types
from numba.core.errors import TypingError
from numba.extending import get_cython_function_address, overload
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_doubles = types.CPointer(types.float64)
_bytes = types.CPointer(types.uint8)
_longs = types.CPointer(types.int64)
_size = types.uintp
_run = types.uintp  # a pointer; always 0 here: one thread
_ONE_THREAD = 0
_ALL = sys.maxsize  # fronts, or points in them


def _kernel(name: str, *arguments: Any) -> Any:
    """A C function under a name that compiled code, from the cache too, finds when it is loaded."""
    symbol = f"lamoo_fast.{name}"
    address = get_cython_function_address("lamoo_fast.kernels._core", name)
    llvmlite.binding.add_symbol(symbol, address)
    return types.ExternalFunction(symbol, types.int32(*arguments))


_hypervolume = _kernel("lamoo_hypervolume", _doubles, _size, _size, _doubles, _run, _doubles)
_hv_contributions = _kernel(
    "lamoo_hv_contributions", _doubles, _size, _size, _doubles, types.int32, _run, _doubles
)
_hv_improvement = _kernel(
    "lamoo_hv_improvement", _doubles, _size, _doubles, _size, _size, _doubles, _run, _doubles
)
_is_nondominated = _kernel(
    "lamoo_is_nondominated", _doubles, _size, _size, types.int32, _run, _bytes
)
_pareto_rank = _kernel("lamoo_pareto_rank", _doubles, _size, _size, _size, _size, _run, _longs)
_dominance_count = _kernel("lamoo_dominance_count", _doubles, _size, _size, _run, _longs)


def _converter(ndim: int) -> Callable[[Floats], Floats]:
    """For compiled code: an array of ndim dimensions as a C-contiguous float64 one."""

    def as_doubles(array: Floats) -> Floats:
        raise NotImplementedError("this is for Numba only")

    @overload(as_doubles)
    def overload_as_doubles(array):  # Numba compares its signature with that of the lambdas
        if not isinstance(array, types.Array) or array.ndim != ndim:
            raise TypingError(f"wanted an array of {ndim} dimensions, not {array}")
        if array.dtype == types.float64 and array.layout == "C":
            return lambda array: array
        return lambda array: np.ascontiguousarray(array.astype(np.float64))

    return as_doubles


_as_matrix, _as_vector = _converter(2), _converter(1)


@njit(cache=True, nogil=True)
def _points(F: Floats) -> Floats:
    points = _as_matrix(F)
    if points.shape[1] == 0:
        raise ValueError("F has no objectives: its second dimension is 0")
    if not np.all(np.isfinite(points)):
        raise ValueError("F must be finite")
    return points


@njit(cache=True, nogil=True)
def _corner(ref: Floats, points: Floats) -> Floats:
    corner = _as_vector(ref)
    n, m = points.shape
    if corner.shape[0] != m:
        raise ValueError("ref must have as many values as F has columns")
    if not np.all(np.isfinite(corner)):
        raise ValueError("ref must be finite")
    for i in range(n):
        for j in range(m):
            if corner[j] - points[i, j] == np.inf:
                raise ValueError("the distance from F to ref overflows float64")
    return corner


@njit(cache=True, nogil=True)
def _check(status: int) -> None:
    if status == 1:
        raise MemoryError("out of memory in a lamoo_fast kernel")
    if status == 5:
        raise ValueError("too many points: kernels take at most 2**32 - 1")
    if status != 0:
        raise RuntimeError("a lamoo_fast kernel failed; please report this")


@njit(cache=True, nogil=True)
def hypervolume(F: Floats, ref: Floats) -> float:
    """Compute the hypervolume of a set of points, as `lamoo_fast.hypervolume`.

    Parameters
    ----------
    F : array, shape (n, m)
        Points of m objectives, minimised.
    ref : array, shape (m,)
        The reference point.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a number is not finite or the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from numba import njit
    >>> from lamoo_fast.adapters.numba import hypervolume
    >>> @njit
    ... def best_shift(F, ref):
    ...     volumes = [hypervolume(F + shift, ref) for shift in (0.0, 0.5, 1.0)]
    ...     return max(volumes)
    >>> best_shift(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 3.0]))
    3.0
    """
    points = _points(F)
    corner = _corner(ref, points)
    n, m = points.shape
    out = np.empty(1)
    _check(_hypervolume(points.ctypes, n, m, corner.ctypes, _ONE_THREAD, out.ctypes))
    volume: float = out[0]
    return volume


@njit(cache=True, nogil=True)
def hv_contributions(F: Floats, ref: Floats) -> Floats:
    """Compute what each point alone covers, as `lamoo_fast.hv_contributions`: shape (n,).

    Dominated points are ignored. Arguments and errors are those of `hypervolume`.
    """
    points = _points(F)
    corner = _corner(ref, points)
    n, m = points.shape
    out = np.empty(n)
    _check(_hv_contributions(points.ctypes, n, m, corner.ctypes, 1, _ONE_THREAD, out.ctypes))
    return out


@njit(cache=True, nogil=True)
def hv_improvement(candidates: Floats, F: Floats, ref: Floats) -> Floats:
    """Compute what each candidate alone would add, as `lamoo_fast.hv_improvement`: shape (c,).

    Arguments and errors are those of `hypervolume`; candidates (c, m) has the columns of F.
    """
    joining, points = _points(candidates), _points(F)
    if joining.shape[1] != points.shape[1]:
        raise ValueError("candidates must have as many columns as F")
    corner = _corner(ref, points)
    _corner(ref, joining)
    n, m = points.shape
    c = joining.shape[0]
    out = np.empty(c)
    _check(
        _hv_improvement(
            joining.ctypes, c, points.ctypes, n, m, corner.ctypes, _ONE_THREAD, out.ctypes
        )
    )
    return out


@njit(cache=True, nogil=True)
def is_nondominated(F: Floats) -> NDArray[np.bool_]:
    """Tell which points no other dominates, as `lamoo_fast.is_nondominated`: shape (n,).

    Of equal points the first is kept. Argument and errors are those of `hypervolume`.
    """
    points = _points(F)
    n, m = points.shape
    out = np.empty(n, np.uint8)
    _check(_is_nondominated(points.ctypes, n, m, 0, _ONE_THREAD, out.ctypes))
    return out.view(np.bool_)


@njit(cache=True, nogil=True)
def pareto_rank(F: Floats) -> NDArray[np.int64]:
    """Compute the number of the front of each point, as `lamoo_fast.pareto_rank`: shape (n,).

    Argument and errors are those of `hypervolume`.
    """
    points = _points(F)
    n, m = points.shape
    out = np.empty(n, np.int64)
    _check(_pareto_rank(points.ctypes, n, m, _ALL, _ALL, _ONE_THREAD, out.ctypes))
    return out


@njit(cache=True, nogil=True)
def dominance_count(F: Floats) -> NDArray[np.int64]:
    """Count the points that dominate each point, as `lamoo_fast.dominance_count`: shape (n,).

    Argument and errors are those of `hypervolume`.
    """
    points = _points(F)
    n, m = points.shape
    out = np.empty(n, np.int64)
    _check(_dominance_count(points.ctypes, n, m, _ONE_THREAD, out.ctypes))
    return out
