"""The command ``lamoo``: search a problem, resume a search, show the installation."""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import io
import logging
import math
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from lamoo_fast.kernels import ParetoArchive, _core
from lamoo_fast.nas import Problem, Table, data_folder, load_problem, problem_names
from lamoo_fast.nas.problem import nearest
from lamoo_fast.search import (
    CMASampler,
    EHVISampler,
    Float,
    Greedy,
    LaMOO,
    Leaf,
    PartitionTree,
    Study,
    Trial,
    UniformSampler,
    selection,
)
from lamoo_fast.search.journal import Journal

SAMPLERS: dict[str, Callable[[], Any]] = {
    "uniform": UniformSampler,
    "cma": CMASampler,
    "ehvi": EHVISampler,
}
SELECTIONS: dict[str, Callable[[], Any]] = {
    "leaf": Leaf,
    "path": selection.Path,
    "greedy": Greedy,
}
_RUN = ("budget", "batch", "sampler", "selection", "seed", "workers", "timeout")
_ROWS_PRINTED = 40
_MAX_OBJECTIVES_TRACED = 5  # beyond, exact hypervolumes of long histories take minutes
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
        0; 1 if no trial of a search succeeded; 2 after an error, which is one line on stderr; 130
        after Ctrl-C; 141 if the output was closed before all was printed.
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
        where = f": {error.filename}" if error.filename else ""
        _complain(f"error: {error.strerror or error}{where}")
        return 2
    except (ValueError, RuntimeError, ImportError) as error:
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lamoo", description="Multi-objective search by learned partitions.")
    commands = parser.add_subparsers(metavar="command", required=True)

    search = commands.add_parser(
        "search",
        help="search a problem",
        description=_search.__doc__,
        epilog=f"Problems: {', '.join(problem_names())}.",
    )
    search.add_argument("problem", help="name of a problem, or module:function of your own")
    option = search.add_argument
    option("--objectives", type=_names, metavar="A,B", help="which to optimise")
    number = _whole(1)
    option("--budget", type=number, default=200, metavar="N", help="evaluations in all (200)")
    option("--batch", type=number, default=5, metavar="N", help="asked for at once (5)")
    for name, known, what in (
        ("--sampler", SAMPLERS, "draws points inside the chosen region"),
        ("--selection", SELECTIONS, "chooses the region"),
    ):
        first, shown = next(iter(known)), "|".join(known)
        option(name, type=_one_of(known), default=first, metavar=shown, help=f"{what} ({first})")
    option("--seed", type=_whole(0), default=0, metavar="N", help="same seed, same trials (0)")
    option("--workers", type=number, metavar="N", help="processes that evaluate (none: run here)")
    option("--timeout", type=_seconds, metavar="S", help="seconds until an evaluation has failed")
    option("--out", type=Path, metavar="DIR", help="folder of results (results/PROBLEM-seedN)")
    search.set_defaults(command=_search)

    resume = commands.add_parser("resume", help="go on with a search", description=_resume.__doc__)
    resume.add_argument("dir", type=Path, help="folder of the results")
    resume.add_argument("--budget", type=_whole(1), metavar="N", help="new number of evaluations")
    resume.set_defaults(command=_resume)

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


