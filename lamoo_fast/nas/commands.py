"""Train a supernet, search with it, train what was found, export it: on the folder of a run."""

from __future__ import annotations

import csv
import logging
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from lamoo_fast.nas.problem import Problem
from lamoo_fast.nas.scores import file_digest
from lamoo_fast.nas.tasks.curves import Curves
from lamoo_fast.nas.tasks.export import Exported, export_network
from lamoo_fast.nas.tasks.folder import (
    CHECKPOINT,
    SETTINGS,
    RunFolder,
    keep_settings,
    kept_settings,
    read_json,
    write_json,
)
from lamoo_fast.nas.tasks.problem import make_problem
from lamoo_fast.nas.tasks.report import report
from lamoo_fast.nas.tasks.task import Loop, Run, Task
from lamoo_fast.nas.training.loop import TrainingDiverged
from lamoo_fast.search.journal import FILE, Journal
from lamoo_fast.search.lamoo import LaMOO
from lamoo_fast.search.study import Study
from lamoo_fast.search.workers import Together

_LOG = logging.getLogger(__name__)
_METRICS, _FRONT = "metrics.json", "front.json"


def train_supernet(
    folder: RunFolder, task: Task, run: Run, *, tensorboard: bool = False
) -> list[dict[str, float]]:
    """Train the supernet of a run, or go on where it stopped; return the history."""
    run = keep_settings(folder.supernet, run)
    title = f"{task.name}, supernet"
    return _train(folder.supernet, title, tensorboard, run, task.supernet).history


def _train(
    place: Path,
    title: str,
    tensorboard: bool,
    run: Run,
    prepare: Callable[[Run, Path], Loop],
) -> Loop:
    curves = Curves(place, title, tensorboard=tensorboard)
    loop = prepare(replace(run, after_epoch=curves), place / CHECKPOINT)
    try:
        loop.run()
    except KeyboardInterrupt:
        _LOG.warning("stopped at step %d of %d; the same command goes on", loop.step, loop.steps)
        raise
    curves.draw(loop.history)
    return loop


def trained_supernet(folder: RunFolder, task: Task, run: Run) -> nn.Module:
    """Return the supernet of a run.

    Raises
    ------
    ValueError
        If it is not trained, or not to the end.
    """
    checkpoint = folder.supernet / CHECKPOINT
    if not checkpoint.exists():
        raise ValueError(f"{folder.path} has no supernet; run: {folder.command('train-supernet')}")
    loop = task.supernet(kept_settings(folder.supernet, run), checkpoint)
    if loop.step < loop.steps:
        raise ValueError(
            f"the supernet is trained for {loop.step} of {loop.steps} steps; go on with: "
            f"{folder.command('train-supernet')}"
        )
    return loop.trained


