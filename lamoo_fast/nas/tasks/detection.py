"""Object detectors on backbones of once-for-all MobileNetV3, for COCO or images in its form."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamoo_fast.nas.datasets.coco import DetectionData
from lamoo_fast.nas.datasets.coco import coco as read_coco
from lamoo_fast.nas.datasets.shapes import write_shapes
from lamoo_fast.nas.device import checked_device
from lamoo_fast.nas.evaluators.evaluator import Evaluator
from lamoo_fast.nas.evaluators.few_shot import ByPart
from lamoo_fast.nas.evaluators.precision import PrecisionOneShot, precision
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.spaces.detector import Detector
from lamoo_fast.nas.spaces.mobilenet import MobileNet
from lamoo_fast.nas.supernets.detector import DetectionSandwich, ElasticDetector
from lamoo_fast.nas.supernets.paths import Choices
from lamoo_fast.nas.supernets.splits import split_by_values
from lamoo_fast.nas.tasks.task import Run
from lamoo_fast.nas.training.checkpoint import fingerprint
from lamoo_fast.nas.training.detection import DetectionLoss, ImageRows, ObjectRows
from lamoo_fast.nas.training.loop import Training
from lamoo_fast.nas.training.objective import Objective as TrainingObjective
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import derived_generator, derived_seed

__all__ = ["DetectionTask", "coco"]


@dataclass(frozen=True, kw_only=True)
class DetectionTask:
    """Images with objects, and the detectors that are searched for them.

    Parameters
    ----------
    name : str
        On the command line.
    train, test : DetectionData
        Of the size of the highest resolution.
    architectures : Detector
        The space.
    supernet_recipe, part_recipe, network_recipe : Recipe
        Of the supernet, of its parts in few-shot evaluation, of a network alone. The last is
        trained on all of `train`.
    held_out : int
        Images of `train` by which subnets are compared, the same ones whatever the seed of a run;
        the supernet is not trained on them.
    calibration : int
        Training images that statistics are recorded from.
    folder : object, optional
        Kept as long as the task: files that go when it goes.
    """

    name: str
    train: DetectionData
    test: DetectionData
    architectures: Detector
    supernet_recipe: Recipe
    part_recipe: Recipe
    network_recipe: Recipe
    held_out: int
    calibration: int = 256
    folder: object = field(default=None, repr=False, compare=False)

    metric: ClassVar[Objective] = Objective("mAP", "maximize")

    def supernet(self, run: Run, checkpoint: Path | None = None) -> Training:
        """Prepare the training of the supernet, or continue it."""
        generator = derived_generator(
            run.seed, self.name, "supernet", device=checked_device(run.device)
        )
        supernet = ElasticDetector(self.architectures, generator=generator)
        every = Choices(self.architectures.space)
        return self._of_subnets(supernet, every, self.supernet_recipe, run, checkpoint)

    def one_shot(self, supernet: nn.Module, run: Run) -> Evaluator:
        """Evaluate on images held out of training."""
        return self._one_shot(supernet, run, "supernet")

    def few_shot(self, supernet: nn.Module, parts: int, run: Run, folder: Path) -> Evaluator:
        """Train the supernet further for each resolution alone, and evaluate with these.

        Raises
        ------
        ValueError
            If `parts` is not the number of resolutions.
        """
        whole = Choices(self.architectures.space)
        by_resolution = split_by_values(whole, ["resolution"])
        if parts < 2 or parts != len(by_resolution):
            raise ValueError(
                f"parts is {parts}, wanted one for each of the {len(by_resolution)} resolutions"
            )
        trained: list[tuple[Choices, Evaluator]] = []
        parent = fingerprint(supernet)
        for number, part in enumerate(by_resolution):
            generator = torch.Generator(checked_device(run.device))
            child = ElasticDetector(self.architectures, generator=generator)
            child.load_state_dict(supernet.state_dict())
            own = replace(run, seed=derived_seed(run.seed, "part", number))
            checkpoint = folder / f"part-{number}.pt"
            self._of_subnets(child, part, self.part_recipe, own, checkpoint, parent=parent).run()
            trained.append((part, self._one_shot(child, run, "few-shot")))
        return ByPart(trained)

    def network(
        self, config: Mapping[str, Any], run: Run, checkpoint: Path | None = None
    ) -> Training:
        """Prepare the stand-alone training of a detector, or continue it."""
        name = self.architectures.encode(config)
        generator = derived_generator(run.seed, name, device=checked_device(run.device))
        network = self.architectures.build(config, generator=generator)
        rows = torch.arange(len(self.train))
        data = replace(self.train, size=config["resolution"])
        recipe, about = run.applied(self.network_recipe), {"architecture": name}
        return self._training(network, DetectionLoss(), data, rows, recipe, run, about, checkpoint)

    def measure(
        self, network: nn.Module, config: Mapping[str, Any], run: Run
    ) -> Mapping[str, float]:
        """Return "mAP", "AP50" and "AP75" on the test images, at the detector's resolution."""
        batch = run.batch or self.network_recipe.batch
        rows = torch.arange(run.measured(len(self.test), batch))
        return precision(network, replace(self.test, size=config["resolution"]), rows, batch=batch)

    def example(self, config: Mapping[str, Any]) -> Tensor:
        """Return one test image at the resolution of a configuration."""
        return replace(self.test, size=config["resolution"]).images(torch.arange(1))

    def exported(self, network: nn.Module) -> nn.Module:
        """Return a module that maps images to boxes and scores of all places."""
        return BoxesAndScores(network)

    def _rows(self) -> tuple[Tensor, Tensor]:
        """Images of `train` for the supernet's training, and those held out."""
        order = torch.randperm(len(self.train), generator=derived_generator(self.name, "held out"))
        return order[self.held_out :], order[: self.held_out]

    def _of_subnets(
        self,
        supernet: ElasticDetector,
        choices: Choices,
        recipe: Recipe,
        run: Run,
        checkpoint: Path | None,
        **about: str,
    ) -> Training:
        backbone, resolutions = self.architectures.backbone, choices.values["resolution"]
        objective = DetectionSandwich(
            backbone.largest(max(resolutions)), backbone.smallest(min(resolutions)), choices
        )
        rows, _ = self._rows()
        recipe = run.applied(recipe)
        return self._training(supernet, objective, self.train, rows, recipe, run, about, checkpoint)

    def _training(
        self,
        model: nn.Module,
        objective: TrainingObjective,
        data: DetectionData,
        rows: Tensor,
        recipe: Recipe,
        run: Run,
        about: Mapping[str, str],
        checkpoint: Path | None,
    ) -> Training:
        return Training(
            model,
            objective,
            ImageRows(data, rows),
            ObjectRows(data, rows),
            recipe,
            seed=run.seed,
            checkpoint=checkpoint,
            about={**about, "task": self.name, "space": repr(self.architectures)},
            progress=run.progress,
            after_epoch=run.after_epoch,
        )

    def _one_shot(self, supernet: nn.Module, run: Run, fidelity: str) -> PrecisionOneShot:
        if not isinstance(supernet, ElasticDetector):
            raise ValueError(f"supernet is a {type(supernet).__name__}, wanted an ElasticDetector")
        batch = run.batch or self.supernet_recipe.batch
        some, held_out = self._rows()
        calibration = some[: run.measured(min(self.calibration, len(some)), batch)]
        return PrecisionOneShot(
            supernet,
            self.train.images(calibration),
            self.train,
            held_out[: run.measured(len(held_out), batch)],
            batch=batch,
            fidelity=fidelity,
        )


