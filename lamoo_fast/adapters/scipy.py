"""SciPy: integrands that `scipy.integrate` calls without Python in between."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import LowLevelCallable

from lamoo_fast.kernels import _check, _core


class _Front(ctypes.Structure):
    """lamoo_front of lamoo_fast.h, with the arrays it points to."""

    _fields_ = (
        ("F", ctypes.c_void_p),
        ("n", ctypes.c_size_t),
        ("m", ctypes.c_size_t),
        ("ref", ctypes.c_void_p),
    )

    def __init__(self, F: np.ndarray[Any, Any], ref: np.ndarray[Any, Any]) -> None:
        self.arrays = F, ref
        super().__init__(F.ctypes.data, F.shape[0], F.shape[1], ref.ctypes.data)


def improvement(F: ArrayLike, /, ref: ArrayLike) -> LowLevelCallable:
    """Make the hypervolume improvement over F a function of the point, for numerical integration.

    The result is called as f(x_1, ..., x_m): `quad` integrates over the first objective with the
    others as ``args``, `nquad` over all of them. It returns NaN where a coordinate is not finite
    and where the number of coordinates is not m. Times a density, its integral is the expected
    hypervolume improvement (Emmerich, Giannakoglou and Naujoks, 2006).

    Parameters
    ----------
    F : array_like, shape (n, m)
        The points there are, minimised.
    ref : array_like, shape (m,) or a number
        The reference point.

    Returns
    -------
    scipy.LowLevelCallable
        With signature ``double (int, double *, void *)``. Holds its own copy of F and ref.

    Raises
    ------
    ValueError, TypeError
        As `lamoo_fast.hypervolume` does.

    Examples
    --------
    The mean improvement of a point (x, 0.5), x uniform in [0, 1]:

    >>> from scipy.integrate import quad
    >>> from lamoo_fast.adapters.scipy import improvement
    >>> f = improvement([[0.0, 1.0], [1.0, 0.0]], 2.0)
    >>> value, error = quad(f, 0.0, 1.0, args=(0.5,), points=[0.0, 1.0])
    >>> round(value, 9)
    0.25
    """
    points = _check.objectives(F).copy()
    corner = _check.reference(ref, points.shape[1]).copy()
    _check.distances_fit(points, corner)
    front = _Front(points, corner)
    address = ctypes.cast(ctypes.pointer(front), ctypes.c_void_p)
    address.front = front  # type: ignore[attr-defined]  # lives as long as the callable
    return LowLevelCallable.from_cython(
        _core,
        "lamoo_improvement_at",
        address,  # type: ignore[arg-type]
    )
