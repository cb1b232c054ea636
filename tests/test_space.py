import itertools
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamoo_fast.search import Categorical, Float, Integer, LaMOO, Listed, Space

MIXED = Space(
    {
        "lr": Float(1e-4, 1e-1, log=True),
        "width": Float(-3, 5),
        "depth": Integer(2, 20),
        "units": Integer(1, 1000, log=True),
        "op": Categorical(["none", 3, 2.5, True, None]),
    }
)


@st.composite
def params(draw):
    kind = draw(st.sampled_from(["float", "log", "integer", "log integer", "categorical"]))
    if kind == "float":
        low, high = sorted(
            draw(st.lists(st.integers(-99, 99), min_size=2, max_size=2, unique=True))
        )
        return Float(low / 7, high / 7)
    if kind == "log":
        return Float(low := draw(st.floats(1e-9, 1e9)), low * draw(st.floats(1.5, 1e9)), log=True)
    if kind == "integer":
        return Integer(low := draw(st.integers(-(2**40), 2**40)), low + draw(st.integers(0, 2**40)))
    if kind == "log integer":
        return Integer(
            low := draw(st.integers(1, 2**20)), low + draw(st.integers(0, 2**30)), log=True
        )
    return Categorical(draw(st.lists(st.text(max_size=3), min_size=1, max_size=9, unique=True)))


@given(params(), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_every_point_of_the_cube_is_a_value_and_comes_back(param, points):
    u = np.array([*points, 0.0, 1.0])
    values = param.from_unit(u)
    assert [param.check(v) for v in values] == values
    assert all(type(v) in (float, int, str) for v in values)
    back = param.to_unit(values)
    assert ((back >= 0) & (back <= 1)).all()
    if param.n_codes is None:
        np.testing.assert_allclose(param.to_unit(values), u, atol=1e-6)
        np.testing.assert_allclose(param.from_unit(back), values, rtol=1e-9, atol=1e-12)
    else:
        assert param.from_unit(back) == values
        assert np.array_equal(back, param.snap(u))
        assert np.array_equal(param.snap(back), back)


@pytest.mark.parametrize("param", [Integer(3, 9), Categorical(["a", "b", "c", "d", "e", "f", "g"])])
def test_discrete_values_have_equal_shares_and_sit_in_the_centre(param):
    fine = (np.arange(7000) + 0.5) / 7000
    values, counts = np.unique(param.from_unit(fine), return_counts=True)
    assert counts.tolist() == [1000] * 7
    np.testing.assert_array_equal(param.to_unit(values.tolist()), (np.arange(7) + 0.5) / 7)


def test_logarithmic_integer_gives_each_value_its_share_of_the_logarithm():
    fine = (np.arange(10**5) + 0.5) / 10**5
    values, counts = np.unique(Integer(1, 4, log=True).from_unit(fine), return_counts=True)
    edges = np.log([0.5, 1.5, 2.5, 3.5, 4.5])
    assert values.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(counts / 10**5, np.diff(edges) / (edges[-1] - edges[0]), atol=1e-4)


def test_bounds_of_floats_are_met_exactly():
    for param in (Float(0.1, 0.7), Float(-1e300, 3.3), Float(1e-4, 1e-1, log=True)):
        assert param.from_unit(np.array([0.0, 1.0])) == [param.low, param.high]
        assert param.to_unit([param.low, param.high]).tolist() == [0, 1]


def test_choices_come_back_as_the_objects_they_were():
    X = np.array([[0, 0, 0, 0, u] for u in (0.1, 0.3, 0.5, 0.7, 0.9)])
    assert [c["op"] for c in MIXED.decode(X)] == ["none", 3, 2.5, True, None]


def test_encode_takes_numpy_numbers_and_any_order_of_keys():
    config = MIXED.decode(np.full((1, 5), 0.4))[0]
    odd = dict(reversed(config.items())) | {"depth": np.int32(config["depth"])}
    assert np.array_equal(MIXED.encode([odd]), MIXED.encode([config]))
    assert list(MIXED.check(odd).items()) == list(config.items())


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10))
def test_keys_are_equal_exactly_when_configurations_are(numbers):
    X = np.array(numbers).reshape(2, 5)
    a, b = MIXED.keys(X)
    assert MIXED.keys(MIXED.snap(X)) == [a, b]
    if a == b:
        assert MIXED.decode(X)[0] == MIXED.decode(X)[1]
    X[1, 2:] = X[0, 2:]
    X[1, :2] = X[0, :2]
    assert len(set(MIXED.keys(X))) == 1
    assert len(set(MIXED.keys([[0.0] * 5, [-0.0] * 5]))) == 1


