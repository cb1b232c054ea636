"""Scores of the architectures of a task, in a file, and how well they order them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from lamoo_fast.nas.commands import trained_supernet
from lamoo_fast.nas.evaluators.evaluator import Evaluator
from lamoo_fast.nas.evaluators.rank import rank_correlation
from lamoo_fast.nas.evaluators.untrained import SCORES, Untrained
from lamoo_fast.nas.problem import Config, Problem
from lamoo_fast.nas.scores import Scores, file_digest, write_scores
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.tasks.folder import CHECKPOINT, RunFolder, read_json, write_json
from lamoo_fast.nas.tasks.images import ImageTask
from lamoo_fast.nas.tasks.task import Run, Task

__all__ = ["agreements", "score"]

_IMAGES = 64  # a mini-batch, of which untrained networks are scored


def score(
    folder: RunFolder,
    task: Task,
    run: Run,
    *,
    supernet: bool = False,
    few_shot: int | None = None,
    count: int | None = None,
) -> Path:
    """Write the scores of architectures, or go on; return the file.

    Parameters
    ----------
    folder, task, run
        The run; `run.epochs` are those of the parts in few-shot evaluation.
    supernet : bool
        By the trained supernet, in one shot.
    few_shot : int, optional
        By so many parts of it.
    count : int, optional
        So many random architectures; by default all.

    Raises
    ------
    ValueError
        If the task's networks do not map images, there is no trained supernet where one is needed,
        the space has too many architectures for all, or the file there holds other ones or was
        made with another supernet or other settings.
    """
    if not isinstance(task, ImageTask):
        raise ValueError(f"{task.name} has no images to classify; wanted digits, cifar10, imagenet")
    configs = _chosen(task, folder.seed, count)
    fidelity, names, evaluator = _evaluator(folder, task, run, supernet, few_shot)
    cells = task.architectures
    same: Callable[[Config], Config] = cells.trimmed if isinstance(cells, Cell201) else dict
    known: dict[tuple[object, ...], list[float]] = {}

    def values(some: Sequence[Config]) -> list[list[float]]:
        # Cells that are the same function are evaluated once.
        some = [same(config) for config in some]
        keys = [tuple(config.values()) for config in some]
        new = {k: c for k, c in zip(keys, some, strict=True) if k not in known}
        found = evaluator.evaluate(list(new.values()))
        known.update(
            (key, [one.values[name] for name in names]) for key, one in zip(new, found, strict=True)
        )
        return [known[key] for key in keys]

    path = folder.scores(fidelity)
    _same_settings(path, _settings(folder, run, fidelity))
    columns = [f"{fidelity}_{name}" for name in names]
    with tqdm(total=len(configs), unit="cell", disable=None if run.progress else True) as bar:
        write_scores(
            path, task.architectures.space.params, configs, columns, values, count=bar.update
        )
    return path


def _settings(folder: RunFolder, run: Run, fidelity: str) -> dict[str, object]:
    """What scores of a kind depend on, beside the task."""
    if fidelity == "untrained":
        return {"seed": run.seed}
    supernet = file_digest(folder.supernet / CHECKPOINT)
    kept = {"epochs": run.epochs, "batch": run.batch, "batches": run.batches}
    return {"seed": run.seed, "supernet": supernet, **kept}


def _same_settings(path: Path, settings: dict[str, object]) -> None:
    """Keep beside a file of scores what they are made with; ValueError if that is another thing."""
    beside = path.with_suffix(".json")
    if not path.exists():
        write_json(beside, settings)
        return
    found = read_json(beside) if beside.exists() else {}
    for name, value in settings.items():
        if name not in found or found[name] != value:
            raise ValueError(
                f"{path} is made with {name} {found.get(name, 'unknown')!r}, now {value!r}; "
                "move it away"
            )


def _chosen(task: ImageTask, seed: int, count: int | None) -> list[Config]:
    """All architectures of a space, or random ones."""
    space = task.architectures.space
    if count is None or (space.size is not None and count >= space.size):
        if not space.is_enumerable:
            raise ValueError(f"{task.name} has too many architectures for all; wanted --count")
        return space.decode(space.enumerate())
    rng = np.random.default_rng(seed)
    if space.is_enumerable:
        order = rng.permutation(len(space.enumerate()))  # more of them begin with the same
        return space.decode(space.enumerate()[order[:count]])
    X = space.snap(rng.random((4 * count + 64, space.d)))
    X = X[space.is_valid(X)]
    _, first = np.unique(X, axis=0, return_index=True)
    return space.decode(X[np.sort(first)[:count]])


def _evaluator(
    folder: RunFolder, task: ImageTask, run: Run, supernet: bool, few_shot: int | None
) -> tuple[str, Sequence[str], Evaluator]:
    """Return fidelity, names of its values, and what evaluates."""
    if few_shot is not None:
        trained = trained_supernet(folder, task, run)
        parts = task.few_shot(trained, few_shot, run, folder.parts(few_shot))
        return f"few-shot-{few_shot}", ("accuracy", "loss"), parts
    if supernet:
        one_shot = task.one_shot(trained_supernet(folder, task, run), run)
        return "supernet", ("accuracy", "loss"), one_shot
    images = task.calibration_images(_IMAGES)
    untrained = Untrained(task.architectures, images, seed=run.seed, device=run.device)
    return "untrained", tuple(SCORES), untrained


def agreements(path: Path, problem: Problem) -> list[str]:
    """Say how well each score of a file orders architectures as each objective of a problem does.

    Raises
    ------
    ValueError
        If the problem has other configurations.
    """
    scores = Scores(str(path), problem.space)
    configs, rows = scores.rows()
    true = np.array([problem.evaluate(config) for config in configs])
    return [
        f"{name} against {objective.name}: {rank_correlation(cheap, values)}"
        for name, cheap in zip(scores.names, np.transpose(rows), strict=True)
        for objective, values in zip(problem.objectives, true.T, strict=False)
    ]
