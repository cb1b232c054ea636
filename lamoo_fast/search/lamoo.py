"""LaMOO behind an ask/tell interface."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import is_nondominated
from lamoo_fast.search.archive import Archive
from lamoo_fast.search.checks import check_count, check_directions, generator
from lamoo_fast.search.drawing import draw_relaxing
from lamoo_fast.search.growth import Growth
from lamoo_fast.search.hints import HintFunction, Hints
from lamoo_fast.search.known import Known
from lamoo_fast.search.partition import Classifier, SVMClassifier
from lamoo_fast.search.reference import check_ref, infer_ref, reachable_ref
from lamoo_fast.search.samplers import EHVISampler, Sampler, UniformSampler, View
from lamoo_fast.search.selection import Leaf, Selection
from lamoo_fast.search.space import Array, Config, Space
from lamoo_fast.search.state import STATE_FORMAT, checked_rng, read_state
from lamoo_fast.search.surrogate import Surrogate
from lamoo_fast.search.tree import PartitionTree, Region
from lamoo_fast.search.trial import SpaceExhausted, Trial, read_outcomes
from lamoo_fast.search.volume import volume

_MOST_DESIGNS = 4  # times `n_initial`: where most trials fail, learn where they do not


class LaMOO:
    """Multi-objective search by learned partitions of the search space.

    Each `ask` splits the space recursively into a better and a worse part, picks the most
    promising leaf by its hypervolume and the number of its visits, and lets the sampler draw the
    next points inside that leaf.

    Parameters
    ----------
    space : Space
        What is searched.
    directions : m strings
        "minimize" or "maximize" for each objective.
    ref : array_like, shape (m,), optional
        Reference point in the units of the objectives: values beyond it count nothing. By
        default it is fixed after the initial design: the worst values on the front so far, and
        10 % of their range beyond (Ishibuchi et al., 2018). With constraints it moves with the
        front until `n_initial` trials are feasible.
    n_constraints : int
        Number of outcome constraints c. Each evaluation then returns m + c numbers, and is
        feasible when the last c of them are all <= 0.
    known : mapping of int to callable, optional
        Objectives that need no evaluation, by index: ``known[i](config)`` is the value in the
        objective's own units, always the same one. Samplers that predict objectives use it in
        place of a prediction; evaluations still return all m values, and one that contradicts
        the known one is an error.
    hints : callable, optional
        Cheap numbers that go with the objectives, such as accuracies by a supernet: takes a list
        of configurations and returns an array with a row for each, always the same one. Samplers
        that predict objectives learn what they are worth.
    noisy : bool
        Whether evaluating a point again may give other values. Samplers may then propose a point
        again; front, hypervolume and partition go by the mean of a point's trials.
    sampler : Sampler, default EHVISampler()
        Draws points inside the chosen region.
    selection : Selection, default Leaf()
        Chooses the region.
    classifier : Classifier, default SVMClassifier()
        Learns the splits.
    surrogate : Surrogate, optional
        Predicts points from which the splits are learned beside the observed ones.
    n_initial : int, optional
        Number of successful trials, drawn uniformly, before the first split; by default
        max(10, 2 (d + 1)). Where most trials fail, 4 times as many trials and two successes do;
        where `noisy`, two successes and no new point left.
    leaf_size : int, optional
        Least number of trials in a region; by default 10, or 40 for a model of many objectives.
    seed : int or Generator, optional
        One number is drawn from a Generator; without a seed every search is another.

    Raises
    ------
    ValueError
        When a setting is out of its range.

    Notes
    -----
    Zhao et al., "Multi-objective Optimization by Learning Space Partitions", ICLR 2022; Zhao,
    Wang and Guo, "Multi-Objective Neural Architecture Search by Learning Search Space
    Partitions", JMLR 25(177), 2024.

    Examples
    --------
    >>> from lamoo_fast.search.space import Float
    >>> space = Space({"x": Float(-1, 2)})
    >>> opt = LaMOO(space, ["minimize", "minimize"], ref=(4, 4), seed=0)
    >>> for _ in range(5):
    ...     trials = opt.ask(8)
    ...     _ = opt.tell(trials, [[t.config["x"] ** 2, (t.config["x"] - 1) ** 2] for t in trials])
    >>> len(opt.trials), opt.hypervolume() > 14
    (40, True)
    """

    def __init__(
        self,
        space: Space,
        directions: Sequence[str],
        *,
        ref: npt.ArrayLike | None = None,
        n_constraints: int = 0,
        known: Mapping[int, Callable[[Config], float]] | None = None,
        hints: HintFunction | None = None,
        noisy: bool = False,
        sampler: Sampler | None = None,
        selection: Selection | None = None,
        classifier: Classifier | None = None,
        surrogate: Surrogate | None = None,
        n_initial: int | None = None,
        leaf_size: int | None = None,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        if not isinstance(space, Space):
            raise ValueError(f"space is {space!r}, wanted a Space")
        self.space = space
        self.directions = check_directions(directions)
        self._signs = np.array([-1.0 if d == "maximize" else 1.0 for d in self.directions])
        self._explicit_ref = None if ref is None else check_ref(ref, len(self.directions))
        self.n_constraints = check_count("n_constraints", n_constraints, least=0)
        self.known = Known(space, self._signs, known)
        self.hints = Hints(space, hints)
        self.noisy = bool(noisy)
        self.sampler = EHVISampler() if sampler is None else sampler
        self.selection = Leaf() if selection is None else selection
        self.classifier = SVMClassifier() if classifier is None else classifier
        if not isinstance(surrogate, (Surrogate, type(None))):
            raise ValueError(f"surrogate is {surrogate!r}, wanted a Surrogate")
        self.surrogate = surrogate
        least = max(10, 2 * (space.d + 1)) if n_initial is None else n_initial
        self.n_initial = check_count("n_initial", least)
        default = getattr(self.sampler, "leaf_size", 10) if len(self.directions) > 2 else 10
        self.leaf_size = check_count("leaf_size", default if leaf_size is None else leaf_size)
        self._rng = generator(seed)
        self._design_seed = int(self._rng.integers(2**63))
        self._frozen_ref = self._explicit_ref
        self._clear()

    @property
    def trials(self) -> list[Trial]:
        """All told trials, failed ones included, by id."""
        return [t for t in self._archive.trials.values() if t.status != "pending"]

    @property
    def pending(self) -> list[Trial]:
        """Trials proposed and not told yet, by id."""
        return list(self._archive.pending.values())

    @property
    def n_told(self) -> int:
        """Number of told trials, failed ones included."""
        return self._archive.n_told

    @property
    def n_pending(self) -> int:
        """Number of trials proposed and not told yet."""
        return len(self._archive.pending)

    @property
    def ref(self) -> tuple[float, ...] | None:
        """Reference point in user units, or None while it is open.

        One that was not given is known from the end of the initial design on, and fixed by the
        next `ask` after `n_initial` trials are feasible. While none is feasible it goes by all that
        are done.
        """
        if self._frozen_ref is not None:
            return self._frozen_ref
        if self._designing():
            return None
        ranked = self._archive.ranked()
        known = ranked.feasible if ranked.feasible.any() else slice(None)
        return tuple((self._signs * infer_ref(ranked.F[known])).tolist())

    @property
    def tree(self) -> PartitionTree | None:
        """The tree that the last `ask` used, if it used one."""
        return self._tree

    def pareto_front(self) -> list[Trial]:
        """Feasible trials that no other one dominates, by id; equal ones are all kept.

        Where evaluations are noisy, a point stands there once: its first trial, with the means of
        all its trials as values.
        """
        ranked = self._archive.ranked()
        ranked = ranked.where(ranked.feasible)
        ranked = ranked.where(is_nondominated(ranked.F, keep_weakly=True))
        front = [self._archive.trials[key] for key in ranked.ids.tolist()]
        if not self.noisy:
            return front
        values, bounds = (ranked.F * self._signs).tolist(), ranked.G.tolist()
        return [
            replace(trial, values=tuple(v), constraints=tuple(g))
            for trial, v, g in zip(front, values, bounds, strict=True)
        ]

    def hypervolume(self) -> float:
        """Hypervolume of the feasible trials, estimated where `volume` does; NaN without a ref."""
        ref = self.ref
        if ref is None:
            return math.nan
        ranked = self._archive.ranked()
        return volume(ranked.F[ranked.feasible], self._signs * ref).value

    def ask(self, n: int = 1) -> list[Trial]:
        """Propose the next n trials.

        Those of the initial design are uniform over the space, after that they come from one
        region of the partition. Where a region has fewer new points than
        needed, the rest comes from its parent region, which the trials tell as ``relaxed``.

        Returns
        -------
        list of Trial
            Pending trials of different points, fewer than n only where a finite space has no
            more. Unless `noisy`, no point of a finite space is ever proposed twice.

        Raises
        ------
        ValueError
            When n < 1, or the space has no valid point.
        SpaceExhausted
            When every point of a finite space is told or pending (and, where `noisy`, the sampler
            does not look again), or where the space cannot be listed, no other point was found.
        """
        n = check_count("n", n)
        before = self._rng.bit_generator.state
        try:
            drawn = self._draw(n)
        except BaseException:
            self._rng.bit_generator.state = before
            raise
        if np.count_nonzero(self._archive.ranked().feasible) >= self.n_initial:
            self._frozen_ref = self.ref
        trials: list[Trial] = []
        for X, relaxed in drawn:
            new_id = self._archive.next_id + len(trials)
            trials += self._new_trials(new_id, self.space.decode(X), relaxed)
        self._archive.record(trials)
        # The user may change the dicts, as evaluations do; the record stays.
        return [replace(trial, config=dict(trial.config)) for trial in trials]

    def tell(
        self, trials: Sequence[Trial | int | Mapping[str, Any]], values: object
    ) -> list[Trial]:
        """Report how trials went, in any order.

        Parameters
        ----------
        trials : sequence
            Pending trials, their ids, or plain configurations: points that nobody asked for.
        values : sequence
            For each trial its objectives in user units and its constraints, m + c numbers or a
            pair of m and c, or FAILED, or ``failed("why")``. A row with NaN or infinity is a
            failed trial. Failed trials are kept, never ranked, and not proposed again in a finite
            space; the partition learns where they are.

        Returns
        -------
        list of Trial
            The trials as recorded, in the order given.

        Raises
        ------
        ValueError
            When a trial is unknown, told before or outside the space, or a row of values has the
            wrong length; nothing is recorded then.
        Contradiction
            A ValueError: when a value is not the one that is known.
        """
        if isinstance(trials, Mapping) or not isinstance(trials, Iterable):
            raise ValueError(f"trials is {trials!r}, wanted a sequence of trials")
        trials = list(trials)
        m = len(self.directions)
        outcomes = read_outcomes(values, len(trials), m, self.n_constraints)
        found = self._find(trials)
        told = [trial.told(outcome, m) for trial, outcome in zip(found, outcomes, strict=True)]
        if len({trial.id for trial in told}) < len(told):
            raise ValueError("trials names one trial twice")
        self.known.check(told)
        self._archive.record(told)
        return told

    @property
    def rng_state(self) -> dict[str, Any]:
        """State of the random generator in JSON types; may be set."""
        return dict(self._rng.bit_generator.state)

    @rng_state.setter
    def rng_state(self, state: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = checked_rng(state)

    def settings(self) -> dict[str, Any]:
        """Describe all settings but the seed in JSON types."""
        return {
            "space": self.space.to_dict(),
            "directions": list(self.directions),
            "ref": None if self._explicit_ref is None else list(self._explicit_ref),
            "n_constraints": self.n_constraints,
            "known": list(self.known.columns),
            "hints": bool(self.hints),
            "noisy": self.noisy,
            "sampler": repr(self.sampler),
            "selection": repr(self.selection),
            "classifier": repr(self.classifier),
            "surrogate": repr(self.surrogate),
            "n_initial": self.n_initial,
            "leaf_size": self.leaf_size,
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything the search knows, in JSON types.

        A search with the same settings that loads it goes on exactly as this one would.
        """
        return {
            "format": STATE_FORMAT,
            "settings": self.settings(),
            "ref": None if self._frozen_ref is None else list(self._frozen_ref),
            "design_seed": self._design_seed,
            "rng": self.rng_state,
            "trials": [trial.to_dict() for trial in self._archive.trials.values()],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replace all trials and the random state by those of `state_dict`.

        Raises
        ------
        ValueError
            When the state is damaged or of a search with other settings; nothing changes then.
        """
        saved = read_state(state, self.settings(), self._restore)
        self.rng_state = saved.rng
        self._design_seed = saved.design_seed
        self._frozen_ref = saved.ref
        self._clear()
        self._archive.record(saved.trials)

    def _clear(self) -> None:
        """Have no trials."""
        self._archive = Archive(self.space, self._signs, self.n_constraints, self.noisy)
        predict = None
        if self.surrogate is not None:
            predict = partial(
                self.surrogate.predict, self.space, known=self.known, hints=self.hints
            )
        self._splits = Growth(self.space, self.classifier, self.leaf_size, self.noisy, predict)
        self._tree: PartitionTree | None = None

    def _draw(self, n: int) -> list[tuple[Array, int]]:
        """Draw n points: arrays of points, each with the number of constraints given up."""
        done = self._archive.done()
        if self._designing():
            # One random order of the whole space, gone through from where it was left: the
            # design is the same whether it is asked for at once or one by one.
            sampler: Sampler = UniformSampler()
            rng = np.random.default_rng(self._design_seed)
            region = Region(self.space)
            ref = np.full(len(self.directions), np.inf)
        else:
            sampler, rng = self.sampler, self._rng
            ranked = self._archive.ranked()
            ref = reachable_ref(ranked.F[ranked.feasible], self._signs * np.array(self.ref))
            rows = self._archive.learned()
            tree = self._tree = self._splits.tree(rows, self._archive.n_settled(rows), ref)
            region = tree.region(self.selection.select(tree))
        pending = np.array([t.x for t in self.pending]).reshape(-1, self.space.d)
        view = View(
            done.X,
            done.F,
            ref,
            pending,
            self._archive.seen,
            rng,
            G=done.G,
            failed=self._archive.failed().X,
            known=self.known,
            hints=self.hints,
            noisy=self.noisy,
        )
        drawn = draw_relaxing(sampler, region, n, view)
        if not sum(len(points) for points, _ in drawn):
            if n_trials := len(self._archive.trials):
                listed = self.space.is_enumerable
                what = "all points of the space are used" if listed else "found no new point"
                raise SpaceExhausted(f"{what}: {n_trials} trials")
            raise ValueError("valid accepts none of the points drawn from the space")
        return drawn

    def _designing(self) -> bool:
        """Tell whether the next trials still belong to the initial design."""
        n_done, n_told = self._archive.n_done, self._archive.n_told
        if n_done >= self.n_initial or n_done < 2:
            return n_done < self.n_initial
        # Where noise is, a space without new points is no end: done ones are worth another look.
        used_up = self.noisy and len(self._archive.seen) >= (self.space.size or math.inf)
        return n_told < _MOST_DESIGNS * self.n_initial and not used_up

    def _find(self, items: Sequence[Trial | int | Mapping[str, Any]]) -> list[Trial]:
        """Return the pending trials that are meant, and new ones for plain configurations."""
        found: list[Trial | Config] = []
        check = self.space.check
        for i, item in enumerate(items):
            try:
                found.append(check(item) if isinstance(item, Mapping) else self._pending(item))
            except ValueError as error:
                raise ValueError(f"trials[{i}]: {error}") from None
        given = [config for config in found if not isinstance(config, Trial)]
        new = iter(self._new_trials(self._archive.next_id, given))
        return [trial if isinstance(trial, Trial) else next(new) for trial in found]

    def _pending(self, item: object) -> Trial:
        """Return the pending trial that is meant by a trial or its id."""
        if not isinstance(item, (Trial, numbers.Integral)):
            raise ValueError(f"{item!r}, wanted a trial, its id or a configuration")
        key = item.id if isinstance(item, Trial) else int(item)
        known = self._archive.trials.get(key)
        if known is None or (isinstance(item, Trial) and not np.array_equal(item.x, known.x)):
            raise ValueError(f"trial {key} is not a trial of this search")
        if known.status != "pending":
            raise ValueError(f"trial {key} was told before")
        return known

    def _new_trials(self, first: int, configs: Sequence[Config], relaxed: int = 0) -> list[Trial]:
        X = self.space.points(configs)  # never drawn ones: a restored trial has the same bits
        ids = range(first, first + len(configs))
        return [Trial(i, c, x, relaxed=relaxed) for i, c, x in zip(ids, configs, X, strict=True)]

    def _restore(self, saved: Sequence[Mapping[str, Any]]) -> list[Trial]:
        new = self._new_trials(0, [self.space.check(trial["config"]) for trial in saved])
        m, c = len(self.directions), self.n_constraints
        return [trial.restored(s, m, c) for trial, s in zip(new, saved, strict=True)]
