"""The commands that look at results: ``lamoo report`` and ``lamoo compare``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from lamoo_fast.record import Record


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's."""
    report = commands.add_parser("report", help="write a web page", description=_report.__doc__)
    report.add_argument("dir", type=Path, help="folder of the results")
    more = {"nargs": "+", "type": Path, "default": [], "metavar": "DIR"}
    report.add_argument("--with", dest="beside", help="earlier searches to draw beside it", **more)
    report.add_argument("--out", type=Path, metavar="FILE", help="the page (DIR/report.html)")
    report.set_defaults(command=_report)

    compare = commands.add_parser("compare", help="compare searches", description=_compare.__doc__)
    compare.add_argument("dirs", type=Path, nargs="+", metavar="dir", help="folders of results")
    compare.add_argument("--out", type=Path, metavar="FILE", help="draw the curves: .png, .svg")
    compare.set_defaults(command=_compare)


def _report(args: argparse.Namespace) -> int:
    """Write one web page about a search, running or not, that opens without a network."""
    from lamoo_fast import page

    record = Record.read(args.dir)
    beside = [Record.read(folder) for folder in args.beside]
    out = args.out or args.dir / "report.html"
    page.write(record, out, beside=beside, command=_again(record))
    print(f"report of {record.opt.n_told} evaluations in {out}")
    return 0


def _compare(args: argparse.Namespace) -> int:
    """Print how far searches of the same objectives came, and how soon."""
    from lamoo_fast.compare import Comparison

    found = Comparison.of([Record.read(folder) for folder in args.dirs])
    print(found)
    if args.out is not None:
        found.draw().savefig(args.out)
        print(f"curves in {args.out}")
    return 0


def _again(record: Record) -> str | None:
    """Command that makes the same search, if a command made it."""
    run, header = record.run, record.header
    names = ",".join(o.name for o in record.objectives)
    if "supernet" in header:
        steps = ["nas", "search", record.name]
    elif "problem" in header and "sampler" in run:
        steps = ["search", record.name]
    else:
        return None
    words = ["lamoo", *steps, "--objectives", names]
    for name in ("budget", "batch", "sampler", "selection", "seed", "workers", "timeout"):
        if run.get(name) is not None:
            words += [f"--{name}", str(run[name])]
    for name in ("known", "promote", "one_in"):
        if isinstance(run.get(name), list):
            words += [f"--{name.replace('_', '-')}", ",".join(map(str, run[name]))]
    if steps[0] == "search":
        words += ["--hints", ",".join(run.get("hints") or ["none"])]
    if run.get("wait") is False:
        words.append("--no-wait")
    return shlex.join(words)
