"""A function of configurations that is asked about every point once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.params import Categorical, Float
from lamoo_fast.search.space import MAX_ENUMERATED, Array, Config, Space


class Remembered:
    """Rows of finite numbers about points, remembered.

    Parameters
    ----------
    space : Space
        Where the points lie.
    ask : callable
        Takes a list of configurations and returns an array of one row for each.

    Notes
    -----
    In a space of few combinations a point's row is found by its number, so that all of the space
    costs a few array operations.

    Examples
    --------
    >>> from lamoo_fast.search.space import Integer
    >>> space = Space({"width": Integer(1, 4)})
    >>> area = Remembered(space, lambda configs: np.array([[c["width"] ** 2] for c in configs]))
    >>> area(space.enumerate()[:2])
    array([[1.],
           [4.]])
    """

    def __init__(self, space: Space, ask: Callable[[list[Config]], Array]) -> None:
        self._space = space
        self._ask = ask
        self._few = (space.n_combinations or MAX_ENUMERATED + 1) <= MAX_ENUMERATED
        # One row per combination, NaN where not asked; or, by the key of the point.
        self._table: Array | None = None
        self._by_key: dict[bytes, Array] = {}

    def __call__(self, X: Array) -> Array:
        """Rows (N, k) of the points X (N, d), N > 0."""
        return self._by_number(X) if self._few else self._by_point(X)

    def _by_number(self, X: Array) -> Array:
        number = _numbers(self._space, X)
        missing, first = np.unique(number, return_index=True)
        if self._table is not None:
            new = np.isnan(self._table[missing, 0])
            missing, first = missing[new], first[new]
        if len(missing):
            answers = self._ask(self._space.decode(X[first]))
            if self._table is None:
                self._table = np.full((self._space.n_combinations or 0, answers.shape[1]), np.nan)
            self._table[missing] = answers
        assert self._table is not None
        return np.asarray(self._table[number])

    def _by_point(self, X: Array) -> Array:
        keys = self._space.keys(X)
        missing = {key: i for i, key in enumerate(keys) if key not in self._by_key}
        if missing:
            answers = self._ask(self._space.decode(X[list(missing.values())]))
            self._by_key.update(zip(missing, answers, strict=True))
        return np.array([self._by_key[key] for key in keys])


def _numbers(space: Space, X: Array) -> npt.NDArray[np.intp]:
    """Number of each point X (n, d) of a finite space, first parameter slowest."""
    number = np.zeros(len(X), dtype=np.intp)
    for j, param in enumerate(space.params.values()):
        if isinstance(param, Float) or param.n_codes is None:
            raise ValueError("the space is not finite")
        if isinstance(param, Categorical):
            codes = np.asarray(param.codes(X[:, j]), dtype=np.intp)
        else:
            codes = np.asarray(param.from_unit(X[:, j]), dtype=np.intp) - param.low
        number = number * param.n_codes + codes
    return number
