"""Cheap fidelities, by name, that choose what a search evaluates."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lamoo_fast.nas.problem import Config, Direction, Problem
from lamoo_fast.nas.scores import Scores, is_file
from lamoo_fast.nas.spaces.families import family_of
from lamoo_fast.nas.table import Table
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.hints import HintFunction

if TYPE_CHECKING:
    from lamoo_fast.nas.evaluators.evaluator import Evaluation, Evaluator
    from lamoo_fast.nas.evaluators.predictor import Predictor
    from lamoo_fast.nas.evaluators.schedule import Schedule
    from lamoo_fast.search.samplers import Sampler

__all__ = ["PREDICTOR", "Promotion"]

PREDICTOR = "predictor"  # no column of a table has this name
_IN_ALL, _FIRST = 32, 2  # of so many one is evaluated, and one passes any but the last fidelity
_MOST = 10_000  # drawn for one that is evaluated


class Promotion:
    """Makes samplers that draw many architectures and pass on what cheap fidelities rank best.

    Parameters
    ----------
    problem : Problem
        What is searched.
    select : callable
        Returns the same problem with other objectives.
    sources : sequence of str
        Cheapest first: columns of the problem's table that are not searched, such as an accuracy
        after a short training; files of scores ("FILE.csv", "FILE.csv:COLUMN", see `Scores`); and
        "predictor", a Gaussian process that learns all objectives that are not known beforehand
        from the truth so far. Each ranks by dominance of its values and the known objectives. A
        score has the direction of the objective of that name; of others, those whose names end in
        "loss" are minimised.
    one_in : sequence of int, optional
        For each source, of how many architectures one passes: by default half of them, and as few
        of the last that one of 32 is evaluated (half, if less than that are left).
    known : collection of int, optional
        Indices of the objectives that are known; the problem's by default.
    hints : callable, optional
        Cheap numbers about architectures, as `LaMOO` takes them; the predictor learns from them.

    Attributes
    ----------
    one_in : list of int
        Of how many architectures one passes each source.

    Raises
    ------
    ValueError
        When the numbers are not as many as the sources, not whole ones of at least 1, or one
        in fewer than 2 or more than 10,000 would be evaluated; a source is none of those above, or
        it gives fewer values than there are objectives that are not known.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> from lamoo_fast.nas import load_problem
    >>> from lamoo_fast.search import UniformSampler
    >>> dtlz2 = load_problem("dtlz2")
    >>> promotion = Promotion(dtlz2, dtlz2.select, ["predictor"], [8])
    >>> print(promotion)
    one of 8 by predictor: f0 (minimize), f1 (minimize)
    >>> promotion.sampler(UniformSampler()).rungs[0].keep
    0.125
    """

    def __init__(
        self,
        problem: Problem,
        select: Callable[[list[str]], Problem],
        sources: Sequence[str],
        one_in: Sequence[int] | None = None,
        known: Collection[int] | None = None,
        hints: HintFunction | None = None,
    ) -> None:
        self.one_in = _usual(len(sources)) if one_in is None else list(one_in)
        for among in self.one_in:
            check_count("one_in (--one-in)", among)
        if len(self.one_in) != len(sources):
            raise ValueError(
                f"one_in (--one-in) is {self.one_in}, wanted a number for each of the fidelities, "
                f"{', '.join(sources)}"
            )
        if not 2 <= (in_all := math.prod(self.one_in)) <= _MOST:
            raise ValueError(
                f"one_in (--one-in) is {self.one_in}, so that one in {in_all} is evaluated; wanted "
                f"one in 2 to {_MOST:,}"
            )
        known = problem.known if known is None else known
        self._hints = hints
        self._ways: dict[str, Direction] = {o.name: o.direction for o in problem.objectives}
        unknown = {o.name: o.direction for j, o in enumerate(problem.objectives) if j not in known}
        self._rungs = [
            (source, among, *self._of(problem, select, source, unknown))
            for source, among in zip(sources, self.one_in, strict=True)
        ]

    def __str__(self) -> str:
        """Return a line for each fidelity."""
        return "\n".join(
            f"one of {among} by {source}: {', '.join(f'{n} ({w})' for n, w in ways.items())}"
            for source, among, ways, _ in self._rungs
        )

    def sampler(self, candidates: Sampler) -> Schedule:
        """Return the sampler of one search, which draws by another one."""
        # Here, since it brings SciPy in, which `import lamoo_fast` is to do without.
        from lamoo_fast.nas.evaluators.schedule import Rung, Schedule

        rungs = [Rung(make(), ways, 1 / among) for _, among, ways, make in self._rungs]
        return Schedule(candidates, rungs, self._ways)

    def _of(
        self,
        problem: Problem,
        select: Callable[[list[str]], Problem],
        source: str,
        unknown: Mapping[str, Direction],
    ) -> tuple[dict[str, Direction], Callable[[], Evaluator]]:
        """What a source ranks by, and a function that makes its evaluator."""
        ways: dict[str, Direction]
        if source == PREDICTOR:
            if not unknown:
                raise ValueError(f"all objectives of {problem.name!r} are known; none is predicted")
            return dict(unknown), partial(_predictor, problem, dict(unknown), self._hints)
        if is_file(source):
            scores = Scores(source, problem.space)
            ways = {name: self._ways.get(name, _direction(name)) for name in scores.names}
            looked = _Looked(source, list(ways), scores)
        else:
            table = _table(problem, select, source)
            ways = {o.name: o.direction for o in table.objectives}
            looked = _Looked(source, list(ways), lambda cs: [table.evaluate(c) for c in cs])
        if len(ways.keys() - (self._ways.keys() - unknown.keys())) < len(unknown):
            raise ValueError(
                f"{source} ranks by {', '.join(ways)} alone, of {', '.join(unknown)} none is "
                f"known; wanted {PREDICTOR!r}, or as many scores, or more that is known"
            )
        return ways, lambda: looked


def _usual(sources: int) -> list[int]:
    before = [_FIRST] * (sources - 1)
    return [*before, max(_IN_ALL // math.prod(before), _FIRST)]


def _direction(name: str) -> Direction:
    return "minimize" if name.strip().lower().endswith("loss") else "maximize"


def _table(problem: Problem, select: Callable[[list[str]], Problem], source: str) -> Table:
    """Return the table of which a source is a column."""
    if source in (o.name for o in problem.objectives):
        raise ValueError(f"{source!r} is searched; wanted a cheaper column")
    wanted = f"{source!r} is neither {PREDICTOR!r} nor a file of scores (.csv)"
    if not isinstance(problem, Table):
        raise ValueError(f"{wanted}, and problem {problem.name!r} is no table with columns")
    try:
        table = select([source])
    except ValueError as error:
        raise ValueError(f"{wanted}: {error}") from None
    assert isinstance(table, Table)
    return table


def _predictor(
    problem: Problem, learned: Mapping[str, Direction], hints: HintFunction | None
) -> Predictor:
    from lamoo_fast.nas.evaluators.encodings import features_of
    from lamoo_fast.nas.evaluators.models import ProcessModel
    from lamoo_fast.nas.evaluators.predictor import Predictor

    space = problem.space
    parts = [part for part in (features_of(family_of(space)), hints) if part is not None]
    encode = partial(_side_by_side, parts) if parts else None
    return Predictor(learned, lambda: ProcessModel(space, encode))


def _side_by_side(
    parts: Sequence[HintFunction], configs: Sequence[Config]
) -> npt.NDArray[np.float64]:
    return np.column_stack([part(configs) for part in parts])


class _Looked:
    """Looks values of architectures up, which takes no time."""

    def __init__(
        self,
        fidelity: str,
        names: Sequence[str],
        look_up: Callable[[Sequence[Config]], list[tuple[float, ...]]],
    ) -> None:
        self._fidelity, self._names, self._look_up = fidelity, names, look_up

    def evaluate(self, configs: Sequence[Config]) -> list[Evaluation]:
        from lamoo_fast.nas.evaluators.evaluator import Evaluation

        return [
            Evaluation(dict(zip(self._names, row, strict=True)), self._fidelity, 0.0)
            for row in self._look_up(configs)
        ]
