"""Cells of DARTS, NAS-Bench-301 and LaNAS: genotypes, published sizes and costs, networks."""

import math

import pytest
from nas_data import sampled, shared

from lamoo_fast.nas.spaces.darts import OPS, Darts
from lamoo_fast.nas.spaces.genotype import Genotype
from lamoo_fast.nas.spaces.nasnet import NasnetCell

torch = pytest.importorskip("torch")

from lamoo_fast.nas.costs.flops import count  # noqa: E402 - needs torch
from lamoo_fast.nas.networks.blocks import DropPath, set_drop_path  # noqa: E402

# Second-order DARTS, as published; its inputs are in no particular order.
DARTS_V2 = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), "
    "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])"
)
SMALL = {"channels": 4, "cells": 4, "classes": 3, "in_channels": 1, "image_size": 8}


def build(space, config, seed=0):
    return space.build(config, generator=torch.Generator().manual_seed(seed))


def test_published_costs():
    """3.349 M parameters on CIFAR-10, 4.719 M on ImageNet: README of the authors' code."""
    config = Darts().decode(DARTS_V2)
    assert Darts().cost(config).params == 3_349_342
    assert Darts.imagenet().cost(config).params / 1e6 == pytest.approx(4.719, abs=5e-4)
    # Papers that compare on CIFAR-10 report 528 M multiply-adds for it.
    assert Darts().cost(config).flops / 1e6 == pytest.approx(528, rel=0.001)


def test_sizes():
    assert Darts().space.size == (math.prod(math.comb(n, 2) for n in range(2, 6)) * 7**8) ** 2
    assert 1e18 < Darts().space.size < 1.1e18
    assert NasnetCell().space.size == math.prod(16 * n * n for n in range(2, 9))


@pytest.mark.parametrize("family", [Darts, NasnetCell])
@pytest.mark.parametrize(
    "settings", [SMALL, {**SMALL, "image_size": 32, "halving_stem": True}, {"cells": 3}]
)
def test_the_built_network_costs_the_closed_form(family, settings):
    space = family(**settings)
    image = torch.zeros(2, space.in_channels, space.image_size, space.image_size)
    for config in sampled(space, 3):
        network = build(space, config)
        cost = count(network, image[:1])
        assert cost == space.cost(config)
        with torch.no_grad():
            assert network(image).shape == (2, space.classes)


@pytest.mark.parametrize("space", [Darts(), NasnetCell()])
def test_genotypes_there_and_back(space):
    for config in sampled(space, 50):
        assert space.decode(space.encode(config)) == config


def test_the_order_of_two_inputs_does_not_matter():
    darts = Darts()
    config = darts.decode(DARTS_V2)
    swapped = DARTS_V2.replace(
        "('sep_conv_3x3', 1), ('skip_connect', 0)", "('skip_connect', 0), ('sep_conv_3x3', 1)"
    )
    assert swapped != DARTS_V2
    assert darts.decode(swapped) == config
    assert darts.decode(DARTS_V2.replace("[2, 3, 4, 5]", "range(2, 6)")) == config
    assert config["normal_4_inputs"], config["normal_4_op_a"] == ("0_1", "skip_connect")


def test_names_of_nasbench301():
    darts = Darts()
    official = darts.to_nasbench301(darts.decode(DARTS_V2))
    key = "NetworkSelectorDatasetInfo:darts:"
    assert official[f"{key}inputs_node_normal_5"] == "0_2"
    assert official[f"{key}edge_normal_9"] == "skip_connect"  # node 5 from 0: after 2 + 3 + 4
    assert official[f"{key}edge_normal_11"] == "dil_conv_3x3"
    assert official[f"{key}edge_reduce_3"] == "max_pool_3x3"  # node 3 from 1
    edges = {int(k.rsplit("_", 1)[1]) for k in official if "edge_normal" in k}
    assert len(edges) == 8
    for config in sampled(darts, 20):
        names = darts.to_nasbench301(config)
        assert darts.from_nasbench301({**names, "OptimizerSelector:optimizer": "sgd"}) == config
    with pytest.raises(ValueError, match=r"no key '.*edge_normal_0' in the configuration"):
        darts.from_nasbench301({})


def test_parameters_of_the_table_of_nasbench301():
    """All 1,218 networks of 32 channels and 8 cells; only normalisations are without weights.

    This also says which code is which operation, but for the two kinds of pooling.
    """
    darts = Darts(channels=32, cells=8)
    norms = {"sep_conv_3x3": 2, "sep_conv_5x5": 2, "dil_conv_3x3": 1, "dil_conv_5x5": 1}
    for row in shared("darts_nb301_naslib.csv.gz"):
        genes = {
            cell: [(OPS[int(row[f"{cell}{i}_op"])], int(row[f"{cell}{i}_src"])) for i in range(8)]
            for cell in "nr"
        }
        config = darts.configuration(Genotype(genes["n"], [2, 3, 4, 5], genes["r"], [2, 3, 4, 5]))
        unweighted = 2 * sum(
            norms.get(op, 0) * 2 * (32 + 64 + 128) for op, _ in genes["n"]
        ) + 2 * sum(
            (norms.get(op, 0) + (op == "skip_connect" and source < 2)) * (64 + 128)
            for op, source in genes["r"]
        )
        assert darts.cost(config).params - unweighted == round(1e6 * float(row["params_M"]))


