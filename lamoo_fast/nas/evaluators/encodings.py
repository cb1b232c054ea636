"""Architectures as many numbers, for predictors that are fitted to some tens of them.

See `PathSummary` for what the numbers of cells are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from lamoo_fast.nas.evaluators.models import Encoding
from lamoo_fast.nas.problem import Config
from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.spaces.cell201 import EDGES, Cell201
from lamoo_fast.nas.spaces.darts import OPS as DARTS_OPS
from lamoo_fast.nas.spaces.darts import Darts
from lamoo_fast.nas.spaces.path_summary import PathSummary

Floats = npt.NDArray[np.float64]

_CELL201 = PathSummary(
    {
        "skip": {"skip_connect"},
        "conv1x1": {"nor_conv_1x1"},
        "conv3x3": {"nor_conv_3x3"},
        "pool": {"avg_pool_3x3"},
        "conv": {"nor_conv_1x1", "nor_conv_3x3"},
        "work": {"nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"},
    }
)


def cell201_features(configs: Sequence[Config]) -> Floats:
    """Path summaries (n, 33) of NAS-Bench-201 cells, given by the operations on their six edges.

    Examples
    --------
    >>> cell = dict.fromkeys(("0to1", "0to2", "1to2", "0to3", "1to3", "2to3"), "nor_conv_3x3")
    >>> cell201_features([cell])[0, :3].tolist()  # paths, longest, shortest
    [4.0, 3.0, 1.0]
    """
    ends = {name: (int(name[0]), int(name[-1])) for name in EDGES}
    return np.array(
        [_CELL201([(*ends[e], c[e]) for e in EDGES if c[e] != "none"], {0}, {3}) for c in configs]
    )


_DARTS = PathSummary(
    {
        **{op: {op} for op in DARTS_OPS},
        "conv": {op for op in DARTS_OPS if "_conv_" in op},
        "separable": {"sep_conv_3x3", "sep_conv_5x5"},
        "wide": {"sep_conv_5x5", "dil_conv_5x5"},
    }
)


def darts_features(darts: Darts, configs: Sequence[Config]) -> Floats:
    """Path summaries of both cells, multiply-adds and parameters (n, 108) of DARTS networks.

    Paths go from the two inputs of a cell to its four nodes, which are all outputs.

    Examples
    --------
    >>> from lamoo_fast.nas.spaces.darts import Darts
    >>> darts = Darts(channels=32, cells=8)
    >>> config = darts.space.decode([[0.0] * darts.space.d])[0]
    >>> darts_features(darts, [config])[0, :3].tolist()  # paths, longest, shortest
    [8.0, 1.0, 1.0]
    """
    rows = []
    for config in configs:
        genotype = darts.genotype(config)
        cells = [
            _DARTS(
                [(source, 2 + i // 2, op) for i, (op, source) in enumerate(genes)],
                {0, 1},
                {2, 3, 4, 5},
            )
            for genes in (genotype.normal, genotype.reduce)
        ]
        cost = darts.cost(config)
        rows.append(np.concatenate([*cells, [cost.flops, cost.params]]))
    return np.array(rows)


def features_of(family: ArchitectureSpace | None) -> Encoding | None:
    """Return the features that architectures of a family have, None where there are none."""
    if isinstance(family, Cell201):
        return cell201_features
    if isinstance(family, Darts):
        return partial(darts_features, family)
    return None
