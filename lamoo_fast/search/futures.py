"""Evaluating trials through whatever executor there is: threads, processes, a cluster."""

from __future__ import annotations

import logging
import pickle
import time
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from lamoo_fast.search.space import Config
from lamoo_fast.search.trial import Trial, failed
from lamoo_fast.search.workers import LONGEST_WAIT, Evaluate, Outcome, at_once, raised, timed

_MOST_LOSSES = 3  # times that an executor may lose a trial, until it is a failed one
_LOG = logging.getLogger(__name__)


def _packed(evaluate: Evaluate, config: Config, call: tuple[str, int]) -> bytes:
    """Evaluate somewhere else; the answer in bytes, which every executor can carry.

    The number of the call makes no two calls equal: Dask would give equal ones the same result.
    """
    result, seconds = timed(evaluate, config)
    try:
        return pickle.dumps((result, seconds))
    except Exception as error:  # the result cannot be pickled
        return pickle.dumps((raised(error), seconds))


class _Flight(NamedTuple):
    """A trial that an executor has: since when, and how often it was lost before."""

    trial: Trial
    start: float
    losses: int


class Futures:
    """Evaluates through any executor like those of `concurrent.futures`, which stays its owner's.

    Parameters
    ----------
    evaluate : callable
        Must suit the executor (picklable for processes).
    executor : Executor
        Threads, processes, or a cluster's: all it needs is ``submit(function, *args)``, whose
        futures have `result`, `cancel`, `done` and `add_done_callback`. Where it
        raises, the run ends.
    n : int, optional
        Number of trials in flight at once; if None, as many as the queue has at first.
    timeout : float, optional
        Seconds from submission to result; give `n` the executor's size, so that no trial waits
        inside it. A hanging evaluation cannot be killed here: its trial fails and the slot is lost.

    Notes
    -----
    What an evaluation returns or raises comes back as a result, whatever it is. A future that
    raises therefore tells that no result came: its worker died (`KilledWorker` of Dask), it was
    cancelled (`CancelledError`, when a cluster restarts), or the call could not be sent. The trial
    is then submitted again, twice at most; lost three times, it fails. An evaluation may so run
    more than once, but its trial has one outcome. Only a `BrokenExecutor`, which takes no more
    calls, ends the run.
    """

    def __init__(
        self, evaluate: Evaluate, executor: Executor, n: int | None, timeout: float | None
    ) -> None:
        self._evaluate = evaluate
        self._executor = executor
        self._n = n
        self._timeout = timeout
        self._run, self._n_calls = uuid.uuid4().hex, 0
        self._hanging: list[Future[bytes]] = []
        self._flying: dict[Future[bytes], _Flight] = {}  # the longest first
        self._done: SimpleQueue[Future[bytes]] = SimpleQueue()

    def evaluate(self, queue: deque[Trial]) -> Iterator[list[Outcome]]:
        """Yield one outcome per trial, as they come.

        Raises
        ------
        RuntimeError
            If the executor is broken, or all its slots hang. Trials without an outcome stay
            pending.
        """
        size = self._n or len(queue)
        while queue or self._flying:
            self._hanging = [future for future in self._hanging if not future.done()]
            slots = size - len(self._hanging)
            if slots <= 0:
                raise RuntimeError(
                    f"all {len(self._hanging)} slots of the executor hang past the timeout of "
                    f"{self._timeout:g} s; use n_workers without an executor: those can be killed"
                )
            while queue and len(self._flying) < slots:
                self._submit(queue.popleft())
            yield from at_once(self._answers())

    def _submit(self, trial: Trial, losses: int = 0) -> None:
        self._n_calls += 1
        call = self._run, self._n_calls
        try:
            future = self._executor.submit(_packed, self._evaluate, dict(trial.config), call)
        except Exception as error:  # closed clusters have errors of their own
            problem = raised(error).message
            raise RuntimeError(f"the executor takes no more trials: {problem}") from error
        self._flying[future] = _Flight(trial, time.perf_counter(), losses)
        future.add_done_callback(self._done.put)

    def _answers(self) -> Iterator[Outcome | None]:
        for future in sorted(self._finished(), key=lambda f: self._flying[f].trial.id):
            yield self._collect(future)
        yield from self._overdue()

    def _finished(self) -> list[Future[bytes]]:
        """Wait for futures that are done, until the first one in flight is overdue."""
        found = []
        with suppress(Empty):
            found.append(self._done.get(timeout=self._patience()))
            while True:
                found.append(self._done.get_nowait())
        return [future for future in found if future in self._flying]  # not those given up

    def _collect(self, future: Future[bytes]) -> Outcome | None:
        """Return what came, or None where the trial is submitted again."""
        trial, start, losses = self._flying.pop(future)
        try:
            answer = future.result()
        except BrokenExecutor as error:
            if self._flying:  # any of them may be the guilty one
                ids = sorted([trial.id, *(flight.trial.id for flight in self._flying.values())])
                self._flying.clear()
                raise RuntimeError(
                    f"the executor broke while it evaluated trials {ids}: {error}; "
                    "use n_workers without an executor: those are replaced"
                ) from error
            result = failed(f"worker process died: {error}")
        except Exception as error:  # not from the evaluation
            message = f"lost by the executor: {raised(error).message}"
            if losses + 1 < _MOST_LOSSES:
                _LOG.warning("trial %d, submitted again: %s", trial.id, message)
                self._submit(trial, losses + 1)
                return None
            result = failed(f"{message} ({_MOST_LOSSES} times)")
        else:
            try:
                return Outcome(trial, *pickle.loads(answer))
            except Exception as error:  # cannot be unpickled here
                result = raised(error)
        return Outcome(trial, result, time.perf_counter() - start)

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        first = next(iter(self._flying.values())).start
        return min(max(0.0, first + self._timeout - time.perf_counter()), LONGEST_WAIT)

    def _overdue(self) -> Iterator[Outcome]:
        """Give up the trials that take too long."""
        while self._timeout is not None and self._flying:
            future, (trial, start, _) = next(iter(self._flying.items()))
            spent = time.perf_counter() - start
            if spent < self._timeout:
                return
            del self._flying[future]
            if not future.cancel():
                self._hanging.append(future)
            yield Outcome(trial, failed(f"no result within {self._timeout:g} s"), spent)

    def close(self) -> None:
        """Cancel what has not begun."""
        for future in self._flying:
            future.cancel()
        self._flying.clear()
