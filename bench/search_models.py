"""Rivals of the study that learn a model: a plain Gaussian process, Optuna's samplers, BoTorch."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize_scalar
from scipy.special import ndtr
from search_problems import StudyProblem
from search_rivals import Array, Method, UnfitError, Unseen, needs

import lamoo_fast as lf
from lamoo_fast.search.space import Categorical, Float


class HammingGP:
    """Largest expected hypervolume improvement over all unseen points of an enumerable space.

    One Gaussian process for each of the two objectives, kernel exp(-l h) of the number h of
    coordinates that differ, l by maximum likelihood. With `known`, an objective that follows from
    the configuration is not modelled but taken as it is.
    """

    def __init__(
        self, problem: StudyProblem, X: Array, F: Array, seed: int, *, known: bool = False
    ) -> None:
        if problem.m != 2:
            raise UnfitError("the improvement is exact for two objectives only")
        if not problem.space.is_enumerable:
            raise UnfitError("needs a space that can be enumerated")
        self.space = problem.space
        self.ref = problem.signs * np.array(problem.ref)
        self.grid = self.space.enumerate()
        self.row = {key: i for i, key in enumerate(self.space.keys(self.grid))}
        self.rows: list[int] = []
        self.distance = np.empty((0, len(self.grid)))  # from each evaluated point to all points
        self.F = np.empty((0, 2))
        if known and not problem.known:
            raise UnfitError("no objective follows from the configuration")
        configs = self.space.decode(self.grid) if known else []
        self.known = {
            j: problem.signs[j] * np.array([function(config) for config in configs])
            for j, function in problem.known.items()
            if known
        }
        self.tell(X, F)

    def tell(self, X: Array, F: Array) -> None:
        self.rows += [self.row[key] for key in self.space.keys(X)]
        differ = [(np.abs(self.grid - x) > 1e-9).sum(axis=1) for x in X]
        self.distance = np.vstack([self.distance, differ])
        self.F = np.vstack([self.F, F])

    def ask(self) -> Array:
        left = np.ones(len(self.grid), dtype=bool)
        left[self.rows] = False
        left = np.flatnonzero(left)
        to_known = self.distance[:, self.rows]
        models = [
            (self.known[j][left], np.full(len(left), 1e-12))
            if j in self.known
            else predict(to_known, self.distance[:, left], self.F[:, j])
            for j in (0, 1)
        ]
        front = self.F[lf.is_nondominated(self.F)]
        value = ehvi(models, front[(front < self.ref).all(axis=1)], self.ref)
        if value.max() <= 0:  # far from the reference point: the most optimistic sum
            value = -sum((mean - std - r) for (mean, std), r in zip(models, self.ref, strict=True))
        return self.grid[left[np.argmax(value)]][None]


def predict(known: Array, new: Array, y: Array) -> tuple[Array, Array]:
    """Mean and standard deviation (N,) at distances `new (n, N)` from n points with values y."""
    mean, scale = y.mean(), y.std() or 1.0
    z = (y - mean) / scale
    nugget = 1e-4 * np.eye(len(z))

    def loss(log_l: float) -> float:
        """Negative log-likelihood, the variance of the kernel set to its best value."""
        L = cholesky(np.exp(-np.exp(log_l) * known) + nugget, lower=True)
        a = solve_triangular(L, z, lower=True)
        return len(z) / 2 * np.log(max(a @ a, 1e-12)) + np.log(np.diag(L)).sum()

    length = np.exp(minimize_scalar(loss, bounds=np.log([0.01, 5.0]), method="bounded").x)
    factor = cho_factor(np.exp(-length * known) + nugget, lower=True)
    weights = cho_solve(factor, z)
    variance = max(z @ weights / len(z), 1e-12)
    K = np.exp(-length * new)
    left = 1 + 1e-4 - (solve_triangular(factor[0], K, lower=True) ** 2).sum(axis=0)
    std = np.sqrt(variance * np.maximum(left, 1e-10))
    return mean + scale * (weights @ K), scale * std


def ehvi(models: list[tuple[Array, Array]], front: Array, ref: Array) -> Array:
    """Expected improvement of the hypervolume of a front (k, 2) by independent normals (N,).

    Between neighbours of the front, what lies in the strip and below the front is a product of
    one-dimensional expected improvements.
    """

    def below(j: int, bound: float) -> Array:
        mean, std = models[j]
        if bound == -np.inf:
            return np.zeros(len(mean))
        z = (bound - mean) / std
        return std * (z * ndtr(z) + np.exp(-z * z / 2) / np.sqrt(2 * np.pi))

    front = front[np.argsort(front[:, 0])]
    edges = [-np.inf, *front[:, 0], ref[0]]
    heights = [ref[1], *front[:, 1]]
    widths = [below(0, edge) for edge in edges]
    strips = [
        (right - left) * below(1, height)
        for left, right, height in zip(widths, widths[1:], heights, strict=False)
    ]
    return np.sum(strips, axis=0)


class Optuna:
    """A sampler of Optuna; categories are categorical there, real numbers lie in [0, 1]."""

    def __init__(
        self,
        sampler: Callable[[Any, int], Any],
        problem: StudyProblem,
        X: Array,
        F: Array,
        seed: int,
    ) -> None:
        needs("optuna")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        self.space = problem.space
        self.dimensions = {
            name: optuna.distributions.FloatDistribution(0.0, 1.0)
            if param.n_codes is None
            else optuna.distributions.CategoricalDistribution(range(param.n_codes))
            for name, param in self.space.params.items()
        }
        self.study = optuna.create_study(
            directions=["minimize"] * problem.m, sampler=sampler(optuna.samplers, seed)
        )
        for x, values in zip(X, F, strict=True):
            self.study.enqueue_trial(self._params(x))
            self.trial = self.study.ask(self.dimensions)
            self.tell(x[None], values[None])

    def ask(self) -> Array:
        self.trial = self.study.ask(self.dimensions)
        x = [
            value if (k := self.space.params[name].n_codes) is None else (value + 0.5) / k
            for name, value in self.trial.params.items()
        ]
        return self.space.snap(np.array([x]))

    def tell(self, X: Array, F: Array) -> None:
        self.study.tell(self.trial, F[0].tolist())

    def _params(self, x: Array) -> dict[str, Any]:
        return {
            name: float(u)
            if param.n_codes is None
            else min(int(u * param.n_codes), param.n_codes - 1)
            for (name, param), u in zip(self.space.params.items(), x, strict=True)
        }


def motpe(problem: StudyProblem, X: Array, F: Array, seed: int) -> Method:
    return Optuna(
        lambda s, seed: s.TPESampler(
            multivariate=True, constant_liar=False, n_ei_candidates=64, seed=seed
        ),
        problem, X, F, seed,
    )  # fmt: skip


def optuna_gp(problem: StudyProblem, X: Array, F: Array, seed: int) -> Method:
    """Optuna's Gaussian process; a proposal takes a minute with over a hundred choices in all."""
    needs("torch")
    if sum(param.n_codes or 0 for param in problem.space.params.values()) > 50:
        raise UnfitError("too slow with so many choices")
    return Optuna(
        lambda s, seed: s.GPSampler(seed=seed, deterministic_objective=True), problem, X, F, seed
    )


