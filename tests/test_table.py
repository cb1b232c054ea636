"""Tables from files: what is read, what is refused, and their true fronts."""

import gzip
import itertools
import pickle

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast.cli import main

OBJECTIVES = {"acc": "maximize", "ms": "minimize"}
TEXT = """op,depth,acc,ms,note
skip,2,0.5,1.0,x
conv,2,0.9,3.0,y
conv,4,0.7,2.5,"a, b"
skip,4,0.4,0.5,
"""


@pytest.fixture
def read(tmp_path):
    def do(text=TEXT, name="bench.csv", parameters=("op", "depth"), objectives=None, **options):
        path = tmp_path / name
        raw = text.encode("utf-8")
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return lf.Table.read(path, list(parameters), objectives or OBJECTIVES, **options)

    return do


@pytest.mark.parametrize("name", ["bench.csv", "bench.csv.gz"])
def test_read(read, name):
    table = read(name=name)
    assert table.name == "bench"
    assert table.space.params == {
        "op": lf.Categorical(["conv", "skip"]), "depth": lf.Categorical([2, 4])
    }  # fmt: skip
    assert table.space.size == 4
    assert table.space.valid is None  # complete
    assert table.evaluate({"op": "conv", "depth": 4}) == (0.7, 2.5)
    assert table.ref == (0.4, 3.0)
    assert table.true_front().tolist() == [[0.4, 0.5], [0.5, 1.0], [0.7, 2.5], [0.9, 3.0]]
    # two boxes beyond (0.4, 3.0): 0.1 x 2.0, 0.2 x 0.5
    assert table.hypervolume() == pytest.approx(0.1 * 2.0 + 0.2 * 0.5)
    assert table.hypervolume((0.0, 4.0)) == pytest.approx(0.4 * 3.5 + 0.1 * 3 + 0.2 * 1.5 + 0.2 * 1)


def test_windows_text_and_byte_order_mark(read):
    plain = read().values
    assert (read("\ufeff" + TEXT).values == plain).all()
    assert (read(TEXT.replace("\n", "\r\n")).values == plain).all()


def test_incomplete_grid_gets_a_mask(read):
    table = read(TEXT.replace("skip,4,0.4,0.5,\n", ""))
    assert table.space.size == 3
    assert not table.space.valid({"op": "skip", "depth": 4})
    again = pickle.loads(pickle.dumps(table))
    assert again.space.size == 3
    assert again.evaluate({"op": "skip", "depth": 2}) == (0.5, 1.0)
    opt = lf.LaMOO(
        table.space, table.directions, sampler=lf.UniformSampler(), ref=table.ref, seed=0
    )
    trials = lf.Study(opt, table.evaluate, progress=False).run(10, 2)
    assert len(trials) == 3
    assert all(t.status == "done" for t in trials)


def test_types_of_parameters(read):
    text = "a,b,c,d,acc,ms\n" + "\n".join(
        f"{a},{b},{c},{d},1,2"
        for a, b, c, d in [("10", "0.5", "007", "-1"), ("9", "1e-3", "7", "0")]
    )
    space = read(text, parameters="abcd").space
    assert [p.choices for p in space.params.values()] == [
        (9, 10), (0.001, 0.5), ("007", "7"), (-1, 0)
    ]  # fmt: skip


def test_select_keeps_rows_and_front(read):
    table = read().select(["ms"])
    assert isinstance(table, lf.Table)
    assert table.ref == (3.0,)
    assert table.true_front().tolist() == [[0.5]]
    assert table.evaluate({"op": "skip", "depth": 4}) == (0.5,)
    flipped = read().select(["ms", "acc"])
    assert flipped.evaluate({"op": "skip", "depth": 2}) == (1.0, 0.5)
    assert flipped.directions == ["minimize", "maximize"]
    assert flipped.hypervolume() == pytest.approx(read().hypervolume())


def test_default_and_reference(read):
    table = read(default=["ms"], ref=(0.0, 9.0))
    assert [o.name for o in table.select().objectives] == ["ms"]
    assert table.ref == (0.0, 9.0)


def test_values_are_read_only(read):
    for table in (read(), read().select(["ms"])):
        with pytest.raises(ValueError, match="read-only"):
            table.values[0, 0] = 5


def test_true_front_against_brute_force():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 12, (200, 3)).astype(float)
    ways = ["minimize", "maximize", "minimize"]
    objectives = [lf.Objective(f"f{i}", way) for i, way in enumerate(ways)]
    table = lf.Table("t", [{"i": i} for i in range(200)], objectives, values)
    F = values * [1, -1, 1]
    kept = {
        tuple(row) for row, f in zip(values, F, strict=True)
        if not any((g <= f).all() and (g < f).any() for g in F)
    }  # fmt: skip
    assert sorted(kept) == [tuple(row) for row in table.true_front()]


def test_repeated_rows(read):
    text = TEXT + "conv,2,0.8,5.0,again\n"
    with pytest.raises(ValueError, match=r"lines 3 and 6 have the same parameters \('conv', 2\)"):
        read(text)
    table = read(text, average_repeats=True)
    assert table.evaluate({"op": "conv", "depth": 2}) == pytest.approx((0.85, 4.0))
    assert len(table.configs) == 4


