"""The supernet of recurrent cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lamoo_fast.nas.networks.initialise import initialised
from lamoo_fast.nas.networks.recurrent import ACTIVATIONS, CellBase, LanguageModel
from lamoo_fast.nas.spaces.recurrent import OPS, RecurrentCell
from lamoo_fast.nas.supernets.paths import Choices, Paths
from lamoo_fast.nas.training.objective import Loss
from lamoo_fast.nas.training.reading import Reader, next_token_loss
from lamoo_fast.search.space import Config

__all__ = ["NextTokenOfPaths", "RecurrentSupernet"]


@dataclass(frozen=True)
class NextTokenOfPaths:
    """`NextToken` of the subnets of a step, which read side by side.

    Parameters
    ----------
    choices : Choices
        The space, or the part of it that is trained.
    paths : Paths
        Draws as many subnets every step as the reader has states for.
    temporal : float
        As `NextToken`.
    """

    choices: Choices
    paths: Paths
    temporal: float = 0.0

    def losses(
        self, model: Reader, images: Tensor, labels: Tensor, generator: torch.Generator
    ) -> Iterator[Loss]:
        """Yield the mean loss of the subnets on pieces (batch, time)."""
        configs: Sequence[Config] = self.paths.draw(self.choices, generator)
        before = model.state.view(len(configs), len(images), -1)
        supernet: Any = model.model
        scores, states = supernet.forward_many(images.t(), configs, before)
        scores, states = (part.transpose(0, 1).flatten(1, 2) for part in (scores, states))
        model.remember(states)
        yield next_token_loss(scores, states, labels.t().repeat(1, len(configs)), self.temporal)


class NodePlan(NamedTuple):
    """What k subnets do in a node.

    ``sources`` (k,) are nodes, ``weights`` (k, size, 2 size) the matrices, ``ops`` (ops, k, 1, 1)
    tells by 1 which activation of `OPS` each subnet has, ``used`` (k, 1, 1) whether it has the
    node.
    """

    sources: Tensor
    weights: Tensor
    ops: Tensor
    used: Tensor


class SharedMatrices(nn.Module):
    """The matrices of a node, one for each node that it may come from: (sources, 2 size, size)."""

    def __init__(self, sources: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(sources, 2 * size, size))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw them as linear layers."""
        bound = self.weight.shape[-1] ** -0.5
        self.weight.uniform_(-bound, bound, generator=generator)


class SharedCell(CellBase):
    """A cell that computes several subnets side by side."""

    def __init__(self, settings: RecurrentCell) -> None:
        super().__init__(settings)
        self.shared = nn.ModuleList(
            SharedMatrices(node, settings.hidden) for node in range(1, settings.nodes + 1)
        )

    def plan(self, settings: RecurrentCell, configs: Sequence[Mapping[str, Any]]) -> list[NodePlan]:
        """Look up what the subnets choose, once for all steps of a sequence."""
        genes = [settings.genes(config) for config in configs]
        plans: list[NodePlan] = []
        device = self.first.weight.device
        for node, shared in enumerate(self.shared):
            if not any(len(some) > node for some in genes):
                break
            chosen = [some[node] if len(some) > node else (OPS[0], 0) for some in genes]
            sources = torch.tensor([source for _, source in chosen], device=device)
            ops = torch.tensor([[op == name for op, _ in chosen] for name in OPS])
            used = torch.tensor([len(some) > node for some in genes])
            weight: Any = shared.weight
            plans.append(
                NodePlan(
                    sources,
                    weight[sources].transpose(1, 2),
                    ops.to(weight)[..., None, None],
                    used.to(weight)[:, None, None],
                )
            )
        return plans

    def nodes(self, first: Tensor, hidden_mask: Tensor | None, plans: list[NodePlan]) -> Tensor:
        k = len(plans[0].sources)
        nodes = first.view(1, k, -1, first.shape[-1])
        mask = None if hidden_mask is None else hidden_mask.view_as(nodes[0])
        which = torch.arange(k, device=first.device)
        total, count = torch.zeros_like(nodes[0]), torch.zeros_like(plans[0].used)
        for plan in plans:
            start = nodes[plan.sources, which]
            gate, target = torch.bmm(start if mask is None else start * mask, plan.weights).chunk(
                2, dim=-1
            )
            # every activation of every subnet, and the chosen one of them: cheap beside the product
            moved = sum(
                chosen * ACTIVATIONS[op](target) for op, chosen in zip(OPS, plan.ops, strict=True)
            )
            node = start + torch.sigmoid(gate) * (moved - start)
            nodes = torch.cat([nodes, node[None]])
            total, count = total + plan.used * node, count + plan.used
        return (total / count).view_as(first)


