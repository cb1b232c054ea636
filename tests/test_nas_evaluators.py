"""Evaluators that train: stand-alone, one-shot and few-shot, and rank correlation."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="these evaluators need torch")

from lamoo_fast.nas.evaluators.few_shot import FewShot, train_parts  # noqa: E402
from lamoo_fast.nas.evaluators.memory import with_less_memory  # noqa: E402
from lamoo_fast.nas.evaluators.one_shot import OneShot  # noqa: E402
from lamoo_fast.nas.evaluators.rank import rank_correlation  # noqa: E402
from lamoo_fast.nas.evaluators.standalone import StandAlone, measure  # noqa: E402
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201  # noqa: E402
from lamoo_fast.nas.supernets.cell201 import Supernet201  # noqa: E402
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths  # noqa: E402
from lamoo_fast.nas.supernets.recalibrate import recalibrate  # noqa: E402
from lamoo_fast.nas.supernets.splits import (  # noqa: E402
    gradient_matching,
    product_of,
    split_by_values,
)
from lamoo_fast.nas.training.objective import CrossEntropy, Loss  # noqa: E402
from lamoo_fast.nas.training.recipe import Recipe  # noqa: E402

SPACE = Cell201(4, 1, classes=3, in_channels=1, image_size=4)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(count, seed=0):
    codes = torch.randint(len(OPS), (count, len(EDGES)), generator=generator(seed)).tolist()
    return [dict(zip(EDGES, (OPS[c] for c in row), strict=True)) for row in codes]


IMAGES = torch.randn(90, 1, 4, 4, generator=generator(1))
LABELS = (IMAGES.mean((1, 2, 3)) > 0).long() + (IMAGES[:, 0, 0, 0] > 0.5).long()
TRAIN, VALID = (IMAGES[:60], LABELS[:60]), (IMAGES[60:], LABELS[60:])
SHORT = Recipe(epochs=1, batch=20)


@pytest.fixture(scope="module")
def supernet():
    return Supernet201(SPACE, generator=generator())


def test_one_shot_counts_what_subnets_get_right(supernet):
    configs = draw(7)
    evaluations = OneShot(supernet, TRAIN[0], VALID, subnets=3, batch=25).evaluate(configs)
    for config, evaluation in zip(configs, evaluations, strict=True):
        statistics = recalibrate(supernet, [config], TRAIN[0], batch=25)
        wanted = measure(supernet.subnet(config, statistics), *VALID)
        assert evaluation.fidelity == "supernet"
        assert evaluation.cost > 0
        assert evaluation.values["accuracy"] == wanted["accuracy"]
        assert math.isclose(evaluation.values["loss"], wanted["loss"], rel_tol=1e-4)


def test_measure_is_mean_over_images(supernet):
    network = supernet.subnet(draw(1)[0]).train()
    values = measure(network, *VALID, batch=7)
    with torch.no_grad():
        scores = network.eval()(VALID[0])
    right = sum(int(s.argmax() == y) for s, y in zip(scores, VALID[1], strict=True))
    assert values["accuracy"] == right / 30
    wanted = torch.nn.functional.cross_entropy(scores, VALID[1]).item()
    assert math.isclose(values["loss"], wanted, rel_tol=1e-5)


def test_scores_that_are_no_numbers_are_not_the_first_class(supernet):
    network = supernet.subnet(draw(1)[0])
    torch.nn.init.constant_(next(network.parameters()), math.nan)
    assert all(math.isnan(value) for value in measure(network, *VALID).values())
    spoilt = Supernet201(SPACE, generator=generator())
    torch.nn.init.constant_(spoilt.network.classifier.weight, math.nan)
    for evaluation in OneShot(spoilt, TRAIN[0], VALID).evaluate(draw(3)):
        assert all(math.isnan(value) for value in evaluation.values.values())


def test_out_of_memory_halves_subnets_then_images(supernet, monkeypatch, caplog):
    configs = draw(6)
    wanted = OneShot(supernet, TRAIN[0], VALID, batch=60).evaluate(configs)
    run = Supernet201.run

    def limited(self, x, configs, normalise):
        if len(configs) * len(x) > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(self, x, configs, normalise)

    monkeypatch.setattr(Supernet201, "run", limited)
    one_shot = OneShot(supernet, TRAIN[0], VALID, subnets=4, batch=60)
    found = one_shot.evaluate(configs)
    assert (one_shot.subnets, one_shot.batch) == (1, 15)
    assert len([r for r in caplog.records if "out of memory" in r.message]) == 4
    assert len(found) == len(wanted)
    # Statistics come from other batches, so that values are close, not equal.
    assert all(abs(a.values["loss"] - b.values["loss"]) < 0.2
               for a, b in zip(found, wanted, strict=True))  # fmt: skip


def test_other_errors_and_too_little_memory_are_raised(caplog):
    def fail(message):
        def compute(size):
            raise RuntimeError(message)

        return compute

    with pytest.raises(RuntimeError, match="shapes"):
        with_less_memory(fail("shapes do not match"), 8, "images")
    for said in ("DefaultCPUAllocator: can't allocate memory", "could not create a primitive"):
        with pytest.raises(RuntimeError, match=said):
            with_less_memory(fail(said), 8, "images")
        assert caplog.messages[-1].endswith("going on with 1 images at once")
        caplog.clear()


def test_stand_alone_does_not_depend_on_the_others():
    evaluator = StandAlone(SPACE, TRAIN, VALID, SHORT, repeats=2)
    first, second = draw(2)
    both = evaluator.evaluate([first, second])
    assert evaluator.evaluate([second])[0].values == both[1].values
    assert both[0].fidelity == "trained"
    single = StandAlone(SPACE, TRAIN, VALID, SHORT).evaluate([first])
    assert single[0].values != both[0].values


class Diverging:
    def losses(self, model, images, labels, generator):
        (loss,) = CrossEntropy().losses(model, images, labels, generator)
        yield Loss(loss.value * float("inf"), loss.correct, loss.count)


def test_diverged_training_is_not_a_number():
    recipe = Recipe(epochs=3, batch=20)
    (evaluation,) = StandAlone(SPACE, TRAIN, VALID, recipe, Diverging()).evaluate(draw(1))
    assert all(math.isnan(value) for value in evaluation.values.values())


def test_few_shot_asks_the_part_of_each_architecture(supernet):
    choices = Choices(SPACE.space)
    parts = train_parts(
        supernet, split_by_values(choices, ["0to3"]), TRAIN, SHORT, UniformPaths(2), progress=False
    )
    assert [part.values["0to3"] for part, _ in parts] == [(op,) for op in OPS]
    before = supernet.network.classifier.weight
    assert all(not torch.equal(p.network.classifier.weight, before) for _, p in parts)
    configs = draw(12)
    found = FewShot(parts, TRAIN[0], VALID).evaluate(configs)
    for config, evaluation in zip(configs, found, strict=True):
        own = parts[OPS.index(config["0to3"])][1]
        wanted = OneShot(own, TRAIN[0], VALID).evaluate([config])[0]
        assert evaluation.fidelity == "few-shot"
        assert evaluation.values["accuracy"] == wanted.values["accuracy"]
    with pytest.raises(ValueError, match="is in none of the 1 parts"):
        FewShot(parts[:1], TRAIN[0], VALID).evaluate([dict.fromkeys(EDGES, OPS[1])])


def test_parts_continue_from_their_checkpoints(supernet, tmp_path):
    parts = split_by_values(Choices(SPACE.space), ["0to1"])[:2]

    def run():
        return train_parts(supernet, parts, TRAIN, SHORT, UniformPaths(), folder=tmp_path,
                           progress=False)  # fmt: skip

    first = run()
    (tmp_path / "part-1.pt").unlink()
    again = run()
    for (_, a), (_, b) in zip(first, again, strict=True):
        assert all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())
    other = Supernet201(SPACE, generator=generator(5))
    with pytest.raises(ValueError, match=r"part-0\.pt belongs to something else: its parent is"):
        train_parts(other, parts, TRAIN, SHORT, UniformPaths(), folder=tmp_path, progress=False)


def test_gradient_matching_against_gradients_one_by_one(supernet):
    choices = Choices(SPACE.space).restricted({"0to2": ["none", "skip_connect"], "1to3": [OPS[3]]})
    splits = gradient_matching(supernet, choices, *TRAIN, contexts=3, generator=generator(4))
    assert {split.name for split in splits} == set(EDGES) - {"1to3"}
    agreements = [split.agreement for split in splits]
    assert agreements == sorted(agreements)
    contexts = UniformPaths(3).draw(choices, generator(4))

    def gradient(edge, op):
        supernet.zero_grad()
        for context in contexts:
            scores = supernet(TRAIN[0], {**context, edge: op})
            (torch.nn.functional.cross_entropy(scores, TRAIN[1]) / 3).backward()
        return {n: p.grad.clone() for n, p in supernet.named_parameters()
                if p.grad is not None and p.grad.any()}  # fmt: skip

    for split in splits:
        sizes = sorted(len(group) for group in split.groups)
        assert sizes == ([1, 1] if split.name == "0to2" else [2, 3])
        gradients = {op: gradient(split.name, op) for op in sum(split.groups, ())}
        shared = set.intersection(*(set(g) for g in gradients.values()))
        vectors = {op: torch.cat([g[n].flatten() for n in sorted(shared)])
                   for op, g in gradients.items()}  # fmt: skip
        across = [
            float(torch.cosine_similarity(vectors[a], vectors[b], dim=0))
            for a in split.groups[0] for b in split.groups[1]
        ]  # fmt: skip
        assert math.isclose(split.agreement, np.mean(across), abs_tol=1e-4)
    two = {split.name: list(split.groups) for split in splits[:2]}
    assert len(product_of(choices, two)) == 4


def test_rank_correlation_against_counts():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 30).astype(float), rng.integers(0, 6, 30).astype(float)
    a[3] = np.nan
    found = rank_correlation(a, b)
    a, b = np.delete(a, 3), np.delete(b, 3)
    signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i in range(29) for j in range(i)]
    agree = sum(s * t for s, t in signs)
    ties = [sum(pair[k] != 0 for pair in signs) for k in (0, 1)]
    assert math.isclose(found.kendall, agree / math.sqrt(ties[0] * ties[1]))
    ranks = [[np.mean(np.flatnonzero(np.sort(x) == v)) for v in x] for x in (a, b)]
    assert math.isclose(found.spearman, np.corrcoef(*ranks)[0, 1])
    assert found.count == 29
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]).spearman)


def test_bad_values_to_rank():
    with pytest.raises(ValueError, match=r"cheap has shape \(2,\), true \(3,\)"):
        rank_correlation([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="1 finite pairs"):
        rank_correlation([1, float("nan")], [1, 2])


def test_bad_data(supernet):
    with pytest.raises(ValueError, match="30 images and 29 labels"):
        OneShot(supernet, TRAIN[0], (VALID[0], VALID[1][:-1]))
    with pytest.raises(ValueError, match="subnets is 0"):
        OneShot(supernet, TRAIN[0], VALID, subnets=0)
    with pytest.raises(ValueError, match="calibration has no images"):
        OneShot(supernet, TRAIN[0][:0], VALID)
    spoilt = TRAIN[0].clone()
    spoilt[7, 0, 1, 1] = float("nan")
    for calibration, valid, name in (
        (spoilt, VALID, "calibration"),
        (TRAIN[0], (spoilt, TRAIN[1]), "valid"),
    ):
        with pytest.raises(ValueError, match=f"{name} has images with NaN"):
            OneShot(supernet, calibration, valid)
    strange = VALID[0], VALID[1] - 101
    with pytest.raises(ValueError, match="labels go from -101 to"):
        OneShot(supernet, TRAIN[0], strange).evaluate(draw(1))
    with pytest.raises(ValueError, match="labels go from -101 to"):
        measure(supernet.subnet(draw(1)[0]), *strange)
    with pytest.raises(ValueError, match="images is empty"):
        measure(supernet.subnet(draw(1)[0]), VALID[0][:0], VALID[1][:0])
    with pytest.raises(ValueError, match="device is 'cuda:9'"):
        StandAlone(SPACE, TRAIN, VALID, SHORT, device="cuda:9")