def test_features_are_one_hot_for_categories_only():
    space = Space({"x": Float(0, 1), "op": Categorical(["a", "b", "c"]), "n": Integer(0, 3)})
    Z = space.features([[0.2, 0.5, 0.125], [1.0, 1.0, 0.875]])
    assert Z.tolist() == [[0.2, 0, 1, 0, 0.125], [1, 0, 0, 1, 0.875]]


def test_enumerate_lists_the_valid_product_in_order():
    space = Space(
        {"a": Integer(1, 3), "b": Categorical(["x", "y"]), "c": Integer(1, 4, log=True)},
        valid=lambda c: c["a"] != 2 or c["b"] == "x",
    )
    wanted = [
        {"a": a, "b": b, "c": c}
        for a, b, c in itertools.product((1, 2, 3), "xy", (1, 2, 3, 4))
        if a != 2 or b == "x"
    ]
    X = space.enumerate()
    assert space.decode(X) == wanted
    assert np.array_equal(space.encode(wanted), X)
    assert space.size == 20
    assert space.n_combinations == 24
    assert X is space.enumerate()
    assert not X.flags.writeable


def test_size_of_infinite_and_of_large_spaces():
    large = {f"p{i}": Integer(0, 4) for i in range(30)}
    assert (MIXED.size, MIXED.is_finite, MIXED.is_enumerable) == (None, False, False)
    assert Space(large).size == 5**30
    assert Space(large).is_finite
    assert Space(large, valid=lambda c: True).size is None
    with pytest.raises(ValueError, match="lists at most 1048576"):
        Space(large).enumerate()
    with pytest.raises(ValueError, match="infinitely many"):
        MIXED.enumerate()


def test_listed_configurations_of_a_huge_space():
    params = {f"p{i}": Integer(0, 4) for i in range(30)}
    rng = np.random.default_rng(0)
    configs = [
        dict(zip(params, row, strict=True)) for row in rng.integers(5, size=(50, 30)).tolist()
    ]
    space = Space(params, valid=Listed(configs))
    X = space.enumerate()
    assert (space.size, space.is_enumerable) == (50, True)
    assert sorted(map(str, space.decode(X))) == sorted(map(str, configs))
    assert X.tolist() == sorted(X.tolist())  # first parameter slowest
    assert space.is_valid(X).all()
    assert not space.is_valid(X[:1, ::-1]).any()
    with pytest.raises(ValueError, match="is not valid in this space"):
        space.check({**configs[0], "p0": (configs[0]["p0"] + 1) % 5})
    known = {0: lambda config: sum(config.values())}
    opt = LaMOO(space, ["minimize"] * 2, n_initial=10, known=known, seed=0)
    for _ in range(10):
        step = opt.ask(5)
        opt.tell(step, [[sum(t.config.values()), t.config["p0"] - t.config["p1"]] for t in step])
    assert sorted(str(t.config) for t in opt.trials) == sorted(map(str, configs))
    copy = pickle.loads(pickle.dumps(space))
    assert np.array_equal(copy.enumerate(), X)
    assert Space.from_dict(space.to_dict(), valid=Listed(configs)).size == 50


def test_listed_configurations_are_as_the_same_function():
    params = {"a": Integer(1, 3), "b": Categorical(["x", "y"])}
    configs = [{"a": 3, "b": "x"}, {"a": 1, "b": "y"}, {"a": 1, "b": "x"}]
    listed, masked = Listed(configs), Space(params, valid=lambda c: c in configs)
    assert np.array_equal(Space(params, valid=listed).enumerate(), masked.enumerate())
    with pytest.raises(ValueError, match="accepts none of the 6"):
        Space(params, valid=Listed([])).enumerate()
    with pytest.raises(ValueError, match="'a' is 9"):
        Space(params, valid=Listed([{"a": 9, "b": "x"}])).enumerate()
    with pytest.raises(ValueError, match="infinitely many"):
        Space({"x": Float(0, 1)}, valid=Listed([{"x": 0.5}])).enumerate()


def test_space_where_nothing_is_valid():
    with pytest.raises(ValueError, match="none of the 3 combinations"):
        Space({"a": Integer(1, 3)}, valid=lambda c: False).enumerate()


