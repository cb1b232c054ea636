"""A recorded search, read to be looked at: its trials, its hypervolumes, its partition."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from lamoo_fast.kernels import ParetoArchive
from lamoo_fast.nas.problem import Direction, Objective
from lamoo_fast.search import Greedy, LaMOO, Leaf, PartitionTree, Space, SVMClassifier, selection
from lamoo_fast.search.display import objective_names
from lamoo_fast.search.journal import Journal
from lamoo_fast.search.reference import infer_ref
from lamoo_fast.search.volume import volume

EXACT_TRACES = 5
"""Most objectives of exact traces; beyond, those of long histories take minutes."""
_STEPS = 100  # of a trace of more objectives
_KNOWN: dict[str, Callable[..., Any]] = {
    "SVMClassifier": SVMClassifier,
    "Leaf": Leaf,
    "Path": selection.Path,
    "Greedy": Greedy,
}


@dataclass(frozen=True)
class Record:
    """What a folder tells about a search.

    Attributes
    ----------
    folder : Path
        Where the journal is.
    objectives : tuple of Objective
        Names, directions and units.
    opt : LaMOO
        All trials. It is not the search itself: its sampler may be another one, and it does not
        know which configurations are valid.
    header, run : dict
        First line of the journal, and the settings of the latest run.
    repeatable : bool
        Whether the classifier is known, so that the partition can be learned again.
    """

    folder: Path
    objectives: tuple[Objective, ...]
    opt: LaMOO
    header: dict[str, Any]
    run: dict[str, Any]
    repeatable: bool

    @classmethod
    def read(cls, folder: str | Path) -> Record:
        """Read the journal of a folder; the search may be running.

        Raises
        ------
        ValueError
            If there is no journal, or it is damaged.
        OSError
            If it cannot be read.
        """
        journal = Journal.read(folder)
        try:
            state = journal.state()
            saved = state["settings"]
            constrained = saved["space"]["constrained"]
            classifier = _made(saved["classifier"])
            opt = LaMOO(
                Space.from_dict(saved["space"], valid=_anything if constrained else None),
                saved["directions"],
                ref=saved["ref"],
                n_constraints=saved.get("n_constraints", 0),
                noisy=saved.get("noisy", False),
                selection=_made(saved["selection"]),
                classifier=classifier,
                n_initial=saved["n_initial"],
                leaf_size=saved["leaf_size"],
            )
            opt.load_state_dict({**state, "settings": opt.settings()})
            names = objective_names(opt, journal.header)
            if not (described := journal.header.get("objectives")):
                described = [{}] * len(names)
                names = [f"objective {name}" for name in names]
            objectives = [
                Objective(name, cast("Direction", way), str(about.get("unit", "")))
                for name, way, about in zip(names, opt.directions, described, strict=True)
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{journal.path} is not the journal of a search: {error!r}") from None
        except ValueError as error:
            raise ValueError(f"{journal.path} is damaged: {error}") from None
        known = classifier is not None
        return cls(Path(folder), tuple(objectives), opt, journal.header, journal.run, known)

    @property
    def name(self) -> str:
        """Name of the problem, or of the folder."""
        return str(self.header.get("problem") or self.folder.resolve().name)


def _anything(config: object) -> bool:
    return True


def _made(text: object) -> Any:
    """Make the object that a repr describes, of the known ones; None for all others."""
    try:
        call = ast.parse(str(text), mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args:
            settings = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
            return _KNOWN[call.func.id](**settings)
    except (SyntaxError, KeyError, TypeError, ValueError):
        pass
    return None


def common_ref(records: Sequence[Record]) -> tuple[float, ...] | None:
    """Reference point that several searches of the same objectives can be measured against.

    In each objective the worst of theirs. While none has one, a tenth beyond the front of all
    their trials; None where nothing is feasible.
    """
    if refs := [r.opt.ref for r in records if r.opt.ref is not None]:
        ways = zip(*refs, records[0].opt.directions, strict=True)
        return tuple(min(r) if way == "maximize" else max(r) for *r, way in ways)
    F = [t.values for r in records for t in r.opt.trials if t.feasible]
    if not F:
        return None
    signs = np.array([-1.0 if o.direction == "maximize" else 1.0 for o in records[0].objectives])
    return tuple((signs * infer_ref(signs * np.array(F))).tolist())


def check_same_objectives(records: Sequence[Record]) -> None:
    """Raise ValueError unless all have the same objectives in the same order."""
    first = records[0]
    wanted = [(o.name, o.direction) for o in first.objectives]
    for record in records[1:]:
        got = [(o.name, o.direction) for o in record.objectives]
        if got != wanted:
            said = [", ".join(f"{way} {name}" for name, way in both) for both in (got, wanted)]
            raise ValueError(
                f"{record.folder} has the objectives {said[0]}; wanted those of {first.folder}: "
                f"{said[1]}"
            )


def trace(opt: LaMOO, ref: Sequence[float]) -> list[float]:
    """Hypervolume after each trial, by id.

    Of more than `EXACT_TRACES` objectives it may be an estimate (`volume`), and it is computed
    after every hundredth part of the trials only and stays level in between.
    """
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in opt.directions])
    exact = len(signs) <= EXACT_TRACES
    archive = ParetoArchive(ref, maximise=[s < 0 for s in signs])
    trials, volumes = opt.trials, []
    done: list[tuple[float, ...]] = []
    last = 0.0
    for i, trial in enumerate(trials, start=1):
        if trial.values is not None and trial.feasible:
            done.append(trial.values)
            if exact:
                archive.add(np.array([trial.values]))
        if exact:
            last = archive.hypervolume
        elif done and (i * _STEPS // len(trials)) > ((i - 1) * _STEPS // len(trials)):
            # Estimates may fall where the truth cannot.
            last = max(last, volume(signs * np.array(done), signs * np.array(ref)).value)
        volumes.append(last)
    return volumes


def partition(opt: LaMOO, ref: Sequence[float]) -> PartitionTree:
    """Learn the partition from all trials; the search's own tree may not know the last ones."""
    m, c = len(opt.directions), opt.n_constraints
    told = opt.trials
    F = np.array([t.values or [np.nan] * m for t in told])
    G = np.array([t.constraints or [np.nan] * c for t in told]).reshape(len(told), c)
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in opt.directions])
    return PartitionTree.build(
        opt.space,
        np.array([t.x for t in told]),
        signs * F,
        signs * np.array(ref),
        opt.classifier,
        leaf_size=opt.leaf_size,
        G=G,
    )
