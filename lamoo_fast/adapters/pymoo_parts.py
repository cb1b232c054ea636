"""Parts of pymoo's algorithms on our kernels: sorting, survival, hypervolume."""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.core.population import Population
from pymoo.core.survival import Survival
from pymoo.indicators.hv import Hypervolume

from lamoo_fast.adapters.order import Floats, contributions, fronts, volume


class FrontSorting:
    """Non-dominated sorting, with the fronts of `pymoo.util.nds.NonDominatedSorting`.

    NaN is worse than any number.

    Examples
    --------
    >>> from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowding
    >>> from lamoo_fast.adapters.pymoo import FrontSorting
    >>> algorithm = NSGA2(survival=RankAndCrowding(nds=FrontSorting()))
    """

    def do(
        self,
        F: Floats,
        return_rank: bool = False,
        only_non_dominated_front: bool = False,
        n_stop_if_ranked: int | None = None,
        n_fronts: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the fronts as rows of F (n, m); with their ranks, or the first one, if wanted."""
        limit = 1 if only_non_dominated_front else n_fronts
        least = None if n_stop_if_ranked is None else max(1, n_stop_if_ranked)
        wanted = limit is None or limit > 0
        found = fronts(F, max_fronts=limit, min_points=least) if wanted else []
        if only_non_dominated_front:
            return found[0] if found else np.array([], dtype=int)
        if not return_rank:
            return found
        rank = np.full(len(F), np.iinfo(int).max)  # as pymoo has it
        for number, front in enumerate(found):
            rank[front] = number
        return found, rank


class HypervolumeSurvival(Survival):  # type: ignore[misc]  # pymoo has no types
    """Drop the solutions of least hypervolume contribution, as SMS-EMOA of pymoo does.

    Beume, Naujoks and Emmerich (2007).

    Parameters
    ----------
    eps : float
        Distance of the reference point from the worst values, where objectives have range 1.

    Examples
    --------
    >>> from pymoo.algorithms.moo.sms import SMSEMOA
    >>> from lamoo_fast.adapters.pymoo import HypervolumeSurvival
    >>> algorithm = SMSEMOA(survival=HypervolumeSurvival())
    """

    def __init__(self, eps: float = 10.0) -> None:
        super().__init__(filter_infeasible=True)
        self.eps = eps

    def _do(
        self,
        problem: Any,
        pop: Population,
        *args: Any,
        n_survive: int,
        ideal: Floats | None = None,
        nadir: Floats | None = None,
        **kwargs: Any,
    ) -> Population:
        F = pop.get("F").astype(float)
        finite = np.isfinite(F)  # NaN or infinity is no bound, and contributes nothing
        least = np.where(finite, F, np.inf).min(axis=0)
        most = np.where(finite, F, -np.inf).max(axis=0)
        ideal = least if ideal is None else np.where(np.isfinite(ideal), ideal, least)
        nadir = most if nadir is None else np.where(np.isfinite(nadir), nadir, most)
        width = np.where(nadir > ideal, nadir - ideal, 1.0)
        kept: list[int] = []
        for rank, front in enumerate(fronts(F, min_points=n_survive)):
            pop[front].set("rank", rank)
            with np.errstate(invalid="ignore"):  # where nothing is finite
                scaled = (F[front] - ideal) / width
            while len(kept) + len(front) > n_survive:
                worst = contributions(scaled, np.full(F.shape[1], 1.0 + self.eps)).argmin()
                front, scaled = np.delete(front, worst), np.delete(scaled, worst, axis=0)
            kept += front.tolist()
        return pop[kept]


class Volume(Hypervolume):  # type: ignore[misc]
    """The indicator `pymoo.indicators.hv.Hypervolume` on our kernel.

    Examples
    --------
    >>> import numpy as np
    >>> from lamoo_fast.adapters.pymoo import Volume
    >>> Volume(ref_point=np.array([1.0, 1.0]))(np.array([[0.5, 0.5]]))
    0.25
    """

    def _do(self, F: Floats) -> float:
        return volume(F, self.ref_point)
