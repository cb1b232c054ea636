"""An archive of the points that no other point ever added dominates."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamoo_fast.kernels import _check, _core


class ParetoArchive:
    """The front of all points ever added, and its hypervolume.

    Points beyond the reference point are members too; they only add no volume. Several threads
    may use one archive. It can be pickled and copied.

    Parameters
    ----------
    ref : array_like, shape (m,)
        Reference point.
    maximise : bool or m bools
        Objectives to maximise rather than minimise; ref is in the same sense.

    Raises
    ------
    ValueError, TypeError
        If ref is not one finite real number for each objective, or maximise does not fit it.

    Notes
    -----
    Adding a point to k members: a binary search for m <= 2, O(log k); for m >= 3 a search in blocks
    of 32 near members, of which few can matter, at worst all: O(k m) (after the ND-tree of
    Jaszkiewicz and Lust 2018). The hypervolume is kept up to date for m <= 2, by sums of
    non-negative terms, so its relative error stays about 1e-15. For m >= 3 it is computed when
    asked for: anew, or only what few added points gain if it was asked for before them.

    Examples
    --------
    >>> from lamoo_fast.kernels import ParetoArchive
    >>> archive = ParetoArchive(ref=[4, 4])
    >>> archive.add([[3, 3], [1, 3], [2, 3], [3, 1]])
    array([ True,  True, False,  True])
    >>> archive.front
    array([[1., 3.],
           [3., 1.]])
    >>> archive.hypervolume
    5.0
    >>> len(archive)
    2
    """

    def __init__(self, ref: ArrayLike, *, maximise: _check.Maximise = False) -> None:
        given = _check.numbers(ref, "ref")
        if given.ndim != 1 or len(given) == 0:
            raise ValueError(
                f"ref must have one number for each objective but has shape {given.shape}"
            )
        self._ref = given.copy()
        self._ref.flags.writeable = False
        # Our own copy, which nobody changes.
        self._maximise = maximise if isinstance(maximise, bool) else np.array(maximise)
        self._corner = _check.reference(self._ref, len(given), self._maximise)
        self._core = _core.Archive(self._corner)
        self._lock = threading.Lock()

    @property
    def ref(self) -> NDArray[np.float64]:
        """The reference point, shape (m,), read-only."""
        return self._ref

    def add(self, F: ArrayLike, /) -> NDArray[np.bool_]:
        """Add points one after the other.

        Parameters
        ----------
        F : array_like, shape (n, m)
            Points of m objectives.

        Returns
        -------
        ndarray of bool, shape (n,)
            Whether the point was neither dominated by nor equal to a member at its turn. A later
            point may have removed it again.

        Raises
        ------
        ValueError, TypeError
            If F is not two-dimensional, real and finite, or not of m columns. Nothing is added.
        KeyboardInterrupt
            On Ctrl-C. The points up to there are added.
        """
        points = _check.objectives(F, self._maximise)
        if points.shape[1] != len(self._corner):
            _check.reference(self._ref, points.shape[1])  # says what is wrong
        _check.distances_fit(points, self._corner)
        with self._lock:
            return self._core.add(points)

    def remove(self, which: ArrayLike, /) -> None:
        """Remove members. Points that they dominated do not come back.

        Parameters
        ----------
        which : array_like of bool, shape (k,), or of int
            The members to remove, as a mask or as indices of `front`; negative ones count from the
            end.

        Raises
        ------
        IndexError, TypeError
            If which is neither a mask of the members nor indices of members. Nothing is removed.

        Examples
        --------
        >>> from lamoo_fast.kernels import ParetoArchive
        >>> archive = ParetoArchive(ref=[4, 4])
        >>> archive.add([[1, 3], [2, 2], [3, 1]])
        array([ True,  True,  True])
        >>> archive.remove(archive.front[:, 0] > 2)
        >>> archive.remove([0])
        >>> archive.front
        array([[2., 2.]])
        """
        chosen = np.asarray(which)
        if chosen.size == 0 and chosen.dtype.kind == "f":  # an empty list
            chosen = chosen.astype(np.intp)
        if chosen.dtype.kind not in "biu" or (chosen.dtype.kind == "b" and chosen.ndim == 0):
            raise TypeError(f"which must be a mask or indices of members, not {which!r}")
        with self._lock:
            keep = np.ones(len(self._core), dtype=np.uint8)
            keep[chosen] = 0
            if not keep.all():
                self._core.keep(keep)

    def clear(self) -> None:
        """Remove all members."""
        with self._lock:
            self._core.clear()

    @property
    def front(self) -> NDArray[np.float64]:
        """The members, shape (k, m), best first in the first objective; a new array."""
        with self._lock:
            members = self._core.front()
        return _check.minimised(members, self._maximise)

    @property
    def hypervolume(self) -> float:
        """The exact hypervolume of the members."""
        with self._lock:
            return self._core.hypervolume()

    def __len__(self) -> int:
        with self._lock:
            return len(self._core)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self._ref, self._maximise, self.front)

    def __repr__(self) -> str:
        return f"<ParetoArchive: {len(self)} points, ref {self._ref.tolist()}>"


def _restore(
    ref: NDArray[np.float64], maximise: NDArray[np.bool_], front: NDArray[np.float64]
) -> ParetoArchive:
    archive = ParetoArchive(ref, maximise=maximise)
    archive.add(front)
    return archive
