"""CMA-ES inside a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import dominance_count, hv_contributions
from lamoo_fast.search.partition import violation
from lamoo_fast.search.samplers.uniform import UniformSampler
from lamoo_fast.search.samplers.view import View
from lamoo_fast.search.space import Array
from lamoo_fast.search.tree import Region

_MIN_ROWS = 4  # below this there is no distribution to learn
_BATCH = 64
_MAX_BATCHES = 32


@dataclass(frozen=True)
class CMASampler:
    """Points from a normal distribution that CMA-ES learns from the region's own evaluations.

    The distribution starts at the better half of the region's rows and is updated once with all
    of them, ranked by dominance count and, where that is equal, by hypervolume contribution.
    Samples outside the region are rejected and never told. What is still missing after a bounded
    number of samples is drawn uniformly from the region. Needs the extra ``lamoo_fast[cma]``.

    Notes
    -----
    CMA-ES: Hansen (2016), by pycma. Nothing is carried from one call to the next, so each
    proposal is evaluated once and a saved search continues exactly.

    Examples
    --------
    >>> CMASampler()
    CMASampler()
    """

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d): snapped, valid, inside the region and new.

        Raises
        ------
        ImportError
            When pycma is not installed.
        """
        try:
            import cma
        except ImportError as error:
            raise ImportError("CMASampler needs pycma: pip install 'lamoo_fast[cma]'") from error

        space = region.space
        inside = region.contains(view.X)
        X, F, G = view.X[inside], view.F[inside], view.G[inside]
        found = np.empty((0, space.d))
        if len(X) >= _MIN_ROWS and space.d > 1:  # pycma does not support one dimension
            rank = merit(F, view.ref, violation(F, G))
            best = X[np.argsort(rank, kind="stable")[: len(X) // 2]]
            options = {
                "bounds": [0, 1],
                "popsize": len(X),
                "randn": lambda *shape: view.rng.standard_normal(shape),
                "seed": np.nan,  # leaves the global generator of NumPy alone
                "verbose": -9,
                "verb_log": 0,
                "verb_disp": 0,
                "signals_filename": "",
            }
            sigma = float(np.clip(best.std(axis=0).mean(), 0.05, 0.3))
            # From hundreds of rows pycma learns so fast that nothing is left of the covariance
            # before; where all of them agree in a coordinate its variance then is 0, or less by
            # rounding, and pycma gives up. Half the speed leaves half of it.
            for rankmu in (1.0, 0.5):
                strategy = cma.CMAEvolutionStrategy(
                    best.mean(axis=0), sigma, {**options, "CMA_rankmu": rankmu}
                )
                strategy.ask()  # pycma expects that samples were taken before it is told
                try:
                    strategy.tell(list(X), rank.tolist())
                    break
                except RuntimeError:
                    if rankmu < 1:
                        raise
            for _ in range(_MAX_BATCHES):
                batch = space.snap(np.clip(strategy.ask(_BATCH), 0.0, 1.0))
                batch = batch[region.contains(batch)]
                batch = batch[view.having_seen(space, found).is_new(space, batch)]
                batch = batch[space.is_valid(batch)]
                found = np.vstack([found, batch[: n - len(found)]])
                if len(found) == n:
                    return found
        view = view.having_seen(space, found)
        return np.vstack([found, UniformSampler().draw(region, n - len(found), view)])


def merit(F: Array, ref: Array, excess: Array | None = None) -> npt.NDArray[np.float64]:
    """Rank the rows of F (n, m): 0 is best, equally good rows share a rank.

    First by how far constraints are violated (n,), then by the number of rows that dominate a row,
    then by the hypervolume that it alone adds.
    """
    excess = np.zeros(len(F)) if excess is None else excess
    feasible = excess == 0
    keys = np.stack([excess, np.zeros(len(F)), np.zeros(len(F))])
    keys[1, feasible] = dominance_count(F[feasible])
    keys[2, feasible] = -hv_contributions(F[feasible], ref)
    _, rank = np.unique(keys, axis=1, return_inverse=True)
    return rank.reshape(-1).astype(np.float64)
