"""The commands ``lamoo nas``: from the supernet of a task to exported networks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamoo_fast import report
from lamoo_fast.cli_arguments import names, whole
from lamoo_fast.nas import load_problem
from lamoo_fast.nas.tasks import task_names

if TYPE_CHECKING:
    from lamoo_fast.nas.tasks.folder import RunFolder
    from lamoo_fast.nas.tasks.task import Run, Task

_ABOUT = """
Search networks for a data set. Each command works in the folder of a run (--out) and goes on where
it was stopped when it is given again: train-supernet, then search, retrain and export.
"""


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's."""
    nas = commands.add_parser("nas", help="search networks for a data set", description=_ABOUT)
    steps = nas.add_subparsers(metavar="command", required=True)
    count = whole(1)

    def add(name: str, command: Callable[[argparse.Namespace], int], what: str) -> Any:
        parser = steps.add_parser(name, help=what, description=command.__doc__)
        parser.add_argument("task", help=", ".join(task_names()))
        option = parser.add_argument
        option("--out", type=Path, metavar="DIR", help="folder of the run (results/nas-TASK)")
        option("--data", type=Path, metavar="DIR", help="folder of the data")
        option("--small", action="store_const", const=True, help="small networks, little data")
        option("--seed", type=whole(0), metavar="N", help="of everything (0)")
        option("--device", default="cpu", metavar="D", help="such as cuda (cpu)")
        option("--limit-batches", type=count, metavar="N", help="of an epoch, for a trial")
        parser.set_defaults(command=command)
        return option

    def add_recipe(option: Any) -> None:
        option("--epochs", type=count, metavar="N", help="in place of the recipe's")
        option("--batch-size", type=count, metavar="N", help="in place of the recipe's")
        option("--tensorboard", action="store_true", help="write logs for TensorBoard")

    few_shot = {"type": whole(2), "metavar": "K", "help": "split the supernet in K parts"}
    add_recipe(add("train-supernet", _train_supernet, "train the network that holds all others"))
    option = add("search", _search, "search with the trained supernet")
    option("--few-shot", **few_shot)
    option("--epochs", type=count, metavar="N", help="of the parts, in place of the recipe's")
    option("--batch-size", type=count, metavar="N", help="in place of the recipe's")
    option("--objectives", type=names, metavar="A,B", help="metric, flops, params, latency")
    option("--budget", type=count, default=200, metavar="N", help="evaluations in all (200)")
    option("--batch", type=count, default=10, metavar="N", help="evaluated at once (10)")
    option = add("score", _score, "compute cheap scores of architectures, hints of other searches")
    option("--supernet", action="store_true", help="by the trained supernet, not untrained")
    option("--few-shot", **{**few_shot, "help": "by the supernet in K parts"})
    option("--epochs", type=count, metavar="N", help="of the parts, in place of the recipe's")
    option("--count", type=count, metavar="N", help="so many random architectures (all)")
    option("--against", metavar="PROBLEM", help="print rank correlations with its values")
    option("--objectives", type=names, metavar="A,B", help="which of that problem's")
    option = add("retrain", _retrain, "train what was found, each alone")
    option("--architecture", action="append", metavar="A", help="this one, not the front")
    option("--count", type=count, metavar="N", help="so many of the front (all)")
    option("--few-shot", **{**few_shot, "help": "the front of that search"})
    add_recipe(option)
    option = add("export", _export, "write the best network for other programs, and a report")
    option("--architecture", metavar="A", help="this one, not the best")


def _begin(args: argparse.Namespace) -> tuple[RunFolder, Task, Run]:
    """Load the task of a run, and make its folder."""
    from lamoo_fast.nas.tasks import load_task

    if args.task not in task_names():
        load_task(args.task)  # says which there are
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ImportError("lamoo nas needs PyTorch; run: pip install 'lamoo_fast[nas]'") from None
    from lamoo_fast.nas.device import checked_device
    from lamoo_fast.nas.tasks.folder import RunFolder
    from lamoo_fast.nas.tasks.task import Run

    checked_device(args.device)
    out = args.out or Path("results") / f"nas-{args.task}"
    folder = RunFolder.find(out, args.task, data=args.data, small=args.small, seed=args.seed)
    task = folder.load()
    folder.create()
    run = Run(
        device=args.device,
        seed=folder.seed,
        epochs=getattr(args, "epochs", None),
        batch=getattr(args, "batch_size", None),
        batches=args.limit_batches,
    )
    return folder, task, run


def _train_supernet(args: argparse.Namespace) -> int:
    """Train the supernet of a task, which holds the weights of all architectures."""
    folder, task, run = _begin(args)
    from lamoo_fast.nas import commands

    history = commands.train_supernet(folder, task, run, tensorboard=args.tensorboard)
    last = ", ".join(f"{name} {value:.4g}" for name, value in history[-1].items())
    print(f"supernet of {task.name}, {len(history)} epochs: {last}; in {folder.supernet}")
    return 0


def _search(args: argparse.Namespace) -> int:
    """Search with the supernet; write the front, a journal and pictures."""
    folder, task, run = _begin(args)
    from lamoo_fast.nas import commands

    problem, opt = commands.search(
        folder,
        task,
        run,
        few_shot=args.few_shot,
        objectives=args.objectives,
        budget=args.budget,
        batch=args.batch,
    )
    front = sorted(opt.pareto_front(), key=lambda t: t.values or ())
    if not front:
        failures = [t.message for t in opt.trials]
        raise RuntimeError(f"no evaluation succeeded; the first: {failures[0]}")
    print(report.write(problem, opt, front, folder.search(args.few_shot)))
    return 0


def _score(args: argparse.Namespace) -> int:
    """Write scores of architectures to a file that `lamoo search --hints FILE.csv` reads.

    Without a supernet they come from untrained networks: NASWOT and SynFlow.
    """
    folder, task, run = _begin(args)
    from lamoo_fast.nas.tasks import scoring

    # Before the work, which a mistyped name shall not come after.
    problem = None if args.against is None else load_problem(args.against, args.objectives)
    path = scoring.score(
        folder, task, run, supernet=args.supernet, few_shot=args.few_shot, count=args.count
    )
    print(f"scores in {path}")
    if problem is not None:
        for line in scoring.agreements(path, problem):
            print(line)
    return 0


def _retrain(args: argparse.Namespace) -> int:
    """Train the architectures of the front, or chosen ones, each alone, by the full recipe."""
    folder, task, run = _begin(args)
    from lamoo_fast.nas import commands
    from lamoo_fast.nas.tasks.report import agreement

    if args.architecture:
        chosen = [{"architecture": text} for text in args.architecture]
    else:
        chosen = commands.found_architectures(folder, args.few_shot, args.count)
    results = commands.retrain(folder, task, run, chosen, tensorboard=args.tensorboard)
    for network in results:
        value = network["trained"][task.metric.name]
        print(
            f"{task.metric.label} {value:.4f}, {network['flops'] / 1e6:.4g} M multiply-adds, "
            f"{network['params'] / 1e6:.4g} M parameters: {network['architecture']}"
        )
    if said := agreement(task, results):
        print(said)
    print(f"{len(results)} of {len(chosen)} networks are trained; table in {folder.networks}")
    return 0 if results else 1


def _export(args: argparse.Namespace) -> int:
    """Export the best trained network, or a chosen one; write a report."""
    folder, task, run = _begin(args)
    from lamoo_fast.nas import commands

    architecture, written = commands.export(folder, task, run, args.architecture)
    print(f"exported to {folder.export}: {architecture}")
    for one in written:
        print(f"  {one}")
    return 0
