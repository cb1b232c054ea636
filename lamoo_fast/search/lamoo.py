"""LaMOO behind an ask/tell interface."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lamoo_fast.kernels import hypervolume, is_nondominated
from lamoo_fast.search.partition import Classifier, SVMClassifier
from lamoo_fast.search.reference import check_ref, infer_ref
from lamoo_fast.search.samplers import Sampler, UniformSampler, View
from lamoo_fast.search.selection import Leaf, Selection
from lamoo_fast.search.space import Array, Config, Space
from lamoo_fast.search.tree import PartitionTree, Region
from lamoo_fast.search.trial import Failed, SpaceExhausted, Trial, read_outcomes

_STATE_FORMAT = 1
_DIRECTIONS = ("minimize", "maximize")


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
        10 % of their range beyond (Ishibuchi et al., 2018).
    sampler : Sampler, default UniformSampler()
        Draws points inside the chosen region.
    selection : Selection, default Leaf()
        Chooses the region.
    classifier : Classifier, default SVMClassifier()
        Learns the splits.
    n_initial : int, optional
        Number of evaluated trials, drawn uniformly, before the first split; by default
        max(10, 2 (d + 1)).
    leaf_size : int
        Least number of trials in a region.
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
        sampler: Sampler | None = None,
        selection: Selection | None = None,
        classifier: Classifier | None = None,
        n_initial: int | None = None,
        leaf_size: int = 10,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        if not isinstance(space, Space):
            raise ValueError(f"space is {space!r}, wanted a Space")
        self.space = space
        self.directions = _check_directions(directions)
        self._signs = np.array([-1.0 if d == "maximize" else 1.0 for d in self.directions])
        self._explicit_ref = None if ref is None else check_ref(ref, len(self.directions))
        self.sampler = UniformSampler() if sampler is None else sampler
        self.selection = Leaf() if selection is None else selection
        self.classifier = SVMClassifier() if classifier is None else classifier
        default = max(10, 2 * (space.d + 1))
        self.n_initial = default if n_initial is None else _check_count("n_initial", n_initial)
        self.leaf_size = _check_count("leaf_size", leaf_size)
        self._rng = _generator(seed)
        self._design_seed = int(self._rng.integers(2**63))
        self._frozen_ref = self._explicit_ref
        self._next_id = 0
        self._trials: dict[int, Trial] = {}
        # Caches, all made from the trials.
        self._seen: set[bytes] = set()
        self._XF: tuple[Array, Array] | None = None
        self._tree: PartitionTree | None = None
        self._tree_is_stale = True

    @property
    def trials(self) -> list[Trial]:
        """All told trials, failed ones included, by id."""
        return [t for _, t in sorted(self._trials.items()) if t.status != "pending"]

    @property
    def pending(self) -> list[Trial]:
        """Trials proposed and not told yet, by id."""
        return [t for _, t in sorted(self._trials.items()) if t.status == "pending"]

    @property
    def ref(self) -> tuple[float, ...] | None:
        """Reference point in user units, or None while it is open.

        One that was not given is known once `n_initial` trials are done, and fixed from the next
        `ask` on.
        """
        if self._frozen_ref is not None:
            return self._frozen_ref
        if len(self._archive()[1]) < self.n_initial:
            return None
        return tuple((self._signs * infer_ref(self._archive()[1])).tolist())

    @property
    def tree(self) -> PartitionTree | None:
        """The tree that the last `ask` used, if it used one."""
        return self._tree

    def pareto_front(self) -> list[Trial]:
        """Done trials that no other one dominates, by id; trials with equal values are all kept."""
        done = self._done()
        keep = is_nondominated(self._archive()[1], keep_weakly=True)
        return [trial for trial, kept in zip(done, keep, strict=True) if kept]

    def hypervolume(self) -> float:
        """Hypervolume of the done trials, NaN while there is no reference point."""
        ref = self.ref
        return math.nan if ref is None else hypervolume(self._archive()[1], self._signs * ref)

    def ask(self, n: int = 1) -> list[Trial]:
        """Propose the next n trials.

        While fewer than `n_initial` trials are done they are uniform over the space, after that
        they come from one region of the partition. Where a region has fewer new points than
        needed, the rest comes from its parent region, which the trials tell as ``relaxed``.

        Returns
        -------
        list of Trial
            Pending trials, fewer than n only where a finite space has no more. In a finite space
            no point is ever proposed twice.

        Raises
        ------
        ValueError
            When n < 1, or the space has no valid point.
        SpaceExhausted
            When every point of a finite space is told or pending, or where the space cannot be
            listed, no other point was found.
        """
        n = _check_count("n", n)
        before = self._rng.bit_generator.state
        try:
            drawn = self._draw(n)
        except BaseException:
            self._rng.bit_generator.state = before
            raise
        if len(self._archive()[1]) >= self.n_initial:
            self._frozen_ref = self.ref
        trials = []
        for X, relaxed in drawn:
            for config in self.space.decode(X):
                trial = self._new_trial(self._next_id, config, relaxed)
                self._record(trial)
                # The user may change the dict, as evaluations do; the record stays.
                trials.append(replace(trial, config=dict(config)))
        return trials

    def tell(
        self, trials: Sequence[Trial | int | Mapping[str, Any]], values: object
    ) -> list[Trial]:
        """Report how trials went, in any order.

        Parameters
        ----------
        trials : sequence
            Pending trials, their ids, or plain configurations: points that nobody asked for.
        values : sequence
            For each trial its objectives, as (k, m) numbers in user units, or FAILED, or
            ``failed("why")``. A row with NaN or infinity is a failed trial. Failed trials are
            kept, never ranked, and not proposed again in a finite space.

        Returns
        -------
        list of Trial
            The trials as recorded, in the order given.

        Raises
        ------
        ValueError
            When a trial is unknown, told before or outside the space, or a row of values has the
            wrong length; nothing is recorded then.
        """
        if isinstance(trials, (Trial, Mapping, numbers.Integral)):
            raise ValueError(f"trials is {trials!r}, wanted a sequence of trials")
        trials = list(trials)
        outcomes = read_outcomes(values, len(trials), len(self.directions))
        told = []
        new_id = self._next_id
        for i, item in enumerate(trials):
            try:
                trial = self._find(item, new_id)
            except ValueError as error:
                raise ValueError(f"trials[{i}]: {error}") from None
            new_id = max(new_id, trial.id + 1)
            outcome = outcomes[i]
            if isinstance(outcome, Failed):
                told.append(replace(trial, status="failed", message=outcome.message))
            else:
                told.append(replace(trial, status="done", values=outcome))
        if len({trial.id for trial in told}) < len(told):
            raise ValueError("trials names one trial twice")
        for trial in told:
            self._record(trial)
        return told

    @property
    def rng_state(self) -> dict[str, Any]:
        """State of the random generator in JSON types; may be set."""
        return dict(self._rng.bit_generator.state)

    @rng_state.setter
    def rng_state(self, state: Mapping[str, Any]) -> None:
        try:
            self._rng.bit_generator.state = dict(state)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"not the state of a random generator: {error!r}") from None

    def settings(self) -> dict[str, Any]:
        """Describe all settings but the seed in JSON types."""
        return {
            "space": self.space.to_dict(),
            "directions": list(self.directions),
            "ref": None if self._explicit_ref is None else list(self._explicit_ref),
            "sampler": repr(self.sampler),
            "selection": repr(self.selection),
            "classifier": repr(self.classifier),
            "n_initial": self.n_initial,
            "leaf_size": self.leaf_size,
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything the search knows, in JSON types.

        A search with the same settings that loads it goes on exactly as this one would.
        """
        return {
            "format": _STATE_FORMAT,
            "settings": self.settings(),
            "ref": None if self._frozen_ref is None else list(self._frozen_ref),
            "design_seed": self._design_seed,
            "rng": self.rng_state,
            "trials": [trial.to_dict() for _, trial in sorted(self._trials.items())],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replace all trials and the random state by those of `state_dict`.

        Raises
        ------
        ValueError
            When the state is damaged or of a search with other settings; nothing changes then.
        """
        try:
            if state["format"] != _STATE_FORMAT:
                raise ValueError(f"state has format {state['format']}, wanted {_STATE_FORMAT}")
            for name, mine in self.settings().items():
                theirs = state["settings"][name]
                if theirs != mine:
                    raise ValueError(f"state has {name} {theirs}, but this search has {mine}")
            restored = [self._restore(saved) for saved in state["trials"]]
            if len({trial.id for trial in restored}) < len(restored):
                raise ValueError("state has two trials with one id")
            ref = None if state["ref"] is None else check_ref(state["ref"], len(self.directions))
            design_seed = int(state["design_seed"])
            np.random.default_rng(design_seed)  # must not be negative
            rng_state = state["rng"]
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not the state of a search: {error!r}") from None
        self.rng_state = rng_state
        self._design_seed = design_seed
        self._frozen_ref = ref
        self._trials = {}
        self._next_id = 0
        self._seen, self._XF, self._tree, self._tree_is_stale = set(), None, None, True
        for trial in restored:
            self._record(trial)

    def _draw(self, n: int) -> list[tuple[Array, int]]:
        """Draw n points: arrays of points, each with the number of constraints given up."""
        X, F = self._archive()
        if len(F) < self.n_initial:
            # One random order of the whole space, gone through from where it was left: the
            # design is the same whether it is asked for at once or one by one.
            sampler: Sampler = UniformSampler()
            rng = np.random.default_rng(self._design_seed)
            region = Region(self.space)
            ref = np.full(F.shape[1], np.inf)
        else:
            sampler, rng = self.sampler, self._rng
            ref = self._signs * np.array(self.ref)
            tree = self._current_tree(ref)
            region = tree.region(self.selection.select(tree))
        pending = np.array([t.x for t in self.pending]).reshape(-1, self.space.d)
        view = View(X, F, ref, pending, self._seen, rng)
        drawn: list[tuple[Array, int]] = []
        missing = n
        relaxed = 0
        while True:
            points = sampler.draw(region, missing, view)
            drawn.append((points, relaxed))
            missing -= len(points)
            if missing == 0 or not region.constraints:
                break
            view = view.having_seen(self.space, points)
            region = region.parent()
            relaxed += 1
        if missing == n:
            if self._trials:
                listed = self.space.is_enumerable
                what = "all points of the space are used" if listed else "found no new point"
                raise SpaceExhausted(f"{what}: {len(self._trials)} trials")
            raise ValueError("valid accepts none of the points drawn from the space")
        return drawn

    def _current_tree(self, ref: Array) -> PartitionTree:
        if self._tree is None or self._tree_is_stale:
            X, F = self._archive()
            self._tree = PartitionTree.build(
                self.space,
                X,
                F,
                ref,
                self.classifier,
                leaf_size=self.leaf_size,
                ids=[trial.id for trial in self._done()],
                previous=self._tree,
            )
            self._tree_is_stale = False
        return self._tree

    def _done(self) -> list[Trial]:
        return [t for t in self.trials if t.status == "done"]

    def _archive(self) -> tuple[Array, Array]:
        """Points X and minimised objectives F of the done trials, by id."""
        if self._XF is None:
            done = self._done()
            X = np.array([t.x for t in done]).reshape(-1, self.space.d)
            F = np.array([t.values for t in done]).reshape(-1, len(self.directions))
            self._XF = X, F * self._signs
        return self._XF

    def _find(self, item: Trial | int | Mapping[str, Any], new_id: int) -> Trial:
        """Return the pending trial that is meant, or a new one for a plain configuration."""
        if isinstance(item, Mapping):
            return self._new_trial(new_id, self.space.check(item))
        if not isinstance(item, (Trial, numbers.Integral)):
            raise ValueError(f"{item!r}, wanted a trial, its id or a configuration")
        key = item.id if isinstance(item, Trial) else int(item)
        known = self._trials.get(key)
        if known is None or (isinstance(item, Trial) and not np.array_equal(item.x, known.x)):
            raise ValueError(f"trial {key} is not a trial of this search")
        if known.status != "pending":
            raise ValueError(f"trial {key} was told before")
        return known

    def _new_trial(self, new_id: int, config: Config, relaxed: int = 0) -> Trial:
        # x always comes from config, so that a restored trial has the same bits.
        return Trial(new_id, config, self.space.encode([config])[0], relaxed=relaxed)

    def _restore(self, saved: Mapping[str, Any]) -> Trial:
        trial = self._new_trial(int(saved["id"]), self.space.check(saved["config"]))
        return trial.restored(saved, len(self.directions))

    def _record(self, trial: Trial) -> None:
        self._trials[trial.id] = trial
        self._next_id = max(self._next_id, trial.id + 1)
        # Rounding can make the configuration's own point decode to its neighbour: both are seen.
        self._seen.update(self.space.config_keys([trial.config]), self.space.keys(trial.x[None]))
        if trial.status == "done":
            self._XF = None
            self._tree_is_stale = True


def _check_directions(directions: Sequence[str]) -> tuple[str, ...]:
    if isinstance(directions, str):
        raise ValueError(f"directions is the string {directions!r}, wanted a list of strings")
    for direction in directions:
        if direction not in _DIRECTIONS:
            near = difflib.get_close_matches(str(direction), _DIRECTIONS, 1, 0)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"direction is {direction!r}, wanted one of {_DIRECTIONS}{hint}")
    if not directions:
        raise ValueError("directions is empty, wanted one for each objective")
    return tuple(directions)


def _check_count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} is {value!r}, wanted a whole number >= 1")
    return int(value)


def _generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Generator of the search's own, so that nobody else moves its state."""
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    elif seed is not None and (not isinstance(seed, numbers.Integral) or seed < 0):
        raise ValueError(f"seed is {seed!r}, wanted a whole number >= 0, a Generator or None")
    return np.random.Generator(np.random.PCG64(seed))
