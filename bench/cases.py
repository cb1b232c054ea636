"""Point sets of the benchmarks: the fronts of `lamoo_fast.fronts`, clouds, fronts of real tables.

Everything is seeded: the same arguments give the same points.
"""

import gzip
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

import lamoo_fast as lf
from lamoo_fast.fronts import REF, SHAPES, front, random

__all__ = [
    "CLOUDS",
    "REF",
    "SHAPES",
    "cloud",
    "front",
    "is_clean",
    "named",
    "real_cloud",
    "real_front",
    "shapes",
    "with_ref",
]

REAL = "nasbench201"
CLOUDS = ("uniform", "correlated", "anticorrelated", "grid")

# Columns of the joined NAS-Bench-201 table and whether more is better. The first m columns make a
# problem of m objectives: accuracy against the times on ever more devices.
_TABLE = "nasbench201_joined.csv.gz"
COLUMNS = {
    "cifar10_test_acc_200ep": True,
    "hwnb_raspi4_latency_ms": False,
    "hwnb_fpga_latency_ms": False,
    "hwnb_eyeriss_latency_ms": False,
    "cifar100_ori_test_acc_200ep": True,
    "imagenet16_ori_test_acc_200ep": True,
    "hwnb_pixel3_latency_ms": False,
    "cifar10_params_M": False,
    "cifar10_train_time_per_epoch_s": False,
    "imagenet16_train_time_per_epoch_s": False,
    "help_1080ti_1_latency_ms": False,
    "help_2080ti_32_latency_ms": False,
    "help_gold_6226_latency_ms": False,
    "help_silver_4114_latency_ms": False,
    "help_titanx_256_latency_ms": False,
}


def cloud(shape: str, n: int, m: int, seed: int = 0) -> np.ndarray:
    """Points that dominate each other more or less, in the unit cube; or a front by its shape."""
    if shape in SHAPES:
        return front(shape, n, m, seed)
    rng = random(shape, n, m, seed)
    uniform = rng.random((n, m))
    if shape == "uniform":
        return uniform
    if shape == "correlated":  # along the diagonal
        return 0.8 * rng.random((n, 1)) + 0.2 * uniform
    if shape == "anticorrelated":  # a thin layer about a simplex: nearly a front
        return 0.95 * front("linear", n, m, seed) + 0.05 * rng.random((n, 1))
    if shape == "grid":  # whole numbers: ties and repeated points
        return rng.integers(20, size=(n, m)) / 20
    raise ValueError(f"shape is {shape!r}; wanted one of {', '.join([*SHAPES, *CLOUDS])}")


def with_ref(F: np.ndarray) -> tuple[np.ndarray]:
    """What follows the points in the arguments of a hypervolume."""
    return (np.full(F.shape[1], REF),)


def is_clean(shape: str) -> bool:
    """Whether sets of this shape are mutually non-dominated and without repeats."""
    return shape == REAL or (shape in SHAPES and shape != "mixed")


@cache
def _table() -> np.ndarray | str:
    """All cells of NAS-Bench-201 that have every value, minimised; or why they are not there."""
    folder = os.environ.get("LAMOO_DATA") or Path(__file__).parents[2] / "shared/data/nas"
    path = Path(folder) / _TABLE
    if not path.is_file():
        reason = f"no {path}; set LAMOO_DATA to the folder that holds it"
        print(f"real data are left out: {reason}")
        return reason
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names = file.readline().strip().split(",")
        table = np.genfromtxt(file, delimiter=",", usecols=[names.index(c) for c in COLUMNS])
    table = table[np.isfinite(table).all(axis=1)]
    return np.where(list(COLUMNS.values()), -table, table)


@cache
def _measured(m: int, only_front: bool) -> np.ndarray | str:
    """The first `m` objectives of all cells or of the front, scaled to 0..1."""
    table = _table()
    if isinstance(table, str):
        return table
    if m > table.shape[1]:
        return f"{m} objectives; the table has {table.shape[1]} that differ"
    F = lf.filter_dominated(table[:, :m]) if only_front else table[:, :m]
    span = np.ptp(F, axis=0)
    return (F - F.min(axis=0)) / np.where(span > 0, span, 1.0)


def _some(what: str, F: np.ndarray | str, n: int, m: int) -> np.ndarray | str:
    if isinstance(F, str):
        return F
    if len(F) < n:
        return f"{what} of {m} objectives has {len(F)} points, not {n}"
    return F[random(REAL, n, m).choice(len(F), n, replace=False)]


def real_front(n: int, m: int) -> np.ndarray | str:
    """`n` points of the true front of `m` measured objectives; or why there are none."""
    return _some("the true front", _measured(m, True), n, m)


def real_cloud(n: int, m: int) -> np.ndarray | str:
    """`n` random cells of the table; or why there are none."""
    return _some("the table", _measured(m, False), n, m)


def named(kernel: str, shape: str) -> str:
    """Name of a kernel's rows; real data, which the targets do not speak of, have their own.

    They are far from the made sets: objectives that agree, ties, few points that matter.
    """
    return f"{kernel}, real data" if shape == REAL else kernel


def shapes(
    names: tuple[str, ...],
    n: int,
    m: int,
    real: Callable[[int, int], np.ndarray | str] = real_front,
) -> dict[str, Callable[[], np.ndarray]]:
    """Makers of the named shapes with n points of m objectives, and of real ones if there are n."""
    makers: dict[str, Callable[[], np.ndarray]] = {
        name: lambda name=name: cloud(name, n, m) for name in names
    }
    F = real(n, m)
    if not isinstance(F, str):
        makers[REAL] = lambda: F
    return makers
