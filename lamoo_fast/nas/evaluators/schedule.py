"""Rising fidelity inside a search: cheap evaluators choose what is worth a true evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import hv_contributions, pareto_rank
from lamoo_fast.nas.evaluators.evaluator import Evaluation, Evaluator
from lamoo_fast.nas.evaluators.feasibility import Feasibility
from lamoo_fast.nas.evaluators.predictor import Predictor
from lamoo_fast.nas.problem import Direction
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.samplers import Sampler, View
from lamoo_fast.search.samplers.view import spread
from lamoo_fast.search.space import Array, Config, Space
from lamoo_fast.search.tree import Region

__all__ = ["Rung", "Schedule"]


@dataclass(frozen=True)
class Rung:
    """One fidelity of a schedule.

    Parameters
    ----------
    evaluator : Evaluator
        Always gives an architecture the same values; or a `Predictor`, which is told the truth.
    objectives : mapping of str to {"maximize", "minimize"}
        Which of its values architectures are ranked by. Objectives that the search knows without
        evaluation are joined to them.
    keep : float
        Share of the architectures that is promoted, in (0, 1].
    evaluations : int, optional
        Most evaluations in all.
    seconds : float, optional
        No evaluation is begun when so many are used.

    Raises
    ------
    ValueError
        When there is no objective, or a number is out of its range.
    """

    evaluator: Evaluator
    objectives: Mapping[str, Direction]
    keep: float = 0.25
    evaluations: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.objectives or not set(self.objectives.values()) <= {"maximize", "minimize"}:
            raise ValueError(
                f"objectives is {dict(self.objectives)}, wanted names with 'maximize' or 'minimize'"
            )
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep is {self.keep}, wanted 0 < keep <= 1")
        if self.evaluations is not None:
            check_count("evaluations", self.evaluations)
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"seconds is {self.seconds}, wanted a number > 0")

    def __repr__(self) -> str:
        """Name the settings; two evaluators of a kind are taken as equal."""
        kind, budgets = type(self.evaluator).__name__, (self.evaluations, self.seconds)
        return f"Rung({kind}, {dict(self.objectives)}, {self.keep}, {budgets})"


class Schedule:
    """Draws many points, and passes on those that rising fidelities find most promising.

    A sampler: ``LaMOO(sampler=Schedule(...))`` asks for true evaluations of what has come through
    all rungs, and of nothing else. Each rung ranks its architectures together with all that are
    truly evaluated by dominance, ties by the hypervolume that each alone contributes to its front,
    and promotes the best ones; those last that are predicted to violate constraints or to fail
    (`Feasibility`). Cheap values that exist for every architecture can be hints of the
    search as well (`as_hints`).

    Parameters
    ----------
    candidates : Sampler
        Draws n / (product of all `keep`) points for n that are asked for.
    rungs : sequence of Rung
        Cheapest first.
    objectives : mapping of str to {"maximize", "minimize"}
        Those of the search, in its order.
    record : Path, optional
        File to which every evaluation is written, with fidelity and cost, as a line of JSON. A
        resumed search takes them from there.

    Raises
    ------
    ValueError
        When there is no rung, a predictor predicts what is no objective, or the record is damaged.

    Notes
    -----
    Successive halving (Jamieson and Talwalkar, AISTATS 2016) with the promotion of several
    objectives by fronts (as Schmucker et al., arXiv:2106.12639, 2021), inside the regions of LaMOO.
    Where a rung's budget is used up, what it has not seen comes last, in the order of before.

    Examples
    --------
    >>> from lamoo_fast.search import LaMOO, Float, Space, UniformSampler
    >>> class Rough:
    ...     def evaluate(self, configs):
    ...         return [Evaluation({"loss": c["x"] ** 2 + 0.1}, "rough", 0.1) for c in configs]
    >>> loss: Mapping[str, Direction] = {"loss": "minimize"}
    >>> schedule = Schedule(UniformSampler(), [Rung(Rough(), loss)], {**loss, "size": "minimize"})
    >>> opt = LaMOO(Space({"x": Float(-1, 1)}), ["minimize", "minimize"], ref=(2, 2),
    ...             known={1: lambda c: 1 + c["x"]}, sampler=schedule, seed=0)
    >>> for _ in range(6):
    ...     trials = opt.ask(5)
    ...     _ = opt.tell(trials, [(t.config["x"] ** 2, 1 + t.config["x"]) for t in trials])
    >>> len(opt.trials), len(schedule.evaluations(0)), bool(opt.trials[-1].config["x"] < 0.2)
    (30, 90, True)
    """

    def __init__(
        self,
        candidates: Sampler,
        rungs: Sequence[Rung],
        objectives: Mapping[str, Direction],
        *,
        record: Path | None = None,
    ) -> None:
        if not rungs:
            raise ValueError("rungs is empty; wanted at least one")
        for rung in rungs:
            learned = rung.evaluator.names if isinstance(rung.evaluator, Predictor) else ()
            if strange := set(learned) - set(objectives):
                raise ValueError(
                    f"a predictor predicts {min(strange)!r}, wanted some of {list(objectives)}"
                )
        self.candidates, self.rungs = candidates, tuple(rungs)
        self._signs = {n: -1.0 if d == "maximize" else 1.0 for n, d in objectives.items()}
        self._told: list[set[bytes]] = [set() for _ in rungs]
        self._record = record
        self._known: list[dict[str, Evaluation]] = [{} for _ in rungs]
        if record is not None and record.exists():
            self._load(record)

    def __repr__(self) -> str:
        """Name all settings, which saved searches compare."""
        return f"Schedule({self.candidates!r}, {list(self.rungs)!r})"

    def evaluations(self, rung: int) -> list[Evaluation]:
        """All evaluations of a rung so far; those of a predictor, which change, are not kept."""
        return list(self._known[rung].values())

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d), as the sampler of the candidates does."""
        if len(view.X) < 2:
            return self.candidates.draw(region, n, view)
        size = math.ceil(n / math.prod(rung.keep for rung in self.rungs))
        X = self.candidates.draw(region, size, view)
        excess = Feasibility(region.space, view).excess(X)
        for number, rung in enumerate(self.rungs):
            if len(X) > n:
                order = self._order(number, region.space, X, excess, view)
                order = order[: max(n, math.ceil(rung.keep * len(X)))]
                X, excess = X[order], excess[order]
        return X[:n]

    def _order(
        self, number: int, space: Space, X: Array, excess: Array, view: View
    ) -> npt.NDArray[np.intp]:
        """Rows of X, the most promising first."""
        everything = np.vstack([view.X, X])
        values = self._values(number, space, everything, view)
        known = view.known.values(everything)[:, list(view.known.columns)]
        F = np.hstack([values, known])
        of_use = np.concatenate([view.feasible, excess <= 0])
        seen = np.flatnonzero(np.isfinite(F).all(axis=1) & of_use)
        rank, gain = np.full(len(F), len(F)), np.zeros(len(F))
        if len(seen):
            rank[seen] = pareto_rank(F[seen])
            # Not at zero from a column of equal values: what it multiplies would vanish too.
            worst = F[seen].max(axis=0) + 0.1 * spread(F[seen])
            for front in np.unique(rank[seen]):
                rows = np.flatnonzero(rank == front)
                gain[rows] = hv_contributions(F[rows], worst)
        own = slice(len(view.X), None)
        return np.lexsort([-gain[own], rank[own], excess])

    def _values(self, number: int, space: Space, X: Array, view: View) -> Array:
        """Minimised values (n, k) on a rung; NaN where there is none."""
        rung = self.rungs[number]
        configs = space.decode(X)
        if isinstance(rung.evaluator, Predictor):
            self._teach(number, rung.evaluator, space, view)
            found: list[Evaluation | None] = list(rung.evaluator.evaluate(configs))
        else:
            found = self._evaluated(number, configs)
        nothing = dict.fromkeys(rung.objectives, math.nan)
        signs = [-1.0 if d == "maximize" else 1.0 for d in rung.objectives.values()]
        rows = [[(e.values if e else nothing)[name] for name in rung.objectives] for e in found]
        return np.reshape(rows, (len(rows), len(signs))) * signs

    def _teach(self, number: int, predictor: Predictor, space: Space, view: View) -> None:
        """Tell a predictor the truth that it has not been told."""
        names = list(self._signs)
        keys = space.keys(view.X)
        new = [i for i, key in enumerate(keys) if key not in self._told[number]]
        truth = view.F[new] * list(self._signs.values())
        rows = [dict(zip(names, row, strict=True)) for row in truth.tolist()]
        predictor.tell(space.decode(view.X[new]), rows)
        self._told[number].update(keys)

    def _evaluated(self, number: int, configs: list[Config]) -> list[Evaluation | None]:
        """Evaluations on a rung, those of before and as many new ones as its budget allows."""
        rung, known = self.rungs[number], self._known[number]
        new = {_key(c): c for c in configs if _key(c) not in known}
        keys = list(new)
        if rung.evaluations is not None:
            keys = keys[: max(0, rung.evaluations - len(known))]
        # One by one where time is counted; else together, as supernets like it.
        size = max(1, len(keys)) if rung.seconds is None else 1
        for first in range(0, len(keys), size):
            spent = sum(e.cost for e in known.values()) if rung.seconds is not None else 0.0
            if rung.seconds is not None and spent >= rung.seconds:
                break
            some = keys[first : first + size]
            found = rung.evaluator.evaluate([new[key] for key in some])
            if len(found) != len(some):
                raise ValueError(
                    f"rung {number} gave {len(found)} evaluations of {len(some)} architectures"
                )
            for key, evaluation in zip(some, found, strict=True):
                known[key] = _plain(evaluation, number, rung.objectives)
                self._write(number, new[key], known[key])
        return [known.get(_key(config)) for config in configs]

    def _write(self, number: int, config: Config, evaluation: Evaluation) -> None:
        if self._record is None:
            return
        line = {"rung": number, "config": config, **vars(evaluation)}
        with self._record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _load(self, record: Path) -> None:
        data = record.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]  # a crash may have cut the last line off
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                read = json.loads(line)
                rung = range(len(self.rungs))[check_count("rung", read["rung"], least=0)]
                evaluation = Evaluation(read["values"], str(read["fidelity"]), float(read["cost"]))
                evaluation = _plain(evaluation, rung, self.rungs[rung].objectives)
                self._known[rung][_key(read["config"])] = evaluation
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                raise ValueError(f"{record} line {number} is no evaluation: {error!r}") from None
        if whole != data:
            record.write_bytes(whole)


def _plain(evaluation: Evaluation, rung: int, wanted: Iterable[str]) -> Evaluation:
    """Return an evaluation with plain numbers, which JSON can hold; all wanted ones among them."""
    values = {name: float(value) for name, value in dict(evaluation.values).items()}
    if missing := [name for name in wanted if name not in values]:
        raise ValueError(f"rung {rung} gave values of {list(values)}, wanted {missing[0]!r} too")
    return Evaluation(values, evaluation.fidelity, float(evaluation.cost))


def _key(config: Mapping[str, object]) -> str:
    return json.dumps(dict(sorted(config.items())))
