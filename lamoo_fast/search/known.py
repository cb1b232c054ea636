"""Objectives that are known without an evaluation, such as the size of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.params import Categorical, Float
from lamoo_fast.search.space import MAX_ENUMERATED, Array, Config, Space
from lamoo_fast.search.trial import Trial

_TOLERANCE = 1e-9  # relative; an evaluation may sum in another order


class Contradiction(ValueError):  # noqa: N818 - what was told against what is known
    """An evaluation returned another value than the one declared known."""


class Known:
    """Values of the known objectives, remembered for each point.

    Parameters
    ----------
    space : Space
        Where the points lie.
    signs : array, shape (m,)
        -1 for each maximised objective, 1 for the others.
    functions : mapping of int to callable, optional
        For some objectives, by index: takes a configuration (dict) and returns the value in user
        units, always the same one.

    Attributes
    ----------
    columns : tuple of int
        Indices of the known objectives.

    Raises
    ------
    ValueError
        When an index is no objective, or a function cannot be called.

    Notes
    -----
    Every point is asked about once. In a space of few combinations a point's values are found
    by its number, so that all of the space costs a few array operations; the result for the very
    array of `Space.enumerate` is kept as a whole.

    Examples
    --------
    >>> from lamoo_fast.search.space import Integer
    >>> space = Space({"width": Integer(1, 4)})
    >>> known = Known(space, np.array([-1.0, 1.0]), {1: lambda config: config["width"] ** 2})
    >>> known.values(space.enumerate()[:2])
    array([[nan,  1.],
           [nan,  4.]])
    """

    def __init__(
        self,
        space: Space,
        signs: Array,
        functions: Mapping[int, Callable[[Config], float]] | None = None,
    ) -> None:
        self._space = space
        self._signs = signs
        self._functions = _checked(functions, len(signs))
        self.columns = tuple(self._functions)
        self._whole: tuple[Array, Array] | None = None
        # One row of values per combination, NaN where not asked; or, by the key of the point.
        self._table: Array | None = None
        self._by_key: dict[bytes, tuple[float, ...]] = {}

    @classmethod
    def nothing(cls, m: int) -> Known:
        """Return what is known of m objectives when no one said anything."""
        return cls(Space({"any": Float(0, 1)}), np.ones(m))

    def values(self, X: npt.ArrayLike) -> Array:
        """Minimised objectives (N, m) of the points X (N, d), NaN in the unknown columns.

        Raises
        ------
        ValueError
            When a function fails or returns something else than a finite number.
        """
        X = np.asarray(X, dtype=np.float64)
        if self._whole is not None and X is self._whole[0]:
            return self._whole[1]
        values = np.full((len(X), len(self._signs)), np.nan)
        if self.columns and len(X):
            few = (self._space.n_combinations or MAX_ENUMERATED + 1) <= MAX_ENUMERATED
            found = self._by_number(X) if few else self._by_point(X)
            values[:, self.columns] = found * self._signs[list(self.columns)]
        if X.flags.owndata and not X.flags.writeable:  # as `Space.enumerate` returns it
            values.flags.writeable = False
            self._whole = X, values
        return values

    def check(self, trials: Iterable[Trial]) -> None:
        """Compare the values of done trials with the known ones.

        Raises
        ------
        Contradiction
            When one differs by more than 1e-9, relative to the larger one.
        """
        done = [trial for trial in trials if trial.values is not None]
        if not self.columns or not done:
            return
        known = self.values(np.array([trial.x for trial in done])) * self._signs
        for trial, rights in zip(done, known.tolist(), strict=True):
            for column in self.columns:
                told, right = (trial.values or ())[column], rights[column]
                if abs(told - right) > _TOLERANCE * max(abs(told), abs(right)):
                    raise Contradiction(
                        f"trial {trial.id}: objective {column} of {trial.config} is {told!r}, "
                        f"but the value declared known is {right!r}"
                    )

    def _by_number(self, X: Array) -> Array:
        if self._table is None:
            total = self._space.n_combinations or 0
            self._table = np.full((total, len(self.columns)), np.nan)
        number = _numbers(self._space, X)
        missing, first = np.unique(number, return_index=True)
        new = np.isnan(self._table[missing, 0])
        if new.any():
            self._table[missing[new]] = self._ask(X[first[new]])
        return np.asarray(self._table[number])

    def _by_point(self, X: Array) -> Array:
        keys = self._space.keys(X)
        missing = {key: i for i, key in enumerate(keys) if key not in self._by_key}
        answers = self._ask(X[list(missing.values())]).tolist() if missing else []
        self._by_key.update(zip(missing, map(tuple, answers), strict=True))
        return np.array([self._by_key[key] for key in keys])

    def _ask(self, X: Array) -> Array:
        """Call the functions for points X (k, d)."""
        configs = self._space.decode(X)
        out = np.empty((len(X), len(self.columns)))
        for j, (column, function) in enumerate(self._functions.items()):
            for i, config in enumerate(configs):
                try:
                    out[i, j] = function(dict(config))
                except Exception as error:
                    raise ValueError(
                        f"known[{column}] failed for {config}: {type(error).__name__}: {error}"
                    ) from error
                if not np.isfinite(out[i, j]):
                    raise ValueError(
                        f"known[{column}] is {out[i, j]} for {config}, wanted a finite number"
                    )
        return out


def _checked(
    functions: Mapping[int, Callable[[Config], float]] | None, m: int
) -> dict[int, Callable[[Config], float]]:
    if functions is not None and not isinstance(functions, Mapping):
        raise ValueError(f"known is {functions!r}, wanted a mapping of index to function")
    checked: dict[int, Callable[[Config], float]] = {}
    for index, function in (functions or {}).items():
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
            raise ValueError(f"known has the key {index!r}, wanted the index of an objective")
        if not 0 <= index < m:
            raise ValueError(f"known has the key {index}, wanted 0 <= index < {m}")
        if not callable(function):
            raise ValueError(f"known[{index}] is {function!r}, wanted a function of a config")
        checked[int(index)] = function
    return dict(sorted(checked.items()))


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
