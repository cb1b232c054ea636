"""`kill -9` at random moments of a real search: nothing told is lost, the end is the same."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from lamoo_fast.search.journal import FILE, Journal

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")

PROBLEM = """
import time
import lamoo_fast as lf

SPACE = lf.Space({"x": lf.Float(0, 1), "y": lf.Float(0, 1), "op": lf.Categorical(["a", "b"])})


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"})
def cheap(config):
    time.sleep(0.004)
    if 0.4 < config["x"] < 0.45:
        raise ValueError("bad luck")
    return config["x"] ** 2 + config["y"], config["y"] + (config["op"] == "b")
"""
BUDGET = 130
KILLS = 10  # per way of evaluating, of which there are two


def lamoo(line, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "lamoo_fast", *line.split()],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def content(folder):
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        return b""


def told(data):
    """Tell events in the whole lines of a journal."""
    events = [json.loads(line) for line in data.split(b"\n")[:-1]]
    return {event["tell"]: event for event in events if "tell" in event}


def test_kill_and_resume_without_rounds(tmp_path):
    """No trial is lost and none is evaluated twice; what comes next depends on who was first."""
    (tmp_path / "mine.py").write_text(PROBLEM)
    rng = random.Random("kills without rounds")
    folder, moments = tmp_path / "killed", ["while writing", "between"]
    line = f"search mine:cheap --budget {BUDGET} --batch 4 --workers 2 --no-wait --out killed"
    everything_told = {}
    for i in range(4):
        running = lamoo("resume killed" if i else line, tmp_path)
        seen = told(kill_at(moments[i % 2], running, folder, rng))
        wait_for_workers(running.pid)
        assert running.returncode == -signal.SIGKILL, "the search ended before its last kill"
        after = told(content(folder))
        assert everything_told.items() <= seen.items() <= after.items()
        everything_told = after
    out, err = (last := lamoo("resume killed", tmp_path)).communicate(timeout=600)
    assert last.returncode == 0, err
    assert f"{BUDGET} evaluations" in out
    assert everything_told.items() <= told(content(folder)).items()
    with Journal.open(folder) as journal:
        trials = journal.state()["trials"]
        assert journal.run["wait"] is False
    assert [t["id"] for t in trials] == list(range(BUDGET))
    assert all(t["status"] != "pending" for t in trials)
    asked = [len(e["ask"]) for e in map(json.loads, content(folder).splitlines()) if "ask" in e]
    assert asked.count(1) > BUDGET / 2  # one by one


def kill_at(moment, running, folder, rng):
    """Wait for a random moment of its kind, then `kill -9`; return what was on disk before."""
    deadline = time.monotonic() + 300
    start = content(folder)
    if moment == "at the start":
        time.sleep(rng.uniform(0.0, 1.2))
    else:
        lines = start.count(b"\n") + rng.randint(1, 12)
        while content(folder).count(b"\n") < lines and running.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        if moment == "while writing":  # a line appears just before it is flushed
            size = len(content(folder))
            while len(content(folder)) == size and running.poll() is None:
                assert time.monotonic() < deadline
        else:
            time.sleep(rng.uniform(0.0, 0.03))
    seen = content(folder)
    with contextlib.suppress(ProcessLookupError):
        running.kill()
    running.communicate()
    return seen


def wait_for_workers(group):
    """Workers must not outlive a killed parent."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("worker processes outlived the killed search")


@pytest.mark.parametrize("options", ["", "--workers 2"], ids=["inline", "workers"])
def test_kill_and_resume(tmp_path, options):
    (tmp_path / "mine.py").write_text(PROBLEM)
    rng = random.Random(f"kills {options}")
    search = f"search mine:cheap --budget {BUDGET} --batch 4 --seed 5"
    whole = lamoo(f"{search} --out whole", tmp_path)  # uninterrupted, evaluated in one process
    folder = tmp_path / "killed"
    moments = ["at the start", "while writing", "between"]
    killed, everything_told = [], {}
    while len(killed) < KILLS:
        begun = b"\n" in content(folder)
        line = "resume killed" if begun else f"{search} {options} --out killed"
        running = lamoo(line, tmp_path)
        seen = told(kill_at(moments[len(killed) % 3], running, folder, rng))
        wait_for_workers(running.pid)
        if running.returncode != -signal.SIGKILL:
            break
        after = told(content(folder))
        # what was seen before the kill is still there, and so is what earlier runs had told
        assert everything_told.items() <= seen.items() <= after.items()
        everything_told = after
        killed.append(len(after))
    assert len(killed) == KILLS, "the search ended before its last kill"
    assert killed[-1] > BUDGET / 6, "the kills all came too early to show anything"
    out, err = (last := lamoo("resume killed", tmp_path)).communicate(timeout=600)
    assert last.returncode == 0, err
    assert f"{BUDGET} evaluations" in out
    whole_out, whole_err = whole.communicate(timeout=600)
    assert whole.returncode == 0, whole_err

    with Journal.open(folder) as a, Journal.open(tmp_path / "whole") as b:
        assert a.recovered == ""
        assert a.state() == b.state()  # trials, reference point and random state
        trials = a.state()["trials"]
    assert len(trials) == BUDGET
    assert {t["status"] for t in trials} == {"done", "failed"}
    final = told(content(folder))
    assert everything_told.items() <= final.items()
    # the same front and summary, but for the name of the folder
    assert out.replace("killed", "whole") == whole_out
