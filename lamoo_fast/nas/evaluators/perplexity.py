"""Perplexity of language models, and of many subnets of a supernet at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from lamoo_fast.nas.evaluators.grouped import Grouped
from lamoo_fast.nas.supernets.recurrent import RecurrentSupernet
from lamoo_fast.nas.training.device import device_of
from lamoo_fast.nas.training.reading import cross_entropies
from lamoo_fast.search.checks import check_count

__all__ = ["PerplexityOneShot", "perplexity"]


def perplexity(model: nn.Module, tokens: Tensor, *, batch: int = 10) -> dict[str, float]:
    """Return the "perplexity" of a language model, and the "loss" in nats per token.

    Parameters
    ----------
    model : nn.Module
        A `LanguageModel`; put into evaluation mode.
    tokens : Tensor
        Shape (n,).
    batch : int
        Columns that the text is cut into and that are read side by side: the first token of each
        is not predicted.

    Raises
    ------
    ValueError
        If the text is too short.
    """
    model.eval()

    def read(given: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        scores, states = model(given, None if hidden is None else hidden[0])
        return scores[None], states[None]

    return _values(cross_entropies(read, tokens, device_of(model), batch=batch)[0])


def _values(loss: float) -> dict[str, float]:
    # a model may be so bad that its perplexity is no float
    return {"perplexity": math.inf if loss >= 700 else math.exp(loss), "loss": loss}


class PerplexityOneShot(Grouped):
    """Evaluates cells with the weights of a supernet; several read the text side by side.

    Parameters
    ----------
    supernet : RecurrentSupernet
        A trained one.
    tokens : Tensor
        Text held out, shape (n,).
    subnets : int
        How many read at once. When memory runs out it is halved; this is logged and kept.
    batch : int
        Columns of the text, as `perplexity`.
    fidelity : str
        Tag of the evaluations.

    Raises
    ------
    ValueError
        If a number is not >= 1.
    """

    def __init__(
        self,
        supernet: RecurrentSupernet,
        tokens: Tensor,
        *,
        subnets: int = 16,
        batch: int = 10,
        fidelity: str = "supernet",
    ) -> None:
        super().__init__(subnets, fidelity)
        self.supernet = supernet
        self._tokens = tokens
        self._batch = check_count("batch", batch)

    def values(self, configs: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
        """Return the perplexity and the loss of each cell."""
        self.supernet.eval()
        losses = cross_entropies(
            lambda given, hidden: self.supernet.forward_many(given, configs, hidden),
            self._tokens,
            device_of(self.supernet),
            batch=self._batch,
        )
        return [_values(loss) for loss in losses]
