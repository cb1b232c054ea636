"""What is searched: a space, named objectives and a way to evaluate one configuration."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from lamoo_fast.search.space import Space

Direction = Literal["maximize", "minimize"]
Config = dict[str, Any]


@dataclass(frozen=True)
class Objective:
    """One named quantity to maximise or minimise.

    Parameters
    ----------
    name : str
        How the objective is called on the command line and in files.
    direction : {"maximize", "minimize"}
        Which way is better.
    unit : str
        Unit of the values, for labels; empty for a pure number.
    known : callable, optional
        The value of a configuration (dict) in closed form, for an objective that needs no
        evaluation to be known. Searches then do not have to predict it.

    Raises
    ------
    ValueError
        If the direction is not one of the two words, or `known` cannot be called.

    Examples
    --------
    >>> Objective("latency", "minimize", "ms").label
    'latency [ms]'
    """

    name: str
    direction: Direction
    unit: str = ""
    known: Callable[[Config], float] | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("maximize", "minimize"):
            raise ValueError(
                f"objective {self.name!r} has direction {self.direction!r}; "
                "wanted 'maximize' or 'minimize'"
            )
        if self.known is not None and not callable(self.known):
            raise ValueError(f"objective {self.name!r} has known {self.known!r}; wanted a callable")

    @property
    def label(self) -> str:
        """Name and unit, as written on an axis."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


