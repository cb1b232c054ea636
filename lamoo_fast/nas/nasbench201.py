"""NAS-Bench-201 (Dong and Yang, ICLR 2020): all 15,625 cells with measured accuracies.

A cell has six edges, each with one of five operations; the network repeats it 15 times.
Two tables answer for it:

- ``nasbench201``: CIFAR-10 accuracies of every cell under thirteen conditions (digital, quantised,
  noisy, analog in-memory hardware, drifted for up to 30 days) from the package `analog-nasbench`,
  with FLOPs and parameters in closed form (`Cell201.cost`).
- ``nasbench201-joined``: accuracies on three data sets and the latencies of 27 devices, from a CSV
  file in the folder that ``LAMOO_DATA`` names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lamoo_fast.nas.pickles import State, package_file, read_pickle
from lamoo_fast.nas.problem import Config, Direction, Objective
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201
from lamoo_fast.nas.table import Table, header, worst

_CIFAR10 = Cell201()

# Codes and edge order of analog-nasbench differ from the official ones above.
_ANALOG_OPS = ("skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
_ANALOG_EDGES = ("0to1", "0to2", "0to3", "1to2", "1to3", "2to3")
_ANALOG_CLASSES = {
    ("analognasbench.data", "Architecture"): State,
    ("analognasbench.data", "DriftMeasurement"): State,
}
_DRIFTS = ("60", "3600", "86400", "2592000")  # seconds
_CONDITIONS = ("baseline", "ptq", "qat", "noisy", "analog")

# Objectives of the joined table by the ending of their column.
_JOINED: tuple[tuple[str, Direction, str], ...] = (
    ("_acc_200ep", "maximize", "%"),
    ("_acc_12ep", "maximize", "%"),
    ("_flops_M", "minimize", "MFLOPs"),
    ("_params_M", "minimize", "M"),
    ("_latency_ms", "minimize", "ms"),
    ("_per_epoch_s", "minimize", "s"),
)

# LaMOO's reference point on this benchmark is one standard deviation below the mean accuracy and
# four above the mean FLOPs (standardised z = -1 and z = 4). With the 200-epoch accuracies' mean
# 87.056 % and deviation 12.936 that is 74.12 %; with n1 + 9 n3 of mean 12 and variance 74.4 it is
# 7.78305 + 3.93216 (12 + 4 sqrt(74.4)) = 190.637 MFLOPs, cut to 190.63; the same share of it in
# parameters. Accuracies on damaged hardware count from 10 %, the chance level of ten classes.
_REF_ACCURACY, _REF_FLOPS, _REF_PARAMS, _CHANCE = 74.12, 190.63, 1.33, 10.0


def flops_millions(config: Config) -> float:
    """Multiply-adds of the CIFAR-10 network of a cell, in millions.

    Examples
    --------
    >>> flops_millions(dict.fromkeys(EDGES, "none"))
    7.78305
    """
    return _CIFAR10.cost(config).flops / 1e6


def params_millions(config: Config) -> float:
    """Trainable parameters of the CIFAR-10 network of a cell, in millions.

    Examples
    --------
    >>> params_millions(dict.fromkeys(EDGES, "nor_conv_3x3"))
    1.531546
    """
    return _CIFAR10.cost(config).params / 1e6


def nasbench201() -> Table:
    """Read thirteen CIFAR-10 accuracies of every cell, with FLOPs and parameters.

    Searched by default: baseline accuracy and FLOPs, as in the LaMOO paper.

    Raises
    ------
    ValueError
        If `analog-nasbench` is not installed or its table is not the expected one.
    """
    path = package_file("analog-nasbench", "analognasbench", "data.anb")
    attributes = [f"{condition}_accuracy" for condition in _CONDITIONS]
    attributes += [f"{c}_drift_{s}" for c in ("baseline", "analog") for s in _DRIFTS]
    names = [f"{condition}_acc" for condition in _CONDITIONS]
    names += [f"{c}_drift_{s}s_acc" for c in ("baseline", "analog") for s in _DRIFTS]
    configs, values = [], []
    try:
        for codes, architecture in read_pickle(path, _ANALOG_CLASSES).items():
            ops = dict(zip(_ANALOG_EDGES, (_ANALOG_OPS[c] for c in codes), strict=True))
            config = {edge: ops[edge] for edge in EDGES}
            accuracies = [_accuracy(architecture.state[a]) for a in attributes]
            configs.append(config)
            values.append([*accuracies, flops_millions(config), params_millions(config)])
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not the table of analog-nasbench: {error!r}") from error
    return Table(
        "nasbench201",
        configs,
        [
            *(Objective(name, "maximize", "%") for name in names),
            Objective("flops_M", "minimize", "MFLOPs", known=flops_millions),
            Objective("params_M", "minimize", "M", known=params_millions),
        ],
        values,
        space=_CIFAR10.space,
        ref=[_REF_ACCURACY, *[_CHANCE] * (len(names) - 1), _REF_FLOPS, _REF_PARAMS],
        default=["baseline_acc", "flops_M"],
        loader=(nasbench201,),
    )


def _accuracy(value: Any) -> float:
    """Accuracy in percent; drifted ones are measurements with an uncertainty, left out here."""
    return float(value.state["value"] if isinstance(value, State) else value)


def nasbench201_joined(folder: Path) -> Table:
    """Read the official 200-epoch accuracies and the latencies of 27 devices.

    Parameters
    ----------
    folder : Path
        Holds ``nasbench201_joined.csv.gz``.

    Raises
    ------
    ValueError, OSError
        If the file is missing or has other columns.
    """
    path = folder / "nasbench201_joined.csv.gz"
    edges = {f"op_{edge}": edge for edge in EDGES}
    objectives = [o for name in header(path) if (o := _joined_objective(name)) is not None]
    read = Table.read(path, list(edges), objectives)
    ref = dict(zip((o.name for o in objectives), worst(read.values, objectives), strict=True))
    ref |= {"cifar10_test_acc_200ep": _REF_ACCURACY, "cifar10_flops_M": _REF_FLOPS}
    return Table(
        "nasbench201-joined",
        [{edges[column]: OPS[code] for column, code in c.items()} for c in read.configs],
        objectives,
        read.values,
        space=_CIFAR10.space,
        ref=list(ref.values()),
        default=["cifar10_test_acc_200ep", "cifar10_flops_M"],
        loader=(nasbench201_joined, folder),
    )


def _joined_objective(column: str) -> Objective | None:
    for ending, direction, unit in _JOINED:
        if column.endswith(ending):
            return Objective(column, direction, unit)
    return None
