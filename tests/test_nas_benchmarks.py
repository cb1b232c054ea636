"""Official benchmark files, made here in their form, and problems of shared tables."""

import bz2
import collections
import os
import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from nas_data import shared

from lamoo_fast.nas import data_folder, load_hints, load_problem
from lamoo_fast.nas.hw_nas_bench import official
from lamoo_fast.nas.nasbench301 import flops_millions, nasbench301, network, surrogate
from lamoo_fast.nas.nats_bench import SIMPLE, WHOLE, nasbench201_official
from lamoo_fast.nas.spaces.cell201 import Cell201

CELLS = [dict(zip(Cell201().space.names, ops, strict=True)) for ops in (
    ["nor_conv_3x3"] * 6, ["none"] * 6, ["skip_connect", "none"] * 3,
)]  # fmt: skip


def training(i, epochs):
    """Results of a cell on all data sets, two seeds on CIFAR-10."""
    seeds = {"cifar10": [777, 888], "cifar100": [777], "ImageNet16-120": [777]}
    seeds["cifar10-valid"] = [777]
    results = {}
    for dataset, numbers in seeds.items():
        for seed in numbers:
            accuracies = {
                f"{name}@{e}": np.float64(e / 10 + i + (seed == 888))
                for name in ("ori-test", "x-test", "x-valid")
                for e in range(epochs)
            }
            results[dataset, seed] = collections.OrderedDict(
                eval_acc1es=accuracies, flop=100.0 + i, params=1.5 + i, latency=None
            )
    return {"arch_index": i, "all_results": results, "dataset_seed": seeds}


def save(path, data):
    path.write_bytes(bz2.compress(pickle.dumps(data, protocol=4)))


@pytest.fixture
def nats(tmp_path):
    folder = tmp_path / SIMPLE
    folder.mkdir()
    names = [Cell201().encode(cell) for cell in CELLS]
    save(folder / "meta.pickle.pbz2", {"meta_archs": names, "total_archs": 3})
    for i in range(3):
        save(folder / f"{i:06d}.pickle.pbz2", {"12": training(i, 12), "200": training(i, 200)})
    return folder


def check_official(table):
    assert table.configs == CELLS
    for i, row in enumerate(table.values):
        np.testing.assert_allclose(
            row, [19.9 + i + 0.5, 19.9 + i, 19.9 + i, 1.1 + i, 100 + i, 1.5 + i]
        )
    assert [o.name for o in table.select().objectives] == ["cifar10_test_acc", "flops_M"]


def test_simple_archive_of_nats_bench(nats):
    check_official(nasbench201_official(nats.parent))
    check_official(nasbench201_official(nats))


def test_whole_file_of_nasbench201(tmp_path):
    torch = pytest.importorskip("torch")
    infos = {i: {"full": training(i, 200), "less": training(i, 12)} for i in range(3)}
    for info in infos.values():  # plain numbers, as in the file
        for half in info.values():
            for result in half["all_results"].values():
                result["eval_acc1es"] = {k: float(v) for k, v in result["eval_acc1es"].items()}
    names = [Cell201().encode(cell) for cell in CELLS]
    torch.save({"meta_archs": names, "arch2infos": infos}, tmp_path / WHOLE)
    check_official(nasbench201_official(tmp_path))


def test_official_files_that_are_not(nats, tmp_path):
    with pytest.raises(ValueError, match="neither NATS-tss-v1_0-3ffb9-simple"):
        nasbench201_official(tmp_path / "nowhere")
    save(nats / "000001.pickle.pbz2", {"200": {}})
    with pytest.raises(ValueError, match=r"trainings of .* are not as expected"):
        nasbench201_official(nats)
    save(nats / "meta.pickle.pbz2", [])
    with pytest.raises(ValueError, match=r"meta\.pickle\.pbz2 is not"):
        nasbench201_official(nats)
    (nats / "meta.pickle.pbz2").write_bytes(b"BZh9 cut short")
    with pytest.raises(ValueError, match="can be read safely"):
        nasbench201_official(nats)
    save(nats / "meta.pickle.pbz2", types.SimpleNamespace(meta_archs=[]))
    with pytest.raises(ValueError, match=r"refused global types\.SimpleNamespace"):
        nasbench201_official(nats)


def test_pickle_of_hw_nas_bench(tmp_path):
    path = tmp_path / "HW-NAS-Bench-v1_0.pickle"
    config = [{"name": "infer.tiny", "C": 16, "arch_str": Cell201().encode(c)} for c in CELLS]
    measured = {"config": config, "edgegpu_latency": [3.0, 1.0, 2.0]}
    measured["edgegpu_energy"] = [np.float64(v) for v in (9.0, 7.0, 8.0)]
    path.write_bytes(pickle.dumps({"nasbench201": {"cifar10": measured}, "fbnet": {}}))
    table = official(path)
    assert [o.label for o in table.objectives] == ["edgegpu_energy [mJ]", "edgegpu_latency [ms]"]
    assert table.evaluate(CELLS[1]) == (7.0, 1.0)
    with pytest.raises(ValueError, match=r"not the one of HW-NAS-Bench: KeyError\('cifar100'\)"):
        official(path, "cifar100")


