"""The command ``lamoo``: its parts together, what became of them, and the smallest ones.

Searches are in `cli_search`, networks in `cli_nas`, what looks at results in `cli_report`.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from lamoo_fast import bench, cli_nas, cli_report, cli_search, machine
from lamoo_fast.cli_arguments import each, one_of, seconds, whole
from lamoo_fast.fronts import SHAPES
from lamoo_fast.kernels import _core, simd_level
from lamoo_fast.messages import INTERRUPTED, complain, described
from lamoo_fast.nas import data_folder
from lamoo_fast.nas.files import FILES

_BROKEN_PIPE = 128 + 13  # as shells report SIGPIPE


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
        complain("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # as in `lamoo ... | head`: nobody reads on, which is fine
        _give_up_output()
        return _BROKEN_PIPE
    except OSError as error:
        _give_up_output()
        complain(f"error: {described(error)}")
        return 2
    except (ValueError, RuntimeError, ImportError, MemoryError) as error:
        complain(f"error: {error}")
        return 2
    except Exception as error:
        complain(f"error: {type(error).__name__}: {error} (a defect of lamoo_fast or a plug-in)")
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

    cli_search.add_commands(commands)
    cli_report.add_commands(commands)
    cli_nas.add_commands(commands)

    beside = commands.add_parser("bench", help="time beside rivals", description=_bench.__doc__)
    beside.add_argument("kernel", choices=["hv"], help="hv: exact hypervolume")
    few, known = [2, 3, 4, 5, 6, 8, 10], ", ".join(SHAPES)
    for name, to, parse, given, shown, what in (
        ("-m", "objectives", each(whole(1)), few, "M,M", "numbers of objectives (2 to 10)"),
        ("-n", "points", each(whole(1)), [], "N,N", "numbers of points (by objectives)"),
        ("--shapes", "shapes", each(one_of(SHAPES)), list(SHAPES), "A,B", f"of {known} (all)"),
        ("--seconds", "seconds", seconds, 30.0, "S", "time to take, about (30)"),
    ):
        beside.add_argument(name, dest=to, type=parse, default=given, metavar=shown, help=what)
    beside.set_defaults(command=_bench)

    data = commands.add_parser("data", help="list the files of data", description=_data.__doc__)
    data.set_defaults(command=_data)

    info = commands.add_parser("info", help="show the installation", description=_info.__doc__)
    info.set_defaults(command=_info)
    return parser


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
        complain(str(error))
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
