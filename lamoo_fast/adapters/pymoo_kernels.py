"""Our kernels under all of pymoo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamoo_fast.adapters.order import Floats, contributions, finite, volume
from lamoo_fast.adapters.replaced import replaced
from lamoo_fast.kernels import (
    epsilon_additive,
    epsilon_mult,
    igd_plus,
    is_nondominated,
    pareto_rank,
)


def _ranks(F: Floats) -> NDArray[np.int64]:
    return pareto_rank(finite(F))


def _front(F: Floats, *, keep_weakly: bool = False) -> NDArray[np.bool_]:
    return is_nondominated(finite(F), keep_weakly=keep_weakly)


PLACES: dict[str, dict[str, Callable[..., Any]]] = {
    "pymoo.util.nds.non_dominated_sorting": {"pareto_rank": _ranks, "is_nondominated": _front},
    "pymoo.indicators.hv": {"_hypervolume": volume},
    "pymoo.indicators.hv.approximate": {"hv_contributions": contributions},
    "pymoo.indicators.epsilon": {
        "_epsilon_additive": epsilon_additive,
        "_epsilon_mult": epsilon_mult,
    },
    "pymoo.indicators.igd_plus": {"_igd_plus": igd_plus},
    "pymoo.algorithms.moo.sms": {"hv_contributions": contributions},
}


@contextmanager
def kernels() -> Iterator[None]:
    """Put our kernels under all of pymoo as long as the context lasts, errors or not.

    Replaces the names that modules of pymoo import from moocore: sorting, hypervolume and its
    contributions, epsilon indicators and IGD+. pymoo does not support this. It is for the whole
    process: threads that run pymoo meanwhile get our kernels too, and two threads must not enter
    and leave it in turns.

    Raises
    ------
    AttributeError
        When this version of pymoo has other names; nothing is replaced then.

    Examples
    --------
    >>> from pymoo.algorithms.moo.nsga2 import NSGA2
    >>> from pymoo.optimize import minimize
    >>> from pymoo.problems import get_problem
    >>> from lamoo_fast.adapters.pymoo import kernels
    >>> with kernels():
    ...     result = minimize(get_problem("zdt1"), NSGA2(pop_size=20), ("n_gen", 5), seed=1)
    """
    with replaced("pymoo", PLACES):
        yield
