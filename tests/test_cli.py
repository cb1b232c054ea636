"""The command line, mostly in this process; what needs a real one runs in a real one."""

import contextlib
import csv
import importlib.metadata
import json
import os
import re
import signal
import struct
import sys
import textwrap
import time

import pytest
from command_line import MINE, process, start

import lamoo_fast as lf
from lamoo_fast.cli import main
from lamoo_fast.kernels import simd_level
from lamoo_fast.nas import load_problem
from lamoo_fast.search.journal import FILE, Journal


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with the user's module in it."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAMOO_DATA", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return tmp_path


@pytest.fixture
def lamoo(here, capsys):
    def run(line, status=0):
        got = main(line.split())
        out, err = capsys.readouterr()
        assert got == status, err
        return out, err

    return run


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000


def trials(folder):
    with Journal.open(folder) as journal:
        return journal.state()["trials"]


def test_search_writes_everything(lamoo, here):
    out, err = lamoo("search branin-currin --budget 40 --seed 3 --out r")
    assert err == ""
    names = {"journal.jsonl", "front.csv", "pareto.png", "hypervolume.png", "tree.png"}
    assert {p.name for p in (here / "r").iterdir()} == names | {"regions.png"}
    assert all(is_png(p) for p in (here / "r").glob("*.png"))
    with (here / "r" / "front.csv").open(newline="") as file:
        front = list(csv.DictReader(file))
    assert list(front[0]) == ["id", "x0", "x1", "branin", "currin"]
    told = {t["id"]: t for t in trials(here / "r")}
    assert len(told) == 40
    F = [t["values"] for t in told.values()]
    for row in front:
        values = [float(row["branin"]), float(row["currin"])]
        assert values == told[int(row["id"])]["values"]
        assert not any(f != values and f[0] <= values[0] and f[1] <= values[1] for f in F)
    lines = out.splitlines()
    assert lines[0].split() == ["id", "branin", "currin", "x0", "x1"]
    assert len(lines) == 1 + min(len(front), 41) + 2
    volume = lf.hypervolume(F, (18, 6))
    assert lines[-1] == (
        f"hypervolume {volume:.6g} against (18, 6); 40 evaluations, 0 failed; results in r"
    )


def test_share_of_the_true_front(lamoo):
    try:
        importlib.metadata.version("analog-nasbench")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("analog-nasbench is not installed")
    out, _ = lamoo("search nasbench201 --budget 60 --sampler uniform")
    match = re.search(r"hypervolume ([\d.]+) \(([\d.]+) % of the true front's ([\d.]+)\)", out)
    found, share, best = map(float, match.groups())
    assert found / best * 100 == pytest.approx(share, abs=0.01)
    assert 50 < share <= 100
    assert "results in results/nasbench201-seed0" in out


def test_structure_of_cells_is_a_hint_unless_refused(lamoo, here):
    try:
        importlib.metadata.version("analog-nasbench")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("analog-nasbench is not installed")
    for name, options in (("a", ""), ("b", "--hints structure"), ("c", "--hints none")):
        lamoo(f"search nasbench201 --budget 24 {options} --out {name}")
    headers = [json.loads((here / n / FILE).read_text().splitlines()[0]) for n in "abc"]
    assert [h["run"]["hints"] for h in headers] == [["structure"], ["structure"], None]
    a, b, c = (trials(here / name) for name in "abc")
    assert a == b != c
    for name, hints in (("a", "structure"), ("c", "none")):
        lamoo(f"report {name}")
        assert f"--hints {hints}" in (here / name / "report.html").read_text()
        lamoo(f"resume {name} --budget 25")
        assert len(trials(here / name)) == 25


def test_same_seed_same_trials(lamoo, here):
    for name, options in (
        ("a", ""), ("b", "--workers 2"), ("c", "--timeout 30"), ("d", "--seed 1"),
    ):  # fmt: skip
        lamoo(f"search mine:easy --budget 25 --out {name} {options}")
    a, b, c, d = (trials(here / name) for name in "abcd")
    assert a == b == c
    assert a != d


