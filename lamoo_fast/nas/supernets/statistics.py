"""Means and variances of activations, which belong to a subnet and not to the shared weights.

A layer of batch normalisation that many subnets share sees other inputs in each of them. Running
averages over all of them fit none, so a supernet keeps no averages. Its forward pass is given a
`Normaliser` instead:

- `BatchStatistics`: every subnet is normalised by its own statistics of the batch (training);
- `Recorder`: the same, and they are averaged over the batches (recalibration);
- `Stored`: every subnet is normalised by what was recorded for it (evaluation).

Tensors inside a supernet have the shape (rows, batch, height, width, channels): a row is the batch
as one subnet, or several that compute the same thing, see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "BatchStatistics",
    "Normaliser",
    "Recorder",
    "Rows",
    "Statistics",
    "Stored",
    "forget_running_averages",
]


def forget_running_averages(module: nn.Module) -> None:
    """Take the running averages away from all normalisations in `module`."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.track_running_stats = False
            part.running_mean = part.running_var = part.num_batches_tracked = None


@dataclass(frozen=True)
class Rows:
    """Rows of a tensor and the subnets that they belong to.

    Parameters
    ----------
    of_subnet : Tensor
        Shape (subnets,): row of each subnet, -1 if the tensor is no part of it.
    owner : Tensor
        Shape (rows,): one of the subnets that each row belongs to.
    """

    of_subnet: Tensor
    owner: Tensor

    @classmethod
    def of(cls, row_of_subnet: Sequence[int], count: int, device: torch.device) -> Rows:
        """Make them from the row, or -1, of each subnet."""
        owner = [0] * count
        for subnet, row in enumerate(row_of_subnet):
            if row >= 0:
                owner[row] = subnet
        return cls(torch.tensor(row_of_subnet, device=device), torch.tensor(owner, device=device))


class Normaliser(Protocol):
    """Normalises the rows of a layer; the weight and bias, if any, are the layer's."""

    def __call__(self, layer: nn.BatchNorm2d, x: Tensor, rows: Rows) -> Tensor:
        """Return x (rows, batch, height, width, channels) normalised."""


class BatchStatistics:
    """Each row by its own mean and variance."""

    def __call__(self, layer: nn.BatchNorm2d, x: Tensor, rows: Rows) -> Tensor:
        """Normalise each row by its own statistics."""
        if len(x) == 1:
            return _fused(layer, x, None, None)
        variance, mean = torch.var_mean(x, dim=(1, 2, 3), correction=0)
        return _scaled(layer, x, mean, variance)


class Recorder:
    """As `BatchStatistics`, and averages the statistics over batches.

    Variances are the unbiased ones, batches count by their number of images; with equal batches
    this is the cumulative average of ``BatchNorm2d(momentum=None)``.

    Parameters
    ----------
    names : mapping of module to str
        Name of every layer of normalisation.
    subnets : int
        Number of subnets in each pass.
    """

    def __init__(self, names: Mapping[nn.Module, str], subnets: int) -> None:
        self._names = names
        self._subnets = subnets
        self._sums: dict[str, tuple[Tensor, Tensor, Tensor]] = {}  # mean, variance, images

    def __call__(self, layer: nn.BatchNorm2d, x: Tensor, rows: Rows) -> Tensor:
        """Normalise each row by its own statistics, and add these to the averages."""
        variance, mean = torch.var_mean(x, dim=(1, 2, 3), correction=0)
        count = x.shape[1] * x.shape[2] * x.shape[3]
        unbiased = variance * (count / max(count - 1, 1))
        name = self._names[layer]
        if name not in self._sums:
            kept = torch.promote_types(x.dtype, torch.float32)  # more than half precision
            shape = (3, self._subnets, layer.num_features)
            zeros = torch.zeros(shape, dtype=kept, device=x.device)
            self._sums[name] = (zeros[0], zeros[1], zeros[2, :, :1])
        users = (rows.of_subnet >= 0).nonzero()[:, 0]
        images, channels = x.shape[1], x.shape[-1]
        means, variances, counts = self._sums[name]
        means[users, :channels] += images * mean[rows.of_subnet[users]]
        variances[users, :channels] += images * unbiased[rows.of_subnet[users]]
        counts[users] += images
        return _scaled(layer, x, mean, variance)

    def statistics(self, architectures: Sequence[str]) -> Statistics:
        """Averages so far, for the subnets of these names."""
        averages = {
            name: (means / counts.clamp(min=1), variances / counts.clamp(min=1))
            for name, (means, variances, counts) in self._sums.items()
        }
        return Statistics(tuple(architectures), averages)


