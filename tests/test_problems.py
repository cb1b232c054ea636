"""Problems: tables against independent copies of the data, formulas against BoTorch."""

import csv
import gzip
import itertools
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast.nas import data_folder, load_problem
from lamoo_fast.nas.nasbench201 import flops_millions, params_millions
from lamoo_fast.nas.nasbench_graph import GRAPHS, decode_key, nasbench_graph
from lamoo_fast.nas.shared_tables import separable_weights
from lamoo_fast.nas.spaces.cell201 import EDGES, OPS


def shared(name):
    """Rows of a shared table, or skip."""
    for folder in (os.environ.get("LAMOO_DATA"), Path(__file__).parents[2] / "shared/data/nas"):
        if folder and (Path(folder) / name).is_file():
            with gzip.open(Path(folder) / name, "rt", newline="") as file:
                return list(csv.DictReader(file))
    pytest.skip(f"{name} is not here: set LAMOO_DATA to the folder of the shared tables")


def needs(package):
    try:
        __import__("importlib.metadata").metadata.version(package)
    except Exception:
        pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="module")
def nb201():
    needs("analog-nasbench")
    return load_problem("nasbench201", None)


@pytest.fixture(scope="module")
def nb201_all():
    needs("analog-nasbench")
    from lamoo_fast.nas.nasbench201 import nasbench201

    return nasbench201()


def test_nasbench201_is_the_whole_space(nb201):
    assert nb201.space.size == len(nb201.configs) == 5**6
    assert nb201.space.names == ("0to1", "0to2", "1to2", "0to3", "1to3", "2to3")
    assert [o.label for o in nb201.objectives] == ["baseline_acc [%]", "flops_M [MFLOPs]"]
    assert nb201.directions == ["maximize", "minimize"]
    assert nb201.ref == (74.12, 190.63)


def test_nasbench201_reference_point_is_the_papers():
    mean, deviation = 87.05631, 12.93612
    assert mean - deviation == pytest.approx(74.12, abs=0.005)
    cost = 12 + 4 * 74.4**0.5
    assert 7.78305 + 3.93216 * cost == pytest.approx(190.637, abs=0.0005)


def test_flops_and_params_closed_form(nb201):
    flops = [flops_millions(c) for c in nb201.configs]
    params = [params_millions(c) for c in nb201.configs]
    assert (min(flops), max(flops)) == (7.78305, 220.11969)
    assert (min(params), max(params)) == (0.073306, 1.531546)
    first = dict(zip(EDGES, (OPS[i] for i in (3, 3, 4, 1, 3, 1)), strict=True))  # arch_index 1
    assert flops_millions(first) == pytest.approx(113.95137, abs=1e-9)
    assert params_millions(first) == pytest.approx(0.802426, abs=1e-9)


