"""The own Gaussian process, the warp of objectives and the expected improvement."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamoo_fast as lf
from lamoo_fast.kernels import hv_improvement, is_nondominated
from lamoo_fast.search import acquisition, gp
from lamoo_fast.search.acquisition import Certain, Predicted, log_ehvi
from lamoo_fast.search.samplers.belief import _directions
from lamoo_fast.search.warp import LogWarp

MIXED = lf.Space(
    {
        **{f"op{i}": lf.Categorical(["a", "b", "c"]) for i in range(3)},
        "kind": lf.Categorical(["p", "q"]),
        "x": lf.Float(0, 1),
        "n": lf.Integer(1, 9),
    }
)


def data(n=30, seed=0, space=MIXED):
    rng = np.random.default_rng(seed)
    X = space.snap(rng.random((n, space.d)))
    return X, np.exp(rng.normal(size=n)) + X[:, -2]


def model(n=30, seed=0, space=MIXED):
    X, y = data(n, seed, space)
    inputs = gp.Inputs(space)
    covariance = gp.Covariance(inputs)
    theta = gp.fit_hyperparameters(covariance, inputs(X), y)
    return inputs, covariance, theta, X, y


@pytest.mark.parametrize(
    "space",
    [
        MIXED,
        lf.Space({"x": lf.Float(0, 1), "y": lf.Float(0, 1)}),
        lf.Space({"op": lf.Categorical("abc"[i] for i in range(3)), "b": lf.Categorical([0, 1])}),
    ],
    ids=["mixed", "numbers", "categories"],
)
def test_likelihood_has_the_right_gradient(space, monkeypatch):
    caught = {}

    def catch(objective, start, **_):
        caught["objective"], caught["start"] = objective, start
        return type("Found", (), {"x": start})

    monkeypatch.setattr(gp, "minimize", catch)
    model(space=space)
    objective = caught["objective"]
    theta = caught["start"] + np.random.default_rng(1).normal(size=len(caught["start"])) * 0.3
    slope = [
        (objective(theta + 1e-5 * e)[0] - objective(theta - 1e-5 * e)[0]) / 2e-5
        for e in np.eye(len(theta))
    ]
    gradient = objective(theta)[1]
    np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6 * np.abs(gradient).max())


def test_covariance_is_what_it_says():
    inputs = gp.Inputs(MIXED)
    covariance = gp.Covariance(inputs)
    X = data(6)[0]
    theta = covariance.mean + np.random.default_rng(2).normal(size=len(covariance.mean)) * 0.5
    K = covariance.between(theta, inputs(X), inputs(X))
    a, w = np.exp(theta[:4]), np.exp(theta[4:])
    codes = np.column_stack([p.codes(X[:, j]) for j, p in inputs.names])
    z = inputs(X)
    for i in range(6):
        for j in range(6):
            r2 = sum(w[4 + k] * (X[i, 4 + k] - X[j, 4 + k]) ** 2 for k in range(2))
            s = math.sqrt(5 * r2)
            matern = (1 + s + s * s / 3) * math.exp(-s)
            hamming = math.exp(-sum(w[k] for k in range(4) if codes[i, k] != codes[j, k]))
            counts = [np.bincount(codes[r, :3], minlength=3) / math.sqrt(3) for r in (i, j)]
            gap = np.square((counts[0] - counts[1]) * inputs.counted_scale) @ w[6:]
            expected = (
                a[0] * hamming * matern
                + a[1] * z.additive[i] @ z.additive[j]
                + a[2] * z.counted[i] @ z.counted[j]
                + a[3] * math.exp(-gap)
            )
            assert K[i, j] == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(np.diag(K), covariance.variance(theta, inputs(X)), rtol=1e-12)
    assert np.linalg.eigvalsh(K).min() > -1e-9


def test_prediction_is_that_of_the_textbook():
    inputs, covariance, theta, X, y = model()
    process = gp.GaussianProcess(covariance, theta, inputs(X), y)
    B = data(700, seed=3)[0]  # more than one block
    mean, sd = process.predict(inputs(B))
    K = covariance.between(theta[:-2], inputs(X), inputs(X)) + np.eye(len(y)) * (
        math.exp(theta[-2]) + 1e-8
    )
    k = covariance.between(theta[:-2], inputs(B), inputs(X))
    z = LogWarp(y, math.exp(theta[-1]))(y)
    np.testing.assert_allclose(mean, k @ np.linalg.solve(K, z), rtol=1e-7, atol=1e-7)
    variance = covariance.variance(theta[:-2], inputs(B)) - (k * np.linalg.solve(K, k.T).T).sum(1)
    np.testing.assert_allclose(sd, np.sqrt(np.maximum(variance, 1e-12)), rtol=1e-4, atol=1e-6)


def test_believing_keeps_the_mean_and_shrinks_the_variance():
    inputs, covariance, theta, X, y = model()
    process = gp.GaussianProcess(covariance, theta, inputs(X), y)
    new, others = data(4, seed=5)[0], data(50, seed=6)[0]
    before = process.predict(inputs(others))
    process.believe(inputs(new))
    after = process.predict(inputs(others))
    np.testing.assert_allclose(after[0], before[0], atol=1e-9)
    assert (after[1] <= before[1] + 1e-9).all()
    at_new = process.predict(inputs(new))[1]
    assert at_new.max() < 3 * math.exp(theta[-2] / 2) + 1e-3


@pytest.mark.parametrize("y", [np.zeros(5), np.full(5, 3e200), np.array([1.0, 1, 1, 1, 2])])
def test_values_without_spread(y):
    inputs = gp.Inputs(MIXED)
    covariance = gp.Covariance(inputs)
    A = inputs(data(5)[0])
    theta = gp.fit_hyperparameters(covariance, A, y)
    mean, sd = gp.GaussianProcess(covariance, theta, A, y).predict(A)
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()


@given(st.floats(0.02, 200), st.integers(0, 100))
@settings(max_examples=50, deadline=None)
def test_warp_is_increasing_and_inverse_undoes_it(shift, seed):
    y = np.exp(2 * np.random.default_rng(seed).normal(size=12))
    warp = LogWarp(y, shift)
    line = np.linspace(y.min() - 3 * np.ptp(y), y.max() + np.ptp(y), 200)
    z = warp(line)
    assert (np.diff(z) > 0).all()
    np.testing.assert_allclose(warp.inverse(z), line, rtol=1e-6, atol=1e-8 * np.ptp(y))
    assert warp(y).mean() == pytest.approx(0, abs=1e-9)
    assert warp(y).std() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("shift", [0.05, 1.0, 100.0])
@pytest.mark.parametrize("at", [-3.0, -0.5, 0.0, 0.8, 2.5])
def test_gains_are_integrals(shift, at):
    from scipy.integrate import quad
    from scipy.stats import norm

    y = np.exp(np.random.default_rng(0).normal(size=20))
    warp = LogWarp(y, shift)
    level = float(warp.inverse(np.array(at)))
    mean, sd = np.array([0.4, -1.2]), np.array([0.7, 0.3])
    gain = np.exp(warp.log_expected_gains(np.array([level]), mean, sd))[0]
    below = np.exp(warp.log_probability_below(np.array(level), mean, sd))
    for i in range(2):
        law = norm(mean[i], sd[i])
        exact, _ = quad(
            lambda z, law=law: (level - float(warp.inverse(np.array(z)))) * law.pdf(z),
            mean[i] - 12 * sd[i],
            at,
            limit=400,
            points=[max(at - 5 * sd[i], mean[i] - 11 * sd[i])],
        )
        assert gain[i] == pytest.approx(exact, rel=1e-5, abs=1e-12)
        assert below[i] == pytest.approx(law.cdf(at), rel=1e-9)


def test_gains_stay_ordered_where_they_are_tiny():
    warp = LogWarp(np.arange(1.0, 9.0), 1.0)
    means = np.linspace(1, 40, 50)
    for sd in (1e-3, 0.1):
        value = warp.log_expected_gains(np.array([0.5, 1.0, 3.0]), means, np.full(50, sd))
        assert np.isfinite(value).all()
        assert (np.diff(value, axis=1) < 0).all()


def front_of(n, m, seed):
    F = np.abs(np.random.default_rng(seed).normal(size=(n, m)))
    return F / np.linalg.norm(F, axis=1, keepdims=True)


def beliefs(m, c=6, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Predicted(
            LogWarp(rng.random(50), 1.0), rng.normal(size=c) - 1.5, np.abs(rng.normal(size=c)) + 0.1
        )
        for _ in range(m)
    ]


def sampled(F, ref, marginals, n=20000):
    rng = np.random.default_rng(9)
    gains = []
    for i in range(len(marginals[0].mean)):
        Y = np.column_stack(
            [b.warp.inverse(b.mean[i] + b.sd[i] * rng.normal(size=n)) for b in marginals]
        )
        gains.append(hv_improvement(Y, F, ref).mean())
    return np.array(gains)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_expected_improvement_is_exact_for_few_objectives(m):
    F, ref = front_of(20, m, m), np.full(m, 1.1)
    marginals = beliefs(m)
    if m == 1:
        F = F + np.linspace(0, 0.05, 20)[:, None]
    value = log_ehvi(F, ref, marginals, _directions(m, 16, 0))
    np.testing.assert_allclose(np.exp(value), sampled(F, ref, marginals), rtol=0.06)


@pytest.mark.parametrize("m", [5, 8])
def test_expected_improvement_along_directions_is_proportional(m):
    F, ref = front_of(15, m, m), np.full(m, 1.1)
    marginals = beliefs(m)
    value = np.exp(log_ehvi(F, ref, marginals, _directions(m, 512, 0)))
    truth = sampled(F, ref, marginals)
    np.testing.assert_allclose(value / value.sum(), truth / truth.sum(), rtol=0.15)


@pytest.mark.parametrize("m", [2, 3, 6])
def test_known_objectives_have_no_doubt(m):
    F, ref = front_of(15, m, m), np.full(m, 1.1)
    marginals = beliefs(m)
    marginals[0] = Certain(np.array([0.1, 0.2, 0.3, 0.5, 0.9, 2.0]))
    value = log_ehvi(F, ref, marginals, _directions(m, 1024, 0))
    nearly = [Predicted(marginals[1].warp, np.zeros(6), np.full(6, 1e-6)), *marginals[1:]]
    nearly[0] = Predicted(nearly[0].warp, nearly[0].warp(marginals[0].values), np.full(6, 1e-6))
    expected = log_ehvi(F, ref, nearly, _directions(m, 1024, 0))
    assert value[5] == -np.inf  # beyond the reference point
    scale = value[0] - expected[0]
    np.testing.assert_allclose(value[:5] - expected[:5], scale, atol=0.15)


@pytest.mark.parametrize("m", [2, 3, 6])
def test_a_reference_point_out_of_reach_still_orders_candidates(m):
    marginals = beliefs(m, c=30)
    for belief in marginals:
        belief.mean[:] = np.linspace(0, 3, 30)
        belief.sd[:] = 0.05
    ref = np.full(m, -5.0)
    value = log_ehvi(np.ones((4, m)), ref, marginals, _directions(m, 16, 0))
    assert np.isfinite(value).all()
    assert (np.diff(value) < 0).all()


def test_blocks_of_candidates_change_nothing(monkeypatch):
    F, ref, marginals = front_of(15, 6, 0), np.full(6, 1.1), beliefs(6, c=40)
    along = _directions(6, 16, 0)
    whole = log_ehvi(F, ref, marginals, along)
    monkeypatch.setattr(acquisition, "_MAX_ELEMENTS", 16 * 6 * 7)
    np.testing.assert_allclose(log_ehvi(F, ref, marginals, along), whole, rtol=1e-12)


def test_dominated_rows_do_not_matter():
    F = front_of(20, 3, 1)
    marginals, ref, along = beliefs(3), np.full(3, 1.1), _directions(3, 16, 0)
    more = np.vstack([F, F + 0.05, np.full((1, 3), 2.0)])
    assert is_nondominated(F).all()
    np.testing.assert_allclose(
        log_ehvi(more, ref, marginals, along), log_ehvi(F, ref, marginals, along), rtol=1e-9
    )


@pytest.mark.parametrize("m", [3, 4])
def test_large_fronts_go_along_directions(m, monkeypatch):
    F, ref, marginals = front_of(20, m, m), np.full(m, 1.1), beliefs(m)
    along = _directions(m, 512, 0)
    exact = log_ehvi(F, ref, marginals, along)
    monkeypatch.setattr(acquisition, "_MAX_BOXES", 30)
    value = log_ehvi(F, ref, marginals, along)
    assert not np.allclose(value, exact, rtol=1e-6)
    np.testing.assert_array_equal(value, acquisition._by_directions(F, ref, marginals, along))
