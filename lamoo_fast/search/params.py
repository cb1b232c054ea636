"""Parameters of a search space: one value on one side, a number in [0, 1] on the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Scalar: TypeAlias = str | int | float | bool | None

_MAX_CODES = 2**52  # beyond this, neighbouring cell centres are no longer distinct numbers
_MAX_LOG = 2**44  # the same on a logarithmic scale, where the cells of large values are narrow


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


@dataclass(frozen=True)
class Float:
    """A real number in [low, high], on a linear or a logarithmic scale.

    Raises
    ------
    ValueError
        When the bounds are not finite or not in order, or ``log`` and ``low <= 0``.

    Examples
    --------
    >>> Float(1e-4, 1e-1, log=True).from_unit(np.array([0.0, 1.0]))
    [0.0001, 0.1]
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (_is_number(self.low) and _is_number(self.high)):
            raise ValueError(f"Float bounds are {self.low!r} and {self.high!r}, wanted numbers")
        try:
            object.__setattr__(self, "low", float(self.low))
            object.__setattr__(self, "high", float(self.high))
        except OverflowError:
            raise ValueError("Float bounds are integers beyond the range of floats") from None
        # The difference is checked too: low=-1e308, high=1e308 has no width in float64.
        if not (self.low < self.high and math.isfinite(self.high - self.low)):
            raise ValueError(f"Float({self.low}, {self.high}): wanted finite bounds, low < high")
        if self.log and self.low <= 0:
            raise ValueError(f"Float({self.low}, {self.high}, log=True): wanted low > 0")

    @property
    def n_codes(self) -> int | None:
        """Number of different values; None, since a float is not discrete."""
        return None

    def check(self, value: object) -> float:
        """Return the value as a plain float, or raise ValueError."""
        if not _is_number(value) or not self.low <= value <= self.high:  # type: ignore[operator]
            raise ValueError(f"{value!r}, wanted a number in [{self.low}, {self.high}]")
        return float(value)  # type: ignore[arg-type]

    def to_unit(self, values: Sequence[float]) -> Array:
        """Map checked values to [0, 1]."""
        low, high, v = self.low, self.high, np.asarray(values, dtype=np.float64)
        if self.log:
            low, high, v = math.log(low), math.log(high), np.log(v)
        return np.clip((v - low) / (high - low), 0.0, 1.0)

    def from_unit(self, u: Array) -> list[float]:
        """Map numbers in [0, 1] to values."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            v = np.exp(low + u * (high - low))
        else:
            v = self.low + u * (self.high - self.low)
        # Rounding must neither leave the range nor miss its ends.
        v = np.clip(v, self.low, self.high)
        v[u <= 0], v[u >= 1] = self.low, self.high
        return v.tolist()  # type: ignore[no-any-return]

    def snap(self, u: Array) -> Array:
        """Return u itself: every real number is a value."""
        return u


@dataclass(frozen=True)
class Integer:
    """A whole number in [low, high], on a linear or a logarithmic scale.

    On the linear scale every value has an equal share of [0, 1]; on the logarithmic scale the
    share of v is that of [v - 1/2, v + 1/2].

    Raises
    ------
    ValueError
        When the bounds are not whole, not in order or beyond 2**51 (2**44 with ``log``), or
        ``log`` and ``low < 1``.

    Examples
    --------
    >>> Integer(2, 5).from_unit(np.array([0.0, 0.3, 1.0]))
    [2, 3, 5]
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if not _is_number(bound) or not bound - bound == 0 or bound != int(bound):
                raise ValueError(f"Integer({self.low}, {self.high}): wanted whole numbers")
        object.__setattr__(self, "low", int(self.low))
        object.__setattr__(self, "high", int(self.high))
        if not self.low <= self.high or max(abs(self.low), abs(self.high)) > _MAX_CODES // 2:
            raise ValueError(
                f"Integer({self.low}, {self.high}): wanted low <= high, both within 2**51"
            )
        if self.log and self.low < 1:
            raise ValueError(f"Integer({self.low}, {self.high}, log=True): wanted low >= 1")
        if self.log and self.high > _MAX_LOG:
            raise ValueError(
                f"Integer({self.low}, {self.high}, log=True): wanted high within 2**44"
            )

    @property
    def n_codes(self) -> int:
        """Number of different values."""
        return self.high - self.low + 1

    def check(self, value: object) -> int:
        """Return the value as a plain int, or raise ValueError."""
        whole = _is_number(value) and self.low <= value <= self.high  # type: ignore[operator]
        if not whole or value != int(value):  # type: ignore[call-overload]
            raise ValueError(f"{value!r}, wanted an integer in [{self.low}, {self.high}]")
        return int(value)  # type: ignore[call-overload, no-any-return]

    def to_unit(self, values: Sequence[int]) -> Array:
        """Map checked values to the centres of their cells in [0, 1]."""
        v = np.asarray(values, dtype=np.float64)
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return (np.log(v) - low) / (high - low)
        return (v - self.low + 0.5) / self.n_codes

    def from_unit(self, u: Array) -> list[int]:
        """Map numbers in [0, 1] to values."""
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            v = np.rint(np.exp(low + u * (high - low)))
        else:
            v = self.low + np.floor(u * self.n_codes)
        return np.clip(v, self.low, self.high).astype(np.int64).tolist()  # type: ignore[no-any-return]

    def snap(self, u: Array) -> Array:
        """Move numbers in [0, 1] to the centres of their cells."""
        return self.to_unit(self.from_unit(u))


