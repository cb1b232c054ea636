"""Time of one `ask` at 1,000 observations of NAS-Bench-201, beside BoTorch's qLogNEHVI.

Both get the same observations and propose one cell. BoTorch runs its own published recipe: one
Gaussian process an objective and the best of discrete candidates. At its pace it would take many
minutes for what lamoo_fast does (all unseen cells, a model that is fitted to the end), so two
things are cut in its favour, and the ratio is a lower bound: its fit stops early, and it looks at
a random sample of the unseen cells. The contenders alternate in one process; the medians and
their ratio are printed.

    python bench/bench_ask.py --observations 1000 --candidates 256 --fit-steps 30 --repeats 3
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.transforms import Standardize
from botorch.optim import optimize_acqf_discrete
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import SumMarginalLogLikelihood

import lamoo_fast as lf
from lamoo_fast.nas import load_problem


def observed(problem: lf.Problem, n: int, seed: int) -> tuple[list[dict], np.ndarray]:
    """`n` distinct random cells and their values."""
    X = problem.space.enumerate()
    rows = np.random.default_rng(seed).choice(len(X), n, replace=False)
    configs = problem.space.decode(X[rows])
    return configs, np.array([problem.evaluate(c) for c in configs])


def lamoo_ask(problem: lf.Problem, configs: list[dict], Y: np.ndarray) -> Callable[[], object]:
    def setup_and_ask() -> tuple[float, object]:
        opt = lf.LaMOO(
            problem.space,
            problem.directions,
            ref=problem.ref,
            selection=lf.Leaf(),
            seed=0,
        )
        opt.tell(configs, Y)
        start = time.perf_counter()
        trials = opt.ask(1)  # cold: tree and model are fitted inside the clock
        return time.perf_counter() - start, trials[0].config

    return setup_and_ask


def botorch_ask(
    problem: lf.Problem, configs: list[dict], Y: np.ndarray, n_candidates: int, fit_steps: int
) -> Callable[[], object]:
    space = problem.space
    sign = np.array([1.0 if d == "maximize" else -1.0 for d in problem.directions])
    X = space.encode(configs)
    seen = {row.tobytes() for row in X}
    unseen = np.array([row for row in space.enumerate() if row.tobytes() not in seen])
    train_X = torch.from_numpy(space.features(X))
    train_Y = torch.from_numpy(Y * sign)
    sample = np.random.default_rng(1).permutation(unseen)[:n_candidates]
    choices = torch.from_numpy(space.features(sample))
    ref = torch.from_numpy(np.asarray(problem.ref) * sign)

    def fit_and_ask() -> tuple[float, object]:
        torch.manual_seed(0)
        start = time.perf_counter()
        models = [
            SingleTaskGP(train_X, train_Y[:, [j]], outcome_transform=Standardize(m=1))
            for j in range(train_Y.shape[1])
        ]
        model = ModelListGP(*models)
        fit_gpytorch_mll(
            SumMarginalLogLikelihood(model.likelihood, model),
            optimizer_kwargs={"options": {"maxiter": fit_steps}},
        )
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model,
            ref_point=ref,
            X_baseline=train_X,
            sampler=SobolQMCNormalSampler(torch.Size([128]), seed=0),
            prune_baseline=True,
        )
        best, _ = optimize_acqf_discrete(acquisition, q=1, choices=choices, max_batch_size=64)
        return time.perf_counter() - start, best

    return fit_and_ask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problem", default="nasbench201")
    parser.add_argument("--observations", type=int, default=1000)
    parser.add_argument("--candidates", type=int, default=256)
    parser.add_argument("--fit-steps", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="botorch|gpytorch|linear_operator")

    problem = load_problem(args.problem)
    configs, Y = observed(problem, args.observations, seed=0)
    contenders = {
        "lamoo_fast default, leaf": lamoo_ask(problem, configs, Y),
        "botorch qLogNEHVI": botorch_ask(problem, configs, Y, args.candidates, args.fit_steps),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(args.repeats):
        for name, contender in contenders.items():
            seconds[name].append(contender()[0])
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:28s} median {median:8.3f} s   runs {[round(t, 3) for t in seconds[name]]}")
    ours, theirs = medians.values()
    print(f"ratio {theirs / ours:.1f} (botorch / lamoo_fast)")


if __name__ == "__main__":
    main()
