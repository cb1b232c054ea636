"""The command ``lamoo``: search a problem, resume a search, time kernels, show what is here.

What ``lamoo nas`` does is in `cli_nas`, what looks at results in `cli_report`.
"""

from __future__ import annotations

import argparse
import io
import logging
import math
import os
import platform
import shlex
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lamoo_fast import bench, cli_nas, cli_report, machine, report
from lamoo_fast.fronts import SHAPES
from lamoo_fast.kernels import _core, simd_level
from lamoo_fast.nas import (
    Problem,
    chosen_hints,
    data_folder,
    load_hints,
    load_problem,
    problem_names,
)  # fmt: skip
from lamoo_fast.nas.efficiency import efficiency
from lamoo_fast.nas.files import FILES
from lamoo_fast.nas.problem import nearest
from lamoo_fast.search import (
    BoTorchSampler,
    CMASampler,
    EHVISampler,
    Greedy,
    LaMOO,
    Leaf,
    Study,
    UniformSampler,
    selection,
)
from lamoo_fast.search.hints import HintFunction
from lamoo_fast.search.journal import Journal

SAMPLERS: dict[str, Callable[[], Any]] = {
    "ehvi": EHVISampler,
    "uniform": UniformSampler,
    "cma": CMASampler,
    "botorch": BoTorchSampler,
}
SELECTIONS: dict[str, Callable[[], Any]] = {
    "leaf": Leaf,
    "path": selection.Path,
    "greedy": Greedy,
}
_RUN = ("budget", "batch", "wait", "sampler", "selection", "seed", "workers", "timeout", "hints")
_SINCE_0_2 = {"wait": True, "hints": None}  # settings that older journals do not have
_INTERRUPTED = 128 + 2  # as shells report SIGINT
_BROKEN_PIPE = 128 + 13  # and SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    status : int
        0; 1 if no trial of a search succeeded and is feasible; 2 after an error, which is one line
        on stderr; 130 after Ctrl-C; 141 if the output was closed before all was printed.
    """
    handler = _BarFriendly()
    logging.getLogger("lamoo_fast").addHandler(handler)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a unit that cannot be printed is no error
    try:
        args = _parser().parse_args(argv)
        status: int = args.command(args)
        print(end="", flush=True)
    except KeyboardInterrupt:
        _complain("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:  # as in `lamoo ... | head`: nobody reads on, which is fine
        _give_up_output()
        return _BROKEN_PIPE
    except OSError as error:
        _give_up_output()
        _complain(f"error: {_described(error)}")
        return 2
    except (ValueError, RuntimeError, ImportError, MemoryError) as error:
        _complain(f"error: {error}")
        return 2
    except Exception as error:
        _complain(f"error: {type(error).__name__}: {error} (a defect of lamoo_fast or a plug-in)")
        return 2
    finally:
        logging.getLogger("lamoo_fast").removeHandler(handler)
    return status


def _give_up_output() -> None:
    """Drop what cannot be printed any more; the interpreter would try once again at its exit."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _described(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _stopped(why: str, journal: Journal) -> None:
    told, budget, out = journal.n_told, journal.run["budget"], str(journal.path.parent)
    _complain(
        f"{why} after {told} of {budget} trials, all recorded; "
        f"go on with: lamoo resume {shlex.quote(out)}"
    )


def _complain(text: str) -> None:
    print("lamoo:", " ".join(text.split()), file=sys.stderr)


