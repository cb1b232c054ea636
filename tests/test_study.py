"""The study loop: every way an evaluation can go wrong, in every kind of worker."""

import functools
import json
import math
import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast.search.journal import Journal
from lamoo_fast.search.workers import Together

SPACE = lf.Space({"x": lf.Float(0, 1), "op": lf.Categorical(["a", "b"])})


def search(seed=0):
    return lf.LaMOO(
        SPACE,
        ["minimize", "minimize"],
        sampler=lf.UniformSampler(),
        n_initial=6,
        leaf_size=3,
        seed=seed,
    )


def good(config):
    return config["x"], 1 - config["x"] ** 2


def trouble(kind, config):
    """Go wrong in about a third of the space."""
    if config["x"] < 0.67:
        return good(config)
    if kind == "raise":
        raise KeyError("x was\nhigh")
    if kind == "exit":
        sys.exit("leaving")
    if kind == "nan":
        return math.nan, 1.0
    if kind == "inf":
        return 1.0, -math.inf
    if kind == "length":
        return 1.0, 2.0, 3.0
    if kind == "none":
        return None
    if kind == "text":
        return "high", "low"
    if kind == "say so":
        return lf.failed("did not like it")
    if kind == "die":
        os._exit(3)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "unpicklable":
        return lambda: 1
    if kind == "hang":
        time.sleep(60)
    raise AssertionError(kind)


MESSAGES = {
    "raise": "KeyError: 'x was\\nhigh'",
    "exit": "SystemExit: leaving",
    "nan": "not finite: (nan, 1.0)",
    "inf": "not finite: (1.0, -inf)",
    "length": "wanted (2,)",
    "none": "wanted ",
    "text": "wanted 2 numbers",
    "say so": "did not like it",
    "die": "worker process died: exit status 3",
    "kill": "worker process died: signal 9",
    "unpicklable": "Can't",
    "hang": "no result within 0.4 s",
}
HARMLESS = [k for k in MESSAGES if k not in ("die", "kill", "unpicklable", "hang")]


def check(opt, kind, budget):
    assert len(opt.trials) == budget
    assert opt.pending == []
    bad = [t for t in opt.trials if t.config["x"] >= 0.67]
    assert bad, "the case did not occur"
    for trial in opt.trials:
        if trial in bad:
            assert trial.status == "failed"
            assert MESSAGES[kind] in trial.message
        else:
            assert trial.status == "done", trial.message
            assert trial.values == good(trial.config)


def reference(kind, budget):
    """The same run, evaluated by hand."""
    opt = search()
    while len(opt.trials) < budget:
        trials = opt.ask(min(4, budget - len(opt.trials)))
        fate = [lf.FAILED if t.config["x"] >= 0.67 else good(t.config) for t in trials]
        opt.tell(trials, fate)
    return [(t.config, t.values) for t in opt.trials]


@pytest.mark.parametrize("kind", HARMLESS)
def test_inline(kind):
    opt = search()
    lf.Study(opt, functools.partial(trouble, kind), progress=False).run(30, 4)
    check(opt, kind, 30)
    assert [(t.config, t.values) for t in opt.trials] == reference(kind, 30)


@pytest.mark.parametrize("kind", MESSAGES)
def test_own_processes(kind):
    if kind == "kill" and not hasattr(signal, "SIGKILL"):
        pytest.skip("no SIGKILL here")
    opt = search()
    timeout = 0.4 if kind == "hang" else None
    budget = 10 if kind == "hang" else 14
    evaluate = functools.partial(trouble, kind)
    lf.Study(opt, evaluate, n_workers=2, timeout=timeout, progress=False).run(budget, 4)
    check(opt, kind, budget)
    assert [(t.config, t.values) for t in opt.trials] == reference(kind, budget)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("kind", ["raise", "nan", "length", "say so", "hang"])
def test_threads(kind):
    opt = search()
    timeout = 0.4 if kind == "hang" else None
    budget = 6 if kind == "hang" else 20
    evaluate = functools.partial(short_hang if kind == "hang" else trouble, kind)
    with ThreadPoolExecutor(6) as threads:
        lf.Study(opt, evaluate, executor=threads, timeout=timeout, progress=False).run(budget, 6)
    check(opt, kind, budget)


def short_hang(kind, config):
    time.sleep(0 if config["x"] < 0.67 else 1.5)
    return good(config)


def test_foreign_processes():
    opt = search()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        evaluate = functools.partial(trouble, "raise")
        lf.Study(opt, evaluate, executor=pool, progress=False).run(12, 4)
    check(opt, "raise", 12)


