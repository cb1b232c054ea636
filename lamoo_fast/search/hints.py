"""Cheap numbers about configurations that go with the objectives, such as one-shot accuracies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.params import Float
from lamoo_fast.search.remembered import Remembered
from lamoo_fast.search.space import Array, Config, Space

HintFunction: TypeAlias = Callable[[Sequence[Config]], npt.ArrayLike]


class Hints:
    """Values of the hints, remembered for each point.

    Parameters
    ----------
    space : Space
        Where the points lie.
    function : callable, optional
        Takes a list of configurations and returns an array (n, h), or (n,), of finite numbers,
        always the same ones for a configuration. Without it there are no hints.

    Raises
    ------
    ValueError
        When it cannot be called.

    Examples
    --------
    >>> from lamoo_fast.search.space import Integer
    >>> space = Space({"width": Integer(1, 4)})
    >>> hints = Hints(space, lambda configs: [c["width"] ** 0.5 for c in configs])
    >>> hints.values(space.enumerate()[3:])
    array([[2.]])
    """

    def __init__(self, space: Space, function: HintFunction | None = None) -> None:
        if function is not None and not callable(function):
            raise ValueError(f"hints is {function!r}, wanted a function of a list of configs")
        self._function = function
        self._n: int | None = None if function else 0
        self._remembered = Remembered(space, self._ask)

    @classmethod
    def nothing(cls) -> Hints:
        """Return the hints of a search without any."""
        return cls(Space({"any": Float(0, 1)}))

    def __bool__(self) -> bool:
        return self._function is not None

    def values(self, X: Array) -> Array:
        """Hints (N, h) of the points X (N, d).

        Raises
        ------
        ValueError
            When the function fails or returns something else than finite numbers in one row for
            each configuration, as many as before.
        """
        if self._function is None or (not len(X) and self._n is None):
            return np.empty((len(X), 0))
        return self._remembered(X) if len(X) else np.empty((0, self._n or 0))

    def _ask(self, configs: list[Config]) -> Array:
        assert self._function is not None
        try:
            # A copy: what is remembered must not change with an array that the function uses again.
            answers = np.array(self._function([dict(c) for c in configs]), dtype=np.float64)
        except Exception as error:
            raise ValueError(
                f"hints failed for {len(configs)} configurations: {type(error).__name__}: {error}"
            ) from error
        if answers.ndim == 1:
            answers = answers[:, None]
        width = self._n or (answers.shape[1] if answers.ndim == 2 else 1)
        if answers.shape != (len(configs), width) or not width:
            raise ValueError(
                f"hints returned an array of shape {answers.shape} for {len(configs)} "
                f"configurations, wanted {(len(configs), width)}"
            )
        strange = ~np.isfinite(answers).all(axis=1)
        if strange.any():
            i = int(np.argmax(strange))
            raise ValueError(
                f"hints are {answers[i].tolist()} for {configs[i]}, wanted finite numbers"
            )
        self._n = width
        return answers
