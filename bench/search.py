"""The study: LaMOO and its rivals on many problems, paired by their initial points.

    python bench/search.py --workers 2            # starts, or goes on where it was stopped
    python bench/search.py --report               # tables and curves of what there is

All methods of a seed begin with the same 10 random points. Runs are appended to runs.csv in the
folder of results, one a line: how many seconds the method took, and where the log10 gap fell.
bench/runs has those measured so far, of methods as they are: when one changes, delete its lines.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import search_report
from search_methods import METHODS, OURS, RIVALS, Entry
from search_problems import MANY_OBJECTIVES, PROBLEMS
from search_runs import plan, study


def main() -> int:
    parser = arguments(__doc__, Path(__file__).parent / "runs/search")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=list(METHODS),
        help=f"any of {', '.join(METHODS)}; or 'cheap', 'rivals', 'ours'",
    )
    args = parser.parse_args()
    cheap = [name for name, entry in METHODS.items() if not entry.slow]
    groups = {"cheap": cheap, "ours": list(OURS), "rivals": list(RIVALS)}
    names = [name for given in args.methods for name in groups.get(given, [given])]
    methods = chosen(parser, "method", names, METHODS)
    status = 0 if args.report else perform(parser, args, methods)
    search_report.write(args.out)
    return status


def arguments(about: str | None, out: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--problems",
        nargs="+",
        default=list(PROBLEMS),
        help=", ".join([*PROBLEMS, *MANY_OBJECTIVES]),
    )
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--slow-seeds", type=int, default=10, help="of methods that take minutes")
    parser.add_argument("--budget", type=int, help="evaluations; by default the problem's own")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes; 0 is this one"
    )
    parser.add_argument("--out", type=Path, default=out, help="folder of results")
    parser.add_argument("--report", action="store_true", help="do no runs")
    return parser


def chosen(
    parser: argparse.ArgumentParser, what: str, names: Iterable[str], known: Mapping[str, Entry]
) -> dict[str, Entry]:
    for name in names:
        if name not in known:
            parser.error(f"unknown {what} {name!r}; known: {', '.join(known)}")
    return {name: known[name] for name in names}


def perform(
    parser: argparse.ArgumentParser, args: argparse.Namespace, methods: Mapping[str, Entry]
) -> int:
    """Do what is missing; the exit status."""
    known = [*PROBLEMS, *MANY_OBJECTIVES]
    for name in args.problems:
        if name not in known:
            parser.error(f"unknown problem {name!r}; known: {', '.join(known)}")
    for name, least in (("seeds", 1), ("workers", 0)):
        if getattr(args, name) < least:
            parser.error(f"--{name} is {getattr(args, name)}; wanted at least {least}")
    if args.budget is not None and args.budget < max(e.n_initial for e in methods.values()):
        parser.error(f"--budget is {args.budget}; wanted at least the initial points")
    tasks, absent = plan(args.problems, methods, args.seeds, args.slow_seeds, args.budget)
    try:
        reasons = study(tasks, args.out, args.workers, absent)
    except ValueError as error:
        parser.error(str(error))
    return int(any(reason.startswith("FAILED") for reason in reasons))


if __name__ == "__main__":
    sys.exit(main())
