"""Other optimisers with our kernels under them and without, in turns, in one process.

    python bench/hosts.py [--repeats 5]

Seconds are medians; a ratio above 1 says that the run with our kernels was faster. The results
of both runs are compared first, to 9 digits.
"""

import argparse
import contextlib
import statistics
import time
import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import optuna
from optuna.samplers.nsgaii._elite_population_selection_strategy import (
    NSGAIIElitePopulationSelectionStrategy,
)
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.moo.sms import SMSEMOA
from pymoo.optimize import minimize
from pymoo.problems import get_problem

from lamoo_fast.adapters.optuna import EliteSelection
from lamoo_fast.adapters.optuna_kernels import kernels as under_optuna
from lamoo_fast.adapters.pymoo import kernels as under_pymoo


def pymoo(algorithm, problem, n_gen):
    def run(ours):
        with under_pymoo() if ours else contextlib.nullcontext():
            return minimize(problem, algorithm, ("n_gen", n_gen), seed=1).pop.get("F")

    return run


def elite(n, m):
    """One selection among n trials."""
    study = optuna.create_study(directions=["minimize"] * m)
    values = np.random.default_rng(0).random((n, m)).tolist()
    study.add_trials([optuna.create_trial(values=row) for row in values])
    population = study.trials
    own = NSGAIIElitePopulationSelectionStrategy(population_size=n // 2)

    def run(ours):
        chosen = (EliteSelection(n // 2) if ours else own)(study, list(population))
        return np.array([trial.number for trial in chosen])

    return run


def optuna_nsga2(n_trials, size, m):
    def run(ours):
        study = optuna.create_study(
            directions=["minimize"] * m,
            sampler=optuna.samplers.NSGAIISampler(
                population_size=size,
                seed=1,
                elite_population_selection_strategy=EliteSelection(size) if ours else None,
            ),
        )
        study.optimize(spheres(m), n_trials=n_trials)
        return np.array([trial.values for trial in study.trials])

    return run


def spheres(m):
    """Distances from m points on the diagonal of the unit cube."""

    def objective(trial):
        x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(4)])
        return [float(np.sum((x - i / m) ** 2)) for i in range(m)]

    return objective


def motpe(n_trials, m):
    def run(ours):
        sampler = optuna.samplers.TPESampler(seed=1)
        study = optuna.create_study(directions=["minimize"] * m, sampler=sampler)
        with under_optuna() if ours else contextlib.nullcontext():
            study.optimize(spheres(m), n_trials=n_trials)
        return np.array([trial.values for trial in study.trials])

    return run


def history_plot(n, m):
    """The hypervolume after each of n trials on a sphere, half of them on its front."""
    rows = np.abs(np.random.default_rng(0).normal(size=(n, m)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[::2] *= 1.2
    study = optuna.create_study(directions=["minimize"] * m)
    study.add_trials([optuna.create_trial(values=row) for row in rows.tolist()])

    def run(ours):
        with under_optuna() if ours else contextlib.nullcontext():
            axes = optuna.visualization.matplotlib.plot_hypervolume_history(study, [1.3] * m)
        plt.close(axes.figure)
        return axes.lines[0].get_ydata()

    return run


matplotlib.use("agg")
optuna.logging.set_verbosity(optuna.logging.WARNING)
CASES = {
    "pymoo NSGA-II, ZDT1, 100 x 50": pymoo(NSGA2(pop_size=100), get_problem("zdt1"), 50),
    "pymoo NSGA-II, DTLZ2 m=5, 400 x 10": pymoo(
        NSGA2(pop_size=400), get_problem("dtlz2", n_obj=5), 10
    ),
    "pymoo SMS-EMOA, DTLZ2 m=3, 60 x 10": pymoo(SMSEMOA(pop_size=60), get_problem("dtlz2"), 10),
    "pymoo SMS-EMOA, DTLZ2 m=5, 40 x 5": pymoo(
        SMSEMOA(pop_size=40), get_problem("dtlz2", n_obj=5), 5
    ),
    "Optuna NSGA-II, 300 trials of 50, m=3": optuna_nsga2(300, 50, 3),
    "Optuna selection, 400 trials, m=3": elite(400, 3),
    "Optuna selection, 2000 trials, m=4": elite(2000, 4),
    "Optuna MOTPE, 150 trials, m=2": motpe(150, 2),
    "Optuna MOTPE, 150 trials, m=4": motpe(150, 4),
    "Optuna MOTPE, 60 trials, m=6": motpe(60, 6),
    "Optuna hypervolume plot, 500 trials, m=3": history_plot(500, 3),
    "Optuna hypervolume plot, 150 trials, m=4": history_plot(150, 4),
    "Optuna hypervolume plot, 80 trials, m=5": history_plot(80, 5),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each, 5 by default")
    repeats = parser.parse_args().repeats
    warnings.simplefilter("ignore")
    print(
        "| run | host alone, s | with our kernels, s | ratio | same result |\n|---|---|---|---|---|"
    )
    for name, run in CASES.items():
        same = np.allclose(run(False), run(True), rtol=1e-9, atol=0)
        seconds = {False: [], True: []}
        for _ in range(repeats):
            for ours, times in seconds.items():
                start = time.perf_counter()
                run(ours)
                times.append(time.perf_counter() - start)
        before, after = (statistics.median(times) for times in seconds.values())
        print(
            f"| {name} | {before:.3g} | {after:.3g} | {before / after:.2f} | {same} |", flush=True
        )


if __name__ == "__main__":
    main()
