"""Many trials: the partition is learned again now and then, and is the same after a restart."""

import json

import numpy as np
import pytest
from toys import DIRECTIONS, SPACE, evaluate

import lamoo_fast as lf
from lamoo_fast.search import growth
from lamoo_fast.search.growth import learned_from


@pytest.fixture
def built(monkeypatch):
    """Numbers of rows that partitions were learned from."""
    sizes = []
    real = growth.PartitionTree.build

    def build(space, X, *rest, **settings):
        sizes.append(len(X))
        return real(space, X, *rest, **settings)

    monkeypatch.setattr(growth.PartitionTree, "build", build)
    return sizes


def outcome(trial):
    return lf.failed("odd") if trial.id % 9 == 4 else evaluate(trial.config)


def search(n):
    opt = lf.LaMOO(SPACE, DIRECTIONS, sampler=lf.UniformSampler(), seed=3, ref=(-3, 3))
    configs = SPACE.decode(np.random.default_rng(0).random((n, SPACE.d)))
    opt.tell(configs, list(map(evaluate, configs)))
    return opt


def test_the_rows_learned_from_grow_by_a_tenth():
    sizes = [learned_from(n) for n in range(5000)]
    assert sizes[:201] == list(range(201))
    for n in range(200, 5000):
        assert n / 1.1 - 1 < sizes[n] <= n
        assert sizes[n] >= sizes[n - 1]
    assert len(set(sizes[200:])) < 40


def test_below_200_the_partition_is_learned_at_each_ask(built):
    opt = search(180)
    for _ in range(25):
        opt.tell(opt.ask(1), [evaluate(opt.pending[0].config)])
    assert built == [*range(180, 200), 200]
    opt.ask(1)
    assert opt.tree.visits[0] == 205


def test_a_restored_search_has_the_same_partition(built):
    """With trials in flight, some of them for long, and told in any order."""

    def run(stops):
        opt = search(150)
        random = np.random.default_rng(1)
        for i in range(60):
            opt.ask(int(random.integers(1, 6)))
            for t in random.permutation(opt.pending)[: int(random.integers(1, 6))]:
                if t.id != 200:  # hangs
                    opt.tell([t], [outcome(t)])
            if i in stops:
                saved = json.loads(json.dumps(opt.state_dict()))
                opt = lf.LaMOO(SPACE, DIRECTIONS, sampler=lf.UniformSampler(), ref=(-3, 3))
                opt.load_state_dict(saved)
        return opt

    whole = run(())
    assert whole.n_told > 280
    assert len(built) < 45, "learned at each ask"
    resumed = run({20, 31, 32, 40, 55})
    assert resumed.state_dict() == whole.state_dict()


def test_a_hanging_trial_does_not_stop_the_learning(built):
    opt = search(210)
    opt.ask(1)
    for _ in range(6):
        opt.tell(trials := opt.ask(50), [evaluate(t.config) for t in trials])
    assert built[-1] > 400


def test_new_trials_are_in_the_tree_at_once():
    opt = search(400)
    opt.ask(1)
    before = opt.tree
    config = opt.pending[0].config
    opt.tell([opt.pending[0]], [(2.0, -2.0)])  # better than all others
    opt.ask(1)
    assert opt.tree.split is before.split
    assert opt.tree.visits[0] == 401
    assert opt.tree.value(0) == opt.hypervolume()
    assert opt.tree.region(lf.Leaf(0.0).select(opt.tree)).contains(SPACE.encode([config]))[0]
