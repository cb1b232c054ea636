"""Search problems: tables of measured architectures, test functions, and the user's own code.

``load_problem(name)`` gives a `Problem` (space, objectives, evaluation, reference point); a
`Table` is one whose true Pareto front is known.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from lamoo_fast.nas.hw_nas_bench import hwnas, hwnas_fbnet
from lamoo_fast.nas.nasbench201 import nasbench201, nasbench201_joined
from lamoo_fast.nas.nasbench301 import nasbench301
from lamoo_fast.nas.nasbench_graph import GRAPHS, nasbench_graph
from lamoo_fast.nas.nats_bench import nasbench201_official
from lamoo_fast.nas.problem import Objective, Problem, load_attribute, nearest, problem
from lamoo_fast.nas.scores import Scores, is_file, located
from lamoo_fast.nas.shared_tables import (
    accel_nasbench,
    darts_nb301,
    nasbench_macro,
    nasnet_lanas,
)
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.spaces.cell_stack import CellStack
from lamoo_fast.nas.spaces.families import family_of
from lamoo_fast.nas.synthetic import branin_currin, dtlz2, vehicle_safety
from lamoo_fast.nas.table import Table
from lamoo_fast.search.hints import HintFunction

__all__ = [
    "Objective",
    "Problem",
    "Table",
    "data_folder",
    "chosen_hints",
    "load_hints",
    "load_problem",
    "problem",
    "problem_names",
]


def data_folder() -> Path:
    """Folder of the shared tables: ``LAMOO_DATA``, else ``../shared/data/nas`` if it exists.

    Raises
    ------
    ValueError
        If there is no such folder.
    """
    named = os.environ.get("LAMOO_DATA")
    folder = Path(named or "../shared/data/nas")
    if not folder.is_dir():
        raise ValueError(
            f"LAMOO_DATA is {named!r}; wanted the folder that holds the shared tables"
            if named
            else "LAMOO_DATA is not set; wanted the folder that holds the shared tables"
        )
    return folder.resolve()


_STRUCTURE, _NOTHING = "structure", "none"  # no column of a table has these names

_PROBLEMS: dict[str, Callable[[], Problem]] = {
    "nasbench201": nasbench201,
    "nasbench201-joined": lambda: nasbench201_joined(data_folder()),
    "nasbench201-official": lambda: nasbench201_official(data_folder()),
    **{f"nasbench-graph-{graph}": partial(nasbench_graph, graph) for graph in GRAPHS},
    "nasbench301": lambda: nasbench301(data_folder()),
    "hwnas": lambda: hwnas(data_folder()),
    "hwnas-fbnet": lambda: hwnas_fbnet(data_folder()),
    "nasbench-macro": lambda: nasbench_macro(data_folder()),
    "accel-nasbench": lambda: accel_nasbench(data_folder()),
    "darts-nb301": lambda: darts_nb301(data_folder()),
    "nasnet-lanas": lambda: nasnet_lanas(data_folder()),
    "branin-currin": branin_currin,
    "vehicle-safety": vehicle_safety,
    "dtlz2": dtlz2,
}


def problem_names() -> list[str]:
    """Names that `load_problem` knows."""
    return list(_PROBLEMS)


def load_hints(name: str, sources: Iterable[str]) -> HintFunction:
    """Return cheap values as hints for a search of the problem `name`.

    Parameters
    ----------
    name : str
        As `load_problem`.
    sources : iterable of str
        Columns of the problem's table that are not searched, such as an accuracy after a short
        training, files of scores ("FILE.csv", "FILE.csv:COLUMN", see `Scores`), and "structure",
        what follows from the graphs of cells (`Cell201.structure`).

    Raises
    ------
    ValueError
        If a name is unknown, columns are named of a problem that is no table, a file is not of
        that problem's configurations, or these are no cells.
    OSError
        If a file cannot be read.
    """
    sources = list(sources)
    files = [source for source in sources if is_file(source)]
    columns = [source for source in sources if not is_file(source) and source != _STRUCTURE]
    problem = load_problem(name, None if sources and not columns else columns)
    parts: list[HintFunction] = [Scores(file, problem.space) for file in files]
    if _STRUCTURE in sources:
        structure = _structure(problem)
        if structure is None:
            raise ValueError(f"problem {name!r} has no cells with a structure; leave it out")
        parts.append(structure)
    if columns or not sources:
        if not isinstance(problem, Table):
            raise ValueError(f"problem {name!r} is no table; hints are columns of a table")
        parts.append(lambda configs: [problem.evaluate(config) for config in configs])
    return lambda configs: np.hstack([part(configs) for part in parts])


def chosen_hints(problem: Problem, sources: Iterable[str] | None = None) -> list[str] | None:
    """Return sources of hints as `load_hints` takes them, files with their whole paths.

    When none are given, those that cost nothing and are known to help, which is the structure of
    the cells of NAS-Bench-201; None where there are none, or for "none" alone.

    Examples
    --------
    >>> chosen_hints(load_problem("nasbench201")), chosen_hints(load_problem("dtlz2"))
    (['structure'], None)
    """
    if sources is None:
        return [_STRUCTURE] if isinstance(family_of(problem.space), Cell201) else None
    found = [located(source) for source in sources]
    return None if found == [_NOTHING] else found


def _structure(problem: Problem) -> HintFunction | None:
    family = family_of(problem.space)
    return family.structure if isinstance(family, (Cell201, CellStack)) else None


def load_problem(name: str, objectives: Iterable[str] | None = None) -> Problem:
    """Return the problem called `name` with the chosen objectives.

    Parameters
    ----------
    name : str
        One of the known names, or ``module:attribute`` of a `Problem` in an importable module.
    objectives : iterable of str, optional
        Names of the objectives, in the order wanted; the problem's default ones if None.

    Raises
    ------
    ValueError
        If a name is unknown (the nearest known one is suggested) or data is missing.

    Examples
    --------
    >>> load_problem("vehicle-safety", ["mass", "intrusion"]).ref
    (1864.72022, 0.2903999384)
    """
    module, colon, attribute = name.partition(":")
    if colon:
        return load_attribute(module, attribute).select(objectives)
    if name not in _PROBLEMS:
        raise ValueError(f"unknown problem {name!r}{nearest(name, list(_PROBLEMS))}")
    return _PROBLEMS[name]().select(objectives)
