"""Optuna: its own suites for samplers, and what they leave out."""

import runpy
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

optuna = pytest.importorskip("optuna")
suites = pytest.importorskip("optuna.testing.pytest_samplers")

from lamoo_fast.adapters.optuna import EliteSelection, LaMOOSampler  # noqa: E402
from lamoo_fast.adapters.optuna_space import DRAWN, axes  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.WARNING)


class TestSuite(
    suites.BasicSamplerTestCase,
    suites.RelativeSamplerTestCase,
    suites.MultiObjectiveSamplerTestCase,
):
    @pytest.fixture
    def sampler(self):
        return lambda: LaMOOSampler(seed=0)


# ---- the sampler ----


def two(trial):
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    return x**2 + y, (1 - x) ** 2 + y


def sampler(seed, **settings):
    return LaMOOSampler(seed, n_initial=6, **settings)


def run(seed, n, sampler=sampler, **settings):
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler(seed, **settings))
    study.optimize(two, n_trials=n)
    return study


def params(study):
    return [trial.params for trial in study.trials]


def test_searches():
    """The model finds what random points do not: y = 0."""
    last = run(0, 14).trials[8:]
    assert np.mean([trial.params["y"] for trial in last]) < 0.1


def test_one_objective():
    study = optuna.create_study(direction="maximize", sampler=sampler(3))
    study.optimize(lambda trial: -((trial.suggest_float("x", -5, 5) - 2) ** 2), n_trials=14)
    assert abs(study.best_params["x"] - 2) < 0.05


def test_one_seed_one_result_however_often_interrupted():
    whole = run(5, 10)
    assert params(whole) == params(run(5, 10))
    assert params(whole) != params(run(6, 10))
    parts = optuna.create_study(directions=["minimize"] * 2, sampler=sampler(5))
    for _ in range(2):
        parts.sampler = sampler(5)
        parts.sampler.reseed_rng()
        parts.optimize(two, n_trials=5)
    assert params(whole) == params(parts)


def test_directions_are_those_of_the_study():
    """Maximising the negative is minimising."""
    up = optuna.create_study(directions=["maximize"] * 2, sampler=sampler(5))
    up.optimize(lambda trial: [-v for v in two(trial)], n_trials=10)
    for a, b in zip(params(up), params(run(5, 10)), strict=True):
        assert a == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("known", [2, 8])
def test_trials_at_once_are_different(known):
    """Asked for before any is told, suggested late: in the design, and from the model."""
    study = run(1, known)
    trials = [study.ask() for _ in range(5)]
    points = np.array([(t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1)) for t in trials])
    distances = np.linalg.norm(points[:, np.newaxis] - points, axis=2)
    assert distances[~np.eye(5, dtype=bool)].min() > 1e-3


def suggest(trial, names):
    return [trial.suggest_float(name, 0, 1) for name in names]


@pytest.mark.parametrize("known", [2, 8])
def test_trials_that_stopped_half_way(known):
    """What has suggested one of two parameters, and runs or failed, does not part the two."""
    study, whole = run(1, known), run(1, known)
    half = study.ask()
    suggest(half, "x")
    study.tell(half, state=optuna.trial.TrialState.FAIL)
    whole.tell(whole.ask(), state=optuna.trial.TrialState.FAIL)
    assert suggest(study.ask(), "xy") == suggest(whole.ask(), "xy")


def test_no_trial_is_drawn_again_that_has_suggested_half():
    """Of a finite space, where equal points would show."""
    study = optuna.create_study(sampler=sampler(0))

    def whole(trial):
        return trial.suggest_int("x", 0, 3), trial.suggest_int("y", 0, 3)

    study.optimize(lambda trial: sum(whole(trial)), n_trials=2)
    half = [study.ask() for _ in range(3)]
    for trial in half:
        trial.suggest_int("x", 0, 3)
    points = [whole(study.ask()), *map(whole, half)]
    assert len(set(points)) == 4


@pytest.mark.parametrize("kind", ["int", "float"])
def test_values_between_steps_are_left_out(kind):
    """A trial of 1 is none of 0 when only even numbers are left."""
    d = {
        "int": optuna.distributions.IntDistribution(0, 10, step=2),
        "float": optuna.distributions.FloatDistribution(0, 10, step=2),
    }[kind]
    axis = axes({"x": d})["x"]
    assert [axis.code(value) for value in (0, 1, 2, 10, 12)] == [0, None, 1, 5, None]


def test_steps_come_back():
    """The values of a distribution have their codes, rounded or not."""
    for low, step in ((0, 0.1), (-1.7, 0.3), (1e5, 1e-3), (0.1, 0.7)):
        d = optuna.distributions.FloatDistribution(low, low + 64 * step, step=step)
        axis = axes({"x": d})["x"]
        codes = range(axis.param.high + 1)
        assert [axis.code(axis.value(code)) for code in codes] == list(codes)
    big = optuna.distributions.IntDistribution(2**60, 2**60 + 9, step=3)
    axis = axes({"x": big})["x"]
    assert [axis.code(2**60 + i) for i in range(5)] == [0, None, None, 1, None]


