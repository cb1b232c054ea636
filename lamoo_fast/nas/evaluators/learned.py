"""One number of architectures, learned from those where it is known, with the error it has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lamoo_fast.nas.evaluators.models import Encoding, ProcessModel
from lamoo_fast.search.scores import NormalScores
from lamoo_fast.search.space import Config, Space

_PARTS = 5


class Learned:
    """Predicts a number of architectures by a Gaussian process of examples.

    Parameters
    ----------
    space : Space
        Where the configurations lie.
    configs : sequence of n dict
        The examples, O(n^3).
    values : n numbers
        Their values; larger ones are told apart best.
    encode : Encoding, optional
        Features that matter more than single choices.

    Attributes
    ----------
    error : str
        Root mean square error and Spearman correlation of cross-validation in 5 parts.

    Examples
    --------
    >>> from lamoo_fast.search.space import Integer
    >>> space = Space({"width": Integer(1, 30)})
    >>> seen = [{"width": w} for w in range(1, 31, 2)]
    >>> learned = Learned(space, seen, [1 - 1 / c["width"] for c in seen])
    >>> low, high = learned([{"width": 4}, {"width": 20}])
    >>> bool(0.6 < low < 0.9 < high < 1)
    True
    """

    def __init__(
        self,
        space: Space,
        configs: Sequence[Config],
        values: npt.ArrayLike,
        encode: Encoding | None = None,
    ) -> None:
        from scipy.stats import spearmanr

        y = np.array(values, dtype=np.float64)
        self._scores = NormalScores(-y)  # the process sees best what is small
        self._model = ProcessModel(space, encode)
        z = self._scores(-y)
        self._model.fit(configs, z)
        parts = np.random.default_rng(0).permutation(len(y)) % _PARTS
        predicted = -self._scores.inverse(self._model.left_out(configs, z, parts))
        rms = math.sqrt(np.square(predicted - y).mean())
        rho = float(spearmanr(predicted, y)[0]) if np.ptp(y) and np.ptp(predicted) else math.nan
        self.error = (
            f"root mean square error {rms:.3g}, Spearman {rho:.3f} "
            f"({_PARTS} parts of {len(y)} networks, each left out)"
        )

    def __call__(self, configs: Sequence[Config]) -> npt.NDArray[np.float64]:
        """Medians (n,) of what the values may be."""
        if not len(configs):
            return np.empty(0)
        return -self._scores.inverse(self._model.predict(configs)[0])
