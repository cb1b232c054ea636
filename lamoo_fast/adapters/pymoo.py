"""pymoo: LaMOO as an algorithm; sorting, survival and indicators on our kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamoo_fast.adapters.hosts import require

require("pymoo", "0.6.2", "pymoo")

from pymoo.core.algorithm import Algorithm
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.util.display.multi import MultiObjectiveOutput

from lamoo_fast.adapters.pymoo_kernels import kernels
from lamoo_fast.adapters.pymoo_parts import FrontSorting, HypervolumeSurvival, Volume
from lamoo_fast.adapters.pymoo_space import space_of
from lamoo_fast.search import LaMOO as Search
from lamoo_fast.search import SpaceExhausted

__all__ = ["FrontSorting", "HypervolumeSurvival", "LaMOO", "Volume", "kernels", "space_of"]


class LaMOO(Algorithm):  # type: ignore[misc]  # pymoo has no types
    """Multi-objective search by learned partitions of the search space, for expensive problems.

    For real variables with bounds and for mixed ones (`Problem(vars=...)`). Constraints are those
    of the problem: ``G <= 0`` and, within the tolerance of the evaluator, ``H == 0``. Solutions
    with NaN or infinite values are failed evaluations, and infeasible. `minimize` copies the
    algorithm and seeds it; termination, callbacks, archives and display work as for others.

    Parameters
    ----------
    batch : int
        Number of solutions in each iteration.
    tolerance : float
        Within which an equality constraint is met.
    settings : dict, optional
        Keyword arguments of `lamoo_fast.LaMOO`, such as ref, sampler, n_initial.
    **kwargs
        Arguments of `pymoo.core.algorithm.Algorithm`: seed, termination, callback, ...

    Raises
    ------
    ValueError
        On `setup`, when a variable has no finite bounds, or another type.

    Examples
    --------
    >>> from pymoo.optimize import minimize
    >>> from pymoo.problems import get_problem
    >>> from lamoo_fast.adapters.pymoo import LaMOO
    >>> result = minimize(get_problem("zdt1", n_var=3), LaMOO(), ("n_eval", 20), seed=1)
    >>> result.F.shape[1], len(result.algorithm.search.trials)
    (2, 20)
    """

    def __init__(
        self,
        batch: int = 5,
        *,
        tolerance: float = 1e-4,
        settings: dict[str, Any] | None = None,
        output: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(output=output or MultiObjectiveOutput(), **kwargs)
        self.batch = batch
        self.tolerance = tolerance
        self.settings = dict(settings or {})
        self.search: Search | None = None

    def _setup(self, problem: Problem, **kwargs: Any) -> None:
        self.search = Search(
            space_of(problem),
            ["minimize"] * problem.n_obj,
            n_constraints=problem.n_ieq_constr + problem.n_eq_constr,
            seed=self.random_state,
            **self.settings,
        )

    def _initialize_infill(self) -> Population | None:
        return self._infill()

    def _initialize_advance(self, infills: Population | None = None, **kwargs: Any) -> None:
        self.pop = Population.empty()
        self._advance(infills)

    def _infill(self) -> Population | None:
        try:
            trials = self._search().ask(self.batch)
        except SpaceExhausted:
            self.termination.force_termination = True
            return None
        rows = [list(trial.config.values()) for trial in trials]
        names = getattr(self.problem, "vars", None)
        X = np.array(rows) if names is None else [dict(zip(names, r, strict=True)) for r in rows]
        return Population.new("X", X, "trial", [trial.id for trial in trials])

    def _advance(self, infills: Population | None = None, **kwargs: Any) -> None:
        if infills is None:  # nothing is left to evaluate
            return
        F, G, H = (infills.get(name).astype(float) for name in "FGH")
        for row in np.flatnonzero(~np.isfinite(np.hstack([F, G, H])).all(axis=1)):
            infills[row].CV = np.array([np.inf])  # or pymoo would find NaN optimal
        search = self._search()
        trials = [ind.get("trial") if ind.has("trial") else self._config(ind.X) for ind in infills]
        search.tell(trials, np.hstack([F, G, np.abs(H) - self.tolerance]).tolist())
        self.pop = Population.merge(self.pop, infills)

    def _config(self, X: Any) -> dict[str, Any]:
        """The configuration of a solution that nobody asked for."""
        values = X.values() if isinstance(X, dict) else np.asarray(X).tolist()
        return dict(zip(self._search().space.names, values, strict=True))

    def _search(self) -> Search:
        if self.search is None:
            raise RuntimeError("call setup(problem) first")
        return self.search
