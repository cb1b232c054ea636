"""Cheap fidelities, by name, that choose what a search evaluates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lamoo_fast.nas.problem import Config, Direction, Problem
from lamoo_fast.nas.scores import Scores, is_file
from lamoo_fast.nas.spaces.families import family_of
from lamoo_fast.nas.table import Table

if TYPE_CHECKING:
    from lamoo_fast.nas.evaluators.evaluator import Evaluation
    from lamoo_fast.nas.evaluators.schedule import Rung, Schedule
    from lamoo_fast.search.samplers import Sampler

__all__ = ["PREDICTOR", "promotion"]

PREDICTOR = "predictor"  # no column of a table has this name
_FIRST, _LAST = 2, 16  # one of so many passes


def promotion(
    problem: Problem,
    select: Callable[[list[str]], Problem],
    sources: Sequence[str],
    one_in: Sequence[int] | None,
    candidates: Sampler,
) -> Schedule:
    """Return a sampler that draws many architectures and passes on what fidelities rank best.

    Parameters
    ----------
    problem : Problem
        What is searched.
    select : callable
        Returns the same problem with other objectives.
    sources : sequence of str
        Cheapest first: columns of the problem's table that are not searched, such as an accuracy
        after a short training; files of scores ("FILE.csv", "FILE.csv:COLUMN", see `Scores`), of
        which those whose names end in "loss" are minimised; and "predictor", a Gaussian process
        that learns all objectives that are not known beforehand from the truth so far. Each ranks
        by dominance of its values and the objectives that are known.
    one_in : sequence of int, optional
        For each source, of how many architectures one passes: 16 of the last, 2 of the others.
    candidates : Sampler
        Draws the architectures.

    Raises
    ------
    ValueError
        When the numbers are not as many as the sources, or a source is none of those above.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> from lamoo_fast.nas import load_problem
    >>> from lamoo_fast.search import UniformSampler
    >>> dtlz2 = load_problem("dtlz2")
    >>> promotion(dtlz2, dtlz2.select, ["predictor"], [8], UniformSampler()).rungs[0].keep
    0.125
    """
    # Here, since they bring SciPy in, which `import lamoo_fast` is to do without.
    from lamoo_fast.nas.evaluators.schedule import Rung, Schedule

    if one_in is None:
        one_in = [_FIRST] * (len(sources) - 1) + [_LAST]
    if len(one_in) != len(sources):
        raise ValueError(
            f"got {len(one_in)} numbers for {len(sources)} fidelities; wanted one for each"
        )
    objectives: dict[str, Direction] = {o.name: o.direction for o in problem.objectives}
    rungs: list[Rung] = []
    for source, among in zip(sources, one_in, strict=True):
        if source == PREDICTOR:
            rungs.append(_predicted(problem, 1 / among))
        elif is_file(source):
            scores = Scores(source, problem.space)
            ways: dict[str, Direction] = {
                name: "minimize" if name.endswith("loss") else "maximize" for name in scores.names
            }
            rungs.append(Rung(_Looked(source, list(ways), scores), ways, 1 / among))
        else:
            if source in objectives:
                raise ValueError(f"{source!r} is searched; wanted a cheaper column")
            cheap = select([source])
            if not isinstance(cheap, Table):
                raise ValueError(
                    f"problem {problem.name!r} is no table, of which {source!r} could be a column; "
                    f"wanted {PREDICTOR!r} or a file of scores"
                )
            ways = {o.name: o.direction for o in cheap.objectives}
            rungs.append(Rung(_Looked(source, list(ways), _all(cheap)), ways, 1 / among))
    return Schedule(candidates, rungs, objectives)


def _predicted(problem: Problem, keep: float) -> Rung:
    from lamoo_fast.nas.evaluators.encodings import features_of
    from lamoo_fast.nas.evaluators.models import ProcessModel
    from lamoo_fast.nas.evaluators.predictor import Predictor
    from lamoo_fast.nas.evaluators.schedule import Rung

    known = problem.known or {}
    learned: dict[str, Direction] = {
        o.name: o.direction for j, o in enumerate(problem.objectives) if j not in known
    }
    if not learned:
        raise ValueError(f"all objectives of {problem.name!r} are known; there is none to predict")
    space, encode = problem.space, features_of(family_of(problem.space))
    return Rung(Predictor(learned, lambda: ProcessModel(space, encode)), learned, keep)


def _all(table: Table) -> Callable[[Sequence[Config]], list[tuple[float, ...]]]:
    return lambda configs: [table.evaluate(config) for config in configs]


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