def test_a_broken_foreign_executor_blames_nobody():
    """Which of several trials in flight broke it cannot be known: all stay pending."""
    opt = search()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        study = lf.Study(opt, functools.partial(trouble, "die"), executor=pool, progress=False)
        with pytest.raises(RuntimeError, match="executor broke while it evaluated trials"):
            study.run(30, 6)
    assert all(t.status == "done" for t in opt.trials)
    assert opt.pending
    # alone in flight, the guilty one is known
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        study = lf.Study(
            opt, functools.partial(trouble, "die"), executor=pool, n_workers=1, progress=False
        )
        with pytest.raises(RuntimeError, match="executor takes no more trials"):
            study.run(30, 6)
    blamed = next(t for t in opt.trials if t.status == "failed")
    assert blamed.message.startswith("worker process died")
    # and processes of our own finish the run
    lf.Study(opt, functools.partial(trouble, "die"), n_workers=2, progress=False).run(12, 6)
    assert len(opt.trials) == 12


def test_hanging_threads_use_up_the_executor():
    opt = search()
    with ThreadPoolExecutor(2) as threads:
        study = lf.Study(
            opt, functools.partial(short_hang, "hang"), executor=threads, n_workers=2,
            timeout=0.2, progress=False,
        )  # fmt: skip
        with pytest.raises(RuntimeError, match="all 2 slots of the executor hang past the timeout"):
            study.run(60, 6)
    assert len(opt.trials) < 60


class Backwards(Executor):
    """Any executor will do, even one that finishes each four trials in the opposite order."""

    def __init__(self):
        self._held = []

    def submit(self, function, /, *args):
        future = Future()
        self._held.append((future, function, args))
        if len(self._held) == 4:
            for held, call, arguments in reversed(self._held):
                held.set_result(call(*arguments))
            self._held.clear()
        return future


def test_results_do_not_depend_on_the_workers():
    wanted = reference("raise", 24)
    evaluate = functools.partial(trouble, "raise")

    def run(**how):
        opt = search()
        lf.Study(opt, evaluate, progress=False, **how).run(24, 4)
        return [(t.config, t.values) for t in opt.trials]

    assert run() == wanted
    assert run(executor=Backwards()) == wanted
    for n in (1, 3, 8):
        assert run(n_workers=n) == wanted
    with ThreadPoolExecutor(3) as threads:
        assert run(executor=threads) == wanted
        assert run(executor=threads, n_workers=1) == wanted


def test_own_processes_run_at_the_same_time_and_load_once(tmp_path):
    opt = search()
    evaluate = functools.partial(note_process, str(tmp_path))
    lf.Study(opt, evaluate, n_workers=4, progress=False).run(12, 4)
    pids = {entry.name for entry in tmp_path.iterdir()}
    assert len(pids) == 4
    assert str(os.getpid()) not in pids
    spans = [
        json.loads(line) for entry in tmp_path.iterdir() for line in entry.read_text().splitlines()
    ]
    assert len(spans) == 12
    assert max(sum(a <= start <= b for a, b in spans) for start, _ in spans) > 1


def note_process(folder, config):
    start = time.time()
    time.sleep(0.3)
    with open(os.path.join(folder, str(os.getpid())), "a") as file:
        file.write(f"[{start}, {time.time()}]\n")
    return good(config)


def test_pending_trials_come_first(tmp_path):
    opt = search()
    pending = opt.ask(3)
    seen = []
    study = lf.Study(opt, good, callbacks=[lambda s, ts: seen.append((s, [t.id for t in ts]))],
                     progress=False)  # fmt: skip
    study.run(8, 4)
    assert seen == [(study, [0, 1, 2]), (study, [3, 4, 5, 6]), (study, [7])]
    assert opt.trials[0].config == pending[0].config
    study.run(9, 4)  # and on
    assert seen[-1] == (study, [8])
    assert study.run(9, 4) == opt.trials
    assert len(opt.trials) == 9


def test_callbacks_get_told_trials():
    statuses = []
    lf.Study(
        search(), functools.partial(trouble, "raise"), progress=False,
        callbacks=[lambda study, trials: statuses.extend(t.status for t in trials)],
    ).run(20, 5)  # fmt: skip
    assert len(statuses) == 20
    assert set(statuses) == {"done", "failed"}


def test_stops_when_the_space_is_used_up(caplog):
    caplog.set_level("INFO")
    opt = lf.LaMOO(
        lf.Space({"i": lf.Integer(0, 6)}), ["minimize"], sampler=lf.UniformSampler(), seed=0
    )
    trials = lf.Study(opt, lambda c: (c["i"],), progress=False).run(50, 4)
    assert sorted(t.values[0] for t in trials) == list(range(7))
    assert "stopped 43 trials early" in caplog.text


