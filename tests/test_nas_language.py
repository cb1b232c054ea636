"""Language models: reading, perplexity, the supernet of recurrent cells, the task end to end."""

import math
from dataclasses import replace

import pytest
from nas_data import sampled

torch = pytest.importorskip("torch", reason="language models need torch")

from lamoo_fast.cli import main  # noqa: E402
from lamoo_fast.nas.costs.flops import count  # noqa: E402
from lamoo_fast.nas.evaluators.perplexity import perplexity  # noqa: E402
from lamoo_fast.nas.spaces.recurrent import RecurrentCell  # noqa: E402
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths  # noqa: E402
from lamoo_fast.nas.supernets.recurrent import (  # noqa: E402
    NextTokenOfPaths,
    RecurrentSupernet,
)
from lamoo_fast.nas.tasks.language import ptb  # noqa: E402
from lamoo_fast.nas.tasks.task import Run  # noqa: E402
from lamoo_fast.nas.training.loop import Training  # noqa: E402
from lamoo_fast.nas.training.reading import (  # noqa: E402
    NextToken,
    Pieces,
    Reader,
    Reading,
    cross_entropies,
)
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402

DRY = dict.fromkeys(("dropout_output", "dropout_hidden", "dropout_input", "dropout_embedding"), 0.0)
SPACE = RecurrentCell(vocabulary=11, hidden=6, nodes=4, least_nodes=2, **DRY)
CPU = torch.device("cpu")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def text(n, vocabulary=11, seed=0):
    return torch.randint(vocabulary, (n,), generator=generator(seed))


def test_cells_of_fewer_nodes():
    configs = sampled(SPACE, 12)
    assert {config["nodes"] for config in configs} == {2, 3, 4}
    for config in configs:
        assert SPACE.decode(SPACE.encode(config)) == config
        network = SPACE.build(config, generator=generator())
        assert len(network.cell.weights) == config["nodes"]
        assert count(network, torch.zeros(1, 1, dtype=torch.long)) == SPACE.cost(config)
        same = SPACE.canonical(config)
        assert SPACE.genes(same) == SPACE.genes(config)
        assert SPACE.canonical({**same, "n4_op": "relu"}) == same or config["nodes"] == 4
    assert SPACE.cost(SPACE.largest()).params - SPACE.cost(SPACE.smallest()).params == 2 * 72
    assert "concat=range(1, 3)" in SPACE.encode(SPACE.smallest())
    with pytest.raises(ValueError, match="or its first 2 or more"):
        SPACE.decode(SPACE.encode(SPACE.smallest()).replace("range(1, 3)", "range(1, 2)"))
    with pytest.raises(ValueError, match="least_nodes is 8, wanted fewer than the 8 nodes"):
        RecurrentCell(least_nodes=8)


