"""The commands that search: ``lamoo search`` and ``lamoo resume``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from lamoo_fast import report
from lamoo_fast.cli_arguments import each, names, one_of, seconds, whole
from lamoo_fast.messages import INTERRUPTED, complain, described
from lamoo_fast.nas import Problem, chosen_hints, load_hints, load_problem, problem_names
from lamoo_fast.nas.efficiency import efficiency
from lamoo_fast.nas.problem import Config, nearest
from lamoo_fast.nas.promotion import PREDICTOR, Promotion
from lamoo_fast.nas.scores import digests, located
from lamoo_fast.nas.table import Table
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
CANDIDATES = ("uniform", "cma")  # samplers without a model, of whose points some are promoted
_RUN = (
    "budget", "batch", "wait", "sampler", "selection", "seed", "workers", "timeout", "hints",
    "promote", "one_in", "known", "files",
)  # fmt: skip
# Settings that older journals do not have.
_SINCE: dict[str, Any] = {
    "wait": True, "hints": None, "promote": None, "one_in": None, "known": None, "files": {},
}  # fmt: skip


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's."""
    search = commands.add_parser(
        "search",
        help="search a problem",
        description=_search.__doc__,
        epilog=f"Problems: {', '.join(problem_names())}.",
        formatter_class=_WholeNames,
    )
    search.add_argument("problem", help="name of a problem, or module:function of your own")
    option = search.add_argument
    option("--objectives", type=names, metavar="A,B", help="which to optimise")
    option("--known", type=names, metavar="A,B", help="objectives that cost nothing (of a table)")
    option(
        "--hints",
        type=names,
        metavar="A,B",
        help="cheap columns, FILE.csv of scores, structure (which cells have), none",
    )
    option(
        "--promote",
        type=names,
        metavar="A,B",
        help="draw many, evaluate the best by cheap columns, FILE.csv of scores, predictor",
    )
    number = whole(1)
    option(
        "--one-in",
        type=each(number),
        metavar="N,N",
        help="of how many one passes (2 each but the last, 32 in all)",
    )
    option("--compare", type=number, metavar="N", help="N searches with and N without such help")
    option("--budget", type=number, default=200, metavar="N", help="evaluations in all (200)")
    option("--batch", type=number, default=5, metavar="N", help="asked for at once (5)")
    for name, options, first, what in (
        (
            "--sampler",
            SAMPLERS,
            None,
            "draws points in the chosen region (ehvi; to promote: uniform)",
        ),
        ("--selection", SELECTIONS, "leaf", "chooses the region (leaf)"),
    ):
        option(name, type=one_of(options), default=first, metavar="|".join(options), help=what)
    option("--no-wait", dest="wait", action="store_false", help="let no worker wait for another")
    option("--seed", type=whole(0), default=0, metavar="N", help="same seed, same trials (0)")
    option("--workers", type=number, metavar="N", help="processes that evaluate (none: run here)")
    option("--timeout", type=seconds, metavar="S", help="seconds until an evaluation has failed")
    option("--out", type=Path, metavar="DIR", help="folder of results (results/PROBLEM-seedN)")
    search.set_defaults(command=_search)

    resume = commands.add_parser("resume", help="go on with a search", description=_resume.__doc__)
    resume.add_argument("dir", type=Path, help="folder of the results")
    resume.add_argument("--budget", type=whole(1), metavar="N", help="new number of evaluations")
    resume.set_defaults(command=_resume)


class _WholeNames(argparse.HelpFormatter):
    def _fill_text(self, text: str, width: int, indent: str) -> str:
        words = " ".join(text.split())
        return textwrap.fill(
            words, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )


def _search(args: argparse.Namespace) -> int:
    """Search a problem; write its trials, front and pictures to a folder."""
    problem = _problem(args.problem, args.objectives)
    plain = args.problem.replace(":", "-")
    out = args.out or Path("results") / f"{plain}-seed{args.seed}"
    args.sampler = args.sampler or ("uniform" if args.promote else "ehvi")
    if args.promote is not None:
        _check_promotion(args)
        args.promote = [located(source) for source in args.promote]
        args.hints = args.hints or ["none"]
    elif args.one_in is not None:
        raise ValueError("--one-in needs --promote")
    args.hints = chosen_hints(problem, args.hints)
    if both := {o.name for o in problem.objectives} & set(args.hints or []):
        raise ValueError(f"--hints names {min(both)}, which is searched; wanted cheaper columns")
    args.files = digests([*(args.hints or []), *(args.promote or [])])
    run = {key: getattr(args, key) for key in _RUN}
    make, promoted = _maker(problem, args.problem, run)
    if promoted is not None:
        print(promoted)
        run["one_in"] = promoted.one_in
    if args.compare:
        return _compare(args, problem, make)
    opt = make(0, True)
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
            run = {key: {**_SINCE, **journal.run}[key] for key in _RUN}
            lists = [run[key] for key in ("hints", "promote", "known", "one_in")]
            if not all(isinstance(found, (list, type(None))) for found in lists):
                raise TypeError
            *named, one_in = ([] if found is None else found for found in lists)
            words = [name, *objectives, run["sampler"], run["selection"], *chain(*named)]
            if not all(isinstance(text, str) for text in words):
                raise TypeError
            if not all(type(n) is int and n >= 1 for n in one_in):
                raise TypeError
            if not isinstance(run["files"], dict):
                raise TypeError
            if run["promote"] and run["one_in"] is None:  # the default before it was kept
                run["one_in"] = [*[2] * (len(run["promote"]) - 1), 16]
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
        for path, now in digests([*(run["hints"] or []), *(run["promote"] or [])]).items():
            if run["files"].get(path, now) != now:
                raise ValueError(
                    f"{path} has changed since {args.dir} was begun; bring it back, or begin anew"
                )
        make, _ = _maker(problem, name, run)
        opt = make(0, True)
        opt.load_state_dict(journal.state())
        if args.budget is not None:
            journal.set_run(budget=args.budget)
        return _go(problem, opt, journal)