def _search(args: argparse.Namespace) -> int:
    """Search a problem; write its trials, front and pictures to a folder."""
    problem = _problem(args.problem, args.objectives)
    plain = args.problem.replace(":", "-")
    out = args.out or Path("results") / f"{plain}-seed{args.seed}"
    run = {key: getattr(args, key) for key in _RUN}
    opt = _optimiser(problem, run)
    about = {
        "problem": args.problem,
        "objectives": [vars(objective) for objective in problem.objectives],
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
            run = {key: journal.run[key] for key in _RUN}
            for text in (name, *objectives, run["sampler"], run["selection"]):
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
        opt = _optimiser(problem, run)
        opt.load_state_dict(journal.state())
        if args.budget is not None:
            journal.set_run(budget=args.budget)
        return _go(problem, opt, journal)


def _problem(name: str, objectives: list[str] | None) -> Problem:
    if ":" in name and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` does
    return load_problem(name, objectives)


def _optimiser(problem: Problem, run: Mapping[str, Any]) -> LaMOO:
    return LaMOO(
        problem.space,
        problem.directions,
        ref=problem.ref,
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
        study.run(run["budget"], run["batch"])
    except KeyboardInterrupt:
        told = len(opt.trials)
        _complain(
            f"interrupted after {told} of {run['budget']} trials, all recorded; "
            f"go on with: lamoo resume {shlex.quote(str(out))}"
        )
        return _INTERRUPTED
    return _report(problem, opt, out)


def _report(problem: Problem, opt: LaMOO, out: Path) -> int:
    """Write the front and the pictures, print the front and a summary."""
    failures = [t for t in opt.trials if t.status == "failed"]
    front = sorted(opt.pareto_front(), key=lambda t: t.values or ())
    if not front:
        why = failures[0].message if failures else "none was evaluated"
        _complain(f"no trial succeeded, {len(failures)} failed; the first: {why}")
        return 1
    _write_front(problem, front, out / "front.csv")
    best = _draw(problem, opt, out)
    print(_table(problem, front))
    ref = opt.ref
    if ref is None:
        volume = "hypervolume unknown: no reference point yet"
    else:
        volume = f"hypervolume {opt.hypervolume():.6g}"
        if best is not None:
            volume += f" ({100 * opt.hypervolume() / best:.2f} % of the true front's {best:.6g})"
        volume += f" against ({', '.join(f'{r:.6g}' for r in ref)})"
    print(f"\n{volume}; {len(opt.trials)} evaluations, {len(failures)} failed; results in {out}")
    return 0


def _write_front(problem: Problem, front: Sequence[Trial], path: Path) -> None:
    names = [o.name for o in problem.objectives]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *problem.space.names, *names])
        writer.writerows([t.id, *t.config.values(), *(t.values or ())] for t in front)


def _draw(problem: Problem, opt: LaMOO, out: Path) -> float | None:
    """Write the pictures; return the true front's hypervolume, if it is known."""
    from lamoo_fast import plot

    m = len(problem.objectives)
    exact = m <= _MAX_OBJECTIVES_TRACED
    title = f"{problem.name}, LaMOO"
    table = problem if isinstance(problem, Table) else None
    true_front = table.true_front() if table is not None and exact else None
    best = table.hypervolume(opt.ref) if table is not None and exact else None
    figures = {}
    if m > 1:
        figures["pareto"] = plot.pareto(
            opt.trials, problem.objectives, ref=opt.ref, true_front=true_front, title=title
        )
    if opt.ref is not None:
        if exact:
            figures["hypervolume"] = plot.hypervolume_trace(
                _trace(opt, opt.ref), best=best, title=title
            )
        tree = _tree(opt, opt.ref)
        chosen = opt.selection.select(tree) if exact else None
        figures["tree"] = plot.partition_tree(tree, chosen=chosen, values=exact, title=title)
        if problem.space.d == 2 and all(
            isinstance(p, Float) for p in problem.space.params.values()
        ):
            figures["regions"] = plot.regions(tree, opt.trials, chosen=chosen, title=title)
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png")
    return best


def _trace(opt: LaMOO, ref: Sequence[float]) -> list[float]:
    """Hypervolume after each trial, by id."""
    archive = ParetoArchive(ref, maximise=[d == "maximize" for d in opt.directions])
    volumes = []
    for trial in opt.trials:
        if trial.values is not None:
            archive.add(np.array([trial.values]))
        volumes.append(archive.hypervolume)
    return volumes


def _tree(opt: LaMOO, ref: Sequence[float]) -> PartitionTree:
    """Tree over all trials; the search's own may not know the last ones."""
    done = [t for t in opt.trials if t.values is not None]
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in opt.directions])
    return PartitionTree.build(
        opt.space,
        np.array([t.x for t in done]),
        signs * np.array([t.values for t in done]),
        signs * np.array(ref),
        opt.classifier,
        leaf_size=opt.leaf_size,
    )


def _table(problem: Problem, front: Sequence[Trial]) -> str:
    """Lay out the front in aligned columns."""
    head = ["id", *(o.label for o in problem.objectives), *problem.space.names]
    rows = [
        [str(t.id), *(f"{v:.6g}" for v in t.values or ()), *map(_short, t.config.values())]
        for t in front[:_ROWS_PRINTED]
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in [head, *rows]
    ]
    if len(front) > _ROWS_PRINTED:
        lines.append(f"... and {len(front) - _ROWS_PRINTED} more in front.csv")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _info(args: argparse.Namespace) -> int:
    """Show versions, the processor and where the compiled part is."""
    packages = (
        "lamoo_fast", "numpy", "scipy", "scikit-learn", "matplotlib", "tqdm",
        "torch", "botorch", "cma", "analog-nasbench", "nas-bench-graph",
    )  # fmt: skip
    facts = {"python": f"{platform.python_version()} on {platform.platform()}"}
    for package in packages:
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    model, features = _processor()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts["processor"] = model
    facts["features"] = features or "unknown"
    facts["threads"] = f"{usable} usable of {os.cpu_count()}"
    facts["extension"] = str(_core.__file__)
    try:
        facts["data folder"] = str(data_folder())
    except ValueError as error:
        facts["data folder"] = str(error)
    width = max(map(len, facts))
    for name, fact in facts.items():
        print(f"{name:{width}}  {fact}")
    return 0


def _processor() -> tuple[str, str]:
    """Model of the processor and those of its features that matter to numeric code."""
    wanted = ("sse4_2", "avx", "avx2", "fma", "avx512f", "asimd", "sve")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), ""
    facts = dict(line.split(":", 1) for line in reversed(text.splitlines()) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return facts.get("model name", platform.machine()), " ".join(f for f in wanted if f in flags)
