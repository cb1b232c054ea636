"""Mistakes that were found by trying to break the search, one test for each."""

import gzip
import io
import json
import logging
import os
import subprocess
import sys
import time

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast import plot
from lamoo_fast.cli import _BarFriendly, main
from lamoo_fast.nas import load_problem
from lamoo_fast.search.journal import Journal

SQUARE = lf.Space({"x": lf.Float(0, 1), "y": lf.Float(0, 1)})


def evaluate(config):
    return config["x"], 1 - config["x"] + config["y"]


def search(space=SQUARE, m=2, **settings):
    return lf.LaMOO(space, ["minimize"] * m, seed=0, **settings)


@pytest.mark.parametrize(
    "space",
    [
        lf.Space({"lr": lf.Float(1e-4, 1e-1, log=True), "w": lf.Float(-5, 10.3)}),
        lf.Space({"w": lf.Float(-0.1, 0.7)}),
        lf.Space({"w": lf.Float(1e6, 1e6 + 1e-3)}),
    ],
)
def test_rounding_of_a_float_does_not_propose_a_point_again(space):
    at_once = [t.config for t in search(space).ask(10)]
    opt = search(space)
    assert [opt.ask(1)[0].config for _ in range(10)] == at_once


def test_a_float_with_few_values_runs_out_without_repeats():
    opt = search(lf.Space({"x": lf.Float(1, 1 + 1e-15)}))
    values = [t.config["x"] for t in opt.ask(10)]
    assert len(set(values)) == len(values) == 6
    with pytest.raises(lf.SpaceExhausted, match="no new point"):
        opt.ask(1)


def test_keys_of_configurations_are_those_of_their_points():
    space = lf.Space(
        {
            "f": lf.Float(-0.1, 0.7),
            "i": lf.Integer(1, 2**44, log=True),
            "c": lf.Categorical(["a", "b"]),
        }
    )
    X = np.random.default_rng(0).random((200, 3))
    assert space.keys(X) == space.config_keys(space.decode(X))


def test_an_evaluation_may_change_its_config():
    opt = search()
    trials = opt.ask(2)
    asked = [dict(t.config) for t in trials]
    for trial in trials:
        trial.config["x"] = 99
        trial.config["extra"] = 1
    opt.tell(trials, [[1, 2], [2, 1]])
    assert [t.config for t in opt.trials] == asked
    search().load_state_dict(json.loads(json.dumps(opt.state_dict())))


@pytest.mark.parametrize("outcome", [None, lf.FAILED, [1.0, 2.0]])
def test_rare_valid_points_are_found_whatever_became_of_the_earlier_ones(outcome):
    opt = search(lf.Space({"x": lf.Float(0, 1)}, valid=lambda c: c["x"] < 1e-4))
    for _ in range(6):
        trials = opt.ask(1)
        if outcome is not None:
            opt.tell(trials, [outcome])
    assert len({t.config["x"] for t in [*opt.trials, *opt.pending]}) == 6


@pytest.mark.parametrize("part", [{"state": -1}, {"state": 2**200}, {"inc": 2**200}])
def test_state_with_a_generator_out_of_range_is_refused(part):
    state = json.loads(json.dumps(search().state_dict()))
    state["rng"]["state"] |= part
    with pytest.raises(ValueError, match="random generator"):
        search().load_state_dict(state)


@pytest.mark.parametrize("part", [{"uinteger": -1}, {"uinteger": 2**32}, {"state": 5}])
def test_state_with_other_parts_of_a_generator_is_refused(part):
    state = json.loads(json.dumps(search().state_dict()))
    state["rng"] |= part
    with pytest.raises(ValueError, match="random generator"):
        search().load_state_dict(state)


@pytest.mark.parametrize("seed", [-4, float("inf")])
def test_state_with_an_impossible_design_seed_is_refused_at_once(seed):
    opt = search()
    before = opt.state_dict()
    with pytest.raises(ValueError, match=r"non-negative|state of a search"):
        opt.load_state_dict({**before, "design_seed": seed})
    assert opt.state_dict() == before


def test_bounds_beyond_all_floats_are_a_value_error():
    for make in (lf.Float, lf.Integer):
        with pytest.raises(ValueError, match=r"range of floats|2\*\*51"):
            make(0, 10**400)


