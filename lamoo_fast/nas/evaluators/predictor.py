"""Evaluation by a model of the architectures evaluated so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import crowding_distance, pareto_rank
from lamoo_fast.nas.evaluators.evaluator import Evaluation, Evaluator
from lamoo_fast.nas.evaluators.models import Model
from lamoo_fast.nas.problem import Direction
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.scores import NormalScores
from lamoo_fast.search.space import Config

Floats = npt.NDArray[np.float64]


class Predictor:
    """Predicts values of architectures, and learns as true ones arrive.

    Parameters
    ----------
    objectives : mapping of str to {"maximize", "minimize"}
        What is predicted.
    model : callable
        Makes a `Model`; there is one for each objective.

    Raises
    ------
    ValueError
        When there are no objectives, or a direction is neither word.

    Notes
    -----
    Models see normal scores of the values, so that a few failed trainings do not hide the
    differences among good ones. They are fitted again at the first prediction after new truth.

    Examples
    --------
    >>> from lamoo_fast.nas.evaluators.models import ProcessModel
    >>> from lamoo_fast.search.space import Integer, Space
    >>> space = Space({"width": Integer(1, 30)})
    >>> predictor = Predictor({"accuracy": "maximize"}, lambda: ProcessModel(space))
    >>> seen = [{"width": w} for w in (1, 5, 10, 15, 20, 25, 30)]
    >>> predictor.tell(seen, [{"accuracy": 1 - 1 / c["width"]} for c in seen])
    >>> mean, sd = predictor.predict([{"width": 3}, {"width": 22}])
    >>> bool(mean[0, 0] < 0.85 < mean[1, 0])
    True
    """

    def __init__(self, objectives: Mapping[str, Direction], model: Callable[[], Model]) -> None:
        if not objectives:
            raise ValueError("objectives is empty; wanted at least one")
        for name, direction in objectives.items():
            if direction not in ("maximize", "minimize"):
                raise ValueError(
                    f"objective {name!r} has direction {direction!r}; "
                    "wanted 'maximize' or 'minimize'"
                )
        self.names = tuple(objectives)
        self._signs = np.array([-1.0 if d == "maximize" else 1.0 for d in objectives.values()])
        self._models = [model() for _ in objectives]
        self._scales: list[NormalScores] = []
        self._configs: list[Config] = []
        self._values: list[list[float]] = []

    @property
    def n_told(self) -> int:
        """Number of architectures whose true values are known."""
        return len(self._configs)

    def tell(self, configs: Sequence[Config], values: Sequence[Mapping[str, float]]) -> None:
        """Learn true values of architectures.

        Raises
        ------
        ValueError
            When the lengths differ, or a value is missing or not finite; nothing is learned then.
        """
        if len(configs) != len(values):
            raise ValueError(f"got {len(values)} values for {len(configs)} configurations")
        rows = []
        for config, named in zip(configs, values, strict=True):
            row = [float(named.get(name, np.nan)) for name in self.names]
            if not np.isfinite(row).all():
                raise ValueError(
                    f"values of {config} are {dict(named)}; "
                    f"wanted finite ones of {list(self.names)}"
                )
            rows.append(row)
        self._configs += [dict(config) for config in configs]
        self._values += rows
        self._scales = []

    def predict(self, configs: Sequence[Config]) -> tuple[Floats, Floats]:
        """Mean and standard deviation (n, k) of the k objectives, in their own units.

        Raises
        ------
        ValueError
            When fewer than two true evaluations are known.
        """
        self._fit()
        mean, sd = np.empty((2, len(configs), len(self.names)))
        for j, (model, scale) in enumerate(zip(self._models, self._scales, strict=True)):
            if len(configs):
                z, s = model.predict(configs)
                mean[:, j] = scale.inverse(z)
                sd[:, j] = (scale.inverse(z + s) - scale.inverse(z - s)) / 2
        return self._signs * mean, sd

    def evaluate(self, configs: Sequence[Config]) -> list[Evaluation]:
        """Predicted means, with the fidelity "predictor"."""
        start = time.perf_counter()
        mean, _ = self.predict(configs)
        cost = (time.perf_counter() - start) / max(len(configs), 1)
        return [
            Evaluation(dict(zip(self.names, row, strict=True)), "predictor", cost)
            for row in mean.tolist()
        ]

    def promising(self, configs: Sequence[Config], n: int, *, optimism: float = 1.0) -> list[int]:
        """Positions of the n architectures that are most worth a true evaluation, best first.

        Each counts as `optimism` standard deviations better than its mean; then those of the first
        front come first, and among them those with the most room around them.
        """
        mean, sd = self.predict(configs)
        F = self._signs * mean - optimism * sd
        ranks = pareto_rank(F)
        room = np.zeros(len(F))
        for rank in np.unique(ranks):
            room[ranks == rank] = crowding_distance(F[ranks == rank])
        return [int(i) for i in np.lexsort([F.sum(axis=1), -room, ranks])[:n]]

    def _fit(self) -> None:
        if self._scales:
            return
        if self.n_told < 2:
            raise ValueError(f"{self.n_told} true evaluations are known; wanted at least 2")
        Y = self._signs * np.array(self._values)
        scales = [NormalScores(y) for y in Y.T]
        for model, scale, y in zip(self._models, scales, Y.T, strict=True):
            model.fit(self._configs, scale(y))
        self._scales = scales


class Promoting:
    """Predicts all architectures and has those that are promising evaluated truly.

    Parameters
    ----------
    predictor : Predictor
        Learns from every true evaluation.
    truth : Evaluator
        Dear and true.
    n_first : int
        Until so many are known, all are evaluated truly.
    share : float
        Part of the architectures of later calls that is, rounded up.

    Raises
    ------
    ValueError
        When n_first < 2 or the share is not in (0, 1].
    """

    def __init__(
        self, predictor: Predictor, truth: Evaluator, *, n_first: int = 20, share: float = 0.25
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share is {share}, wanted 0 < share <= 1")
        self._predictor, self._truth = predictor, truth
        self._n_first, self._share = check_count("n_first", n_first, least=2), share

    def evaluate(self, configs: Sequence[Config]) -> list[Evaluation]:
        """Evaluations in order: true ones where promising, others predicted, with that truth."""
        first = max(0, min(len(configs), self._n_first - self._predictor.n_told))
        chosen = list(range(first))
        results: dict[int, Evaluation] = {}
        self._learn(results, configs, chosen)
        rest = list(range(first, len(configs)))
        if rest:
            n = int(np.ceil(self._share * len(rest)))
            promising = self._predictor.promising([configs[i] for i in rest], n)
            self._learn(results, configs, [rest[i] for i in promising])
            left = [i for i in rest if i not in results]
            predicted = self._predictor.evaluate([configs[i] for i in left])
            results.update(zip(left, predicted, strict=True))
        return [results[i] for i in range(len(configs))]

    def _learn(
        self, results: dict[int, Evaluation], configs: Sequence[Config], chosen: Sequence[int]
    ) -> None:
        """Evaluate the chosen ones truly."""
        if not chosen:
            return
        asked = [configs[i] for i in chosen]
        told = self._truth.evaluate(asked)
        self._predictor.tell(asked, [evaluation.values for evaluation in told])
        results.update(zip(chosen, told, strict=True))