@pytest.mark.parametrize("selection", ["leaf", "path", "greedy"])
def test_selections_and_samplers(lamoo, here, selection):
    lamoo(f"search mine:easy --budget 24 --batch 4 --selection {selection} --out u")
    pytest.importorskip("cma")
    lamoo(f"search mine:easy --budget 24 --batch 4 --selection {selection} --sampler cma --out c")
    assert len(trials(here / "u")) == len(trials(here / "c")) == 24
    header = json.loads((here / "c" / FILE).read_text().splitlines()[0])
    assert header["run"] == {
        "budget": 24, "batch": 4, "sampler": "cma", "selection": selection, "seed": 0,
        "workers": None, "timeout": None, "wait": True, "hints": None, "promote": None,
        "one_in": None, "known": None, "files": {},
    }  # fmt: skip
    assert header["problem"] == "mine:easy"
    assert [o["name"] for o in header["objectives"]] == ["loss", "gain"]


def test_objectives_are_chosen_and_ordered(lamoo, here):
    out, _ = lamoo("search mine:easy --objectives gain,loss --budget 12 --out r")
    assert out.splitlines()[0].split()[:3] == ["id", "gain", "loss"]
    assert "against (0, 1.5)" in out
    lamoo("resume r --budget 14")
    assert len(trials(here / "r")) == 14


def test_one_objective_and_no_reference_point(lamoo, here):
    out, _ = lamoo("search mine:single --budget 12 --out one")
    assert "12 evaluations" in out
    assert not (here / "one" / "pareto.png").exists()
    out, _ = lamoo("search mine:no_ref --budget 4 --out few")
    assert "hypervolume unknown: no reference point yet" in out
    out, _ = lamoo("resume few --budget 20")
    assert re.search(r"hypervolume [\d.]+ against \(", out)


def test_resume_extends_a_search(lamoo, here):
    lamoo("search mine:easy --budget 10 --out r")
    first = trials(here / "r")
    out, _ = lamoo("resume r --budget 30")
    assert "30 evaluations" in out
    assert trials(here / "r")[:10] == first
    before = (here / "r" / FILE).read_bytes()
    out, _ = lamoo("resume r")  # the new budget was kept; nothing is left to do
    assert "30 evaluations" in out
    assert (here / "r" / FILE).read_bytes() == before
    lamoo("search mine:easy --budget 30 --out whole")
    assert trials(here / "whole") == trials(here / "r")


def test_failures_are_counted_and_said(lamoo, here):
    out, err = lamoo("search mine:fragile --budget 14 --workers 2 --timeout 0.5 --out r")
    failed = [t for t in trials(here / "r") if t["status"] == "failed"]
    kinds = {t["message"] for t in failed}
    assert kinds == {"worker process died: exit status 9", "no result within 0.5 s"}
    assert f"14 evaluations, {len(failed)} failed" in out
    said = [line for line in err.splitlines() if line.startswith("lamoo: warning: trial")]
    assert len(said) == len(failed)


def test_nothing_succeeds(lamoo):
    _, err = lamoo("search mine:hopeless --budget 5 --out r", status=1)
    assert err.splitlines()[-1] == (
        "lamoo: no trial succeeded, 5 failed; the first: OSError: disk on fire"
    )


def test_info(lamoo, here):
    out, err = lamoo("info")
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in out.splitlines())
    assert facts["lamoo_fast"] == lf.__version__
    assert facts["numpy"]
    assert facts["python"].startswith(sys.version.split()[0])
    assert os.path.isfile(facts["extension"])
    assert int(facts["threads"].split()[0]) >= 1
    assert facts["kernels"].startswith(f"{simd_level()}, C interface ")
    assert "LAMOO_DATA is not set" in facts["data folder"]
    assert err == ""


