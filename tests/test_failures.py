"""Regions where evaluations fail are learned and left alone."""

import numpy as np
import pytest

import lamoo_fast as lf

SPACE = lf.Space({f"x{i}": lf.Float(0, 1) for i in range(4)})


def half(config):
    """Fails in half of the space, next to the best values."""
    if config["x1"] + config["x2"] > 1:
        raise RuntimeError("out of memory")
    rest = 2 - config["x1"] - config["x2"] + config["x3"]
    return config["x0"] + rest, 1 - config["x0"] + rest


def failures(seed, budget=120, evaluate=half, **settings):
    settings = {
        "sampler": lf.UniformSampler(),
        **settings,
    }  # what is avoided, the partition learned
    opt = lf.LaMOO(SPACE, ["minimize"] * 2, seed=seed, **settings)
    trials = lf.Study(opt, evaluate, progress=False).run(budget, 4)
    return [t.status == "failed" for t in trials], opt


def test_half_of_a_space_that_fails_is_avoided():
    """The good values lie at the border of what fails: without learning it they lure there."""
    late = [sum(failures(seed, leaf_size=6)[0][40:]) / 80 for seed in range(4)]
    uniform = [sum(failures(seed, n_initial=1000)[0][40:]) / 80 for seed in range(4)]
    assert np.mean(uniform) == pytest.approx(0.5, abs=0.08)
    assert np.mean(late) < 0.6 * np.mean(uniform)
    assert max(late) < min(uniform)


def test_failures_count_as_visits_and_not_as_values():
    _, opt = failures(0)
    opt.ask()
    assert opt.tree.visits[0] == 120
    assert opt.tree.value(0) == pytest.approx(opt.hypervolume(), rel=1e-12)
    good, bad = opt.tree.child[0]
    failed = np.array([t.status == "failed" for t in opt.trials])
    assert failed[opt.tree.rows(bad)].mean() > failed[opt.tree.rows(good)].mean() + 0.3


def test_where_nearly_all_fails_the_design_ends_all_the_same():
    """4 n_initial trials and two successes are enough to learn from."""

    def rare(config):
        if config["x1"] > 0.12:
            raise RuntimeError("no")
        return config["x0"] + config["x1"], 1 - config["x0"]

    failed, opt = failures(0, 160, rare, leaf_size=3)
    assert opt.tree is not None
    assert opt.ref is not None
    assert sum(failed[80:]) < sum(failed[:80]) - 10


def test_samplers_see_where_it_failed():
    class Spy(lf.UniformSampler):
        def draw(self, region, n, view):
            views.append(view)
            return super().draw(region, n, view)

    views = []
    _, opt = failures(1, 60, sampler=Spy())
    wanted = [t.x for t in opt.trials[:56] if t.status == "failed"]
    assert np.array_equal(views[-1].failed, wanted)
    assert len(views[-1].X) == 56 - len(wanted)