def optuna_nsga2(problem: StudyProblem, X: Array, F: Array, seed: int) -> Method:
    return Optuna(
        lambda s, seed: s.NSGAIISampler(population_size=10, seed=seed), problem, X, F, seed
    )


class BoTorch:
    """qLogNEHVI on BoTorch's own models, mixed ones with a Hamming kernel for categories.

    So that a run ends within minutes the integral has 64 quasi-random samples, and candidates are
    a sample: 512 unseen points of an enumerable space and the unseen ones of up to 512 changes of
    one coordinate of the front (which is what BoTorch's own search over categories starts from);
    real spaces are searched by 2 starts of L-BFGS from 64 points.
    """

    def __init__(self, problem: StudyProblem, X: Array, F: Array, seed: int) -> None:
        needs("botorch")
        self.problem, self.space, self.seed = problem, problem.space, seed
        self.rng = np.random.default_rng(seed)
        kinds = {type(p) for p in self.space.params.values()}
        if kinds not in ({Categorical}, {Float}):
            raise UnfitError("only for spaces of categories or of real numbers")
        self.categorical = kinds == {Categorical}
        if self.categorical and not self.space.is_enumerable:
            raise UnfitError("candidates need a space that can be enumerated")
        self.unseen = Unseen(self.space, X) if self.categorical else None
        self.X, self.F = X, F

    def tell(self, X: Array, F: Array) -> None:
        self.X, self.F = np.vstack([self.X, X]), np.vstack([self.F, F])
        if self.unseen is not None:
            self.unseen.remove(X)

    def ask(self) -> Array:
        import torch
        from botorch.acquisition.multi_objective.logei import (
            qLogNoisyExpectedHypervolumeImprovement,
        )
        from botorch.optim import optimize_acqf
        from botorch.sampling.normal import SobolQMCNormalSampler

        torch.set_num_threads(1)
        torch.manual_seed(int(self.rng.integers(2**31)))
        ref = -self.problem.signs * np.array(self.problem.ref)
        center, scale = -self.F.mean(axis=0), self.F.std(axis=0) + 1e-12
        Z, Y = torch.from_numpy(self.X), torch.from_numpy((-self.F - center) / scale)
        m = self.problem.m
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = qLogNoisyExpectedHypervolumeImprovement(
                self._model(Z, Y),
                torch.from_numpy((ref - center) / scale),
                Z,
                sampler=SobolQMCNormalSampler(torch.Size([64 if m < 5 else 16])),
                prune_baseline=True,
                alpha=0.0 if m <= 4 else 1e-2,
            )
            if self.categorical:
                X = self._candidates()
                with torch.no_grad():
                    found = torch.cat(
                        [value(z.unsqueeze(1)) for z in torch.from_numpy(X).split(64)]
                    )
                return X[int(found.argmax())][None]
            bounds = torch.tensor([[0.0], [1.0]], dtype=torch.double).repeat(1, self.space.d)
            x, _ = optimize_acqf(
                value, bounds, q=1, num_restarts=2, raw_samples=64, options={"maxiter": 50}
            )
        return x.numpy()

    def _model(self, Z: Any, Y: Any) -> Any:
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import MixedSingleTaskGP, ModelListGP, SingleTaskGP
        from gpytorch.mlls import SumMarginalLogLikelihood

        every = list(range(self.space.d))
        models = [
            MixedSingleTaskGP(Z, y[:, None], cat_dims=every)
            if self.categorical
            else SingleTaskGP(Z, y[:, None])
            for y in Y.T
        ]
        model = ModelListGP(*models)
        fit_gpytorch_mll(
            SumMarginalLogLikelihood(model.likelihood, model),
            optimizer_kwargs={"options": {"maxiter": 100}},
        )
        return model

    def _candidates(self) -> Array:
        assert self.unseen is not None
        left = self.unseen.points()
        front = self.X[lf.is_nondominated(self.F)]
        codes = [p.n_codes or 1 for p in self.space.params.values()]
        near = []
        for x in front:
            for j, k in enumerate(codes):
                changed = np.repeat(x[None], k, axis=0)
                changed[:, j] = (np.arange(k) + 0.5) / k
                near.append(changed)
        X = self.space.snap(np.vstack(near))
        known = set(self.space.keys(left))
        X = X[[key in known for key in self.space.keys(X)]]
        X = X[self.rng.permutation(len(X))[:512]]
        return np.vstack([X, left[self.rng.permutation(len(left))[:512]]])
