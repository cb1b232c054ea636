"""The journal: what it restores, what it recovers, what it refuses."""

import json
import os
import random
import subprocess
import sys

import pytest

import lamoo_fast as lf
from lamoo_fast.search.journal import FILE, Journal

SPACE = lf.Space({"x": lf.Float(0, 1), "op": lf.Categorical(["a", "b", "c"])})


def search(seed=0, **settings):
    return lf.LaMOO(
        SPACE, ["minimize", "maximize"], n_initial=6, leaf_size=3, seed=seed, **settings
    )


def evaluate(config):
    return config["x"] ** 2, config["x"] * (1 + "abc".index(config["op"]))


def recorded(folder, rounds=4, opt=None):
    """Run a few rounds by hand with a failure in each; leave the last trials pending."""
    opt = search() if opt is None else opt
    with Journal.create(folder, opt, run={"budget": 30}, problem="mine") as journal:
        for _ in range(rounds):
            trials = opt.ask(3)
            journal.asked(trials, opt)
            for trial in trials[::-1]:
                bad = trial.id % 7 == 3
                values = lf.failed("no\nluck é \u2028") if bad else evaluate(trial.config)
                journal.told(opt.tell([trial], [values]), [0.25])
        journal.asked(opt.ask(2), opt)
    return opt


def lines(folder):
    return (folder / FILE).read_bytes().split(b"\n")


def write(folder, content):
    (folder / FILE).write_bytes(b"\n".join(content))


def test_round_trip(tmp_path):
    opt = recorded(tmp_path)
    with Journal.open(tmp_path) as journal:
        assert journal.recovered == ""
        assert journal.run == {"budget": 30}
        assert journal.header["problem"] == "mine"
        state = journal.state()
    assert state == json.loads(json.dumps(opt.state_dict()))
    again = search()
    again.load_state_dict(state)
    assert [t.to_dict() for t in again.trials] == [t.to_dict() for t in opt.trials]
    assert [t.id for t in again.pending] == [12, 13]
    assert [t.to_dict() for t in again.ask(5)] == [t.to_dict() for t in opt.ask(5)]


def test_one_line_per_event(tmp_path):
    recorded(tmp_path, rounds=2)
    events = [json.loads(line) for line in lines(tmp_path)[:-1]]
    kinds = [next(k for k in ("journal", "ask", "tell") if k in e) for e in events]
    assert kinds == ["journal", *(["ask"] + ["tell"] * 3) * 2, "ask"]
    assert events[2] == {"tell": 2, "values": events[2]["values"], "seconds": 0.25}
    assert any(e.get("failed") == "no\nluck é \u2028" for e in events)


def test_the_frozen_reference_point_is_restored(tmp_path):
    """It was inferred from the trials told at that time, not from all of them."""
    opt = recorded(tmp_path, rounds=6)
    with Journal.open(tmp_path) as journal:
        again = search()
        again.load_state_dict(journal.state())
    assert again.ref == opt.ref is not None


def test_trials_from_before_and_from_elsewhere(tmp_path):
    opt = search()
    opt.tell([{"x": 0.5, "op": "a"}], [[1.0, 2.0]])
    with Journal.create(tmp_path, opt) as journal:
        opt.tell([{"x": 0.25, "op": "b"}], [lf.failed("dull")])
        journal.catch_up(opt)
        journal.catch_up(opt)
    with Journal.open(tmp_path) as journal:
        again = search()
        again.load_state_dict(journal.state())
    assert again.state_dict() == opt.state_dict()
    assert len(lines(tmp_path)) == 1 + 2 + 2 + 1


def test_settings_of_later_runs(tmp_path):
    recorded(tmp_path)
    before = lines(tmp_path)
    with Journal.open(tmp_path) as journal:
        journal.set_run(budget=30)
    assert lines(tmp_path) == before  # nothing changed, nothing written
    with Journal.open(tmp_path) as journal:
        journal.set_run(budget=50)
    with Journal.open(tmp_path) as journal:
        assert journal.run == {"budget": 50}
        assert journal.header["run"] == {"budget": 30}


