"""Searches made anew from the trials that a host keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamoo_fast.search import LaMOO


def replay(
    opt: LaMOO, trials: Sequence[Mapping[str, Any]], seed: Sequence[int], *, goal: Any = None
) -> LaMOO:
    """Give a new search the trials of a host, and random numbers of its own.

    Unless one was given, the reference point is the one of the end of the initial design, as in
    a search that had gone on all the time.

    Parameters
    ----------
    opt : LaMOO
        A search without trials.
    trials : sequence of mapping
        As `LaMOO.state_dict` describes them, in the order in which they came to be.
    seed : sequence of int
        Seed of the random numbers.
    goal : array_like, shape (m,), optional
        Values of the reference point, NaN where it is open.

    Examples
    --------
    >>> from lamoo_fast.search import Float, Space
    >>> space = Space({"x": Float(0, 1)})
    >>> row = {"id": 0, "config": {"x": 0.5}, "values": [1.0], "status": "done"}
    >>> row |= {"constraints": [], "message": "", "relaxed": 0}
    >>> replay(LaMOO(space, ["minimize"]), [row], [1, 1]).trials[0].values
    (1.0,)
    """
    state = opt.state_dict()
    state |= {"rng": np.random.default_rng(seed).bit_generator.state, "trials": list(trials)}
    if state["ref"] is None:
        ref = _first_ref(opt, state)
        if ref is not None and goal is not None:
            ref = np.where(np.isnan(goal), ref, goal).tolist()
        state["ref"] = ref
    opt.load_state_dict(state)
    return opt


def _first_ref(opt: LaMOO, state: dict[str, Any]) -> list[float] | None:
    """Return the reference point as it was at the end of the initial design, or None before."""
    ends = [
        end
        for end, row in enumerate(state["trials"], start=1)
        if row["status"] == "done" and all(bound <= 0 for bound in row["constraints"])
    ]
    if len(ends) < opt.n_initial:
        return None
    opt.load_state_dict({**state, "trials": state["trials"][: ends[opt.n_initial - 1]]})
    return list(opt.ref or ())
