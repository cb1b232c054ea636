"""Optuna with our kernels under it: the same numbers, trials and plots."""

import numpy as np
import pytest

optuna = pytest.importorskip("optuna")

from optuna import _hypervolume  # noqa: E402
from optuna._hypervolume import hssp  # noqa: E402
from optuna.study import _multi_objective  # noqa: E402

from lamoo_fast.adapters.optuna_kernels import kernels  # noqa: E402
from lamoo_fast.kernels import is_nondominated  # noqa: E402


def both(run):
    """The results without our kernels and with them."""
    theirs = run()
    with kernels():
        return theirs, run()


def points(seed, n, m):
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 6, (n, m)).astype(float)
    losses[rng.random(losses.shape) < 0.03] = np.inf
    losses[rng.random(losses.shape) < 0.01] = -np.inf
    return losses


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_ranks_and_fronts(m):
    for seed, n in enumerate([0, 1, 20, 90]):
        losses = points(seed, n, m)
        penalty = np.random.default_rng(seed).integers(-1, 3, n).astype(float)
        for n_below in (None, 1, n // 2, n + 3):
            for given in (None, penalty):
                theirs, ours = both(
                    lambda n_below=n_below, given=given, losses=losses: (
                        _multi_objective._fast_non_domination_rank(
                            losses, penalty=given, n_below=n_below
                        )
                    )
                )
                np.testing.assert_array_equal(ours, theirs)
        if n:
            front, mine = both(
                lambda losses=losses: _multi_objective._is_pareto_front(
                    losses, assume_unique_lexsorted=False
                )
            )
            np.testing.assert_array_equal(mine, front)


@pytest.mark.parametrize("m", [2, 3, 4, 6])
def test_volumes_and_subsets(m):
    rng = np.random.default_rng(m)
    for n in (0, 1, 2, 15):
        losses, ref = rng.random((n, m)), np.full(m, 1.1)
        theirs, ours = both(lambda: _hypervolume.compute_hypervolume(losses, ref))  # noqa: B023
        assert ours == pytest.approx(theirs, rel=1e-12)
        losses = losses[is_nondominated(losses)]  # among dominated rows rounding decides
        for size in range(len(losses) + 1):
            picked, mine = both(
                lambda size=size: hssp._solve_hssp(losses, np.arange(len(losses)) + 7, size, ref)  # noqa: B023
            )
            np.testing.assert_array_equal(mine, picked)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # Optuna's own
def test_infinite_volumes_and_subsets():
    F = np.array([[0.5, -np.inf, 0.1], [0.2, 0.3, 0.4], [0.4, 0.1, 0.7], [0.3, -np.inf, 0.9]])
    ref = np.ones(3)
    beyond = np.array([1.0, np.inf, 1.0])
    huge = F[1:3] * 1e308
    for losses, corner in [(F, ref), (F[1:3], beyond), (huge, ref * 1e308)]:
        theirs, ours = both(lambda: _hypervolume.compute_hypervolume(losses, corner))  # noqa: B023
        assert ours == theirs == np.inf
    for corner in (ref, beyond):
        for size in (1, 2, 3, 4):
            theirs, ours = both(
                lambda size=size: hssp._solve_hssp(F, np.arange(4), size, corner)  # noqa: B023
            )
            np.testing.assert_array_equal(ours, theirs)
    with kernels():
        for bad in (2.0, np.nan):
            with pytest.raises(ValueError, match="reference_point"):
                _hypervolume.compute_hypervolume(np.array([[bad, 0.5, 0.5]]), ref)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("m", [2, 3, 4])
def test_studies_go_on_as_before(m):
    def objective(trial):
        x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(3)])
        return [float(np.sum((x - i / m) ** 2)) for i in range(m)]

    def values(sampler):
        study = optuna.create_study(directions=["minimize"] * m, sampler=sampler)
        study.optimize(objective, n_trials=45)
        axes = optuna.visualization.matplotlib.plot_hypervolume_history(study, [1.5] * m)
        best = [trial.number for trial in study.best_trials]
        return [trial.values for trial in study.trials], best, axes.lines[0].get_ydata()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for sampler in (
        lambda: optuna.samplers.TPESampler(seed=1, n_startup_trials=10),
        lambda: optuna.samplers.NSGAIISampler(population_size=10, seed=1),
    ):
        theirs, ours = both(lambda: values(sampler()))  # noqa: B023
        assert ours[:2] == theirs[:2]
        np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-12)


def test_another_version_is_refused_and_names_come_back(monkeypatch):
    before = _hypervolume.compute_hypervolume, _multi_objective._calculate_nondomination_rank

    def fails():
        assert _hypervolume.compute_hypervolume is not before[0]
        raise KeyError

    with pytest.raises(KeyError), kernels():
        fails()
    monkeypatch.delattr(hssp, "_solve_hssp_on_unique_loss_vals")
    with (
        pytest.raises(AttributeError, match=r"has no optuna\._hypervolume\.hssp"),
        kernels(),
    ):
        pass
    assert before == (
        _hypervolume.compute_hypervolume,
        _multi_objective._calculate_nondomination_rank,
    )
