"""A search as a table of pandas, and as a few lines in a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lamoo_fast.search.lamoo import LaMOO

_ROWS_SHOWN = 10


def objective_names(opt: LaMOO, header: Mapping[str, Any]) -> list[str]:
    """Names of the objectives in the header of a journal; their numbers where it has none."""
    numbers = [str(i) for i in range(len(opt.directions))]
    try:
        names = [str(objective["name"]) for objective in header["objectives"]]
    except (KeyError, TypeError):
        return numbers
    return names if len(names) == len(numbers) else numbers


def dataframe(opt: LaMOO, names: Sequence[str]) -> Any:
    """Return all trials as a `pandas.DataFrame`, pending and failed ones included, by number.

    Columns are ``number``, ``state`` ("done", "failed" or "pending"), ``params_NAME`` for each
    parameter, ``values_NAME`` for each objective and ``constraints_0`` and so on where there are
    any: NaN unless the trial is done.

    Raises
    ------
    ImportError
        If pandas is not installed.

    Examples
    --------
    >>> from lamoo_fast.search.space import Float, Space
    >>> opt = LaMOO(Space({"x": Float(0, 1)}), ["minimize"], seed=0)
    >>> list(dataframe(opt, ["loss"]))
    ['number', 'state', 'params_x', 'values_loss']
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("a table of trials needs pandas; run: pip install pandas") from None
    trials = sorted([*opt.trials, *opt.pending], key=lambda trial: trial.id)
    nan = (math.nan,)
    columns: dict[str, list[Any]] = {
        "number": [t.id for t in trials],
        "state": [t.status for t in trials],
    }
    for name in opt.space.names:
        columns[f"params_{name}"] = [t.config[name] for t in trials]
    for i, name in enumerate(names):
        columns[f"values_{name}"] = [(t.values or nan * len(names))[i] for t in trials]
    for i in range(opt.n_constraints):
        columns[f"constraints_{i}"] = [(t.constraints or nan * (i + 1))[i] for t in trials]
    return pd.DataFrame(columns)


def summary(opt: LaMOO, names: Sequence[str]) -> str:
    """Return the counts of a search and the first trials of its front as HTML."""
    front = sorted(opt.pareto_front(), key=lambda trial: trial.values or ())
    failed = sum(t.status == "failed" for t in opt.trials)
    facts = f"{opt.n_told} trials, {failed} failed, {opt.n_pending} pending, {len(front)} best"
    volume = opt.hypervolume() if front else math.nan
    if not math.isnan(volume):
        facts += f"; hypervolume {volume:.6g}"
    labels = [f"{n} ({d})" for n, d in zip(names, opt.directions, strict=True)]
    rows = [["trial", *labels, *opt.space.names]]
    rows += [
        [str(t.id), *(f"{v:.6g}" for v in t.values or ()), *map(str, t.config.values())]
        for t in front[:_ROWS_SHOWN]
    ]
    cells = [
        "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"
        for tag, row in zip(["th", *["td"] * _ROWS_SHOWN], rows, strict=False)
    ]
    more = len(front) - _ROWS_SHOWN
    end = f"<p>and {more} more on the front</p>" if more > 0 else ""
    return f"<div><p>{escape(facts)}</p><table>{''.join(cells)}</table>{end}</div>"
