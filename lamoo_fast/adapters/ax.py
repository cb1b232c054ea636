"""Ax: LaMOO as a node of a generation strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lamoo_fast.adapters.hosts import require

require("ax-platform", "1.3", "ax")

from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.generator_run import GeneratorRun
from ax.exceptions.core import SearchSpaceExhausted, UnsupportedError
from ax.generation_strategy.external_generation_node import ExternalGenerationNode
from ax.storage.json_store.decoder import object_from_json

from lamoo_fast.adapters.ax_space import AxSpace
from lamoo_fast.adapters.ax_storage import store
from lamoo_fast.adapters.ax_trials import Goal, pending, rows
from lamoo_fast.adapters.replayed import replay
from lamoo_fast.search import Float, LaMOO, Space, SpaceExhausted
from lamoo_fast.search.checks import check_count

__all__ = ["AxSpace", "LaMOONode"]


class LaMOONode(ExternalGenerationNode):  # type: ignore[misc]  # mypy leaves Ax alone
    """Multi-objective search by learned partitions of the search space (`LaMOO`), for Ax.

    A node for a `GenerationStrategy`, alone or after others, whose trials it learns from. Range
    and choice parameters, parameter constraints and outcome constraints are respected, also
    relative ones; objective thresholds are the reference point, one that is not given is inferred.
    What is proposed depends on the seed and the experiment alone: one that is stored as JSON or in
    a database, and loaded where this module is imported, goes on as if it had never stopped. When
    a finite space has no new point, `SearchSpaceExhausted` is raised.

    Parameters
    ----------
    seed : int, optional
        Without it every node proposes other points. The seed of a `Client` does not matter.
    should_deduplicate : bool, optional
        Whether Ax may turn down arms that it has; by default unless `noisy`.
    name, transition_criteria, suggested_experiment_status : optional
        As for other nodes.
    **settings
        Keyword arguments of `LaMOO`: ref, noisy, sampler, selection, classifier, surrogate,
        n_initial, leaf_size. All objectives are maximised there, a sign in front of some.

    Raises
    ------
    ValueError
        When a setting is out of its range; on generation, when the experiment has no objectives,
        a parameter is a fidelity or a task, or a bound is relative to what is not known.

    Examples
    --------
    >>> from ax.api.client import Client
    >>> from ax.api.configs import RangeParameterConfig
    >>> from ax.generation_strategy.generation_strategy import GenerationStrategy
    >>> from lamoo_fast.adapters.ax import LaMOONode
    >>> client, x = Client(), RangeParameterConfig("x", bounds=(0, 1), parameter_type="float")
    >>> client.configure_experiment([x])
    >>> client.configure_optimization(objective="-cost, gain")
    >>> client.set_generation_strategy(GenerationStrategy(nodes=[LaMOONode(seed=0)]))
    >>> for index, found in client.get_next_trials(max_trials=3).items():
    ...     _ = client.complete_trial(index, {"cost": found["x"] ** 2, "gain": found["x"]})
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        name: str = "LaMOO",
        should_deduplicate: bool | None = None,
        transition_criteria: Sequence[Any] | None = None,
        suggested_experiment_status: Any = None,
        **settings: Any,
    ) -> None:
        check_count("seed", 0 if seed is None else seed, least=0)
        noisy = bool(settings.get("noisy"))
        super().__init__(
            name=name,
            should_deduplicate=not noisy if should_deduplicate is None else should_deduplicate,
            transition_criteria=transition_criteria,
            suggested_experiment_status=suggested_experiment_status,
        )
        entropy = np.random.SeedSequence(seed)
        self._entropy = entropy.entropy  # the seed, or what stands for it
        self._seed = int(entropy.generate_state(1, np.uint64)[0])
        self._settings = settings
        m = np.size(settings.get("ref", 0))
        LaMOO(Space({"any": Float(0, 1)}), ["maximize"] * m, **settings)  # checks them
        self._rows: list[dict[str, Any]] = []
        self._proposed: list[Mapping[str, Any]] = []

    def update_generator_state(self, experiment: Experiment, data: Data) -> None:
        """Learn what the experiment is and what is known."""
        self._host = AxSpace(experiment.search_space)
        self._goal = Goal(experiment, data)
        self._rows = rows(experiment, self._goal, self._host)
        self._proposed = []

    def get_next_candidate(self, pending_parameters: list[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the parameters of the next arm; those given are being evaluated."""
        trials = list(self._rows)
        known = [row["config"] for row in trials]
        for parameters in [*pending_parameters, *self._proposed]:
            config = self._host.config(parameters)
            if config is not None and config not in known:
                trials.append(pending(len(trials), config))
                known.append(config)
        goal = np.array(self._goal.thresholds)
        given = {} if np.isnan(goal).any() else {"ref": goal}
        opt = LaMOO(
            self._host.space,
            ["maximize"] * len(goal),
            n_constraints=self._goal.n_constraints,
            seed=self._seed,
            **{**given, **self._settings},
        )
        try:
            [trial] = replay(opt, trials, [self._seed, len(trials)], goal=goal).ask()
        except SpaceExhausted as error:
            raise SearchSpaceExhausted(str(error)) from error
        self._proposed.append(self._host.parameters(trial.config))
        return dict(self._proposed[-1])

    @classmethod
    def deserialize_init_args(cls, args: dict[str, Any], **registries: Any) -> dict[str, Any]:
        """Return the arguments of a stored node."""
        return {name: object_from_json(value, **registries) for name, value in args.items()}

    def _gen(self, *args: Any, fixed_features: Any = None, **kwargs: Any) -> GeneratorRun:
        if fixed_features is not None and fixed_features.parameters:
            raise UnsupportedError(f"fixed parameters are {fixed_features.parameters}, wanted none")
        return super()._gen(*args, **kwargs)


store(
    LaMOONode,
    "name",
    "should_deduplicate",
    "transition_criteria",
    "suggested_experiment_status",
)
