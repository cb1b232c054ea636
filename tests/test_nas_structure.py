"""What follows from the graph of a cell, against paths listed one by one."""

import numpy as np
import pytest

from lamoo_fast.nas import load_hints
from lamoo_fast.nas.spaces.cell201 import EDGES, Cell201
from lamoo_fast.nas.spaces.darts import Darts
from lamoo_fast.nas.spaces.nasnet import NasnetCell
from lamoo_fast.nas.spaces.path_summary import structure_of


def paths(edges, node, outputs):
    """Operations of every path from a node to an output."""
    if node in outputs:
        yield []
    for source, target, op in edges:
        if source == node and op != "none":
            for rest in paths(edges, target, outputs):
                yield [op, *rest]


def listed(edges, inputs, outputs):
    found = [path for node in inputs for path in paths(edges, node, outputs)]
    pooled = [any("pool" in op for op in ops) for ops in found]
    return (
        max((sum("conv" in op for op in ops) for ops in found), default=0),
        sum(set(ops) <= {"skip_connect"} for ops in found),
        np.mean(pooled) if pooled else 0.0,
    )


def drawn(architectures, n):
    X = np.random.default_rng(0).random((n, architectures.space.d))
    return architectures.space.decode(X)


def test_cells_of_nasbench201():
    cells = Cell201()
    configs = cells.space.decode(cells.space.enumerate()[::7])
    for config, got in zip(configs, cells.structure(configs), strict=True):
        edges = [(int(edge[0]), int(edge[-1]), op) for edge, op in config.items()]
        assert got[1:] == pytest.approx(listed(edges, [0], [3]))
        assert got[0] == cells.cost(cells.trimmed(config)).params


@pytest.mark.parametrize("architectures", [Darts(), NasnetCell()], ids=lambda a: a.name)
def test_stacked_cells(architectures):
    configs = drawn(architectures, 40)
    for config, got in zip(configs, architectures.structure(configs), strict=True):
        genotype = architectures.genotype(config)
        wanted = [architectures.cost(config).params]
        for genes, outputs in (genotype[:2], genotype[2:]):
            edges = [(source, 2 + i // 2, op) for i, (op, source) in enumerate(genes)]
            wanted += listed(edges, [0, 1], outputs)
        assert got == pytest.approx(tuple(wanted))


def test_nothing_flows():
    assert structure_of([], {0}, {3}) == (0, 0, 0)
    assert structure_of([(0, 1, "conv"), (2, 3, "conv")], {0}, {3}) == (0, 0, 0)


def test_cells_that_compute_the_same_look_the_same():
    cells = Cell201()
    dead = dict.fromkeys(EDGES, "none") | {"0to3": "skip_connect"}
    assert len(set(cells.structure([dead, dead | {"1to3": "nor_conv_3x3"}]))) == 1


def test_hints_by_name():
    cells = Cell201()
    configs = drawn(cells, 5)
    both = load_hints("nasbench201", ["structure", "ptq_acc"])(configs)
    np.testing.assert_array_equal(both[:, :4], cells.structure(configs))
    assert both.shape == (5, 5)
    with pytest.raises(ValueError, match="'vehicle-safety' has no cells with a structure"):
        load_hints("vehicle-safety", ["structure"])


def test_a_cell_of_another_space():
    with pytest.raises(ValueError, match="0to1"):
        Cell201().structure([{"0to1": "nothing"}])
