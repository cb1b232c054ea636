"""Disks that are full, read-only or without locks; two studies in one folder; clocks apart."""

import errno
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_journal import evaluate
from test_journal import recorded as recorded_of
from test_journal import search as search_by

import lamoo_fast as lf
from lamoo_fast.cli import main
from lamoo_fast.search import journal as module
from lamoo_fast.search.journal import FILE, Journal

ALL = "write", "fsync", "ftruncate"
WORDS = {errno.EROFS: "Read-only", errno.EACCES: "Permission denied", errno.ENOSPC: "No space"}


def search():
    return search_by(sampler=lf.UniformSampler())


def recorded(folder):
    return recorded_of(folder, opt=search())


class Disk:
    """Fails in some of its calls, for all descriptors of journals."""

    def __init__(self, monkeypatch, error, calls=ALL, half=False):
        self.broken = False
        self.error = error
        self.half = half  # of a line is written before the disk fails
        for name in calls:
            monkeypatch.setattr(os, name, self.call(name, getattr(os, name)))

    def call(self, name, real):
        def call(descriptor, *args):
            if not self.broken:
                return real(descriptor, *args)
            if name == "write" and self.half:
                real(descriptor, args[0][: len(args[0]) // 2])
            raise OSError(self.error, os.strerror(self.error))

        return call


@pytest.mark.parametrize("error", WORDS)
@pytest.mark.parametrize("at", ["mkdir", "open"])
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch, capsys, error, at):
    """Nothing is left behind, and the message names the place."""

    def refuse(path, *args, **kwargs):
        raise OSError(error, os.strerror(error), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path if at == "mkdir" else os, at, refuse)
        with pytest.raises(OSError, match=WORDS[error]) as caught:
            Journal.create(tmp_path / "new", search())
        assert str(tmp_path / "new") in str(caught.value.filename)
        assert (
            main(["search", "branin-currin", "--budget", "9", "--out", str(tmp_path / "cli")]) == 2
        )
    said = capsys.readouterr().err
    assert WORDS[error] in said
    assert "wanted a folder to write to" in said
    assert not [f for f in tmp_path.rglob("*") if f.is_file()]
    with Journal.create(tmp_path / "new", search()):
        pass


@pytest.mark.parametrize(
    ("error", "calls", "half", "wait"),
    [
        (errno.EROFS, ALL, False, True),
        (errno.EROFS, ALL, True, False),
        (errno.ENOSPC, ["write"], True, True),
        (errno.ENOSPC, ["fsync"], False, False),
        (errno.EACCES, ["fsync", "ftruncate"], False, True),
    ],
)
def test_a_disk_that_turns_read_only(tmp_path, monkeypatch, error, calls, half, wait):
    """The trial stays in memory; when the disk is back, the run goes on and nothing is missing."""
    disk = Disk(monkeypatch, error, calls, half)
    evaluated = []

    def counted(config):
        evaluated.append(config["x"])
        disk.broken = len(evaluated) == 7
        return evaluate(config)

    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, counted, journal=journal, progress=False)
        with pytest.raises(OSError, match=WORDS[error]) as caught:
            study.run(20, 3, wait=wait)
        assert caught.value.filename == str(journal.path)
        assert opt.n_told == len(evaluated) == 7
        assert journal.n_told == 6
        for _ in range(2):  # still broken: refused again, nothing is evaluated
            with pytest.raises(OSError, match=WORDS[error]):
                study.run(20, 3, wait=wait)
        assert len(evaluated) == 7
        disk.broken = False
        study.run(20, 3, wait=wait)
        assert journal.state() == opt.state_dict()
    with Journal.open(tmp_path) as journal:
        assert journal.recovered == ""
        assert journal.state() == opt.state_dict()
    assert len(evaluated) == 20
    wanted = search()
    lf.Study(wanted, evaluate, progress=False).run(20, 3, wait=wait)
    assert wanted.state_dict() == opt.state_dict()


def test_a_process_that_ends_on_a_read_only_disk(tmp_path, monkeypatch):
    """Half a line stays, as it cannot be cut off; whoever opens the journal next does it."""
    disk = Disk(monkeypatch, errno.EROFS, half=True)
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        lf.Study(opt, evaluate, journal=journal, progress=False).run(6, 3)
        disk.broken = True
        with pytest.raises(OSError, match="Read-only"):
            journal.asked(opt.ask(2), opt)
    assert not (tmp_path / FILE).read_bytes().endswith(b"\n")
    assert len(Journal.read(tmp_path).state()["trials"]) == 6  # to look at it needs no writing
    with pytest.raises(OSError, match="Read-only"):
        Journal.open(tmp_path)
    disk.broken = False
    with Journal.open(tmp_path) as journal:
        assert journal.recovered.startswith("cut off an unfinished last line")
        again = search()
        again.load_state_dict(journal.state())
        lf.Study(again, evaluate, journal=journal, progress=False).run(20, 3)
    wanted = search()
    lf.Study(wanted, evaluate, progress=False).run(20, 3)
    assert wanted.state_dict() == again.state_dict()


