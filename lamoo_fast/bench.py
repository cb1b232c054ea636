"""Kernels beside the rivals that are installed: results checked equal first, then timed.

`hypervolume_contenders` lists who competes, `compare` checks and times any contenders on the same
arguments. `lamoo bench` prints what `hypervolume_cells` yields; the programs in ``bench/`` of the
source tree use the same pieces for every kernel.
"""

from __future__ import annotations

import gc
import importlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamoo_fast.fronts import REF, front
from lamoo_fast.kernels import hypervolume

OURS = "lamoo_fast"

Floats = NDArray[np.float64]

# ---------------------------------------------------------------------------------------------
# Contenders
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contender:
    """A function that computes what others compute too.

    Attributes
    ----------
    name : str
    call : callable
        Takes the arguments of a cell; the first is the (n, m) array of points.
    right : callable
        Whether the results are right for m objectives and a `clean` set (mutually non-dominated).
    tidy : callable
        Makes results comparable; not timed.
    tolerance : float
        Largest error against ours that is no disagreement.
    exact : bool
        Whether a disagreement is an alarm; else it is a known weakness.
    """

    name: str
    call: Callable[..., Any]
    right: Callable[[int, bool], bool] = lambda m, clean: True
    tidy: Callable[[Any], Any] = lambda result: result
    tolerance: float = 1e-12
    exact: bool = True


def installed(module: str) -> Any | None:
    """Import a module if it is installed.

    Parameters
    ----------
    module : str

    Returns
    -------
    module or None
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def hypervolume_contenders(ours: str = OURS) -> list[Contender]:
    """List ours and every installed rival for the exact hypervolume.

    Parameters
    ----------
    ours : str
        What to call ours.

    Returns
    -------
    list of Contender
        Ours first.

    Notes
    -----
    hvwfg is wrong for two objectives with dominated or repeated points, and it and pygmo need
    points that dominate the reference point, so that removing the others is part of their time.
    """
    contenders = [Contender(ours, hypervolume)]
    if moocore := installed("moocore"):
        contenders.append(Contender("moocore", moocore.hypervolume))
    if hvwfg := installed("hvwfg"):
        contenders.append(
            Contender(
                "hvwfg",
                lambda F, ref: hvwfg.wfg(inside(F, ref), ref),
                right=lambda m, clean: m > 2 or clean,
                tolerance=1e-11,
            )
        )
    if pygmo := installed("pygmo"):
        contenders.append(
            Contender(
                "pygmo",
                lambda F, ref: pygmo.hypervolume(inside(F, ref)).compute(ref),
                tolerance=1e-11,
            )
        )
    return contenders


def inside(F: Floats, ref: Floats) -> Floats:
    """Points that dominate the reference point in every objective.

    Parameters
    ----------
    F : ndarray, shape (n, m)
    ref : ndarray, shape (m,)

    Returns
    -------
    ndarray, shape (k, m)
        F itself if there is nothing to remove.
    """
    better = np.less(F, ref).all(axis=1)
    return F if better.all() else F[better]


def relative(ours: Any, theirs: Any) -> float:
    """Difference of two numbers, relative to theirs; 0 where both are 0.

    Parameters
    ----------
    ours, theirs : float

    Returns
    -------
    float
    """
    return 0.0 if ours == theirs else abs(ours - theirs) / max(abs(theirs), 5e-324)


# ---------------------------------------------------------------------------------------------
# Checking and timing
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What contenders did with the same arguments.

    Attributes
    ----------
    seconds : dict of str to float
        Least time of a call; only of those that finish within the limit.
    median : dict of str to float
        Median time of a call.
    errors : dict of str to float
        Differences from ours.
    wrong : tuple of str
        Those that differ by more than their tolerance.
    alarm : bool
        Whether one of these should be exact.
    left_out : tuple of str
        Those that would take longer than the limit.
    """

    seconds: dict[str, float]
    median: dict[str, float]
    errors: dict[str, float]
    wrong: tuple[str, ...]
    alarm: bool
    left_out: tuple[str, ...]

    @property
    def best_rival(self) -> str | None:
        """Name of the fastest other contender whose result agrees."""
        others = {k: t for k, t in self.seconds.items() if k != OURS and k not in self.wrong}
        return min(others, key=others.__getitem__) if others else None

    @property
    def ratio(self) -> float:
        """How many times faster ours is than the best rival; nan if either is missing."""
        best = self.best_rival
        if best is None or OURS not in self.seconds:
            return math.nan
        return self.seconds[best] / self.seconds[OURS]


_MOST_ROUNDS = 25
_HOPELESS = 3.0  # contenders so many times slower than the best rival are timed only once
_SAMPLE = 1e-4  # s; calls shorter than this are timed several at once


