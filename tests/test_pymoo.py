"""pymoo: the same fronts, survivors and values as its own parts have, and LaMOO as an algorithm."""

import numpy as np
import pytest

pytest.importorskip("pymoo")

from pymoo.algorithms.moo import sms
from pymoo.algorithms.moo.nsga2 import NSGA2, RankAndCrowding
from pymoo.core.population import Population
from pymoo.core.problem import ElementwiseProblem, Problem
from pymoo.core.variable import Binary, Choice, Integer, Real
from pymoo.indicators import epsilon, hv, igd_plus
from pymoo.optimize import minimize
from pymoo.problems import get_problem
from pymoo.util.nds import non_dominated_sorting

from lamoo_fast.adapters import pymoo as adapter

SORTING = non_dominated_sorting.NonDominatedSorting()


def points(seed, n, m):
    return np.random.default_rng(seed).integers(0, 7, (n, m)).astype(float)


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_sorts_as_pymoo(m):
    for seed, n in enumerate([0, 1, 30, 200]):
        F = points(seed, n, m)
        F[::7] = np.inf
        limits_of = {"n_stop_if_ranked": (0, 1 + n // 2), "n_fronts": (0, 2)}
        for limits in ({}, *({name: v} for name, values in limits_of.items() for v in values)):
            mine, rank = adapter.FrontSorting().do(F, return_rank=True, **limits)
            theirs, wanted = SORTING.do(F, return_rank=True, **limits)
            assert [f.tolist() for f in mine] == [f.tolist() for f in theirs]
            np.testing.assert_array_equal(rank, wanted)
        first = adapter.FrontSorting().do(F, only_non_dominated_front=True)
        np.testing.assert_array_equal(first, SORTING.do(F, only_non_dominated_front=True))


def test_nan_is_worst():
    F = np.array([[np.nan, 0.0], [1.0, 1.0], [np.inf, 0.0]])
    assert [f.tolist() for f in adapter.FrontSorting().do(F)] == [[1, 2], [0]]


def final(algorithm, problem="zdt1", n_gen=15):
    return minimize(get_problem(problem), algorithm, ("n_gen", n_gen), seed=3).pop.get("F")


@pytest.mark.parametrize("problem", ["zdt1", "dtlz2", "bnh"])
def test_nsga2_goes_on_as_before(problem):
    wanted = final(NSGA2(pop_size=30), problem)
    survival = RankAndCrowding(nds=adapter.FrontSorting())
    np.testing.assert_array_equal(final(NSGA2(pop_size=30, survival=survival), problem), wanted)
    with adapter.kernels():
        np.testing.assert_array_equal(final(NSGA2(pop_size=30), problem), wanted)


@pytest.mark.parametrize("problem", ["zdt1", "dtlz2", "bnh"])
def test_sms_emoa_goes_on_as_before(problem):
    wanted = final(sms.SMSEMOA(pop_size=20), problem, 8)
    mine = sms.SMSEMOA(pop_size=20, survival=adapter.HypervolumeSurvival())
    np.testing.assert_array_equal(final(mine, problem, 8), wanted)
    with adapter.kernels():
        np.testing.assert_array_equal(final(sms.SMSEMOA(pop_size=20), problem, 8), wanted)


def test_indicators():
    F, front = points(0, 40, 3) + 1, points(1, 10, 3) + 1
    ref = np.full(3, 6.0)
    indicators = [
        hv.HV(ref_point=ref), igd_plus.IGDPlus(front), epsilon.Epsilon(front),
        epsilon.EpsilonMultiplicative(front),
    ]  # fmt: skip
    wanted = [indicator(F) for indicator in indicators]
    assert adapter.Volume(ref_point=ref)(F) == pytest.approx(wanted[0], rel=1e-12)
    with adapter.kernels():
        assert [indicator(F) for indicator in indicators] == pytest.approx(wanted, rel=1e-12)


def test_kernels_are_taken_out_again():
    before = sms.hv_contributions, non_dominated_sorting.pareto_rank, hv._hypervolume

    def fails():
        assert sms.hv_contributions is not before[0]
        raise KeyError

    with pytest.raises(KeyError), adapter.kernels(), adapter.kernels():
        fails()
    assert (sms.hv_contributions, non_dominated_sorting.pareto_rank, hv._hypervolume) == before


def test_another_version_is_refused(monkeypatch):
    before = non_dominated_sorting.pareto_rank
    monkeypatch.delattr(sms, "hv_contributions")
    with (
        pytest.raises(AttributeError, match=r"pymoo .* has no pymoo\.algorithms\.moo\.sms\.hv_con"),
        adapter.kernels(),
    ):
        pass
    assert non_dominated_sorting.pareto_rank is before


# ---- LaMOO ----

SETTINGS = {"n_initial": 8}


class Mixed(ElementwiseProblem):
    def __init__(self):
        variables = {
            "x": Real(bounds=(0, 1)), "n": Integer(bounds=(1, 3)), "c": Choice(options=["a", "b"]),
            "b": Binary(),
        }  # fmt: skip
        super().__init__(vars=variables, n_obj=2, n_ieq_constr=1, n_eq_constr=1)

    def _evaluate(self, X, out, *args, **kwargs):
        worse = X["n"] + (X["c"] == "b")
        out["F"] = [X["x"] + worse, 1 - X["x"] + worse if X["b"] else np.nan]
        out["G"] = [0.2 - X["x"]]
        out["H"] = [X["n"] - 2]


def test_searches_mixed_spaces_with_constraints():
    algorithm = adapter.LaMOO(4, settings=SETTINGS)
    result = minimize(Mixed(), algorithm, ("n_eval", 32), seed=1, copy_algorithm=True)
    assert algorithm.search is None
    assert all(x["n"] == 2 and x["x"] >= 0.2 and x["b"] for x in result.X)
    trials = result.algorithm.search.trials
    assert len(trials) == 32
    assert {t.status for t in trials} == {"done", "failed"}


def test_one_seed_one_result():
    def run(seed):
        algorithm = adapter.LaMOO(4, settings=SETTINGS)
        return minimize(get_problem("bnh"), algorithm, ("n_eval", 16), seed=seed).pop.get("X")

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_ask_and_tell_in_any_order_and_the_end_of_a_finite_space():
    class Small(ElementwiseProblem):
        def __init__(self):
            super().__init__(n_var=2, n_obj=2, xl=[0, 0], xu=[2, 0], vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            out["F"] = [x[0], -x[0]]

    algorithm = adapter.LaMOO(2)
    algorithm.setup(Small(), termination=("n_gen", 9), seed=0)
    infills = algorithm.ask()
    algorithm.evaluator.eval(algorithm.problem, infills)
    algorithm.tell(infills=infills[::-1])
    result = algorithm.run()
    assert sorted(x[0] for x in result.X) == [0, 1, 2]
    assert [t.values[0] == t.config["0"] for t in algorithm.search.trials] == [True] * 3


class Failing(ElementwiseProblem):
    """Fails at first, and in a part of the space, where one value is the best of all."""

    def __init__(self, first):
        super().__init__(n_var=2, n_obj=2, xl=0, xu=1)
        self.first, self.calls = first, 0

    def _evaluate(self, x, out, *args, **kwargs):
        self.calls += 1
        bad = self.calls <= self.first or x[0] < 0.3
        out["F"] = [np.nan, -5.0] if bad else [x[0], 1 - x[0]]


@pytest.mark.parametrize("first", [0, 4, 99])
def test_failed_solutions_are_never_the_result(first):
    algorithm = adapter.LaMOO(3, settings=SETTINGS)
    result = minimize(Failing(first), algorithm, ("n_eval", 12), seed=1, verbose=True)
    assert len(result.pop) == 12
    assert result.F is None if first == 99 else np.isfinite(result.F).all()


def test_binary_problems():
    class Bits(ElementwiseProblem):
        def __init__(self):
            super().__init__(n_var=4, n_obj=2, xl=0, xu=1, vtype=bool)

        def _evaluate(self, x, out, *args, **kwargs):
            assert x.dtype == bool
            out["F"] = [x.sum(), -1.0 * x[0]]

    result = minimize(Bits(), adapter.LaMOO(4, settings=SETTINGS), ("n_eval", 99), seed=1)
    assert len(result.algorithm.search.trials) == 16
    assert sorted(result.F.tolist()) == [[0, 0], [1, -1]]


def test_choices_of_numpy():
    space = adapter.space_of(Problem(vars={"c": Choice(options=np.array([2, 3]))}, n_obj=1))
    assert space.params["c"].choices == (2, 3)


@pytest.mark.parametrize("bad", [[1.5, np.nan], [np.nan, -1], [-1, np.inf]])
def test_what_is_not_finite_goes_first(bad):
    F = np.array([[0, 3], [1, 2], [2, 1], [3, 0], bad])
    pop = Population.new("F", F)
    kept = adapter.HypervolumeSurvival().do(Problem(n_var=1, n_obj=2), pop, n_survive=4)
    np.testing.assert_array_equal(kept.get("F"), F[:4])


def test_bounds_are_wanted():
    with pytest.raises(ValueError, match="bounds"):
        adapter.LaMOO().setup(ElementwiseProblem(n_var=2, n_obj=2))
