"""Trials: what the search proposes and what it is told back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.space import Array, Config

Status: TypeAlias = Literal["pending", "done", "failed"]


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

    def __post_init__(self) -> None:
        self.x.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """Describe the trial in JSON types; x is left out, the configuration determines it."""
        return {
            "id": self.id,
            "config": dict(self.config),
            "values": None if self.values is None else list(self.values),
            "status": self.status,
            "message": self.message,
            "relaxed": self.relaxed,
        }

    def restored(self, saved: Mapping[str, Any], m: int) -> Trial:
        """Return this trial with the outcome that `to_dict` wrote down, for m objectives."""
        status, values = saved["status"], saved["values"]
        if status not in ("pending", "done", "failed") or (values is None) == (status == "done"):
            raise ValueError(f"trial {self.id} has status {status!r} and values {values!r}")
        if values is not None:
            values = read_outcomes([values], 1, m)[0]
            if isinstance(values, Failed):
                raise ValueError(f"trial {self.id}: {values.message}")
        return replace(
            self,
            values=values,
            status=status,
            message=str(saved["message"]),
            relaxed=int(saved["relaxed"]),
        )


Outcome: TypeAlias = tuple[float, ...] | Failed


def read_outcomes(values: object, k: int, m: int) -> list[Outcome]:
    """Read what `tell` was given for k trials: rows of m numbers, or failures.

    Rows with NaN or infinity count as failed.

    Raises
    ------
    ValueError
        When there are not k entries, or one is neither a failure nor m numbers.
    """
    try:
        entries = list(values)  # type: ignore[call-overload]
    except TypeError:
        wanted = f"{k} rows of {m} numbers or FAILED"
        raise ValueError(f"values is {values!r}, wanted {wanted}") from None
    if len(entries) != k:
        raise ValueError(f"values has {len(entries)} entries but there are {k} trials")
    return [v if isinstance(v, Failed) else _read_row(v, i, m) for i, v in enumerate(entries)]


def _read_row(value: npt.ArrayLike, i: int, m: int) -> Outcome:
    try:
        row = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is PyTorch's
        raise ValueError(f"values[{i}] is {value!r}, wanted {m} numbers or FAILED") from None
    if row.shape != (m,):
        raise ValueError(f"values[{i}] has shape {row.shape}, wanted ({m},)")
    numbers = tuple(row.tolist())
    if not np.isfinite(row).all():
        return Failed(f"values are not finite: {numbers}")
    return numbers