def compare(
    contenders: Sequence[Contender],
    args: Sequence[Any],
    *,
    error: Callable[[Any, Any], float] = relative,
    limit: float = 2.0,
    budget: float = 0.3,
) -> Outcome:
    """Check that contenders agree, then time them in alternation.

    Parameters
    ----------
    contenders : sequence of Contender
        Ours first.
    args : sequence
        Arguments of all of them; the first is the (n, m) array of points.
    error : callable
        Difference of our result and theirs.
    limit : float
        Seconds of a call. Who would take longer on all points, judged by times on fewer, is left
        out.
    budget : float
        Seconds to spend on repeats; everyone is timed twice in any case.

    Returns
    -------
    Outcome
    """
    running = [c for c in contenders if _expected(c.call, args, limit) <= limit]
    results: dict[str, Any] = {}
    samples: dict[str, list[float]] = {}
    for contender in running:
        started = time.perf_counter()
        result = contender.call(*args)
        samples[contender.name] = [time.perf_counter() - started]
        results[contender.name] = contender.tidy(result)
    reference = contenders[0].name if contenders[0].name in results else None
    errors = {}
    if reference is not None:
        errors = {c.name: error(results[reference], results[c.name]) for c in running[1:]}
    wrong = [c for c in running if errors.get(c.name, 0.0) > c.tolerance]

    others = [samples[c.name][0] for c in running if c.name != reference]
    enough = max(_HOPELESS * min(others, default=0.0), 1e-3)
    timed = [c for c in running if c.name == reference or samples[c.name][0] <= enough]
    once = sum(samples[c.name][0] for c in timed)
    number = {c.name: max(1, round(_SAMPLE / samples[c.name][0])) for c in timed}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for k in range(max(1, min(_MOST_ROUNDS, round(budget / max(once, _SAMPLE))))):
            for contender in timed if k % 2 else timed[::-1]:
                samples[contender.name].append(_time(contender.call, args, number[contender.name]))
    finally:
        if collecting:
            gc.enable()
    return Outcome(
        {name: min(times) for name, times in samples.items()},
        {name: statistics.median(times) for name, times in samples.items()},
        errors,
        tuple(c.name for c in wrong),
        any(c.exact for c in wrong),
        tuple(c.name for c in contenders if c not in running),
    )


def _time(call: Callable[..., Any], args: Sequence[Any], number: int = 1) -> float:
    started = time.perf_counter()
    for _ in range(number):
        call(*args)
    return (time.perf_counter() - started) / number


def _expected(call: Callable[..., Any], args: Sequence[Any], limit: float) -> float:
    """Seconds that a call will take, by doubling the number of points. Also warms up."""
    points, *rest = args
    sizes = sorted({max(len(points) >> k, 2) for k in range(1, 8)})
    call(points[: sizes[0]].copy(), *rest)  # who compiles at the first call does it here
    before, growth = 0.0, 2.0
    for size in sizes:
        part = points[:size].copy()
        seconds = min(_time(call, (part, *rest)) for _ in range(2 if before < 0.01 else 1))
        if before > _SAMPLE:
            growth = max(2.0, seconds / before)
        before = seconds
        if seconds * growth > limit:  # already for twice as many points
            break
    return before * growth


# ---------------------------------------------------------------------------------------------
# lamoo bench hv
# ---------------------------------------------------------------------------------------------

POINTS = {2: 100_000, 3: 10_000, 4: 1000, 5: 1000, 6: 300, 7: 100, 8: 100, 9: 80, 10: 80}


def points_for(m: int) -> int:
    """Points whose exact hypervolume is some milliseconds of work.

    Parameters
    ----------
    m : int
        Objectives.

    Returns
    -------
    int
    """
    return POINTS.get(m, 1000 if m < 2 else max(10, 270 // m))


def hypervolume_cells(
    objectives: Sequence[int], points: Sequence[int], shapes: Sequence[str], seconds: float
) -> Iterator[tuple[str, int, int, Outcome]]:
    """Compare hypervolumes on a grid, cell by cell.

    Parameters
    ----------
    objectives : sequence of int
    points : sequence of int
        Empty: `points_for` each number of objectives.
    shapes : sequence of str
        Keys of `SHAPES`.
    seconds : float
        Time for all cells together, about. Who would need too much of it is left out of a cell.

    Yields
    ------
    shape, m, n, outcome
    """
    cells = [(s, m, n) for m in objectives for n in points or [points_for(m)] for s in shapes]
    contenders = hypervolume_contenders()
    until = time.perf_counter() + seconds
    for k, (shape, m, n) in enumerate(cells):
        share = max(0.0, until - time.perf_counter()) / (len(cells) - k)
        F = front(shape, n, m)
        clean = shape != "mixed"
        fit = [c for c in contenders if c.right(m, clean)]
        args = (F, np.full(m, REF))
        yield shape, m, n, compare(fit, args, limit=share / len(fit), budget=share / 2)
