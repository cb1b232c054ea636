"""One-shot and few-shot search on scikit-learn's digits (8 x 8 pixels), against training each cell.

    python bench/nas_digits.py --seeds 3

Fifty random cells of NAS-Bench-201 are trained stand-alone, several times each with another seed:
the mean values are the truth, the agreement of two such trainings the noise ceiling. For every
seed a supernet is trained with strictly fair paths and evaluated in one shot, then split where
gradients disagree most and trained on in parts (few-shot); beside it, the same supernet trained on
in one piece for as many epochs. LaMOO searches accuracy and multiply-adds through the parts of the
first seed, and the front that it finds is trained like the fifty. One thread per process.
"""

from __future__ import annotations

import argparse
import itertools
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits

import lamoo_fast as lf
from lamoo_fast.nas.evaluators.evaluator import Evaluator
from lamoo_fast.nas.evaluators.few_shot import FewShot, train_parts
from lamoo_fast.nas.evaluators.one_shot import OneShot
from lamoo_fast.nas.evaluators.rank import RankCorrelation, rank_correlation
from lamoo_fast.nas.evaluators.standalone import StandAlone
from lamoo_fast.nas.spaces.architecture import Config
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.supernets.cell201 import Supernet201
from lamoo_fast.nas.supernets.objective import SampledPaths
from lamoo_fast.nas.supernets.paths import Choices, FairPaths, UniformPaths
from lamoo_fast.nas.supernets.splits import gradient_matching, product_of
from lamoo_fast.nas.training.loop import Training
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import derived_generator

# Chosen before any supernet was trained, by the agreement of two trainings: narrow networks, few
# images and a short schedule. Trained to the end all cells get nearly everything right, and differ
# by no more than chance.
SPACE = Cell201(channels=4, cells=2, in_channels=1, image_size=8)
IMAGES = 250
TRUTH = Recipe(epochs=8, batch=50)

# Chosen on the supernets of seeds 100 and 101, against 100 cells among which are the 50 here: parts
# trained on at a low rate stay what the supernet was; at its own rate they tell their cells apart.
SUPERNET = Recipe(epochs=20, batch=50)
PARTS = Recipe(epochs=20, batch=50)
SPLITS = 2  # parameters that are split in two: four parts
BUDGET = 100  # cells that the search looks at through the parts
QUANTITIES = ("accuracy", "loss")


class Data(NamedTuple):
    """Images and labels."""

    train: tuple[torch.Tensor, torch.Tensor]
    valid: tuple[torch.Tensor, torch.Tensor]


def digits() -> Data:
    """Standardised images: the first of a fixed order are for training, the rest held out."""
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8)
    order = torch.randperm(len(x), generator=derived_generator("digits"))
    x, y = ((x - x.mean()) / x.std())[order], torch.tensor(labels)[order]
    return Data((x[:IMAGES], y[:IMAGES]), (x[IMAGES:], y[IMAGES:]))


def values(evaluator, configs) -> np.ndarray:
    """Accuracy and loss (cells, 2)."""
    evaluations = evaluator.evaluate(configs)
    return np.array([[e.values[name] for name in QUANTITIES] for e in evaluations])


def train_once(job, data: Data) -> np.ndarray:
    """Train a cell alone with a seed; in a process of its own."""
    torch.set_num_threads(1)
    config, seed = job
    return values(StandAlone(SPACE, data.train, data.valid, TRUTH, seed=seed), [config])[0]


def truth(configs, repeats: int, data: Data, workers: int) -> np.ndarray:
    """Accuracies and losses (repeats, cells, 2)."""
    jobs = [(config, seed) for seed in range(repeats) for config in configs]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        found = list(pool.map(partial(train_once, data=data), jobs))
    return np.reshape(found, (repeats, len(configs), 2))


def supernet_of(seed: int, data: Data) -> Supernet201:
    supernet = Supernet201(SPACE, generator=derived_generator(seed, "supernet"))
    objective = SampledPaths(Choices(SPACE.space), FairPaths())
    Training(supernet, objective, *data.train, SUPERNET, seed=seed).run()
    return supernet


def evaluators(seed: int, data: Data) -> dict[str, Evaluator]:
    """The supernet of a seed in one shot, the same trained on, and in parts."""
    choices = Choices(SPACE.space)
    supernet = supernet_of(seed, data)
    images, labels = data.train
    splits = gradient_matching(
        supernet,
        choices,
        images[: SUPERNET.batch],
        labels[: SUPERNET.batch],
        contexts=8,
        generator=derived_generator(seed, "split"),
    )[:SPLITS]
    groups = {split.name: list(split.groups) for split in splits}

    def trained(parts: list[Choices]) -> FewShot:
        pairs = train_parts(supernet, parts, data.train, PARTS, FairPaths(), seed=seed)
        return FewShot(pairs, data.train[0], data.valid)

    return {
        "one-shot": OneShot(supernet, data.train[0], data.valid),
        "trained on": trained([choices]),
        "few-shot": trained(product_of(choices, groups)),
    }


