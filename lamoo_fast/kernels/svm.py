"""Support vector machines with two classes: training, decisions, and filters of many points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import _core

_Floats = npt.NDArray[np.float64]
_Mask = npt.NDArray[np.bool_]

KERNELS = ("linear", "poly", "rbf")
_TOLERANCE = 1e-3  # of decisions, that of libsvm


@dataclass(frozen=True, eq=False)
class SVM:
    """A trained machine, as plain arrays.

    Attributes
    ----------
    kernel : str
        "linear" for x.y, "poly" for (gamma x.y + 1)^degree or "rbf" for exp(-gamma |x - y|^2).
    gamma, degree : float, int
        Of the kernel.
    mean, scale : array, shape (f,)
        Features are centred and divided by these first.
    support, dual : array, shape (s, f) and (s,)
        Support vectors and their coefficients.
    intercept : float
        Constant of the decision function.
    """

    kernel: str
    gamma: float
    degree: int
    mean: _Floats
    scale: _Floats
    support: _Floats
    dual: _Floats
    intercept: float

    def decision(self, Z: npt.ArrayLike) -> _Floats:
        """Decision function for features Z (n, f). O(n s f).

        The value of a row has the same bits on every machine and whatever the other rows are.

        Raises
        ------
        ValueError
            When Z has another number of columns.
        """
        return self._compiled.decision(_features(Z, len(self.mean)))

    @cached_property
    def _compiled(self) -> _core.Svm:
        mean, scale, support, dual = (
            np.ascontiguousarray(array, dtype=np.float64)
            for array in (self.mean, self.scale, self.support, self.dual)
        )
        f = len(mean)
        if scale.shape != (f,) or dual.ndim != 1 or support.shape != (len(dual), f):
            shapes = [array.shape for array in (mean, scale, support, dual)]
            raise ValueError(f"mean, scale, support, dual have shapes {shapes}")
        kind = KERNELS.index(self.kernel)
        return _core.Svm(kind, self.gamma, self.degree, mean, scale, support, dual, self.intercept)

    def __getstate__(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


def on_sides(sides: Sequence[tuple[SVM, bool]], Z: npt.ArrayLike, margin: float = 0.0) -> _Mask:
    """Tell which rows of Z (n, f) are on the given side of each machine.

    Parameters
    ----------
    sides : sequence of (SVM, bool)
        At least one. True: the decision is above the margin. False: it is not.
    Z : array_like, shape (n, f)
        Features.
    margin : float
        Where decisions are compared.

    Returns
    -------
    array of bool, shape (n,)
        What `SVM.decision` would tell, exactly.

    Raises
    ------
    ValueError
        When Z has another number of columns than a machine.

    Notes
    -----
    The machines with few support vectors go first, and each sees only what passed those before.
    Decisions of the rbf kernel are computed in single precision with a bound of their error; the
    few that are not clear then are computed again as by `SVM.decision`.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> first = train_svm(X, X[:, 0] > 0.5, kernel="linear", gamma=1.0, degree=1, C=10.0)
    >>> second = train_svm(X, X[:, 0] > 2.5, kernel="linear", gamma=1.0, degree=1, C=10.0)
    >>> on_sides([(first, True), (second, False)], X)
    array([False,  True,  True, False])
    """
    if not sides:
        raise ValueError("sides is empty, wanted at least one machine")
    f = len(sides[0][0].mean)
    for machine, _ in sides:
        if len(machine.mean) != f:
            raise ValueError(f"machines have {f} and {len(machine.mean)} features")
    machines = [machine._compiled for machine, _ in sides]
    return _core.svm_on_sides(
        machines, [bool(above) for _, above in sides], margin, _features(Z, f)
    )


def train_svm(
    X: npt.ArrayLike,
    good: npt.ArrayLike,
    *,
    kernel: str,
    gamma: float,
    degree: int,
    C: float,
    mean: npt.ArrayLike = 0.0,
    scale: npt.ArrayLike = 1.0,
    tolerance: float = _TOLERANCE,
) -> SVM:
    """Train a machine whose decision is positive where rows are good.

    Parameters
    ----------
    X, good : array_like, shape (n, f) and (n,)
        Features and labels.
    kernel, gamma, degree
        As in `SVM`.
    C : float
        Cost of a row on the wrong side.
    mean, scale : array_like, shape (f,), or number
        Features are centred and divided by these first.
    tolerance : float
        Largest violation of the conditions of optimality.

    Raises
    ------
    ValueError
        When the labels are all the same, or as many as there are not rows.

    Notes
    -----
    Sequential minimal optimisation with second order working sets (Fan, Chen and Lin, JMLR 6,
    2005) on the whole matrix of kernels: O(n^2 f), and O(n) for each step. The result is the same
    on every machine.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> svm = train_svm(X, X[:, 0] > 1, kernel="linear", gamma=1.0, degree=1, C=10.0)
    >>> svm.decision([[1.5], [2.0]]).round(6)
    array([0., 1.])
    """
    X = np.asarray(X, dtype=np.float64)
    good = np.ascontiguousarray(good, dtype=np.bool_)
    if X.ndim != 2 or good.shape != (len(X),):
        raise ValueError(f"X and good have shapes {X.shape} and {good.shape}, wanted (n, f), (n,)")
    if good.all() or not good.any():
        raise ValueError("good holds one label only, wanted both")
    mean = np.broadcast_to(np.asarray(mean, dtype=np.float64), X.shape[1])
    scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), X.shape[1])
    rows = np.ascontiguousarray((X - mean) / scale)
    kind = KERNELS.index(kernel)
    dual, intercept = _core.svm_train(kind, gamma, degree, C, tolerance, rows, good)
    used = dual != 0
    return SVM(kernel, gamma, degree, mean, scale, rows[used], dual[used], intercept)


def _features(Z: npt.ArrayLike, f: int) -> _Floats:
    Z = np.ascontiguousarray(Z, dtype=np.float64)
    if Z.ndim != 2 or Z.shape[1] != f:
        raise ValueError(f"Z has shape {Z.shape}, wanted (n, {f})")
    return Z
