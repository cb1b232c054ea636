"""Models that predict one number of architectures from few examples, with an uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.gp import Covariance, GaussianProcess, Inputs, fit_hyperparameters
from lamoo_fast.search.hints import Hints
from lamoo_fast.search.scores import Scaled
from lamoo_fast.search.space import Config, Space

Floats = npt.NDArray[np.float64]
Encoding: TypeAlias = Callable[[Sequence[Config]], npt.ArrayLike]
"""Takes n configurations and returns features (n, k)."""

_MAX_FITTED = 400  # examples that hyperparameters are fitted to


class Model(Protocol):
    """Predicts a number of mean about 0 and variance about 1, which is to be small."""

    def fit(self, configs: Sequence[Config], z: Floats) -> None:
        """Forget what was, and learn the values z (n,) of n configurations."""

    def predict(self, configs: Sequence[Config]) -> tuple[Floats, Floats]:
        """Mean and standard deviation (n,) of each configuration's value."""


class ProcessModel:
    """A Gaussian process of the search: a covariance for the choices, and one for features.

    Parameters
    ----------
    space : Space
        Where the configurations lie.
    encode : Encoding, optional
        Features that matter more than single choices.

    Notes
    -----
    O(n^3) to condition on n examples (`lamoo_fast.search.gp`); the hyperparameters, which take
    some 40 times that, are fitted to at most 400 of them.
    """

    def __init__(self, space: Space, encode: Encoding | None = None) -> None:
        self._space = space
        self._hints = Hints(space, encode)

    def fit(self, configs: Sequence[Config], z: Floats) -> None:
        """Fit the hyperparameters and condition on all examples."""
        X = self._space.encode(configs)
        self._inputs = Inputs(self._space, Scaled(self._hints, X))
        self._covariance, A = Covariance(self._inputs), self._inputs(X)
        rows = np.sort(np.random.default_rng(0).permutation(len(z))[:_MAX_FITTED])
        self._theta = fit_hyperparameters(self._covariance, A[rows], z[rows])
        self._process = GaussianProcess(self._covariance, self._theta, A, z)

    def left_out(self, configs: Sequence[Config], z: Floats, parts: npt.NDArray[np.int_]) -> Floats:
        """Predictions (n,) of each example from those of the other `parts`, after `fit`.

        The hyperparameters stay what they are: that costs one part as much as the whole.
        """
        A = self._inputs(self._space.encode(configs))
        predicted = np.empty(len(z))
        for part in np.unique(parts):
            out = np.flatnonzero(parts == part)
            rest = np.flatnonzero(parts != part)
            process = GaussianProcess(self._covariance, self._theta, A[rest], z[rest])
            predicted[out] = process.warp.inverse(process.predict(A[out])[0])
        return predicted

    def predict(self, configs: Sequence[Config]) -> tuple[Floats, Floats]:
        """Quantiles of the process: median, and half of what lies a deviation to both sides."""
        mean, sd = self._process.predict(self._inputs(self._space.encode(configs)))
        low, middle, high = (self._process.warp.inverse(mean + k * sd) for k in (-1, 0, 1))
        return middle, (high - low) / 2


class Ensemble:
    """Regressors of one kind on features, each on a bootstrap sample of the examples.

    Parameters
    ----------
    make : callable
        Takes a whole number, the seed, and returns a regressor with the methods ``fit(X, y)`` and
        ``predict(X)`` of scikit-learn.
    encode : Encoding
        Features; they are standardised.
    members : int
        Number of regressors.
    seed : int
        For the samples and the regressors.

    Notes
    -----
    The deviation is that of the members' predictions: Breiman, "Bagging predictors" (1996).
    """

    def __init__(
        self, make: Callable[[int], Any], encode: Encoding, *, members: int = 8, seed: int = 0
    ) -> None:
        self._make, self._encode, self._members, self._seed = make, encode, members, seed

    def fit(self, configs: Sequence[Config], z: Floats) -> None:
        """Fit all members."""
        X = np.asarray(self._encode(configs), dtype=np.float64)
        spread = X.std(axis=0)
        self._mean, self._sd = X.mean(axis=0), np.where(spread > 0, spread, 1.0)
        X = (X - self._mean) / self._sd
        rng = np.random.default_rng(self._seed)
        self._fitted = []
        for _ in range(self._members):
            rows = rng.integers(len(z), size=len(z))
            member = self._make(int(rng.integers(2**31)))
            self._fitted.append(member.fit(X[rows], z[rows]))

    def predict(self, configs: Sequence[Config]) -> tuple[Floats, Floats]:
        """Mean and deviation over the members."""
        X = (np.asarray(self._encode(configs), dtype=np.float64) - self._mean) / self._sd
        each = np.array([member.predict(X) for member in self._fitted])
        return each.mean(axis=0), each.std(axis=0)


class Average:
    """The mean of several models, each as likely to be right as the others.

    Parameters
    ----------
    *models : Model
        At least one.
    """

    def __init__(self, *models: Model) -> None:
        if not models:
            raise ValueError("models is empty; wanted at least one")
        self._models = models

    def fit(self, configs: Sequence[Config], z: Floats) -> None:
        """Fit all models."""
        for model in self._models:
            model.fit(configs, z)

    def predict(self, configs: Sequence[Config]) -> tuple[Floats, Floats]:
        """Mean and deviation of the mixture."""
        means, sds = map(np.array, zip(*(m.predict(configs) for m in self._models), strict=True))
        return means.mean(axis=0), np.sqrt(np.square(sds).mean(axis=0) + means.var(axis=0))


def boosted_trees(seed: int) -> Any:
    """Make scikit-learn's gradient boosting with settings for some ten to hundred examples."""
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(
        n_estimators=100, learning_rate=0.08, max_depth=3, subsample=0.7, random_state=seed
    )


def perceptron(seed: int) -> Any:
    """Make scikit-learn's multilayer perceptron with settings for some ten to hundred examples."""
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(
        hidden_layer_sizes=(32, 32),
        alpha=0.3,
        solver="lbfgs",
        tol=1e-3,
        max_iter=5000,
        random_state=seed,
    )


def extra_trees(seed: int) -> Any:
    """Make scikit-learn's extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(n_estimators=50, random_state=seed)