def test_ranges_too_large_are_drawn_at_random():
    """Whole numbers that floats cannot hold too."""
    d = optuna.distributions.IntDistribution(0, 10**400)
    assert axes({"x": d, "y": optuna.distributions.IntDistribution(0, 2**61)}) == {}


def test_finite_space_is_used_up_before_anything_is_repeated():
    study = optuna.create_study(sampler=sampler(0))

    def objective(trial):
        word = trial.suggest_categorical("b", [0, None, "c"])
        return trial.suggest_int("a", 0, 8, step=4) + len(str(word))

    study.optimize(objective, n_trials=12)
    points = [tuple(trial.params.values()) for trial in study.trials]
    assert len(set(points[:9])) == len(set(points)) == 9


def test_constraints():
    """Both ways to give them; the search goes where they are met."""

    def limit(trial):
        return (0.5 - trial.params["y"],)

    study = run(0, 16, constraints_func=limit)
    last = study.trials[10:]
    assert all(trial.system_attrs["constraints"] for trial in last)
    assert np.mean([trial.params["y"] for trial in last]) == pytest.approx(0.5, abs=0.1)
    assert all(trial.params["y"] >= 0.5 for trial in study.best_trials)
    if hasattr(optuna.trial.FrozenTrial, "constraints"):
        named = optuna.create_study(directions=["minimize"] * 2, sampler=sampler(0))

        def objective(trial):
            values = two(trial)
            trial.set_constraint("least y", 0.5 - trial.params["y"])
            return values

        named.optimize(objective, n_trials=16)
        assert params(named) == params(study)


def test_conditional_spaces():
    """Each branch is a search of its own, and the better one is found."""

    def objective(trial):
        if trial.suggest_categorical("kind", ["good", "bad"]) == "good":
            return (trial.suggest_float("a", -1, 1) - 0.3) ** 2
        return 1 + trial.suggest_float("b", 0, 1)

    study = optuna.create_study(sampler=sampler(2))
    study.optimize(objective, n_trials=25)
    assert study.best_value < 1e-2
    space = study.sampler.infer_relative_search_space(study, study.trials[-1])
    assert list(space) == ["a", "b", "kind"]


def test_trials_that_did_not_succeed():
    """Failed, pruned, infinite and out of the present range: kept out, no crash."""
    study = optuna.create_study(sampler=sampler(0))

    def objective(trial, high):
        x = trial.suggest_float("x", 0, high)
        if trial.number % 4 == 1:
            raise ValueError("as it goes")
        if trial.number % 4 == 2:
            raise optuna.TrialPruned
        return float("inf") if trial.number % 4 == 3 else x

    study.optimize(lambda trial: objective(trial, 4), n_trials=10, catch=ValueError)
    study.optimize(lambda trial: objective(trial, 2), n_trials=22, catch=ValueError)
    assert min(trial.params["x"] for trial in study.trials[10:]) < 0.1


def test_two_threads():
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler(0))
    study.optimize(two, n_trials=10, n_jobs=2)
    assert len({tuple(p.values()) for p in params(study)}) == 10


def test_bad_settings():
    with pytest.raises(ValueError, match="wanted settings of LaMOO"):
        LaMOOSampler(known={})
    for bad in (-1, 1.5):
        with pytest.raises(ValueError, match="seed"):
            LaMOOSampler(bad)
    for name, value in {
        "n_initial": 0,
        "leaf_size": -1,
        "ref": [0, np.nan],
        "surrogate": 3,
    }.items():
        with pytest.raises(ValueError, match=name):
            LaMOOSampler(0, **{name: value})
    LaMOOSampler(0, ref=np.ones(3))


def test_missing_host():
    from lamoo_fast.adapters import hosts

    with pytest.raises(ImportError, match=r"optuna>=99.*lamoo_fast\[optuna\]"):
        hosts.require("optuna", "99", "optuna")
    with pytest.raises(ImportError, match=r"not installed: pip install 'lamoo_fast\[x\]'"):
        hosts.require("no_such_package_at_all", "1", "x")


# ---- several processes ----


def test_of_two_that_draw_the_same_one_draws_again(monkeypatch):
    """Another process stores the same point between the draw and the look at the others."""

    def objective(trial):
        return trial.suggest_int("x", 0, 9) + trial.suggest_int("y", 0, 9)

    study = optuna.create_study(sampler=sampler(0))
    study.optimize(objective, n_trials=8)
    other, taken = study.ask(), []
    real = LaMOOSampler._draw

    def draw(self, *args):
        drawn = real(self, *args)
        taken.append(drawn)
        if len(taken) == 1:
            study._storage.set_trial_system_attr(other._trial_id, DRAWN, drawn)
        return drawn

    monkeypatch.setattr(LaMOOSampler, "_draw", draw)
    trial = study.ask()
    objective(trial)
    assert len(taken) == 2
    assert trial.params == taken[1] != taken[0]


