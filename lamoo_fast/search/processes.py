"""Evaluating trials in worker processes of our own."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from collections import deque
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

from lamoo_fast.search.trial import Failed, Trial, failed
from lamoo_fast.search.workers import LONGEST_WAIT, Evaluate, Outcome, at_once, raised, timed


def _serve(pipe: connection.Connection, payload: bytes) -> None:
    """Run a worker process: load the evaluation once, then answer until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    try:
        evaluate = pickle.loads(payload)
    except Exception as error:
        pipe.send(raised(error))
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
            pipe.send((raised(error), answer[1]))


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

    def evaluate(self, queue: deque[Trial]) -> Iterator[list[Outcome]]:
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
            yield from at_once(self._answers())

    def _answers(self) -> Iterator[Outcome | None]:
        """Wait until there are some, or the first evaluation is overdue."""
        waited = [w for w in self._workers if w.trial or not w.ready]
        if not waited:  # the last one died while it was idle; without any, this would never end
            return
        answered = connection.wait([w.pipe for w in waited], self._patience())
        for worker in waited:
            if worker.pipe in answered:
                yield self._receive(worker)
            elif worker.trial and self._overdue(worker):
                yield self._give_up(worker, f"no result within {self._timeout:g} s")

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
            message = raised(error), 0.0
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
        return min(max(0.0, left), LONGEST_WAIT)

    def _overdue(self, worker: _Worker) -> bool:
        spent = time.perf_counter() - worker.started
        return self._timeout is not None and spent >= self._timeout

    def close(self) -> None:
        """Kill the processes."""
        for worker in self._workers:
            worker.kill()
        self._workers.clear()