def test_closed_form_from_layers():
    """Build the skeleton layer by layer and count, without the formulas' shortcuts."""

    def conv(k, c_in, c_out, pixels, norm=True):
        weights = k * k * c_in * c_out
        return np.array([weights + (2 * c_out if norm else 0), weights * pixels])

    for op, k in (("nor_conv_1x1", 1), ("nor_conv_3x3", 3), ("none", 0)):
        total = conv(3, 3, 16, 32 * 32)  # stem
        for stage, (c, side) in enumerate(((16, 32), (32, 16), (64, 8))):
            if stage:  # residual block that halves the picture
                total += conv(3, c // 2, c, side**2) + conv(3, c, c, side**2)
                total += conv(1, c // 2, c, side**2, norm=False)
            for _ in range(5):  # cells with six such edges
                total += 6 * conv(k, c, c, side**2) if k else 0
        total += np.array([2 * 64 + 64 * 10 + 10, 64 * 10 + 10])  # last norm, classifier
        config = dict.fromkeys(EDGES, op)
        assert params_millions(config) * 1e6 == pytest.approx(total[0], abs=1e-3)
        assert flops_millions(config) * 1e6 == pytest.approx(total[1], abs=1e-3)


def test_nasbench201_against_the_shared_tables(nb201_all):
    joined = shared("nasbench201_joined.csv.gz")
    analog = {row["arch_index"]: row for row in shared("analognas_nb201_cifar10.csv.gz")}
    names = [o.name for o in nb201_all.objectives[:13]]
    assert len(joined) == len(analog) == 15625
    for row in joined:
        config = {edge: OPS[int(row[f"op_{edge}"])] for edge in EDGES}
        values = nb201_all.evaluate(config)
        assert values[-2] == pytest.approx(float(row["cifar10_flops_M"]), abs=1e-9)
        assert values[-1] == pytest.approx(float(row["cifar10_params_M"]), abs=1e-9)
        known = [float(analog[row["arch_index"]][name]) for name in names]
        np.testing.assert_allclose(values[:13], known, atol=5e-5)


def test_nasbench201_joined(monkeypatch):
    rows = shared("nasbench201_joined.csv.gz")
    if "LAMOO_DATA" not in os.environ:
        monkeypatch.setenv("LAMOO_DATA", str(Path(__file__).parents[2] / "shared/data/nas"))
    problem = load_problem("nasbench201-joined", ["cifar10_test_acc_200ep", "hwnb_fpga_latency_ms"])
    assert problem.directions == ["maximize", "minimize"]
    assert problem.ref[0] == 74.12
    assert problem.ref[1] == max(float(r["hwnb_fpga_latency_ms"]) for r in rows)
    for row in rows[::500]:
        config = {edge: OPS[int(row[f"op_{edge}"])] for edge in EDGES}
        wanted = float(row["cifar10_test_acc_200ep"]), float(row["hwnb_fpga_latency_ms"])
        assert problem.evaluate(config) == wanted
    front = load_problem("nasbench201-joined").true_front()
    assert len(front) == 14  # as counted when the table was made
    assert front[-1, 0] == pytest.approx(94.3733, abs=1e-4)  # the published optimum


@pytest.mark.parametrize(
    ("name", "file", "rows", "column", "best"),
    [
        ("nasbench-macro", "nasbench_macro_cifar10", 6561, "test_acc_mean", 93.1267),
        ("accel-nasbench", "accel_nasbench", 5076, "imagenet_val_top1", 67.1),
        ("darts-nb301", "darts_nb301_naslib", 1218, "val_acc", None),
        ("nasnet-lanas", "nasnet_lanas_cifar10_trained", 5402, "cifar10_acc", 93.43),
    ],
)
def test_shared_tables(monkeypatch, name, file, rows, column, best):
    raw = shared(f"{file}.csv.gz")
    if "LAMOO_DATA" not in os.environ:
        monkeypatch.setenv("LAMOO_DATA", str(Path(__file__).parents[2] / "shared/data/nas"))
    table = load_problem(name)
    assert table.space.size == len(table.configs) == rows
    assert table.objectives[0].name == column
    assert table.objectives[0].direction == "maximize"
    assert best is None or table.values[:, 0].max() == pytest.approx(best, abs=0.05)
    assert {o.direction for o in table.objectives[1:]} == {"minimize"}
    measured = {}
    for row in raw:
        measured.setdefault(tuple(int(row[k]) for k in table.space.names), []).append(row[column])
    for config in table.configs[:: rows // 20]:
        wanted = np.mean([float(v) for v in measured[tuple(config.values())]])
        assert table.evaluate(config)[0] == pytest.approx(wanted)


def test_weights_of_separable_convolutions():
    """Counted layer by layer: depthwise and pointwise, both twice."""
    torch = pytest.importorskip("torch")
    for code, k in ((0, 3), (3, 5)):
        layers = [
            layer
            for _ in range(2)
            for layer in (
                torch.nn.Conv2d(36, 36, k, groups=36, bias=False),
                torch.nn.Conv2d(36, 36, 1, bias=False),
            )
        ]
        wanted = sum(p.numel() for layer in layers for p in layer.parameters())
        config = {"n0_opA": code, "n0_opB": 1, "n0_inA": code, "n0_inB": 3}
        assert separable_weights(config) == wanted / 1000
    assert separable_weights({"n0_opA": 1, "n0_opB": 2}) == 0


def test_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LAMOO_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("LAMOO_DATA", str(tmp_path / "no"))
    with pytest.raises(ValueError, match=r"LAMOO_DATA is '.*no'; wanted the folder"):
        data_folder()
    monkeypatch.delenv("LAMOO_DATA")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ValueError, match="LAMOO_DATA is not set"):
        data_folder()
    (tmp_path / "shared/data/nas").mkdir(parents=True)
    assert data_folder() == tmp_path / "shared/data/nas"


def test_graph_keys_are_a_bijection():
    keys = [
        links * 10**4 + int("".join(map(str, ops)))
        for links in range(9)
        for ops in itertools.product(range(9), repeat=4)
    ]
    assert len({tuple(decode_key(key).values()) for key in keys}) == 9**5


@pytest.mark.parametrize("graph", ["cora", "arxiv", "proteins"])
def test_nasbench_graph_against_the_shared_table(graph):
    needs("nas-bench-graph")
    proteins = graph == "proteins"
    rows = shared("nasbench_graph_proteins.csv.gz" if proteins else "nasbench_graph.csv.gz")
    table = nasbench_graph(graph)
    assert len(table.configs) == len(rows) == table.space.size == (2021 if proteins else 26206)
    prefix, score = ("", "rocauc") if proteins else (f"{graph}_", "acc")
    columns = [f"{prefix}{c}" for c in (f"test_{score}", f"valid_{score}", "latency_s", "params_M")]
    for row in rows:
        config = {key: row[key] for key in ("links", "op0", "op1", "op2", "op3")}
        values = table.evaluate(config)
        np.testing.assert_allclose(values, [float(row[c]) for c in columns], atol=6e-7)


def test_all_graphs_load():
    needs("nas-bench-graph")
    for graph in GRAPHS:
        table = load_problem(f"nasbench-graph-{graph}")
        assert [o.name for o in table.objectives] == ["test_acc", "latency_s", "params_M"]
        assert len(table.configs) == (2021 if graph == "proteins" else 26206)
        worst = table.values[:, 0].min(), *table.values[:, 1:].max(axis=0)
        assert table.ref == worst
        assert table.hypervolume() > 0


def test_an_invalid_combination_is_refused():
    needs("nas-bench-graph")
    table = load_problem("nasbench-graph-cora")
    combinations = itertools.product(*(p.choices for p in table.space.params.values()))
    configs = (dict(zip(table.space.names, c, strict=True)) for c in combinations)
    missing = next(config for config in configs if not table.space.valid(config))
    with pytest.raises(ValueError, match="no row for"):
        table.evaluate(missing)


def botorch_values(name, X, **options):
    pytest.importorskip("botorch")
    import torch
    from botorch.test_functions import multi_objective

    function = getattr(multi_objective, name)(**options)
    low, high = function.bounds
    X = low + (high - low) * torch.tensor(X, dtype=torch.float64)
    return function.evaluate_true(X).numpy(), function


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (load_problem("branin-currin"), "BraninCurrin", {}),
        (load_problem("vehicle-safety"), "VehicleSafety", {}),
        (load_problem("dtlz2"), "DTLZ2", {"dim": 6, "num_objectives": 2}),
    ],
    ids=lambda v: getattr(v, "name", ""),
)
def test_synthetic_against_botorch(ours, theirs, options):
    X = np.random.default_rng(0).random((200, ours.space.d))
    X[:4] = [[0.0] * ours.space.d, [1.0] * ours.space.d, [0.5] * ours.space.d, X[3]]
    known, function = botorch_values(theirs, X, **options)
    got = [ours.evaluate(config) for config in ours.space.decode(X)]
    np.testing.assert_allclose(got, known, rtol=1e-9, atol=1e-12)
    # BoTorch's reference points of the first two are negated for maximisation, or rounded
    np.testing.assert_allclose(ours.ref, np.abs(function.ref_point.numpy()), rtol=1e-6)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_dtlz2_front_is_the_sphere(m):
    from lamoo_fast.nas.synthetic import dtlz2

    problem = dtlz2(d=m + 2, m=m)
    rng = np.random.default_rng(1)
    for _ in range(20):
        x = np.full(m + 2, 0.5)
        x[: m - 1] = rng.random(m - 1)
        config = {f"x{i}": v for i, v in enumerate(x)}
        assert np.sum(np.square(problem.evaluate(config))) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="d = 1 and m = 2; wanted 2 <= m <= d"):
        dtlz2(d=1, m=2)