def test_logarithmic_integers_that_cannot_be_told_apart_are_refused():
    with pytest.raises(ValueError, match=r"within 2\*\*44"):
        lf.Integer(1, 2**51, log=True)
    param = lf.Integer(1, 2**44, log=True)
    values = list(range(2**44 - 5000, 2**44 + 1))
    assert param.from_unit(param.to_unit(values)) == values


def test_values_that_cannot_be_read_fail_a_trial_and_not_the_study():
    torch = pytest.importorskip("torch")
    study = lf.Study(search(), lambda c: torch.tensor([c["x"], 1.0], requires_grad=True))
    assert [t.status for t in study.run(3)] == ["failed"] * 3


class Unreadable:
    """Travels to another process, but does not arrive."""

    def __reduce__(self):
        return float, ("no number",)


def unreadable(config):
    return Unreadable()


def test_a_result_that_cannot_be_unpickled_fails_its_trial():
    trials = lf.Study(search(), unreadable, n_workers=1).run(2)
    assert [t.message for t in trials] == ["ValueError: could not convert string to float: "
                                           "'no number'"] * 2  # fmt: skip


def test_a_very_long_timeout_is_no_error():
    trials = lf.Study(search(), evaluate, timeout=1e300).run(2, 2)
    assert [t.status for t in trials] == ["done"] * 2


def test_trials_asked_for_outside_the_study_do_not_damage_its_journal(tmp_path):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        opt.ask(2)
        lf.Study(opt, evaluate, journal=journal).run(6, 2)
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()


def test_trials_told_outside_the_study_are_recorded(tmp_path):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        trials = opt.ask(2)
        journal.asked(trials, opt)
        opt.tell(trials[:1], [[1, 2]])
        lf.Study(opt, evaluate, journal=journal).run(6, 2)
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()


OBJECTIVES = {"f": "minimize", "g": "minimize"}


@pytest.mark.parametrize("text", ["--5", "1" * 5000, "-0"])
def test_fields_that_look_like_whole_numbers_stay_text(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(f"k,f,g\n{text},1,2\n5,2,1\n", encoding="utf-8")
    table = lf.Table.read(path, ["k"], OBJECTIVES)
    assert table.evaluate({"k": text}) == (1, 2)


def test_a_table_cut_off_in_its_middle_is_a_value_error(tmp_path):
    path = tmp_path / "t.csv.gz"
    lines = [b"%d,%d,%d\n" % (i, i * 7919 % 97, i) for i in range(2000)]
    whole = gzip.compress(b"k,f,g\n" + b"".join(lines))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot be read"):
        lf.Table.read(path, ["k"], OBJECTIVES)


@pytest.mark.parametrize("scale", [2.0**-1000, 2.0**-30, 2.0**1000])
def test_bayesian_optimisation_does_not_depend_on_the_units(scale):
    pytest.importorskip("botorch")

    def asked(scale):
        opt = search(sampler=lf.BoTorchSampler(n_candidates=64))
        trials = opt.ask(10)
        opt.tell(trials, [np.multiply(evaluate(t.config), scale) for t in trials])
        return [t.config for t in opt.ask(2)]

    assert asked(scale) == asked(1.0)


def lamoo(arguments, folder, **environment):
    """Run the command in a process of its own, with its output buffered as usual."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        [sys.executable, "-m", "lamoo_fast", *arguments],
        cwd=folder,
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_unit_that_cannot_be_printed_is_no_error(tmp_path):
    search = ["search", "vehicle-safety", "--budget", "2", "--out", "out"]
    process = lamoo(search, tmp_path, PYTHONIOENCODING="ascii")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert b"acceleration [m/s?]" in out


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE there")
def test_nobody_reading_on_is_no_complaint(tmp_path):
    process = lamoo(["info"], tmp_path)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 128 + 13
    process.stderr.close()


def test_a_module_that_exits_when_imported_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "exits_at_import.py").write_text("raise SystemExit(3)", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="cannot be imported: SystemExit: 3"):
        load_problem("exits_at_import:problem")


def test_a_missing_extra_is_not_called_a_defect(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cma", None)
    arguments = ["branin-currin", "--sampler", "cma", "--budget", "15"]
    assert main(["search", *arguments, "--out", str(tmp_path / "out")]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "lamoo: error: CMASampler needs pycma: pip install 'lamoo_fast[cma]'"


def test_a_failure_of_many_lines_is_reported_in_one(capsys):
    handler = _BarFriendly()
    handler.emit(logging.makeLogRecord({"msg": "no\nway", "levelname": "WARNING"}))
    assert capsys.readouterr().err == "lamoo: warning: no way\n"


SLOW = """
import time, lamoo_fast as lf
@lf.problem(lf.Space({"x": lf.Float(0, 1)}), {"f": "minimize"})
def slow(config):
    time.sleep(0.2)
    return config["x"]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_workers_of_a_terminated_search_say_nothing(tmp_path):
    (tmp_path / "slow_problem.py").write_text(SLOW, encoding="utf-8")
    out = tmp_path / "out"
    process = lamoo(["search", "slow_problem:slow", "--workers", "2", "--out", str(out)], tmp_path)
    deadline = time.monotonic() + 300
    while not (out / "journal.jsonl").exists() or b'"tell"' not in (
        (out / "journal.jsonl").read_bytes()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.communicate() == (b"", b"")  # ends when the last worker has closed its stderr


def drawn(figure):
    figure.savefig(io.BytesIO())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e-300, 1e300, 1e308])
