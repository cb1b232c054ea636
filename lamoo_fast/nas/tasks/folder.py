"""The folder of a run: what all commands on a task leave behind and go on from.

::

    run.json                     task, data, seed
    supernet/                    checkpoint, settings, curves of the supernet
    few-shot-4/                  its parts, if asked for
    search/, search-few-shot-4/  journal, front and pictures of a search
    scores-untrained.csv ...     cheap scores of architectures; .json: what they are made with
    networks/NAME/               checkpoint, settings, curves and metrics of an architecture
    networks.csv                 all of them
    export/                      what the best one was exported to, and a report
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lamoo_fast.nas.tasks import load_task
from lamoo_fast.nas.tasks.task import Run, Task

CHECKPOINT = "checkpoint.pt"
_RUN, SETTINGS = "run.json", "settings.json"
_KEPT = ("epochs", "batch", "batches")


@dataclass(frozen=True)
class RunFolder:
    """A folder and what its run is about.

    Parameters
    ----------
    path : Path
        The folder.
    task : str
        Name of the task.
    data : str or None
        Folder of the data.
    small : bool
        Whether the task is the small one.
    seed : int
        Of everything.
    """

    path: Path
    task: str
    data: str | None
    small: bool
    seed: int

    @classmethod
    def find(
        cls,
        path: Path,
        task: str,
        *,
        data: Path | None = None,
        small: bool | None = None,
        seed: int | None = None,
    ) -> RunFolder:
        """Return the run of a folder, or a new one; nothing is written yet.

        What is None is taken from the folder. The data may have moved.

        Raises
        ------
        ValueError
            If the folder holds another run, or something else.
        """
        file = path / _RUN
        where = None if data is None else str(data.resolve())
        if not file.exists():
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise ValueError(
                    f"{path} holds no run of `lamoo nas`; wanted a new or empty folder"
                )
            return cls(path, task, where, bool(small), seed or 0)
        found = read_json(file)
        try:
            kept = cls(path, found["task"], found["data"], found["small"], found["seed"])
        except KeyError as error:
            raise ValueError(f"{file} has no {error}; wanted a run of `lamoo nas`") from None
        for name, given in (("task", task), ("small", small), ("seed", seed)):
            if given is not None and given != getattr(kept, name):
                raise ValueError(
                    f"{path} holds a run with {name} {getattr(kept, name)!r}, got {given!r}; "
                    "use another folder"
                )
        return kept if where is None else replace(kept, data=where)

    def load(self) -> Task:
        """Return the task with its data; ValueError as `load_task`."""
        return load_task(
            self.task, None if self.data is None else Path(self.data), small=self.small
        )

    def create(self) -> None:
        """Make the folder and say in it what the run is, if that has not been done."""
        if not (self.path / _RUN).exists():
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.path / _RUN, {k: v for k, v in asdict(self).items() if k != "path"})

    @property
    def supernet(self) -> Path:
        """Where the supernet is."""
        return self.path / "supernet"

    def search(self, few_shot: int | None) -> Path:
        """Where the search is with a supernet, or with so many parts of it."""
        return self.path / ("search" if few_shot is None else f"search-few-shot-{few_shot}")

    def parts(self, few_shot: int) -> Path:
        """Where the parts of the supernet are."""
        return self.path / f"few-shot-{few_shot}"

    def scores(self, fidelity: str) -> Path:
        """Table of the scores of a kind."""
        return self.path / f"scores-{fidelity}.csv"

    def network(self, architecture: str) -> Path:
        """Where an architecture is trained."""
        return self.path / "networks" / hashlib.sha256(architecture.encode()).hexdigest()[:12]

    @property
    def networks(self) -> Path:
        """Table of the networks that were trained."""
        return self.path / "networks.csv"

    @property
    def export(self) -> Path:
        """Where networks are exported to."""
        return self.path / "export"

    def command(self, name: str) -> str:
        """How a command on this run is typed."""
        return f"lamoo nas {name} {self.task} --out {shlex.quote(str(self.path))}"


def keep_settings(folder: Path, run: Run, **more: Any) -> Run:
    """Say in a folder how its checkpoint is trained; return the run with what it says already.

    Raises
    ------
    ValueError
        If there is a checkpoint that is trained otherwise.
    """
    if not (folder / CHECKPOINT).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / SETTINGS, {**more, **{name: getattr(run, name) for name in _KEPT}})
        return run
    kept = kept_settings(folder, run)
    for name in _KEPT:
        given, found = getattr(run, name), getattr(kept, name)
        if given is not None and given != found:
            raise ValueError(
                f"{folder} is trained with {name} {_or_default(found)}, got {given}; "
                "leave it out to go on, or use another folder"
            )
    return kept


def kept_settings(folder: Path, run: Run) -> Run:
    """Return a run with the numbers that a folder's checkpoint is trained with."""
    found = read_json(folder / SETTINGS)
    try:
        return replace(run, **{name: found[name] for name in _KEPT})
    except KeyError as error:
        raise ValueError(f"{folder / SETTINGS} has no {error}") from None


def _or_default(value: object) -> str:
    return "of the recipe" if value is None else str(value)


def read_json(path: Path) -> dict[str, Any]:
    """Read an object; ValueError if it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds a {type(found).__name__}, wanted an object")
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object: after a crash the file is the old or the new one."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
