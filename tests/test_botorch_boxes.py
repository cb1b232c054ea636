"""BoTorch's box decompositions on our kernels: the same parts, the same acquisition values."""

import contextlib
import copy
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("botorch")

from botorch.acquisition.multi_objective import logei, monte_carlo  # noqa: E402
from botorch.acquisition.multi_objective.analytic import (  # noqa: E402
    ExpectedHypervolumeImprovement,
)
from botorch.exceptions.warnings import NumericsWarning  # noqa: E402
from botorch.models import ModelListGP, SingleTaskGP  # noqa: E402
from botorch.sampling.normal import SobolQMCNormalSampler  # noqa: E402
from botorch.utils import multi_objective as root  # noqa: E402
from botorch.utils.multi_objective import hypervolume, pareto  # noqa: E402
from botorch.utils.multi_objective.box_decompositions import (  # noqa: E402
    BoxDecompositionList,
    DominatedPartitioning,
    FastNondominatedPartitioning,
)

from lamoo_fast.adapters import botorch_kernels  # noqa: E402
from lamoo_fast.adapters.botorch import DominatedBoxes, NondominatedBoxes  # noqa: E402
from lamoo_fast.kernels import TooManyBoxes  # noqa: E402

PAIRS = [
    (NondominatedBoxes, FastNondominatedPartitioning),
    (DominatedBoxes, DominatedPartitioning),
]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Nothing here needs the gradients for which BoTorch compiles a kernel."""
    monkeypatch.setattr(logei, "_try_load_fused_kernel", lambda: False, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericsWarning)
        yield


def normal(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def models(m, n=12):
    X = torch.from_numpy(np.random.default_rng(m).random((n, 3)))
    Y = normal(m, n, m)
    return X, Y, ModelListGP(*[SingleTaskGP(X, Y[:, j : j + 1]) for j in range(m)])


def containing(boxes, Y):
    lower, upper = boxes.get_hypercell_bounds()
    return ((lower < Y[:, None]) & (Y[:, None] < upper)).all(dim=2).sum(dim=1)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_same_part_as_botorch(ours, theirs, m):
    Y, ref = normal(m, 14, m), torch.full((m,), -2.0, dtype=torch.double)
    mine, wanted = ours(ref, Y), theirs(ref, Y)
    places = 2 * normal(m + 9, 500, m)
    assert torch.equal(containing(mine, places), containing(wanted, places))
    assert float(mine.compute_hypervolume()) == pytest.approx(float(wanted.compute_hypervolume()))
    assert torch.equal(mine.pareto_Y, wanted.pareto_Y)
    if ours is NondominatedBoxes:
        cells = [p.get_hypercell_bounds().shape[-2] for p in (mine, wanted)]
        assert cells[0] < cells[1] or (m < 4 and cells[0] <= cells[1])


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_points_come_later(ours, theirs):
    Y, ref = normal(0, 30, 4), torch.full((4,), -1.0, dtype=torch.double)
    mine = ours(ref)
    for part in (Y[:10], Y[10:11], Y[11:]):
        mine.update(part)
    assert torch.equal(mine.get_hypercell_bounds(), ours(ref, Y).get_hypercell_bounds())
    for same in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))):
        same.update(Y[:3] + 1)
        assert float(same.compute_hypervolume()) > float(mine.compute_hypervolume())


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_forms_of_points(ours, theirs):
    single = normal(0, 15, 3).float()
    mine = ours(torch.zeros(3), single)
    assert mine.get_hypercell_bounds().dtype == torch.float32
    assert float(mine.compute_hypervolume()) == pytest.approx(
        float(theirs(torch.zeros(3), single).compute_hypervolume()), rel=1e-5
    )
    for none in (single[:0], single - 9):
        bounds = ours(torch.zeros(3), none).get_hypercell_bounds()
        assert torch.equal(bounds, theirs(torch.zeros(3), none).get_hypercell_bounds())
    batches = normal(1, 4, 9, 2)
    bounds = ours(torch.zeros(2).double(), batches).get_hypercell_bounds()
    assert torch.equal(bounds, theirs(torch.zeros(2).double(), batches).get_hypercell_bounds())
    endless = normal(2, 5, 3)
    endless[0, 0] = float("inf")
    bounds = ours(torch.zeros(3).double(), endless).get_hypercell_bounds()
    assert torch.equal(bounds, theirs(torch.zeros(3).double(), endless).get_hypercell_bounds())
    with pytest.raises(ValueError, match="NaN"):
        ours(torch.zeros(3).double(), endless * float("nan"))


def test_too_many_boxes():
    with pytest.raises(TooManyBoxes, match="12 objectives"):
        NondominatedBoxes(torch.full((12,), -9.0).double(), normal(0, 100, 12))


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_same_expected_improvement(m):
    _, Y, model = models(m)
    ref = Y.min(dim=0).values - 0.1
    X = torch.from_numpy(np.random.default_rng(9).random((60, 1, 3)))
    parts = NondominatedBoxes(ref, Y), FastNondominatedPartitioning(ref, Y)

    def values(kind, **settings):
        sampler = SobolQMCNormalSampler(torch.Size([32]), seed=1)
        with torch.no_grad():
            return [kind(model, ref, p, sampler=sampler, **settings)(X).numpy() for p in parts]

    mine, wanted = values(monte_carlo.qExpectedHypervolumeImprovement)
    np.testing.assert_allclose(mine, wanted, rtol=1e-9)
    improves = wanted > 0
    assert improves.sum() > 10
    sharp, expected = values(logei.qLogExpectedHypervolumeImprovement, tau_relu=1e-9, tau_max=1e-9)
    np.testing.assert_allclose(sharp[improves], expected[improves], rtol=1e-9, atol=1e-9)
    # BoTorch smooths within each box, so that its values depend on the boxes by a little.
    mine, wanted = values(logei.qLogExpectedHypervolumeImprovement)
    np.testing.assert_allclose(mine[improves], wanted[improves], atol=0.02)
    with torch.no_grad():
        mine, wanted = (ExpectedHypervolumeImprovement(model, ref, p)(X).numpy() for p in parts)
    np.testing.assert_allclose(mine, wanted, rtol=1e-9)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_noisy_improvement_inside_the_context(m):
    X, Y, model = models(m, n=8)
    ref = Y.min(dim=0).values - 0.1
    candidates = torch.from_numpy(np.random.default_rng(9).random((20, 1, 3)))

    def value(ours):
        with botorch_kernels.kernels() if ours else contextlib.nullcontext(), torch.no_grad():
            acquisition = monte_carlo.qNoisyExpectedHypervolumeImprovement(
                model, ref, X, sampler=SobolQMCNormalSampler(torch.Size([8]), seed=1)
            )
            return acquisition.partitioning, acquisition(candidates).numpy()

    boxes, mine = value(True)
    if m > 2:
        assert isinstance(boxes, BoxDecompositionList)
        assert all(type(part) is NondominatedBoxes for part in boxes.box_decompositions)
    theirs, wanted = value(False)
    assert "Boxes" not in type(theirs).__name__
    np.testing.assert_allclose(mine, wanted, rtol=1e-9)


def test_what_the_context_replaces():
    Y, ref = normal(0, 40, 3), torch.zeros(3).double()

    def names():
        classes = root.Hypervolume, hypervolume.DominatedPartitioning
        return root.is_non_dominated, pareto.is_non_dominated, *classes

    originals = names()
    mask_of = {n: pareto.is_non_dominated(Y[:n]) for n in (0, 5, 20)}
    mask, volume = pareto.is_non_dominated(Y), root.Hypervolume(ref).compute(Y)
    with botorch_kernels.kernels():
        assert not set(names()) & set(originals)
        assert hypervolume.DominatedPartitioning is DominatedBoxes
        assert torch.equal(root.is_non_dominated(Y), mask)
        for n in (0, 5, 20):  # few points in batches, and no few
            assert torch.equal(root.is_non_dominated(Y[:n].expand(3, n, 3))[1], mask_of[n])
        assert root.Hypervolume(ref).compute(Y) == pytest.approx(volume, rel=1e-12)
    assert names() == originals
