"""Our kernels under all of Optuna."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamoo_fast.adapters.hosts import require
from lamoo_fast.adapters.order import Floats, finite
from lamoo_fast.adapters.replaced import replaced
from lamoo_fast.kernels import hv_subset_selection, hypervolume, is_nondominated, pareto_rank

require("optuna", "4.4", "optuna")


def _volume(loss_vals: Floats, reference_point: Floats, assume_pareto: bool = False) -> float:
    if not np.all(loss_vals <= reference_point):
        raise ValueError("loss_vals has rows that are not below reference_point, wanted none")
    if not np.isfinite(reference_point).all():
        return np.inf
    with np.errstate(over="ignore"):
        if not np.isfinite(reference_point - loss_vals).all():
            return np.inf
    return hypervolume(loss_vals, reference_point)


def _subset(
    losses: Floats, indices: NDArray[np.intp], size: int, reference_point: Floats
) -> NDArray[np.intp]:
    """Greedy choice among rows that differ and stand in lexicographic order."""
    if len(losses) == size or not np.isfinite(reference_point).all():
        return indices[:size]
    endless = np.flatnonzero(np.isinf(losses).any(axis=1))
    if len(endless):  # its volume is infinite, whatever comes with it
        first = endless[0]
        return np.concatenate([indices[[first]], np.delete(indices, first)])[:size]
    return indices[hv_subset_selection(losses, size, reference_point)]


def _front(losses: Floats) -> NDArray[np.bool_]:
    return is_nondominated(finite(losses))


def _ranks(losses: Floats, *, n_below: int | None = None) -> NDArray[np.int64]:
    if not len(losses) or (n_below is not None and n_below <= 0):
        return np.zeros(len(losses), dtype=np.int64)
    # Optuna counts equal rows once; for one objective it ranks them all.
    rows, position = np.unique(losses, return_inverse=True, axis=0)
    least = min(n_below, len(rows)) if n_below and losses.shape[1] > 1 else None
    return pareto_rank(finite(rows), min_points=least)[position.reshape(-1)]


_PLACES: dict[str, dict[str, Callable[..., Any]]] = {
    "optuna._hypervolume": {"compute_hypervolume": _volume},
    "optuna._hypervolume.wfg": {"compute_hypervolume": _volume},
    "optuna._hypervolume.hssp": {
        "compute_hypervolume": _volume,
        "_solve_hssp_on_unique_loss_vals": _subset,
    },
    "optuna.visualization._hypervolume_history": {"compute_hypervolume": _volume},
    "optuna.study._multi_objective": {
        "_is_pareto_front_for_unique_sorted": _front,
        "_calculate_nondomination_rank": _ranks,
    },
}


@contextmanager
def kernels() -> Iterator[None]:
    """Put our kernels under all of Optuna as long as the context lasts, errors or not.

    Replaces hypervolume, greedy hypervolume subset selection, non-dominated sorting and fronts:
    what multi-objective TPE, NSGA-II and III, Gaussian processes, `Study.best_trials` and the
    hypervolume plot spend their time on. All these names are private to Optuna, which does not
    support this. It is for the whole process: threads that run Optuna meanwhile get our kernels
    too, and two threads must not enter and leave it in turns.

    Raises
    ------
    AttributeError
        When this version of Optuna has other names; nothing is replaced then.

    Examples
    --------
    >>> import optuna
    >>> from lamoo_fast.adapters.optuna_kernels import kernels
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(directions=["minimize"] * 2)
    >>> with kernels():
    ...     study.optimize(lambda trial: (x := trial.suggest_float("x", 0, 1), 1 - x), n_trials=20)
    >>> len(study.best_trials)
    20
    """
    with replaced("optuna", _PLACES):
        yield