ERRORS = {
    "search nasbench210": "unknown problem 'nasbench210'; did you mean 'nasbench201'?",
    "search branin-currin --objectives brannin,currin":
        "unknown objective 'brannin' of 'branin-currin'; did you mean 'branin'?",
    "search branin-currin --objectives ,": "argument --objectives: got ','; wanted at least one",
    "search branin-currin --hints ,": "argument --hints: got ','; wanted at least one",
    "search branin-currin --known ,": "argument --known: got ','; wanted at least one",
    "search branin-currin --compare 2": "--compare needs --hints",
    "search nasbench201 --hints flops_M": "--hints names flops_M, which is searched",
    "search nasbench201 --hints ptq_acc --compare 1 --out new":
        "--compare searches here and writes nothing; leave out --out",
    "search nasbench201 --hints ptq_acc --compare 1 --workers 2":
        "--compare searches here and writes nothing; leave out --workers",
    "search branin-currin --budget 0": "argument --budget: got '0'; wanted a whole number >= 1",
    "search branin-currin --budget -5": "argument --budget: got '-5'; wanted a whole number >= 1",
    "search branin-currin --budget many": "argument --budget: got 'many'; wanted a whole number",
    "search branin-currin --budget 1e3": "argument --budget: got '1e3'; wanted a whole number",
    "search branin-currin --batch 0": "argument --batch: got '0'",
    "search branin-currin --seed -1": "argument --seed: got '-1'; wanted a whole number >= 0",
    "search branin-currin --workers 0": "argument --workers: got '0'",
    "search branin-currin --timeout 0": "argument --timeout: got '0'; wanted a number of seconds",
    "search branin-currin --timeout nan": "argument --timeout: got 'nan'",
    "search branin-currin --sampler unifrom": "--sampler: got 'unifrom'; did you mean 'uniform'?",
    "search branin-currin --selection x": "--selection: got 'x'; known: leaf, path, greedy",
    "search branin-currin --colour red": "unrecognized arguments: --colour red",
    "search branin-currin --out file": "--out is file: File exists; wanted a folder to write to",
    "search branin-currin --out file/sub": "--out is file/sub: Not a directory; wanted a folder",
    "search branin-currin --out full": "full is not empty (notes.txt is in it) and holds no study",
    "search branin-currin --out study":
        "--out: study already holds a study; resume it or choose a new folder",
    "search": "the following arguments are required: problem",
    "search mine:easyy": "module 'mine' has no 'easyy'; did you mean 'easy'?",
    "search mine:SPACE": "mine:SPACE is a Space; wanted a Problem",
    "search nosuch:f": "problem 'nosuch:f' cannot be imported: ModuleNotFoundError",
    "search broken:f": "problem 'broken:f' cannot be imported: SyntaxError",
    "search nasbench201-joined": "LAMOO_DATA is not set; wanted the folder",
    "resume": "the following arguments are required: dir",
    "resume nowhere": "nowhere holds no study: it has no journal.jsonl",
    "resume full": "full holds no study",
    "resume study --budget 0": "argument --budget: got '0'",
    "resume corrupt": "journal.jsonl line 3 is damaged",
    "resume future": "is not a journal that can be read: format is 99; wanted 1",
    "resume other": "other has a space with fingerprint 0123; branin-currin now has",
    "resume newer": "newer has sampler 'psychic'; known: ehvi, uniform, cma, botorch",
    "resume hinted": "hinted was not made by `lamoo search`",
    "resume api": "api was not made by `lamoo search`",
    "serach x": "invalid choice: 'serach'",
    "": "the following arguments are required: command",
}  # fmt: skip


@pytest.fixture
def bad_folders(here):
    (here / "file").write_text("")
    (here / "full").mkdir()
    (here / "full" / "notes.txt").write_text("")
    (here / "broken.py").write_text("def f(:\n")
    problem = load_problem("branin-currin")
    opt = lf.LaMOO(
        problem.space, problem.directions, sampler=lf.UniformSampler(), ref=problem.ref, seed=0
    )
    run = {"budget": 3, "batch": 1, "sampler": "uniform", "selection": "leaf", "seed": 0,
           "workers": None, "timeout": None}  # fmt: skip
    about = {"problem": "branin-currin", "objectives": [vars(o) for o in problem.objectives]}
    with Journal.create(here / "study", opt, run=run, **about) as journal:
        lf.Study(opt, problem.evaluate, journal=journal, progress=False).run(3)
    good = (here / "study" / FILE).read_text().splitlines()

    def copy(name, content):
        (here / name).mkdir()
        (here / name / FILE).write_text("".join(f"{line}\n" for line in content))

    copy("corrupt", [*good[:2], "garbage", *good[3:]])
    copy("future", [good[0].replace('"journal":1', '"journal":99'), *good[1:]])
    fingerprint = json.loads(good[0])["search"]["settings"]["space"]["fingerprint"]
    copy("newer", [good[0].replace('"uniform"', '"psychic"'), *good[1:]])
    copy("hinted", [good[0].replace('"workers":null', '"workers":null,"hints":5'), *good[1:]])
    copy("other", [good[0].replace(fingerprint, "0123"), *good[1:]])
    space = lf.Space({"x": lf.Float(0, 1)})
    Journal.create(
        here / "api", lf.LaMOO(space, ["minimize"], sampler=lf.UniformSampler(), seed=0)
    ).close()


