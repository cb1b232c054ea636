"""Rank correlation of predictors with the true accuracies of held-out NAS-Bench-201 cells.

    python bench/nas_predictor.py                   # 60 true evaluations, 10 seeds
    python bench/nas_predictor.py --examples 20 100

Truth is the CIFAR-10 test accuracy after 200 epochs; every cell that is no example is held out.
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy.stats import kendalltau, spearmanr

from lamoo_fast.nas import data_folder
from lamoo_fast.nas.evaluators.encodings import cell201_features
from lamoo_fast.nas.evaluators.models import (
    Average,
    Ensemble,
    Model,
    ProcessModel,
    boosted_trees,
    extra_trees,
    perceptron,
)
from lamoo_fast.nas.evaluators.predictor import Predictor
from lamoo_fast.nas.nasbench201 import nasbench201_joined

ACCURACY = "cifar10_test_acc_200ep"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=int, nargs="+", default=[60])
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    table = nasbench201_joined(data_folder()).select([ACCURACY])
    features = dict(zip(keys(table.configs), cell201_features(table.configs), strict=True))

    def encode(configs: list) -> np.ndarray:
        return np.array([features[key] for key in keys(configs)])

    models = contenders(table.space, encode)
    print(f"{'predictor':32} examples  Spearman (least)  Kendall (least)")
    for n in args.examples:
        for name, make in models.items():
            rows = np.array([correlation(table, make, n, seed) for seed in range(args.seeds)])
            (rho, tau), (least, lowest) = rows.mean(axis=0), rows.min(axis=0)
            print(
                f"{name:32} {n:8}  {rho:8.3f} ({least:.3f})  {tau:7.3f} ({lowest:.3f})", flush=True
            )


def keys(configs: list) -> list[tuple]:
    return [tuple(config.values()) for config in configs]


def contenders(space, encode) -> dict[str, Callable[[], Model]]:
    def process() -> Model:
        return ProcessModel(space, encode)

    def trees() -> Model:
        return Ensemble(boosted_trees, encode)

    def perceptrons() -> Model:
        return Ensemble(perceptron, encode)

    return {
        "process, choices only": lambda: ProcessModel(space),
        "process, paths": process,
        "extra trees, paths": lambda: Ensemble(extra_trees, encode),
        "boosted trees, paths": trees,
        "perceptrons, paths": perceptrons,
        "process + trees + perceptrons": lambda: Average(process(), trees(), perceptrons()),
    }


def correlation(table, make, n: int, seed: int) -> tuple[float, float]:
    """Spearman and Kendall on all cells but n random ones."""
    order = np.random.default_rng(seed).permutation(len(table.configs))
    seen, held_out = ([table.configs[i] for i in rows] for rows in (order[:n], order[n:]))
    predictor = Predictor({ACCURACY: "maximize"}, make)
    predictor.tell(seen, [{ACCURACY: table.evaluate(config)[0]} for config in seen])
    predicted = predictor.predict(held_out)[0][:, 0]
    true = table.values[order[n:], 0]
    return spearmanr(predicted, true)[0], kendalltau(predicted, true)[0]


if __name__ == "__main__":
    main()
