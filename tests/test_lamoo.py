import math
import subprocess
import sys

import numpy as np
import pytest
from toys import DIRECTIONS, SMALL, SPACE, evaluate, evaluate_small, facts, run

import lamoo_fast as lf
from lamoo_fast.search import (
    BoTorchSampler,
    CMASampler,
    EHVISampler,
    Float,
    Greedy,
    LaMOO,
    Leaf,
    Path,
    Space,
    UniformSampler,
)

# ---- asking ----


def test_trials_say_what_they_are():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0)
    trials = opt.ask(3)
    assert [t.id for t in trials] == [0, 1, 2]
    assert facts(opt.pending) == facts(trials)
    assert opt.trials == []
    for t in trials:
        assert (t.status, t.values, t.message, t.relaxed) == ("pending", None, "", 0)
        assert np.array_equal(t.x, SPACE.encode([t.config])[0])
        assert not t.x.flags.writeable
        with pytest.raises(AttributeError):
            t.status = "done"


@pytest.mark.parametrize("space", [SPACE, SMALL])
def test_initial_design_is_the_same_however_it_is_asked_for(space):
    at_once = LaMOO(space, DIRECTIONS, sampler=UniformSampler(), seed=3, n_initial=20).ask(20)
    opt = LaMOO(space, DIRECTIONS, sampler=UniformSampler(), seed=3, n_initial=20)
    one_by_one = [t for n in (1, 4, 2, 13) for t in opt.ask(n)]
    assert [t.config for t in at_once] == [t.config for t in one_by_one]


def test_initial_design_is_spread_evenly():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = np.array(
        [
            t.x
            for t in LaMOO(space, DIRECTIONS, sampler=UniformSampler(), seed=1, n_initial=64).ask(
                64
            )
        ]
    )
    cells = np.floor(X * 8).astype(int)
    assert len({tuple(c) for c in cells.tolist()}) == 64  # a Sobol net: one point in each cell


def test_uniform_until_enough_is_told_and_regions_from_then_on():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0, n_initial=40)
    first, second = opt.ask(30), opt.ask(30)  # more than n_initial, none of them told
    opt.tell(first, [evaluate(t.config) for t in first])
    opt.ask(5)
    assert opt.tree is None
    assert opt.ref is None
    assert math.isnan(opt.hypervolume())
    opt.tell(second[:10], [evaluate(t.config) for t in second[:10]])
    trials = opt.ask(5)
    assert len(opt.tree) > 1
    region = opt.tree.region(Leaf().select(opt.tree))
    assert region.contains(np.array([t.x for t in trials])).all()


def test_proposals_lie_in_the_selected_region():
    opt = run(LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=1, leaf_size=5), 100)
    for _ in range(10):
        trials = opt.ask(3)
        region = opt.tree.region(Leaf().select(opt.tree))
        assert region.constraints
        assert region.contains(np.array([t.x for t in trials])).all()
        opt.tell(trials, [evaluate(t.config) for t in trials])


@pytest.mark.parametrize(
    "sampler",
    [UniformSampler(), CMASampler(), EHVISampler(), BoTorchSampler(n_candidates=64)],
    ids=repr,
)
def test_finite_space_is_never_repeated_and_runs_out(sampler):
    opt = LaMOO(SMALL, DIRECTIONS, seed=0, sampler=sampler, leaf_size=3, n_initial=8)
    opt.tell([{"a": 0, "b": 0, "c": "u"}], [(0, 0)])
    pending = opt.ask(3)
    while len(opt.trials) < 40:
        trials = opt.ask(4)
        opt.tell(trials, [evaluate_small(t.config) if t.id % 7 else lf.FAILED for t in trials])
    last = opt.ask(100)
    everything = opt.trials + opt.pending
    assert len(everything) == 50
    assert len({tuple(t.config.values()) for t in everything}) == 50
    assert {t.id for t in pending} <= {t.id for t in opt.pending}
    state = opt.state_dict()
    with pytest.raises(lf.SpaceExhausted, match="50"):
        opt.ask()
    assert opt.state_dict() == state
    everywhere = isinstance(sampler, lf.EHVISampler)  # looks at the whole space from the start
    assert any(t.relaxed > 0 for t in last) != everywhere


