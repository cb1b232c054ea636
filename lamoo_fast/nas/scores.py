"""Cheap values of architectures in CSV files: computed once, hints of any number of searches."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lamoo_fast.nas.problem import Config, Objective, nearest
from lamoo_fast.nas.spaces.families import family_of
from lamoo_fast.nas.table import Table, header, text_of
from lamoo_fast.search.space import Space

__all__ = ["Scores", "digests", "file_digest", "is_file", "located", "write_scores"]

_ENDING = ".csv"
_LEAST, _LEARNED = 20, 2000  # rows that others are predicted from
_log = logging.getLogger(__name__)


def is_file(source: str) -> bool:
    """Tell whether hints are a file of scores, as "FILE.csv" or "FILE.csv:COLUMN", not a name."""
    return source.endswith(_ENDING) or f"{_ENDING}:" in source


def located(source: str) -> str:
    """Return such a source with the whole path, so that it holds wherever it is read."""
    return str(Path(source).absolute()) if is_file(source) else source


def digests(sources: Iterable[str]) -> dict[str, str]:
    """Hash what the files hold that are among such sources, by their paths."""
    paths = [_parted(source)[0] for source in sources if is_file(source)]
    return {str(path): file_digest(path) for path in paths}


def file_digest(path: Path) -> str:
    """Hash what a file holds."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _parted(source: str) -> tuple[Path, str]:
    """File and column of a source; an empty column stands for all."""
    path, _, column = source.rpartition(":") if f"{_ENDING}:" in source else (source, "", "")
    return Path(path), column


class Scores:
    """Hints from a file: a row of scores for each configuration.

    Parameters
    ----------
    source : str
        "FILE.csv", or "FILE.csv:COLUMN" for one of its scores. A column for each parameter of the
        space; all others are scores. Rows without one of them, or with NaN, count for nothing.
    space : Space
        What is searched. Scores of configurations that the file lacks are predicted from those it
        has (`Learned`); a warning tells the error.

    Raises
    ------
    ValueError
        If a parameter or the chosen column is missing, there is no score, a field is wrong, or
        there are too few rows to predict others.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from lamoo_fast.search.space import Categorical
    >>> space = Space({"op": Categorical(["skip", "conv"])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "scores.csv"
    ...     _ = write_scores(path, space.params, [{"op": "skip"}, {"op": "conv"}],
    ...                      ["size"], lambda configs: [[len(c["op"])] for c in configs])
    ...     scores = Scores(str(path), space)
    >>> scores([{"op": "conv"}])
    [(4.0,)]
    """

    def __init__(self, source: str, space: Space) -> None:
        file, column = _parted(source)
        found = [name for name in header(file) if name not in space.params]
        if column and column not in found:
            raise ValueError(f"{file.name} has no score {column!r}{nearest(column, found)}")
        self.names = [column] if column else found
        if not self.names:
            raise ValueError(f"{file.name} has no scores, only {list(space.params)}")
        scores = [Objective(name, "maximize") for name in self.names]  # no direction is used
        self._table = Table.read(
            file, list(space.params), scores, space=space, drop_incomplete=True
        )
        self._space = space
        rows = map(tuple, self._table.values.tolist())
        self._known = dict(zip(space.keys(space.encode(self._table.configs)), rows, strict=True))
        self._learned: list[Callable[[Sequence[Config]], npt.NDArray[np.float64]]] = []
        if not space.is_enumerable or len(self._known) < len(space.enumerate()):
            self._learn(file.name)

    def __call__(self, configs: Sequence[Config]) -> list[tuple[float, ...]]:
        """Scores of configurations."""
        keys = self._space.keys(self._space.encode(configs))
        unknown = [c for c, key in zip(configs, keys, strict=True) if key not in self._known]
        predicted = iter(zip(*(one(unknown).tolist() for one in self._learned), strict=True))
        return [self._known[key] if key in self._known else next(predicted) for key in keys]

    def _learn(self, name: str) -> None:
        """Learn to predict each score from the rows of the file, at most `_LEARNED` of them."""
        # Here, since they bring SciPy in, which `import lamoo_fast` is to do without.
        from lamoo_fast.nas.evaluators.encodings import features_of
        from lamoo_fast.nas.evaluators.learned import Learned

        configs, values = self._table.configs, self._table.values
        if len(configs) < _LEAST:
            raise ValueError(
                f"{name} has scores of {len(configs)} configurations, not of all; wanted at least "
                f"{_LEAST}, to predict those of the others"
            )
        rows = np.sort(np.random.default_rng(0).permutation(len(configs))[:_LEARNED])
        some = [configs[i] for i in rows]
        encode = features_of(family_of(self._space))
        for score, column in zip(self.names, values[rows].T, strict=True):
            learned = Learned(self._space, some, column, encode)
            self._learned.append(learned)
            _log.warning(
                "%s has %d configurations; %s of the others is predicted: %s",
                name, len(configs), score, learned.error,
            )  # fmt: skip

    def rows(self) -> tuple[list[Config], list[list[float]]]:
        """All configurations of the file and their scores."""
        return self._table.configs, self._table.values.tolist()


def write_scores(
    path: Path,
    parameters: Collection[str],
    configs: Sequence[Config],
    names: Sequence[str],
    score: Callable[[Sequence[Config]], Sequence[Sequence[float]]],
    *,
    batch: int = 64,
    count: Callable[[int], object] = lambda n: None,
) -> int:
    """Write the scores of configurations to a file, or go on where it ends.

    Parameters
    ----------
    path : Path
        Of a CSV file. What is in it is kept, but for a row that was cut off.
    parameters : collection of str
        Columns with the configurations.
    configs : sequence of dict
        In the order of the rows; at least one.
    names : sequence of str
        Columns with the scores.
    score : callable
        Takes some configurations and returns a row of scores for each.
    batch : int
        How many are scored at once, and then written.
    count : callable
        Told the number of rows whenever some are done, those that were there first.

    Returns
    -------
    int
        Number of rows that were there.

    Raises
    ------
    ValueError
        If the file has other columns, or other configurations.
    """
    columns = [*parameters, *names]
    there = _kept(path, columns, [[text_of(config[p]) for p in parameters] for config in configs])
    count(there)
    with path.open("a", encoding="utf-8", newline="") as file:
        if not file.tell():
            file.write(_line(columns))
        for first in range(there, len(configs), batch):
            some = configs[first : first + batch]
            for config, row in zip(some, score(some), strict=True):
                file.write(_line([*(config[p] for p in parameters), *row]))
            file.flush()
            count(len(some))
    return there


def _kept(path: Path, columns: list[str], keys: list[list[str]]) -> int:
    """Cut off what is no whole row of a file; number of the rows before."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    try:
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is damaged: {error}; move it away") from None
    if not rows and not _line(columns).encode().startswith(content):  # not ours, and would be lost
        raise ValueError(f"{path} begins with {content[:40]!r}, wanted {columns}; move it away")
    if rows and rows[0] != columns:
        raise ValueError(f"{path} has columns {rows[0]}, wanted {columns}; move it away")
    for number, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(
                f"{path} row {number} has {len(row)} fields, wanted {len(columns)}; move it away"
            )
    there = [row[: len(keys[0])] for row in rows[1:]]
    if there != keys[: len(there)]:
        raise ValueError(
            f"{path} has rows of other architectures, or in another order; move it away"
        )
    if whole != content:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return len(there)


def _line(fields: Sequence[object]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow(fields)
    return out.getvalue()
