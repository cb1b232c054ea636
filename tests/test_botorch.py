"""BoTorch: the values of its own functions, and starting points inside a region."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("botorch")

from botorch.acquisition import PosteriorMean  # noqa: E402
from botorch.models import SingleTaskGP  # noqa: E402
from botorch.optim import optimize_acqf  # noqa: E402
from botorch.utils.multi_objective import hypervolume, pareto  # noqa: E402

from lamoo_fast.adapters import botorch as adapter  # noqa: E402
from lamoo_fast.search import Float, LaMOO, Space, UniformSampler  # noqa: E402


def points(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 6, shape).astype(float))


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_same_points_as_botorch(m):
    Y = points(m, 3, 40, m)
    Y[0, 5] = float("nan")
    Y[1, ::3, 0] = float("inf")
    Y[2, ::4, -1] = -float("inf")
    for maximize in (True, False):
        for deduplicate in (True, False):
            mine = adapter.is_non_dominated(Y, maximize, deduplicate)
            assert torch.equal(mine, pareto.is_non_dominated(Y, maximize, deduplicate))


@pytest.mark.parametrize("m", [2, 3, 4])
def test_same_volume_as_botorch(m):
    Y, ref = points(m, 30, m), torch.full((m,), 1.0, dtype=torch.double)
    front = Y[pareto.is_non_dominated(Y)]
    wanted = hypervolume.Hypervolume(ref_point=ref).compute(front)
    assert adapter.hypervolume(Y, ref) == pytest.approx(wanted, rel=1e-12)
    assert adapter.hypervolume(Y.float().requires_grad_(), ref) == pytest.approx(wanted, rel=1e-12)
    Y[0] = 2
    Y[0, 0] = float("inf")
    assert adapter.hypervolume(Y, ref) == float("inf")


def test_starts_inside_of_the_region():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    opt = LaMOO(space, ["minimize"] * 2, sampler=UniformSampler(), n_initial=30, seed=0)
    trials = opt.ask(60)
    X = np.array([trial.x for trial in trials])
    opt.tell(trials, np.column_stack([X[:, 0] ** 2 + X[:, 1], (X[:, 0] - 0.3) ** 2 + X[:, 1]]))
    opt.ask()
    region = opt.tree.region(opt.selection.select(opt.tree))
    assert region.constraints
    model = SingleTaskGP(torch.from_numpy(X), torch.from_numpy(-X[:, :1]))
    best, _ = optimize_acqf(
        PosteriorMean(model), torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.double), q=1,
        num_restarts=3, raw_samples=50, ic_generator=adapter.ic_generator(region, seed=1),
        options={"maxiter": 0},
    )  # fmt: skip
    assert region.contains(best.numpy()).all()
    a, b = (adapter.ic_generator(region, seed=1)(PosteriorMean(model), best, 1, 3, 9) for _ in "ab")
    assert torch.equal(a, b)
