"""Parts of a space that are better not trained with the same weights."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lamoo_fast.nas.supernets.paths import Choices, UniformPaths
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.training.device import device_of, to_device
from lamoo_fast.search.checks import check_count

__all__ = ["Split", "gradient_matching", "split_by_values"]


def split_by_values(choices: Choices, names: Sequence[str]) -> list[Choices]:
    """Split a space into one part for each combination of values of some parameters.

    Zhao et al., ICML 2021, arXiv:2006.06863.

    Raises
    ------
    ValueError
        If a name is unknown, or there is none.

    Examples
    --------
    >>> from lamoo_fast.nas.spaces.cell201 import Cell201
    >>> len(split_by_values(Choices(Cell201().space), ["0to3"]))
    5
    """
    if not names:
        raise ValueError("names is empty, wanted at least one parameter")
    return product_of(choices, {name: [(v,) for v in _values(choices, name)] for name in names})


def product_of(choices: Choices, groups: dict[str, list[tuple[Any, ...]]]) -> list[Choices]:
    """Split a space into one part for each combination of groups of values."""
    return [
        choices.restricted(dict(zip(groups, combination, strict=True)))
        for combination in itertools.product(*groups.values())
    ]


@dataclass(frozen=True)
class Split:
    """Two groups of values of a parameter.

    Parameters
    ----------
    name : str
        The parameter.
    groups : tuple of tuple
        The values of each group.
    agreement : float
        Mean cosine between gradients of values in different groups: the less, the more is won by
        splitting here.
    """

    name: str
    groups: tuple[tuple[Any, ...], tuple[Any, ...]]
    agreement: float


def gradient_matching(
    supernet: Supernet,
    choices: Choices,
    images: Tensor,
    labels: Tensor,
    *,
    contexts: int = 16,
    generator: torch.Generator,
) -> list[Split]:
    """Find for every parameter how its values are best told apart, the most urgent first.

    Parameters
    ----------
    supernet : Supernet
        Trained; not changed.
    choices : Choices
        The space, or the part of it that is to be split further.
    images, labels : Tensor
        A batch of training data.
    contexts : int
        Drawn subnets. Each is taken once with every value of the parameter in question, so that
        gradients differ by this value alone.
    generator : torch.Generator
        Draws the subnets; on the CPU.

    Returns
    -------
    list of Split
        One for each parameter that has two values or more, by rising agreement. ``product_of`` of
        the first few gives the parts.

    Notes
    -----
    Hu et al., ICLR 2022, arXiv:2203.15207: values whose gradients of the shared weights point in
    different directions disturb each other. Of all splits into two halves (one larger by one value
    if their number is odd) that with the least mean cosine across is taken; they are all tried,
    C(m, m / 2) for m values. Costs one backward pass over `contexts` subnets for each value of
    each parameter.
    """
    check_count("contexts", contexts)
    device = device_of(supernet)
    images, labels = to_device(images, device), labels.to(device)
    drawn = UniformPaths(contexts).draw(choices, generator)
    splits = []
    for name, values in choices.values.items():
        if len(values) < 2:
            continue
        gradients = []
        for value in values:
            subnets = [{**context, name: value} for context in drawn]
            kept = [subnet for subnet in subnets if choices.is_valid(subnet)]
            gradients.append(_gradient(supernet, kept, images, labels))
        splits.append(_best_split(name, values, _cosines(gradients)))
    return sorted(splits, key=lambda split: split.agreement)


def _gradient(
    supernet: Supernet, configs: list[dict[str, Any]], images: Tensor, labels: Tensor
) -> list[Tensor | None]:
    """Gradient of the mean loss of some subnets; None for weights that none of them has."""
    weights = list(supernet.parameters())
    if not configs:
        return [None] * len(weights)
    scores = supernet.forward_many(images, configs).flatten(0, 1)
    loss = functional.cross_entropy(scores, labels.repeat(len(configs)))
    return list(torch.autograd.grad(loss, weights, allow_unused=True))


def _cosines(gradients: list[list[Tensor | None]]) -> Tensor:
    """Cosines between gradients, over the layers that none of them leaves alone."""
    shared = [
        [g for g in parts if g is not None and bool(g.any())]
        for parts in zip(*gradients, strict=True)
    ]
    columns = [torch.stack(g).flatten(1) for g in shared if len(g) == len(gradients)]
    if not columns:
        return torch.zeros(len(gradients), len(gradients))
    vectors = functional.normalize(torch.cat(columns, dim=1))
    return vectors @ vectors.T


def _best_split(name: str, values: tuple[Any, ...], cosines: Tensor) -> Split:
    everything = range(len(values))
    best = Split(name, (values, ()), float("inf"))
    for left in itertools.combinations(everything, len(values) // 2):
        right = [i for i in everything if i not in left]
        agreement = float(cosines[list(left)][:, right].mean())
        if agreement < best.agreement:
            groups = tuple(values[i] for i in left), tuple(values[i] for i in right)
            best = Split(name, groups, agreement)
    return best


def _values(choices: Choices, name: str) -> tuple[Any, ...]:
    if name not in choices.values:
        raise ValueError(f"names has {name!r}, wanted some of {list(choices.values)}")
    return choices.values[name]
