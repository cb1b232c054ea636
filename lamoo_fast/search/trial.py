"""Trials: what the search proposes and what it is told back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from lamoo_fast.search.space import Array, Config

Status: TypeAlias = Literal["pending", "done", "failed"]
_LONGEST_SHOWN = 200  # characters of a value in an error


class SpaceExhausted(RuntimeError):  # noqa: N818 - a state of affairs, not a mistake
    """Every valid configuration of a finite space is told, failed or pending."""


@dataclass(frozen=True)
class Failed:
    """Stands in `LaMOO.tell` for the values of a trial that could not be evaluated."""

    message: str = ""


FAILED = Failed()


def failed(message: str) -> Failed:
    """Report a trial as failed, with the reason.

    Examples
    --------
    >>> failed("out of memory")
    Failed(message='out of memory')
    """
    return Failed(str(message))


@dataclass(frozen=True, eq=False)
class Trial:
    """One point of the search.

    Attributes
    ----------
    id : int
        Number of the trial, from 0 upwards in the order in which trials came to be.
    config : dict
        Value of each parameter.
    x : array, shape (d,)
        The configuration in the unit cube, read-only.
    values : tuple of float, or None
        Objectives in the user's own units and signs; None unless done.
    constraints : tuple of float
        Outcome constraints, each met where <= 0; empty without constraints and unless done.
    status : str
        "pending", "done" or "failed".
    message : str
        Why it failed.
    relaxed : int
        How many constraints of the chosen region had to be given up to find this point; 0 for
        nearly all trials.
    """

    id: int
    config: Config
    x: Array
    values: tuple[float, ...] | None = None
    status: Status = "pending"
    message: str = ""
    relaxed: int = 0
    constraints: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self.x.flags.writeable = False

    @property
    def feasible(self) -> bool:
        """Whether the trial is done and meets all its constraints."""
        return self.status == "done" and all(c <= 0 for c in self.constraints)

    def to_dict(self) -> dict[str, Any]:
        """Describe the trial in JSON types; x is left out, the configuration determines it."""
        return {
            "id": self.id,
            "config": dict(self.config),
            "values": None if self.values is None else list(self.values),
            "constraints": list(self.constraints),
            "status": self.status,
            "message": self.message,
            "relaxed": self.relaxed,
        }

    def restored(self, saved: Mapping[str, Any], m: int, c: int = 0) -> Trial:
        """Return this trial with the id and the outcome of a `to_dict`: m objectives, c bounds."""
        key, status, values = int(saved["id"]), saved["status"], saved["values"]
        if status not in ("pending", "done", "failed") or (values is None) == (status == "done"):
            raise ValueError(f"trial {key} has status {status!r} and values {values!r}")
        trial = replace(
            self,
            id=key,
            status=status,
            message=str(saved["message"]),
            relaxed=int(saved["relaxed"]),
        )
        if values is None:
            return trial
        # States from before there were constraints do not name them.
        outcome = read_outcomes([[*values, *saved.get("constraints", ())]], 1, m, c)[0]
        if isinstance(outcome, Failed):
            raise ValueError(f"trial {key}: {outcome.message}")
        return trial.told(outcome, m)

    def told(self, outcome: Outcome, m: int) -> Trial:
        """Return this trial with an outcome of m objectives and the constraints, or failed."""
        if isinstance(outcome, Failed):
            return replace(self, status="failed", message=str(outcome.message))
        return replace(self, status="done", values=outcome[:m], constraints=outcome[m:])


Outcome: TypeAlias = tuple[float, ...] | Failed


def read_outcomes(values: object, k: int, m: int, c: int = 0) -> list[Outcome]:
    """Read what `tell` was given for k trials: m objectives and c constraints, or failures.

    A row is m + c numbers, or a pair of m and c numbers. One with NaN or infinity is a failure.

    Raises
    ------
    ValueError
        When there are not k entries, or one is neither a failure nor such a row.
    """
    wanted = f"{m} numbers" if c == 0 else f"{m} objectives and {c} constraints"
    try:
        entries = list(values)  # type: ignore[call-overload]
    except TypeError:
        raise ValueError(f"values is {values!r}, wanted {k} rows of {wanted} or FAILED") from None
    if len(entries) != k:
        raise ValueError(f"values has {len(entries)} entries but there are {k} trials")
    return [
        v if isinstance(v, Failed) else _read_row(v, f"values[{i}]", m, c)
        for i, v in enumerate(entries)
    ]


def _read_row(value: Any, name: str, m: int, c: int) -> Outcome:
    wanted = f"{m} numbers" if c == 0 else f"{m} objectives and {c} constraints"
    given = value
    try:
        paired = c > 0 and isinstance(value, (tuple, list)) and len(value) == 2
        if paired and any(map(np.ndim, value)):
            objectives, constraints = (np.array(v, dtype=np.float64, ndmin=1) for v in value)
            if objectives.shape == (m,) and constraints.shape == (c,):
                value = np.concatenate([objectives, constraints])
        row = np.asarray(value, dtype=np.float64)
        numeric = _numeric(given)
    except Exception:  # whatever the conversion of somebody's object raises
        raise ValueError(f"{name} is {_shown(value)}, wanted {wanted} or FAILED") from None
    if row.shape != (m + c,):
        listed = f": {wanted}" if c else ""
        raise ValueError(f"{name} has shape {row.shape}, wanted ({m + c},){listed}")
    if not numeric:
        raise ValueError(f"{name} is {_shown(value)}, wanted {wanted} or FAILED")
    numbers = tuple(row.tolist())
    if not np.isfinite(row).all():
        return Failed(f"values are not finite: {numbers}")
    return numbers


def _numeric(value: Any) -> bool:
    """Tell whether a row is of real numbers: texts, dates and complex ones turn into floats too."""
    if isinstance(value, (list, tuple)):
        return all(type(v) is float or _numeric(v) for v in value)
    given = np.asarray(value)
    if given.dtype.kind == "O" and given.ndim:
        return _numeric(given.tolist())
    return given.dtype.kind in "biufO" and not np.ma.is_masked(value)


def _shown(value: Any) -> str:
    """Return `repr`, cut where it is long; it may fail, as for numbers of thousands of digits."""
    try:
        text = repr(value)
    except Exception:
        return f"of type {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