def test_an_interrupt_in_the_middle_of_a_line(tmp_path, monkeypatch):
    """Ctrl-C between writing and flushing: the line is written once all the same."""
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        trials = opt.ask(2)
        journal.asked(trials, opt)

        def interrupted(descriptor):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.told(opt.tell(trials[:1], [(1.0, 2.0)]))
        lf.Study(opt, evaluate, journal=journal, progress=False).run(8, 2)
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()


def test_the_command_line_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    disk = Disk(monkeypatch, errno.ENOSPC)
    real = Journal.told

    def told(self, trials, seconds=None):
        disk.broken = trials[0].id == 5
        real(self, trials, seconds)

    monkeypatch.setattr(Journal, "told", told)
    folder = tmp_path / "run"
    line = ["search", "branin-currin", "--budget", "12", "--batch", "1", "--seed", "0"]
    assert main([*line, "--out", str(folder)]) == 2
    assert capsys.readouterr().err == (
        f"lamoo: error: No space left on device: {folder / FILE}: stopped after 5 of 12 trials, "
        f"all recorded; go on with: lamoo resume {folder}\n"
    )
    monkeypatch.undo()
    assert main(["resume", str(folder)]) == 0
    assert main([*line, "--out", str(tmp_path / "whole")]) == 0
    with Journal.open(folder) as a, Journal.open(tmp_path / "whole") as b:
        assert a.state() == b.state()


# ---- two studies in one folder ----


def test_one_process_cannot_open_a_folder_twice(tmp_path, monkeypatch):
    """The system's lock would let it, and lose the lock with the first of them that is closed."""
    opt = recorded(tmp_path / "study")
    with Journal.open(tmp_path / "study") as journal:
        (tmp_path / "link").symlink_to(tmp_path / "study")
        monkeypatch.chdir(tmp_path)
        for folder in (tmp_path / "study", "study", tmp_path / "link"):
            for begin in (Journal.open, lambda path: Journal.create(path, search())):
                with pytest.raises(ValueError, match="in use by this process: close its journal"):
                    begin(folder)
        code = "from lamoo_fast.search.journal import Journal; Journal.open('study')"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "in use by another process" in other.stderr, "the lock is still there"
        again = search()
        again.load_state_dict(journal.state())
        lf.Study(again, evaluate, journal=journal, progress=False).run(16, 2)
    assert again.n_told == 16 > opt.n_told
    Journal.open(tmp_path / "study").close()


def test_a_journal_that_was_forgotten_does_not_stay_in_use(tmp_path):
    recorded(tmp_path)
    journal = Journal.open(tmp_path)
    del journal
    Journal.open(tmp_path).close()


def test_a_disk_without_locks(tmp_path, monkeypatch):
    """Not the same as one that is in use."""

    def refuse(descriptor):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(module, "_lock", refuse)
    with pytest.raises(OSError, match="No locks available") as caught:
        Journal.create(tmp_path, search())
    assert caught.value.filename == str(tmp_path / FILE)


# ---- clocks ----


def test_a_clock_that_is_set_back_all_the_time(tmp_path, monkeypatch):
    def run(folder):
        opt = search()
        with Journal.create(folder, opt) as journal:
            lf.Study(opt, evaluate, journal=journal, progress=False).run(12, 3)
        with Journal.open(folder) as journal, ThreadPoolExecutor(2) as threads:
            opt = search()
            opt.load_state_dict(journal.state())
            how = {"executor": threads, "timeout": 60, "journal": journal}
            lf.Study(opt, evaluate, progress=False, **how).run(20, 3)
        return opt.state_dict()

    wanted = run(tmp_path / "right")
    ticks = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))
    assert run(tmp_path / "backwards") == wanted


def test_a_journal_of_hosts_whose_dates_differ(tmp_path):
    """The date of the header is shown; order is that of the lines."""
    opt = recorded(tmp_path)
    content = (tmp_path / FILE).read_bytes().split(b"\n")
    header = json.loads(content[0])
    for date in ("2099-01-01T00:00:00+00:00", "1970-01-01T00:00:00-12:00", "yesterday", None):
        content[0] = json.dumps({**header, "created": date}).encode()
        (tmp_path / FILE).write_bytes(b"\n".join(content))
        with Journal.open(tmp_path) as journal:
            assert journal.state() == opt.state_dict()
        assert main(["report", str(tmp_path)]) == 0
