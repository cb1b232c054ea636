import sys
from dataclasses import replace

import numpy as np
import pytest

from lamoo_fast.search import (
    BoTorchSampler,
    Categorical,
    CMASampler,
    EHVISampler,
    Float,
    Integer,
    PartitionTree,
    Region,
    Space,
    SVMClassifier,
    UniformSampler,
    View,
)
from lamoo_fast.search.known import Known
from lamoo_fast.search.samplers import botorch as botorch_module
from lamoo_fast.search.samplers import cma as cma_module
from lamoo_fast.search.samplers import uniform as uniform_module

SAMPLERS = [UniformSampler(), CMASampler(), EHVISampler(n_candidates=64)]
SAMPLERS.append(BoTorchSampler(n_candidates=64))
SAMPLERS.append(BoTorchSampler(noisy=True, n_candidates=64))

finite = Space({f"p{i}": Categorical(["a", "b", "c"]) for i in range(5)})
SPACES = {
    "finite": finite,
    "finite, part valid": Space(finite.params, valid=lambda c: c["p0"] != c["p1"]),
    "continuous": Space({"x": Float(0, 1), "y": Float(-1, 1), "z": Float(1, 9, log=True)}),
    "mixed, part valid": Space(
        {"x": Float(0, 1), "n": Integer(1, 9), "op": Categorical(["a", "b"])},
        valid=lambda c: c["x"] < 0.8 or c["n"] > 3,
    ),
    "large": Space({f"p{i}": Integer(0, 4) for i in range(20)}),
}


class Box:
    """A split with a known good side: features near 1/2."""

    def __init__(self, width, features=slice(None)):
        self.width, self.features = width, features

    def side(self, Z):
        return (np.abs(Z[:, self.features] - 0.5) <= self.width / 2).all(axis=1)


def evaluate(space, X):
    weights = np.linspace(1, 2, space.d)
    return np.column_stack([np.square(X) @ weights, np.square(X - 1) @ weights[::-1]])


def see(space, X, *, pending=None, seed=0, F=None):
    """View of a search that evaluated X."""
    pending = np.empty((0, space.d)) if pending is None else pending
    F = evaluate(space, X) if F is None else F
    seen = set(space.keys(X)) | set(space.keys(pending))
    ref = F.max(axis=0) + 1 if len(F) else np.ones(2)
    return View(X, F, ref, pending, seen, rng(seed))


def rng(seed=0):
    return np.random.default_rng(seed)


def observed(space, n=40, seed=5):
    return UniformSampler().draw(Region(space), n, see(space, np.empty((0, space.d)), seed=seed))