def test_processes_share_a_file():
    """The command that shows it for 2,000 trials, with few."""
    command = Path(__file__).parent.parent / "bench" / "sqlite_study.py"
    if not command.exists():
        pytest.skip("no source tree beside the tests")
    done = subprocess.run(
        [sys.executable, str(command), "--trials", "40"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 not complete, 0 duplicates, 0 dead processes" in done.stdout


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore:Heartbeat of storage:UserWarning")
def test_the_trial_of_a_dead_process(tmp_path):
    """Pending for ever without a heartbeat; with one it fails, and may be run again."""
    stale = optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=1)
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{tmp_path}/study.db",
        heartbeat_interval=1,
        grace_period=1,
        heartbeat_stale_trial_callback=stale,
    )
    study = optuna.create_study(storage=storage, directions=["minimize"] * 2, sampler=sampler(0))
    study.optimize(two, n_trials=2)
    dead, silent = study.ask(), study.ask()
    for trial in (dead, silent):
        two(trial)
    storage.record_heartbeat(dead._trial_id)
    time.sleep(2.5)
    study.optimize(two, n_trials=2)
    state = optuna.trial.TrialState
    assert [study.trials[t.number].state for t in (dead, silent)] == [state.FAIL, state.RUNNING]
    assert [t.params for t in study.trials[4:] if t.params == dead.params] == [dead.params]
    study.tell(silent.number, state=state.FAIL)
    assert study.trials[silent.number].state == state.FAIL


# ---- NSGA-II ----


def population(seed, n, m, constrained, infinite):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 6, (n, m)).astype(float)
    if infinite:
        values[rng.random((n, m)) < 0.1] = np.inf
        values[rng.random((n, m)) < 0.1] = -np.inf
    study = optuna.create_study(directions=["minimize", "maximize", "minimize"][:m])
    for row in values:
        limits = {"constraints": rng.integers(-2, 3, 2).tolist()} if constrained else {}
        study.add_trial(optuna.create_trial(values=row.tolist(), system_attrs=limits))
    return study


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("infinite", [False, True])
def test_selects_as_nsga2(m, constrained, infinite):
    """The same trials in the same order as Optuna's own selection, of many ties."""
    own = pytest.importorskip("optuna.samplers.nsgaii._elite_population_selection_strategy")
    for seed, n in enumerate([1, 7, 40, 60]):
        study = population(seed, n, m, constrained, infinite)
        for size in (2, 10, 40):
            theirs = own.NSGAIIElitePopulationSelectionStrategy(population_size=size)
            wanted = [trial.number for trial in theirs(study, study.trials)]
            found = [trial.number for trial in EliteSelection(size)(study, study.trials)]
            assert found == wanted


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_nsga2_goes_on_as_before():
    def sampler(seed, strategy):
        return optuna.samplers.NSGAIISampler(
            population_size=10, seed=seed, elite_population_selection_strategy=strategy
        )

    mine, theirs = (run(0, 50, sampler, strategy=s) for s in (EliteSelection(10), None))
    assert params(mine) == params(theirs)


def test_nsga2_refuses_what_it_cannot_rank():
    with pytest.raises(ValueError, match="at least 2"):
        EliteSelection(1)
    study = optuna.create_study()
    study.add_trial(optuna.create_trial(value=1, system_attrs={"constraints": [float("nan")]}))
    with pytest.raises(ValueError, match="NaN"):
        EliteSelection(2)(study, study.trials)
    assert EliteSelection(2)(study, []) == []


# ---- the package for OptunaHub ----


def test_optunahub(monkeypatch):
    """The example runs as a user of OptunaHub would run it."""
    folder = Path(__file__).parent.parent / "optunahub" / "samplers" / "lamoo"
    if not folder.exists():
        pytest.skip("no source tree beside the tests")
    monkeypatch.setitem(sys.modules, "optunahub", types.ModuleType("optunahub"))  # not on CI
    package, example = (runpy.run_path(str(folder / f"{f}.py")) for f in ("__init__", "example"))
    assert set(package["__all__"]) <= set(package)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=package["LaMOOSampler"](0))
    study.optimize(example["objective"], n_trials=12)
    assert study.best_trials
    head = (folder / "README.md").read_text().split("---\n")[1]
    names = [line.split(":")[0] for line in head.splitlines()]
    assert names == ["author", "title", "description", "tags", "optuna_versions", "license"]
