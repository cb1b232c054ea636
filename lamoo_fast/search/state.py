"""The saved state of a search, read back with all checks before anything changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamoo_fast.search.reference import check_ref
from lamoo_fast.search.trial import Trial

STATE_FORMAT = 2
_SINCE_FORMAT_2: dict[str, Any] = {"n_constraints": 0, "known": [], "noisy": False}
_LATER: dict[str, Any] = {"hints": False, "surrogate": "None"}  # that came without a new format


@dataclass(frozen=True)
class Saved:
    """What `LaMOO.state_dict` wrote down, but for the settings; trials by id."""

    trials: list[Trial]
    ref: tuple[float, ...] | None
    design_seed: int
    rng: Mapping[str, Any]


def checked_rng(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a random generator.

    Raises
    ------
    ValueError
        When it is none; NumPy 1 takes numbers that are out of range for others.
    """
    given = dict(state)
    try:
        large, small = given["state"].values(), (given["has_uint32"], given["uinteger"])
        if not all(0 <= n < 2**128 for n in large) or not all(0 <= n < 2**32 for n in small):
            raise ValueError("numbers out of range")
        trial: Any = np.random.PCG64(0)
        trial.state = given
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"not the state of a random generator: {error!r}") from None
    return given


def read_state(
    state: Mapping[str, Any],
    settings: Mapping[str, Any],
    restore: Callable[[Sequence[Mapping[str, Any]]], list[Trial]],
) -> Saved:
    """Read the state of a search with these settings; `restore` makes trials of descriptions.

    Raises
    ------
    ValueError
        When the state is damaged or of a search with other settings.
    """
    try:
        if state["format"] not in (1, STATE_FORMAT):
            raise ValueError(f"state has format {state['format']}, wanted {STATE_FORMAT}")
        older = _LATER | (_SINCE_FORMAT_2 if state["format"] == 1 else {})
        for name, mine in settings.items():
            theirs = {**older, **state["settings"]}[name]
            if theirs != mine:
                raise ValueError(f"state has {name} {theirs}, but this search has {mine}")
        trials = restore(list(state["trials"]))
        trials.sort(key=lambda trial: trial.id)
        if len({trial.id for trial in trials}) < len(trials):
            raise ValueError("state has two trials with one id")
        m = len(settings["directions"])
        ref = None if state["ref"] is None else check_ref(state["ref"], m)
        design_seed = int(state["design_seed"])
        np.random.default_rng(design_seed)  # must not be negative
        return Saved(trials, ref, design_seed, state["rng"])
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"not the state of a search: {error!r}") from None