def test_reading_goes_on_where_it_stopped_and_reads_everything():
    tokens = torch.arange(103)
    reading, pieces, later = Reading(103, 4, 6), Pieces(tokens, 6), Pieces(tokens, 6, 1)
    assert len(reading) == 4 * (25 // 6)
    last, seen = None, set()
    for step in range(40):
        rows = reading.rows(step)
        given, wanted = pieces[rows], later[rows]
        assert given.shape == (4, 6)
        assert torch.equal(wanted[:, :-1], given[:, 1:])
        if last is not None:
            assert torch.equal(given[:, 0], last)
        last = wanted[:, -1]
        seen |= {int(row) for row in rows % 103}
    assert len(seen) > 4 * 8  # cut at other places in each round
    with pytest.raises(ValueError, match="the text has 24 tokens, wanted more than 4 x 6"):
        Reading(24, 4, 6)


class Constant(torch.nn.Module):
    """Says the same whatever it reads."""

    def __init__(self, scores):
        super().__init__()
        self.scores = torch.nn.Parameter(torch.as_tensor(scores))

    def read(self, tokens, hidden):
        scores = self.scores.expand(1, *tokens.shape, -1)
        return scores, torch.zeros(1, *tokens.shape, 1)


def test_perplexity_of_known_models():
    tokens = text(1000)
    uniform = cross_entropies(Constant(torch.zeros(11)).read, tokens, CPU)[0]
    assert math.exp(uniform) == pytest.approx(11, rel=1e-6)
    share = torch.bincount(tokens[1:], minlength=11) / 999
    unigram = cross_entropies(Constant(share.log()).read, tokens, CPU, batch=1)[0]
    assert unigram == pytest.approx(-float((share * share.log()).sum()), rel=1e-6)


def test_perplexity_does_not_depend_on_pieces():
    model = SPACE.build(SPACE.largest(), generator=generator()).eval()
    tokens = text(61)

    def read(given, hidden):
        scores, states = model(given, None if hidden is None else hidden[0])
        return scores[None], states[None]

    found = [cross_entropies(read, tokens, CPU, batch=1, length=n)[0] for n in (1, 7, 60)]
    scores, _ = model(tokens[:-1, None])
    expected = -scores.detach().log_softmax(-1)[torch.arange(60), 0, tokens[1:]].mean()
    assert found == pytest.approx([float(expected)] * 3, rel=1e-5)


def test_subnets_side_by_side_are_those_alone():
    supernet = RecurrentSupernet(SPACE, generator=generator()).eval()
    configs = sampled(SPACE, 12)
    tokens, before = text(15).view(5, 3), torch.randn(12, 3, 6, generator=generator(3))
    scores, states = supernet.forward_many(tokens, configs, before)
    for i, config in enumerate(configs):
        one = supernet(tokens, config, before[i])
        alone = supernet.subnet(config).eval()(tokens, before[i])
        for many, single, own in zip((scores[i], states[i]), one, alone, strict=True):
            assert torch.allclose(many, own, atol=1e-5)
            assert torch.allclose(single, own, atol=1e-5)
    fresh, _ = supernet.forward_many(tokens, configs)
    assert torch.allclose(fresh[2], supernet(tokens, configs[2])[0], atol=1e-5)
    with pytest.raises(ValueError, match="configs is empty"):
        supernet.forward_many(tokens, [])
    with pytest.raises(ValueError, match="config has keys"):
        supernet(tokens, {})


def test_gradients_side_by_side_are_the_mean_of_those_alone():
    supernet = RecurrentSupernet(SPACE, generator=generator())
    tokens = text(24).view(2, 12)
    reader = Reader(supernet, 6, 3 * 2)
    objective = NextTokenOfPaths(Choices(SPACE.space), UniformPaths(3), temporal=0.5)
    (loss,) = objective.losses(reader, tokens[:, :-1], tokens[:, 1:], generator(4))
    loss.value.backward()
    configs = UniformPaths(3).draw(Choices(SPACE.space), generator(4))
    found = {name: p.grad.clone() for name, p in supernet.named_parameters() if p.grad is not None}
    supernet.zero_grad()
    for config in configs:
        scores, states = supernet(tokens[:, :-1].t(), config)
        value = torch.nn.functional.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].t().flatten())
        change = (states[1:] - states[:-1]).square().mean()
        ((value + 0.5 * change) / 3).backward()
    for name, parameter in supernet.named_parameters():
        assert torch.allclose(parameter.grad, found[name], atol=1e-6)
    _, states = supernet(tokens[:, :-1].t(), configs[1])
    assert torch.allclose(reader.state[2:4], states[-1], atol=1e-6)


def reader_training(seed=0, **options):
    """Of a text that says after each token which is next."""
    space = RecurrentCell(vocabulary=5, hidden=8, nodes=2, **{**DRY, "dropout_hidden": 0.1})
    tokens = torch.arange(403) * 2 % 5
    model = space.build(space.largest(), generator=generator(seed))
    return Training(
        Reader(model, 8, 4), NextToken(0.001), Pieces(tokens, 10), Pieces(tokens, 10, 1),
        Recipe(epochs=3, batch=4, learning_rate=8.0, momentum=0, weight_decay=0, clip=1.0),
        order=Reading(403, 4, 10), progress=False, **options,
    )  # fmt: skip


def test_training_reads_in_order_and_continues_with_its_states(tmp_path):
    whole = reader_training()
    history = whole.run()
    assert whole.steps == 3 * 10
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    path = tmp_path / "state.pt"
    reader_training(checkpoint=path, save_every=1).run(until=13)
    again = reader_training(seed=1, checkpoint=path)
    assert again.step == 13
    again.run()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    assert whole.model.state.abs().sum() > 0


def test_states_that_overflow_are_forgotten():
    reader = Reader(torch.nn.Linear(1, 1), 2, 3)
    reader.remember(torch.tensor([[[1.0, 2.0], [math.nan, 1.0], [3.0, math.inf]]]))
    assert reader.state.tolist() == [[1, 2], [0, 0], [0, 0]]


@pytest.fixture(scope="module")
def small():
    return ptb(small=True)


