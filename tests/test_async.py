"""A study without rounds: no worker waits for another one."""

import functools
import os
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import pytest
from test_study import good, search

import lamoo_fast as lf
from lamoo_fast.search.journal import Journal


def slow_once(folder, config):
    """The first evaluation of all takes until seven others are done."""
    os.makedirs(folder, exist_ok=True)
    try:
        os.mkdir(os.path.join(folder, "first"))
    except FileExistsError:
        open(os.path.join(folder, f"{os.getpid()}-{time.perf_counter_ns()}"), "w").close()
    else:
        deadline = time.monotonic() + 300
        while len(os.listdir(folder)) < 8:
            assert time.monotonic() < deadline, "the other workers waited"
            time.sleep(0.005)
    return good(config)


@pytest.mark.parametrize("kind", ["processes", "threads", "threads, two in flight"])
def test_no_worker_waits_for_another(tmp_path, kind):
    rounds = []

    def callback(study, trials):
        rounds.append([t.id for t in trials])
        assert study.opt.n_pending <= 2

    evaluate = functools.partial(slow_once, str(tmp_path / "done"))
    opt = search()
    with ThreadPoolExecutor(2) as threads:
        how = {
            "processes": {"n_workers": 2},
            "threads": {"executor": threads},
            "threads, two in flight": {"executor": threads, "n_workers": 2},
        }[kind]
        study = lf.Study(opt, evaluate, callbacks=[callback], progress=False, **how)
        trials = study.run(20, 3, wait=False)
    assert [t.id for t in trials] == list(range(20))
    assert opt.pending == []
    order = [i for told in rounds for i in told]
    late = max(range(20), key=lambda i: i - order[i])
    assert order[late] <= 1
    assert late >= 4, "told no later than in rounds of three"


def test_without_waiting_one_trial_is_asked_for_each_one_told(tmp_path):
    opt = search()
    asked = []
    real = opt.ask

    def ask(n):
        asked.append((n, opt.n_told, opt.n_pending))
        return real(n)

    opt.ask = ask
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, good, journal=journal, progress=False)
        study.run(12, 4, wait=False)
    assert asked == [(4, 0, 0), *((1, told, 3) for told in range(1, 9))]
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()
        wanted = search()
        lf.Study(wanted, good, progress=False).run(12, 4, wait=False)
        assert journal.state() == wanted.state_dict()  # one worker: the same order each time


class Bursts(Executor):
    """Evaluates when it has so many calls, all at once; half of the third burst is an `error`."""

    def __init__(self, size, error=None):
        self.size, self.error = size, error
        self.calls, self.bursts = [], 0

    def submit(self, function, /, *args):
        future = Future()
        self.calls.append((future, function, args))
        if len(self.calls) == self.size:
            self.bursts += 1
            for number, (done, call, given) in enumerate(self.calls):
                if self.bursts == 3 and self.error is not None and 2 * number >= self.size:
                    done.set_exception(self.error)
                else:
                    done.set_result(call(*given))
            self.calls = []
        return future


@pytest.mark.parametrize("wait", [True, False])
def test_what_comes_together_is_recorded_together(tmp_path, monkeypatch, wait):
    """One flush for all that were asked for and one for all told."""
    opt, rounds, synced = search(), [], []
    with Journal.create(tmp_path, opt) as journal:
        real = os.fsync
        monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(opt.n_told), real(fd)))

        def callback(study, trials):
            rounds.append([t.id for t in trials])

        study = lf.Study(
            opt, good, journal=journal, executor=Bursts(4), callbacks=[callback], progress=False
        )
        study.run(16, 4, wait=wait)
        monkeypatch.undo()
    assert rounds == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    assert synced == [0, 4, 4, 8, 8, 12, 12, 16]
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()
    wanted = search()
    lf.Study(wanted, good, progress=False).run(16, 4)
    assert opt.state_dict() == wanted.state_dict()


@pytest.mark.parametrize("error", [BrokenExecutor("no more"), KeyboardInterrupt()])
@pytest.mark.parametrize("wait", [True, False])
def test_what_came_before_the_executor_broke_is_kept(tmp_path, wait, error):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, good, journal=journal, executor=Bursts(4, error), progress=False)
        with pytest.raises((RuntimeError, KeyboardInterrupt), match=r"broke while|^$"):
            study.run(16, 4, wait=wait)
        assert [t.id for t in opt.trials if t.status == "done"] == list(range(10))
        assert journal.state() == opt.state_dict()


@pytest.mark.parametrize("wait", [True, False])
def test_what_came_with_a_contradiction_is_kept(tmp_path, wait):
    """One that the search cannot go on from; those before it are recorded."""

    def evaluate(config):
        return config["x"], 1 - config["x"] ** 2 + (opt.n_told == 8 and config == odd[0])

    opt = lf.LaMOO(
        lf.Space({"x": lf.Float(0, 1)}),
        ["minimize", "minimize"],
        sampler=lf.UniformSampler(),
        known={1: lambda config: 1 - config["x"] ** 2},
        seed=0,
    )
    odd = []
    real = opt.ask

    def ask(n):
        trials = real(n)
        if trials[0].id == 8:
            odd.append(trials[2].config)
        return trials

    opt.ask = ask
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, evaluate, journal=journal, executor=Bursts(4), progress=False)
        with pytest.raises(ValueError, match="known"):
            study.run(16, 4, wait=wait)
        assert [t.id for t in opt.trials] == list(range(10))
        assert journal.state() == opt.state_dict()


def test_an_interrupted_run_without_waiting_goes_on(tmp_path):
    count = iter(range(100))

    def evaluate(config):
        if next(count) in (5, 11):
            raise KeyboardInterrupt
        return good(config)

    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        for told in (5, 10):
            study = lf.Study(opt, evaluate, journal=journal, progress=False)
            with pytest.raises(KeyboardInterrupt):
                study.run(20, 4, wait=False)
            assert (opt.n_told, opt.n_pending) == (told, 4)
    with Journal.open(tmp_path) as journal:
        again = search()
        again.load_state_dict(journal.state())
        lf.Study(again, evaluate, journal=journal, progress=False).run(20, 4, wait=False)
        assert journal.state() == again.state_dict()
    wanted = search()
    lf.Study(wanted, good, progress=False).run(20, 4, wait=False)
    assert again.state_dict() == wanted.state_dict()


def test_without_waiting_a_space_is_used_up_and_that_is_said_once(caplog):
    caplog.set_level("INFO")
    opt = lf.LaMOO(
        lf.Space({"i": lf.Integer(0, 6)}), ["minimize"], sampler=lf.UniformSampler(), seed=0
    )
    trials = lf.Study(opt, lambda c: (c["i"],), progress=False).run(50, 4, wait=False)
    assert sorted(t.values[0] for t in trials) == list(range(7))
    assert caplog.text.count("trials early") == 1


def test_trials_asked_for_by_a_callback_are_evaluated_too():
    def callback(study, trials):
        if trials[0].id == 3:
            study.opt.ask(2)

    opt = search()
    lf.Study(opt, good, callbacks=[callback], progress=False).run(12, 2, wait=False)
    assert opt.n_told == 12
    assert opt.pending == []