@dataclass(frozen=True)
class Statistics:
    """Recorded statistics of several subnets.

    Parameters
    ----------
    architectures : tuple of str
        Encoded architectures of the subnets.
    layers : dict of str to pair of Tensor
        Mean and variance (subnets, channels) of every layer that one of them uses, by its name;
        zero in layers, and channels, that a subnet does not have.
    """

    architectures: tuple[str, ...]
    layers: dict[str, tuple[Tensor, Tensor]]

    def positions(self, architectures: Sequence[str]) -> list[int]:
        """Position of each architecture.

        Raises
        ------
        ValueError
            If nothing was recorded for one of them.
        """
        known = {name: i for i, name in enumerate(self.architectures)}
        missing = [name for name in architectures if name not in known]
        if missing:
            raise ValueError(
                f"no statistics for {missing[0]} (in all {len(missing)} of {len(architectures)} "
                "architectures); recalibrate the supernet for them first"
            )
        return [known[name] for name in architectures]

    def of(self, architecture: str) -> Statistics:
        """Return the statistics of one architecture; ValueError if there are none."""
        (i,) = self.positions([architecture])
        one = {k: (m[i : i + 1], v[i : i + 1]) for k, (m, v) in self.layers.items()}
        return Statistics((architecture,), one)

    def copy_to(self, layer: nn.BatchNorm2d, name: str) -> None:
        """Make those of the only architecture the running averages of a stand-alone layer.

        A layer that was never reached sees nothing but zeros.
        """
        if layer.running_mean is None or layer.running_var is None:
            raise ValueError(f"layer {name} has no running averages, wanted one that tracks them")
        for own, recorded in zip(
            (layer.running_mean, layer.running_var),
            self.layers.get(name, (None, None)),
            strict=True,
        ):
            own.zero_() if recorded is None else own.copy_(recorded[0, : len(own)])

    def to(self, device: torch.device | str) -> Statistics:
        """Copy to a device."""
        moved = {k: (m.to(device), v.to(device)) for k, (m, v) in self.layers.items()}
        return Statistics(self.architectures, moved)


class Stored:
    """Each row by what was recorded for its subnet.

    Parameters
    ----------
    statistics : Statistics
        On the device of the pass.
    names : mapping of module to str
        Name of every layer of normalisation.
    architectures : sequence of str
        Encoded architectures of the subnets of the pass, in their order.

    Raises
    ------
    ValueError
        If nothing was recorded for one of them.
    """

    def __init__(
        self, statistics: Statistics, names: Mapping[nn.Module, str], architectures: Sequence[str]
    ) -> None:
        self._layers = statistics.layers
        self._names = names
        self._positions = torch.tensor(statistics.positions(architectures))

    def __call__(self, layer: nn.BatchNorm2d, x: Tensor, rows: Rows) -> Tensor:
        """Normalise each row by the recorded statistics of its subnet."""
        recorded = self._layers[self._names[layer]]
        positions = self._positions.to(x.device)[rows.owner]
        mean, variance = (part[positions, : x.shape[-1]] for part in recorded)
        if len(x) == 1:
            return _fused(layer, x, mean[0], variance[0])
        return _scaled(layer, x, mean, variance)


def _fused(
    layer: nn.BatchNorm2d, x: Tensor, mean: Tensor | None, variance: Tensor | None
) -> Tensor:
    """Normalise the only row; by its own statistics if none are given."""
    images = x[0].permute(0, 3, 1, 2)
    weight, bias = _affine(layer, x.shape[-1])
    out = functional.batch_norm(
        images, mean, variance, weight, bias, training=mean is None, eps=layer.eps
    )
    return out.permute(0, 2, 3, 1)[None]


def _scaled(layer: nn.BatchNorm2d, x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Normalise each row by its mean and variance (rows, channels)."""
    weight, bias = _affine(layer, x.shape[-1])
    scale = torch.rsqrt(variance + layer.eps)
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    return torch.addcmul(shift[:, None, None, None], x, scale[:, None, None, None])


def _affine(layer: nn.BatchNorm2d, channels: int) -> tuple[Tensor | None, Tensor | None]:
    """Weight and bias of the first channels, which are all that a narrow subnet has."""
    return (layer.weight[:channels], layer.bias[:channels]) if layer.affine else (None, None)