class _BarFriendly(logging.Handler):
    """Writes log lines to stderr above a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        text = f"lamoo: {record.levelname.lower()}: {record.getMessage()}"
        tqdm.write(" ".join(text.split()), file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


class _WholeNames(argparse.HelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        words = " ".join(text.split())
        return textwrap.fill(
            words, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lamoo", description="Multi-objective search by learned partitions.")
    commands = parser.add_subparsers(metavar="command", required=True)

    search = commands.add_parser(
        "search",
        help="search a problem",
        description=_search.__doc__,
        epilog=f"Problems: {', '.join(problem_names())}.",
        formatter_class=_WholeNames,
    )
    search.add_argument("problem", help="name of a problem, or module:function of your own")
    option = search.add_argument
    option("--objectives", type=_names, metavar="A,B", help="which to optimise")
    option(
        "--hints",
        type=_names,
        metavar="A,B",
        help="cheap columns, FILE.csv of scores, structure (which cells have), none",
    )
    option("--compare", type=_whole(1), metavar="N", help="N searches with and N without the hints")
    number = _whole(1)
    option("--budget", type=number, default=200, metavar="N", help="evaluations in all (200)")
    option("--batch", type=number, default=5, metavar="N", help="asked for at once (5)")
    for name, options, what in (
        ("--sampler", SAMPLERS, "draws points inside the chosen region"),
        ("--selection", SELECTIONS, "chooses the region"),
    ):
        first, shown = next(iter(options)), "|".join(options)
        option(name, type=_one_of(options), default=first, metavar=shown, help=f"{what} ({first})")
    option("--no-wait", dest="wait", action="store_false", help="let no worker wait for another")
    option("--seed", type=_whole(0), default=0, metavar="N", help="same seed, same trials (0)")
    option("--workers", type=number, metavar="N", help="processes that evaluate (none: run here)")
    option("--timeout", type=_seconds, metavar="S", help="seconds until an evaluation has failed")
    option("--out", type=Path, metavar="DIR", help="folder of results (results/PROBLEM-seedN)")
    search.set_defaults(command=_search)

    resume = commands.add_parser("resume", help="go on with a search", description=_resume.__doc__)
    resume.add_argument("dir", type=Path, help="folder of the results")
    resume.add_argument("--budget", type=_whole(1), metavar="N", help="new number of evaluations")
    resume.set_defaults(command=_resume)

    cli_report.add_commands(commands)
    cli_nas.add_commands(commands, _whole, _names)

    beside = commands.add_parser("bench", help="time beside rivals", description=_bench.__doc__)
    beside.add_argument("kernel", choices=["hv"], help="hv: exact hypervolume")
    few, known = [2, 3, 4, 5, 6, 8, 10], ", ".join(SHAPES)
    for name, to, parse, given, shown, what in (
        ("-m", "objectives", _each(_whole(1)), few, "M,M", "numbers of objectives (2 to 10)"),
        ("-n", "points", _each(_whole(1)), [], "N,N", "numbers of points (by objectives)"),
        ("--shapes", "shapes", _each(_one_of(SHAPES)), list(SHAPES), "A,B", f"of {known} (all)"),
        ("--seconds", "seconds", _seconds, 30.0, "S", "time to take, about (30)"),
    ):
        beside.add_argument(name, dest=to, type=parse, default=given, metavar=shown, help=what)
    beside.set_defaults(command=_bench)

    data = commands.add_parser("data", help="list the files of data", description=_data.__doc__)
    data.set_defaults(command=_data)

    info = commands.add_parser("info", help="show the installation", description=_info.__doc__)
    info.set_defaults(command=_info)
    return parser


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"got {text!r}; wanted a whole number >= {least}")
        return value

    return parse


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}; wanted a number of seconds > 0")
    return value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _one_of(known: Mapping[str, Any]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(f"got {text!r}{nearest(text, list(known))}")
        return text

    return parse


def _each(parse: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def parse_all(text: str) -> list[Any]:
        values = [parse(part) for part in _names(text)]
        if not values:
            raise argparse.ArgumentTypeError(f"got {text!r}; wanted at least one")
        return values

    return parse_all


def _search(args: argparse.Namespace) -> int:
    """Search a problem; write its trials, front and pictures to a folder."""
    problem = _problem(args.problem, args.objectives)
    plain = args.problem.replace(":", "-")
    out = args.out or Path("results") / f"{plain}-seed{args.seed}"
    args.hints = chosen_hints(problem, args.hints)
    run = {key: getattr(args, key) for key in _RUN}
    hints = None if args.hints is None else load_hints(args.problem, args.hints)
    if both := {o.name for o in problem.objectives} & set(args.hints or []):
        raise ValueError(f"--hints names {min(both)}, which is searched; wanted cheaper columns")
    if args.compare:
        useless = {"workers": args.workers, "timeout": args.timeout, "out": args.out}
        if given := [f"--{name}" for name, value in useless.items() if value is not None]:
            raise ValueError(f"--compare searches here and writes nothing; leave out {given[0]}")
        return _compare(problem, run, hints, args.compare)
    opt = _optimiser(problem, run, hints)
    about = {
        "problem": args.problem,
        "objectives": [
            {"name": o.name, "direction": o.direction, "unit": o.unit} for o in problem.objectives
        ],
    }
    try:
        journal = Journal.create(out, opt, run=run, **about)
    except OSError as error:
        raise ValueError(f"--out is {out}: {error.strerror}; wanted a folder to write to") from None
    except ValueError as error:
        raise ValueError(f"--out: {error}") from None
    with journal:
        return _go(problem, opt, journal)


def _resume(args: argparse.Namespace) -> int:
    """Go on with a search from its journal, as if it had never stopped."""
    with Journal.open(args.dir) as journal:
        header = journal.header
        try:
            name = header["problem"]
            objectives = [objective["name"] for objective in header["objectives"]]
            fingerprint = header["search"]["settings"]["space"]["fingerprint"]
            run = {key: {**_SINCE_0_2, **journal.run}[key] for key in _RUN}
            if not isinstance(run["hints"], (list, type(None))):
                raise TypeError
            hinted = run["hints"] or []
            for text in (name, *objectives, *hinted, run["sampler"], run["selection"]):
                if not isinstance(text, str):
                    raise TypeError
        except (KeyError, TypeError):
            raise ValueError(f"{args.dir} was not made by `lamoo search`; use Study") from None
        for key, known in (("sampler", SAMPLERS), ("selection", SELECTIONS)):
            if run[key] not in known:
                raise ValueError(f"{args.dir} has {key} {run[key]!r}; known: {', '.join(known)}")
        problem = _problem(name, objectives)
        if fingerprint != problem.space.fingerprint:
            raise ValueError(
                f"{args.dir} has a space with fingerprint {fingerprint}; "
                f"{name} now has {problem.space.fingerprint}"
            )
        hints = None if run["hints"] is None else load_hints(name, run["hints"])
        opt = _optimiser(problem, run, hints)
        opt.load_state_dict(journal.state())
        if args.budget is not None:
            journal.set_run(budget=args.budget)
        return _go(problem, opt, journal)


def _problem(name: str, objectives: list[str] | None) -> Problem:
    if ":" in name and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` does
    return load_problem(name, objectives)


def _compare(
    problem: Problem, run: Mapping[str, Any], hints: HintFunction | None, seeds: int
) -> int:
    """Say how many evaluations hints save; nothing is written."""
    if hints is None:
        raise ValueError("--compare needs --hints")

    def make(seed: int, given: HintFunction | None) -> LaMOO:
        return _optimiser(problem, {**run, "seed": run["seed"] + seed}, given)

    budget, batch = run["budget"], run["batch"]
    print(efficiency(problem, make, hints, seeds=seeds, budget=budget, batch=batch))
    return 0


def _optimiser(problem: Problem, run: Mapping[str, Any], hints: HintFunction | None) -> LaMOO:
    return LaMOO(
        problem.space,
        problem.directions,
        ref=problem.ref,
        n_constraints=len(problem.constraints),
        known=problem.known,
        hints=hints,
        sampler=SAMPLERS[run["sampler"]](),
        selection=SELECTIONS[run["selection"]](),
        seed=run["seed"],
    )


def _go(problem: Problem, opt: LaMOO, journal: Journal) -> int:
    run, out = journal.run, journal.path.parent
    study = Study(
        opt,
        problem.evaluate,
        n_workers=run["workers"],
        timeout=run["timeout"],
        journal=journal,
    )
    try:
        study.run(run["budget"], run["batch"], wait=run.get("wait", True))
    except KeyboardInterrupt:
        _stopped("interrupted", journal)
        return _INTERRUPTED
    except OSError as error:  # the journal cannot be written
        _stopped(f"error: {_described(error)}: stopped", journal)
        return 2
    front = sorted(opt.pareto_front(), key=lambda t: t.values or ())
    if not front:
        failures = [t for t in opt.trials if t.status == "failed"]
        if done := len(opt.trials) - len(failures):
            _complain(f"no trial is feasible: {done} violate constraints, {len(failures)} failed")
            return 1
        why = failures[0].message if failures else "none was evaluated"
        _complain(f"no trial succeeded, {len(failures)} failed; the first: {why}")
        return 1
    print(report.write(problem, opt, front, out))
    return 0


def _info(args: argparse.Namespace) -> int:
    """Show versions, the processor, what the kernels use of it, and where they are."""
    facts = {
        "python": f"{platform.python_version()} on {platform.platform()}",
        **{p: machine.package_version(p) or "not installed" for p in machine.PACKAGES},
    }
    model, features = machine.processor()
    facts["processor"] = model
    facts["features"] = features or "unknown"
    facts["kernels"] = f"{simd_level()}, C interface {_core.ABI_VERSION}"
    facts["threads"] = f"{machine.usable_threads()} usable of {os.cpu_count()}"
    facts["extension"] = str(_core.__file__)
    try:
        facts["data folder"] = str(data_folder())
    except ValueError as error:
        facts["data folder"] = str(error)
    width = max(map(len, facts))
    for name, fact in facts.items():
        print(f"{name:{width}}  {fact}")
    return 0


def _data(args: argparse.Namespace) -> int:
    """List all files that problems and trainings can use: present or not, and where to be had."""
    try:
        folder: Path | None = data_folder()
    except ValueError as error:
        folder = None
        _complain(str(error))
    for file in FILES:
        found = file.find(folder)
        print(f"{'present' if found else 'absent ':8} {file.name}: {file.what}")
        print(f"{'':8} {found or f'to be had: {file.source}'}")
    return 0


def _bench(args: argparse.Namespace) -> int:
    """Time the exact hypervolume beside every rival that is installed, one thread each."""
    print(machine.summary())
    names = [c.name for c in bench.hypervolume_contenders()]
    if len(names) == 1:
        print("no rival is installed; for all: pip install 'lamoo_fast[bench]'")
    print(bench.heading(names))
    wrong = False
    for shape, m, n, outcome in bench.hypervolume_cells(
        args.objectives, args.points, args.shapes, args.seconds
    ):
        print(bench.line(names, shape, m, n, outcome), flush=True)
        wrong |= outcome.alarm
    print("Times of rivals are followed by their ratio to ours; above 1, ours is faster.")
    return int(wrong)
