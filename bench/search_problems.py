"""The problems of the study, each with the hypervolume that a perfect search would reach.

Tables are read from the folder LAMOO_DATA (default ../shared/data/nas). Where no reference point
was published it is the nadir of the table's true front and 10 % of the front's range beyond.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import lamoo_fast as lf
from lamoo_fast.nas import Objective, Problem, Table, data_folder, load_problem
from lamoo_fast.nas.nasbench201 import flops_millions, nasbench201_joined
from lamoo_fast.nas.shared_tables import separable_weights
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201
from lamoo_fast.nas.spaces.nasnet import NasnetCell
from lamoo_fast.nas.synthetic import dtlz2
from lamoo_fast.search.hints import HintFunction

Config = dict[str, Any]

BUDGET = 99
N_INITIAL = 10
DRIFTS = (60, 3600, 86400, 2592000)  # seconds
_LEAST_ACCURACY = 74.12  # %, one standard deviation below the mean, see official_nb201


@dataclass(frozen=True)
class StudyProblem:
    """A problem, what is best on it, and in which unit the gap to that is told.

    `unit` is 1 where gaps were published and the best hypervolume itself elsewhere; `floor` is the
    least gap, in that unit, that is told apart from none. `known` are the objectives that follow
    from a configuration in closed form, by their number; `structure` is what follows from the
    graphs of cells, if those are searched.
    """

    name: str
    problem: Problem
    ref: tuple[float, ...]
    best: float
    unit: float
    floor: float
    budget: int = BUDGET
    front: np.ndarray | None = None
    known: Mapping[int, Callable[[Config], float]] = field(default_factory=dict)
    structure: HintFunction | None = None

    @property
    def space(self) -> lf.Space:
        return self.problem.space

    @property
    def directions(self) -> list[str]:
        return list(self.problem.directions)

    @property
    def signs(self) -> np.ndarray:
        """Factors that make the objectives minimised."""
        return np.array([-1.0 if d == "maximize" else 1.0 for d in self.directions])

    @property
    def m(self) -> int:
        return len(self.ref)

    def evaluate(self, X: np.ndarray) -> np.ndarray:
        """Minimised objectives of the points X (n, d)."""
        return self.signs * np.array([self.problem.evaluate(c) for c in self.space.decode(X)])

    def log_gap(self, hypervolume: float) -> float:
        """log10 of what is missing to the best hypervolume."""
        return math.log10(max((self.best - hypervolume) / self.unit, self.floor))


def from_table(
    name: str,
    table: Table,
    objectives: list[str],
    *,
    ref: tuple[float, ...] | None = None,
    least: float | None = None,
    published_gap: bool = False,
    known: Mapping[int, Callable[[Config], float]] | None = None,
    structure: HintFunction | None = None,
) -> StudyProblem:
    """Search a table; of the first objective only values better than `least` count."""
    narrow = table.select(objectives)
    assert isinstance(narrow, Table)
    front = narrow.true_front()
    if ref is None:
        maximised = np.array([o.direction == "maximize" for o in narrow.objectives])
        counts = front if least is None else front[front[:, 0] > least]
        nadir = np.where(maximised, counts.min(axis=0), counts.max(axis=0))
        point = nadir + 0.1 * np.ptp(counts, axis=0) * np.where(maximised, -1, 1)
        if least is not None:
            point[0] = least
        ref = tuple(point.tolist())
    if table.space.params == Cell201().space.params:
        structure = Cell201().structure
    best = narrow.hypervolume(ref)
    unit = 1.0 if published_gap else best
    return StudyProblem(
        name,
        narrow,
        ref,
        best,
        unit,
        1e-4 * best / unit,
        front=front,
        known=known or {},
        structure=structure,
    )


def official_nb201() -> StudyProblem:
    """NAS-Bench-201 as LaMOO's authors search it: accuracy and FLOPs, standardised.

    Both are maximised: (accuracy - 87.05631) / 12.93612 - 2, and -(z + 2) of the FLOPs, with
    z = (n1 + 9 n3 - 12) / sqrt(74.4) for n1 and n3 convolutions of size 1 and 3; the reference
    point is (-3, -6). That order and these signs are kept. The table is that of the 200-epoch
    accuracies, on which the largest hypervolume is 8.0551 (8.0699 on the authors').
    """
    joined = _nb201()
    column = [o.name for o in joined.objectives].index("cifar10_test_acc_200ep")
    accuracy = (joined.values[:, column] - 87.05631) / 12.93612 - 2
    cost = np.array([official_cost(config) for config in joined.configs])
    table = Table(
        "nb201",
        joined.configs,
        [Objective("accuracy", "maximize"), Objective("flops", "maximize")],
        np.column_stack([accuracy, cost]),
        space=Cell201().space,
    )
    return from_table(
        "nb201",
        table,
        ["accuracy", "flops"],
        ref=(-3.0, -6.0),
        published_gap=True,
        known={1: official_cost},
    )


def official_cost(config: Config) -> float:
    ops = list(config.values())
    n = ops.count("nor_conv_1x1") + 9 * ops.count("nor_conv_3x3")
    return -((n - 12) / math.sqrt(74.4) + 2)


@cache
def _nb201() -> Table:
    return nasbench201_joined(data_folder())


def nb201_devices(*devices: str) -> StudyProblem:
    """CIFAR-10 accuracy, as far as the official problem counts it, and latencies."""
    names = ["cifar10_test_acc_200ep", *(f"hwnb_{device}_latency_ms" for device in devices)]
    return from_table("nb201-" + "-".join(devices), _nb201(), names, least=_LEAST_ACCURACY)


def latencies() -> StudyProblem:
    """CIFAR-10 accuracy and the latencies of nine devices."""
    hwnb = [f"hwnb_{device}_latency_ms" for device in ("raspi4", "pixel3", "eyeriss", "fpga")]
    devices = ("1080ti_1", "titanx_256", "gold_6226", "silver_4114", "samsung_a50")
    names = ["cifar10_test_acc_200ep", *hwnb, *(f"help_{device}_latency_ms" for device in devices)]
    return from_table("nb201-latencies", _nb201(), names, least=_LEAST_ACCURACY)


def analognas(m: int) -> StudyProblem:
    """Accuracy on in-memory hardware: digital, hardware-aware trained and drifted for 30 days.

    With six objectives also after quantisation and under noise without retraining. FLOPs are last.
    """
    names = ["baseline_acc", "analog_drift_2592000s_acc"]
    if m == 6:
        names += ["ptq_acc", "noisy_acc", "analog_acc"]
    read = _analog(names)
    flops = [flops_millions(c) for c in read.configs]
    table = Table(
        f"analognas-{m}",
        read.configs,
        [*read.objectives, Objective("flops_M", "minimize", "MFLOPs")],
        np.column_stack([read.values, flops]),
        space=Cell201().space,
    )
    return from_table(f"analognas-{m}", table, [*names, "flops_M"], known={m - 1: flops_millions})


def _analog(names: list[str]) -> Table:
    ops = {f"op_{edge}": edge for edge in EDGES}
    joined = Table.read(
        data_folder() / "nasbench201_joined.csv.gz",
        ["arch_index", *ops],
        {"cifar10_flops_M": "minimize"},
    )
    cells = {
        c["arch_index"]: {edge: OPS[c[op]] for op, edge in ops.items()} for c in joined.configs
    }
    analog = Table.read(
        data_folder() / "analognas_nb201_cifar10.csv.gz",
        ["arch_index"],
        dict.fromkeys(names, "maximize"),
    )
    configs = [cells[c["arch_index"]] for c in analog.configs]
    return Table(
        "analognas", configs, list(analog.objectives), analog.values, space=Cell201().space
    )


def analog_accuracies() -> StudyProblem:
    """All thirteen accuracies of AnalogNAS: digital, quantised, noisy and drifting."""
    drifts = [f"{kind}_drift_{t}s_acc" for kind in ("baseline", "analog") for t in DRIFTS]
    names = ["baseline_acc", "ptq_acc", "qat_acc", "noisy_acc", "analog_acc", *drifts]
    return from_table("analognas-13", _analog(names), names)


def macro() -> StudyProblem:
    table = load_problem("nasbench-macro")
    assert isinstance(table, Table)
    return from_table("macro", table, list(table.default), known=_columns(table, 1, 2))


def graph(name: str) -> StudyProblem:
    """Test accuracy, latency and parameters; parameters follow from the operations."""
    read = Table.read(
        data_folder() / "nasbench_graph.csv.gz",
        ["links", "op0", "op1", "op2", "op3"],
        [
            Objective(f"{name}_test_acc", "maximize"),
            Objective(f"{name}_latency_s", "minimize", "s"),
            Objective(f"{name}_params_M", "minimize", "M"),
        ],
    )
    return from_table(f"graph-{name}", read, list(read.default), known=_columns(read, 2))


def accel() -> StudyProblem:
    return from_table("accel", *_loaded("accel-nasbench"))


def lanas() -> StudyProblem:
    """Accuracy against `separable_weights`, which are derived from the cell and were not measured.

    The 59 cells with an accuracy of 0 are failed trainings and stay in.
    """
    table, names = _loaded("nasnet-lanas")
    cells, read = NasnetCell(), NasnetCell().from_codes
    return from_table(
        "lanas",
        table,
        names,
        known={1: separable_weights},
        structure=lambda configs: cells.structure([read(list(c.values())) for c in configs]),
    )


def darts() -> StudyProblem:
    table, names = _loaded("darts-nb301")
    return from_table("darts", table, names, known=_columns(table.select(names), 1))


def _loaded(name: str) -> tuple[Table, list[str]]:
    table = load_problem(name)
    assert isinstance(table, Table)
    return table, [o.name for o in table.objectives]


def _columns(problem: Problem, *columns: int) -> dict[int, Callable[[Config], float]]:
    """Objectives of a table that are closed forms of the configuration, looked up there."""

    def column(j: int) -> Callable[[Config], float]:
        return lambda config: problem.evaluate(config)[j]

    return {j: column(j) for j in columns}


def synthetic(name: str, problem: Problem, best: float, unit: float) -> StudyProblem:
    assert problem.ref is not None
    return StudyProblem(name, problem, problem.ref, best, unit, 1e-6 * best / unit)


def branin_currin() -> StudyProblem:
    """The best known hypervolume is that of BoTorch, as in the published curves."""
    best = 59.36011874867746
    return synthetic("branin-currin", load_problem("branin-currin"), best, 1.0)


def vehicle_safety() -> StudyProblem:
    """The best known hypervolume is that of BoTorch, as in the published curves."""
    best = 246.81607081187002
    return synthetic("vehicle-safety", load_problem("vehicle-safety"), best, 1.0)


def sphere(m: int) -> StudyProblem:
    """DTLZ2: all of the box from 0 to 1.1 is dominated but the part of it inside the unit ball."""
    best = 1.1**m - math.pi ** (m / 2) / math.gamma(m / 2 + 1) / 2**m
    return synthetic(f"dtlz2-{m}", dtlz2(20, m), best, best)


PROBLEMS: dict[str, Callable[[], StudyProblem]] = {
    "nb201": official_nb201,
    "nb201-raspi4": lambda: nb201_devices("raspi4"),
    "nb201-fpga-eyeriss-raspi4": lambda: nb201_devices("fpga", "eyeriss", "raspi4"),
    "analognas-3": lambda: analognas(3),
    "analognas-6": lambda: analognas(6),
    "macro": macro,
    "graph-cora": lambda: graph("cora"),
    "graph-arxiv": lambda: graph("arxiv"),
    "accel": accel,
    "lanas": lanas,
    "darts": darts,
    "branin-currin": branin_currin,
    "vehicle-safety": vehicle_safety,
    "dtlz2-3": lambda: sphere(3),
    "dtlz2-5": lambda: sphere(5),
}

MANY_OBJECTIVES: dict[str, Callable[[], StudyProblem]] = {
    "nb201-latencies": latencies,
    "analognas-13": analog_accuracies,
}  # not a part of the study


@cache
def load(name: str) -> StudyProblem | str:
    """Return the problem, or why it is not here."""
    try:
        return {**PROBLEMS, **MANY_OBJECTIVES}[name]()
    except (OSError, ValueError) as error:
        return f"{name}: {error}"


def initial_design(problem: StudyProblem, seed: int, n: int = N_INITIAL) -> np.ndarray:
    """First n points of a random order (n, d), the same for all methods of a seed."""
    rng = np.random.default_rng([seed, 20])
    if problem.space.is_enumerable:
        grid = problem.space.enumerate()
        return grid[rng.permutation(len(grid))[:n]]
    return problem.space.snap(rng.random((n, problem.space.d)))
