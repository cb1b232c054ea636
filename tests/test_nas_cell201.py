"""The NAS-Bench-201 cell: strings, closed-form costs against the table, the built network."""

import pytest
from nas_data import shared

from lamoo_fast.nas.spaces.architecture import Cost
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201

torch = pytest.importorskip("torch")

from lamoo_fast.nas.costs.flops import count  # noqa: E402 - needs torch

ONE_OF_EACH = "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"


def build(space, config, seed=0):
    return space.build(config, generator=torch.Generator().manual_seed(seed))


def test_all_cells_cost_what_was_published():
    rows, cifar10 = shared("nasbench201_joined.csv.gz"), Cell201()
    spaces = {
        "cifar10": cifar10,
        "cifar100": Cell201(classes=100),
        "imagenet16": Cell201(classes=120, image_size=16),
    }
    assert len(rows) == cifar10.space.size == 15_625
    costs = []
    for row in rows:
        config = cifar10.decode(row["cell"])
        assert cifar10.encode(config) == row["cell"]
        assert [OPS.index(config[e]) for e in EDGES] == [int(row[f"op_{e}"]) for e in EDGES]
        for dataset, space in spaces.items():
            cost = space.cost(config)
            assert cost.flops == round(1e6 * float(row[f"{dataset}_flops_M"]))
            assert cost.params == round(1e6 * float(row[f"{dataset}_params_M"]))
        costs.append(cifar10.cost(config))
    assert min(c.flops for c in costs) == 7_783_050
    assert max(c.flops for c in costs) == 220_119_690
    assert min(c.params for c in costs) == 73_306
    assert max(c.params for c in costs) == 1_531_546
    assert costs[1].params == 802_426
    assert round(costs[1].flops / 1e6, 2) == 113.95


@pytest.mark.parametrize(
    ("text", "config"),
    [
        (ONE_OF_EACH, {}),
        ("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
         "|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|", {}),
        (ONE_OF_EACH, {"channels": 3, "cells": 2, "classes": 7, "in_channels": 1, "image_size": 8}),
    ],
)  # fmt: skip
def test_the_built_network_costs_the_closed_form(text, config):
    space = Cell201(**config)
    cell = space.decode(text)
    image = torch.zeros(1, space.in_channels, space.image_size, space.image_size)
    assert count(build(space, cell), image) == space.cost(cell)


def test_the_cell_is_the_sum_over_its_edges():
    from lamoo_fast.nas.networks.cell201 import Cell, operation

    x = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(1))
    ops = dict.fromkeys(EDGES, "none") | {
        "0to1": "avg_pool_3x3", "0to2": "skip_connect", "1to2": "skip_connect",
        "2to3": "avg_pool_3x3", "1to3": "skip_connect",
    }  # fmt: skip
    pool = torch.nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    one = pool(x)
    assert torch.equal(Cell(ops, 4)(x), one + pool(x + one))
    assert torch.equal(operation("none", 4)(x), torch.zeros_like(x))


def test_one_seed_gives_one_network_and_leaves_the_global_generator_alone():
    space = Cell201(channels=4, cells=1, in_channels=1, image_size=8)
    cell = space.decode(ONE_OF_EACH)
    before = torch.get_rng_state()
    first, again, other = build(space, cell), build(space, cell), build(space, cell, seed=1)
    assert torch.equal(before, torch.get_rng_state())
    for name, value in first.state_dict().items():
        assert torch.isfinite(value).all()
        assert torch.equal(value, again.state_dict()[name]), name
        if name.startswith("classifier.weight") or value.ndim == 4:
            assert not torch.equal(value, other.state_dict()[name]), name
    weight = first.reductions[1].main[1][1].weight  # 16 x 16 x 3 x 3
    assert weight.std().item() == pytest.approx((2 / (16 * 9)) ** 0.5, rel=0.1)
    assert first(torch.ones(2, 1, 8, 8)).shape == (2, 10)


def test_picture():
    space = Cell201()
    figure = space.draw(space.decode(ONE_OF_EACH))
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(shown) == sorted(
        [
            "input",
            "1",
            "2",
            "output",
            "skip_connect",
            "nor_conv_1x1",
            "nor_conv_3x3",
            "avg_pool_3x3",
        ]
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Cell201(channels=0), "channels is 0, wanted a whole number >= 1"),
        (lambda: Cell201(image_size=10), "image_size is 10, wanted a multiple of 4"),
        (lambda: Cell201().decode("|none~0|"), "has edges ['0to1'], wanted ['0to1', '0to2'"),
        (lambda: Cell201().decode("none~0"), "part 'none~0' of cell"),
        (lambda: Cell201().decode(ONE_OF_EACH.replace("skip_", "skid_")), "'0to2' is 'skid_conn"),
        (lambda: Cell201().decode(ONE_OF_EACH.replace("t~0", "t~1")), "has edges"),
        (lambda: Cell201().cost({"0to1": "none"}), "config has keys ['0to1'], wanted"),
        (lambda: Cell201().cost(dict.fromkeys(EDGES, "conv")), "'0to1' is 'conv'"),
        (lambda: build(Cell201(), {}), "config has keys [], wanted"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


def test_costs_add():
    assert 2 * Cost(1, 2) + Cost(3, 4) == Cost(5, 8)