def test_relaxed_counts_the_constraints_given_up():
    opt = run(
        LaMOO(SMALL, DIRECTIONS, sampler=UniformSampler(), seed=2, leaf_size=3, n_initial=8),
        30,
        5,
        evaluate_small,
    )
    trials = opt.ask(20)
    region = opt.tree.region(Leaf().select(opt.tree))
    assert region.constraints
    assert max(t.relaxed for t in trials) == len(region.constraints)
    for t in trials:
        wider, narrower = region, None
        for _ in range(t.relaxed):
            wider, narrower = wider.parent(), wider
        assert wider.contains(t.x[None]).all()
        assert narrower is None or not narrower.contains(t.x[None]).any()
    assert [t.relaxed for t in trials] == sorted(t.relaxed for t in trials)


def test_a_space_where_nothing_is_valid_is_an_error_and_no_loop():
    for params in (SPACE.params, SMALL.params):
        opt = LaMOO(Space(params, valid=lambda config: False), DIRECTIONS)
        with pytest.raises(ValueError, match="valid accepts none"):
            opt.ask()


def test_one_seed_one_search():
    a, b, c = (
        run(LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=s), 60) for s in (4, 4, 5)
    )
    assert facts(a.trials) == facts(b.trials)
    assert facts(a.trials) != facts(c.trials)
    assert LaMOO(SPACE, DIRECTIONS).ask(1)[0].config != LaMOO(SPACE, DIRECTIONS).ask(1)[0].config


def test_a_generator_as_seed_is_drawn_from_once_and_not_shared():
    generator = np.random.default_rng(6)
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=generator)
    after = generator.bit_generator.state
    opt.ask(20)
    assert generator.bit_generator.state == after
    again = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=np.random.default_rng(6))
    assert facts(again.ask(20)) == facts(opt.pending)


def test_order_of_tells_does_not_matter():
    def search(shuffle):
        opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=7, leaf_size=4)
        random = np.random.default_rng(0)
        for _ in range(8):
            trials = opt.ask(10)
            for i in random.permutation(10) if shuffle else range(10):
                outcome = lf.FAILED if trials[i].id % 11 == 5 else evaluate(trials[i].config)
                opt.tell([trials[i]], [outcome])
        return opt

    assert facts(search(True).trials) == facts(search(False).trials)


def test_asking_fails_as_a_whole(monkeypatch):
    class Broken:
        def draw(self, region, n, view):
            view.rng.random(3)
            raise RuntimeError("broken")

    opt = run(LaMOO(SPACE, DIRECTIONS, seed=0, sampler=Broken(), n_initial=10), 10)
    state = opt.state_dict()
    with pytest.raises(RuntimeError, match="broken"):
        opt.ask()
    assert opt.state_dict() == state


@pytest.mark.parametrize("m", [1, 2, 3, 6])
@pytest.mark.parametrize("selection", [Leaf(), Path(), Greedy()], ids=repr)
def test_any_number_of_objectives(m, selection):
    opt = LaMOO(SPACE, ["minimize"] * m, seed=0, selection=selection, leaf_size=5)
    run(opt, 60, 5, lambda c: [abs(c["x"] - i / 5) + c["n"] for i in range(m)])
    assert len(opt.tree) > 1
    assert opt.hypervolume() > 0


# ---- telling ----


