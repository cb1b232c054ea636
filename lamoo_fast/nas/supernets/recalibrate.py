"""Recalibration: the statistics of normalisation of chosen subnets, recorded from images."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.supernets.statistics import Normaliser, Recorder, Statistics
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.training.checkpoint import fingerprint, load_checkpoint, save_checkpoint

__all__ = ["load_statistics", "recalibrate", "save_statistics"]


class Recorded(Protocol):
    """What has normalisations to record; a `Supernet` has."""

    @property
    def architectures(self) -> ArchitectureSpace:
        """The space."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """The weights."""

    def layer_names(self) -> dict[nn.Module, str]:
        """Names of the layers of normalisation."""

    def run(
        self, x: Tensor, configs: Sequence[Mapping[str, Any]], normalise: Normaliser, /
    ) -> object:
        """Send images through subnets."""


@torch.no_grad()
def recalibrate(
    supernet: Recorded,
    configs: Sequence[Mapping[str, Any]],
    images: Tensor,
    *,
    batch: int = 256,
) -> Statistics:
    """Record what each subnet's normalisations see of some training images.

    Parameters
    ----------
    supernet : Recorded
        Its weights are not changed.
    configs : sequence of dict
        The subnets; all go together.
    images : Tensor
        Shape (n, channels, height, width), prepared as for evaluation; moved to the supernet's
        device batch by batch.
    batch : int
        Images per pass. Statistics are averages over the batches of means and unbiased variances
        within a batch.

    Returns
    -------
    Statistics
        For `Supernet.forward_many`; on the supernet's device.

    Raises
    ------
    ValueError
        If there are no images, or an architecture is not one of the space.

    Notes
    -----
    Running averages gathered while a supernet is trained are those of a mixture of subnets; with
    them even the ranking of subnets is lost (Guo et al., ECCV 2020; Yu and Huang, ICCV 2019).
    """
    if len(images) == 0:
        raise ValueError(f"images has shape {tuple(images.shape)}, wanted at least one image")
    configs = [supernet.architectures.space.check(config) for config in configs]
    recorder = Recorder(supernet.layer_names(), len(configs))
    device = next(supernet.parameters()).device
    for part in torch.split(images, batch):
        supernet.run(part.to(device), configs, recorder)
    return recorder.statistics([supernet.architectures.encode(config) for config in configs])


def save_statistics(
    path: str | os.PathLike[str], supernet: Supernet, statistics: Statistics
) -> None:
    """Write statistics to a file that says which weights they belong to."""
    state = {"architectures": list(statistics.architectures), "layers": statistics.layers}
    save_checkpoint(path, "statistics", _about(supernet), state)


def load_statistics(path: str | os.PathLike[str], supernet: Supernet) -> Statistics:
    """Read what `save_statistics` wrote, to the supernet's device.

    Raises
    ------
    ValueError
        If the file is damaged, or of another space, of other weights or of another version.
    """
    state = load_checkpoint(path, "statistics", _about(supernet))
    device = next(supernet.parameters()).device
    return Statistics(tuple(state["architectures"]), dict(state["layers"])).to(device)


def _about(supernet: Supernet) -> dict[str, str]:
    return {"space": repr(supernet.architectures), "weights": fingerprint(supernet)}