def decile_error(U):
    """How far the deciles of the columns of U are from those of the unit cube."""
    wanted = np.arange(1, 10)[:, None] / 10
    return np.abs(np.quantile(U, wanted[:, 0], axis=0) - wanted).max()


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_what_every_sampler_owes(sampler, space):
    X = observed(space, 46)
    view = see(space, X[:40], pending=X[40:])
    tree = PartitionTree.build(space, view.X, view.F, view.ref, SVMClassifier(), leaf_size=5)
    assert len(tree) > 1
    region = tree.region(int(tree.leaves[0]))
    points = sampler.draw(region, 3, view)
    assert points.shape == (3, space.d)
    if isinstance(sampler, EHVISampler) and space.is_enumerable:  # it looks at every point
        assert np.array_equal(points, sampler.draw(Region(space), 3, replace(view, rng=rng())))
    else:
        assert region.contains(points).all()
    assert space.is_valid(points).all()
    assert np.array_equal(space.snap(points), points)
    assert len(set(space.keys(points)) | view.seen) == 49


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_same_view_same_points_another_seed_others(sampler):
    space = SPACES["continuous"]
    X = observed(space)
    a, b, c = (sampler.draw(Region(space), 3, see(space, X, seed=s)) for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_global_generators_are_left_alone(sampler, capfd, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    space = SPACES["continuous"]
    view = see(space, observed(space))
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    sampler.draw(Region(space), 2, view)
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_a_finite_region_gives_all_it_has_and_no_more(sampler):
    space = Space({f"p{i}": Integer(0, 2) for i in range(3)})
    grid = space.enumerate()
    points = sampler.draw(Region(space), 10, see(space, grid[:-3]))
    assert sorted(points.tolist()) == sorted(grid[-3:].tolist())
    assert sampler.draw(Region(space), 10, see(space, grid)).shape == (0, 3)


def test_uniform_over_a_finite_space():
    counts = dict.fromkeys(finite.keys(finite.enumerate()), 0)
    nothing = np.empty((0, 5))
    for seed in range(2000):
        for key in finite.keys(
            UniformSampler().draw(Region(finite), 3, see(finite, nothing, seed=seed))
        ):
            counts[key] += 1
    observed_counts = np.array(list(counts.values()))
    expected = 6000 / 243
    chi2 = (np.square(observed_counts - expected) / expected).sum()
    assert 160 < chi2 < 340  # 242 degrees of freedom, sd 22


def test_uniform_in_a_region_of_a_continuous_space():
    space = SPACES["continuous"]
    region = Region(space, ((Box(0.5), True),))
    points = UniformSampler().draw(region, 512, see(space, np.empty((0, 3))))
    assert points.shape == (512, 3)
    deciles = np.quantile(points, np.arange(1, 10) / 10, axis=0)
    np.testing.assert_allclose(
        deciles, np.tile(0.25 + np.arange(1, 10)[:, None] / 20, 3), atol=0.03
    )


@pytest.mark.parametrize("width", [0.05, 0.01])
def test_a_tiny_region_is_sampled_by_a_chain_that_stays_inside(width):
    space = Space({f"x{i}": Float(0, 1) for i in range(4)})  # 6e-6 and 1e-8 of the volume
    region = Region(space, ((Box(width), True),))
    start = np.full((1, 4), 0.5 + 0.4 * width)
    points = UniformSampler().draw(region, 400, see(space, start))
    assert points.shape == (400, 4)
    assert region.contains(points).all()
    scaled = (points - 0.5) / width + 0.5  # back to the unit cube
    assert decile_error(scaled) < 0.08
    assert np.abs(np.corrcoef(scaled.T) - np.eye(4)).max() < 0.2


def test_a_tiny_region_of_a_large_discrete_space():
    space = SPACES["large"]
    region = Region(space, ((Box(0.5, slice(0, 14)), True),))  # 3 of 5 values 14 times: 8e-4
    view = see(space, np.full((1, 20), 0.5))
    points = UniformSampler().draw(region, 100, view)
    assert points.shape == (100, 20)
    assert region.contains(points).all()
    region = Region(space, ((Box(0.1), True),))  # only the point that is there already
    assert UniformSampler().draw(region, 3, view).shape == (0, 20)


def test_a_tiny_region_without_a_point_to_start_from_gives_nothing():
    space = SPACES["continuous"]
    region = Region(space, ((Box(1e-6), True),))
    assert UniformSampler().draw(region, 3, see(space, np.empty((0, 3)))).shape == (0, 3)


def test_rejection_is_not_given_up_while_it_works(monkeypatch):
    monkeypatch.setattr(uniform_module, "_walk", None)
    space = SPACES["continuous"]
    region = Region(space, ((Box(0.3), True),))  # 2.7 % of the volume
    assert len(UniformSampler().draw(region, 2000, see(space, np.empty((0, 3))))) == 2000


def test_valid_is_asked_about_few_points_only():
    asked = []
    space = Space(
        {"x": Float(0, 1), "y": Float(0, 1)}, valid=lambda c: bool(asked.append(c)) or True
    )
    UniformSampler().draw(Region(space), 5, see(space, np.empty((0, 2))))
    assert len(asked) < 30


def test_merit_ranks_by_dominance_then_by_contribution():
    F = np.array([[0, 5], [1, 3], [3, 1], [2, 4], [1, 3], [9, 9]], dtype=float)
    # Equal rows add nothing alone; row 0 adds 1 x 5, row 2 adds 7 x 2; then the dominated ones.
    assert cma_module.merit(F, np.array([10.0, 10.0])).tolist() == [1, 2, 0, 3, 2, 4]


def test_cma_is_told_the_rows_of_the_region_only_and_no_sample(monkeypatch):
    import cma

    told = []

    class Spy(cma.CMAEvolutionStrategy):
        def tell(self, solutions, values):
            told.append((np.array(solutions), list(values)))
            super().tell(solutions, values)

    monkeypatch.setattr(cma, "CMAEvolutionStrategy", Spy)
    space = SPACES["continuous"]
    view = see(space, observed(space, 60))
    region = Region(space, ((Box(0.5, slice(0, 1)), True),))
    CMASampler().draw(region, 5, view)
    inside = region.contains(view.X)
    assert len(told) == 1
    assert np.array_equal(told[0][0], view.X[inside])
    assert told[0][1] == cma_module.merit(view.F[inside], view.ref).tolist()


def test_cma_samples_near_the_good_rows():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = observed(space, 60)
    F = np.square(X - [0.2, 0.7]).sum(axis=1, keepdims=True) * np.ones(2)
    points = CMASampler().draw(Region(space), 40, see(space, X, F=F))
    uniform = UniformSampler().draw(Region(space), 40, see(space, X, F=F))
    far = [np.linalg.norm(p - [0.2, 0.7], axis=1).mean() for p in (points, uniform)]
    assert far[0] < 0.6 * far[1]


def test_cma_falls_back_to_uniform(monkeypatch):
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = observed(space)
    monkeypatch.setattr(cma_module, "_MAX_BATCHES", 0)
    assert CMASampler().draw(Region(space), 7, see(space, X)).shape == (7, 2)
    monkeypatch.undo()
    assert CMASampler().draw(Region(space), 7, see(space, X[:3])).shape == (7, 2)
    line = Space({"x": Float(0, 1)})
    assert CMASampler().draw(Region(line), 7, see(line, observed(line))).shape == (7, 1)


def direct_values(view, candidates, **kwargs):
    """The acquisition as BoTorch's documentation builds it, point by point."""
    import torch
    from botorch.acquisition.multi_objective.logei import qLogExpectedHypervolumeImprovement
    from botorch.sampling.normal import SobolQMCNormalSampler
    from botorch.utils.multi_objective.box_decompositions import FastNondominatedPartitioning

    Z, Y = (torch.from_numpy(a) for a in (finite.features(view.X), -view.F))
    ref = torch.from_numpy(-view.ref)
    model = botorch_module._fit(Z, Y)
    with torch.no_grad(), botorch_module._quiet():
        acquisition = qLogExpectedHypervolumeImprovement(
            model,
            ref,
            FastNondominatedPartitioning(ref, Y),
            SobolQMCNormalSampler(torch.Size([1024]), seed=1),
            **kwargs,
        )
        return np.array([float(acquisition(torch.from_numpy(z)[None])) for z in candidates])


def test_ehvi_takes_the_best_unseen_point_of_a_finite_region():
    pytest.importorskip("botorch")
    view = see(finite, observed(finite))
    region = Region(finite, ((Box(2, slice(0, 1)), True), (Box(0.5, slice(0, 1)), False)))
    grid = finite.enumerate()
    grid = grid[region.contains(grid)]
    grid = grid[view.is_new(finite, grid)]
    values = direct_values(view, finite.features(grid))
    best = finite.keys(BoTorchSampler().draw(region, 1, view))[0]
    rank = sorted(values.tolist(), reverse=True).index(values[finite.keys(grid).index(best)])
    assert rank < 3  # of some 150; the number of samples differs


BAYESIAN = pytest.mark.parametrize("kind", [EHVISampler, BoTorchSampler])


def bayesian(kind, n_candidates):
    if kind is BoTorchSampler:
        pytest.importorskip("botorch")
    return kind(n_candidates=n_candidates)


@BAYESIAN
def test_ehvi_avoids_what_is_pending(kind):
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = observed(space, 15)
    sampler = bayesian(kind, 128)
    first = sampler.draw(Region(space), 1, see(space, X))
    beside = sampler.draw(Region(space), 1, see(space, X, pending=first))
    batch = sampler.draw(Region(space), 6, see(space, X))  # more than are integrated jointly
    assert np.array_equal(batch[0], first[0])
    assert np.linalg.norm(beside - first) > 0.02
    distances = np.linalg.norm(batch[:, None] - batch, axis=-1)[np.triu_indices(6, 1)]
    assert distances.min() > 0.01


@BAYESIAN
def test_ehvi_improves_more_than_uniform(kind):
    from lamoo_fast.kernels import hypervolume

    space = Space({f"x{i}": Float(0, 1) for i in range(3)})
    X = observed(space, 30)
    view = see(space, X)

    def gain(sampler):
        new = sampler.draw(Region(space), 4, view)
        F = np.vstack([view.F, evaluate(space, new)])
        return hypervolume(F, view.ref) - hypervolume(view.F, view.ref)

    uniform = gain(UniformSampler())
    assert gain(bayesian(kind, 128)) > 2 * uniform
    if kind is BoTorchSampler:
        assert gain(BoTorchSampler(noisy=True, n_candidates=128)) > 2 * uniform


@BAYESIAN
@pytest.mark.parametrize("m", [3, 5, 7])
def test_ehvi_with_more_objectives(m, kind):
    space = SPACES["continuous"]
    X = observed(space, 15)
    F = np.square(X[:, [0]] - np.linspace(0, 1, m)) + X[:, [1]]
    assert bayesian(kind, 16).draw(Region(space), 2, see(space, X, F=F)).shape == (2, 3)


@BAYESIAN
def test_ehvi_with_a_constant_objective_and_with_one_row(kind):
    space = SPACES["continuous"]
    X = observed(space, 12)
    F = evaluate(space, X)
    F[:, 1] = 3.0
    sampler = bayesian(kind, 16)
    assert sampler.draw(Region(space), 2, see(space, X, F=F)).shape == (2, 3)
    assert sampler.draw(Region(space), 2, see(space, X[:1])).shape == (2, 3)


def test_ehvi_does_not_compile_on_the_users_machine(monkeypatch):
    pytest.importorskip("botorch")
    import torch.utils.cpp_extension
    from botorch.acquisition.multi_objective import logei

    compiled = []
    monkeypatch.setattr(torch.utils.cpp_extension, "load", lambda **kwargs: compiled.append(kwargs))
    monkeypatch.setattr(logei, "_load_attempted", False, raising=False)
    space = SPACES["continuous"]
    for noisy in (False, True):
        sampler = BoTorchSampler(noisy=noisy, n_candidates=16)
        sampler.draw(Region(space), 1, see(space, observed(space, 12)))
    assert compiled == []
    assert logei._load_attempted is False  # others may still have it compiled


def test_bad_settings():
    with pytest.raises(ValueError, match="n_candidates is 0"):
        BoTorchSampler(n_candidates=0)
    with pytest.raises(ValueError, match="n_candidates is 0"):
        EHVISampler(n_candidates=0)
    space = SPACES["continuous"]
    X = observed(space, 12)
    with pytest.raises(ValueError, match="at least 2 objectives"):
        BoTorchSampler().draw(Region(space), 1, see(space, X, F=X[:, :1]))


@pytest.mark.parametrize(
    ("sampler", "module", "extra"),
    [(CMASampler(), "cma", "cma"), (BoTorchSampler(), "botorch", "bo")],
)
def test_a_missing_extra_is_named(sampler, module, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    space = SPACES["continuous"]
    with pytest.raises(ImportError, match=rf"lamoo_fast\[{extra}\]"):
        sampler.draw(Region(space), 1, see(space, observed(space)))


def test_settings_show_in_the_repr():
    assert repr(BoTorchSampler(noisy=True)) != repr(BoTorchSampler())
    for kind in (BoTorchSampler, EHVISampler):
        assert eval(repr(kind(n_candidates=3))) == kind(n_candidates=3)


def test_ehvi_finds_the_optimum_of_one_objective():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = observed(space, 12)
    for _ in range(20):
        F = np.square(X - [0.31, 0.77]).sum(axis=1, keepdims=True)
        new = EHVISampler(n_candidates=64).draw(Region(space), 1, see(space, X, F=F))
        X = np.vstack([X, new])
    assert np.abs(X - [0.31, 0.77]).max(axis=1).min() < 0.01


def test_ehvi_believes_what_is_known():
    """Accuracies are flat noise, sizes are known: only small points can be worth anything."""
    rng = np.random.default_rng(0)
    X = finite.enumerate()[rng.choice(finite.size, 20, replace=False)]
    size = lambda config: float(sum(v == "c" for v in config.values()))  # noqa: E731
    known = Known(finite, np.ones(2), {1: size})
    F = np.column_stack([rng.random(20), known.values(X)[:, 1]])
    base = see(finite, X, F=F)
    view = replace(base, known=known, ref=np.array([2.0, 1.5]))
    drawn = EHVISampler().draw(Region(finite), 5, view)
    assert known.values(drawn)[:, 1].max() < 1.5


def test_ehvi_stays_where_constraints_are_met_and_evaluations_succeed():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = observed(space, 40)
    F = np.column_stack([X.sum(axis=1), (1 - X).sum(axis=1) + X[:, 0]])
    G = 0.6 - X[:, :1]  # wanted: x >= 0.6
    view = replace(see(space, X, F=F), G=G)
    drawn = EHVISampler(n_candidates=128).draw(Region(space), 8, view)
    assert (drawn[:, 0] > 0.55).mean() > 0.8
    fails = X[:, 1] > 0.5
    view = replace(see(space, X[~fails], F=F[~fails]), failed=X[fails])
    drawn = EHVISampler(n_candidates=128).draw(Region(space), 8, view)
    assert (drawn[:, 1] < 0.55).mean() > 0.7


@pytest.mark.parametrize("n_feasible", [0, 1])
def test_ehvi_with_next_to_nothing_feasible(n_feasible):
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = observed(space, 20)
    G = np.ones((20, 2))
    G[:n_feasible] = -1
    view = replace(see(space, X), G=G)
    assert EHVISampler(n_candidates=64).draw(Region(space), 3, view).shape == (3, 2)


def test_ehvi_sees_the_best_of_many_rows():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    X = np.random.default_rng(0).random((2600, 2))
    drawn = EHVISampler(n_candidates=64).draw(Region(space), 2, see(space, X))
    assert drawn.shape == (2, 2)