SPACE = lf.Space({"x": lf.Float(0, 1)})


@lf.problem(SPACE, objectives={"loss": "minimize", "gain": "maximize"}, ref=(2.0, 0.0))
def trade(config):
    return config["x"], 3 * config["x"]


plain = lf.Problem("plain", SPACE, [lf.Objective("y", "minimize")], lambda c: c["x"])


def test_decorated_function():
    assert isinstance(trade, lf.Problem)
    assert trade({"x": 0.5}) == trade.evaluate({"x": 0.5}) == (0.5, 1.5)
    assert trade.directions == ["minimize", "maximize"]
    assert trade.name == "trade"


def test_problem_by_name():
    found = load_problem("test_problems:trade", ["gain"])
    assert found.evaluate({"x": 0.5}) == (1.5,)
    assert found.ref == (0.0,)
    assert load_problem("test_problems:plain").evaluate({"x": 0.25}) == (0.25,)


def test_problems_pickle_as_their_names():
    for problem in (trade, trade.select(["gain"]), load_problem("test_problems:plain"),
                    load_problem("branin-currin", ["currin"])):  # fmt: skip
        data = pickle.dumps(problem.evaluate)
        assert len(data) < 500
        config = problem.space.decode(np.full((1, problem.space.d), 0.3))[0]
        assert pickle.loads(data)(config) == problem.evaluate(config)