def unigram(task, part):
    """Perplexity of the best that ignores all context: shares in the training text."""
    share = torch.bincount(task.data.tokens["train"], minlength=len(task.data.vocabulary)) + 1.0
    return math.exp(-float((share / share.sum()).log()[task.data.tokens[part]].mean()))


def test_a_trained_cell_beats_the_unigrams(small):
    run = Run(progress=False, epochs=1, batches=60)
    training = small.network(small.architectures.smallest(), run)
    before = small.measure(training.trained, {}, Run(batches=5))["perplexity"]
    assert before == pytest.approx(len(small.data.vocabulary), rel=0.1)  # it knows nothing yet
    training.run()
    after = small.measure(training.trained, {}, Run(batches=5))["perplexity"]
    assert after < 0.85 * unigram(small, "test")


def test_a_supernet_beats_the_unigrams_and_is_split(small, tmp_path):
    task = replace(small, supernet_hidden=32)
    run = Run(progress=False, epochs=1, batches=60)
    training = task.supernet(run, tmp_path / "supernet.pt")
    training.run()
    evaluator = task.one_shot(training.trained, Run(batches=3))
    configs = sampled(task.architectures, 3)
    found = evaluator.evaluate(configs)
    assert {e.fidelity for e in found} == {"supernet"}
    assert min(e.values["perplexity"] for e in found) < 0.9 * unigram(task, "valid")
    # as the cut-out subnet says, read alone
    alone = training.trained.model.subnet(configs[1])
    tokens = task.data.tokens["valid"][: 3 * 32 * task.length]
    assert perplexity(alone, tokens)["loss"] == pytest.approx(found[1].values["loss"], rel=1e-4)
    few = task.few_shot(training.trained, 2, Run(progress=False, epochs=1, batches=2), tmp_path)
    parted = few.evaluate(configs)
    assert {e.fidelity for e in parted} == {"few-shot"}
    assert all(a.values != b.values for a, b in zip(found, parted, strict=True))
    assert (tmp_path / "part-1.pt").exists()
    other = task.supernet(Run(seed=5, progress=False)).model
    with pytest.raises(ValueError, match="its parent is"):
        task.few_shot(other, 2, Run(progress=False, epochs=1, batches=2), tmp_path)
    with pytest.raises(ValueError, match="parts is 3, wanted 2 or 4"):
        task.few_shot(training.trained, 3, run, tmp_path)


def test_a_folder_of_the_penn_treebank_in_full_size(tmp_path):
    words = [f"w{i}" for i in range(30)]
    for seed, part in enumerate(("train", "valid", "test")):
        drawn = torch.randint(30, (4000 if part == "train" else 600,), generator=generator(seed))
        lines = [" ".join(words[i] for i in row) for row in drawn.view(-1, 10).tolist()]
        (tmp_path / f"ptb.{part}.txt").write_text("\n".join(lines))
    task = ptb(tmp_path)
    assert task.architectures.hidden == 850
    assert task.data.tokens["train"].shape == (4400,)
    run = Run(progress=False, epochs=1, batch=4, batches=2)
    config = task.architectures.smallest()
    training = task.network(config, run)
    assert training.steps == 2
    assert math.isfinite(training.run()[0]["loss"])
    assert task.measure(training.trained, config, run)["perplexity"] > 1
    command = [
        "nas",
        "train-supernet",
        "ptb",
        "--data",
        str(tmp_path),
        "--out",
        str(tmp_path / "run"),
    ]
    assert main([*command, "--epochs", "1", "--batch-size", "4", "--limit-batches", "2"]) == 0
    assert (tmp_path / "run" / "supernet").exists()
    exported = task.exported(training.trained)
    assert exported(task.example(config)).shape == (1, 8, 32)


def test_missing_and_malformed_text(tmp_path):
    with pytest.raises(ValueError, match=r"ptb needs a folder with ptb\.train\.txt"):
        ptb()
    with pytest.raises(ValueError, match=r"has none of ptb\.train\.txt"):
        ptb(tmp_path)
    (tmp_path / "train.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ValueError, match="not text in UTF-8"):
        ptb(tmp_path)
    (tmp_path / "train.txt").write_text("a b c\n")
    for part in ("valid", "test"):
        (tmp_path / f"{part}.txt").write_text("a b\n")
    with pytest.raises(ValueError, match="the text has 4 tokens, wanted more than 32 x 20"):
        ptb(tmp_path, small=True).supernet(Run())
