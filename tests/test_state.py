import json
import math

import numpy as np
import pytest
from toys import DIRECTIONS, SMALL, SPACE, evaluate, evaluate_small, facts, run

import lamoo_fast as lf
from lamoo_fast.search import (
    BoTorchSampler,
    CMASampler,
    EHVISampler,
    Greedy,
    LaMOO,
    Leaf,
    Path,
    SVMClassifier,
    UniformSampler,
)

SEARCHES = {
    "uniform, leaf": {"sampler": UniformSampler(), "selection": Leaf()},
    "uniform, path, linear": {"selection": Path(), "classifier": SVMClassifier("linear")},
    "cma, greedy": {"sampler": CMASampler(), "selection": Greedy()},
    "ehvi": {"sampler": EHVISampler(n_candidates=32)},
    "botorch": {"sampler": BoTorchSampler(n_candidates=32)},
    "nehvi, explicit ref": {"sampler": BoTorchSampler(noisy=True, n_candidates=32), "ref": (-3, 3)},
}


@pytest.mark.parametrize("space", [SPACE, SMALL], ids=["mixed", "finite"])
@pytest.mark.parametrize("settings", SEARCHES.values(), ids=SEARCHES)
def test_going_on_from_a_saved_state_is_going_on(settings, space):
    value = evaluate if space is SPACE else evaluate_small

    def search(stops):
        opt = LaMOO(space, DIRECTIONS, seed=11, leaf_size=4, n_initial=8, **settings)
        random = np.random.default_rng(1)
        for i in range(8):
            opt.ask(int(random.integers(1, 5)))
            for t in opt.pending[: int(random.integers(0, 5))]:  # some stay pending for long
                opt.tell([t], [lf.failed("odd") if t.id % 9 == 4 else value(t.config)])
                if i in stops:
                    saved = json.loads(json.dumps(opt.state_dict(), allow_nan=False))
                    opt = LaMOO(space, DIRECTIONS, leaf_size=4, n_initial=8, **settings)
                    opt.load_state_dict(saved)
        return opt

    whole, resumed = search(()), search({1, 4, 5, 6})
    assert len(whole.tree) > 1 or len(whole.trials) < 8
    assert resumed.state_dict() == whole.state_dict()
    assert [t.x.tolist() for t in resumed.trials] == [t.x.tolist() for t in whole.trials]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: LaMOO(SMALL, DIRECTIONS, sampler=UniformSampler()), "state has space"),
        (lambda: LaMOO(SPACE, DIRECTIONS[::-1], sampler=UniformSampler()), "state has directions"),
        (
            lambda: LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), ref=(0, 0)),
            "state has ref None",
        ),
        (lambda: LaMOO(SPACE, DIRECTIONS, sampler=CMASampler()), r"state has sampler Uniform"),
        (
            lambda: LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), selection=Leaf(0.2)),
            r"Leaf\(c_p=0.1\), but this",
        ),
        (
            lambda: LaMOO(
                SPACE, DIRECTIONS, sampler=UniformSampler(), classifier=SVMClassifier(C=2)
            ),
            "has classifier",
        ),
        (
            lambda: LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), leaf_size=9),
            "leaf_size 10, but this search has 9",
        ),
        (
            lambda: LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), n_initial=9),
            "state has n_initial 10",
        ),
    ],
)
def test_a_state_of_another_search_is_refused(other, message):
    state = run(LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0), 20).state_dict()
    opt = other()
    before = opt.state_dict()
    with pytest.raises(ValueError, match=message):
        opt.load_state_dict(state)
    assert opt.state_dict() == before


def test_a_damaged_state_is_refused_and_changes_nothing():
    opt = run(LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0), 20)
    good = opt.state_dict()
    trial = good["trials"][3]
    for damage in (
        {"format": 3},
        {"trials": None},
        {"rng": {"bit_generator": "PCG64"}},
        {"rng": {}},
        {"ref": [1.0]},
        {"trials": [{k: v for k, v in trial.items() if k != "status"}]},
        {"trials": [trial | {"values": None}]},
        {"trials": [trial | {"values": [1.0]}]},
        {"trials": [trial | {"values": [1.0, math.nan]}]},
        {"trials": [trial | {"status": "lost"}]},
        {"trials": [trial | {"config": {}}]},
        {"trials": [trial, trial]},
    ):
        with pytest.raises(ValueError, match=r"."):
            opt.load_state_dict(good | damage)
        assert opt.state_dict() == good
    for key in good:
        with pytest.raises(ValueError, match=f"not the state of a search: KeyError\\('{key}'"):
            opt.load_state_dict({k: v for k, v in good.items() if k != key})


def test_rng_state_can_be_carried_over():
    a, b = (run(LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0), 40) for _ in range(2))
    wanted = facts(a.ask(3))
    b._rng.random(5)
    assert b.rng_state != LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0).rng_state
    fresh = run(LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0), 40)
    b.rng_state = json.loads(json.dumps(fresh.rng_state))
    assert facts(b.ask(3)) == wanted
    with pytest.raises(ValueError, match="not the state of a random generator"):
        b.rng_state = {"bit_generator": "MT19937"}
