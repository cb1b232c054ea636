"""Objectives that are known without an evaluation, such as the size of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.params import Float
from lamoo_fast.search.remembered import Remembered
from lamoo_fast.search.space import Array, Config, Space
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
    Every point is asked about once (`Remembered`); the values at the very array of
    `Space.enumerate` are kept as a whole.

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
        self._signs = signs
        self._functions = _checked(functions, len(signs))
        self.columns = tuple(self._functions)
        self._remembered = Remembered(space, self._ask)
        self._whole: tuple[Array, Array] | None = None

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
            values[:, self.columns] = self._remembered(X) * self._signs[list(self.columns)]
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

    def _ask(self, configs: list[Config]) -> Array:
        """Call the functions for k configurations."""
        out = np.empty((len(configs), len(self.columns)))
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