@pytest.fixture
def tables(monkeypatch):
    """Let the folder of the shared tables be found from wherever the tests run."""
    if "LAMOO_DATA" not in os.environ:
        monkeypatch.setenv("LAMOO_DATA", str(Path(__file__).parents[2] / "shared/data/nas"))


def test_hwnas_has_five_objectives(tables):
    rows = shared("nasbench201_joined.csv.gz")
    problem = load_problem("hwnas")
    assert problem.directions == ["maximize", *["minimize"] * 4]
    for row in rows[::3000]:
        config = Cell201().decode(row["cell"])
        wanted = [row[f"hwnb_{d}_latency_ms"] for d in ("raspi4", "pixel3", "eyeriss", "fpga")]
        wanted.insert(0, row["cifar10_test_acc_200ep"])
        assert problem.evaluate(config) == tuple(map(float, wanted))
    early = load_hints("hwnas", ["cifar10_valid_acc_12ep"])
    config = Cell201().decode(rows[7]["cell"])
    assert early([config]) == [(float(rows[7]["cifar10_valid_acc_12ep"]),)]
    with pytest.raises(ValueError, match="'vehicle-safety' is no table"):
        load_hints("vehicle-safety", ["mass"])


def test_fbnets_have_a_proxy_that_says_so(tables):
    rows = shared("fbnet_help_latency.csv.gz")
    problem = load_problem("hwnas-fbnet")
    assert [o.name for o in problem.objectives] == ["nwot_proxy", "raspi4_latency"]
    assert problem.configs[0]["l1"] == "skip"  # code 8
    first = float(rows[0]["zc_nwot"]), float(rows[0]["hwnb_raspi4_latency_ms"])
    assert problem.evaluate(problem.configs[0]) == first


HEADER = ",".join(f"{c}{i}_{w}" for c in "nr" for i in range(8) for w in ("src", "op")) + ",val_acc"


def darts_rows(n, accuracy):
    """Table lines of random networks."""
    from lamoo_fast.nas.spaces.darts import OPS

    darts, rng, lines = network(), np.random.default_rng(0), [HEADER]
    for config in darts.space.decode(darts.space.snap(rng.random((n, darts.space.d)))):
        genotype = darts.genotype(config)
        genes = [(s, OPS.index(op)) for op, s in (*genotype.normal, *genotype.reduce)]
        lines.append(",".join(str(v) for gene in genes for v in gene) + f",{accuracy(config)}")
    return "\n".join(lines) + "\n"


def test_surrogate_learns_a_table_and_tells_its_error(tmp_path, caplog, monkeypatch):
    path = tmp_path / "mine.csv"
    path.write_text(darts_rows(60, lambda config: 90 + flops_millions(config) / 50))
    monkeypatch.setenv("LAMOO_NB301", str(path))
    with caplog.at_level("INFO", "lamoo_fast"):
        problem = nasbench301(tmp_path)
    assert float(repr(problem).split("Spearman ")[1].split()[0]) > 0.9
    assert "5 parts of 60 networks" in repr(problem.select(["flops_M", "val_acc"]))
    assert "Gaussian process of mine.csv" in caplog.text
    again = pickle.loads(pickle.dumps(problem.select(["val_acc"])))
    space = problem.space
    for config in space.decode(space.snap(np.random.default_rng(1).random((5, space.d)))):
        accuracy, flops, params = problem.evaluate(config)
        assert accuracy == pytest.approx(90 + flops / 50, abs=0.3)
        assert (flops, params) == tuple(v / 1e6 for v in vars(network().cost(config)).values())
        assert again.evaluate(config) == (accuracy,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (darts_rows(5, lambda config: 90), "has 5 networks; wanted 20 or more"),
        (darts_rows(30, lambda config: 90).replace("\n0,", "\n0,9", 1), "wanted 0 to 6"),
        ("a,b\n1,2\n", "n0_src"),
    ],
)
def test_tables_that_cannot_be_learned(tmp_path, text, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        surrogate(path)


def test_official_surrogate_gets_genotypes(tmp_path, monkeypatch):
    asked = []

    class Model:
        def predict(self, config, representation, with_noise):
            asked.append((config, representation, with_noise))
            return np.array([94.5])

    package = types.SimpleNamespace(load_ensemble=lambda folder: Model())
    (tmp_path / "xgb_v1.0").mkdir()
    monkeypatch.delenv("LAMOO_NB301", raising=False)
    monkeypatch.setitem(sys.modules, "nasbench301", None)
    with pytest.raises(ValueError, match="needs the package nasbench301"):
        nasbench301(tmp_path)
    monkeypatch.setitem(sys.modules, "nasbench301", package)
    problem = nasbench301(tmp_path)
    config = problem.space.decode([[0.5] * problem.space.d])[0]
    assert problem.evaluate(config)[0] == 94.5
    ((genotype, *how),) = asked
    assert how == ["genotype", False]
    assert genotype.normal == network().genotype(config).normal


def test_shared_surrogate_is_good(tables):
    shared("darts_nb301_naslib.csv.gz")
    problem = surrogate(data_folder() / "darts_nb301_naslib.csv.gz")
    error = float(repr(problem).split("square error ")[1].split(",")[0])
    rank = float(repr(problem).split("Spearman ")[1].split()[0])
    assert error < 0.25
    assert rank > 0.9
