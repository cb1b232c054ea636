"""How many evaluations a help saves: searches with and without it, paired by seed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import ParetoArchive
from lamoo_fast.nas.problem import Config, Problem
from lamoo_fast.nas.table import Table
from lamoo_fast.search import LaMOO, SpaceExhausted, failed

Floats = npt.NDArray[np.float64]
_LEAST_GAP = 1e-4  # of the best hypervolume; less is none
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Efficiency:
    """Curves of searches and what they say.

    Parameters
    ----------
    without, helped : array, shape (seeds, budget)
        Hypervolume after each evaluation, of the searches without and with the help.
    best : float
        The hypervolume of the true front, or NaN.
    help : str
        What it is, such as "hints".
    """

    without: Floats
    helped: Floats
    best: float
    help: str

    @property
    def level(self) -> float:
        """Where searches without help end: the mean over the seeds (see `curve`)."""
        return float(self.curve(self.without)[-1])

    @property
    def evaluations(self) -> int | None:
        """Evaluations after which searches with help are at the level; None if never."""
        return self._reached(self.helped)

    @property
    def times(self) -> float:
        """How many times more searches without help take; nan where the level is not reached."""
        own, theirs = self._reached(self.helped), self._reached(self.without)
        return theirs / own if own and theirs else np.nan

    def _reached(self, volumes: Floats) -> int | None:
        found = volumes.any(axis=0)  # where nothing is, no level is reached
        reached = np.flatnonzero(found & (self.curve(volumes) >= self.level - 1e-12))
        return int(reached[0]) + 1 if len(reached) else None

    def curve(self, volumes: Floats) -> Floats:
        """Mean over the seeds: of minus log10 of the gap to the best, if that is known.

        Otherwise of the hypervolume itself.
        """
        if np.isnan(self.best):
            return np.asarray(volumes.mean(axis=0))
        gaps = np.maximum((self.best - volumes) / (self.best or 1.0), _LEAST_GAP)
        return np.asarray(-np.log10(gaps).mean(axis=0))

    def __str__(self) -> str:
        seeds, budget = self.without.shape
        what = "mean hypervolume" if np.isnan(self.best) else "mean of -log10 of the relative gap"
        end, helped = f"{self.level:.4g}", f"{self.curve(self.helped)[-1]:.4g}"
        first = (
            f"{what} after {budget} evaluations, {seeds} seeds: "
            f"{end} without {self.help}, {helped} with {self.help}"
        )
        if not self.without.any():
            return f"{first}\nnothing better than the reference point was found without {self.help}"
        if self.evaluations is None:
            return f"{first}\nwith {self.help} the level of {end} is not reached"
        return (
            f"{first}\nwith {self.help} the level of {end} takes {self.evaluations} evaluations, "
            f"{self._reached(self.without)} without: {self.times:.2f} times fewer"
        )


def efficiency(
    problem: Problem,
    make: Callable[[int, bool], LaMOO],
    help: str,
    *,
    seeds: int,
    budget: int,
    batch: int = 1,
) -> Efficiency:
    """Search a problem with and without help.

    Parameters
    ----------
    problem : Problem
        With a reference point; its evaluations are the truth that is counted.
    make : callable
        Takes a seed and whether to help, and makes a search; both have one initial design.
    help : str
        What the help is, such as "hints".
    seeds : int
        Searches of either kind.
    budget, batch : int
        Evaluations of a search, and of one round.

    Raises
    ------
    ValueError
        When the problem has no reference point.
    """
    from tqdm import tqdm

    if problem.ref is None:
        raise ValueError(f"problem {problem.name!r} has no reference point; wanted one")
    curves: list[list[Floats]] = [[], []]
    with tqdm(total=2 * seeds * budget, unit="evaluation", disable=None) as bar:
        for seed in range(seeds):
            for helped in (False, True):
                bar.set_postfix_str(f"seed {seed}, {'with' if helped else 'without'} {help}")
                opt = make(seed, helped)
                curves[helped].append(_volumes(problem, opt, budget, batch, bar.update))
    best = problem.hypervolume() if isinstance(problem, Table) else np.nan
    return Efficiency(np.array(curves[0]), np.array(curves[1]), best, help)


def _volumes(
    problem: Problem, opt: LaMOO, budget: int, batch: int, count: Callable[[int], object]
) -> Floats:
    """Hypervolume (budget,) after each evaluation of a search."""
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in problem.directions])
    archive = ParetoArchive(signs * np.array(problem.ref))
    volumes: list[float] = []
    while len(volumes) < budget:
        try:
            trials = opt.ask(min(batch, budget - len(volumes)))
        except SpaceExhausted:
            break
        for trial in opt.tell(trials, [_evaluated(problem, trial.config) for trial in trials]):
            if trial.values is not None and trial.feasible:
                archive.add(signs * np.array(trial.values)[None])
            volumes.append(archive.hypervolume)
        count(len(trials))
    if failures := [trial for trial in opt.trials if trial.status == "failed"]:
        n, first = len(failures), failures[0]
        _log.warning("%d of %d evaluations failed; the first: %s", n, len(volumes), first.message)
    return np.array(volumes + volumes[-1:] * (budget - len(volumes)))


def _evaluated(problem: Problem, config: Config) -> Sequence[float] | object:
    try:
        return problem.evaluate(config)
    except Exception as error:  # a failed trial, as in `Study`
        return failed(f"{type(error).__name__}: {error}")