class RecurrentSupernet(nn.Module):
    """Weight sharing over the cells of a `RecurrentCell` space.

    Each node has a matrix for every node that it may come from; its activations share it.

    Parameters
    ----------
    architectures : RecurrentCell
        The space.
    generator : torch.Generator
        Draws the weights; the supernet is placed on its device.

    Notes
    -----
    Matrices per pair of nodes are those of ENAS (Pham et al., ICML 2018, arXiv:1802.03268).

    Batching: states of different cells differ from the first token on, so that nothing is computed
    once for several subnets, unlike in a supernet of images. But a language model is a long chain
    of small products, one after the other, in which a device waits more than it computes; k subnets
    side by side are a chain as long with products k times as large.

    Examples
    --------
    >>> supernet = RecurrentSupernet(RecurrentCell(9, 4), generator=torch.Generator())
    >>> configs = [supernet.architectures.largest()] * 3
    >>> scores, states = supernet.forward_many(torch.zeros(5, 2, dtype=torch.long), configs)
    >>> scores.shape, states.shape
    (torch.Size([3, 5, 2, 9]), torch.Size([3, 5, 2, 4]))
    """

    def __init__(self, architectures: RecurrentCell, *, generator: torch.Generator) -> None:
        super().__init__()
        self.architectures = architectures
        self.network = initialised(
            lambda: LanguageModel(architectures, SharedCell(architectures)), generator
        )

    def forward(
        self, tokens: Tensor, config: Mapping[str, Any], hidden: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Score the tokens that follow by one subnet, as `LanguageModel`."""
        scores, states = self.forward_many(
            tokens, [config], None if hidden is None else hidden[None]
        )
        return scores[0], states[0]

    def forward_many(
        self, tokens: Tensor, configs: Sequence[Mapping[str, Any]], hidden: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Let k subnets read the same text.

        Parameters
        ----------
        tokens : Tensor
            Numbers, shape (time, batch).
        configs : sequence of dict
            The subnets.
        hidden : Tensor, optional
            State of each before, shape (k, batch, hidden); zeros if None.

        Returns
        -------
        scores : Tensor
            Shape (k, time, batch, vocabulary).
        states : Tensor
            Shape (k, time, batch, hidden).

        Raises
        ------
        ValueError
            If an architecture is not one of the space.
        """
        if not configs:
            raise ValueError("configs is empty, wanted at least one architecture")
        cell: Any = self.network.cell
        plans = cell.plan(self.architectures, configs)
        before = None if hidden is None else hidden.flatten(0, 1)
        scores, states = self.network(tokens.repeat(1, len(configs)), before, plans)
        return tuple(
            part.unflatten(1, (len(configs), -1)).transpose(0, 1) for part in (scores, states)
        )

    @torch.no_grad()
    def subnet(self, config: Mapping[str, Any]) -> LanguageModel:
        """Make the stand-alone model of a cell with a copy of the shared weights."""
        network: Any = self.network
        model = self.architectures.build(
            config, generator=torch.Generator(network.decoder.weight.device)
        )
        cell: Any = model.cell
        for own, shared in (
            (model.encoder, network.encoder), (model.decoder, network.decoder),
            (cell.first, network.cell.first),
        ):  # fmt: skip
            own.load_state_dict(shared.state_dict())
        for own, shared, (_, source) in zip(
            cell.weights, network.cell.shared, cell.genes, strict=False
        ):
            own.weight.copy_(shared.weight[source])
        return model
