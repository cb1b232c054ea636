"""The partition tree: candidates filtered along a path, and the time to build it.

Beside scikit-learn for the training and NumPy for the decisions, split by split, in the order of
the path. Both trees are over the same rows of DTLZ2. A line on stdout for each case: candidates a
second, medians of alternating repeats; seconds of a build, the least of its repeats.

    python bench/bench_tree.py --dims 6 10 30 --candidates 100000 --rows 1000 10000 100000
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.svm import SVC

from lamoo_fast.search.partition import Classifier, SVMClassifier
from lamoo_fast.search.space import Float, Space
from lamoo_fast.search.tree import PartitionTree

CHUNK = 4096  # candidates that NumPy handles at once


@dataclass(frozen=True)
class NumPySplit:
    """The boundary of scikit-learn's machine, with decisions by NumPy."""

    mean: np.ndarray
    scale: np.ndarray
    svc: SVC

    def side(self, Z: np.ndarray) -> np.ndarray:
        Z = (Z - self.mean) / self.scale
        support, dual = self.svc.support_vectors_, self.svc.dual_coef_[0]
        out = np.empty(len(Z))
        for i in range(0, len(Z), CHUNK):
            block = Z[i : i + CHUNK]
            squares = np.square(block).sum(axis=1)[:, None] + np.square(support).sum(axis=1)
            K = np.exp(self.svc.gamma * (2 * (block @ support.T) - squares))
            out[i : i + CHUNK] = K @ dual + self.svc.intercept_[0]
        return out > 0


class SklearnClassifier:
    """As `SVMClassifier`, with scikit-learn."""

    def fit(self, Z: np.ndarray, good: np.ndarray) -> NumPySplit:
        if len(Z) > 1000:
            rows = np.linspace(0, len(Z) - 1, 1000).astype(int)
            Z, good = Z[rows], good[rows]
        mean, scale = Z.mean(axis=0), Z.std(axis=0)
        svc = SVC(C=10.0, gamma=1 / Z.shape[1], random_state=0)
        return NumPySplit(mean, scale, svc.fit((Z - mean) / scale, good))


def observed(n: int, d: int) -> tuple[Space, np.ndarray, np.ndarray]:
    """Random points of DTLZ2 with 3 objectives."""
    space = Space({f"x{i}": Float(0, 1) for i in range(d)})
    X = np.random.default_rng(0).random((n, d))
    radius = 1 + np.square(X[:, 2:] - 0.5).sum(axis=1)
    a, b = X[:, 0] * np.pi / 2, X[:, 1] * np.pi / 2
    parts = [np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)]
    return space, X, np.column_stack(parts) * radius[:, None]


def build(n: int, d: int, classifier: Classifier, leaf_size: int) -> PartitionTree:
    space, X, F = observed(n, d)
    return PartitionTree.build(space, X, F, np.full(3, 4.0), classifier, leaf_size=leaf_size)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def deepest(tree: PartitionTree) -> int:
    """The leaf at the end of the longest path."""
    return max(tree.leaves.tolist(), key=lambda node: len(tree.region(node).constraints))


def bench_path(d: int, n_candidates: int, leaf_size: int, repeats: int) -> None:
    X = np.random.default_rng(1).random((n_candidates, d))
    contenders = {"lamoo_fast": SVMClassifier(), "sklearn + NumPy": SklearnClassifier()}
    regions = {}
    for name, classifier in contenders.items():
        tree = build(1000, d, classifier, leaf_size)
        regions[name] = tree.region(deepest(tree))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, region in regions.items():
            times[name].append(seconds(lambda region=region: region.contains(X)))
    rates = {name: n_candidates / statistics.median(t) for name, t in times.items()}
    for name, region in regions.items():
        print(
            f"path d={d:3d} {name:16s} {rates[name]:12,.0f} candidates/s"
            f"  ({len(region.constraints)} splits, {region.contains(X).sum()} inside)"
        )


def bench_build(n: int, d: int, leaf_size: int, repeats: int) -> None:
    contenders = {"lamoo_fast": SVMClassifier(), "sklearn + NumPy": SklearnClassifier()}
    for name, classifier in contenders.items():
        times = []
        for _ in range(1 if n > 10_000 else repeats):
            start = time.perf_counter()
            tree = build(n, d, classifier, leaf_size)
            times.append(time.perf_counter() - start)
        print(f"build n={n:7d} d={d} {name:16s} {min(times):8.3f} s  ({len(tree)} nodes)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dims", type=int, nargs="*", default=[6, 10, 30])
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 100_000])
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--leaf-size", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    for d in args.dims:
        bench_path(d, args.candidates, args.leaf_size, args.repeats)
    for n in args.rows:
        bench_build(n, 10, args.leaf_size, args.repeats)


if __name__ == "__main__":
    main()
