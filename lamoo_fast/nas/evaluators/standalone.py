"""Stand-alone training: the truth about an architecture, as far as the recipe goes."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lamoo_fast.nas.device import checked_device
from lamoo_fast.nas.evaluators.evaluator import Evaluation
from lamoo_fast.nas.evaluators.memory import with_less_memory
from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.training.device import device_of, to_device
from lamoo_fast.nas.training.loop import Augment, Images, Training, TrainingDiverged
from lamoo_fast.nas.training.objective import CrossEntropy, Objective, check_labels
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import derived_generator, derived_seed
from lamoo_fast.search.checks import check_count

__all__ = ["StandAlone", "measure", "train_alone"]

_LOG = logging.getLogger(__name__)


@torch.no_grad()
def measure(
    network: nn.Module, images: Images, labels: Tensor, *, batch: int = 512
) -> dict[str, float]:
    """Return the "accuracy" and the "loss" (mean cross entropy) of a network in evaluation mode.

    When memory runs out, the batch is halved. Both are NaN if a score is.

    Raises
    ------
    ValueError
        If there are no images, or a label is not one of the classes.
    """
    if len(images) == 0:
        raise ValueError("images is empty, wanted at least one")
    network.eval()
    device = device_of(network)

    def compute(size: int) -> tuple[int, float]:
        correct, loss = 0, 0.0
        for rows in torch.split(torch.arange(len(images)), size):
            scores = network(to_device(images[rows], device)).float()
            check_labels(labels[rows], scores.shape[-1])
            wanted = labels[rows].to(device)
            correct += int((scores.argmax(-1) == wanted).sum())
            loss += float(functional.cross_entropy(scores, wanted, reduction="sum"))
        return correct, loss

    (correct, loss), _ = with_less_memory(compute, batch, "images")
    return means(correct, loss, len(images))


def means(correct: float, loss: float, count: int) -> dict[str, float]:
    """Return accuracy and loss from their sums; NaN if a score was."""
    return {"accuracy": math.nan if math.isnan(loss) else correct / count, "loss": loss / count}


def train_alone(
    architectures: ArchitectureSpace,
    config: Mapping[str, Any],
    train: tuple[Images, Tensor],
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str | torch.device = "cpu",
    objective: Objective | None = None,
    **options: Any,
) -> Training:
    """Prepare the training of one architecture from new weights; its ``run`` does it.

    Parameters
    ----------
    architectures : ArchitectureSpace
        The space.
    config : mapping
        The architecture.
    train : pair of Images and Tensor
        Images and labels.
    recipe : Recipe
        The full recipe, or a short one as a proxy.
    seed : int
        With the architecture it determines weights, order of images and augmentation.
    device : str or torch.device
        Where it is trained.
    objective : Objective, optional
        By default `CrossEntropy`.
    **options
        As `Training`: augment, checkpoint, progress, ...
    """
    name = architectures.encode(config)
    generator = derived_generator(seed, name, device=checked_device(device))
    network = architectures.build(config, generator=generator)
    return Training(
        network,
        CrossEntropy() if objective is None else objective,
        *train,
        recipe,
        seed=derived_seed(seed, name),
        about={"architecture": name, "space": repr(architectures)},
        **options,
    )


@dataclass(frozen=True)
class StandAlone:
    """Trains every architecture alone and measures it on images held out.

    Parameters
    ----------
    architectures : ArchitectureSpace
        The space.
    train, valid : pair of Images and Tensor
        Images and labels.
    recipe : Recipe
        The full recipe, or as a proxy a short one.
    objective : Objective
        By default cross entropy without label smoothing.
    seed : int
        What an architecture gets does not depend on which others are evaluated, or when.
    repeats : int
        Trainings of each, whose values are averaged.
    device : str
        Where they are trained.
    augment : callable, optional
        Changes each batch of training images.
    progress : bool
        Show the bar of each training.

    Notes
    -----
    An architecture whose training diverges gets NaN, which a study takes as a failed trial.
    """

    architectures: ArchitectureSpace
    train: tuple[Images, Tensor]
    valid: tuple[Images, Tensor]
    recipe: Recipe
    objective: Objective = field(default_factory=CrossEntropy)
    seed: int = 0
    repeats: int = 1
    device: str = "cpu"
    augment: Augment | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        check_count("repeats", self.repeats)
        checked_device(self.device)

    def evaluate(self, configs: Sequence[Mapping[str, Any]]) -> list[Evaluation]:
        """Return the accuracy (a fraction) and loss of each architecture."""
        return [self._evaluate(config) for config in configs]

    def _evaluate(self, config: Mapping[str, Any]) -> Evaluation:
        started = time.perf_counter()
        values = [self._once(config, repeat) for repeat in range(self.repeats)]
        means = {name: sum(v[name] for v in values) / len(values) for name in values[0]}
        return Evaluation(means, "trained", time.perf_counter() - started)

    def _once(self, config: Mapping[str, Any], repeat: int) -> dict[str, float]:
        training = train_alone(
            self.architectures,
            config,
            self.train,
            self.recipe,
            seed=derived_seed(self.seed, repeat),
            device=self.device,
            objective=self.objective,
            augment=self.augment,
            progress=self.progress,
        )
        try:
            training.run()
        except TrainingDiverged as error:
            _LOG.warning("%s: %s", self.architectures.encode(config), error)
            return {"accuracy": float("nan"), "loss": float("nan")}
        return measure(training.trained, *self.valid)