def test_journal_of_a_study_with_failures(tmp_path):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        lf.Study(opt, functools.partial(trouble, "nan"), journal=journal, progress=False).run(20, 4)
    with Journal.open(tmp_path) as journal:
        again = search()
        again.load_state_dict(journal.state())
    assert again.state_dict() == opt.state_dict()
    assert {t.status for t in again.trials} == {"done", "failed"}


def test_an_interrupt_leaves_the_trial_pending(tmp_path):
    """Ctrl-C in the 8th evaluation: seven trials are told and in the journal."""
    count = iter(range(100))

    def evaluate(config):
        if next(count) == 7:
            raise KeyboardInterrupt
        return good(config)

    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, evaluate, journal=journal, progress=False)
        with pytest.raises(KeyboardInterrupt):
            study.run(20, 4)
        assert [t.id for t in opt.pending] == [7]
        study.run(20, 4)
    assert len(opt.trials) == 20
    wanted = search()
    lf.Study(wanted, good, progress=False).run(20, 4)
    assert wanted.state_dict() == opt.state_dict()


def test_a_callback_that_raises_stops_the_processes():
    def stop(study, trials):
        raise RuntimeError("enough")

    study = lf.Study(search(), good, n_workers=2, callbacks=[stop], progress=False)
    with pytest.raises(RuntimeError, match="enough"):
        study.run(20, 4)
    assert multiprocessing.active_children() == []


class Refuses:
    """Pickles, but cannot be loaded."""

    def __call__(self, config):
        return good(config)

    def __reduce__(self):
        return (_refuse, ())


def _refuse():
    raise OSError("no table here")


def test_a_worker_that_dies_while_it_is_idle_is_replaced():
    def kill(study, trials):
        for worker in study._workers._workers:
            os.kill(worker.process.pid, signal.SIGKILL)
            worker.process.join()

    opt = search()
    lf.Study(opt, good, n_workers=1, callbacks=[kill], progress=False).run(3, 1)
    assert [t.status for t in opt.trials] == ["done"] * 3


def test_workers_that_cannot_start():
    study = lf.Study(search(), Refuses(), n_workers=2, progress=False)
    message = "a worker cannot load the evaluation: OSError: no table here"
    with pytest.raises(RuntimeError, match=message):
        study.run(4, 2)
    assert multiprocessing.active_children() == []
    with pytest.raises(ValueError, match="evaluate cannot be sent to worker processes"):
        lf.Study(search(), lambda config: (1, 2), n_workers=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_workers": 0}, "n_workers is 0; wanted a whole number >= 1"),
        ({"n_workers": 1.5}, "n_workers is 1.5; wanted"),
        ({"timeout": 0}, "timeout is 0; wanted a number of seconds > 0"),
        ({"timeout": math.nan}, "timeout is nan; wanted"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        lf.Study(search(), good, **arguments)


@pytest.mark.parametrize(("budget", "batch"), [(0, 1), (-1, 1), (True, 1), (5, 0), (5, 2.0)])
def test_bad_budgets(budget, batch):
    study = lf.Study(search(), good, progress=False)
    with pytest.raises(ValueError, match=r"(budget|batch) is .*; wanted a whole number >= 1"):
        study.run(budget, batch)
    assert len(study.run(np.int64(3), np.int32(2))) == 3


def test_progress_bar_on_a_terminal(monkeypatch):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    lf.Study(search(), good).run(20, 5)
    text = screen.getvalue()
    assert "20/20" in text
    assert "hypervolume=" in text
    assert "front=" in text


def test_no_progress_bar_in_a_file(capsys):
    lf.Study(search(), good).run(20, 5)
    assert capsys.readouterr().err == ""


def test_batches_are_evaluated_together():
    sizes = []

    def evaluate(configs):
        sizes.append(len(configs))
        if any(c["x"] > 0.8 for c in configs):
            raise ValueError("too large")
        return [(c["x"], 1 - c["x"]) for c in configs]

    opt = search()
    trials = lf.Study(opt, Together(evaluate), progress=False).run(budget=12, batch=6)
    assert sizes[0] == 6
    for trial in trials:  # one trial's error is no other's
        assert trial.status == ("failed" if trial.config["x"] > 0.8 else "done")
    assert {t.status for t in trials} == {"failed", "done"}

    other = search()
    alone = lf.Study(other, Together(evaluate).__call__, progress=False).run(budget=12, batch=6)
    assert [t.values for t in trials] == [t.values for t in alone]
