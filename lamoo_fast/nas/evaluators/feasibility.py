"""Which architectures are likely to be of no use: they would violate constraints, or fail."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lamoo_fast.nas.evaluators.models import ProcessModel
from lamoo_fast.nas.evaluators.predictor import Predictor
from lamoo_fast.search.samplers.view import View, spread
from lamoo_fast.search.space import Array, Space


class Feasibility:
    """A Gaussian process for each outcome constraint, and one for failure.

    Parameters
    ----------
    space : Space
        Where the points lie.
    view : View
        The evaluations, at least two. Without constraints and failures there is nothing to learn.
    """

    def __init__(self, space: Space, view: View) -> None:
        self._space = space
        self._models: list[Predictor] = []
        for column in (view.G / spread(view.G)).T if view.G.size else ():
            self._learn(view.X, column)
        if len(view.failed):
            outcome = np.repeat([-1.0, 1.0], [len(view.X), len(view.failed)])
            self._learn(np.vstack([view.X, view.failed]), outcome)

    def excess(self, X: Array) -> npt.NDArray[np.float64]:
        """How far points X (n, d) are predicted to violate constraints (n,), 0 where they do not.

        In units of the range of each constraint; between 0 and 1 is added for a likely failure.
        """
        total = np.zeros(len(X))
        configs = self._space.decode(X)
        for model in self._models:
            mean, _ = model.predict(configs)
            total += np.maximum(mean[:, 0], 0.0)
        return total

    def _learn(self, X: Array, values: Array) -> None:
        model = Predictor({"excess": "minimize"}, lambda: ProcessModel(self._space))
        model.tell(self._space.decode(X), [{"excess": value} for value in values.tolist()])
        self._models.append(model)