def search(
    folder: RunFolder,
    task: Task,
    run: Run,
    *,
    few_shot: int | None = None,
    objectives: Sequence[str] | None = None,
    budget: int = 200,
    batch: int = 10,
) -> tuple[Problem, LaMOO]:
    """Search with the trained supernet, or go on with the search of before.

    Parameters
    ----------
    folder, task, run
        The run; `run.epochs` are those of the parts in few-shot evaluation.
    few_shot : int, optional
        Number of parts of the supernet that are trained further; by default one-shot.
    objectives : sequence of str, optional
        As `make_problem`.
    budget, batch : int
        Evaluations in all, and at once.

    Raises
    ------
    ValueError
        If there is no trained supernet, or the search of before had another one, or other
        objectives.
    """
    supernet = trained_supernet(folder, task, run)
    if few_shot is None:
        evaluator = task.one_shot(supernet, run)
    else:
        evaluator = task.few_shot(supernet, few_shot, run, folder.parts(few_shot))
    problem, values = make_problem(task, evaluator, objectives, run.device)
    opt = LaMOO(problem.space, problem.directions, known=problem.known, seed=folder.seed)
    about = {
        "problem": task.name,
        "objectives": [
            {"name": o.name, "direction": o.direction, "unit": o.unit} for o in problem.objectives
        ],
        "supernet": file_digest(folder.supernet / CHECKPOINT),
        "batches": run.batches,
        "batch_size": run.batch,  # the images, and the statistics recorded, depend on it
    }
    with _journal(folder.search(few_shot), opt, about, {"budget": budget, "batch": batch}) as kept:
        study = Study(opt, Together(values), journal=kept, progress=run.progress)
        try:
            study.run(budget, batch)
        except KeyboardInterrupt:
            _LOG.warning("stopped after %d of %d; the same command goes on", opt.n_told, budget)
            raise
    sign = 1 if opt.directions[0] == "maximize" else -1
    front = sorted(opt.pareto_front(), key=lambda trial: sign * (trial.values or (0.0,))[0])
    names = [objective.name for objective in problem.objectives]
    listed = [
        {
            "id": trial.id,
            "architecture": task.architectures.encode(trial.config),
            "values": dict(zip(names, trial.values or (), strict=True)),
            "config": trial.config,
        }
        for trial in front
    ]
    write_json(folder.search(few_shot) / _FRONT, {"task": task.name, "front": listed})
    return problem, opt


def _journal(
    place: Path, opt: LaMOO, about: dict[str, Any], settings: Mapping[str, Any]
) -> Journal:
    """Begin a journal, or load a search from it."""
    if not (place / FILE).exists():
        return Journal.create(place, opt, run=settings, **about)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(place))
        for name, value in about.items():
            found = journal.header.get(name)
            if found != value:
                raise ValueError(
                    f"{place} holds a search with {name} {found!r}, now {value!r}; "
                    "move it away, or use another folder"
                )
        opt.load_state_dict(journal.state())
        journal.set_run(**settings)
        stack.pop_all()
    return journal


def found_architectures(
    folder: RunFolder, few_shot: int | None, count: int | None = None
) -> list[dict[str, Any]]:
    """Return the front of a search, or `count` of it, evenly spread; the best one last.

    That is the best in the first objective. Of architectures with equal values, which are often
    the same network, only the first is taken.

    Raises
    ------
    ValueError
        If there is none.
    """
    path = folder.search(few_shot) / _FRONT
    if not path.exists():
        option = "" if few_shot is None else f" --few-shot {few_shot}"
        raise ValueError(
            f"{folder.path} has no front of a search; run: {folder.command('search')}{option}"
        )
    distinct: dict[tuple[float, ...], dict[str, Any]] = {}
    for found in read_json(path).get("front", []):
        distinct.setdefault(tuple(found["values"].values()), found)
    front = list(distinct.values())
    if count is None or count >= len(front):
        return front
    if count == 1:
        return front[-1:]
    return [front[round(i * (len(front) - 1) / (count - 1))] for i in range(count)]


def retrain(
    folder: RunFolder,
    task: Task,
    run: Run,
    architectures: Sequence[Mapping[str, Any]],
    *,
    tensorboard: bool = False,
) -> list[dict[str, Any]]:
    """Train architectures stand-alone by the full recipe, or go on; those that are done are kept.

    Parameters
    ----------
    architectures : sequence of dict
        Each with its "architecture" and, if it was searched, its "values".

    Returns
    -------
    list of dict
        For each: "architecture", "trained" (values on the test data), "searched" (those of the
        latest search), "flops", "params", "seconds" of training. Those whose training diverged are
        left out.
    """
    results = []
    for given in tqdm(architectures, unit="network", disable=None if run.progress else True):
        config = task.architectures.decode(given["architecture"])
        text = task.architectures.encode(config)
        place = folder.network(text)
        settled = keep_settings(place, run, architecture=text)
        if not (place / _METRICS).exists():
            try:
                write_json(
                    place / _METRICS,
                    _retrain_one(place, task, settled, config, given.get("values"), tensorboard),
                )
            except TrainingDiverged as error:
                _LOG.warning("%s: %s", text, error)
                continue
        done = read_json(place / _METRICS)
        searched = dict(given.get("values") or done["searched"])
        if searched != done["searched"]:  # of another search
            done["searched"] = searched
            write_json(place / _METRICS, done)
        results.append(done)
    _write_table(folder.networks, networks(folder))
    return results