def one_seed(seed: int, configs, data: Data) -> tuple[dict[str, np.ndarray], list[Config]]:
    """Accuracies and losses of the cells, by each evaluator; the front found through the parts."""
    torch.set_num_threads(1)
    found = evaluators(seed, data)
    front = [] if seed else search(found["few-shot"])
    return {name: values(evaluator, configs) for name, evaluator in found.items()}, front


def search(evaluator: Evaluator) -> list[Config]:
    """Cells of the front of accuracy and multiply-adds, one of those that compute the same."""
    opt = lf.LaMOO(
        SPACE.space,
        ["maximize", "minimize"],
        ref=(0.1, SPACE.cost(dict.fromkeys(SPACE.space.params, "nor_conv_3x3")).flops),
        known={1: flops},
        hints=SPACE.structure,
        seed=0,
    )
    while len(opt.trials) < BUDGET:
        trials = opt.ask(10)
        accuracy = values(evaluator, [trial.config for trial in trials])[:, 0]
        opt.tell(trials, [(a, flops(t.config)) for a, t in zip(accuracy, trials, strict=True)])
    distinct = {SPACE.encode(SPACE.trimmed(t.config)): t.config for t in opt.pareto_front()}
    return sorted(distinct.values(), key=flops)


def flops(config: Config) -> float:
    return SPACE.cost(config).flops


def ranks(cheap: np.ndarray, true: np.ndarray) -> list[RankCorrelation]:
    """By accuracy and by loss."""
    return [rank_correlation(cheap[:, i], true[:, i]) for i in range(len(QUANTITIES))]


def show(what: str, correlations: list[RankCorrelation]) -> None:
    each = zip(QUANTITIES, correlations, strict=True)
    print(f"  {what:22} " + "; ".join(f"{name}: {c}" for name, c in each), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="supernets, default 3")
    parser.add_argument("--cells", type=int, default=50, help="cells trained alone, default 50")
    parser.add_argument("--repeats", type=int, default=2, help="trainings of each, default 2")
    parser.add_argument("--workers", type=int, default=2, help="processes, default 2")
    args = parser.parse_args()
    started = time.perf_counter()
    data = digits()
    configs = UniformPaths(args.cells).draw(Choices(SPACE.space), derived_generator("cells"))
    runs = truth(configs, args.repeats, data, args.workers)
    true = runs.mean(axis=0)
    seconds = time.perf_counter() - started
    print(f"truth: {args.repeats} x {len(configs)} trainings in {seconds:.0f} s")
    print(f"  accuracies {np.sort(true[:, 0]).round(3)}")
    for a, b in itertools.combinations(runs, 2):
        show("two trainings", ranks(a, b))
    found: dict[str, list[list[RankCorrelation]]] = {}
    front: list[Config] = []
    with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
        each = pool.map(partial(one_seed, configs=configs, data=data), range(args.seeds))
        for seed, (cheap, searched) in enumerate(each):
            front = front or searched
            for name, some in cheap.items():
                found.setdefault(name, []).append(ranks(some, true))
                show(f"{name}, seed {seed}", found[name][-1])
    for name, several in found.items():
        means = np.mean([[c.spearman for c in pair] for pair in several], axis=0)
        print(f"{name}: mean Spearman by accuracy {means[0]:.3f}, by loss {means[1]:.3f}")
    retrained = truth(front, args.repeats, data, args.workers).mean(axis=0)[:, 0]
    print(f"front of {BUDGET} cells looked at, trained alone {args.repeats} times:")
    for config, accuracy in zip(front, retrained, strict=True):
        print(
            f"  {flops(config):9,} multiply-adds, accuracy {accuracy:.3f}, {SPACE.encode(config)}"
        )
    print(hypervolumes(front, retrained, configs, true[:, 0]))
    print(f"{time.perf_counter() - started:.0f} s in all")


def hypervolumes(front, accuracies, configs, random) -> str:
    """Compare what was found with as many of the random cells, drawn often."""
    most = SPACE.cost(dict.fromkeys(SPACE.space.params, "nor_conv_3x3")).flops

    def volume(cells, values) -> float:
        F = np.column_stack([values, [flops(cell) / most for cell in cells]])
        return lf.hypervolume(F, (0.1, 1.0), maximise=[True, False])

    rng = np.random.default_rng(0)
    drawn = [rng.permutation(len(configs))[: len(front)] for _ in range(200)]
    by_chance = [volume([configs[i] for i in rows], random[rows]) for rows in drawn]
    return (
        f"hypervolume of the front {volume(front, accuracies):.4f}, of as many random cells "
        f"{np.mean(by_chance):.4f} on the mean, of all {len(configs)} {volume(configs, random):.4f}"
    )


if __name__ == "__main__":
    main()
