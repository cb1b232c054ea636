"""True evaluations that schedules of rising fidelity save on NAS-Bench-201, accuracy and FLOPs.

    lamoo nas score digits
    python bench/nas_schedule.py results/nas-digits/scores-untrained.csv --seeds 8
    python bench/nas_schedule.py results/nas-cifar10/scores-supernet.csv --without uniform

Truth is the CIFAR-10 accuracy after 200 epochs and the FLOPs, neither of them declared known. The
search without help is the default one, which has a model of its own (expected hypervolume
improvement), or draws uniformly in the regions of LaMOO, as those with help do: they promote one
of 16 by what stands before them. Scores may be those of untrained networks or of a supernet.
"""

import argparse
from collections.abc import Callable

from lamoo_fast.nas import data_folder
from lamoo_fast.nas.efficiency import efficiency
from lamoo_fast.nas.evaluators.encodings import cell201_features
from lamoo_fast.nas.evaluators.evaluator import Evaluation
from lamoo_fast.nas.evaluators.models import ProcessModel
from lamoo_fast.nas.evaluators.predictor import Predictor
from lamoo_fast.nas.evaluators.schedule import Rung, Schedule
from lamoo_fast.nas.nasbench201 import nasbench201_joined
from lamoo_fast.nas.scores import Scores
from lamoo_fast.search import EHVISampler, LaMOO, UniformSampler

ACCURACY, FLOPS, SHORT = "cifar10_test_acc_200ep", "cifar10_flops_M", "cifar10_valid_acc_12ep"
OBJECTIVES = {ACCURACY: "maximize", FLOPS: "minimize"}
WITHOUT = {"ehvi": EHVISampler, "uniform": UniformSampler}


class Columns:
    """Looks values of cells up; each takes no time."""

    def __init__(self, fidelity: str, look_up: Callable) -> None:
        self._fidelity, self._look_up = fidelity, look_up

    def evaluate(self, configs: list) -> list[Evaluation]:
        return [Evaluation(self._look_up(config), self._fidelity, 0.0) for config in configs]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scores", help="file of scores")
    parser.add_argument("--without", choices=WITHOUT, default="ehvi", help="sampler of no help")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="the first, default 0")
    parser.add_argument("--budget", type=int, default=99)
    parser.add_argument("--batch", type=int, default=5)
    args = parser.parse_args()
    whole = nasbench201_joined(data_folder())
    problem, short = whole.select([ACCURACY, FLOPS]), whole.select([SHORT, FLOPS])
    scores = Scores(args.scores, problem.space)

    def scored(config) -> dict:
        named = dict(zip(scores.names, scores([config])[0], strict=True))
        return {**named, FLOPS: problem.evaluate(config)[1]}

    def rung_of_scores(keep: float) -> Rung:
        ways = {n: "minimize" if n.endswith("loss") else "maximize" for n in scores.names}
        return Rung(Columns("scores", scored), ways | {FLOPS: "minimize"}, keep)

    def rung_of_epochs(keep: float) -> Rung:
        def look_up(config) -> dict:
            return dict(zip((SHORT, FLOPS), short.evaluate(config), strict=True))

        return Rung(Columns("12 epochs", look_up), {SHORT: "maximize", FLOPS: "minimize"}, keep)

    def predictor(keep: float) -> Rung:
        model = Predictor(OBJECTIVES, lambda: ProcessModel(problem.space, cell201_features))
        return Rung(model, OBJECTIVES, keep)

    helps: dict[str, Callable[[], list[Rung]]] = {
        "12 epochs": lambda: [rung_of_epochs(1 / 16)],
        "predictor": lambda: [predictor(1 / 16)],
        "scores": lambda: [rung_of_scores(1 / 16)],
        "scores, then predictor": lambda: [rung_of_scores(1 / 2), predictor(1 / 16)],
    }
    for name, rungs in helps.items():

        def make(seed: int, helped: bool, rungs=rungs) -> LaMOO:
            none = WITHOUT[args.without]()
            sampler = Schedule(UniformSampler(), rungs(), OBJECTIVES) if helped else none
            settings = {"ref": problem.ref, "sampler": sampler, "seed": args.seed + seed}
            return LaMOO(problem.space, problem.directions, **settings)

        size = {"seeds": args.seeds, "budget": args.budget, "batch": args.batch}
        print(
            f"{name}, none is {args.without}: {efficiency(problem, make, 'help', **size)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
