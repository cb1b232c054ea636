"""Nevergrad: LaMOO as one of its optimizers."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

ng = pytest.importorskip("nevergrad")

from lamoo_fast.adapters.nevergrad import LaMOO, Parametrization  # noqa: E402
from lamoo_fast.search import UniformSampler  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::nevergrad.common.errors.NevergradWarning")
INF, NAN = float("inf"), float("nan")


def cube(d=2, **bounds):
    return ng.p.Array(shape=(d,), **(bounds or {"lower": 0, "upper": 1}))


def two(x):
    return [x[0] ** 2 + x[1], (1 - x[0]) ** 2 + x[1]]


def optimizer(seed, parametrization=None, budget=14, **settings):
    searched = cube() if parametrization is None else parametrization
    made = LaMOO(searched, budget, **{"n_initial": 6, **settings})
    made.parametrization.random_state.seed(seed)
    return made


def run(made, n, function=two, **kwargs):
    for _ in range(n):
        candidate = made.ask()
        made.tell(candidate, function(*candidate.args, **candidate.kwargs), **kwargs)
    return [trial.config for trial in made.search.trials]


# ---- what is searched ----


def everything():
    return ng.p.Instrumentation(
        ng.p.Choice(["a", "b", "c"], repetitions=2),
        ng.p.TransitionChoice([10, 20, 30]),
        ng.p.TransitionChoice(range(5), ordered=False),
        lr=ng.p.Log(lower=1e-4, upper=1e-1),
        x=ng.p.Scalar(lower=-1, upper=2),
        grid=ng.p.Array(shape=(2, 2), lower=0, upper=3).set_integer_casting(),
        rates=10 ** -ng.p.Array(shape=(2,), lower=1, upper=3),
        free=ng.p.Array(init=[5.0, -5.0]).set_mutation(sigma=2),
        tanh=ng.p.Scalar(init=0.5).set_bounds(0, 1, method="tanh"),
        nested=ng.p.Dict(op=ng.p.Choice([ng.p.Scalar(lower=0, upper=1), "skip", None])),
        always="same",
    )


def test_every_kind_there_and_back():
    host = Parametrization(everything())
    text = str(host.space)
    wanted = ["Categorical"] * 2 + ["Integer", "Categorical"] + ["Float"] * 2 + ["Integer"] * 4
    wanted += ["Float"] * 2 + ["Float"] * 2 + ["Float", "Categorical", "Float"]
    assert [type(param).__name__ for param in host.space.params.values()] == wanted, text
    for i, log in ((4, True), (5, False), (10, True)):
        assert host.space.params[str(i)].log is log
    X = np.vstack([np.random.default_rng(0).random((20, host.space.d)), np.eye(host.space.d)])
    for config in host.space.decode(host.space.snap(X)):
        child = host.child(config)
        found = host.config(pickle.loads(pickle.dumps(child)))
        assert found == pytest.approx(config, rel=1e-6)
        host.space.check(found)
        (ops, level, order), kw = child.value
        assert ops == tuple("abc"[config[i]] for i in "01")
        assert (level, order) == (10 * (config["2"] + 1), config["3"])
        assert kw["lr"] == pytest.approx(config["4"])
        assert kw["grid"].tolist() == [[config["6"], config["7"]], [config["8"], config["9"]]]
        assert kw["rates"] == pytest.approx([config["10"], config["11"]])
        assert ((kw["rates"] >= 1e-3 * (1 - 1e-6)) & (kw["rates"] <= 0.1 * (1 + 1e-6))).all()
        z = np.sinh([config["12"], config["13"]])
        assert kw["free"] == pytest.approx([5 + 2 * z[0], -5 + 2 * z[1]])
        assert kw["nested"]["op"] == (config["16"], "skip", None)[config["15"]]
        assert kw["always"] == "same"


@pytest.mark.parametrize("bounds", [(2, 1000), (1e-8, 1e8), (0.3, 7), (1e-300, 1e300)])
def test_the_ends_of_logarithmic_ranges(bounds):
    """What rounding of Nevergrad's own layers takes for out of range."""
    host = Parametrization(ng.p.Log(lower=bounds[0], upper=bounds[1]))
    for u in (0.0, 1.0):
        [config] = host.space.decode([[u]])
        assert host.child(config).value == pytest.approx(bounds[int(u)], rel=1e-6)


@pytest.mark.parametrize(
    "array",
    [
        lambda: ng.p.Log(lower=1, upper=1000).set_integer_casting(),
        lambda: ng.p.Scalar(lower=0.5, upper=3.5).set_integer_casting(),
        lambda: ng.p.Angles(shape=(2,), deg=True),
        lambda: ng.p.Array(init=np.ones((2, 2)), lower=0.5, upper=np.full((2, 2), 3.0)),
        lambda: ng.p.Array(init=[1.0, 3.0], lower=[0, 2], upper=[2, 4]),
        lambda: ng.p.Array(shape=(3,)).set_bounds(-1, 1, method="constraint"),
        lambda: ng.p.Scalar(init=0.5).set_bounds(0, 1, method="arctan"),
    ],
)
def test_odd_bounds(array):
    """Every value of the space is what a child has in the end, those at the ends too."""
    host = Parametrization(array())
    X = np.vstack([np.random.default_rng(0).random((9, host.space.d)), np.zeros(host.space.d)])
    X = np.vstack([X, np.ones(host.space.d)])
    for config in host.space.decode(X):
        child = host.child(config)
        assert host.allows(child)
        assert np.ravel(child.value) == pytest.approx(list(config.values()), rel=1e-6, abs=1e-6)
        assert host.config(child) == pytest.approx(config, rel=1e-6, abs=1e-6)


