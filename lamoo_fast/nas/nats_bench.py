"""The official files of NAS-Bench-201: those of NATS-Bench (Dong et al., TPAMI 2021) and v1.1.

Both hold all trainings of the 15,625 cells. Nothing in them is run: pickles are read by
`lamoo_fast.nas.pickles`, the file of PyTorch by ``torch.load(weights_only=True)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lamoo_fast.nas.pickles import NUMPY_FLOATS, ORDERED, read_pickle
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.table import Table, worst

SIMPLE = "NATS-tss-v1_0-3ffb9-simple"
WHOLE = "NAS-Bench-201-v1_1-096897.pth"
_REF_ACCURACY, _REF_FLOPS = 74.12, 190.63  # as in nasbench201

# Name of the objective, data set, what it was evaluated on, epochs of the schedule.
_ACCURACIES = (
    ("cifar10_test_acc", "cifar10", "ori-test", "200"),
    ("cifar100_test_acc", "cifar100", "x-test", "200"),
    ("imagenet16_test_acc", "ImageNet16-120", "x-test", "200"),
    ("cifar10_valid_acc_12ep", "cifar10-valid", "x-valid", "12"),
)
_EPOCHS = {"full": "200", "less": "12"}  # as v1.1 calls them


def nasbench201_official(folder: Path) -> Table:
    """Read accuracies, multiply-adds and parameters of all cells from official files.

    Parameters
    ----------
    folder : Path
        Holds the folder ``NATS-tss-v1_0-3ffb9-simple`` of NATS-Bench, or is it; or holds
        ``NAS-Bench-201-v1_1-096897.pth``, which needs PyTorch and some 5 GB of memory.

    Returns
    -------
    table : Table
        ``cifar10_test_acc``, ``cifar100_test_acc``, ``imagenet16_test_acc`` (200 epochs),
        ``cifar10_valid_acc_12ep``, each the mean over the trainings, ``flops_M`` and ``params_M``
        on CIFAR-10. Searched by default: the first against ``flops_M``.

    Raises
    ------
    ValueError, OSError
        If neither is there, or a file is not what it should be.
    """
    simple = folder if folder.name.startswith("NATS-tss") else folder / SIMPLE
    if simple.is_dir():
        cells = _of_nats(simple)
    elif (folder / WHOLE).is_file():
        cells = _of_whole(folder / WHOLE)
    else:
        raise ValueError(
            f"{folder} has neither {SIMPLE} (of github.com/D-X-Y/NATS-Bench) "
            f"nor {WHOLE} (of github.com/D-X-Y/NAS-Bench-201)"
        )
    decode = Cell201().decode
    configs, values = [], []
    for text, trainings in cells:
        configs.append(decode(text))
        try:
            values.append(_row(trainings))
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError(f"the trainings of {text} are not as expected: {error!r}") from error
    objectives = [
        *(Objective(name, "maximize", "%") for name, *_ in _ACCURACIES),
        Objective("flops_M", "minimize", "MFLOPs"),
        Objective("params_M", "minimize", "M"),
    ]
    ref = dict(zip((o.name for o in objectives), worst(np.array(values), objectives), strict=True))
    ref |= {"cifar10_test_acc": _REF_ACCURACY, "flops_M": _REF_FLOPS}
    return Table(
        "nasbench201-official",
        configs,
        objectives,
        values,
        space=Cell201().space,
        ref=[float(value) for value in ref.values()],
        default=["cifar10_test_acc", "flops_M"],
        loader=(nasbench201_official, folder),
    )


Trainings = Mapping[str, Mapping[str, Any]]
"""By epochs of the schedule: data sets with their seeds, and results by data set and seed."""


def _of_nats(folder: Path) -> Iterator[tuple[str, Trainings]]:
    """Cells with their trainings, one file each."""
    from tqdm import tqdm

    admitted = {**NUMPY_FLOATS, **ORDERED}
    meta = read_pickle(folder / "meta.pickle.pbz2", admitted)
    try:
        names = [str(name) for name in meta["meta_archs"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"meta.pickle.pbz2 is not that of NATS-Bench: {error!r}") from error
    for i, name in enumerate(tqdm(names, desc=folder.name, unit="cell", disable=None)):
        yield name, read_pickle(folder / f"{i:06d}.pickle.pbz2", admitted)


def _of_whole(path: Path) -> Iterator[tuple[str, Trainings]]:
    """Cells with their trainings, all in one file."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        names, trainings = found["meta_archs"], found["arch2infos"]
    except Exception as error:  # damaged files raise nearly anything
        raise ValueError(f"{path.name} cannot be read safely: {error}") from error
    for i, name in enumerate(names):
        yield name, {_EPOCHS[key]: value for key, value in trainings[i].items() if key in _EPOCHS}


def _row(trainings: Trainings) -> list[float]:
    values = []
    for _, dataset, evaluated, epochs in _ACCURACIES:
        results = _results(trainings[epochs], dataset)
        last = f"{evaluated}@{int(epochs) - 1}"
        values.append(float(np.mean([result["eval_acc1es"][last] for result in results])))
    first = _results(trainings["200"], "cifar10")[0]
    return [*values, float(first["flop"]), float(first["params"])]


def _results(training: Mapping[str, Any], dataset: str) -> list[Mapping[str, Any]]:
    """Results of all seeds of a data set."""
    return [training["all_results"][dataset, seed] for seed in training["dataset_seed"][dataset]]
