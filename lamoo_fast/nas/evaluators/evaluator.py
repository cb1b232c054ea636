"""What all evaluators of architectures have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lamoo_fast.search.hints import HintFunction
from lamoo_fast.search.space import Config


@dataclass(frozen=True)
class Evaluation:
    """Values of one architecture and what they are worth.

    Parameters
    ----------
    values : mapping of str to float
        By the name of the quantity, such as "accuracy".
    fidelity : str
        Where they come from: "trained" stand-alone, "supernet", "few-shot", "predictor",
        "untrained".
    cost : float
        Seconds that it took.

    Examples
    --------
    >>> Evaluation({"accuracy": 0.93}, "trained", 120.0).values["accuracy"]
    0.93
    """

    values: Mapping[str, float]
    fidelity: str
    cost: float


class Evaluator(Protocol):
    """Evaluates architectures, many at a time."""

    def evaluate(self, configs: Sequence[Config]) -> list[Evaluation]:
        """Return one evaluation for each configuration, in order."""


def as_hints(evaluator: Evaluator, names: Sequence[str]) -> HintFunction:
    """Let a cheap evaluator help a search, as ``LaMOO(hints=as_hints(one_shot, ["accuracy"]))``.

    Parameters
    ----------
    evaluator : Evaluator
        Such as a one-shot or few-shot one; asked about every architecture once.
    names : sequence of str
        Which of its values.
    """

    def hints(configs: Sequence[Config]) -> list[list[float]]:
        evaluations = evaluator.evaluate(configs)
        return [[evaluation.values[name] for name in names] for evaluation in evaluations]

    return hints
