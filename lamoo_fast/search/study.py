"""The loop of a search: ask, evaluate, tell, until the budget is used."""

from __future__ import annotations

import logging
import math
import numbers
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from typing import Any

from lamoo_fast.search.display import dataframe, objective_names, summary
from lamoo_fast.search.futures import Futures
from lamoo_fast.search.journal import Journal
from lamoo_fast.search.known import Contradiction
from lamoo_fast.search.lamoo import LaMOO
from lamoo_fast.search.processes import Processes
from lamoo_fast.search.trial import SpaceExhausted, Trial, failed
from lamoo_fast.search.workers import Evaluate, Inline, Outcome, Together

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_FACTS = 0.2  # in the progress bar
_MAX_OBJECTIVES_SHOWN = 4  # the exact hypervolume of more would slow the loop down


class Study:
    """A search with its evaluation.

    Parameters
    ----------
    opt : LaMOO
        The search. Trials it has already are kept; pending ones are evaluated first.
    evaluate : callable
        Takes a configuration (dict), returns one number per objective and then one per
        constraint, or a pair of both. `Together` evaluates all trials in flight in one call.
    executor : concurrent.futures.Executor, optional
        Evaluates the trials: threads, processes, or a cluster's (``Client.get_executor()`` of Dask,
        whose workers may die, return and join). It is not shut down here. A trial that it loses is
        submitted again, twice at most; a broken pool of processes ends the run.
    n_workers : int, optional
        Without an executor: number of worker processes of our own; `evaluate` must then be
        picklable. One that crashes or hangs is replaced. With an executor: number of trials in
        flight at once, whole batches by default.
    timeout : float, optional
        Seconds that one evaluation may take. Needs workers: one is started if none is given.
    journal : Journal, optional
        Where every ask and tell is recorded.
    callbacks : iterable of callable
        Each is called as ``callback(study, trials)`` with the trials told in each round; with
        ``wait=False`` those that finished while others were told or asked for.
    progress : bool
        Show a bar with hypervolume and front size on stderr, if that is a terminal.

    Raises
    ------
    ValueError
        If a number is out of range, or `evaluate` cannot be pickled for `n_workers`.

    Notes
    -----
    By default rounds are synchronous: the next trials are asked for when nothing is pending. Trials
    are told in the order in which they finish, which does not matter to `LaMOO`, so that the same
    seed gives the same trials whatever the number of workers. With ``run(wait=False)`` no worker
    waits for another one, but what is proposed depends on which trials finished before it: the run
    can be repeated only if they finish in the same order and as many together, as they do here or
    with ``n_workers=1``.

    An evaluation that raises, crashes, exceeds the timeout or returns something else than finite
    numbers is a failed trial with the reason as its message; the run goes on.

    Examples
    --------
    >>> from lamoo_fast.search.space import Float, Space
    >>> opt = LaMOO(Space({"x": Float(0, 1)}), ["minimize", "minimize"], ref=(1, 1), seed=0)
    >>> study = Study(opt, lambda config: (config["x"], 1 - config["x"]))
    >>> trials = study.run(budget=20, batch=5)
    >>> len(trials)
    20
    """

    def __init__(
        self,
        opt: LaMOO,
        evaluate: Evaluate,
        *,
        executor: Executor | None = None,
        n_workers: int | None = None,
        timeout: float | None = None,
        journal: Journal | None = None,
        callbacks: Iterable[Callable[[Study, list[Trial]], object]] = (),
        progress: bool = True,
    ) -> None:
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout is {timeout!r}; wanted a number of seconds > 0")
        n = None if n_workers is None else _count("n_workers", n_workers)
        self.opt = opt
        self.journal = journal
        self._callbacks = tuple(callbacks)
        self._progress = progress
        self._exhausted = False
        self._workers: Inline | Together | Processes | Futures
        if executor is not None:
            self._workers = Futures(evaluate, executor, n, timeout)
        elif n is not None or timeout is not None:
            self._workers = Processes(evaluate, n or 1, timeout)
        elif isinstance(evaluate, Together):
            self._workers = evaluate
        else:
            self._workers = Inline(evaluate)

    def run(self, budget: int, batch: int = 1, *, wait: bool = True) -> list[Trial]:
        """Search until `budget` trials are told, counting those told before and failed ones.

        Parameters
        ----------
        budget : int
            Number of trials in the end; fewer if a finite space has no more.
        batch : int
            Number of trials in flight at once.
        wait : bool
            Whether to ask for the next trials only when the whole batch is told. Otherwise as many
            are asked for as have just finished, while the others are pending. With as many in
            flight as there are workers a worker then waits for nothing but `LaMOO.ask`; with a few
            more, not for that either.

        Returns
        -------
        trials : list of Trial
            All told trials, by id.

        Raises
        ------
        ValueError
            If `budget` or `batch` is not a whole number >= 1, or an evaluation contradicts what is
            declared known.
        RuntimeError
            If the workers cannot start, or a foreign executor breaks.
        OSError
            If the journal cannot be written. Trials told are kept; once there is space again, `run`
            records them first and goes on.
        """
        budget, batch = _count("budget", budget), _count("batch", batch)
        self._exhausted = False
        with ExitStack() as stack:
            stack.enter_context(closing(self._workers))
            bar = stack.enter_context(closing(_Bar(self._progress, self.opt, budget)))
            while queue := self._first(budget, batch, wait):
                told = []
                for outcomes in self._workers.evaluate(queue):
                    told += self._tell(outcomes)
                    bar.advance(len(outcomes))
                    if not wait:
                        self._end_round(told, bar)
                        told = []
                        queue += self._ask(budget, batch)
                if told:
                    self._end_round(told, bar)
        return self.opt.trials

    def to_dataframe(self) -> Any:
        """Return all trials as a table of pandas, one row each; see `display.dataframe`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return dataframe(self.opt, self._names)

    def _repr_html_(self) -> str:
        return summary(self.opt, self._names)

    @property
    def _names(self) -> list[str]:
        header = {} if self.journal is None else self.journal.header
        return objective_names(self.opt, header)

    def _first(self, budget: int, batch: int, wait: bool) -> deque[Trial]:
        """Return the trials to begin with: those left pending, and new ones if they may join."""
        if self.journal is not None:
            self.journal.catch_up(self.opt)
        queue = deque(self.opt.pending)
        if not (queue and wait):
            queue += self._ask(budget, batch)
        return queue

    def _ask(self, budget: int, batch: int) -> Sequence[Trial]:
        """Ask for as many trials as may be in flight beside the pending ones."""
        pending = self.opt.n_pending
        left = budget - self.opt.n_told - pending
        n = min(batch - pending, left)
        if n <= 0 or self._exhausted:
            return ()
        try:
            trials = self.opt.ask(n)
        except SpaceExhausted as error:
            _LOG.warning("stopped %d trials early: %s", left, error)
            self._exhausted = True
            return ()
        if self.journal is not None:
            self.journal.asked(trials, self.opt)
        return trials

    def _end_round(self, told: list[Trial], bar: _Bar) -> None:
        bar.show(self.opt)
        for callback in self._callbacks:
            callback(self, told)

    def _tell(self, outcomes: list[Outcome]) -> list[Trial]:
        told: list[Trial] = []
        try:
            told.extend(map(self._tell_one, outcomes))
        finally:  # also when one of them ends the run
            if self.journal is not None:
                seconds = [outcome.seconds for outcome in outcomes[: len(told)]]
                self.journal.told(told, seconds)
        return told

    def _tell_one(self, outcome: Outcome) -> Trial:
        try:
            trial = self.opt.tell([outcome.trial], [outcome.result])[0]
        except Contradiction:  # the fault of the whole search, not of this trial
            raise
        except ValueError as error:  # not one number per objective
            trial = self.opt.tell([outcome.trial], [failed(str(error))])[0]
        if trial.status == "failed":
            _LOG.warning("trial %d failed: %s", trial.id, trial.message)
        return trial


class _Bar:
    """Progress on stderr: trials told, hypervolume, size of the front."""

    def __init__(self, shown: bool, opt: LaMOO, budget: int) -> None:
        self._bar: Any = None
        if shown:
            from tqdm import tqdm

            # disable=None: only on a terminal
            self._bar = tqdm(total=budget, initial=opt.n_told, unit="trial", disable=None)
        self._shown = -math.inf

    def advance(self, n: int) -> None:
        if self._bar is not None:
            self._bar.update(n)

    def show(self, opt: LaMOO) -> None:
        """Show facts about the search, which take time to compute: not too often."""
        if self._bar is None or self._bar.disable:
            return
        now = time.monotonic()
        if now - self._shown < _SECONDS_BETWEEN_FACTS and opt.n_told < self._bar.total:
            return
        self._shown = now
        facts = {"front": len(opt.pareto_front())}
        if len(opt.directions) <= _MAX_OBJECTIVES_SHOWN:
            self._bar.set_postfix(hypervolume=f"{opt.hypervolume():.6g}", **facts)
        else:
            self._bar.set_postfix(**facts)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}; wanted a whole number >= 1")
    return int(value)