def test_tell_takes_trials_ids_and_configurations_in_any_order():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0)
    t = opt.ask(4)
    free = {"op": "b", "n": np.int64(3), "x": 0.5}
    told = opt.tell([t[2], 0, free], np.array([[1, 2], [3, 4], [5, 6]]))
    assert [(s.id, s.values, s.status) for s in told] == [
        (2, (1.0, 2.0), "done"),
        (0, (3.0, 4.0), "done"),
        (4, (5.0, 6.0), "done"),
    ]
    assert [s.id for s in opt.trials] == [0, 2, 4]
    assert [s.id for s in opt.pending] == [1, 3]
    assert opt.trials[2].config == {"x": 0.5, "n": 3, "op": "b"}
    opt.tell([free, free], [(5, 6), (5, 7)])  # repeated measurements are all kept
    assert [s.id for s in opt.trials] == [0, 2, 4, 5, 6]
    assert [s.id for s in opt.ask()] == [7]


def test_values_in_many_forms():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0)
    t = opt.ask(4)
    row = np.array([1.5, 2], dtype=np.float32)
    told = opt.tell(t, [row, lf.FAILED, [True, 2], lf.failed("no memory")])
    assert [s.values for s in told] == [(1.5, 2.0), None, (1.0, 2.0), None]
    assert [s.message for s in told] == ["", "", "", "no memory"]
    assert all(type(v) is float for s in told if s.values for v in s.values)
    assert opt.tell([], []) == []


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_failures(bad):
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0)
    (told,) = opt.tell(opt.ask(), [[1.0, bad]])
    assert (told.status, told.values) == ("failed", None)
    assert str(bad) in told.message


def test_failed_trials_are_kept_and_never_ranked():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0, ref=(-9, 9))
    trials = opt.ask(30)
    opt.tell(trials, [lf.FAILED if t.id % 2 else evaluate(t.config) for t in trials])
    assert len(opt.trials) == 30
    opt.ask()
    assert opt.tree.visits[0] == 30
    assert opt.tree.value(0) == opt.hypervolume() > 0
    assert all(t.status == "done" for t in opt.pareto_front())


@pytest.mark.parametrize(
    ("trials", "values", "message"),
    [
        ([0, 99], [[1, 2]] * 2, r"trials\[1\]: trial 99 is not a trial of this search"),
        ([0, 1], [[1, 2]] * 2, r"trials\[1\]: trial 1 was told before"),
        ([0, 0], [[1, 2]] * 2, "one trial twice"),
        ([0, {"x": 2.0, "n": 1, "op": "a"}], [[1, 2]] * 2, r"trials\[1\]: 'x' is 2.0"),
        ([0, {"x": 0.5}], [[1, 2]] * 2, r"trials\[1\]: config has keys \['x'\]"),
        ([0, "1"], [[1, 2]] * 2, "'1', wanted a trial, its id or a configuration"),
        ([0, 2], [[1, 2]], "values has 1 entries but there are 2 trials"),
        ([0, 2], [[1, 2, 3]] * 2, r"values\[0\] has shape \(3,\), wanted \(2,\)"),
        ([0, 2], [[1, 2], None], r"values\[1\] has shape \(\), wanted \(2,\)"),
        ([0, 2], [[1, 2], ["a", "b"]], r"values\[1\] is \['a', 'b'\], wanted 2 numbers"),
        ([0, 2], lf.FAILED, "wanted 2 rows of 2 numbers or FAILED"),
        ([0, 2], 1.0, "values is 1.0, wanted 2 rows"),
        (0, [[1, 2]], "trials is 0, wanted a sequence of trials"),
        (None, [], "trials is None, wanted a sequence of trials"),
    ],
)
def test_a_bad_tell_records_nothing(trials, values, message):
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0)
    opt.ask(3)
    opt.tell([1], [[1, 2]])
    state = opt.state_dict()
    with pytest.raises(ValueError, match=message):
        opt.tell(trials, values)
    assert opt.state_dict() == state


def test_a_trial_of_another_search_is_refused():
    opt, other = (LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=s) for s in (0, 1))
    opt.ask()
    with pytest.raises(ValueError, match="trial 0 is not a trial of this search"):
        opt.tell(other.ask(), [[1, 2]])


# ---- results ----


