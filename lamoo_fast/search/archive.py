"""The trials of a search, and what was told about them as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.replicates import average
from lamoo_fast.search.space import Array, Mask, Space
from lamoo_fast.search.trial import Trial

Ids = npt.NDArray[np.int64]
_FIRST_ROOM = 64


@dataclass(frozen=True)
class Rows:
    """Some trials as arrays, ordered by id.

    Attributes
    ----------
    ids : array of int, shape (n,)
        Their numbers.
    X, F, G : array, shape (n, d), (n, m) and (n, c)
        Points, minimised objectives and outcome constraints; those of failed trials are NaN.
    """

    ids: Ids
    X: Array
    F: Array
    G: Array

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def feasible(self) -> Mask:
        """Which rows meet all constraints (n,)."""
        return np.asarray((self.G <= 0).all(axis=1))

    def where(self, chosen: Mask | Ids | slice) -> Rows:
        """Return the chosen rows."""
        return Rows(self.ids[chosen], self.X[chosen], self.F[chosen], self.G[chosen])

    def copy(self) -> Rows:
        """Return rows of their own arrays, which stay as they are."""
        return Rows(self.ids.copy(), self.X.copy(), self.F.copy(), self.G.copy())


class Archive:
    """All trials of a search by id.

    Parameters
    ----------
    space : Space
        Where the points lie.
    signs : array, shape (m,)
        What objectives are multiplied by so that they are minimised.
    n_constraints : int
        Number of outcome constraints c.
    noisy : bool
        Whether trials of one point are replicates, to be averaged.

    Attributes
    ----------
    trials : dict of int to Trial
        All trials, by increasing id.
    pending : dict of int to Trial
        Those without an outcome, by increasing id.
    seen : set of bytes
        Keys (`Space.keys`) of all points.
    next_id : int
        One more than the largest id.

    Notes
    -----
    The outcomes stand in one growing table. Recording one costs O(1) on average, and reading them
    costs sorting what came out of order since the last time. The arrays read are views of the
    table: whoever keeps them beyond the next `record` has to copy them.
    """

    def __init__(self, space: Space, signs: Array, n_constraints: int, noisy: bool) -> None:
        self.trials: dict[int, Trial] = {}
        self.pending: dict[int, Trial] = {}
        self.seen: set[bytes] = set()
        self.next_id = 0
        self._space = space
        self._signs = signs
        self._noisy = noisy
        self._ends = np.cumsum([space.d, len(signs), n_constraints])
        self._table = np.empty((_FIRST_ROOM, self._ends[-1]))
        self._ids = np.empty(_FIRST_ROOM, dtype=np.int64)
        self._n = 0
        self._sorted = 0  # how many rows at the front are in order
        self._n_failed = 0
        self._done: Rows | None = None
        self._ranked: Rows | None = None

    @property
    def n_told(self) -> int:
        """Number of trials with an outcome."""
        return self._n

    @property
    def n_done(self) -> int:
        """Number of trials that succeeded."""
        return self._n - self._n_failed

    def record(self, trials: Iterable[Trial]) -> None:
        """Add trials, or replace pending ones by what became of them."""
        trials = list(trials)
        # Rounding can make the configuration's own point decode to its neighbour: both are seen.
        if new := [t for t in trials if t.id not in self.trials]:
            self.seen.update(self._space.config_keys([t.config for t in new]))
            self.seen.update(self._space.keys(np.array([t.x for t in new])))
        for trial in trials:
            self.trials[trial.id] = trial
            self.next_id = max(self.next_id, trial.id + 1)
            if trial.status == "pending":
                self.pending[trial.id] = trial
            else:
                self.pending.pop(trial.id, None)
        if told := [t for t in trials if t.status != "pending"]:
            self._append(told)

    def told(self) -> Rows:
        """Trials that are done or failed."""
        self._sort()
        ids, table = self._ids[: self._n], self._table[: self._n]
        ids.flags.writeable = table.flags.writeable = False
        return Rows(ids, *np.split(table, self._ends[:-1], axis=1))

    def done(self) -> Rows:
        """Trials that succeeded, whether feasible or not."""
        if self._done is None:
            told = self.told()
            self._done = told.where(~np.isnan(told.F[:, 0])) if self._n_failed else told
        return self._done

    def ranked(self) -> Rows:
        """What is compared: the trials that succeeded, one row for the replicates of a point.

        Without noise every trial is a row of its own. With it a point has the mean of its trials,
        and the id of the first of them.
        """
        if self._ranked is None:
            done = self.done()
            if self._noisy:
                first, (F, G) = average(self._space.keys(done.X), done.F, done.G)
                done = Rows(done.ids[first], done.X[first], F, G)
            self._ranked = done
        return self._ranked

    def learned(self) -> Rows:
        """What the partition learns from: the ranked rows and the failed trials."""
        if not self._noisy:
            return self.told()
        ranked, failed = self.ranked(), self.failed()
        ids = np.concatenate([ranked.ids, failed.ids])
        parts = (np.vstack([getattr(rows, name) for rows in (ranked, failed)]) for name in "XFG")
        return Rows(ids, *parts).where(ids.argsort().astype(np.int64))

    def n_settled(self, rows: Rows) -> int:
        """Count the rows before the first pending trial: no other will come between them."""
        if not self.pending:
            return len(rows)
        return int(np.searchsorted(rows.ids, next(iter(self.pending))))

    def failed(self) -> Rows:
        """Trials that failed; F and G are NaN."""
        told = self.told()
        return told.where(np.isnan(told.F[:, 0]) if self._n_failed else slice(0))

    def _append(self, told: list[Trial]) -> None:
        n, (d, m, _) = self._n + len(told), self._ends.tolist()
        while n > len(self._ids):
            self._ids = np.concatenate([self._ids, np.empty_like(self._ids)])
            self._table = np.concatenate([self._table, np.empty_like(self._table)])
        values = [t.values for t in told if t.values is not None]
        rows = np.full((len(told), self._ends[-1]), np.nan)
        rows[:, :d] = [t.x for t in told]
        if values:
            done = [t.values is not None for t in told]
            rows[done, d:m] = np.multiply(values, self._signs)
            rows[done, m:] = [t.constraints for t in told if t.values is not None]
        ids = np.array([t.id for t in told], dtype=np.int64)
        if self._sorted == self._n:
            rising = np.diff(ids, prepend=self._ids[self._n - 1] if self._n else -1) > 0
            self._sorted += len(told) if rising.all() else int(rising.argmin())
        self._table[self._n : n], self._ids[self._n : n] = rows, ids
        self._n = n
        self._n_failed += len(told) - len(values)
        self._done = self._ranked = None

    def _sort(self) -> None:
        if self._sorted == self._n:
            return
        smallest = self._ids[self._sorted : self._n].min()
        start = int(np.searchsorted(self._ids[: self._sorted], smallest))
        part = slice(start, self._n)
        order = np.argsort(self._ids[part])
        self._ids[part] = self._ids[part][order]
        self._table[part] = self._table[part][order]
        self._sorted = self._n