def test_rows_of_lanas_decode():
    cells = NasnetCell()
    rows = shared("nasnet_lanas_cifar10_trained.csv.gz")
    assert len(rows) == 5402
    seen = set()
    for row in rows:
        config = cells.from_codes([int(row[name]) for name in cells.space.names])
        seen.add(cells.encode(config))
    assert len(seen) == 5402
    # the first row: its nodes use 0, 1, 2, 3, 5 and 5 again; 4, 6, 7 and 8 stay loose
    first = cells.genotype(cells.from_codes([int(rows[0][n]) for n in cells.space.names]))
    used = {int(rows[0][f"n{i}_in{w}"]) for i in range(7) for w in "AB"}
    assert first.normal_concat == sorted(set(range(9)) - used)
    assert first.reduce_concat == sorted(set(range(2, 9)) - used)
    assert first.normal[2] == ("skip_connect", 0)


def test_auxiliary_classifier_and_drop_path():
    space = Darts(**{**SMALL, "auxiliary": True})
    config = sampled(space, 1)[0]
    network, x = build(space, config), torch.ones(3, 1, 8, 8)
    scores, auxiliary = network.forward_auxiliary(x)
    assert scores.shape == auxiliary.shape == (3, 3)
    auxiliary.sum().backward()
    assert network.cells[0].preprocess[1][1].weight.grad is not None
    assert network.classifier.weight.grad is None
    plain = build(Darts(**SMALL), config)
    assert count(plain, x[:1]) == space.cost(config)
    with pytest.raises(ValueError, match="no auxiliary classifier"):
        plain.forward_auxiliary(x)

    set_drop_path(network, 0.5)
    drop = next(part for part in network.modules() if isinstance(part, DropPath))
    torch.manual_seed(0)
    kept = drop(torch.ones(4000, 1, 1, 1)).flatten()
    assert set(kept.tolist()) == {0.0, 2.0}
    assert kept.mean().item() == pytest.approx(1, abs=0.06)
    network.eval()
    assert torch.equal(network(x), network(x))
    with pytest.raises(ValueError, match=r"rate is 1, wanted a number in \[0, 1\)"):
        set_drop_path(network, 1)


def test_picture():
    space = Darts()
    figure = space.draw(space.decode(DARTS_V2))
    normal, reduction = figure.axes
    labels = [text.get_text() for text in normal.texts]
    assert labels.count("sep_conv_3x3") == 5
    assert [t.get_text() for t in reduction.texts].count("max_pool_3x3") == 5
    assert len(normal.patches) == 12  # eight operations, four joined nodes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Darts(channels=5), "channels is 5, wanted an even number"),
        (lambda: Darts(cells=0), "cells is 0, wanted a whole number >= 1"),
        (lambda: Darts(image_size=48, halving_stem=True), "image_size is 48, wanted a multiple of"),
        (lambda: Darts().decode("import os"), "wanted Genotype(normal=[...], normal_concat="),
        (lambda: Darts().decode("__import__('os').system('x')"), "wanted Genotype("),
        (lambda: Darts().decode("(" * 10_000), "wanted Genotype("),
        (lambda: Darts().decode("Genotype(normal=[('a', 0)])"), "fields ['normal'], wanted"),
        (lambda: Darts().decode(DARTS_V2.replace("('skip_connect', 0)", "3")), "is 3, wanted (op"),
        (lambda: Darts().decode(DARTS_V2.replace("3x3', 2)", "3x3', 5)")), "node below 5"),
        (lambda: Darts().decode(DARTS_V2.replace("3x3', 2)", "3x3', 0)")), "both inputs of normal"),
        (lambda: Darts().decode(DARTS_V2.replace("dil_conv_3", "dil_conv_7")), "'dil_conv_7x3'"),
        (lambda: Darts().decode(DARTS_V2.replace("[2, 3, 4, 5]", "[4, 5]")), "concatenates [4, 5]"),
        (lambda: Darts().decode(DARTS_V2.replace("5])", "6])")), "wanted nodes of 0 to 5"),
        (lambda: Darts().cost({}), "config has keys []"),
        (lambda: NasnetCell().from_codes([0] * 3), "codes has 3 numbers, wanted 28"),
        (lambda: NasnetCell().from_codes([4] * 28), "code of n0_opA is 4, wanted 0 to 3"),
        (lambda: NasnetCell().from_codes([1.0] * 28), "code of n0_opA is 1.0, wanted 0 to 3"),
        (lambda: NasnetCell().from_codes([0, 0, 0, 9] * 7), "'n0_inB' is 9"),
        (lambda: NasnetCell().decode(DARTS_V2), "normal and reduction cell differ"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
