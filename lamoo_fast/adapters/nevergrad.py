"""Nevergrad: LaMOO as one of its optimizers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamoo_fast.adapters.hosts import require

require("nevergrad", "1.0.12", "nevergrad")

from nevergrad import errors
from nevergrad.optimization.base import Optimizer, registry
from nevergrad.parametrization import parameter as p

from lamoo_fast.adapters.nevergrad_search import taken_over
from lamoo_fast.adapters.nevergrad_space import Parametrization
from lamoo_fast.search import FAILED, SpaceExhausted
from lamoo_fast.search import LaMOO as Search
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.reference import check_ref

__all__ = ["LaMOO", "Parametrization"]


@registry.register
class LaMOO(Optimizer):  # type: ignore[misc]  # mypy finds no types in Nevergrad
    """Search by learned partitions of the search space, as an optimizer of Nevergrad.

    Also ``nevergrad.optimizers.registry["LaMOO"]``. The first `tell` decides how many objectives
    there are; a `MultiobjectiveReference` is the reference point. Cheap constraints are asked of
    all points looked at, some 8,000 for each candidate; constraint violations are learned.
    Candidates that nobody asked for are learned, too. Losses that are NaN, infinite or beyond 5e20
    are failed evaluations; those and what violates a constraint are on no front. Where a finite
    space has no new point, `ask` raises `NevergradEarlyStopping`, and `minimize` ends.

    Parameters
    ----------
    parametrization : int or nevergrad.p.Parameter
        What is searched; ValueError when a part is not of a kind that `Parametrization` knows.
        Its random state at the first `ask` or `tell` determines the search.
    budget, num_workers : int, optional
        Number of evaluations, and of those at once.
    **settings
        Keyword arguments of `lamoo_fast.LaMOO`, such as ref, sampler, n_initial, noisy.

    Examples
    --------
    >>> import nevergrad as ng
    >>> optimizer = LaMOO(ng.p.Scalar(lower=-1, upper=2), budget=20)
    >>> optimizer.parametrization.random_state.seed(0)
    >>> _ = optimizer.minimize(lambda x: (x**2, (x - 1) ** 2))
    >>> len(optimizer.pareto_front()) > 5
    True
    """

    def __init__(
        self, parametrization: Any, budget: int | None = None, num_workers: int = 1, **settings: Any
    ) -> None:
        if not isinstance(parametrization, p.Parameter):
            check_count("parametrization", parametrization)
        check_count("budget", 1 if budget is None else budget)
        check_count("num_workers", num_workers)
        super().__init__(parametrization, budget=budget, num_workers=num_workers)
        self._no_hypervolume = True
        self._host = Parametrization(self.parametrization)
        self._settings = settings
        self._n_constraints = 0
        self._violation: list[float] = []  # of the candidate that is being told
        self._ids: dict[str, int] = {}  # pending trials by the names of their candidates
        self._last = ""  # name of the last candidate
        self._search: Search | None = None
        self._new_search(seed=0)  # checks the settings

    @property
    def search(self) -> Search:
        """The search behind; its parameters are the numbers of the parametrization, in order."""
        if self._search is None:
            self._search = self._new_search(seed=int(self._rng.randint(2**31)))
        return self._search

    def tell(
        self, candidate: Any, loss: Any, constraint_violation: Any = None, penalty_style: Any = None
    ) -> None:
        """Report a loss or several, and what is violated where above 0, as Nevergrad does."""
        given = () if constraint_violation is None else constraint_violation
        try:
            violation = np.ravel(given).astype(np.float64).tolist()
        except (TypeError, ValueError):
            raise ValueError(f"constraint_violation is {given!r}, wanted numbers") from None
        self._violation, c, before = violation, len(violation), self._n_constraints
        if c and before not in (0, c):
            raise ValueError(f"constraint_violation is {violation}, wanted {before} numbers")
        if reference := isinstance(candidate, p.MultiobjectiveReference):
            check_ref(loss, np.size(loss))
        if c > before:
            self._n_constraints = c
            self._num_objectives_set_callback()
        super().tell(candidate, loss, constraint_violation, penalty_style)
        if reference:
            self._settings = {**self._settings, "ref": np.ravel(loss)}
            self._num_objectives_set_callback()

    def pareto_front(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the candidates on the front, as Nevergrad does; none where nothing is feasible."""
        known = self._hypervolume_pareto
        empty = known is None or not known.pareto_front()
        return [] if empty and self.num_objectives > 1 else super().pareto_front(*args, **kwargs)

    def _preprocess_multiobjective(self, candidate: Any) -> float:
        met = all(v <= 0 for v in self._violation) and candidate.satisfies_constraints()
        if not met or not np.isfinite(_values(candidate)).all():
            return math.inf  # and on no front
        return float(super()._preprocess_multiobjective(candidate))

    def _internal_ask_candidate(self) -> Any:
        if self._last in self._ids and self._last not in self._asked:
            self.search.tell([self._ids.pop(self._last)], [FAILED])  # Nevergrad has it as a taboo
        try:
            [trial] = self.search.ask()
        except SpaceExhausted as error:
            raise errors.NevergradEarlyStopping(str(error)) from error
        candidate = self._host.child(trial.config)
        self._ids[candidate.uid], self._last = trial.id, candidate.uid
        return candidate

    def _internal_tell_candidate(self, candidate: Any, loss: float) -> None:
        values = [*_values(candidate), *(self._violation or [0.0] * self._n_constraints)]
        if candidate.uid in self._ids:
            self.search.tell([self._ids.pop(candidate.uid)], [values])
        elif self._host.allows(candidate):
            self.search.tell([self._host.config(candidate)], [values])
        else:
            self._warn("LaMOO learns nothing from what is forbidden", errors.BadLossWarning)

    def _new_search(self, seed: int) -> Search:
        goals = ["minimize"] * (self._num_objectives or np.size(self._settings.get("ref", 0)))
        c = self._n_constraints
        return Search(self._host.space, goals, n_constraints=c, seed=seed, **self._settings)

    def _num_objectives_set_callback(self) -> None:
        if self._search is not None:
            self._search = taken_over(self._search, self._new_search(seed=0))


def _values(candidate: Any) -> Any:
    """Return the losses, NaN for those that Nevergrad clips where there is one only."""
    return np.where(candidate.losses < 5e20, candidate.losses, math.nan)
