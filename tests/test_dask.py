"""A study on a Dask cluster whose workers die, return and join; and whatever they answer."""

import functools
import os
import signal
import threading
import time
from collections import deque
from dataclasses import replace

import pytest
from test_study import MESSAGES, check, good, search, trouble

import lamoo_fast as lf
from lamoo_fast.search.futures import Futures

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # a trial is lost with the first worker
    "distributed.worker.daemon": True,
    "distributed.nanny.pre-spawn-environ": {"OPENBLAS_NUM_THREADS": "1"},
}


@pytest.fixture(scope="module")
def cluster():
    with (
        dask.config.set(SETTINGS),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        client.wait_for_workers(1, timeout=30)
        yield client


class Unloadable:
    """What cannot be unpickled."""

    def __reduce__(self):
        return int, ("no number",)


def garbage(kind, config):
    if config["x"] < 0.67 or kind != "unloadable":
        return trouble(kind, config)
    return Unloadable()


def noted(folder, config):
    """Take a while; each start and each end of it is a line."""
    for what in ("start", "end"):
        with open(os.path.join(folder, f"{os.getpid()}"), "a") as file:
            file.write(f"{what} {config['x']!r}\n")
        time.sleep(0.05 * (what == "start"))
    return good(config)


def lines(folder):
    return {int(f.name): f.read_text().splitlines() for f in folder.iterdir()}


def wait_for_starts(cluster, patience=30):
    """Wait until all have started: a nanny does not replace a worker that dies before that."""
    deadline = time.monotonic() + patience
    nannies = cluster.workers.values()
    while not all(n.process and n.process.status.name == "running" for n in nannies):
        assert time.monotonic() < deadline, "no worker came back"
        time.sleep(0.02)


def kill_a_busy_one(folder, killed, patience=30):
    """Kill a worker in the middle of an evaluation."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        for pid, said in lines(folder).items():
            if pid not in killed and said and said[-1].startswith("start"):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return
        time.sleep(0.002)


def test_workers_die_return_and_join(client, cluster, tmp_path):
    """Five are killed, and one joins; every trial has one outcome."""
    killed, told, killers = [], [], []

    def callback(study, trials):
        told.extend(t.id for t in trials)
        if len(told) % 8 == 0 and len(killers) < 5:
            for killer in killers:
                killer.join()
            wait_for_starts(cluster)
            killers.append(threading.Thread(target=kill_a_busy_one, args=(tmp_path, killed)))
            killers[-1].start()
        if len(told) == 50:
            cluster.scale(3)
            client.wait_for_workers(3, timeout=30)

    opt = search()
    evaluate = functools.partial(noted, str(tmp_path))
    study = lf.Study(
        opt, evaluate, executor=client.get_executor(), callbacks=[callback], progress=False
    )
    trials = study.run(90, 6, wait=False)
    assert len(killed) == len(set(killed)) == 5
    assert [t.id for t in trials] == sorted(told) == list(range(90))
    assert opt.pending == []
    assert {t.status for t in trials} == {"done"}
    assert all(t.values == good(t.config) for t in trials)
    said = [line.split() for some in lines(tmp_path).values() for line in some]
    starts = [x for what, x in said if what == "start"]
    assert {float(x) for x in starts} == {t.config["x"] for t in trials}
    assert len(starts) >= 90 + 5, "the evaluations that were cut off ran again"
    assert len(lines(tmp_path)) >= 2 + 5 + 1, "all workers had something to do"


@pytest.mark.parametrize(
    "kind", ["raise", "exit", "nan", "length", "none", "text", "unpicklable", "unloadable"]
)
def test_garbage_fails_its_trial(client, kind):
    opt = search()
    evaluate = functools.partial(garbage, kind)
    lf.Study(opt, evaluate, executor=client.get_executor(), progress=False).run(12, 4)
    if kind != "unloadable":
        check(opt, kind, 12)
    bad = [t for t in opt.trials if t.config["x"] >= 0.67]
    assert [t.id for t in opt.trials if t.status == "failed"] == [t.id for t in bad] != []
    wanted = MESSAGES.get(kind, "ValueError: invalid literal")
    assert all(wanted in t.message for t in bad)


def test_equal_points_are_evaluated_each(client):
    """Dask would take the result of the first."""
    trials = [replace(t, config={"x": 1, "op": "a"}) for t in search().ask(4)]
    futures = Futures(clock, client.get_executor(), None, None)
    outcomes = [o for found in futures.evaluate(deque(trials)) for o in found]
    assert sorted(outcome.trial.id for outcome in outcomes) == [0, 1, 2, 3]
    assert len({outcome.result for outcome in outcomes}) == 4


def clock(config):
    return time.perf_counter(), os.getpid()


def test_what_kills_every_worker_fails(client, cluster):
    """Three workers die of one trial, which no other trial pays for."""
    cluster.scale(3)
    client.wait_for_workers(3, timeout=30)
    wait_for_starts(cluster)
    opt = search()
    first = opt.ask(3)
    bad = max(t.config["x"] for t in first)
    study = lf.Study(
        opt,
        functools.partial(deadly, bad),
        executor=client.get_executor(),
        n_workers=1,  # what waits behind it on its worker would be lost with it
        progress=False,
    )
    study.run(3)
    assert [t.status for t in opt.trials].count("failed") == 1
    [failure] = [t for t in opt.trials if t.status == "failed"]
    assert failure.config["x"] == bad
    assert failure.message.startswith("lost by the executor: KilledWorker")
    assert failure.message.endswith("(3 times)")


def deadly(bad, config):
    if config["x"] == bad:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return good(config)


def test_a_cluster_that_restarts_and_one_that_is_gone():
    """What was in flight is evaluated again; without a cluster the run ends, and can go on."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def callback(study, trials):
            if trials[-1].id == 4:
                client.cancel([f for f in study._workers._executor._futures if not f.done()])
            if trials[-1].id == 12:
                client.close()

        opt = search()
        how = {"callbacks": [callback], "progress": False}
        study = lf.Study(opt, slow, executor=client.get_executor(), **how)
        with pytest.raises(RuntimeError, match="executor takes no more trials"):
            study.run(20, 4, wait=False)
        assert 10 < opt.n_told < 20
        assert opt.pending
    lf.Study(opt, good, progress=False).run(20, 4)
    assert [t.id for t in opt.trials] == list(range(20))
    assert {t.status for t in opt.trials} == {"done"}


def slow(config):
    time.sleep(0.1)
    return good(config)