def test_is_valid_asks_about_each_configuration():
    space = Space({"a": Integer(1, 4)}, valid=lambda c: c["a"] % 2)
    assert space.is_valid([[0.125], [0.375], [0.625]]).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="not valid in this space"):
        space.encode([{"a": 2}])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(1, 1), "low < high"),
        (lambda: Float(math.nan, 1), "finite"),
        (lambda: Float(0, math.inf), "finite"),
        (lambda: Float(-1e308, 1e308), "finite"),
        (lambda: Float("0", 1), "wanted numbers"),
        (lambda: Float(0, 1, log=True), "low > 0"),
        (lambda: Integer(3, 2), "low <= high"),
        (lambda: Integer(0.5, 2), "whole numbers"),
        (lambda: Integer(0, math.inf), "whole numbers"),
        (lambda: Integer(math.nan, 2), "whole numbers"),
        (lambda: Integer(0, 2**60), "2\\*\\*51"),
        (lambda: Integer(0, 2, log=True), "low >= 1"),
        (lambda: Categorical([]), "no choices"),
        (lambda: Categorical("abc"), "is the string 'abc'"),
        (lambda: Categorical([1, True]), "equal choices"),
        (lambda: Categorical([math.nan]), "nan"),
        (lambda: Categorical([(1, 2)]), "wanted a string, number"),
        (lambda: Space({}), "params is empty"),
        (lambda: Space({1: Float(0, 1)}), "name 1 is not a string"),
        (lambda: Space({"x": (0, 1)}), "parameter 'x' is \\(0, 1\\)"),
    ],
)
def test_bad_definitions(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 1.0}, "'lr' is 1.0, wanted a number in"),
        ({"lr": math.nan}, "'lr' is nan"),
        ({"lr": "0.01"}, "'lr' is '0.01'"),
        ({"width": True}, "'width' is True"),
        ({"depth": 2.5}, "'depth' is 2.5, wanted an integer in \\[2, 20\\]"),
        ({"depth": 21}, "'depth' is 21"),
        ({"depth": math.inf}, "'depth' is inf"),
        ({"op": "skip"}, "'op' is 'skip', wanted one of"),
        ({"more": 1}, "config has keys"),
    ],
)
def test_bad_configurations(change, message):
    config = MIXED.decode(np.full((1, 5), 0.4))[0]
    with pytest.raises(ValueError, match=message):
        MIXED.encode([config, config | change])
    with pytest.raises(ValueError, match="config has keys \\['lr'\\]"):
        MIXED.encode([{"lr": 0.01}])
    with pytest.raises(ValueError, match="config is 3"):
        MIXED.encode([3])


def test_bad_points():
    for X in (np.zeros(5), np.zeros((2, 4))):
        with pytest.raises(ValueError, match="wanted \\(n, 5\\)"):
            MIXED.decode(X)


def test_description_survives_json():
    description = json.loads(json.dumps(MIXED.to_dict(), allow_nan=False))
    space = Space.from_dict(description)
    assert space.params == MIXED.params
    assert space.names == MIXED.names
    assert space.fingerprint == MIXED.fingerprint


def test_fingerprint_tells_every_change():
    a = {"x": Float(0, 1), "n": Integer(1, 3)}
    spaces = [
        Space(a),
        Space(a, valid=lambda c: True),
        Space(dict(reversed(a.items()))),
        Space(a | {"x": Float(0, 2)}),
        Space(a | {"n": Integer(1, 3, log=True)}),
        Space(a | {"n": Categorical([1, 2, 3])}),
        Space(a | {"n": Categorical(["1", "2", "3"])}),
    ]
    assert len({space.fingerprint for space in spaces}) == len(spaces)
    assert Space(a).fingerprint == spaces[0].fingerprint


def test_from_dict_refuses_what_it_cannot_rebuild():
    constrained = Space({"a": Integer(1, 3)}, valid=lambda c: True).to_dict()
    with pytest.raises(ValueError, match="wanted the function it was made with"):
        Space.from_dict(constrained)
    assert Space.from_dict(constrained, valid=lambda c: True).size == 3
    with pytest.raises(ValueError, match="fingerprint is nonsense"):
        Space.from_dict(MIXED.to_dict() | {"fingerprint": "nonsense"})
    for damaged in ({}, {"constrained": False}, {"constrained": False, "params": {"a": {}}}):
        with pytest.raises(ValueError, match="not the description of a space"):
            Space.from_dict(damaged)


def test_pickle_leaves_the_enumeration_behind():
    space = Space({"a": Integer(1, 1000), "b": Integer(1, 1000)})
    space.enumerate()
    data = pickle.dumps(space)
    assert len(data) < 1000
    assert pickle.loads(data).size == 10**6
