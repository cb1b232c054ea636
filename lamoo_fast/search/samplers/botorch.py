"""Bayesian optimisation inside a region: expected hypervolume improvement."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamoo_fast.kernels import is_nondominated
from lamoo_fast.search.samplers.uniform import UniformSampler, perturb
from lamoo_fast.search.samplers.view import View, spread
from lamoo_fast.search.space import Array
from lamoo_fast.search.tree import Region

if TYPE_CHECKING:
    from torch import Tensor

_MAX_EXACT = 2**15  # candidates of an enumerable space that are all looked at
_SCREEN_SAMPLES = 16  # for a first look at all candidates
_MC_SAMPLES = 64  # for a second look at the best of them
_SHORTLIST = 512  # candidates that get a second look
_FIT_STEPS = 100  # of L-BFGS; the last digits of a likelihood decide nothing
_MAX_ELEMENTS = 2**19  # numbers in the largest intermediate array: it should fit into the cache


@dataclass(frozen=True)
class BoTorchSampler:
    """The points of the region with the largest expected hypervolume improvement.

    One Gaussian process per objective is fitted to all evaluations. Candidates are all unseen
    points of the region where the space can be enumerated, otherwise a uniform sample of the
    region and small changes to its non-dominated points. Points of a batch are chosen one after
    the other, each with the earlier ones and those under evaluation as pending. Needs the extra
    ``lamoo_fast[bo]`` and at least two objectives.

    Parameters
    ----------
    noisy : bool
        Whether the evaluations are noisy: the front is then uncertain too.
    n_candidates : int
        Size of the uniform sample.

    Raises
    ------
    ValueError
        When n_candidates < 1.

    Notes
    -----
    qLogEHVI and qLogNEHVI of BoTorch (Ament et al., NeurIPS 2023; Daulton et al., NeurIPS 2020
    and 2021). The box decomposition is exact for up to four objectives. All candidates are ranked
    by a coarse integral, the best of them by a fine one. The cost of qLogEHVI is exponential in
    the number of pending points, so these are taken as evaluated at their predicted mean
    ("kriging believer", Ginsbourger et al., 2010); qLogNEHVI integrates over their outcomes.

    Examples
    --------
    >>> BoTorchSampler(noisy=True)
    BoTorchSampler(noisy=True, n_candidates=1024)
    """

    noisy: bool = False
    n_candidates: int = 1024
    leaf_size: ClassVar[int] = 40  # of many objectives: the model does better alone than in less

    def __post_init__(self) -> None:
        if self.n_candidates < 1:
            raise ValueError(f"n_candidates is {self.n_candidates}, wanted at least 1")

    def draw(self, region: Region, n: int, view: View) -> Array:
        """Return up to n different points (k, d): snapped, valid, inside the region and new.

        Raises
        ------
        ImportError
            When BoTorch is not installed.
        ValueError
            When there is only one objective.
        """
        try:
            import botorch  # noqa: F401
            import torch
        except ImportError as error:
            raise ImportError(
                "BoTorchSampler needs BoTorch: pip install 'lamoo_fast[bo]'"
            ) from error

        if view.F.shape[1] < 2:
            raise ValueError("F has 1 column, BoTorchSampler wanted at least 2 objectives")
        if len(view.X) < 2:
            return UniformSampler().draw(region, n, view)
        X = self._candidates(region, n, view)
        seed = int(view.rng.integers(2**31))
        with torch.random.fork_rng(devices=[]), _one_thread(), _quiet():
            torch.manual_seed(seed)
            features = region.space.features
            scale = spread(view.F)
            acquisition = _Acquisition(
                torch.from_numpy(features(view.X)),
                torch.from_numpy(-view.F / scale),
                torch.from_numpy(-view.ref / scale),
                torch.from_numpy(features(view.pending)),
                noisy=self.noisy,
                seed=seed,
            )
            return X[acquisition.best(torch.from_numpy(features(X)), n)]

    def _candidates(self, region: Region, n: int, view: View) -> Array:
        space = region.space
        if space.is_enumerable:
            X = space.enumerate()
            X = X[region.contains(X)]
            X = X[view.is_new(space, X)]
            if len(X) <= _MAX_EXACT:
                return X
        X = UniformSampler().draw(region, max(n, self.n_candidates), view)
        rows = np.flatnonzero(region.contains(view.X))
        front = view.X[rows[is_nondominated(view.F[rows])]]
        if len(front) == 0:
            return X
        near = space.snap(perturb(front[view.rng.integers(len(front), size=len(X))], view.rng))
        near = near[region.contains(near)]
        near = near[view.having_seen(space, X).is_new(space, near)]
        return np.vstack([X, near[space.is_valid(near)]])


class _Acquisition:
    """Models of the objectives and the choice of points by them; all objectives are maximised."""

    def __init__(
        self, Z: Tensor, Y: Tensor, ref: Tensor, pending: Tensor, *, noisy: bool, seed: int
    ) -> None:
        self.Z, self.Y, self.ref = Z, Y, ref
        self.noisy, self.seed = noisy, seed
        self.model = _fit(Z, Y)
        self.pending = pending

    def best(self, candidates: Tensor, n: int) -> list[int]:
        """Indices of the best n candidates, chosen one after the other."""
        import torch

        chosen: list[int] = []
        left = torch.arange(len(candidates))
        if len(left) > _SHORTLIST + n:  # what is hopeless alone stays so beside pending points
            value = self._evaluate(candidates, _SCREEN_SAMPLES)
            left = left[value.topk(_SHORTLIST + n).indices]
        while len(chosen) < n and len(left):
            pick = int(left[self._evaluate(candidates[left], _MC_SAMPLES).argmax()])
            chosen.append(pick)
            left = left[left != pick]
            self.pending = torch.cat([self.pending, candidates[pick : pick + 1]])
        return chosen

    def _evaluate(self, candidates: Tensor, samples: int) -> Tensor:
        """Acquisition value of each candidate (c, f), in blocks of bounded memory."""
        import torch
        from botorch.acquisition.multi_objective.logei import (
            qLogExpectedHypervolumeImprovement,
            qLogNoisyExpectedHypervolumeImprovement,
        )
        from botorch.sampling.normal import SobolQMCNormalSampler

        if not self.noisy and len(self.pending):
            self._believe()
        sampler = SobolQMCNormalSampler(torch.Size([samples]), seed=self.seed)
        m = self.Y.shape[1]
        with torch.no_grad():
            if self.noisy:
                value: Any = qLogNoisyExpectedHypervolumeImprovement(
                    self.model,
                    self.ref,
                    self.Z,
                    sampler=sampler,
                    X_pending=self.pending if len(self.pending) else None,
                    prune_baseline=True,
                    alpha=_alpha(m),
                )
                cells = value.cell_lower_bounds.shape[-2]
            else:
                boxes = _boxes(self.ref, self.Y)
                value = qLogExpectedHypervolumeImprovement(
                    self.model, self.ref, boxes, sampler=sampler
                )
                cells = boxes.get_hypercell_bounds().shape[-2]
            block = max(1, _MAX_ELEMENTS // (samples * cells * m))
            return torch.cat([value(Z.unsqueeze(1)) for Z in torch.split(candidates, block)])

    def _believe(self) -> None:
        """Take the pending points as evaluated, with the predicted means as their values."""
        import torch

        with torch.no_grad():
            mean = self.model.posterior(self.pending).mean
            for j, gp in enumerate(self.model.models):
                scaled, _ = gp.outcome_transform(mean[:, j : j + 1])
                gp.set_train_data(
                    torch.cat([gp.train_inputs[0], self.pending]),
                    torch.cat([gp.train_targets, scaled.squeeze(-1)]),
                    strict=False,
                )
        self.Z, self.Y = torch.cat([self.Z, self.pending]), torch.cat([self.Y, mean])
        self.pending = self.pending[:0]


def _fit(Z: Tensor, Y: Tensor) -> Any:
    """One Gaussian process per column of Y (n, m) on features Z (n, f)."""
    from botorch.exceptions.errors import ModelFittingError
    from botorch.fit import fit_gpytorch_mll
    from botorch.models.gp_regression import SingleTaskGP
    from botorch.models.model_list_gp_regression import ModelListGP
    from botorch.models.transforms.outcome import Standardize
    from gpytorch.mlls import ExactMarginalLogLikelihood

    models = []
    for j in range(Y.shape[1]):
        gp = SingleTaskGP(Z, Y[:, j : j + 1], outcome_transform=Standardize(1))
        try:
            fit_gpytorch_mll(
                ExactMarginalLogLikelihood(gp.likelihood, gp),
                optimizer_kwargs={"options": {"maxiter": _FIT_STEPS}},
            )
        except ModelFittingError as error:
            warnings.warn(f"objective {j} is modelled without fitting: {error}", stacklevel=4)
            gp.eval()
        models.append(gp)
    return ModelListGP(*models)


def _alpha(m: int) -> float:
    """Coarseness of the box decomposition, after BoTorch's own rule."""
    return 0.0 if m <= 4 else 1e-3 if m == 5 else 1e-2


def _boxes(ref: Tensor, Y: Tensor) -> Any:
    from botorch.utils.multi_objective.box_decompositions import (
        FastNondominatedPartitioning,
        NondominatedPartitioning,
    )

    alpha = _alpha(Y.shape[1])
    if alpha == 0:
        return FastNondominatedPartitioning(ref_point=ref, Y=Y)
    return NondominatedPartitioning(ref_point=ref, Y=Y, alpha=alpha)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch sum in one order whatever the machine: the result depends on the seed alone."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what is expected: jitter, repeated fits, constant objectives, and compiling.

    BoTorch compiles a kernel for gradients on the user's machine at first use. Nothing here
    needs gradients, and the first ask must not take a minute.
    """
    from botorch.acquisition.multi_objective import logei
    from botorch.exceptions.warnings import InputDataWarning, OptimizationWarning
    from gpytorch.utils.warnings import NumericalWarning

    attempted = getattr(logei, "_load_attempted", None)
    with warnings.catch_warnings():
        for category in (NumericalWarning, OptimizationWarning, InputDataWarning):
            warnings.simplefilter("ignore", category)
        try:
            if attempted is not None:
                logei._load_attempted = True
            yield
        finally:
            if attempted is not None:
                logei._load_attempted = attempted
