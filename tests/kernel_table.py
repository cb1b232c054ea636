"""All kernels behind one signature, for tests that hold for each of them."""

import numpy as np

import lamoo_fast.kernels as k


def _archive(F, ref, **_):
    archive = k.ParetoArchive(ref)
    accepted = archive.add(F)
    return accepted, archive.front, archive.hypervolume


def _boxes(kernel):
    def call(F, ref, **_):
        try:
            return kernel(F, ref, max_boxes=20_000)
        except k.TooManyBoxes:
            return -1

    return call


# name -> kernel(F, ref, n_threads=...) with an array or a tuple of arrays as result
KERNELS = {
    "hypervolume": lambda F, ref, **kw: k.hypervolume(F, ref, **kw),
    "hypervolume_batch": lambda F, ref, **kw: k.hypervolume_batch([F, F[:1], F[::2]], ref, **kw),
    "hv_contributions": lambda F, ref, **kw: k.hv_contributions(F, ref, **kw),
    "hv_contributions_all": lambda F, ref, **kw: k.hv_contributions(
        F, ref, ignore_dominated=False, **kw
    ),
    "hv_improvement": lambda F, ref, **kw: k.hv_improvement(F[::2], F[1::2], ref, **kw),
    "hv_least_contributor": lambda F, ref, **kw: (
        -1 if isinstance(F, np.ndarray) and len(F) == 0 else k.hv_least_contributor(F, ref, **kw)
    ),
    "hv_subset_selection": lambda F, ref, **kw: k.hv_subset_selection(
        F, len(F) // 2 if hasattr(F, "__len__") else 0, ref, **kw
    ),
    "hv_approx": lambda F, ref, **kw: k.hv_approx(F, ref, n_samples=2**10, seed=1, **kw),
    "hv_approx_contributions": lambda F, ref, **kw: k.hv_approx_contributions(
        F, ref, n_samples=2**7, seed=1, **kw
    ),
    "hv_approx_improvement": lambda F, ref, **kw: k.hv_approx_improvement(
        F[::2], F[1::2], ref, n_samples=2**7, seed=1, **kw
    ),
    "is_nondominated": lambda F, ref, **kw: k.is_nondominated(F, **kw),
    "is_nondominated_weakly": lambda F, ref, **kw: k.is_nondominated(F, keep_weakly=True, **kw),
    "filter_dominated": lambda F, ref, **kw: k.filter_dominated(F, **kw),
    "pareto_rank": lambda F, ref, **kw: k.pareto_rank(F, **kw),
    "pareto_rank_some": lambda F, ref, **kw: k.pareto_rank(F, min_points=3, **kw),
    "dominance_count": lambda F, ref, **kw: k.dominance_count(F, **kw),
    "nondominated_boxes": _boxes(k.nondominated_boxes),
    "dominated_boxes": _boxes(k.dominated_boxes),
    "crowding_distance": lambda F, ref, **_: k.crowding_distance(F),
    "archive": _archive,
}
THREADED = [
    "hypervolume",
    "hypervolume_batch",
    "hv_contributions",
    "hv_contributions_all",
    "hv_improvement",
    "hv_least_contributor",
    "hv_subset_selection",
    "hv_approx",
    "hv_approx_contributions",
    "hv_approx_improvement",
    "is_nondominated",
    "is_nondominated_weakly",
    "filter_dominated",
    "pareto_rank",
    "pareto_rank_some",
    "dominance_count",
]


def call(name, F, ref, **kwargs):
    """Call a kernel and see to it that its arguments are as before."""
    before = [np.asarray(a).copy() for a in (F, ref)]
    result = KERNELS[name](F, ref, **kwargs)
    for now, then in zip((F, ref), before, strict=True):
        np.testing.assert_array_equal(np.asarray(now), then)
    return result if isinstance(result, tuple) else (result,)


def assert_identical(results, expected):
    """Equal to the last bit, tuples elementwise."""
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert np.array_equal(result, wanted), (result, wanted)
