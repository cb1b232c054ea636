"""Replicates: several evaluations of one point, whose values differ by noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.space import Array

Index = npt.NDArray[np.intp]


def average(keys: Sequence[bytes], *tables: Array) -> tuple[Index, list[Array]]:
    """Average the rows that belong to one point.

    Parameters
    ----------
    keys : n bytes
        The point of each row, as `Space.keys` names it.
    *tables : array, shape (n, any)
        What was measured.

    Returns
    -------
    first : array of int, shape (k,)
        First row of each point, increasing.
    means : list of array, shape (k, any)
        Mean of the point's rows in each table.

    Examples
    --------
    >>> average([b"p", b"q", b"p"], np.array([[1.0], [5.0], [2.0]]))
    (array([0, 1]), [array([[1.5],
           [5. ]])])
    """
    group, first = _groups(keys)
    count = np.bincount(group, minlength=len(first))[:, None]
    means = []
    for table in tables:
        # Sums of differences: equal values have exactly themselves as their mean.
        total = np.zeros((len(first), table.shape[1]))
        np.add.at(total, group, table - table[first][group])
        means.append(table[first] + total / np.maximum(count, 1))
    return first, means


def noise_variance(keys: Sequence[bytes], F: Array) -> Array | None:
    """Estimate the variance of the noise from replicates.

    Parameters
    ----------
    keys : n bytes
        The point of each row, as `Space.keys` names it.
    F : array, shape (n, m)
        Objectives.

    Returns
    -------
    array, shape (m,), or None
        Unbiased variance within the points, pooled over all of them; None without replicates.

    Examples
    --------
    >>> noise_variance([b"p", b"q", b"p"], np.array([[1.0], [5.0], [2.0]]))
    array([0.5])
    """
    group, first = _groups(keys)
    spare = len(F) - len(first)
    if spare == 0:
        return None
    _, (mean,) = average(keys, F)
    return np.asarray(np.square(F - mean[group]).sum(axis=0) / spare)


def _groups(keys: Sequence[bytes]) -> tuple[Index, Index]:
    """Number the points as they come: the point of each row, the first row of each point."""
    number: dict[bytes, int] = {}
    first: list[int] = []
    for i, key in enumerate(keys):
        if key not in number:
            number[key] = len(first)
            first.append(i)
    group = np.array([number[key] for key in keys], dtype=np.intp)
    return group, np.array(first, dtype=np.intp)
