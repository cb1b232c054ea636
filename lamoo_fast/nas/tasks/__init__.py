"""Search on a data set, from the supernet to the exported network: what the commands run.

    task.py       what they need of a task (`Task`) and what a user may say (`Run`)
    images.py     digits, cifar10: classification with cells of NAS-Bench-201
    imagenet.py   imagenet: classification with once-for-all networks
    language.py   ptb: language models of recurrent cells
    detection.py  coco: object detectors

Each task has its full size, for the data set it is named after, and a small one for tests and first
steps: the same code with less data. All need PyTorch, which is imported with them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from lamoo_fast.nas.problem import nearest

if TYPE_CHECKING:
    from lamoo_fast.nas.tasks.task import Task

__all__ = ["load_task", "task_names"]

_MODULES = {
    "digits": "images",
    "cifar10": "images",
    "imagenet": "imagenet",
    "ptb": "language",
    "coco": "detection",
}
"""Where the function is that makes a task; both are called the same."""


def task_names() -> list[str]:
    """Names that `load_task` knows."""
    return list(_MODULES)


def load_task(name: str, data: Path | None = None, *, small: bool = False) -> Task:
    """Return a task with its data.

    Parameters
    ----------
    name : str
        Such as "digits".
    data : Path, optional
        Folder of the data; tasks with data of their own, and small ones, need none.
    small : bool
        Whether networks and trainings are small.

    Raises
    ------
    ValueError
        If the name is unknown, or data is missing or not what it should be.
    ImportError
        If PyTorch is not installed.
    """
    if name not in _MODULES:
        raise ValueError(f"unknown task {name!r}{nearest(name, list(_MODULES))}")
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        message = f"{name} needs PyTorch; run: pip install 'lamoo_fast[nas]'"
        raise ImportError(message, name=error.name) from None
    task: Task = getattr(module, name)(data, small=small)
    return task
