"""Evaluating trials: here, alone or together, in worker processes, or through some executor.

Each class turns a queue of trials into `Outcome`s, in whatever order they come. Whoever takes the
outcomes may add to the queue meanwhile. What goes wrong with one trial (an exception, a crash, a
hang) is the outcome of that trial and of no other.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from multiprocessing import connection
from typing import Any, NamedTuple

from lamoo_fast.search.space import Config
from lamoo_fast.search.trial import Failed, Trial, failed

Evaluate = Callable[[Config], Any]
_LONGEST_WAIT = 3600.0  # seconds; the system's calls refuse very long ones


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


class Futures:
    """Evaluates through any `concurrent.futures.Executor`, which stays its owner's.

    Parameters
    ----------
    evaluate : callable
        Must suit the executor (picklable for processes).
    executor : Executor
        Threads, processes, or a cluster's.
    n : int, optional
        Number of trials in flight at once; if None, as many as the queue has at first.
    timeout : float, optional
        Seconds from submission to result; give `n` the executor's size, so that no trial waits
        inside it. A hanging evaluation cannot be killed here: its trial fails and the slot is lost.
    """

    def __init__(
        self, evaluate: Evaluate, executor: Executor, n: int | None, timeout: float | None
    ) -> None:
        self._evaluate = evaluate
        self._executor = executor
        self._n = n
        self._timeout = timeout
        self._hanging: list[Future[Any]] = []
        self._flying: dict[Future[Any], tuple[Trial, float]] = {}

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
            done, _ = wait(self._flying, self._patience(), return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda f: self._flying[f][0].id):
                yield self._collect(future)
            for future in [f for f, (_, start) in self._flying.items() if self._overdue(start)]:
                trial, start = self._flying.pop(future)
                if not future.cancel():
                    self._hanging.append(future)
                message = f"no result within {self._timeout:g} s"
                yield Outcome(trial, failed(message), time.perf_counter() - start)

    def _submit(self, trial: Trial) -> None:
        try:
            future = self._executor.submit(timed, self._evaluate, dict(trial.config))
        except (BrokenExecutor, RuntimeError) as error:
            raise RuntimeError(f"the executor takes no more trials: {error}") from error
        self._flying[future] = (trial, time.perf_counter())

    def _collect(self, future: Future[Any]) -> Outcome:
        trial, start = self._flying.pop(future)
        try:
            result, seconds = future.result()
        except BrokenExecutor as error:
            if self._flying:  # any of them may be the guilty one
                ids = sorted([trial.id, *(t.id for t, _ in self._flying.values())])
                self._flying.clear()
                raise RuntimeError(
                    f"the executor broke while it evaluated trials {ids}: {error}; "
                    "use n_workers without an executor: those are replaced"
                ) from error
            result, seconds = failed(f"worker process died: {error}"), time.perf_counter() - start
        except Exception as error:  # not from the evaluation but from sending it
            message = f"{type(error).__name__}: {error}"
            result, seconds = failed(message), time.perf_counter() - start
        return Outcome(trial, result, seconds)

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        first = min(start for _, start in self._flying.values())
        return min(max(0.0, first + self._timeout - time.perf_counter()), _LONGEST_WAIT)

    def _overdue(self, start: float) -> bool:
        return self._timeout is not None and time.perf_counter() - start >= self._timeout

    def close(self) -> None:
        """Cancel what has not begun."""
        for future in self._flying:
            future.cancel()
        self._flying.clear()
