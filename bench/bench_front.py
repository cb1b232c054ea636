"""How much of the true front's hypervolume a search finds on NAS-Bench-201, over many seeds.

Random search without repeats runs beside it on the same seeds, so that the tree has to earn its
keep. Printed per sampler and selection: median and worst share of the table's hypervolume, and
the mean of log10(HV* - HV) with the paired difference to random.

    python bench/bench_front.py --budget 200 --seeds 11
"""

import argparse
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

import lamoo_fast as lf
from lamoo_fast.nas import load_problem


def minimised(problem: lf.Problem, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sign = np.array([-1.0 if d == "maximize" else 1.0 for d in problem.directions])
    return np.asarray(Y) * sign, np.asarray(problem.ref) * sign


def search(problem: lf.Problem, opt: lf.LaMOO, budget: int, batch: int) -> np.ndarray:
    while len(opt.trials) < budget:
        trials = opt.ask(min(batch, budget - len(opt.trials)))
        opt.tell(trials, [problem.evaluate(t.config) for t in trials])
    return np.array([t.values for t in opt.trials])


def random_without_repeats(problem: lf.Problem, seed: int, budget: int) -> np.ndarray:
    X = problem.space.enumerate()
    rows = np.random.default_rng(seed).choice(len(X), budget, replace=False)
    return np.array([problem.evaluate(c) for c in problem.space.decode(X[rows])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problem", default="nasbench201")
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--sampler", nargs="+", default=["uniform"],
                        choices=["uniform", "cma", "ehvi"])  # fmt: skip
    parser.add_argument("--selection", nargs="+", default=["leaf", "path", "greedy"],
                        choices=["leaf", "path", "greedy"])  # fmt: skip
    args = parser.parse_args()

    problem = load_problem(args.problem)
    samplers = {"uniform": lf.UniformSampler, "cma": lf.CMASampler, "ehvi": lf.EHVISampler}
    selections = {"leaf": lf.Leaf, "path": lf.Path, "greedy": lf.Greedy}
    everything = [problem.evaluate(c) for c in problem.space.decode(problem.space.enumerate())]
    F, ref = minimised(problem, np.array(everything))
    best = lf.hypervolume(F, ref)

    def lamoo(sampler: str, selection: str) -> Callable[[int], np.ndarray]:
        return lambda seed: search(
            problem,
            lf.LaMOO(
                problem.space,
                problem.directions,
                ref=problem.ref,
                sampler=samplers[sampler](),
                selection=selections[selection](),
                seed=seed,
            ),
            args.budget,
            args.batch,
        )

    runs: dict[str, Callable[[int], np.ndarray]] = {
        "random without repeats": lambda seed: random_without_repeats(problem, seed, args.budget)
    }
    runs |= {f"lamoo {a}, {b}": lamoo(a, b) for a in args.sampler for b in args.selection}

    found = {
        name: np.array([
            lf.hypervolume(minimised(problem, run(seed))[0], ref)
            for seed in tqdm(range(args.seeds), desc=name)
        ])
        for name, run in runs.items()
    }  # fmt: skip
    # The gap of a run that found the whole front is 0: floor it where the table's digits end.
    gap = {name: np.log10(np.maximum(best - hv, 1e-12 * best)) for name, hv in found.items()}
    print(f"{problem.name}: {args.budget} evaluations, batch {args.batch}, {args.seeds} seeds, "
          f"true hypervolume {best:.6g}")  # fmt: skip
    for name, hv in found.items():
        difference = gap[name] - gap["random without repeats"]
        half_width = 1.96 * difference.std(ddof=1) / np.sqrt(args.seeds) if args.seeds > 1 else 0.0
        print(
            f"{name:24s} share median {np.median(hv) / best:.4f} worst {hv.min() / best:.4f}   "
            f"log10 gap {gap[name].mean():+.3f}   minus random {difference.mean():+.3f} "
            f"+- {half_width:.3f}"
        )


if __name__ == "__main__":
    main()