def _problem(name: str, objectives: list[str] | None) -> Problem:
    if ":" in name and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as `python -m` does
    return load_problem(name, objectives)


def _check_promotion(args: argparse.Namespace) -> None:
    if args.hints not in (None, ["none"]) and PREDICTOR not in args.promote:
        raise ValueError(f"--hints is for models; leave it out, or promote by {PREDICTOR!r} too")
    if args.sampler not in CANDIDATES:
        raise ValueError(f"--promote draws by {' or '.join(CANDIDATES)}; got {args.sampler}")


def _compare(args: argparse.Namespace, problem: Problem, make: Callable[[int, bool], LaMOO]) -> int:
    """Say how many evaluations hints or promotion save; nothing is written."""
    useless = {
        "--workers": args.workers is not None,
        "--timeout": args.timeout is not None,
        "--out": args.out is not None,
        "--no-wait": not args.wait,
    }
    for name, given in useless.items():
        if given:
            raise ValueError(f"--compare searches here and writes nothing; leave out {name}")
    if not args.hints and not args.promote:
        raise ValueError("--compare needs --hints or --promote")
    # Whoever promotes has another sampler than the default one, which has a model of its own.
    help = f"promotion of {args.sampler} samples" if args.promote else "hints"
    size = {"seeds": args.compare, "budget": args.budget, "batch": args.batch}
    found = efficiency(problem, make, help, **size)
    print(found)
    return 0 if found.without.any() or found.helped.any() else 1


def _maker(
    problem: Problem, name: str, run: Mapping[str, Any]
) -> tuple[Callable[[int, bool], LaMOO], Promotion | None]:
    """Return a function that makes a search, and how it promotes.

    The function takes a seed, which counts from that of the run, and whether to help.
    """
    known = {**problem.known, **_known(problem, run["known"] or [])}
    hints = None if run["hints"] is None else load_hints(name, run["hints"])
    promoted: Promotion | None = None
    if run["promote"]:
        select = partial(_problem, name)
        promoted = Promotion(problem, select, run["promote"], run["one_in"], known, hints)

    def make(seed: int, helped: bool) -> LaMOO:
        sampler = SAMPLERS[run["sampler"]]()
        return LaMOO(
            problem.space,
            problem.directions,
            ref=problem.ref,
            n_constraints=len(problem.constraints),
            known=known,
            hints=hints if helped else None,
            sampler=promoted.sampler(sampler) if promoted and helped else sampler,
            selection=SELECTIONS[run["selection"]](),
            seed=run["seed"] + seed,
        )

    return make, promoted


def _known(problem: Problem, columns: list[str]) -> dict[int, Callable[[Config], float]]:
    """Look objectives of a table up, as if they needed no evaluation."""
    if columns and not isinstance(problem, Table):
        raise ValueError(
            f"--known is for tables, which {problem.name!r} is not; declare in it what is known"
        )
    places = [o.name for o in problem.objectives]
    for column in columns:
        if column not in places:
            raise ValueError(
                f"--known names {column!r}, which is not searched{nearest(column, places)}"
            )

    def value(j: int, config: Config) -> float:
        return problem.evaluate(config)[j]

    return {j: partial(value, j) for j in sorted({places.index(column) for column in columns})}


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
        return INTERRUPTED
    except OSError as error:  # the journal cannot be written
        _stopped(f"error: {described(error)}: stopped", journal)
        return 2
    front = sorted(opt.pareto_front(), key=lambda t: t.values or ())
    if not front:
        failures = [t for t in opt.trials if t.status == "failed"]
        if done := len(opt.trials) - len(failures):
            complain(f"no trial is feasible: {done} violate constraints, {len(failures)} failed")
            return 1
        why = failures[0].message if failures else "none was evaluated"
        complain(f"no trial succeeded, {len(failures)} failed; the first: {why}")
        return 1
    print(report.write(problem, opt, front, out))
    return 0


def _stopped(why: str, journal: Journal) -> None:
    told, budget, out = journal.n_told, journal.run["budget"], str(journal.path.parent)
    complain(
        f"{why} after {told} of {budget} trials, all recorded; "
        f"go on with: lamoo resume {shlex.quote(out)}"
    )
