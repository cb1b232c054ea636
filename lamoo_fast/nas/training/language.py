"""Training and judging language models."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lamoo_fast.nas.training.device import device_of
from lamoo_fast.nas.training.objective import Loss
from lamoo_fast.search.checks import check_count

__all__ = ["NextToken", "perplexity", "windows"]


@dataclass(frozen=True)
class NextToken:
    """Cross entropy of the token that follows, for `LanguageModel` on `windows`.

    Parameters
    ----------
    smoothness : float
        Weight of the squared change of the state from one token to the next (Merity, McCann and
        Socher, 2017).
    """

    smoothness: float = 1e-3

    def losses(
        self, model: Any, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the mean over all tokens of the windows, both (batch, length)."""
        scores, states = model(images.t())
        wanted = labels.t()
        value = functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
        if self.smoothness and len(states) > 1:
            value = value + self.smoothness * (states[1:] - states[:-1]).pow(2).mean()
        yield Loss(value, (scores.detach().argmax(-1) == wanted).sum(), wanted.numel())


def windows(tokens: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut a text (n,) into windows of `length` tokens, and the tokens that follow each of them.

    Returns
    -------
    inputs, following : Tensor
        Shape (windows, length) both; the rest of the text, shorter than a window, is left out.

    Raises
    ------
    ValueError
        If the text is no longer than a window.

    Examples
    --------
    >>> windows(torch.arange(6), 2)[1].tolist()
    [[1, 2], [3, 4]]
    """
    count = (len(tokens) - 1) // check_count("length", length)
    if count < 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {length} and the next")
    used = count * length
    return tokens[:used].view(count, length), tokens[1 : used + 1].view(count, length)


@torch.no_grad()
def perplexity(model: Any, tokens: Tensor, *choice: Any, length: int = 256) -> float:
    """Exponential of the mean loss per token of a text (n,), read from its beginning to its end.

    Parameters
    ----------
    model : LanguageModel
        Set to evaluation mode.
    tokens : Tensor
        At least two.
    *choice
        Given to the model behind the state.
    length : int
        Tokens at a time; the state is handed on, so that it changes nothing.

    Raises
    ------
    ValueError
        If there are fewer than two tokens.
    """
    check_count("length", length)
    if len(tokens) < 2:
        raise ValueError(f"tokens has {len(tokens)}, wanted at least 2")
    model.eval()
    tokens = tokens.to(device_of(model))[:, None]
    hidden, total = None, 0.0
    for start in range(0, len(tokens) - 1, length):
        given = tokens[start : min(start + length, len(tokens) - 1)]
        scores, states = model(given, hidden, *choice)
        wanted = tokens[start + 1 : start + 1 + len(given)]
        total += functional.cross_entropy(
            scores.flatten(0, 1), wanted.flatten(), reduction="sum"
        ).item()
        hidden = states[-1]
    return math.exp(min(total / (len(tokens) - 1), 700.0))
