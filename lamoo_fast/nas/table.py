"""Problems whose every answer is already in a table: benchmarks of measured architectures."""

from __future__ import annotations

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import filter_dominated, hypervolume
from lamoo_fast.nas.problem import Config, Direction, Objective, Problem, nearest
from lamoo_fast.search.space import Categorical, Listed, Param, Space

Floats = npt.NDArray[np.float64]
_WHOLE = re.compile("0|-?[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class _Rows:
    """Finds the row of a configuration."""

    names: tuple[str, ...]
    index: dict[tuple[Any, ...], int]

    def find(self, config: Config) -> int | None:
        return self.index.get(tuple(config[name] for name in self.names))


@dataclass(frozen=True)
class _LookUp:
    """Evaluation of a configuration: read its row."""

    rows: _Rows
    values: Floats

    def __call__(self, config: Config) -> tuple[float, ...]:
        row = self.rows.find(config)
        if row is None:
            raise ValueError(f"the table has no row for {config}")
        return tuple(self.values[row].tolist())


class Table(Problem):
    """A problem that is answered by a complete table of configurations and values.

    Parameters
    ----------
    name : str
        How reports call it.
    configs : sequence of dict
        The configurations, all with the same keys, none twice.
    objectives : sequence of Objective
        The quantities in the columns of `values`.
    values : (n, m) array of float
        One row per configuration, finite, in the objectives' own units.
    space : Space, optional
        Defaults to the categories found in each parameter, in sorted order; combinations
        without a row are invalid.
    ref : sequence of float, optional
        Reference point. Defaults to the worst value of each column, which is the same for every
        search of the table.
    default, loader
        As in `Problem`.

    Raises
    ------
    ValueError
        If the table is empty, a configuration repeats, or a value is not finite.

    Examples
    --------
    >>> table = Table("pairs", [{"a": 0, "b": 0}, {"a": 1, "b": 0}, {"a": 1, "b": 1}],
    ...               [Objective("loss", "minimize"), Objective("gain", "maximize")],
    ...               [[1.0, 2.0], [2.0, 3.0], [2.5, 1.0]])
    >>> table.space.size
    3
    >>> table.true_front().tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    >>> table.hypervolume()  # against the worst values, (2.5, 1)
    2.0
    """

    def __init__(
        self,
        name: str,
        configs: Sequence[Config],
        objectives: Sequence[Objective],
        values: npt.ArrayLike,
        *,
        space: Space | None = None,
        ref: Sequence[float] | None = None,
        default: Sequence[str] | None = None,
        loader: tuple[Any, ...] | None = None,
    ) -> None:
        F = np.array(values, dtype=np.float64)
        if not len(configs):
            raise ValueError(f"table {name!r} has no rows; wanted at least 1")
        if F.shape != (len(configs), len(objectives)):
            raise ValueError(
                f"table {name!r} has values of shape {F.shape}; "
                f"wanted {(len(configs), len(objectives))}"
            )
        if not np.isfinite(F).all():
            row, column = np.argwhere(~np.isfinite(F))[0]
            raise ValueError(
                f"table {name!r} has {F[row, column]} for {objectives[column].name!r} "
                f"in row {row}; wanted a finite number"
            )
        F.flags.writeable = False
        self.values = F
        self.configs = list(configs)
        names = tuple(configs[0])
        rows = _Rows(names, {tuple(c[n] for n in names): i for i, c in enumerate(configs)})
        if len(rows.index) != len(configs):
            raise ValueError(
                f"table {name!r} has {len(configs)} rows but only {len(rows.index)} distinct "
                "configurations"
            )
        super().__init__(
            name,
            _inferred(rows, configs) if space is None else space,
            objectives,
            _LookUp(rows, F),
            ref=worst(F, objectives).tolist() if ref is None else ref,
            default=default,
            loader=loader,
        )

    @classmethod
    def read(
        cls,
        path: str | Path,
        parameters: Sequence[str],
        objectives: Mapping[str, Direction] | Sequence[Objective],
        *,
        name: str | None = None,
        space: Space | None = None,
        ref: Sequence[float] | None = None,
        default: Sequence[str] | None = None,
        drop_incomplete: bool = False,
        average_repeats: bool = False,
    ) -> Table:
        """Read a table with declared columns from a file.

        Parameters
        ----------
        path : path
            ``.csv`` or ``.csv.gz`` (header line, commas, UTF-8), or ``.parquet`` (needs pyarrow).
        parameters : sequence of str
            Columns that identify a configuration. A column whose every field is a whole number
            becomes int, a number float, anything else stays text ("007" is text).
        objectives : mapping of str to direction, or sequence of Objective
            Columns with the values.
        name : str, optional
            Defaults to the file's name without endings.
        space : Space, optional
            As in `Table`, with the parameters named above. Fields are then the values whose text
            they are: "1" is the choice "1" or 1, whichever the space has, and "None" may be one.
        ref, default
            As in `Table`.
        drop_incomplete : bool
            Leave out rows with an empty or NaN field in a declared column; otherwise an error.
        average_repeats : bool
            Average the values of rows with the same parameters; otherwise an error.

        Raises
        ------
        ValueError
            If the parameters are not those of the space, a column is missing, a field cannot be
            read or is not in the space, a row is incomplete or repeated.
        OSError
            If the file cannot be read.
        """
        path = Path(path)
        if not parameters:
            raise ValueError("parameters is empty; wanted at least one column")
        if space is not None and set(parameters) != set(space.params):
            raise ValueError(f"parameters are {list(parameters)}, wanted {list(space.params)}")
        if isinstance(objectives, Mapping):
            objectives = [Objective(column, way) for column, way in objectives.items()]
        wanted = [*parameters, *(o.name for o in objectives)]
        d = len(parameters)
        filled = 0 if space is None else d  # of a parameter of a space, anything may be a choice
        lines = []
        for line, fields in _records(path, wanted):
            absent = [
                c for c, f in zip(wanted[filled:], fields[filled:], strict=True) if _is_missing(f)
            ]
            if not absent:
                lines.append((line, fields))
            elif not drop_incomplete:
                raise ValueError(
                    f"{path.name} line {line} has no {absent[0]!r}; "
                    "fill it or leave such rows out with drop_incomplete=True"
                )
        F = np.array([_numbers(path, line, wanted[d:], fields[d:]) for line, fields in lines])
        columns = [
            _typed([fields[j] for _, fields in lines])
            if space is None
            else _values(
                path, parameter, space.params[parameter], [(line, f[j]) for line, f in lines]
            )
            for j, parameter in enumerate(parameters)
        ]
        groups: dict[tuple[Any, ...], list[int]] = {}
        for row, key in enumerate(zip(*columns, strict=True)):
            groups.setdefault(key, []).append(row)
        for key, rows in groups.items():
            if len(rows) > 1 and not average_repeats:
                raise ValueError(
                    f"{path.name} lines {lines[rows[0]][0]} and {lines[rows[1]][0]} have the same "
                    f"parameters {key}; average such rows with average_repeats=True"
                )
        return cls(
            path.name.split(".")[0] if name is None else name,
            [dict(zip(parameters, key, strict=True)) for key in groups],
            objectives,
            [F[rows].mean(axis=0) for rows in groups.values()],
            space=space,
            ref=ref,
            default=default,
        )

    def true_front(self) -> Floats:
        """Return the table's non-dominated values, distinct, ordered by the first objective.

        Returns
        -------
        front : (k, m) array
            In the objectives' own units.
        """
        front: Floats = filter_dominated(self.values, maximise=self._maximise)
        return np.unique(front, axis=0)

    def hypervolume(self, ref: Sequence[float] | None = None) -> float:
        """Hypervolume of the whole table, the most that a search can reach.

        Parameters
        ----------
        ref : sequence of float, optional
            Defaults to the problem's reference point.
        """
        point = self.ref if ref is None else tuple(ref)
        return hypervolume(self.true_front(), point or (), maximise=self._maximise)

    @property
    def _maximise(self) -> list[bool]:
        return [o.direction == "maximize" for o in self.objectives]

    def _narrow(self, columns: list[int]) -> Table:
        narrow = object.__new__(Table)
        narrow.__dict__.update(vars(super()._narrow(columns)))
        narrow.configs = self.configs
        narrow.values = self.values[:, columns]
        narrow.values.flags.writeable = False
        return narrow


def worst(F: Floats, objectives: Sequence[Objective]) -> Floats:
    """Worst value of each column of `F (n, m)`: the lowest if maximised, else the highest."""
    maximised = np.array([o.direction == "maximize" for o in objectives])
    worst: Floats = np.where(maximised, F.min(axis=0), F.max(axis=0))
    return worst


def _inferred(rows: _Rows, configs: Sequence[Config]) -> Space:
    """Space of the categories in each parameter; masked unless every combination has a row."""
    columns = zip(*rows.index, strict=True)
    choices = {
        name: _ordered(set(column)) for name, column in zip(rows.names, columns, strict=True)
    }
    complete = math.prod(len(c) for c in choices.values()) == len(rows.index)
    params = {name: Categorical(values) for name, values in choices.items()}
    return Space(params, valid=None if complete else Listed(configs))


def _ordered(values: set[Any]) -> list[Any]:
    numbers = all(isinstance(v, (int, float)) for v in values)
    return sorted(values) if numbers else sorted(values, key=lambda v: (str(v), str(type(v))))


def _records(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    """Line numbers and the fields of the wanted columns."""
    if path.suffix == ".parquet":
        yield from _parquet_records(path, wanted)
        return
    with _open(path) as file:
        reader = csv.reader(file)
        names = next(_readable(path, reader), [])
        columns = [_column(path, names, name) for name in wanted]
        for fields in _readable(path, reader):
            if len(fields) != len(names):
                raise ValueError(
                    f"{path.name} line {reader.line_num} has {len(fields)} fields; "
                    f"wanted {len(names)} as in the header"
                )
            yield reader.line_num, [fields[c] for c in columns]


def _readable(path: Path, reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except (EOFError, csv.Error, zlib.error, UnicodeDecodeError) as error:  # cut off or damaged
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def header(path: Path) -> list[str]:
    """Column names of a CSV file."""
    with _open(path) as file:
        return next(_readable(path, csv.reader(file)), [])


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast(TextIO, gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return open(path, encoding="utf-8-sig", newline="")


def _parquet_records(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
    try:
        from pyarrow import parquet  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ValueError(f"{path.name} is a parquet file; install pyarrow to read it") from None
    names = parquet.read_schema(path).names
    for name in wanted:
        _column(path, names, name)
    columns = parquet.read_table(path, columns=list(wanted)).to_pydict()
    for row, fields in enumerate(zip(*(columns[name] for name in wanted), strict=True)):
        yield row + 1, list(fields)


def _column(path: Path, names: Sequence[str], name: str) -> int:
    if name not in names:
        raise ValueError(f"{path.name} has no column {name!r}{nearest(name, names)}")
    return names.index(name)


def _numbers(path: Path, line: int, names: Sequence[str], fields: Sequence[Any]) -> list[float]:
    numbers = []
    for name, field in zip(names, fields, strict=True):
        try:
            numbers.append(float(field))
        except ValueError:
            raise ValueError(
                f"{path.name} line {line} has {name!r} = {field!r}; wanted a number"
            ) from None
    return numbers


def _is_missing(field: Any) -> bool:
    if isinstance(field, str):
        return field.strip().lower() in ("", "nan")
    return field is None or field != field


def _values(path: Path, name: str, param: Param, fields: list[tuple[int, Any]]) -> list[Any]:
    """Values of a parameter that texts at lines of a file stand for."""
    choices = param.choices if isinstance(param, Categorical) else ()
    by_text = {text_of(choice): choice for choice in choices}
    if len(by_text) < len(choices):
        raise ValueError(f"{name!r} has choices {choices}, of which some look alike in a file")
    values: list[Any] = []
    for line, field in fields:
        try:
            values.append(
                param.check(by_text.get(text_of(field), field) if choices else _number(field))
            )
        except ValueError as error:
            raise ValueError(f"{path.name} line {line}: {name!r} is {error}") from None
    return values


def text_of(value: object) -> str:
    """Text of a value in a CSV file."""
    return "" if value is None else str(value)


def _number(field: Any) -> Any:
    """Return the number that a text stands for, or the field."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(field) if isinstance(field, str) else field
    return field


def _typed(fields: list[Any]) -> list[Any]:
    """Text columns of numbers become numbers, if nothing is lost."""
    if not all(isinstance(field, str) for field in fields):
        return fields  # parquet columns have their types already
    if all(_WHOLE.fullmatch(field) for field in fields):
        return [int(field) for field in fields]
    try:
        numbers = [float(field) for field in fields]
    except ValueError:
        return fields
    plain = all("." in field or "e" in field.lower() for field in fields)
    return numbers if plain and all(map(math.isfinite, numbers)) else fields