def test_every_cut_is_recovered(tmp_path):
    """A journal cut at any byte opens with all its whole lines."""
    recorded(tmp_path)
    content = (tmp_path / FILE).read_bytes()
    first = content.index(b"\n") + 1
    cuts = random.Random(0).sample(range(first, len(content)), 120)
    ends = [i + 1 for i, byte in enumerate(content) if byte == 10]
    for cut in [*cuts, first, len(content), *(e - 1 for e in ends[1:])]:
        (tmp_path / FILE).write_bytes(content[:cut])
        whole = max(end for end in ends if end <= cut)
        with Journal.open(tmp_path) as journal:
            assert bool(journal.recovered) == (cut != whole)
            search().load_state_dict(journal.state())
            told = [t["id"] for t in journal.state()["trials"] if t["status"] != "pending"]
        assert (tmp_path / FILE).read_bytes() == content[:whole]
        events = [json.loads(line) for line in content[:whole].split(b"\n")[:-1]]
        assert sorted(told) == sorted(e["tell"] for e in events if "tell" in e)


def test_recovery_is_said(tmp_path, caplog):
    recorded(tmp_path)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"tell": 12, "val')
    with Journal.open(tmp_path) as journal:
        assert journal.recovered == "cut off an unfinished last line of 17 bytes"
    assert "cut off an unfinished last line of 17 bytes" in caplog.text


def test_a_header_cut_short_is_no_study(tmp_path):
    recorded(tmp_path)
    header = lines(tmp_path)[0]
    for cut in (0, 1, len(header) // 2, len(header)):
        (tmp_path / FILE).write_bytes(header[:cut])
        with pytest.raises(ValueError, match="has no header: nothing was recorded, search again"):
            Journal.open(tmp_path)
        Journal.create(tmp_path, search()).close()  # the folder is as good as empty
        with Journal.open(tmp_path) as journal:
            assert journal.state()["trials"] == []


DAMAGES = {
    "not json": (3, lambda line: b"garbage"),
    "cut in the middle": (3, lambda line: line[: len(line) // 2]),
    "empty line": (3, lambda line: b""),
    "zeros": (3, lambda line: b"\0" * 40),
    "not an object": (3, lambda line: b"[1]"),
    "unknown event": (3, lambda line: b'{"sing": 1}'),
    "told twice": (3, lambda line: line + b"\n" + line),
    "told unasked": (3, lambda line: b'{"tell": 99, "values": [1, 2], "seconds": 1}'),
    "id is text": (3, lambda line: b'{"tell": "2", "values": [1, 2], "seconds": 1}'),
    "no values": (3, lambda line: b'{"tell": 2, "seconds": 1}'),
    "NaN": (3, lambda line: b'{"tell": 2, "values": [NaN, 2], "seconds": 1}'),
    "values are text": (3, lambda line: b'{"tell": 2, "values": ["a", 2], "seconds": 1}'),
    "asked twice": (2, lambda line: line + b"\n" + line),
    "ask without state": (2, lambda line: b'{"ask": []}'),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_inside_is_refused(tmp_path, name):
    recorded(tmp_path)
    number, damage = DAMAGES[name]
    content = lines(tmp_path)
    content[number - 1] = damage(content[number - 1])
    write(tmp_path, content)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(
        ValueError, match=rf"journal\.jsonl line [{number}-{number + 1}] is dam"
    ) as e:
        Journal.open(tmp_path)
    assert "\n" not in str(e.value)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"journal": 2}, "format is 2; wanted 1"),
        ({"journal": None}, "format is None; wanted 1"),
        ({"run": 5}, "is not a journal that can be read"),
        ({"search": 5}, "search is not an object"),
    ],
)
def test_other_formats_are_refused(tmp_path, change, message):
    recorded(tmp_path)
    content = lines(tmp_path)
    content[0] = json.dumps({**json.loads(content[0]), **change}).encode()
    write(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        Journal.open(tmp_path)


def test_another_file_is_refused(tmp_path):
    (tmp_path / FILE).write_text('{"some": "log"}\n{"x": 1}\n')
    with pytest.raises(ValueError, match="not a journal that can be read: no 'journal'"):
        Journal.open(tmp_path)
    with pytest.raises(ValueError, match="already holds a study"):
        Journal.create(tmp_path, search())


def test_another_search_is_refused(tmp_path):
    recorded(tmp_path)
    other = lf.LaMOO(
        lf.Space({"x": lf.Float(0, 2)}),
        ["minimize", "maximize"],
        sampler=lf.UniformSampler(),
        seed=0,
    )
    with Journal.open(tmp_path) as journal:
        with pytest.raises(ValueError, match="state has space"):
            other.load_state_dict(journal.state())
        with pytest.raises(ValueError, match="state has selection"):
            search(selection=lf.Greedy()).load_state_dict(journal.state())


def test_folders(tmp_path):
    with pytest.raises(ValueError, match="holds no study: it has no journal"):
        Journal.open(tmp_path)
    with pytest.raises(ValueError, match="holds no study"):
        Journal.open(tmp_path / "nowhere")
    recorded(tmp_path / "deep" / "down")
    with pytest.raises(ValueError, match="already holds a study; resume it or choose a new folder"):
        Journal.create(tmp_path / "deep" / "down", search())
    with pytest.raises(ValueError, match=r"is not empty \(down is in it\) and holds no study"):
        Journal.create(tmp_path / "deep", search())
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Journal.create(tmp_path / "file", search())


def test_two_processes_cannot_share_a_folder(tmp_path):
    recorded(tmp_path)
    code = (
        "import sys; from lamoo_fast.search.journal import Journal\n"
        "try: Journal.open(sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
        "else: print('opened')\n"
    )

    def other():
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
        ).stdout.strip()

    with Journal.open(tmp_path):
        assert other() == f"{tmp_path} is in use by another process"
    assert other() == "opened"


