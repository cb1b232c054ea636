"""Language models read a text side by side, piece after piece, and remember where they stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from lamoo_fast.nas.datasets.text import columns, steps
from lamoo_fast.nas.training.device import device_of, half_precision
from lamoo_fast.nas.training.objective import Loss
from lamoo_fast.search.checks import check_count

__all__ = [
    "NextToken",
    "Pieces",
    "Reader",
    "Reading",
    "cross_entropies",
    "next_token_loss",
]


class Pieces:
    """The pieces of a text, one from each token on; the text is a ring.

    Parameters
    ----------
    tokens : Tensor
        Shape (n,).
    length : int
        Tokens of a piece.
    ahead : int
        By how much they are later.
    """

    def __init__(self, tokens: Tensor, length: int, ahead: int = 0) -> None:
        self._tokens = tokens
        self._offsets = torch.arange(ahead, ahead + check_count("length", length))

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, starts: Tensor) -> Tensor:
        """Return pieces (n, length) from their starts (n,)."""
        return self._tokens[(starts[:, None] + self._offsets) % len(self._tokens)]


class Reading:
    """Truncated backpropagation through time: the pieces of each step go on where the last ended.

    The text is cut in `batch` columns that are read side by side. At its end a column goes on
    into the next one, so that the state is always that of the text before; and as columns are
    seldom multiples of pieces, every epoch cuts at other places, which Merity et al. (ICLR 2018,
    arXiv:1708.02182) do by pieces of random lengths.

    Parameters
    ----------
    count : int
        Tokens of the text.
    batch : int
        Columns.
    length : int
        Tokens of a piece.

    Raises
    ------
    ValueError
        If a column has less than a piece and the token behind it.

    Examples
    --------
    >>> reading = Reading(10, 2, 3)
    >>> [reading.rows(step).tolist() for step in range(3)]
    [[0, 5], [3, 8], [6, 1]]
    """

    def __init__(self, count: int, batch: int, length: int) -> None:
        column = count // check_count("batch", batch)
        if column <= check_count("length", length):
            raise ValueError(
                f"the text has {count} tokens, wanted more than {batch} x {length} "
                "(batch x length of a piece)"
            )
        self._count, self._batch, self._length = count, batch, length
        self._first = torch.arange(batch) * column

    def __len__(self) -> int:
        return self._batch * (self._count // self._batch // self._length)

    def rows(self, step: int) -> Tensor:
        """Return where the pieces of a step start."""
        return (self._first + step * self._length) % self._count


class Reader(nn.Module):
    """A language model, or a supernet of such, and the states where it stopped reading.

    Parameters
    ----------
    model : nn.Module
        As `LanguageModel`: takes tokens (time, batch) and states, gives scores and states.
    hidden : int
        Size of a state.
    batch : int
        Texts read side by side.
    """

    state: Tensor

    def __init__(self, model: nn.Module, hidden: int, batch: int) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("state", torch.zeros(batch, hidden, device=device_of(model)))

    def remember(self, states: Tensor) -> None:
        """Go on from the last of states (time, batch, hidden); from zeros where they overflowed."""
        last = states[-1].detach().float()
        self.state.copy_(torch.where(last.isfinite().all(-1, keepdim=True), last, 0.0))


@dataclass(frozen=True)
class NextToken:
    """Cross entropy of the next token, by one model.

    Parameters
    ----------
    temporal : float
        Weight of the mean squared change of the state from one token to the next (Merity et al.,
        arXiv:1708.01009).
    """

    temporal: float = 0.0

    def losses(
        self, model: Reader, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the loss of pieces (batch, time)."""
        scores, states = model.model(images.t(), model.state)
        model.remember(states)
        yield next_token_loss(scores, states, labels.t(), self.temporal)


def next_token_loss(scores: Tensor, states: Tensor, wanted: Tensor, temporal: float) -> Loss:
    """Loss of scores (time, batch, vocabulary) and states (time, batch, hidden)."""
    value = functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
    if temporal and len(states) > 1:
        value = value + temporal * (states[1:] - states[:-1]).square().mean()
    return Loss(value, (scores.detach().argmax(-1) == wanted).sum(), wanted.numel())


ReadsMany = Callable[[Tensor, Tensor | None], tuple[Tensor, Tensor]]
"""Maps tokens (time, batch) and states before to scores (k, time, batch, vocabulary) and states."""


@torch.no_grad()
def cross_entropies(
    read: ReadsMany, tokens: Tensor, device: torch.device, *, batch: int = 10, length: int = 35
) -> list[float]:
    """Return the mean cross entropy, in nats per token, of k models on a text.

    Parameters
    ----------
    read : callable
        The models, in evaluation mode.
    tokens : Tensor
        Shape (n,). The first token of each of the `batch` columns, and what does not fill one, is
        not predicted.
    device : torch.device
        Where they compute.
    batch, length : int
        Columns read side by side, and tokens of a piece.

    Raises
    ------
    ValueError
        If the text is too short.
    """
    text = columns(tokens, batch).to(device)
    total: Tensor | None = None
    count, hidden = 0, None
    for given, wanted in steps(text, length):
        with half_precision(device):
            scores, states = read(given, hidden)
        hidden = states[:, -1]
        losses = (
            functional.cross_entropy(
                scores.float().flatten(1, 2).transpose(1, 2),
                wanted.flatten().expand(len(scores), -1),
                reduction="none",
            )
            .double()
            .sum(1)
        )
        total = losses if total is None else total + losses
        count += wanted.numel()
    assert total is not None  # columns have two tokens or more
    return [float(value) / count for value in total]
