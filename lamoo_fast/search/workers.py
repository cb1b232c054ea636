"""Evaluating trials: here, alone or together, in worker processes, or through some executor.

Each class turns a queue of trials into `Outcome`s, in whatever order they come. Whoever takes the
outcomes may add to the queue meanwhile. What goes wrong with one trial (an exception, a crash, a
hang) is the outcome of that trial and of no other.
"""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import signal
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from multiprocessing import connection
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from lamoo_fast.search.space import Config
from lamoo_fast.search.trial import Failed, Trial, failed

Evaluate = Callable[[Config], Any]
_LONGEST_WAIT = 3600.0  # seconds; the system's calls refuse very long ones
_MOST_LOSSES = 3  # times that an executor may lose a trial, until it is a failed one
_LOG = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What came of one trial: the returned values or a failure, and how long it took."""

    trial: Trial
    result: Any
    seconds: float


def timed(evaluate: Evaluate, config: Config) -> tuple[Any, float]:
    """Evaluate, turning an exception into a failure with its type and message."""
    start = time.perf_counter()
    try:
        result = evaluate(config)
    except (Exception, SystemExit) as error:
        result = failed(f"{type(error).__name__}: {error}")
    return result, time.perf_counter() - start


class Inline:
    """Evaluates in this process, one trial after the other."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate

    def evaluate(self, queue: deque[Trial]) -> Iterator[Outcome]:
        """Yield one outcome per trial, in the order of the queue."""
        while queue:
            trial = queue.popleft()
            yield Outcome(trial, *timed(self._evaluate, dict(trial.config)))

    def close(self) -> None:
        """Nothing to release."""


class Together:
    """An evaluation that takes a whole batch of configurations at once; for `Study`.

    Parameters
    ----------
    function : callable
        Takes a list of configurations, and returns what an evaluation would for each, in order.
        When it raises, each of them is evaluated alone, so that one trial fails and no other.

    Examples
    --------
    >>> Together(lambda configs: [c["x"] ** 2 for c in configs])({"x": 3})
    9
    """

    def __init__(self, function: Callable[[list[Config]], Sequence[Any]]) -> None:
        self._function = function

    def __call__(self, config: Config) -> Any:
        """Evaluate one."""
        return self._function([config])[0]

    def evaluate(self, queue: deque[Trial]) -> Iterator[Outcome]:
        """Yield one outcome per trial, in the order of the queue."""
        while queue:
            trials = list(queue)
            queue.clear()
            start = time.perf_counter()
            try:
                results = list(self._function([dict(trial.config) for trial in trials]))
                if len(results) != len(trials):
                    raise ValueError(f"{len(results)} results for {len(trials)} configurations")
            except Exception:
                for trial in trials:
                    yield Outcome(trial, *timed(self, dict(trial.config)))
                continue
            seconds = (time.perf_counter() - start) / len(trials)
            for trial, result in zip(trials, results, strict=True):
                yield Outcome(trial, result, seconds)

    def close(self) -> None:
        """Nothing to release."""