def _retrain_one(
    place: Path,
    task: Task,
    run: Run,
    config: dict[str, Any],
    searched: Mapping[str, float] | None,
    tensorboard: bool,
) -> dict[str, Any]:
    text = task.architectures.encode(config)
    loop = _train(
        place, text, tensorboard, run, lambda run, checkpoint: task.network(config, run, checkpoint)
    )
    cost = task.architectures.cost(config)
    return {
        "architecture": text,
        "trained": dict(task.measure(loop.trained, config, run)),
        "searched": dict(searched or {}),
        "flops": cost.flops,
        "params": cost.params,
        "seconds": sum(epoch["seconds"] for epoch in loop.history),
    }


def networks(folder: RunFolder) -> list[dict[str, Any]]:
    """Return what `retrain` did of all networks of a run, by rising multiply-adds."""
    found = [
        {**read_json(path), "settings": read_json(path.with_name(SETTINGS))}
        for path in sorted(folder.path.glob(f"networks/*/{_METRICS}"))
    ]
    return sorted(found, key=lambda network: (network["flops"], network["architecture"]))


def _write_table(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    columns = ["architecture", "flops", "params", "seconds"]
    settings = ["epochs", "batch", "batches"]  # empty: the recipe's, and all
    trained = list(dict.fromkeys(name for network in found for name in network["trained"]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*columns, *settings, *trained])
        for network in found:
            writer.writerow(
                [
                    *(network[c] for c in columns),
                    *(network["settings"].get(s) for s in settings),
                    *(network["trained"].get(t) for t in trained),
                ]
            )


def export(
    folder: RunFolder, task: Task, run: Run, architecture: str | None = None
) -> tuple[str, list[Exported]]:
    """Export the best trained network, or a chosen one, and write a report.

    Raises
    ------
    ValueError
        If it, or any, is not trained.
    """
    found = networks(folder)
    if not found:
        raise ValueError(f"{folder.path} has no trained network; run: {folder.command('retrain')}")
    if architecture is None:
        sign = 1 if task.metric.direction == "maximize" else -1
        values = [sign * network["trained"][task.metric.name] for network in found]
        best = max(range(len(found)), key=lambda i: (not math.isnan(values[i]), values[i]))
        architecture = found[best]["architecture"]
    config = task.architectures.decode(architecture)
    text = task.architectures.encode(config)
    place = folder.network(text)
    if not (place / _METRICS).exists():
        command = f"{folder.command('retrain')} --architecture {shlex.quote(text)}"
        raise ValueError(f"{text} is not trained; run: {command}")
    loop = task.network(
        config, kept_settings(place, replace(run, device="cpu")), place / CHECKPOINT
    )
    if loop.step < loop.steps:
        raise ValueError(
            f"{place / CHECKPOINT} is missing, or not the end of a training; remove {place}, then "
            f"run: {folder.command('retrain')} --architecture {shlex.quote(text)}"
        )
    network = task.exported(loop.trained)
    written = export_network(network, task.example(config), folder.export, place.name)
    task.architectures.draw(config).savefig(folder.export / f"{place.name}.png")
    fronts = {
        path.parent.name: front
        for path in sorted(folder.path.glob(f"search*/{_FRONT}"))
        if (front := read_json(path).get("front"))  # empty where all evaluations failed
    }
    page = report(folder, task, run.device, text, network, found, written, fronts)
    (folder.export / "report.md").write_text(page, encoding="utf-8")
    return text, written
