"""NAS-Bench-301 (Zela et al., ICLR 2022): the DARTS space, about 10^18 networks, on a surrogate.

Nobody can train so many networks; their accuracies are predicted by a model of those that were.
The official models are used where their folder and their package `nasbench301` are there. Else a
Gaussian process learns a table of accuracies, with its error told by cross-validation.
"""

from __future__ import annotations

import importlib
import logging
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lamoo_fast.nas.problem import Config, Objective, Problem
from lamoo_fast.nas.spaces.darts import OPS, Darts
from lamoo_fast.nas.spaces.genotype import Genotype
from lamoo_fast.nas.table import Table

TABLE = "darts_nb301_naslib.csv.gz"
OFFICIAL = ("nb_models_1.0/xgb_v1.0", "xgb_v1.0")
_LEAST = 20
_CONCAT = [2, 3, 4, 5]
_REF = (90.0, 270.0, 1.7)  # %, millions; the largest network has 269.1 and 1.685
_log = logging.getLogger(__name__)


def network() -> Darts:
    """Return the networks that NAS-Bench-301 trained: 8 cells, 32 channels."""
    return Darts(channels=32, cells=8)


def flops_millions(config: Config) -> float:
    """Multiply-adds of the network of NAS-Bench-301, in millions."""
    return network().cost(config).flops / 1e6


def params_millions(config: Config) -> float:
    """Parameters of the network of NAS-Bench-301, in millions."""
    return network().cost(config).params / 1e6


def nasbench301(folder: Path) -> Problem:
    """Return the problem with the best surrogate that is there.

    Parameters
    ----------
    folder : Path
        Holds the official ``xgb_v1.0`` or the table ``darts_nb301_naslib.csv.gz``. The variable
        ``LAMOO_NB301`` may name another official folder or table in its place.

    Raises
    ------
    ValueError, OSError
        If what is named is neither, or a file is damaged.
    """
    if named := os.environ.get("LAMOO_NB301"):
        return official(Path(named)) if Path(named).is_dir() else surrogate(Path(named))
    for name in OFFICIAL:
        if (folder / name).is_dir():
            return official(folder / name)
    return surrogate(folder / TABLE)


def official(folder: Path) -> Problem:
    """Return the problem with the official surrogate, without its noise.

    Parameters
    ----------
    folder : Path
        An ensemble such as ``xgb_v1.0``.

    Raises
    ------
    ValueError
        If the package `nasbench301` is not installed or cannot load the folder.
    """
    try:
        package = importlib.import_module("nasbench301")
    except ImportError as error:
        raise ValueError(
            f"{folder.name} needs the package nasbench301 of github.com/automl/nasbench301: {error}"
        ) from error
    try:
        model = package.load_ensemble(str(folder))
    except Exception as error:  # whatever its libraries raise
        raise ValueError(f"nasbench301 cannot load {folder}: {error}") from error
    return Surrogate(f"the official {folder.name}", _Official(model), (official, folder))


def surrogate(table: Path) -> Problem:
    """Return the problem with a Gaussian process that learns a table.

    The repr of the problem tells its error on networks that it has not seen.

    Parameters
    ----------
    table : Path
        CSV with the columns ``n0_src``, ``n0_op`` to ``n7_op`` of the normal cell, ``r...`` of the
        reduction cell (operations numbered as in `lamoo_fast.nas.spaces.darts.OPS`) and
        ``val_acc`` in percent. Networks that are there twice count with their mean.

    Raises
    ------
    ValueError, OSError
        If the file is missing, has other columns or fewer than 20 networks.
    """
    configs, accuracies = _read(table)
    from lamoo_fast.nas.evaluators.encodings import features_of
    from lamoo_fast.nas.evaluators.learned import Learned

    learned = Learned(network().space, configs, accuracies, features_of(network()))
    about = f"a Gaussian process of {table.name}: {learned.error}"
    _log.warning("accuracies of nasbench301 are predicted by %s", about)
    return Surrogate(about, lambda config: float(learned([config])[0]), (surrogate, table))


class _Accuracy(Protocol):
    def __call__(self, config: Config) -> float: ...


class Surrogate(Problem):
    """The problem of NAS-Bench-301 on some model; its repr tells which, and its error.

    Parameters
    ----------
    about : str
        What the model is.
    accuracy : callable
        The model: takes a configuration and returns percent.
    loader : tuple
        As in `Problem`.
    """

    def __init__(self, about: str, accuracy: _Accuracy, loader: tuple[Any, ...]) -> None:
        self.about = about
        super().__init__(
            "nasbench301",
            network().space,
            [
                Objective("val_acc", "maximize", "%"),
                Objective("flops_M", "minimize", "MFLOPs", known=flops_millions),
                Objective("params_M", "minimize", "M", known=params_millions),
            ],
            lambda config: (accuracy(config), flops_millions(config), params_millions(config)),
            ref=_REF,
            default=["val_acc", "flops_M"],
            loader=loader,
        )

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}; accuracy from {self.about}>"

    def _narrow(self, columns: list[int]) -> Surrogate:
        narrow = object.__new__(Surrogate)
        narrow.__dict__.update(vars(super()._narrow(columns)))
        narrow.about = self.about
        return narrow


class _Official:
    """A model of the package `nasbench301`."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, config: Config) -> float:
        genotype = network().genotype(config)
        found = self._model.predict(config=genotype, representation="genotype", with_noise=False)
        return float(np.ravel(found)[0])


def _read(table: Path) -> tuple[list[Config], list[float]]:
    """Networks of a table and their accuracies."""
    columns = [f"{cell}{i}_{what}" for cell in "nr" for i in range(8) for what in ("src", "op")]
    accuracy = [Objective("val_acc", "maximize", "%")]
    read = Table.read(table, columns, accuracy, drop_incomplete=True, average_repeats=True)
    if len(read.configs) < _LEAST:
        raise ValueError(f"{table.name} has {len(read.configs)} networks; wanted {_LEAST} or more")
    means: dict[str, list[float]] = {}
    darts, configs = network(), []
    for row, (value,) in zip(read.configs, read.values.tolist(), strict=True):
        cells = []
        for cell in "nr":
            genes = [(row[f"{cell}{i}_op"], row[f"{cell}{i}_src"]) for i in range(8)]
            if not all(isinstance(op, int) and 0 <= op < len(OPS) for op, _ in genes):
                raise ValueError(f"{table.name} has operations {genes}; wanted 0 to {len(OPS) - 1}")
            cells.append([(OPS[op], source) for op, source in genes])
        config = darts.configuration(Genotype(cells[0], _CONCAT, cells[1], _CONCAT))
        means.setdefault(darts.encode(config), []).append(value)
        if len(means[darts.encode(config)]) == 1:
            configs.append(config)
    return configs, [float(np.mean(values)) for values in means.values()]