def layered():
    array = cube()
    array.register_cheap_constraint(lambda x: 1.0, as_layer=True)
    return ng.p.Dict(a=array)


class Odd(ng.p.Parameter):
    pass


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ng.p.Dict(x=ng.p.Scalar(lower=0)), r"parametrization\['x'\] has bounds.*or none"),
        (lambda: ng.p.Scalar().set_integer_casting(), "both bounds, as for whole"),
        (lambda: ng.p.Scalar(lower=0.2, upper=0.8).set_integer_casting(), "bounds 0.2 and 0.8"),
        (lambda: ng.p.Tuple(cube(), cube(lower=-1, upper=1) ** -2), r"\[1\] has bounds"),
        (lambda: ng.p.Instrumentation(cube(), k=Odd()), r"\[1\]\['k'\] is a Odd, wanted Scalar"),
        (layered, "as_layer=False"),
        (lambda: "x", "parametrization is 'x'"),
        (lambda: 0, "parametrization is 0"),
        (lambda: ng.p.Dict(x=3), "No variable"),
    ],
)
def test_bad_parametrizations(wrong, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parametrization = wrong()
        with pytest.raises(ValueError, match=message):
            LaMOO(parametrization)


def test_bad_settings():
    for wrong in ({"budget": 0}, {"num_workers": 0}, {"n_initial": -1}, {"ref": [NAN, 1]}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            LaMOO(2, **wrong)
    with pytest.raises(TypeError, match="n_intial"):
        LaMOO(2, n_intial=3)


# ---- the search ----


def test_several_losses():
    """The model finds what random points do not: y = 0."""
    made = optimizer(0)
    made.minimize(two)
    assert np.mean([t.config["1"] for t in made.search.trials[8:]]) < 0.1
    front = made.pareto_front()
    wanted = {trial.values for trial in made.search.pareto_front()}
    assert {tuple(candidate.losses) for candidate in front} == wanted
    for candidate in front:
        assert tuple(two(candidate.value)) == tuple(candidate.losses)
    assert made.search.n_told == made.num_tell == 14


def test_one_loss_without_bounds():
    made = optimizer(1, ng.p.Array(shape=(2,)), 20)
    assert abs(made.minimize(lambda x: float(((x - 2) ** 2).sum())).value - 2).max() < 0.2
    assert LaMOO is ng.optimizers.registry["LaMOO"]


def test_one_seed_one_result_dumped_or_not(tmp_path):
    wanted = run(optimizer(3), 10)
    assert run(optimizer(3), 10) == wanted
    assert run(optimizer(4), 10) != wanted
    for cut in (4, 8):
        part = optimizer(3)
        run(part, cut)
        pending = part.ask()
        part.dump(tmp_path / "part.pkl")
        part = LaMOO.load(tmp_path / "part.pkl")
        part.tell(pickle.loads(pickle.dumps(pending)), two(pending.value))
        assert run(part, 9 - cut) == wanted
        assert part.search.n_pending == 0


def test_numbers_of_losses():
    """They are known by the first of them; asks before are part of the search."""
    made = optimizer(0)
    early = [made.ask() for _ in range(3)]
    made.tell(early[1], [1, 2, 3])
    assert len(made.search.directions) == 3
    assert (made.search.n_pending, made.search.n_told) == (2, 1)
    with pytest.raises(ValueError, match="Expected 3"):
        made.tell(early[0], 1.0)
    made.tell(early[0], (1, 1, 1))
    with pytest.raises(ValueError, match="ref"):
        run(optimizer(0, ref=[1, 1]), 1, lambda x: [1, 2, 3])


def test_reference():
    made = optimizer(0)
    made.ask()
    made.tell(ng.p.MultiobjectiveReference(), [1.5, 2.0])
    assert (made.search.ref, made.search.n_pending) == ((1.5, 2.0), 1)
    with pytest.raises(ValueError, match="ref"):
        optimizer(0).tell(ng.p.MultiobjectiveReference(), [NAN, 1])
    run(made, 9)
    with pytest.raises(RuntimeError, match="before the first tell"):
        made.tell(ng.p.MultiobjectiveReference(), [9, 9])
    run(made, 1)
    assert made.search.ref == (1.5, 2.0)
    point = made.parametrization.spawn_child(new_value=np.array([0.5, 0.5]))
    made = optimizer(0)
    made.tell(ng.p.MultiobjectiveReference(point), [3.0, 4.0])
    assert (made.search.ref, made.search.trials[0].values) == ((3.0, 4.0), (3.0, 4.0))


@pytest.mark.parametrize("workers", [1, 3])
def test_workers(workers):
    made = optimizer(0, budget=12, num_workers=workers)
    with ThreadPoolExecutor(workers) as pool:
        made.minimize(two, executor=pool)
    configs = [tuple(trial.config.values()) for trial in made.search.trials]
    assert (len(set(configs)), made.search.n_pending, made._ids) == (12, 0, {})


def small(v):
    return bool(v.sum() <= 0.5)


def test_cheap_constraints():
    parametrization = ng.p.Array(init=[0.1, 0.1], lower=0, upper=1)
    parametrization.register_cheap_constraint(small)
    made = optimizer(0, parametrization, sampler=UniformSampler())
    assert all(sum(c.values()) <= 0.5 for c in run(made, 14, lambda x: [-x.sum(), x[0]]))
    pickle.loads(pickle.dumps(made)).ask()
    forbidden = made.parametrization.spawn_child(new_value=np.array([0.9, 0.9]))
    made.tell(forbidden, [-9, -9])
    assert len(made.search.trials) == 14
    assert forbidden not in made.pareto_front()


def test_constraint_violations():
    """They may come late; what violates one is on no front."""
    made = optimizer(0, n_initial=8)
    run(made, 2)
    for _ in range(12):
        candidate = made.ask()
        x, y = candidate.value
        made.tell(candidate, [x + y, 1 - x + y], [0.4 - x, y - 0.9])
    assert made.search.n_constraints == 2
    assert np.mean([t.config["0"] >= 0.39 for t in made.search.trials[8:]]) >= 0.8
    for c in made.pareto_front():  # the first two were told of no violation
        assert c.value[0] >= 0.4 or tuple(c.losses) == tuple(two(c.value))
    with pytest.raises(ValueError, match="wanted 2 numbers"):
        made.tell(made.ask(), [1, 1], 0.3)
    with pytest.raises(ValueError, match=r"constraint_violation is .*wanted numbers"):
        made.tell(made.ask(), [1, 1], ["a", "b"])
    run(made, 1)
    assert made.search.trials[-1].constraints == (0.0, 0.0)


def test_failed_evaluations():
    made = optimizer(0)
    assert len(made.pareto_front()) == 1  # the start, as with other optimizers
    for losses in ([NAN, -9], [-INF, 1], [1, INF], [1e21, -9]):
        made.tell(made.ask(), losses)
        assert made.pareto_front() == []
    run(made, 1)
    assert [t.status for t in made.search.trials] == ["failed"] * 4 + ["done"]
    assert len(made.pareto_front()) == 1
    single = optimizer(0)
    for loss in (NAN, INF, 3.0):
        single.tell(single.ask(), loss)
    assert [t.status for t in single.search.trials] == ["failed"] * 2 + ["done"]
    assert single.recommend().loss == 3


def test_candidates_nobody_asked_for():
    made = optimizer(0)
    candidate = made.ask()
    made.tell(candidate, [2, 1])
    made.tell(candidate, [3, 1])  # a second look
    own = made.parametrization.spawn_child(new_value=np.array([0.25, 0.75]))
    made.tell(own, [1, 1])
    made.suggest(np.array([0.5, 0.5]))
    run(made, 1)
    assert [t.values for t in made.search.trials] == [(2, 1), (3, 1), (1, 1), (0.75, 0.75)]
    assert made.search.trials[1].config == made.search.trials[0].config
    assert made.search.trials[2].config == {"0": 0.25, "1": 0.75}
    assert made.num_tell_not_asked == 3
    other = LaMOO(2)
    made.tell(other.parametrization.spawn_child(new_value=np.array([0.5, 1.5])), [1, 1])
    assert len(made.search.trials) == 4  # it is of another range
    far = optimizer(0, ng.p.Scalar())
    far.tell(far.parametrization.spawn_child(new_value=1e9), 1.0)
    assert far.search.trials[0].config == {"0": 4.0}


def test_spaces_that_end():
    made = optimizer(0, ng.p.Choice(["only"]), budget=5)
    assert made.minimize(lambda v: 1.0).value == "only"
    assert made.num_ask == 1
    made = optimizer(0, ng.p.TransitionChoice(range(4)), budget=9)
    values = [made.ask().value for _ in range(4)]
    assert sorted(values) == [0, 1, 2, 3]
    with pytest.raises(ng.errors.NevergradEarlyStopping, match="all points"):
        made.ask()


def test_taboos():
    """A candidate that Nevergrad turns down is not pending for ever."""
    parametrization = ng.p.Tuple(ng.p.Choice(range(30)), ng.p.Choice(range(3)))
    parametrization.specify_tabu_length(20)
    parametrization.tabu_congruence = lambda value: value[0] // 3
    made = optimizer(0, parametrization, sampler=UniformSampler())
    asked = [made.ask() for _ in range(8)]
    assert len({c.value[0] // 3 for c in asked}) == 8
    made.ask()
    assert made.search.n_pending == 9
    assert any(t.status == "failed" for t in made.search.trials)
