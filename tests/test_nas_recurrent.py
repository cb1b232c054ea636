"""The recurrent cell: genotypes, published size and cost, the model against a slow twin."""

import math

import pytest
from nas_data import sampled

from lamoo_fast.nas.spaces.recurrent import RecurrentCell

torch = pytest.importorskip("torch")

from lamoo_fast.nas.costs.flops import count  # noqa: E402 - needs torch

DARTS = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), "
    "('sigmoid', 5), ('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
SMALL = RecurrentCell(
    vocabulary=11, hidden=6, dropout_output=0, dropout_hidden=0, dropout_input=0,
    dropout_embedding=0,
)  # fmt: skip


def build(space, config, seed=0):
    return space.build(config, generator=torch.Generator().manual_seed(seed))


def test_published_cost_and_size():
    """22.960 M parameters on the Penn Treebank: README of the authors' code."""
    space = RecurrentCell()
    assert space.cost(space.decode(DARTS)).params == 22_960_000
    assert space.space.size == math.factorial(8) * 4**8


def test_genotypes_there_and_back():
    space = RecurrentCell()
    assert space.encode(space.decode(DARTS)) == DARTS
    assert space.decode(DARTS.replace("range(1, 9)", "[1, 2, 3, 4, 5, 6, 7, 8]"))["n6_in"] == 5
    for config in sampled(space, 50):
        assert space.decode(space.encode(config)) == config


def test_the_built_model_costs_the_closed_form_per_token():
    for config in sampled(SMALL, 3):
        model = build(SMALL, config)
        assert count(model, torch.zeros(1, 1, dtype=torch.long)) == SMALL.cost(config)
        longer = count(model, torch.zeros(5, 2, dtype=torch.long))
        assert longer.flops == 10 * SMALL.cost(config).flops


def test_the_model_against_its_equations():
    """One number at a time, from the text of the paper."""
    config = SMALL.decode(DARTS)
    model = build(SMALL, config)
    tokens = torch.tensor([[3], [7]])
    scores, states = model(tokens)
    weight = {name: value.tolist() for name, value in model.state_dict().items()}
    activation = {
        "sigmoid": lambda v: 1 / (1 + math.exp(-v)), "relu": lambda v: max(v, 0.0),
        "tanh": math.tanh, "identity": lambda v: v,
    }  # fmt: skip
    size = SMALL.hidden

    def gated(rows, inputs, start, op):
        out = [sum(w * x for w, x in zip(row, inputs, strict=True)) for row in rows]
        return [
            s + activation["sigmoid"](out[i]) * (activation[op](out[size + i]) - s)
            for i, s in enumerate(start)
        ]

    state = [0.0] * size
    for time, token in enumerate([3, 7]):
        x = weight["encoder.weight"][token]
        nodes = [gated(weight["cell.first.weight"], x + state, state, "tanh")]
        for i, (op, source) in enumerate(SMALL.genes(config)):
            nodes.append(
                gated(weight[f"cell.weights.{i}.weight"], nodes[source], nodes[source], op)
            )
        state = [sum(node[i] for node in nodes[1:]) / 8 for i in range(size)]
        assert states[time, 0].tolist() == pytest.approx(state, abs=1e-6)
    expected = [
        sum(w * s for w, s in zip(row, state, strict=True)) + b
        for row, b in zip(weight["encoder.weight"], weight["decoder.bias"], strict=True)
    ]
    assert scores[1, 0].tolist() == pytest.approx(expected, abs=1e-6)


def test_the_state_goes_on_and_embeddings_are_tied():
    model = build(SMALL, sampled(SMALL, 1)[0])
    tokens = torch.randint(11, (6, 3), generator=torch.Generator().manual_seed(1))
    scores, states = model(tokens)
    first, before = model(tokens[:2])
    second, after = model(tokens[2:], before[-1])
    assert torch.allclose(torch.cat([first, second]), scores, atol=1e-6)
    assert torch.allclose(after[-1], states[-1], atol=1e-6)
    assert model.decoder.weight is model.encoder.weight
    again = build(SMALL, sampled(SMALL, 1)[0])
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())


def test_dropout_masks_stay_for_a_sequence():
    space = RecurrentCell(vocabulary=5, hidden=200, dropout_output=0.5)
    model = build(space, sampled(space, 1)[0])
    torch.manual_seed(0)
    dropped = model.drop_output(torch.ones(4, 3, 200))
    assert torch.equal(dropped[0], dropped[3])
    assert not torch.equal(dropped[:, 0], dropped[:, 1])
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    tokens = torch.zeros(3, 2, dtype=torch.long)
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
    model.eval()
    assert torch.equal(model(tokens)[0], model(tokens)[0])


def test_a_few_steps_learn_a_sequence():
    model = build(SMALL, SMALL.decode(DARTS))
    tokens = (torch.arange(12) % 11).unsqueeze(1).repeat(1, 2)
    optimiser = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(80):
        scores, _ = model(tokens[:-1])
        loss = torch.nn.functional.cross_entropy(scores.flatten(0, 1), tokens[1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


def test_picture():
    axes = SMALL.draw(SMALL.decode(DARTS)).axes[0]
    labels = [text.get_text() for text in axes.texts]
    assert labels.count("relu") == 3
    assert len(axes.patches) == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RecurrentCell(hidden=0), "hidden is 0, wanted a whole number >= 1"),
        (lambda: RecurrentCell(dropout_input=1.0), "dropout_input is 1.0, wanted a number in"),
        (lambda: SMALL.decode("Genotype()"), "genotype has fields []"),
        (lambda: SMALL.decode(DARTS.replace("9)", "8)")), "concatenates [1, 2, 3, 4, 5, 6, 7]"),
        (lambda: SMALL.decode(DARTS.replace("'relu', 1", "'relu', 2", 1)), "node below 2"),
        (lambda: SMALL.decode(DARTS.replace("'tanh', 2", "'elu', 2")), "'n5_op' is 'elu'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)