class BoxesAndScores(nn.Module):
    """What a detector says, before overlapping boxes are suppressed.

    Parameters
    ----------
    network : nn.Module
        A `DetectorNetwork`.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (batch, places, 4) in pixels and scores (batch, places, classes)."""
        said = self.network(images)
        return said.boxes, (said.scores.sigmoid() * said.centred.sigmoid()[..., None]).sqrt()


def coco(data: Path | None = None, *, small: bool = False) -> DetectionTask:
    """Return the task of COCO, or of generated shapes.

    The backbones are trained from scratch, which takes about six times as long as from weights
    trained on ImageNet, but is as good (He, Girshick and Dollar, ICCV 2019).

    Parameters
    ----------
    data : Path, optional
        Folder with ``annotations/instances_train2017.json``, ``train2017`` and the same for
        ``val2017``. The small task generates its images.
    small : bool
        Whether images, networks and trainings are small.

    Raises
    ------
    ValueError
        If there is no data, or it is not what it should be.
    """
    if small:
        if data is not None:
            raise ValueError(f"data is {data}, but the small coco generates its images")
        folder = tempfile.TemporaryDirectory(prefix="lamoo-shapes-")
        write_shapes(Path(folder.name), train=200, val=50, size=64)
        train, test = (read_coco(Path(folder.name), part, size=64) for part in ("train", "val"))
        recipe = Recipe(20, 16, 0.02, weight_decay=1e-4, warmup=0.05, clip=10.0)
        return DetectionTask(
            name="coco-small",
            train=train,
            test=test,
            architectures=Detector(
                MobileNet(width=0.25, resolutions=(48, 64)), len(train.classes), 16, 1, 1
            ),
            supernet_recipe=recipe,
            part_recipe=replace(recipe, epochs=4, learning_rate=0.01),
            network_recipe=recipe,
            held_out=40,
            calibration=64,
            folder=folder,
        )
    if data is None:
        raise ValueError("coco needs the folder of COCO (--data FOLDER), or --small")
    train, test = (read_coco(data, part) for part in ("train2017", "val2017"))
    recipe = Recipe(72, 16, 0.01, weight_decay=1e-4, warmup=0.01, clip=10.0)
    return DetectionTask(
        name="coco",
        train=train,
        test=test,
        architectures=Detector(classes=len(train.classes)),
        supernet_recipe=recipe,
        part_recipe=replace(recipe, epochs=12, learning_rate=0.005),
        network_recipe=replace(recipe, average=0.9998),
        held_out=min(5000, len(train) // 5),
    )
