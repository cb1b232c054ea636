"""Path sampling: uniform, strictly fair, and over a part of a space."""

from collections import Counter

import pytest

torch = pytest.importorskip("torch", reason="paths are drawn from a torch.Generator")

from lamoo_fast.nas.spaces.cell201 import EDGES, OPS, Cell201  # noqa: E402
from lamoo_fast.nas.supernets.paths import Choices, FairPaths, UniformPaths  # noqa: E402
from lamoo_fast.search.space import Categorical, Float, Integer, Space  # noqa: E402

CELLS = Choices(Cell201().space)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_uniform_paths_are_uniform():
    paths = UniformPaths(5000).draw(CELLS, generator())
    for edge in EDGES:
        counts = Counter(path[edge] for path in paths)
        assert all(abs(counts[op] - 1000) < 150 for op in OPS)  # five standard deviations
    together = Counter((path["0to1"], path["2to3"]) for path in paths)
    assert len(together) == 25
    assert max(together.values()) < 300


def test_fair_paths_use_every_operation_once_in_a_step():
    source = generator()
    orders = set()
    for _ in range(50):
        paths = FairPaths().draw(CELLS, source)
        assert len(paths) == len(OPS)
        for edge in EDGES:
            assert sorted(path[edge] for path in paths) == sorted(OPS)
        orders.add(tuple(path["0to1"] for path in paths))
    assert len(orders) > 30


def test_fair_paths_of_a_part_differ_by_one_at_most():
    part = CELLS.restricted({"0to1": ["none"], "2to3": ["none", "skip_connect"]})
    source = generator()
    extra = Counter()
    for _ in range(200):
        paths = FairPaths().draw(part, source)
        assert all(path in part for path in paths)
        assert {path["0to1"] for path in paths} == {"none"}
        counts = Counter(path["2to3"] for path in paths)
        assert sorted(counts.values()) == [2, 3]
        extra[max(counts, key=counts.get)] += 1
    assert abs(extra["none"] - 100) < 36  # five standard deviations


def test_invalid_combinations_are_not_drawn():
    space = Space({"a": Integer(1, 3), "b": Integer(1, 3)}, valid=lambda c: c["a"] < c["b"])
    paths = UniformPaths(100).draw(Choices(space), generator())
    assert {(p["a"], p["b"]) for p in paths} == {(1, 2), (1, 3), (2, 3)}
    with pytest.raises(ValueError, match="FairPaths wants a space whose combinations are all"):
        FairPaths().draw(Choices(space), generator())
    none = Choices(Space({"a": Integer(1, 3)}, valid=lambda c: False))
    with pytest.raises(ValueError, match="is valid"):
        UniformPaths().draw(none, generator())


def test_one_seed_one_result():
    for paths in (UniformPaths(4), FairPaths()):
        assert paths.draw(CELLS, generator(1)) == paths.draw(CELLS, generator(1))
        assert paths.draw(CELLS, generator(1)) != paths.draw(CELLS, generator(2))


def test_bad_choices():
    space = Space({"a": Categorical(["x", "y"])})
    for allowed, message in (
        ({"b": ["x"]}, r"allowed names 'b', wanted one of \['a'\]"),
        ({"a": ["z"]}, r"allowed values of 'a' are \['z'\]"),
        ({"a": []}, r"allowed values of 'a' are \[\]"),
    ):
        with pytest.raises(ValueError, match=message):
            Choices(space, allowed)
    with pytest.raises(ValueError, match="wanted a discrete one"):
        Choices(Space({"a": Float(0, 1)}))
