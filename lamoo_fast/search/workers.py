"""Evaluating trials in this process, one after the other or together.

Here, in `processes` and in `futures`, each class turns a queue of trials into lists of `Outcome`s,
in whatever order they come: those that are there at the same time. Whoever takes them may add to
the queue meanwhile. What goes wrong with one trial (an exception, a crash, a hang) is the outcome
of that trial and of no other.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from lamoo_fast.search.space import Config
from lamoo_fast.search.trial import Failed, Trial, failed

Evaluate = Callable[[Config], Any]
LONGEST_WAIT = 3600.0  # seconds; the system's calls refuse very long ones


class Outcome(NamedTuple):
    """What came of one trial: the returned values or a failure, and how long it took."""

    trial: Trial
    result: Any
    seconds: float


def raised(error: BaseException) -> Failed:
    """Turn an exception into a failure with its type and message."""
    try:
        return failed(f"{type(error).__name__}: {error}")
    except Exception:  # its message cannot be made
        return failed(type(error).__name__)


def timed(evaluate: Evaluate, config: Config) -> tuple[Any, float]:
    """Evaluate, turning an exception into a failure with its type and message."""
    start = time.perf_counter()
    try:
        result = evaluate(config)
    except (Exception, SystemExit) as error:
        result = raised(error)
    return result, time.perf_counter() - start


def at_once(answers: Iterator[Outcome | None]) -> Iterator[list[Outcome]]:
    """Yield all outcomes as one list; those before an error or Ctrl-C too, and then raise it."""
    found: list[Outcome] = []
    try:
        found.extend(outcome for outcome in answers if outcome is not None)
    except BaseException:
        if found:
            yield found
        raise
    if found:
        yield found


class Inline:
    """Evaluates in this process, one trial after the other."""

    def __init__(self, evaluate: Evaluate) -> None:
        self._evaluate = evaluate

    def evaluate(self, queue: deque[Trial]) -> Iterator[list[Outcome]]:
        """Yield one outcome per trial, in the order of the queue."""
        while queue:
            trial = queue.popleft()
            yield [Outcome(trial, *timed(self._evaluate, dict(trial.config)))]

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

    def evaluate(self, queue: deque[Trial]) -> Iterator[list[Outcome]]:
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
                    yield [Outcome(trial, *timed(self, dict(trial.config)))]
                continue
            seconds = (time.perf_counter() - start) / len(trials)
            yield [Outcome(t, result, seconds) for t, result in zip(trials, results, strict=True)]

    def close(self) -> None:
        """Nothing to release."""