def test_pickled_table_is_loaded_elsewhere(nb201, tmp_path):
    (tmp_path / "p.pkl").write_bytes(pickle.dumps(nb201.select(["flops_M"])))
    code = (
        "import pickle; p = pickle.load(open('p.pkl', 'rb'))\n"
        "print(p.evaluate(dict.fromkeys(p.space.names, 'none')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "(7.78305,)\n"


@pytest.mark.parametrize(
    ("result", "names", "wanted"),
    [
        ({"b": 2, "a": 1, "extra": 0}, ["a", "b"], (1.0, 2.0)),
        ([1, 2], ["a", "b"], (1.0, 2.0)),
        (np.array([1.0, 2.0]), ["a", "b"], (1.0, 2.0)),
        (3, ["a"], (3.0,)),
        (np.float32(0.5), ["a"], (0.5,)),
    ],
)
def test_what_an_evaluation_may_return(result, names, wanted):
    objectives = [lf.Objective(name, "minimize") for name in names]
    got = lf.Problem("p", SPACE, objectives, lambda config: result).evaluate({})
    assert got == wanted
    assert all(type(v) is float for v in got)


def test_known_objectives_go_to_the_search():
    table = load_problem("nasbench201", ["params_M", "baseline_acc", "flops_M"])
    assert sorted(table.known) == [0, 2]
    for config in table.configs[::1000]:
        values = table.evaluate(config)
        assert [table.known[i](config) for i in (0, 2)] == [values[0], values[2]]

    @lf.problem(SPACE, {"y": "minimize", "x": "maximize"}, known={"x": lambda c: c["x"]})
    def trade(config):
        return -config["x"], config["x"]

    assert list(trade.known) == [1]
    assert list(trade.select(["x"]).known) == [0]
    assert trade.select(["y"]).known == {}


def test_what_an_evaluation_may_not_return():
    objectives = [lf.Objective("a", "minimize"), lf.Objective("b", "minimize")]
    with pytest.raises(ValueError, match="returned 3 values; wanted 2"):
        lf.Problem("p", SPACE, objectives, lambda c: (1, 2, 3)).evaluate({})
    with pytest.raises(ValueError, match=r"returned \['a'\]; wanted also \['b'\]"):
        lf.Problem("p", SPACE, objectives, lambda c: {"a": 1}).evaluate({})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_problem("nasbench210"), "unknown problem 'nasbench210'; did you mean"),
        (lambda: load_problem("zzz"), "unknown problem 'zzz'; known: nasbench201, "),
        (lambda: load_problem("nasbench-graph-coral"), "did you mean 'nasbench-graph-cora'"),
        (lambda: nasbench_graph("pubmad"), "unknown graph 'pubmad'; did you mean 'pubmed'"),
        (lambda: load_problem("dtlz2", ["f9"]), "unknown objective 'f9' of 'dtlz2'; did you mean"),
        (lambda: load_problem("dtlz2", ["f0", "f0"]), "wanted distinct names"),
        (lambda: load_problem("dtlz2", []), "no objectives chosen for 'dtlz2'"),
        (lambda: load_problem("no.such:f"), "cannot be imported: ModuleNotFoundError"),
        (lambda: load_problem("test_problems:trad"), "has no 'trad'; did you mean 'trade'"),
        (lambda: load_problem("math:sqrt"), "math:sqrt is a builtin_function_or_method; wanted a"),
        (lambda: lf.Objective("a", "maximise"), "direction 'maximise'; wanted 'maximize' or"),
        (lambda: lf.Objective("a", "minimize", known=3), "has known 3; wanted a callable"),
        (lambda: lf.problem(SPACE, {"loss": "minimize"}, known={"los": len}),
         "known names 'los'; did you mean 'loss'?"),
        (lambda: lf.Problem("p", SPACE, [], len), "has no objectives"),
        (lambda: lf.Problem("p", SPACE, plain.objectives, len, ref=(1, 2)),
         "1 objectives but ref has 2"),
    ],
)  # fmt: skip
def test_errors_name_what_was_got(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
