"""Who competes in which kernel. Ours comes first; rivals that are not installed are left out.

Peers known to be slower than others in every cell are not listed. What they get wrong is said at
their place, and `fits` keeps them out of those cells.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import lamoo_fast as lf
from lamoo_fast.bench import OURS, Contender, inside, installed


def worst_entry(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference of two arrays, relative to the largest entry."""
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 5e-324))


def differ(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of the entries that are not equal; all if there is another number of them."""
    if ours.shape != theirs.shape:
        return 1.0
    return float(np.mean(ours != theirs))


def contributions() -> list[Contender]:
    """Each point's own volume.

    pygmo counts dominated points in, so that they are taken away first, inside its time. moocore
    subtracts volumes from 4 objectives on: it zeroes what is below 1.5e-8 and loses 8 digits.
    """
    found = [Contender(OURS, lf.hv_contributions)]
    moocore = installed("moocore")
    if pygmo := installed("pygmo"):

        def alone(F: np.ndarray, ref: np.ndarray) -> np.ndarray:
            return np.asarray(pygmo.hypervolume(inside(F, ref)).contributions(ref))

        def of_the_rest(F: np.ndarray, ref: np.ndarray) -> np.ndarray:
            rest = moocore.is_nondominated(F, keep_weakly=True)
            result = np.zeros(len(F))
            result[rest] = alone(F[rest], ref)
            return result

        found.append(Contender("pygmo", alone, lambda m, clean: clean, tolerance=1e-10))
        if moocore:
            found.append(
                Contender("pygmo", of_the_rest, lambda m, clean: not clean, tolerance=1e-10)
            )
    if moocore:
        of_all = moocore.hv_contributions
        found += [
            Contender("moocore", of_all, lambda m, clean: m < 4, tolerance=1e-10),
            Contender("moocore", of_all, lambda m, clean: m >= 4, tolerance=1e-6, exact=False),
        ]
    return found


def masks() -> list[Contender]:
    """Which points are not dominated; of equal ones the first."""
    found = [Contender(OURS, lf.is_nondominated, tolerance=0.0)]
    if moocore := installed("moocore"):
        found.append(Contender("moocore", moocore.is_nondominated, tolerance=0.0))
    if paretoset := installed("paretoset"):
        found.append(Contender("paretoset", paretoset.paretoset, tolerance=0.0))
    return found


def ranks() -> list[Contender]:
    """Number of the front of each point, from 0. pymoo's best order sort is wrong with ties."""
    found = [Contender(OURS, lf.pareto_rank, tolerance=0.0)]
    if moocore := installed("moocore"):
        found.append(Contender("moocore", moocore.pareto_rank, tolerance=0.0))
    if functions := installed("pymoo.functions"):
        for name, function, exact in (
            ("pymoo-ens", "efficient_non_dominated_sort", True),
            ("pymoo-bos", "fast_best_order_sort", False),
        ):
            sort = functions.load_function(function)
            found.append(Contender(name, sort, tidy=_ranks_of_fronts, tolerance=0.0, exact=exact))
    return found


def _ranks_of_fronts(fronts: list[list[int]]) -> np.ndarray:
    rank = np.empty(sum(map(len, fronts)), dtype=np.int64)
    for k, rows in enumerate(fronts):
        rank[rows] = k
    return rank


def counts() -> list[Contender]:
    """How many points dominate each."""
    found = [
        Contender(OURS, lf.dominance_count, tolerance=0.0),
        Contender("numpy", blocked_count, tolerance=0.0),
    ]
    if pygmo := installed("pygmo"):
        found.append(
            Contender(
                "pygmo",
                pygmo.fast_non_dominated_sorting,
                tidy=lambda result: np.asarray(result[2]),
                tolerance=0.0,
            )
        )
    return found


def blocked_count(F: np.ndarray) -> np.ndarray:
    """Dominators by broadcasting a block of rows at once: no worse anywhere, better somewhere."""
    n, m = F.shape
    columns = np.ascontiguousarray(F.T)
    count = np.empty(n, dtype=np.int64)
    step = max(1, 400_000 // n)  # the boolean blocks stay in the second-level cache
    for i in range(0, n, step):
        mine = columns[:, i : i + step, None]
        no_worse, better = columns[0] <= mine[0], columns[0] < mine[0]
        for j in range(1, m):
            no_worse &= columns[j] <= mine[j]
            better |= columns[j] < mine[j]
        count[i : i + step] = np.count_nonzero(no_worse & better, axis=1)
    return count


def archives(add: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> list[Contender]:
    """Points added one after the other, `add` is ours; the members at the end.

    moarchiving keeps the hypervolume of 2 objectives up to date, which ours is asked for then too.
    """
    found = [
        Contender(OURS, add, tidy=_in_order, tolerance=0.0),
        Contender("numpy", scanned_archive, tidy=_in_order, tolerance=0.0),
    ]
    if moarchiving := installed("moarchiving"):

        def theirs(F: np.ndarray, ref: np.ndarray) -> np.ndarray:
            members = moarchiving.get_mo_archive(reference_point=ref.tolist(), n_obj=2)
            # Exact fractions by default, at many times the cost.
            members.hypervolume_final_float_type = float
            members.hypervolume_computation_float_type = float
            with warnings.catch_warnings():  # it tells when floats lose digits, at length
                warnings.simplefilter("ignore")
                for point in F.tolist():
                    members.add(point)
            return np.array(list(members))

        found.append(
            Contender("moarchiving", theirs, lambda m, clean: m == 2, _in_order, tolerance=0.0)
        )
    return found


def _in_order(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(points.T)]


def add_at_once(F: np.ndarray, ref: np.ndarray) -> np.ndarray:
    members = lf.ParetoArchive(ref)
    members.add(F)
    if len(ref) == 2:
        members.hypervolume  # noqa: B018
    return members.front


def add_one_by_one(F: np.ndarray, ref: np.ndarray) -> np.ndarray:
    members = lf.ParetoArchive(ref)
    for i in range(len(F)):
        members.add(F[i : i + 1])
        if len(ref) == 2:
            members.hypervolume  # noqa: B018
    return members.front


def scanned_archive(F: np.ndarray, ref: np.ndarray) -> np.ndarray:
    """Members in an array that grows by doubling; every point is compared with all of them."""
    members, k = np.empty((16, F.shape[1])), 0
    for point in F:
        now = members[:k]
        if (now <= point).all(axis=1).any():
            continue
        keep = ~(point <= now).all(axis=1)
        left = int(np.count_nonzero(keep))
        if left < k:
            members[:left] = now[keep]
        if left == len(members):
            members = np.concatenate([members, np.empty_like(members)])
        members[left] = point
        k = left + 1
    return members[:k]


@dataclass(frozen=True)
class Estimator:
    """An approximate hypervolume. Work is proportional to `effort`: samples, or as much as them."""

    name: str
    call: Callable[[np.ndarray, np.ndarray, int, int], float]  # F, ref, effort, seed


def estimators() -> list[Estimator]:
    """Ours first. moocore's Rphi-FWE+ and DZ2019-HW are deterministic."""
    found = [
        Estimator(
            OURS,
            lambda F, ref, effort, seed: lf.hv_approx(F, ref, n_samples=effort, seed=seed).value,
        )
    ]
    if moocore := installed("moocore"):
        found += [
            Estimator(
                f"moocore {method}",
                lambda F, ref, effort, seed, method=method: moocore.hv_approx(
                    F, ref, nsamples=effort, seed=seed, method=method
                ),
            )
            for method in ("Rphi-FWE+", "DZ2019-MC", "DZ2019-HW")
        ]
    if pygmo := installed("pygmo"):

        def fpras(F: np.ndarray, ref: np.ndarray, effort: int, seed: int) -> float:
            # The number of samples is proportional to 1 / eps^2.
            method = pygmo.bf_fpras(eps=min(0.9, 4 / effort**0.5), delta=0.25, seed=seed)
            return float(pygmo.hypervolume(inside(F, ref)).compute(ref, hv_algo=method))

        found.append(Estimator("pygmo FPRAS", fpras))
    return found
