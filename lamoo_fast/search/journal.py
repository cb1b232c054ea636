"""The journal of a study: one JSON line per event, on disk before the study goes on.

``journal.jsonl`` is only ever appended to::

    {"journal": 1, ..., "search": {...}}               header: what is searched and how
    {"ask": [{"id", "config", "relaxed"}, ...],         trials proposed,
     "rng": {...}, "ref": [...]}                        and the search's state right after
    {"tell": 7, "values": [...], "seconds": 0.1}        a trial that is done, "constraints": [...]
                                                        in it where there are any
    {"tell": 8, "failed": "why", "seconds": 0.1}        a trial that failed
    {"run": {"budget": 300, ...}}                       settings changed by a later run

Lines are flushed to the disk, those of trials that are told together at once, so that what was told
survives the death of the process at any moment.
A last line without its end is what such a death leaves behind; it is cut off when the journal is
opened again. All other damage is an error.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any
from weakref import WeakValueDictionary

from lamoo_fast.search.lamoo import LaMOO
from lamoo_fast.search.trial import Trial

FORMAT = 1
FILE = "journal.jsonl"
_NO_OUTCOME: dict[str, Any] = {
    "values": None,
    "constraints": [],
    "status": "pending",
    "message": "",
}
_LOG = logging.getLogger(__name__)
# Those of this process by file: the system's locks stop other processes only.
_OPEN: WeakValueDictionary[Path, Journal] = WeakValueDictionary()


class Journal:
    """Append-only record of a study in a folder. Made by `create` and `open`.

    Attributes
    ----------
    path : Path
        The file.
    header : dict
        The first line.
    run : dict
        Settings of the latest run: those of the header, updated by later ``run`` lines.
    n_told : int
        Number of recorded outcomes.
    recovered : str
        What was cut off when the journal was opened; empty if nothing.

    Notes
    -----
    The file is locked while open: whoever opens it a second time gets an error. Lines that could
    not be written leave nothing behind, at the latest when the next ones are written: a disk that
    is full or read-only for a while does no harm.

    Examples
    --------
    >>> import tempfile
    >>> from lamoo_fast.search.space import Float, Space
    >>> space, folder = Space({"x": Float(0, 1)}), tempfile.mkdtemp()
    >>> opt = LaMOO(space, ["minimize"], seed=0)
    >>> with Journal.create(folder, opt) as journal:
    ...     journal.asked(opt.ask(2), opt)
    ...     journal.told(opt.tell([0], [[0.5]]), seconds=[0.1])
    >>> again = LaMOO(space, ["minimize"], seed=0)
    >>> with Journal.open(folder) as journal:
    ...     again.load_state_dict(journal.state())
    >>> again.state_dict() == opt.state_dict()
    True
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._file = path.resolve()
        self.header: dict[str, Any] = {}
        self.run: dict[str, Any] = {}
        self.n_told = 0
        self.recovered = ""
        self._descriptor = descriptor
        self._whole: int | None = None  # bytes to keep, where a line could not be written
        self._trials: dict[int, dict[str, Any]] = {}
        self._after_ask: dict[str, Any] = {}

    @classmethod
    def create(
        cls,
        folder: str | Path,
        opt: LaMOO,
        *,
        run: Mapping[str, Any] | None = None,
        **about: Any,
    ) -> Journal:
        """Begin a journal in a new or empty folder.

        Parameters
        ----------
        folder : path
            Made if it does not exist.
        opt : LaMOO
            The search; its trials so far are recorded.
        run : mapping, optional
            Settings of the run in JSON types, for `resume`.
        **about
            More for the header in JSON types, such as the problem's name.

        Raises
        ------
        ValueError
            If the folder holds a study or anything else, or is in use.
        OSError
            If the folder or the file cannot be made, written or locked.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(entry.name for entry in folder.iterdir() if entry.name != FILE)
        if others and not (folder / FILE).exists():
            raise ValueError(
                f"{folder} is not empty ({others[0]} is in it) and holds no study; "
                "use a new or empty folder"
            )
        journal = cls._locked(folder / FILE, os.O_CREAT)
        try:
            # A file without one whole line is what is left of a study that never began.
            if b"\n" in journal._content():
                raise ValueError(
                    f"{folder} already holds a study; resume it or choose a new folder"
                )
            os.ftruncate(journal._descriptor, 0)
            search = {key: part for key, part in opt.state_dict().items() if key != "trials"}
            journal.run = dict(run or {})
            journal.header = {
                "journal": FORMAT,
                "package": version("lamoo_fast"),
                "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                **about,
                "run": journal.run,
                "search": search,
            }
            journal._append(journal.header)
            journal.catch_up(opt)
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def open(cls, folder: str | Path) -> Journal:
        """Open the journal of a folder, to read it and to go on.

        Raises
        ------
        ValueError
            If there is no journal, it is in use, or it is damaged anywhere but in an unfinished
            last line.
        OSError
            If the file cannot be written or locked; `read` needs neither.
        """
        journal = cls._locked(_existing(folder), 0)
        try:
            journal._read()
        except BaseException:
            journal.close()
            raise
        return journal

    @classmethod
    def read(cls, folder: str | Path) -> Journal:
        """Read the journal of a folder, which another process may be writing; nothing is changed.

        The journal comes back closed: `header`, `run` and `state` tell what was in it. A process
        that has the same journal open itself would lose its lock by this.

        Raises
        ------
        ValueError
            If there is no journal, or it is damaged anywhere but in an unfinished last line.
        """
        path = _existing(folder)
        binary = getattr(os, "O_BINARY", 0)
        with cls(path, os.open(path, os.O_RDONLY | binary)) as journal:
            journal._read(repair=False)
        return journal

    @classmethod
    def _locked(cls, path: Path, flags: int) -> Journal:
        if path.resolve() in _OPEN:  # opening and closing it here would give up the lock
            raise ValueError(f"{path.parent} is in use by this process: close its journal first")
        binary = getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | flags | binary, 0o644)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise ValueError(f"{path.parent} is in use by another process") from None
            error.filename = str(path)  # on a disk without locks
            raise
        journal = cls(path, descriptor)
        _OPEN[journal._file] = journal
        return journal

    def state(self) -> dict[str, Any]:
        """State of the search after the last line, for `LaMOO.load_state_dict`."""
        trials = [trial for _, trial in sorted(self._trials.items())]
        return {**self.header["search"], **self._after_ask, "trials": trials}

    def asked(self, trials: Sequence[Trial], opt: LaMOO) -> None:
        """Record proposed trials, with the state of `opt` right after its `ask`."""
        listed = [{"id": t.id, "config": t.config, "relaxed": t.relaxed} for t in trials]
        self._append({"ask": listed, "rng": opt.rng_state, "ref": opt.ref})

    def told(self, trials: Sequence[Trial], seconds: Sequence[float | None] | None = None) -> None:
        """Record how trials went and how long each took, with one flush for all of them."""
        entries = []
        for trial, spent in zip(trials, seconds or [None] * len(trials), strict=True):
            came: dict[str, Any] = {"failed": trial.message}
            if trial.status == "done":
                came = {"values": trial.values}
                if trial.constraints:
                    came["constraints"] = trial.constraints
            entries.append({"tell": trial.id, **came, "seconds": spent})
        if entries:
            self._append(*entries)

    def catch_up(self, opt: LaMOO) -> None:
        """Record trials of `opt` that came about or ended without this journal, if any."""
        self._cut()
        if (len(self._trials), self.n_told) == (opt.n_told + opt.n_pending, opt.n_told):
            return
        unknown = [t for t in [*opt.trials, *opt.pending] if t.id not in self._trials]
        if unknown:
            self.asked(unknown, opt)
        self.told([t for t in opt.trials if self._trials[t.id]["status"] == "pending"])

    def set_run(self, **settings: Any) -> None:
        """Record settings of the run that differ from those before."""
        changed = {k: v for k, v in settings.items() if self.run.get(k) != v}
        if changed:
            self._append({"run": changed})

    def close(self) -> None:
        """Close the file and give up the lock; may be called twice."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            if _OPEN.get(self._file) is self:  # not one of `read`
                del _OPEN[self._file]
            os.close(descriptor)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _append(self, *entries: dict[str, Any]) -> None:
        texts = [json.dumps(e, allow_nan=False, separators=(",", ":")) for e in entries]
        lines = b"".join(text.encode() + b"\n" for text in texts)
        try:
            self._cut()
            self._whole = os.fstat(self._descriptor).st_size
            while lines:
                lines = lines[os.write(self._descriptor, lines) :]
            os.fsync(self._descriptor)
        except OSError as error:
            error.filename = str(self.path)
            with suppress(OSError):  # on a read-only disk it waits for the next line
                self._cut()
            raise
        for entry, text in zip(entries, texts, strict=True):
            if "journal" not in entry:
                self._apply(json.loads(text))
        self._whole = None

    def _cut(self) -> None:
        """Cut off what lines that were not written to the end have left behind, here as well.

        Those of an interrupt may be in the file, and some of them in the memory.
        """
        if self._whole is not None:
            os.ftruncate(self._descriptor, self._whole)
            if self._whole:
                self._trials, self.n_told = {}, 0
                self._read(repair=False)
            self._whole = None

    def _content(self) -> bytes:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        size = os.fstat(self._descriptor).st_size
        parts = []
        while size > 0 and (part := os.read(self._descriptor, size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _read(self, *, repair: bool = True) -> None:
        content = self._content()
        whole, newline, rest = content.rpartition(b"\n")
        if not newline:
            raise ValueError(f"{self.path} has no header: nothing was recorded, search again")
        if rest and repair:
            self.recovered = f"cut off an unfinished last line of {len(rest)} bytes"
            _LOG.warning("%s: %s", self.path, self.recovered)
            os.ftruncate(self._descriptor, len(whole) + 1)
            os.fsync(self._descriptor)
        for number, line in enumerate(whole.split(b"\n"), start=1):
            try:
                entry = json.loads(line)
                if number == 1:
                    self._begin(entry)
                else:
                    self._apply(entry)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                problem = f"{self.path} line {number} is damaged"
                if number == 1:
                    problem = f"{self.path} is not a journal that can be read"
                reason = f"no {error}" if isinstance(error, KeyError) else error
                raise ValueError(f"{problem}: {reason}") from None

    def _begin(self, entry: dict[str, Any]) -> None:
        if entry["journal"] != FORMAT:
            raise ValueError(f"format is {entry['journal']!r}; wanted {FORMAT}")
        self.header = entry
        self.run = dict(entry["run"])
        if not isinstance(entry["search"], dict):
            raise ValueError("search is not an object")

    def _apply(self, entry: dict[str, Any]) -> None:
        """Take one event into account."""
        if "ask" in entry:
            after = {"rng": entry["rng"], "ref": entry["ref"]}
            for trial in entry["ask"]:
                key = _trial_id(trial["id"])
                if key in self._trials:
                    raise ValueError(f"trial {key} is asked twice")
                new = {"id": key, "config": trial["config"], "relaxed": trial["relaxed"]}
                self._trials[key] = {**new, **_NO_OUTCOME}
            self._after_ask = after
        elif "tell" in entry:
            key = _trial_id(entry["tell"])
            if key not in self._trials or self._trials[key]["status"] != "pending":
                raise ValueError(f"trial {key} is told but not pending")
            if "values" in entry:
                values = [float(v) for v in entry["values"]]
                bounds = [float(v) for v in entry.get("constraints", ())]
                if not all(map(math.isfinite, [*values, *bounds])):
                    raise ValueError(f"trial {key} has values {values}; wanted finite numbers")
                came = {"values": values, "constraints": bounds, "status": "done"}
                self._trials[key] |= came
            else:
                self._trials[key] |= {"message": str(entry["failed"]), "status": "failed"}
            self.n_told += 1
        else:
            self.run = {**self.run, **entry["run"]}


def _existing(folder: str | Path) -> Path:
    path = Path(folder) / FILE
    if not path.is_file():
        missing = "" if Path(folder).is_dir() else ", there is no such folder"
        raise ValueError(f"{folder} holds no study: it has no {FILE}{missing}")
    return path


def _trial_id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"trial id is {value!r}; wanted a whole number >= 0")
    return value


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 2**30, os.SEEK_SET)  # beyond the text, which others may still read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # Unlike flock, not inherited by forked workers, which may outlive a killed parent.
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