@pytest.mark.parametrize(
    ("row", "column"), [("conv,6,,1,", "acc"), ("conv,6,1,nan,", "ms"), ("conv,,1,1,", "depth")]
)
def test_missing_fields(read, row, column):
    with pytest.raises(ValueError, match=f"line 6 has no '{column}'; .* drop_incomplete=True"):
        read(f"{TEXT}{row}\n")
    table = read(f"{TEXT}{row}\n", drop_incomplete=True)
    assert len(table.configs) == 4
    assert table.space.params["depth"].choices == (2, 4)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (TEXT, {"parameters": ["op", "dept"]}, "no column 'dept'; did you mean 'depth'?"),
        (TEXT, {"objectives": {"zzz": "minimize"}}, "no column 'zzz'; known: op, depth"),
        (TEXT, {"objectives": {"acc": "up"}}, "direction 'up'"),
        (TEXT + "a,b\n", {}, "line 6 has 2 fields; wanted 5 as in the header"),
        (TEXT + "a,6,high,1,\n", {}, "line 6 has 'acc' = 'high'; wanted a number"),
        (TEXT + "a,6,inf,1,\n", {}, "has inf for 'acc' in row 4; wanted a finite number"),
        ("op,depth,acc,ms\n", {}, "has no rows"),
        ("", {}, "no column 'op'"),
        (TEXT, {"ref": (1,)}, "2 objectives but ref has 1"),
        (TEXT, {"parameters": []}, "parameters is empty; wanted at least"),
    ],
)
def test_errors(read, text, options, message):
    with pytest.raises(ValueError) as caught:
        read(text, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(OSError, match=r"no\.csv"):
        lf.Table.read(tmp_path / "no.csv", ["a"], {"b": "minimize"})


def test_shapes():
    objectives = [lf.Objective("y", "minimize")]
    with pytest.raises(ValueError, match=r"values of shape \(1,\); wanted \(1, 1\)"):
        lf.Table("t", [{"a": 1}], objectives, [1.0])
    with pytest.raises(ValueError, match="2 rows but only 1 distinct"):
        lf.Table("t", [{"a": 1}, {"a": 1}], objectives, [[1.0], [2.0]])


def test_parquet(tmp_path):
    path = tmp_path / "bench.parquet"
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        with pytest.raises(ValueError, match=r"bench\.parquet is a parquet file; install pyarrow"):
            lf.Table.read(path, ["op"], OBJECTIVES)
        return
    rows = {"op": ["a", "b"], "depth": [1, 2], "acc": [0.5, 0.6], "ms": [1.0, None]}
    parquet.write_table(pyarrow.table(rows), path)
    table = lf.Table.read(path, ["op", "depth"], OBJECTIVES, drop_incomplete=True)
    assert table.configs == [{"op": "a", "depth": 1}]
    with pytest.raises(ValueError, match="line 2 has no 'ms'"):
        lf.Table.read(path, ["op", "depth"], OBJECTIVES)
    with pytest.raises(ValueError, match="no column 'opp'; did you mean 'op'"):
        lf.Table.read(path, ["opp"], OBJECTIVES)


def test_a_search_of_a_table_finds_its_front():
    configs = [{"a": a, "b": b} for a, b in itertools.product(range(8), range(8))]
    values = [[(c["a"] - 6) ** 2 + c["b"], (c["b"] - 6) ** 2 + c["a"]] for c in configs]
    objectives = [lf.Objective("f", "minimize"), lf.Objective("g", "minimize")]
    table = lf.Table("grid", configs, objectives, values)
    opt = lf.LaMOO(
        table.space, table.directions, sampler=lf.UniformSampler(), ref=table.ref, seed=1
    )
    trials = lf.Study(opt, table.evaluate, progress=False).run(200, 5)
    assert len(trials) == 64  # exhausted, and said so by stopping
    assert opt.hypervolume() == pytest.approx(table.hypervolume())
    found = {t.values for t in opt.pareto_front()}
    assert found == {tuple(row) for row in table.true_front()}


@pytest.mark.parametrize("parameters", [("op",), ("op", "depth", "note")])
def test_parameters_are_those_of_the_space(read, parameters):
    space = lf.Space({"op": lf.Categorical(["skip", "conv"]), "depth": lf.Integer(1, 4)})
    with pytest.raises(ValueError, match=r"parameters are .*, wanted \['op', 'depth'\]"):
        read(parameters=parameters, space=space)
    assert read(space=space).configs[0] == {"op": "skip", "depth": 2}


def test_a_search_of_a_flat_table_ends_in_a_summary(tmp_path, monkeypatch, capsys):
    """Its true front has no volume to take a share of."""
    (tmp_path / "flat_table.py").write_text(
        "from lamoo_fast.nas.problem import Objective\n"
        "from lamoo_fast.nas.table import Table\n"
        "ways = [Objective('a', 'minimize'), Objective('b', 'minimize')]\n"
        "flat = Table('flat', [{'i': i} for i in range(9)], ways, [[i, 1] for i in range(9)])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["search", "flat_table:flat", "--sampler", "uniform", "--budget", "5"]) == 0
    assert "hypervolume 0 against (8, 1); 5 evaluations" in capsys.readouterr().out