def _serve(pipe: connection.Connection, payload: bytes) -> None:
    """Run a worker process: load the evaluation once, then answer until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    try:
        evaluate = pickle.loads(payload)
    except Exception as error:
        pipe.send(failed(f"{type(error).__name__}: {error}"))
        return
    pipe.send(None)
    while True:
        try:
            config = pipe.recv()
        except (EOFError, ConnectionError):  # the parent is gone
            return
        answer = timed(evaluate, config)
        try:
            pipe.send(answer)
        except ConnectionError:
            return
        except Exception as error:  # the result cannot be pickled
            pipe.send((failed(f"{type(error).__name__}: {error}"), answer[1]))


class _Worker:
    """One process and what it is doing."""

    def __init__(self, context: Any, payload: bytes) -> None:
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, payload), daemon=True)
        self.process.start()
        other.close()  # so that the death of the process is the end of the pipe
        self.ready = False
        self.trial: Trial | None = None
        self.started = 0.0

    def begin(self, trial: Trial) -> bool:
        """Hand over a trial; False if the process died while it had nothing to do."""
        try:
            self.pipe.send(dict(trial.config))
        except OSError:
            return False
        self.trial = trial
        self.started = time.perf_counter()
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Processes:
    """Evaluates in processes of our own; one that crashes or hangs is killed and replaced.

    Parameters
    ----------
    evaluate : callable
        Must be picklable; loaded once by each process.
    n : int
        Number of processes.
    timeout : float, optional
        Seconds that one evaluation may take; starting a process is not counted.

    Raises
    ------
    ValueError
        If `evaluate` cannot be pickled.
    """

    def __init__(self, evaluate: Evaluate, n: int, timeout: float | None) -> None:
        try:
            self._payload = pickle.dumps(evaluate)
        except Exception as error:  # pickle raises nearly anything
            raise ValueError(f"evaluate cannot be sent to worker processes: {error}") from error
        # fork would copy the threads' locks of whatever runs here in whatever state they are.
        known = multiprocessing.get_all_start_methods()
        method = "forkserver" if "forkserver" in known else "spawn"
        self._context = multiprocessing.get_context(method)
        self._n = n
        self._timeout = timeout
        self._workers: list[_Worker] = []

    def evaluate(self, queue: deque[Trial]) -> Iterator[Outcome]:
        """Yield one outcome per trial, as they come.

        Raises
        ------
        RuntimeError
            If a process cannot load the evaluation.
        """
        while queue or any(worker.trial for worker in self._workers):
            idle = sum(worker.trial is None for worker in self._workers)
            while idle < len(queue) and len(self._workers) < self._n:
                idle += 1
                self._workers.append(_Worker(self._context, self._payload))
            for worker in list(self._workers):
                if queue and worker.ready and worker.trial is None:
                    if worker.begin(queue[0]):
                        queue.popleft()
                    else:
                        self._give_up(worker, "")
            waited = [w for w in self._workers if w.trial or not w.ready]
            answered = connection.wait([w.pipe for w in waited], self._patience())
            for worker in waited:
                if worker.pipe in answered:
                    outcome = self._receive(worker)
                elif worker.trial and self._overdue(worker):
                    outcome = self._give_up(worker, f"no result within {self._timeout:g} s")
                else:
                    continue
                if outcome is not None:
                    yield outcome

    def _receive(self, worker: _Worker) -> Outcome | None:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            code = worker.process.exitcode
            how = f"signal {-code}" if code and code < 0 else f"exit status {code}"
            if not worker.ready:
                raise RuntimeError(f"a worker process died at its start: {how}") from None
            return self._give_up(worker, f"worker process died: {how}")
        except Exception as error:  # the result cannot be unpickled here
            message = failed(f"{type(error).__name__}: {error}"), 0.0
        if not worker.ready:
            if isinstance(message, Failed):
                raise RuntimeError(f"a worker cannot load the evaluation: {message.message}")
            worker.ready = True
            return None
        trial, worker.trial = worker.trial, None
        return Outcome(trial, *message) if trial else None

    def _give_up(self, worker: _Worker, message: str) -> Outcome | None:
        """End a worker; the next round starts another one."""
        self._workers.remove(worker)
        worker.kill()
        if worker.trial is None:
            return None
        return Outcome(worker.trial, failed(message), time.perf_counter() - worker.started)

    def _patience(self) -> float | None:
        """Seconds until the first evaluation under way is overdue."""
        started = [worker.started for worker in self._workers if worker.trial]
        if self._timeout is None or not started:
            return None
        left = min(started) + self._timeout - time.perf_counter()
        return min(max(0.0, left), _LONGEST_WAIT)

    def _overdue(self, worker: _Worker) -> bool:
        spent = time.perf_counter() - worker.started
        return self._timeout is not None and spent >= self._timeout

    def close(self) -> None:
        """Kill the processes."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()


def _packed(evaluate: Evaluate, config: Config, call: tuple[str, int]) -> bytes:
    """Evaluate somewhere else; the answer in bytes, which every executor can carry.

    The number of the call makes no two calls equal: Dask would give equal ones the same result.
    """
    result, seconds = timed(evaluate, config)
    try:
        return pickle.dumps((result, seconds))
    except Exception as error:  # the result cannot be pickled
        return pickle.dumps((failed(f"{type(error).__name__}: {error}"), seconds))


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

    def evaluate(self, queue: deque[Trial]) -> Iterator[Outcome]:
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
            for future in sorted(self._finished(), key=lambda f: self._flying[f].trial.id):
                outcome = self._collect(future)
                if outcome is not None:
                    yield outcome
            yield from self._overdue()

    def _submit(self, trial: Trial, losses: int = 0) -> None:
        self._n_calls += 1
        call = self._run, self._n_calls
        try:
            future = self._executor.submit(_packed, self._evaluate, dict(trial.config), call)
        except Exception as error:  # closed clusters have errors of their own
            problem = f"{type(error).__name__}: {error}"
            raise RuntimeError(f"the executor takes no more trials: {problem}") from error
        self._flying[future] = _Flight(trial, time.perf_counter(), losses)
        future.add_done_callback(self._done.put)

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
            message = f"lost by the executor: {type(error).__name__}: {error}"
            if losses + 1 < _MOST_LOSSES:
                _LOG.warning("trial %d, submitted again: %s", trial.id, message)
                self._submit(trial, losses + 1)
                return None
            result = failed(f"{message} ({_MOST_LOSSES} times)")
        else:
            try:
                return Outcome(trial, *pickle.loads(answer))
            except Exception as error:  # cannot be unpickled here
                result = failed(f"{type(error).__name__}: {error}")
        return Outcome(trial, result, time.perf_counter() - start)

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        first = next(iter(self._flying.values())).start
        return min(max(0.0, first + self._timeout - time.perf_counter()), _LONGEST_WAIT)

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
