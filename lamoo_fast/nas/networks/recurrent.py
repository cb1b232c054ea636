"""Language models of recurrent cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lamoo_fast.nas.spaces.genotype import Gene
from lamoo_fast.nas.spaces.recurrent import RecurrentCell

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "identity": lambda x: x,
}


class LockedDropout(nn.Module):
    """Dropout with one mask for a whole sequence (Gal and Ghahramani, NeurIPS 2016).

    As `torch.nn.Dropout`, it draws from the global generator of PyTorch.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def mask(self, like: Tensor) -> Tensor | None:
        """Return a mask of the shape of `like`, None where nothing is dropped."""
        if not self.training or self.rate == 0:
            return None
        return torch.empty_like(like).bernoulli_(1 - self.rate) / (1 - self.rate)

    def forward(self, x: Tensor) -> Tensor:
        """Map (time, batch, size) to the same shape; all times have one mask."""
        mask = self.mask(x[0])
        return x if mask is None else x * mask


class CellBase(nn.Module):
    """The loop over time around the nodes of a cell, however these are computed.

    Parameters
    ----------
    settings : RecurrentCell
        Size of the state, dropout.
    """

    def __init__(self, settings: RecurrentCell) -> None:
        super().__init__()
        self.first = nn.Linear(2 * settings.hidden, 2 * settings.hidden, bias=False)
        self.drop_input = LockedDropout(settings.dropout_input)
        self.drop_hidden = LockedDropout(settings.dropout_hidden)

    def forward(self, x: Tensor, hidden: Tensor, *choice: Any) -> Tensor:
        """Map inputs (time, batch, hidden) and the last state (batch, hidden) to all states."""
        input_mask, hidden_mask = self.drop_input.mask(hidden), self.drop_hidden.mask(hidden)
        states = []
        for step in x:
            both = torch.cat([_masked(step, input_mask), _masked(hidden, hidden_mask)], dim=-1)
            hidden = self.nodes(gated(self.first(both), hidden, "tanh"), hidden_mask, *choice)
            states.append(hidden)
        return torch.stack(states)

    def nodes(self, first: Tensor, hidden_mask: Tensor | None, *choice: Any) -> Tensor:
        """Return the new state (batch, hidden) from node 0."""
        raise NotImplementedError


class Cell(CellBase):
    """A cell of a genotype."""

    def __init__(self, settings: RecurrentCell, genes: Sequence[Gene]) -> None:
        super().__init__(settings)
        size = settings.hidden
        self.genes = list(genes)
        self.weights = nn.ModuleList(nn.Linear(size, 2 * size, bias=False) for _ in genes)

    def nodes(self, first: Tensor, hidden_mask: Tensor | None) -> Tensor:  # noqa: D102
        nodes = [first]
        for weight, (op, source) in zip(self.weights, self.genes, strict=True):
            start = nodes[source]
            nodes.append(gated(weight(_masked(start, hidden_mask)), start, op))
        return torch.stack(nodes[1:]).mean(dim=0)


def gated(both: Tensor, start: Tensor, op: str) -> Tensor:
    """Move from `start` (batch, size) towards an activation, both halves of (batch, 2 size)."""
    gate, target = both.chunk(2, dim=-1)
    return start + torch.sigmoid(gate) * (ACTIVATIONS[op](target) - start)


def _masked(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask


class LanguageModel(nn.Module):
    """Embeddings, a recurrent cell, and scores of the next token.

    Parameters
    ----------
    settings : RecurrentCell
        Vocabulary, size of the state, dropout.
    cell : CellBase
        What is between.
    """

    def __init__(self, settings: RecurrentCell, cell: CellBase) -> None:
        super().__init__()
        self.hidden = settings.hidden
        self.encoder = nn.Embedding(settings.vocabulary, settings.hidden)
        self.cell = cell
        self.decoder = nn.Linear(settings.hidden, settings.vocabulary)
        self.drop_embedding = LockedDropout(settings.dropout_embedding)
        self.drop_output = LockedDropout(settings.dropout_output)
        self._tie()

    def _tie(self) -> None:
        self.decoder.weight = self.encoder.weight

    def initialise(self, generator: torch.Generator) -> None:
        """Tie the embeddings to the last layer again, which memory of their own has parted."""
        self._tie()

    def forward(
        self, tokens: Tensor, hidden: Tensor | None = None, *choice: Any
    ) -> tuple[Tensor, Tensor]:
        """Score the tokens that follow.

        Parameters
        ----------
        tokens : Tensor
            Numbers, shape (time, batch).
        hidden : Tensor, optional
            State before them, shape (batch, hidden); zeros if None.
        *choice
            Given to the cell.

        Returns
        -------
        scores : Tensor
            Shape (time, batch, vocabulary), before the softmax.
        states : Tensor
            Shape (time, batch, hidden); the last one is the state to go on with.
        """
        x = self.drop_embedding(self.encoder(tokens))
        if hidden is None:
            hidden = x.new_zeros(x.shape[1:])
        states = self.cell(x, hidden, *choice)
        return self.decoder(self.drop_output(states)), states
