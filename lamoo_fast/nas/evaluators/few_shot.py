"""Few-shot evaluation: several supernets, each for a part of the space."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from lamoo_fast.nas.evaluators.evaluator import Evaluation, Evaluator
from lamoo_fast.nas.evaluators.one_shot import OneShot
from lamoo_fast.nas.supernets.objective import SampledPaths
from lamoo_fast.nas.supernets.paths import Choices, Paths
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.training.checkpoint import fingerprint
from lamoo_fast.nas.training.loop import Augment, Images, Training
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import derived_seed

__all__ = ["ByPart", "FewShot", "train_parts"]


def train_parts(
    parent: Supernet,
    parts: Sequence[Choices],
    train: tuple[Images, Tensor],
    recipe: Recipe,
    paths: Paths,
    *,
    smoothing: float = 0.0,
    seed: int = 0,
    augment: Augment | None = None,
    folder: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> list[tuple[Choices, Supernet]]:
    """Train a supernet for each part of a space, with the weights handed down from the parent.

    Parameters
    ----------
    parent : Supernet
        Trained on the whole space; not changed.
    parts : sequence of Choices
        The parts, such as from `lamoo_fast.nas.supernets.splits`.
    train : pair of Images and Tensor
        Images and labels.
    recipe : Recipe
        A short one; its learning rate should be below that of the parent.
    paths : Paths
        How subnets of a part are drawn.
    smoothing : float
        Label smoothing.
    seed : int
        Each part has a seed of its own from it.
    augment : callable, optional
        Changes each batch of images.
    folder : path-like, optional
        Where ``part-0.pt``, ... are saved, and continued from.
    progress : bool
        Show a bar for each.

    Returns
    -------
    list of pair of Choices and Supernet
        In the order of the parts.

    Raises
    ------
    ValueError
        As `Training`; also if a part in `folder` had another parent.

    Notes
    -----
    Zhao et al., ICML 2021, arXiv:2006.06863.
    """
    trained = []
    weights = fingerprint(parent)
    for number, part in enumerate(parts):
        child = copy.deepcopy(parent)
        Training(
            child,
            SampledPaths(part, paths, smoothing),
            *train,
            recipe,
            seed=derived_seed(seed, "part", number),
            augment=augment,
            checkpoint=None if folder is None else Path(folder) / f"part-{number}.pt",
            about={"space": repr(parent.architectures), "parent": weights},
            progress=progress,
        ).run()
        trained.append((part, child))
    return trained


class ByPart:
    """Evaluates every architecture by the evaluator of its part of the space.

    Parameters
    ----------
    parts : sequence of pair of Choices and Evaluator
        Together they are the space.

    Raises
    ------
    ValueError
        If there are no parts.
    """

    def __init__(self, parts: Sequence[tuple[Choices, Evaluator]]) -> None:
        if not parts:
            raise ValueError("parts is empty, wanted at least one")
        self._parts = parts

    def evaluate(self, configs: Sequence[Mapping[str, Any]]) -> list[Evaluation]:
        """Return what the evaluators say of each architecture, in order.

        Raises
        ------
        ValueError
            If one is not of the space, or in no part.
        """
        checked = [self._parts[0][0].space.check(config) for config in configs]
        members: list[list[int]] = [[] for _ in self._parts]
        for i, config in enumerate(checked):
            members[self._part_of(config)].append(i)
        found: dict[int, Evaluation] = {}
        for (_, evaluator), rows in zip(self._parts, members, strict=True):
            found |= zip(rows, evaluator.evaluate([checked[i] for i in rows]), strict=True)
        return [found[i] for i in range(len(configs))]

    def _part_of(self, config: Mapping[str, Any]) -> int:
        for number, (part, _) in enumerate(self._parts):
            if config in part:
                return number
        raise ValueError(f"architecture {config} is in none of the {len(self._parts)} parts")


class FewShot(ByPart):
    """Evaluates the accuracy of every architecture by the supernet of its part of the space.

    Parameters
    ----------
    parts : sequence of pair of Choices and Supernet
        As `train_parts` returns them.
    calibration, valid, **options
        As `OneShot`.

    Raises
    ------
    ValueError
        As `OneShot`, or if there are no parts.
    """

    def __init__(
        self,
        parts: Sequence[tuple[Choices, Supernet]],
        calibration: Tensor,
        valid: tuple[Tensor, Tensor],
        **options: Any,
    ) -> None:
        super().__init__(
            [
                (part, OneShot(supernet, calibration, valid, fidelity="few-shot", **options))
                for part, supernet in parts
            ]
        )