@pytest.mark.parametrize("line", ERRORS)
def test_errors_are_one_line(lamoo, bad_folders, capsys, line):
    capsys.readouterr()
    out, err = lamoo(line, status=2)
    assert out == ""
    assert err.startswith("lamoo: error: ")
    assert err.count("\n") == 1
    assert ERRORS[line] in err


def test_a_broken_problem_is_no_traceback(here):
    done = process("search mine:nothing", here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lamoo: error: module 'mine' has no 'nothing'")
    assert "Traceback" not in done.stderr


def test_a_cut_journal_is_recovered_and_said(lamoo, here):
    lamoo("search mine:easy --budget 20 --out r")
    wanted = trials(here / "r")
    path = here / "r" / FILE
    path.write_bytes(path.read_bytes()[:-30])
    _, err = lamoo("resume r")
    assert "lamoo: warning:" in err
    assert "cut off an unfinished last line of" in err
    assert trials(here / "r") == wanted


def test_a_search_killed_before_its_first_line_can_begin_again(lamoo, here):
    for left_behind in (b"", b'{"journal":1,"pack'):
        folder = here / f"r{len(left_behind)}"
        folder.mkdir()
        (folder / FILE).write_bytes(left_behind)
        _, err = lamoo(f"resume {folder.name}", status=2)
        assert "has no header: nothing was recorded, search again" in err
        lamoo(f"search mine:easy --budget 5 --out {folder.name}")
        assert len(trials(folder)) == 5


def test_a_used_up_space_is_said(lamoo):
    out, err = lamoo("search mine:tiny --budget 20 --out r")
    assert "; 4 evaluations, 0 failed" in out
    assert err.startswith("lamoo: warning: stopped 16 trials early: ")


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_ctrl_c(here):
    """Status 130, one line, and `resume` ends where an uninterrupted run does."""
    for name, options in (("inline", ""), ("workers", " --workers 2")):
        (here / "evaluations").unlink(missing_ok=True)
        (here / "go-on").unlink(missing_ok=True)
        line = f"search mine:slow --budget 30 --out {name}{options}"
        running = start(line, here, start_new_session=True)
        journal = here / name / FILE
        while not journal.exists() or journal.read_bytes().count(b'"tell"') < 7:
            assert running.poll() is None
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        out, err = running.communicate(timeout=600)
        assert running.returncode == 130
        assert out == ""
        assert re.fullmatch(
            r"lamoo: interrupted after \d+ of 30 trials, all recorded; "
            rf"go on with: lamoo resume {name}\n",
            err,
        )
        (here / "go-on").touch()
        assert process(f"resume {name}", here).returncode == 0
    process("search mine:slow --budget 30 --out whole", here)
    assert trials(here / "inline") == trials(here / "workers") == trials(here / "whole")


@pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")
def test_ctrl_c_while_a_text_is_executed(here):
    """CPython would die of the signal itself, as parents see it, were it not told otherwise."""
    assert process("search mine:interrupted --budget 5 --out r", here).returncode == 130


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_progress_bar_on_a_terminal(here):
    import fcntl
    import pty
    import termios

    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    running = start("search mine:easy --budget 20 --out r", here, stderr=far)
    out, _ = running.communicate(timeout=600)
    os.close(far)
    screen = b""
    with contextlib.suppress(OSError):  # EIO: nobody is at the far end any more
        while part := os.read(near, 4096):
            screen += part
    os.close(near)
    assert b"20/20" in screen
    assert re.search(rb"hypervolume=[\d.]+", screen)
    assert re.search(rb"front=\d+", screen)
    assert "hypervolume" in out


def test_two_searches_in_one_folder(here):
    first = start("search mine:slow --budget 60 --out r", here)
    try:
        while not (here / "r" / FILE).exists():
            time.sleep(0.01)
        time.sleep(0.1)
        second = process("resume r", here)
        assert second.returncode == 2
        assert second.stderr == "lamoo: error: r is in use by another process\n"
    finally:
        first.kill()
        first.communicate()


def test_help(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["search", "--help"])
    assert stop.value.code == 0
    text = textwrap.dedent(capsys.readouterr().out)
    for option in ("objectives", "budget", "batch", "sampler", "selection", "seed", "workers",
                   "timeout", "out"):  # fmt: skip
        assert f"--{option}" in text
    assert "nasbench-graph-cora" in text