class Problem:
    """A search problem: space, objectives and an evaluation.

    Parameters
    ----------
    name : str
        How reports call it.
    space : Space
        The configurations.
    objectives : sequence of Objective
        All quantities that the evaluation returns, in its order.
    evaluate : callable
        Takes a configuration (dict) and returns one number per objective and then one per
        constraint: a sequence in this order, a pair of both, a mapping by name, or a bare number
        if there is nothing but one objective.
    constraints : sequence of str, or int
        Names of the outcome constraints, or how many there are. A configuration is feasible where
        all their values are <= 0. They are never left out, whichever objectives are searched.
    ref : sequence of float, optional
        Reference point of the hypervolume, in the objectives' own units.
    default : sequence of str, optional
        Names of the objectives searched when none are asked for; all by default.
    loader : tuple of callable and arguments, optional
        How another process gets the same problem: ``loader[0](*loader[1:])``. A problem with a
        loader is pickled as this recipe, so that tables and user modules do not travel.

    Raises
    ------
    ValueError
        If there are no objectives, two columns share a name, or `ref` has another length.

    Examples
    --------
    >>> from lamoo_fast.search.space import Float, Space
    >>> square = Problem("square", Space({"x": Float(-1, 1)}), [Objective("y", "minimize")],
    ...                  lambda config: config["x"] ** 2)
    >>> square.evaluate({"x": 0.5})
    (0.25,)
    """

    def __init__(
        self,
        name: str,
        space: Space,
        objectives: Sequence[Objective],
        evaluate: Callable[[Config], Any],
        *,
        constraints: Sequence[str] | int = (),
        ref: Sequence[float] | None = None,
        default: Sequence[str] | None = None,
        loader: tuple[Any, ...] | None = None,
    ) -> None:
        self.name = name
        self.space = space
        self.objectives = tuple(objectives)
        self.ref = None if ref is None else tuple(float(r) for r in ref)
        self._function = evaluate
        self._loader = loader
        if isinstance(constraints, int):
            constraints = [f"constraint {i}" for i in range(1, constraints + 1)]
        if isinstance(constraints, str):
            raise ValueError(f"constraints is the string {constraints!r}; wanted a list of names")
        self.constraints = tuple(constraints)
        names = [o.name for o in self.objectives]
        if not names:
            raise ValueError(f"problem {name!r} has no objectives; wanted at least 1")
        if len(set(names)) != len(names):
            raise ValueError(f"problem {name!r} has objectives {names}; wanted distinct names")
        if len({*names, *self.constraints}) != len(names) + len(self.constraints):
            raise ValueError(
                f"problem {name!r} has constraints {list(self.constraints)} beside objectives "
                f"{names}; wanted distinct names"
            )
        if self.ref is not None and len(self.ref) != len(names):
            raise ValueError(
                f"problem {name!r} has {len(names)} objectives but ref has {len(self.ref)}"
            )
        self.default = tuple(names if default is None else default)
        self._columns(self.default)

    def __repr__(self) -> str:
        listed = ", ".join(f"{o.direction} {o.label}" for o in self.objectives)
        return f"<{type(self).__name__} {self.name}: {self.space.d} parameters; {listed}>"

    def __reduce__(self) -> Any:
        if self._loader is not None:
            return (_load_selected, (self._loader, tuple(o.name for o in self.objectives)))
        return super().__reduce__()

    @property
    def directions(self) -> list[Direction]:
        """Direction of each objective, as `LaMOO` takes them."""
        return [o.direction for o in self.objectives]

    @property
    def known(self) -> dict[int, Callable[[Config], float]]:
        """Objectives that need no evaluation, by index, as `LaMOO` takes them."""
        return {i: o.known for i, o in enumerate(self.objectives) if o.known is not None}

    def evaluate(self, config: Config) -> tuple[float, ...]:
        """Values of `config`, one per objective, then one per constraint.

        Raises
        ------
        ValueError
            If the evaluation returns another number of values or misses a name.
        """
        result = self._function(config)
        names = [*(o.name for o in self.objectives), *self.constraints]
        if isinstance(result, Mapping):
            missing = [name for name in names if name not in result]
            if missing:
                raise ValueError(f"evaluation returned {sorted(result)}; wanted also {missing}")
            return tuple(float(result[name]) for name in names)
        values: tuple[Any, ...]
        if self.constraints and _is_pair(result):
            values = (*np.atleast_1d(result[0]), *np.atleast_1d(result[1]))
            if len(np.atleast_1d(result[1])) != len(self.constraints):
                raise ValueError(
                    f"evaluation returned {len(np.atleast_1d(result[1]))} constraints; "
                    f"wanted {len(self.constraints)}: {list(self.constraints)}"
                )
        else:
            values = (result,) if np.ndim(result) == 0 else tuple(result)
        if len(values) != len(names):
            raise ValueError(
                f"evaluation returned {len(values)} values; wanted {len(names)}: {names}"
            )
        return tuple(float(v) for v in values)

    def __call__(self, config: Config) -> tuple[float, ...]:
        """Same as `evaluate`, so that a decorated function stays a function."""
        return self.evaluate(config)

    def select(self, names: Iterable[str] | None = None) -> Problem:
        """Return the same problem with only the objectives `names`, in that order.

        Parameters
        ----------
        names : iterable of str, optional
            Objective names; None selects the problem's default ones.

        Raises
        ------
        ValueError
            If a name is unknown (the nearest known one is suggested) or given twice.
        """
        columns = self._columns(self.default if names is None else tuple(names))
        if columns == list(range(len(self.objectives))):
            return self
        return self._narrow(columns)

    def _narrow(self, columns: list[int]) -> Problem:
        m = len(self.objectives)
        kept = range(m, m + len(self.constraints))
        return Problem(
            self.name,
            self.space,
            [self.objectives[c] for c in columns],
            _Columns(self.evaluate, (*columns, *kept)),
            constraints=self.constraints,
            ref=None if self.ref is None else [self.ref[c] for c in columns],
            loader=self._loader,
        )

    def _columns(self, names: tuple[str, ...]) -> list[int]:
        known = [o.name for o in self.objectives]
        if not names:
            raise ValueError(f"no objectives chosen for {self.name!r}; wanted some of {known}")
        if len(set(names)) != len(names):
            raise ValueError(f"objectives are {list(names)}; wanted distinct names")
        for name in names:
            if name not in known:
                raise ValueError(
                    f"unknown objective {name!r} of {self.name!r}{nearest(name, known)}"
                )
        return [known.index(name) for name in names]