@dataclass(frozen=True)
class Categorical:
    """One of several unordered choices: strings, numbers, booleans or None.

    Raises
    ------
    ValueError
        When there are no choices, two of them are equal, or one is of another type.

    Examples
    --------
    >>> Categorical(["none", "skip"]).from_unit(np.array([0.2, 0.7]))
    ['none', 'skip']
    """

    choices: tuple[Scalar, ...]

    def __init__(self, choices: Iterable[Scalar]) -> None:
        if isinstance(choices, str):
            raise ValueError(f"choices is the string {choices!r}, wanted a list of choices")
        object.__setattr__(self, "choices", tuple(choices))
        for c in self.choices:
            if not isinstance(c, (str, int, float, type(None))) or c != c:
                raise ValueError(f"choice {c!r}: wanted a string, number, boolean or None")
        if not self.choices:
            raise ValueError("Categorical has no choices")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError(f"Categorical has equal choices: {list(self.choices)}")

    @property
    def n_codes(self) -> int:
        """Number of choices."""
        return len(self.choices)

    def check(self, value: object) -> Scalar:
        """Return the choice that equals the value, or raise ValueError."""
        for choice in self.choices:
            if choice == value:
                return choice
        raise ValueError(f"{value!r}, wanted one of {list(self.choices)}")

    def codes(self, u: Array) -> npt.NDArray[np.intp]:
        """Map numbers in [0, 1] to positions in `choices`."""
        return np.minimum((u * self.n_codes).astype(np.intp), self.n_codes - 1)

    def to_unit(self, values: Sequence[Scalar]) -> Array:
        """Map checked values to the centres of their cells in [0, 1]."""
        code = {choice: i for i, choice in enumerate(self.choices)}
        return (np.array([code[v] for v in values], dtype=np.float64) + 0.5) / self.n_codes

    def from_unit(self, u: Array) -> list[Scalar]:
        """Map numbers in [0, 1] to choices."""
        return [self.choices[i] for i in self.codes(u)]

    def snap(self, u: Array) -> Array:
        """Move numbers in [0, 1] to the centres of their cells."""
        return (self.codes(u) + 0.5) / self.n_codes


Param: TypeAlias = Float | Integer | Categorical
PARAM_TYPES: dict[str, Callable[..., Param]] = {
    "Float": Float,
    "Integer": Integer,
    "Categorical": Categorical,
}
