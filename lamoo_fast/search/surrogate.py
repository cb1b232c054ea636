"""Splits learned on a model's predictions beside the observations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lamoo_fast.search.archive import Rows
from lamoo_fast.search.checks import check_count
from lamoo_fast.search.hints import Hints
from lamoo_fast.search.known import Known
from lamoo_fast.search.samplers.uniform import UniformSampler
from lamoo_fast.search.samplers.view import View
from lamoo_fast.search.space import Array, Space
from lamoo_fast.search.tree import Region

if TYPE_CHECKING:
    from lamoo_fast.search.samplers.belief import Fits


@dataclass(frozen=True)
class Surrogate:
    """Points all over the space with predicted outcomes, from which the partition learns too.

    With few observations a boundary between good and bad ones is little more than a guess. The
    Gaussian processes of `EHVISampler` are fitted to the observations, and the splits learned from
    these and the predictions at other points.

    Parameters
    ----------
    n_points : int
        Number of predicted points, drawn uniformly.

    Raises
    ------
    ValueError
        When n_points is no whole number >= 1.

    Notes
    -----
    O(n^3) for the model of n observations each time that the partition is learned. BLAS is held to
    one thread, as by `EHVISampler`.

    Examples
    --------
    >>> import lamoo_fast as lf
    >>> space = lf.Space({"x": lf.Float(0, 1)})
    >>> opt = lf.LaMOO(space, ["minimize"], surrogate=Surrogate(100))
    """

    n_points: int = 500
    _fits: Fits = field(default_factory=dict, repr=False, compare=False, init=False)

    def __post_init__(self) -> None:
        check_count("n_points", self.n_points)

    def predict(
        self, space: Space, rows: Rows, ref: Array, known: Known, hints: Hints
    ) -> tuple[Array, Array, Array] | None:
        """Return points X (k, d) with predicted F (k, m) and G (k, c): a function of the rows."""
        done = ~np.isnan(rows.F).any(axis=1)
        if done.sum() < 2:
            return None
        from lamoo_fast.search.samplers.belief import Belief, one_thread

        view = View(
            rows.X[done],
            rows.F[done],
            ref,
            rows.X[:0],
            frozenset(),
            np.random.default_rng(len(rows)),
            G=rows.G[done],
            failed=rows.X[~done],
            known=known,
            hints=hints,
        )
        X = UniformSampler().draw(Region(space), self.n_points, view)
        with one_thread():
            return (X, *Belief(space, view, self._fits, 0).means(X))