@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_pictures_of_extreme_values(scale, way):
    opt = lf.LaMOO(SQUARE, [way, "minimize"], sampler=lf.UniformSampler(), seed=0)
    trials = opt.ask(40)
    sign = -1 if way == "maximize" else 1
    opt.tell(trials, [[sign * scale * t.config["x"], -scale * t.config["x"]] for t in trials])
    opt.ask(1)
    objectives = [lf.Objective("f", way), lf.Objective("g", "minimize")]
    drawn(plot.pareto(opt.trials, objectives, ref=opt.ref))
    drawn(plot.partition_tree(opt.tree, chosen=0))
    drawn(plot.regions(opt.tree, opt.trials, chosen=0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("volumes", [[0, np.inf], [np.nan, 1], [1e308, 1.7e308], [np.nan]])
def test_trace_of_volumes_that_are_no_numbers(volumes):
    drawn(plot.hypervolume_trace(volumes))


def test_dollar_signs_are_no_formula():
    opt = search()
    opt.tell(opt.ask(3), [[1, 2], [2, 1], [3, 3]])
    objectives = [lf.Objective("a$_$b", "minimize"), lf.Objective("price", "minimize", "$")]
    drawn(plot.pareto(opt.trials, objectives, title="$_$"))


@pytest.mark.parametrize("part", [{"problem": None}, {"objectives": [{"name": []}]}])
def test_an_edited_journal_is_not_called_a_defect(tmp_path, capsys, part):
    with Journal.create(tmp_path, search()):
        pass
    file = tmp_path / "journal.jsonl"
    entry = json.loads(file.read_text(encoding="utf-8"))
    names = ("budget", "batch", "sampler", "selection", "seed", "workers", "timeout")
    entry |= {"problem": "dtlz2", "objectives": [], "run": dict.fromkeys(names, "leaf")} | part
    file.write_text(json.dumps(entry) + "\n", encoding="utf-8")
    assert main(["resume", str(tmp_path)]) == 2
    assert "was not made by `lamoo search`" in capsys.readouterr().err


def test_cma_that_breaks_down_learns_more_slowly(monkeypatch):
    """As pycma does after hundreds of rows, now and then: "a variance has become negative"."""
    cma = pytest.importorskip("cma")

    class Breaks(cma.CMAEvolutionStrategy):
        def tell(self, *args, **kwargs):
            if self.opts["CMA_rankmu"] == 1:
                raise RuntimeError("A sampler variance has become negative")
            super().tell(*args, **kwargs)

    monkeypatch.setattr(cma, "CMAEvolutionStrategy", Breaks)
    opt = search(sampler=lf.CMASampler(), n_initial=10)
    opt.tell(trials := opt.ask(10), [evaluate(t.config) for t in trials])
    assert len(opt.ask(4)) == 4