def test_a_full_disk_leaves_whole_lines(tmp_path, monkeypatch):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        journal.asked(opt.ask(1), opt)
        before = (tmp_path / FILE).read_bytes()
        real = os.write

        def half(descriptor, data):
            if descriptor == journal._descriptor:
                real(descriptor, data[: len(data) // 2])
                raise OSError(28, "No space left on device")
            return real(descriptor, data)

        monkeypatch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            journal.told(opt.tell([0], [[1.0, 2.0]]))
        monkeypatch.undo()
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("again", [True, False])
def test_an_interrupt_while_lines_are_taken_into_account(tmp_path, monkeypatch, at, again):
    """They are in the file already, and must not come in twice."""
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        journal.asked(opt.ask(6), opt)
        told = opt.tell(range(6), [[1.0, 2.0]] * 6)
        real, count = journal._apply, iter(range(1, 7))

        def apply(entry):
            if next(count) == at:
                raise KeyboardInterrupt
            real(entry)

        monkeypatch.setattr(journal, "_apply", apply)
        with pytest.raises(KeyboardInterrupt):
            journal.told(told)
        monkeypatch.undo()
        if again:
            journal.catch_up(opt)
            assert journal.state() == opt.state_dict()
            journal.asked(opt.ask(1), opt)
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()


def test_lines_are_on_disk_before_going_on(tmp_path, monkeypatch):
    synced = []
    real = os.fsync

    def fsync(descriptor):
        synced.append((tmp_path / FILE).read_bytes().count(b"\n"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    recorded(tmp_path, rounds=2)
    assert synced == list(range(1, 11))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of the sizes of files")
@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("room", [0, 150, 700])
def test_a_study_whose_disk_is_full_stops_and_goes_on(tmp_path, wait, room):
    """The system refuses to let the journal grow: in an ask or in a tell; nothing is lost."""
    import resource

    evaluated = []

    def counted(config):
        evaluated.append(config["x"])
        return evaluate(config)

    opt = search()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, counted, journal=journal, progress=False)
        study.run(4, 2, wait=wait)
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + room, hard))
        try:
            with pytest.raises(OSError, match=r"journal\.jsonl"):
                study.run(20, 2, wait=wait)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert opt.n_told == len(evaluated) < 20
        content = journal.path.read_bytes()
        assert content.endswith(b"\n")
    copy = tmp_path / "copy"  # another process goes on with what was written
    copy.mkdir()
    (copy / FILE).write_bytes(content)
    with Journal.open(copy) as journal:
        again = search()
        again.load_state_dict(journal.state())
        assert opt.n_told - 1 <= again.n_told <= opt.n_told
        lf.Study(again, evaluate, journal=journal, progress=False).run(20, 2, wait=wait)
    with Journal.open(tmp_path) as journal:  # or this one, which has all in memory
        saved = search()
        saved.load_state_dict(journal.state())
        assert saved.n_told >= opt.n_told - 1
        lf.Study(opt, counted, journal=journal, progress=False).run(20, 2, wait=wait)
        assert journal.state()["trials"] == opt.state_dict()["trials"]
    assert len(evaluated) == 20
    assert [t.id for t in again.trials] == [t.id for t in opt.trials] == list(range(20))
