"""Evaluating many architectures in groups that memory has room for."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from lamoo_fast.nas.evaluators.evaluator import Evaluation
from lamoo_fast.nas.evaluators.memory import with_less_memory
from lamoo_fast.search.checks import check_count

__all__ = ["Grouped"]


class Grouped(ABC):
    """Evaluates architectures, several at once; subclasses say how.

    Parameters
    ----------
    subnets : int
        How many at once. When memory runs out it is halved; this is logged and kept.
    fidelity : str
        Tag of the evaluations.

    Raises
    ------
    ValueError
        If `subnets` is not >= 1.
    """

    def __init__(self, subnets: int, fidelity: str) -> None:
        self.subnets = check_count("subnets", subnets)
        self._fidelity = fidelity

    @abstractmethod
    def values(self, configs: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
        """Values of a few architectures in one pass."""

    def evaluate(self, configs: Sequence[Mapping[str, Any]]) -> list[Evaluation]:
        """Return the values of each architecture, each with its share of the time.

        Raises
        ------
        ValueError
            If one is not of the space.
        """
        evaluations: list[Evaluation] = []
        while len(evaluations) < len(configs):
            started = time.perf_counter()
            values = self._next(configs[len(evaluations) :])
            seconds = (time.perf_counter() - started) / len(values)
            evaluations += [Evaluation(v, self._fidelity, seconds) for v in values]
        return evaluations

    def _next(self, configs: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
        """Values of the first few."""
        size = min(self.subnets, len(configs))
        values, used = with_less_memory(lambda size: self.values(configs[:size]), size, "subnets")
        if used < size:
            self.subnets = used
        return values
