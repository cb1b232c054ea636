"""Evaluations that return garbage: the trial fails and says why, in every kind of worker."""

import functools
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal

import numpy as np
import pytest
from test_study import good, search

import lamoo_fast as lf
from lamoo_fast.search.journal import Journal
from lamoo_fast.search.workers import Together


class MuteError(Exception):
    """An exception without a message that could be shown."""

    def __str__(self):
        raise RuntimeError("no text")


class Hostile:
    """Neither an array nor a text."""

    def __array__(self, *args, **kwargs):
        raise KeyError("no array")

    def __repr__(self):
        raise KeyError("no text")


def mute():
    raise MuteError


GARBAGE = {
    "none": (lambda: None, "wanted (2,)"),
    "keys": (lambda: {"loss": 1.0, "time": 2.0}, "wanted 2 numbers"),
    "set": (lambda: {1.0, 2.0}, "wanted 2 numbers"),
    "text": (lambda: "12", "wanted (2,)"),
    "texts": (lambda: ("1", "2"), "('1', '2'), wanted 2 numbers"),
    "array of texts": (lambda: np.array(["1", "2"]), "wanted 2 numbers"),
    "objects": (lambda: np.array([1.0, "2"], dtype=object), "wanted 2 numbers"),
    "bytes": (lambda: (b"1", b"2"), "wanted 2 numbers"),
    "complex": (lambda: (1.0, 2j), "wanted 2 numbers"),
    "complex array": (lambda: np.array([1.0, 2j]), "wanted 2 numbers"),
    "complex numbers": (lambda: (np.complex64(1), 2.0), "wanted 2 numbers"),
    "dates": (lambda: np.array(["2020", "2021"], dtype="M8[D]"), "wanted 2 numbers"),
    "masked": (lambda: np.ma.array([1.0, 2.0], mask=[0, 1]), "wanted 2 numbers"),
    "longer": (lambda: np.ones(3), "shape (3,), wanted (2,)"),
    "empty": (lambda: (), "shape (0,), wanted (2,)"),
    "column": (lambda: np.ones((2, 1)), "shape (2, 1), wanted (2,)"),
    "ragged": (lambda: ([1], [2, 3]), "wanted 2 numbers"),
    "nan": (lambda: (math.nan, 1.0), "not finite: (nan, 1.0)"),
    "missing": (lambda: (None, 1.0), "not finite: (nan, 1.0)"),
    "beyond": (lambda: (10**5000, 1.0), "of type tuple, wanted 2 numbers"),
    "long": (lambda: "x" * 10**6, "xxx..., wanted 2 numbers"),
    "hostile": (lambda: (Hostile(), 1.0), "of type tuple, wanted 2 numbers"),
    "mute": (mute, "MuteError"),
    "odd reason": (lambda: lf.search.trial.Failed(message=5), "5"),
}


def evaluate(kind, config):
    return good(config) if config["x"] < 0.5 else GARBAGE[kind][0]()


def evaluate_all(kind, configs):
    return [evaluate(kind, config) for config in configs]


def check(opt, kind):
    bad = [t for t in opt.trials if t.config["x"] >= 0.5]
    assert 0 < len(bad) < len(opt.trials) == 8
    assert [t for t in opt.trials if t.status == "failed"] == bad
    assert all(GARBAGE[kind][1] in t.message and len(t.message) < 400 for t in bad)
    assert all(t.values == good(t.config) for t in opt.trials if t not in bad)
    assert opt.pending == []


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("kind", GARBAGE)
def test_here(kind, tmp_path):
    opt = search()
    with Journal.create(tmp_path, opt) as journal:
        study = lf.Study(opt, functools.partial(evaluate, kind), journal=journal, progress=False)
        study.run(8, 4)
    check(opt, kind)
    with Journal.open(tmp_path) as journal:
        assert journal.state() == opt.state_dict()
    together = search()
    lf.Study(together, Together(functools.partial(evaluate_all, kind)), progress=False).run(8, 4)
    check(together, kind)


@contextmanager
def own_processes():
    yield {"n_workers": 1}


@contextmanager
def threads():
    with ThreadPoolExecutor(2) as executor:
        yield {"executor": executor}


@contextmanager
def foreign_processes():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        yield {"executor": executor}


@contextmanager
def dask():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield {"executor": client.get_executor()}


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("workers", [own_processes, threads, foreign_processes, dask])
def test_elsewhere(workers):
    """All kinds through one set of workers, as starting them is what takes time."""
    with workers() as how:
        for kind in GARBAGE:
            opt = search()
            lf.Study(opt, functools.partial(evaluate, kind), progress=False, **how).run(8, 4)
            check(opt, kind)


@pytest.mark.parametrize("bad", [None, {}, "12", 3.0, [], [(1.0, 2.0)] * 9])
def test_a_batch_of_garbage(bad):
    """What is no list of one result each is asked for again one by one, and fails one by one."""
    opt = search()
    lf.Study(opt, Together(lambda configs: bad), progress=False).run(8, 4)
    good = [t for t in opt.trials if t.status == "done"]
    assert len(good) == (8 if isinstance(bad, list) and bad else 0)
    assert len(opt.trials) == 8
    assert opt.pending == []


@pytest.mark.parametrize("row", [(1, 2), (np.int64(1), True), [Decimal(1), 2.0], np.ones(2, "f4")])
def test_numbers_of_other_types_are_numbers(row):
    opt = search()
    [trial] = opt.tell(opt.ask(), [row])
    assert trial.values == tuple(map(float, row))


def test_a_number_of_pytorch_is_a_number():
    torch = pytest.importorskip("torch")
    opt = search()
    rows = [torch.ones(2), (torch.tensor(1.0), torch.tensor(1)), torch.ones(2, dtype=torch.half)]
    assert [t.values for t in opt.tell(opt.ask(3), rows)] == [(1.0, 1.0)] * 3
    bad = torch.tensor([1j, 2.0])
    with pytest.raises(ValueError, match="wanted 2 numbers"):
        opt.tell(opt.ask(), [bad])


def test_pairs_of_objectives_and_constraints():
    space = lf.Space({"x": lf.Float(0, 1)})
    opt = lf.LaMOO(space, ["minimize"], n_constraints=2, seed=0)
    [trial] = opt.tell(opt.ask(), [((1.0,), (0.0, np.float32(-1)))])
    assert (trial.values, trial.constraints) == ((1.0,), (0.0, -1.0))
    for bad in [((1.0,), ("0", "1")), ((1j,), (0.0, 1.0)), (np.array([1j]), np.zeros(2))]:
        with pytest.raises(ValueError, match="1 objectives and 2"):
            opt.tell(opt.ask(), [bad])