def _is_pair(result: Any) -> bool:
    """Tell (values, constraints) from plain numbers."""
    pair = isinstance(result, (tuple, list)) and len(result) == 2
    return pair and any(np.ndim(part) > 0 for part in result)


@dataclass(frozen=True)
class _Columns:
    """Picks some of the values that a wider evaluation returns."""

    evaluate: Callable[[Config], tuple[float, ...]]
    columns: tuple[int, ...]

    def __call__(self, config: Config) -> tuple[float, ...]:
        values = self.evaluate(config)
        return tuple(values[c] for c in self.columns)


@lru_cache(maxsize=8)
def _load_selected(loader: tuple[Any, ...], names: tuple[str, ...]) -> Problem:
    """Unpickle a problem that knows its loader; reads its data once per process."""
    loaded: Problem = loader[0](*loader[1:])
    return loaded.select(names)


def nearest(name: str, known: Sequence[str]) -> str:
    """End an error message about an unknown `name` with what may have been meant."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(known)}" if known else ""


def problem(
    space: Space,
    objectives: Mapping[str, Direction],
    *,
    constraints: Sequence[str] | int = (),
    known: Mapping[str, Callable[[Config], float]] | None = None,
    ref: Sequence[float] | None = None,
) -> Callable[[Callable[[Config], Any]], Problem]:
    """Decorate a function of a configuration so that it becomes a `Problem`.

    Parameters
    ----------
    space : Space
        The configurations.
    objectives : mapping of str to {"maximize", "minimize"}
        Objective names and directions, in the order of the returned values.
    constraints : sequence of str, or int
        Outcome constraints, whose values are returned after those, met where <= 0.
    known : mapping of str to callable, optional
        For objectives that need no evaluation to be known: their values in closed form.
    ref : sequence of float, optional
        Reference point of the hypervolume.

    Returns
    -------
    decorator : callable
        Turns a function into a `Problem` that can still be called. On the command line it is
        named ``module:function``; worker processes find it the same way.

    Examples
    --------
    >>> import lamoo_fast as lf
    >>> @lf.problem(lf.Space({"x": lf.Float(0, 1)}), {"size": "minimize", "gain": "maximize"})
    ... def trade(config):
    ...     return config["x"], config["x"] ** 0.5
    >>> trade.evaluate({"x": 0.25})
    (0.25, 0.5)
    """
    known = dict(known or {})
    if strange := [name for name in known if name not in objectives]:
        raise ValueError(f"known names {strange[0]!r}{nearest(strange[0], list(objectives))}")
    listed = [Objective(name, way, known=known.get(name)) for name, way in objectives.items()]

    def decorate(function: Callable[[Config], Any]) -> Problem:
        # A function inside another one cannot be found by name; its problem is pickled by value.
        findable = "<locals>" not in function.__qualname__
        found = (load_attribute, function.__module__, function.__qualname__) if findable else None
        return Problem(
            function.__name__,
            space,
            listed,
            function,
            constraints=constraints,
            ref=ref,
            loader=found,
        )

    return decorate


def load_attribute(module: str, attribute: str) -> Problem:
    """Import `module` and return its problem `attribute`.

    Raises
    ------
    ValueError
        If the module cannot be imported, has no such attribute, or it is not a `Problem`.
    """
    import importlib

    spec = f"{module}:{attribute}"
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's module does when imported
        raise ValueError(
            f"problem {spec!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    known = [name for name, value in vars(found).items() if isinstance(value, Problem)]
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ValueError(f"module {module!r} has no {attribute!r}{nearest(attribute, known)}")
        found = getattr(found, part)
    if not isinstance(found, Problem):
        raise ValueError(
            f"{spec} is a {type(found).__name__}; wanted a Problem "
            "(a function becomes one by the decorator @lamoo_fast.problem)"
        )
    if found._loader is None:
        found._loader = (load_attribute, module, attribute)
    return found
