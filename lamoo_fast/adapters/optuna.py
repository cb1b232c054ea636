"""Optuna: LaMOO as a sampler, and the selection of NSGA-II on our kernels."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from lamoo_fast.adapters.hosts import require

require("optuna", "4.4", "optuna")

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._base import _process_constraints_after_trial
from optuna.trial import FrozenTrial, TrialState

from lamoo_fast.adapters.optuna_elite import EliteSelection
from lamoo_fast.adapters.optuna_space import DRAWN, Axis, axes, constraints, groups, point, saved
from lamoo_fast.adapters.replayed import replay
from lamoo_fast.search import Float, LaMOO, Space, SpaceExhausted
from lamoo_fast.search.checks import check_count

__all__ = ["EliteSelection", "LaMOOSampler"]

_FINISHED = TrialState.COMPLETE, TrialState.PRUNED
_SETTINGS = frozenset(
    ["ref", "noisy", "sampler", "selection", "classifier", "surrogate", "n_initial", "leaf_size"]
)


class LaMOOSampler(BaseSampler):
    """Multi-objective search by learned partitions of the search space (`LaMOO`), for Optuna.

    Works with one objective or several, constraints, conditional parameters, and any number of
    threads, processes and hosts on one storage. What is drawn depends on the seed, the number of
    the trial and the trials in the storage alone, so that workers may share a seed, and a resumed
    study goes on as if it had never stopped.

    Parameters
    ----------
    seed : int, optional
        Without it every sampler draws other points.
    constraints_func : callable, optional
        Takes a finished trial, returns numbers that are <= 0 where a constraint is met. Since
        Optuna 5, objectives may call ``trial.set_constraint`` instead.
    **settings
        Keyword arguments of `LaMOO`: ref, noisy, sampler, selection, classifier, surrogate,
        n_initial, leaf_size.

    Raises
    ------
    ValueError
        When the seed is negative, or a setting is unknown or out of its range.

    Notes
    -----
    Parameters that always occur together are searched as one space, each group by its own LaMOO
    over the trials that have it; for conditional spaces that is what ``group=True`` is for
    `optuna.samplers.TPESampler`. A parameter that no finished trial has is drawn at random. Where
    a range changed, trials outside the present one are left out. Running trials count as pending:
    what is drawn for a trial is stored with it at once, where all others see it. Trials that begin
    before any has finished are drawn at random, and may be alike in a small space. Pruned and
    failed trials are failed evaluations: never ranked, but the partition learns where they are.

    The running trial of a process that died stays pending for ever, unless Optuna is told to look:
    give ``RDBStorage(url, heartbeat_interval=60)``, and `optimize` fails such trials; a loop of ask
    and tell may call ``optuna.storages.fail_stale_trials(study)``, but has no heartbeat itself.
    Other storages have none: ``study.tell(number, state=TrialState.FAIL)`` gives a trial up.
    `RetryHeartbeatStaleTrialCallback` has its point evaluated again.

    An ask reads all trials anew: 0.2 ms for each beside the time of `LaMOO.ask`. Constraints and
    what is drawn are stored by functions private to Optuna, as its own samplers do.

    Examples
    --------
    >>> import optuna
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> from lamoo_fast.adapters.optuna import LaMOOSampler
    >>> def objective(trial):
    ...     x = trial.suggest_float("x", -1, 2)
    ...     return x**2, (x - 1) ** 2
    >>> study = optuna.create_study(directions=["minimize"] * 2, sampler=LaMOOSampler(seed=0))
    >>> study.optimize(objective, n_trials=20)
    >>> len(study.best_trials) > 5
    True
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
        **settings: Any,
    ) -> None:
        if unknown := set(settings) - _SETTINGS:
            raise ValueError(f"{sorted(unknown)}: wanted settings of LaMOO: {sorted(_SETTINGS)}")
        check_count("seed", 0 if seed is None else seed, least=0)
        ref = settings.get("ref")
        m = 1 if ref is None else max(1, np.size(ref))
        LaMOO(Space({"any": Float(0, 1)}), ["minimize"] * m, **settings)  # checks them
        self._seed = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])
        self._constraints_func = constraints_func
        self._settings = settings

    def reseed_rng(self) -> None:
        """Do nothing: no two trials draw the same numbers, in whatever thread or process."""

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the parameters of all finished trials, with the latest range of each."""
        space: dict[str, BaseDistribution] = {}
        for other in study.get_trials(deepcopy=False, states=_FINISHED):
            space.update(other.distributions)
        return {name: space[name] for name in sorted(axes(space))}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw the parameters, group by group; at random those of a group without a new point.

        What is drawn is stored with the trial at once. Of two processes that draw the same, the
        later one finds the other's, and draws again.
        """
        names = axes(search_space)
        known = self._begun(study, trial)
        while drawn := self._draw(study, trial, names, known.values()):
            study._storage.set_trial_system_attr(trial._trial_id, DRAWN, drawn)
            before, known = known, self._begun(study, trial)
            if self._settings.get("noisy") or not any(
                drawn.items() <= point(other).items()
                for number, other in known.items()
                if number not in before or point(before[number]) != point(other)
            ):
                break
        return drawn

    def _begun(self, study: Study, trial: FrozenTrial) -> dict[int, FrozenTrial]:
        """Return the other trials that have begun, by number."""
        return {
            other.number: other
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number and other.state != TrialState.WAITING
        }

    def _draw(
        self,
        study: Study,
        trial: FrozenTrial,
        names: dict[str, Axis],
        trials: Collection[FrozenTrial],
    ) -> dict[str, Any]:
        """Draw the parameters, knowing some trials."""
        earlier = [
            other
            for other in trials
            if not other.state.is_finished() and other.number < trial.number
        ]
        drawn: dict[str, Any] = {}
        # Only finished trials tell what occurs together: others may have stopped half-way.
        for group in groups(names, (other for other in trials if other.state in _FINISHED)):
            some = {name: names[name] for name in group}
            opt = self._search(study, trial, some, trials)
            # Trials that are being drawn at this moment are left the first points.
            before = sum(not point(other).keys() >= some.keys() for other in earlier)
            try:
                config = opt.ask(before + 1)[-1].config
                drawn |= {name: axis.value(config[name]) for name, axis in some.items()}
            except SpaceExhausted:
                for name, axis in some.items():
                    drawn[name] = self.sample_independent(study, trial, name, axis.distribution)
        return drawn

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Draw one parameter at random."""
        key = [self._seed, trial.number, zlib.crc32(param_name.encode())]
        random = RandomSampler(int(np.random.SeedSequence(key).generate_state(1)[0]))
        return random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Store the constraints."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)

    def _search(
        self,
        study: Study,
        trial: FrozenTrial,
        axes: dict[str, Axis],
        trials: Collection[FrozenTrial],
    ) -> LaMOO:
        """Return a search of some parameters that knows the trials."""
        limits = sorted({name for other in trials for name in constraints(other)})
        opt = LaMOO(
            Space({name: axis.param for name, axis in axes.items()}),
            [direction.name.lower() for direction in study.directions],
            n_constraints=len(limits),
            seed=self._seed,
            **self._settings,
        )
        return replay(opt, saved(trials, axes, limits), [self._seed, trial.number])
