"""pymoo's variables as a `Space`."""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.core.problem import Problem
from pymoo.core.variable import Binary, Choice, Integer, Real

from lamoo_fast.search import Space
from lamoo_fast.search.params import Categorical, Float, Param
from lamoo_fast.search.params import Integer as Whole


def space_of(problem: Problem) -> Space:
    """Return the variables of a problem as a `Space`, by the names "0", "1", ... or their own.

    Raises
    ------
    ValueError
        When a variable has no finite bounds, or is of an unknown type.
    """
    variables = getattr(problem, "vars", None)
    if variables is not None:
        return Space({str(name): _param(name, var) for name, var in variables.items()})
    if problem.xl is None or problem.xu is None:
        raise ValueError("the problem has no bounds xl and xu, wanted finite ones")
    if problem.vtype is bool:
        return Space({str(i): _param(i, Binary()) for i in range(problem.n_var)})
    kind = Integer if problem.vtype is int else Real
    bounds = zip(problem.xl.tolist(), problem.xu.tolist(), strict=True)
    return Space({str(i): _param(i, kind(bounds=pair)) for i, pair in enumerate(bounds)})


def _param(name: object, var: Any) -> Param:
    if isinstance(var, Binary):
        return Categorical([False, True])
    if isinstance(var, Choice):
        return Categorical(o.item() if isinstance(o, np.generic) else o for o in var.options)
    if not isinstance(var, (Real, Integer)) or None in var.bounds:
        raise ValueError(f"variable {name!r} is {var!r}, wanted one of a known type with bounds")
    low, high = var.bounds
    if isinstance(var, Integer):
        return Whole(low, high)
    return Float(low, high) if low != high else Categorical([float(low)])
