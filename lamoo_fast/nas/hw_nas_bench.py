"""HW-NAS-Bench (Li et al., ICLR 2021): latencies of NAS-Bench-201 cells and FBNets on devices.

- ``hwnas``: CIFAR-10 accuracy of NAS-Bench-201 and the latencies of four devices, five objectives.
  With the official pickle in the folder that ``LAMOO_DATA`` names there are also an edge GPU, an
  edge TPU and energies.
- ``hwnas-fbnet``: latencies of 5,000 FBNets. Nobody has trained them: in place of an accuracy there
  is the zero-cost proxy NASWOT, called ``nwot_proxy``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lamoo_fast.nas.nasbench201 import nasbench201_joined
from lamoo_fast.nas.pickles import NUMPY_FLOATS, read_pickle
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.nas.spaces.fbnet import OPS as FBNET_OPS
from lamoo_fast.nas.table import Table, worst

PICKLE = "HW-NAS-Bench-v1_0.pickle"
_DEVICES = ("raspi4", "pixel3", "eyeriss", "fpga")
_ACCURACY, _EARLY = "cifar10_test_acc_200ep", "cifar10_valid_acc_12ep"
_REF_ACCURACY = 74.12  # %, as in nasbench201


def hwnas(folder: Path) -> Table:
    """Read accuracy and latencies of all NAS-Bench-201 cells on CIFAR-10.

    Parameters
    ----------
    folder : Path
        Holds ``nasbench201_joined.csv.gz``, which has four devices, and, if there are to be more,
        the official ``HW-NAS-Bench-v1_0.pickle``.

    Returns
    -------
    table : Table
        ``cifar10_test_acc_200ep``, ``cifar10_valid_acc_12ep`` (cheap: a hint), ``raspi4_latency``
        and so on, in %, ms and mJ. By default all five of accuracy, raspi4, pixel3, eyeriss and
        fpga latency are searched, against 74.12 % (one deviation below the mean) and the worst
        latencies.

    Raises
    ------
    ValueError, OSError
        If a file is missing or not what it should be.
    """
    joined = nasbench201_joined(folder)
    names = [o.name for o in joined.objectives]
    accuracies = joined.values[:, [names.index(_ACCURACY), names.index(_EARLY)]]
    if (folder / PICKLE).is_file():
        measured = official(folder / PICKLE)
        costs = list(measured.objectives)
        columns = np.array([measured.evaluate(config) for config in joined.configs])
    else:
        costs = [Objective(f"{device}_latency", "minimize", "ms") for device in _DEVICES]
        wanted = [names.index(f"hwnb_{device}_latency_ms") for device in _DEVICES]
        columns = joined.values[:, wanted]
    objectives = [*(Objective(name, "maximize", "%") for name in (_ACCURACY, _EARLY)), *costs]
    values = np.column_stack([accuracies, columns])
    return Table(
        "hwnas",
        joined.configs,
        objectives,
        values,
        space=joined.space,
        ref=[_REF_ACCURACY, *worst(values, objectives)[1:].tolist()],
        default=[_ACCURACY, *(f"{device}_latency" for device in _DEVICES)],
        loader=(hwnas, folder),
    )


def official(path: Path, dataset: str = "cifar10") -> Table:
    """Read latencies and energies of all NAS-Bench-201 cells from the official pickle.

    Parameters
    ----------
    path : Path
        ``HW-NAS-Bench-v1_0.pickle``, a dictionary of search space, data set and quantity.
    dataset : str
        "cifar10", "cifar100" or "ImageNet16-120".

    Raises
    ------
    ValueError, OSError
        If the file is missing or not that pickle.
    """
    decode = Cell201().decode
    try:
        found = read_pickle(path, NUMPY_FLOATS)["nasbench201"][dataset]
        configs = [decode(entry["arch_str"]) for entry in found["config"]]
        names = sorted(name for name in found if name.endswith(("_latency", "_energy")))
        values = np.array([[float(v) for v in found[name]] for name in names]).T
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not the one of HW-NAS-Bench: {error!r}") from error
    return Table(
        f"hw-nas-bench-{dataset}",
        configs,
        [Objective(n, "minimize", "ms" if n.endswith("latency") else "mJ") for n in names],
        values,
        space=Cell201().space,
        loader=(official, path, dataset),
    )


def hwnas_fbnet(folder: Path) -> Table:
    """Read latencies of 5,000 FBNets, with the proxy NASWOT in place of an accuracy.

    NASWOT (Mellor et al., ICML 2021) is the log-determinant of a kernel of activation patterns of
    an untrained network: no accuracy, though networks with more of it tend to be better.

    Raises
    ------
    ValueError, OSError
        If the file is missing or has other columns.
    """
    path = folder / "fbnet_help_latency.csv.gz"
    layers = [f"l{i}" for i in range(22)]
    columns = [f"hwnb_{device}_latency_ms" for device in _DEVICES]
    proxy = Objective("zc_nwot", "maximize")
    costs = [Objective(column, "minimize", "ms") for column in columns]
    costs += [Objective("flops_M", "minimize", "MFLOPs"), Objective("params_M", "minimize", "M")]
    read = Table.read(path, layers, [proxy, *costs], drop_incomplete=True, average_repeats=True)
    names = {"zc_nwot": "nwot_proxy", **{c: c[5:-3] for c in columns}}
    return Table(
        "hwnas-fbnet",
        [{layer: FBNET_OPS[code] for layer, code in c.items()} for c in read.configs],
        [Objective(names.get(o.name, o.name), o.direction, o.unit) for o in read.objectives],
        read.values,
        default=["nwot_proxy", "raspi4_latency"],
        loader=(hwnas_fbnet, folder),
    )
