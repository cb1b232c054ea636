"""Picture of the regions that LaMOO learns, on a problem of two variables.

python docs/partition.py [FILE.png]
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

import lamoo_fast as lf

STOPS = (30, 90, 200)


def evaluate(config: dict[str, float]) -> tuple[float, float]:
    """Optimal along y = x²: a point's way off the curve makes both objectives worse."""
    x, y = config["x"], config["y"]
    off = 4 * (y - x * x) ** 2
    return x + off, 1 - x**0.5 + off


def main(file: Path) -> None:
    """Draw the picture into a file."""
    opt = lf.LaMOO(
        lf.Space({"x": lf.Float(0, 1), "y": lf.Float(0, 1)}),
        ["minimize", "minimize"],
        sampler=lf.UniformSampler(),
        ref=(1.5, 1.5),
        leaf_size=10,
        seed=3,
    )
    side = np.linspace(0, 1, 400)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    figure, axes = plt.subplots(1, len(STOPS), figsize=(10, 3.6), sharey=True, layout="constrained")
    study = lf.Study(opt, evaluate)
    for axis, stop in zip(axes, STOPS, strict=True):
        study.run(budget=stop, batch=5)
        opt.ask(1)  # learns the tree of all that was told
        tree = opt.tree
        value, leaf = np.zeros(len(grid)), np.zeros(len(grid))
        for node in tree.leaves:
            inside = tree.region(node).contains(grid)
            value[inside], leaf[inside] = tree.value(node), node
        shape = (len(side), len(side))
        axis.imshow(
            value.reshape(shape), origin="lower", extent=(0, 1, 0, 1), cmap="Blues", alpha=0.6
        )
        for node in tree.leaves:
            inside = (leaf == node).reshape(shape).astype(float)
            axis.contour(side, side, inside, levels=[0.5], colors="grey", linewidths=0.6)
        axis.plot(side, side**2, "--", color="black", linewidth=1)
        done = [t for t in opt.trials if t.values is not None][:stop]
        X = np.array([[t.config["x"], t.config["y"]] for t in done])
        best = lf.is_nondominated(np.array([t.values for t in done]))
        axis.scatter(*X[~best].T, s=8, color="dimgrey")
        axis.scatter(*X[best].T, s=14, color="crimson")
        axis.set(title=f"{stop} evaluations", xlabel="x", xlim=(0, 1), ylim=(0, 1))
    axes[0].set_ylabel("y")
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("partition.png"))