def test_front_and_hypervolume_are_in_user_units():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0, ref=(0, 10))
    assert opt.pareto_front() == []
    assert opt.hypervolume() == 0
    opt.tell(opt.ask(5), [[1, 2], [3, 4], [3, 4], [0.5, 3], [-1, 1]])
    assert [t.id for t in opt.pareto_front()] == [0, 1, 2, 4]
    assert opt.hypervolume() == pytest.approx(1 * 8 + 2 * 6)
    assert opt.ref == (0, 10)


def test_ref_is_fixed_after_the_initial_design():
    opt = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), seed=0, n_initial=4)
    opt.tell(opt.ask(3), [[1, 2], [3, 6], [0, 9]])
    assert opt.ref is None
    opt.tell(opt.ask(1), [[2, 3]])
    # Front (1, 2), (2, 3), (3, 6): worst 1 and 6, ranges 2 and 4.
    assert opt.ref == pytest.approx((0.8, 6.4))
    before = opt.ref
    opt.ask()
    opt.tell(opt.pending, [[100, -100]])
    opt.ask()
    assert opt.ref == before
    restored = LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler(), n_initial=4)
    restored.load_state_dict(opt.state_dict())
    assert restored.ref == before


@pytest.mark.parametrize(
    ("values", "ref"),
    [
        ([[1, 5], [1, 7], [3, 9]], (1.2, 5.4)),  # one point on the front: range of all points
        ([[2, -4]] * 3, (2.2, -3.6)),  # no range at all: the size of the value
        ([[0, 0]] * 3, (0.1, 0.1)),
        ([[1.7e308, 0], [0, 2], [1, 1]], (sys.float_info.max, 2.2)),
    ],
)
def test_ref_of_a_front_without_range(values, ref):
    opt = LaMOO(SPACE, ["minimize", "minimize"], sampler=UniformSampler(), seed=0, n_initial=3)
    opt.tell(opt.ask(3), values)
    assert opt.ref == pytest.approx(ref)
    assert opt.hypervolume() >= 0


# ---- settings ----


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((SPACE.params, DIRECTIONS), {}, "wanted a Space"),
        ((SPACE, "minimize"), {}, "directions is the string 'minimize'"),
        ((SPACE, []), {}, "directions is empty"),
        ((SPACE, ["minimise"]), {}, "did you mean 'minimize'"),
        ((SPACE, ["max"]), {}, "did you mean 'maximize'"),
        ((SPACE, [1]), {}, "direction is 1"),
        ((SPACE, DIRECTIONS), {"ref": (1, 2, 3)}, r"ref has shape \(3,\), wanted \(2,\)"),
        ((SPACE, DIRECTIONS), {"ref": 1}, r"ref has shape \(\)"),
        ((SPACE, DIRECTIONS), {"ref": (1, math.inf)}, "wanted finite numbers"),
        ((SPACE, DIRECTIONS), {"ref": ("a", 1)}, "wanted 2 numbers"),
        ((SPACE, DIRECTIONS), {"leaf_size": 0}, "leaf_size is 0"),
        ((SPACE, DIRECTIONS), {"leaf_size": 2.5}, "leaf_size is 2.5"),
        ((SPACE, DIRECTIONS), {"n_initial": 0}, "n_initial is 0"),
        ((SPACE, DIRECTIONS), {"seed": -1}, "seed is -1"),
        ((SPACE, DIRECTIONS), {"seed": "0"}, "seed is '0'"),
    ],
)
def test_bad_settings(args, kwargs, message):
    with pytest.raises(ValueError, match=message):
        LaMOO(*args, **kwargs)


@pytest.mark.parametrize("n", [0, -1, 1.5, None, True])
def test_bad_number_of_trials(n):
    with pytest.raises(ValueError, match=f"n is {n}"):
        LaMOO(SPACE, DIRECTIONS, sampler=UniformSampler()).ask(n)


def test_importing_the_search_is_light():
    code = "import sys, lamoo_fast.search; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"scipy", "sklearn", "torch", "botorch", "cma", "matplotlib", "tqdm"}
    assert not heavy & set(loaded.stdout.split())
