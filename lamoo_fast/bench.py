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
    fits : callable
        Whether it takes part for m objectives and a `clean` set (mutually non-dominated): where
        its results are right, and not hopelessly slow.
    tidy : callable
        Makes results comparable; not timed.
    tolerance : float
        Largest error against ours that is no disagreement.
    exact : bool
        Whether a disagreement is an alarm; else it is a known weakness.
    """

    name: str
    call: Callable[..., Any]
    fits: Callable[[int, bool], bool] = lambda m, clean: True
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


_MOOCORE_UP_TO = 10  # its time explodes without warning beyond: hundreds of times the others


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
        contenders.append(
            Contender("moocore", moocore.hypervolume, lambda m, clean: m <= _MOOCORE_UP_TO)
        )
    if hvwfg := installed("hvwfg"):
        contenders.append(
            Contender(
                "hvwfg",
                lambda F, ref: hvwfg.wfg(inside(F, ref), ref),
                fits=lambda m, clean: m > 2 or clean,
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
_HOPELESS = 3.0  # contenders so many times slower than the best rival are timed only once,
_LONG = 1.0  # s; and so are long calls
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
        Seconds to spend on repeats, about.

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

    first = {name: times[0] for name, times in samples.items()}
    others = [first[c.name] for c in running if c.name != reference and c not in wrong]
    enough = min(max(_HOPELESS * min(others, default=0.0), 1e-3), _LONG)
    timed = [c for c in running if first[c.name] <= (_LONG if c.name == reference else enough)]
    once = sum(first[c.name] for c in timed)
    number = {c.name: max(1, round(_SAMPLE / first[c.name])) for c in timed}
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
    """Seconds that a call will take, by taking more and more points. Also warms up."""
    points, *rest = args
    n: int = len(points)
    sizes: list[int] = sorted({max(n >> k, 2) for k in range(1, 8)} | {max(3 * n // 4, 2)})
    call(points[: sizes[0]].copy(), *rest)  # who compiles at the first call does it here
    before, seconds, power = sizes[0], 0.0, 1.0
    for size, following in zip(sizes, [*sizes[1:], n], strict=True):
        part = points[:size].copy()
        taken = min(_time(call, (part, *rest)) for _ in range(2 if seconds < 0.01 else 1))
        if seconds > _SAMPLE and size > before:
            power = max(1.0, math.log(taken / seconds) / math.log(size / before))
        before, seconds = size, taken
        expected = seconds * math.exp(power * math.log(following / size))
        if expected > limit:
            break
    return expected


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
        fit = [c for c in contenders if c.fits(m, clean)]
        args = (F, np.full(m, REF))
        yield shape, m, n, compare(fit, args, limit=share / len(fit), budget=share / 2)


def heading(names: Sequence[str]) -> str:
    """Heading of the lines that `line` gives.

    Parameters
    ----------
    names : sequence of str
        Contenders, ours first.

    Returns
    -------
    str
    """
    return f"{'shape':13} {'m':>2} {'n':>7}" + "".join(f"  {name:>16}" for name in names)


def line(names: Sequence[str], shape: str, m: int, n: int, outcome: Outcome) -> str:
    """One cell as a line: times, those of rivals with their ratio to ours.

    Parameters
    ----------
    names : sequence of str
        Contenders, ours first.
    shape : str
    m, n : int
    outcome : Outcome

    Returns
    -------
    str
    """
    ours = outcome.seconds.get(names[0], math.nan)
    cells = []
    for name in names:
        if name in outcome.wrong:
            cell = f"off by {outcome.errors[name]:.0e}"
        elif name in outcome.left_out:
            cell = "too slow"
        elif name not in outcome.seconds:
            cell = "-"
        else:
            cell = duration(outcome.seconds[name])
            if name != names[0] and not math.isnan(ours):
                cell += f" {'x' + format(outcome.seconds[name] / ours, '.3g'):>7}"
        cells.append(cell)
    return f"{shape:13} {m:2} {n:7}" + "".join(f"  {cell:>16}" for cell in cells)


def duration(seconds: float) -> str:
    """Format a time in three digits.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str
    """
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return "-" if math.isnan(seconds) else f"{seconds / 1e-9:.3g} ns"
