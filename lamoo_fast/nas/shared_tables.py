"""Complete and partial tables of measured architectures in the folder that ``LAMOO_DATA`` names.

Most list a small part of a huge space: a search then chooses among the rows (`Listed`). Without a
published reference point it is the worst value of each column.
"""

from __future__ import annotations

from pathlib import Path

from lamoo_fast.nas.problem import Config, Objective
from lamoo_fast.nas.table import Table, header

_DEVICES = ("zcu102", "vck190")
_PARTS = ("a100", "3090", "tpuv2", "tpuv3", *_DEVICES)
_PROXIES = ("synflow", "jacov", "snip", "grad_norm", "l2_norm")
_LANAS_OPS = ("sep_conv_3x3", "max_pool_3x3", "skip_connect", "sep_conv_5x5")


def nasbench_macro(folder: Path) -> Table:
    """Read NAS-Bench-Macro (Su et al., CVPR 2021): all 3^8 chains of inverted residual blocks.

    Eight layers choose between identity and two blocks; CIFAR-10 accuracy is the mean of three
    trainings.

    Raises
    ------
    ValueError, OSError
        If the file is missing or has other columns.
    """
    return _read(
        folder / "nasbench_macro_cifar10.csv.gz",
        "nasbench-macro",
        [f"l{i}" for i in range(8)],
        [
            Objective("test_acc_mean", "maximize", "%"),
            Objective("params", "minimize"),
            Objective("flops", "minimize"),
        ],
        None,
        (nasbench_macro, folder),
    )


def accel_nasbench(folder: Path) -> Table:
    """Read Accel-NASBench: 5,125 MnasNet-like networks, ImageNet accuracy, six accelerators.

    The accuracies are of a short training schedule. Networks measured twice are averaged; the few
    without all device values are left out.

    Raises
    ------
    ValueError, OSError
        If the file is missing or has other columns.
    """
    return _read(
        folder / "accel_nasbench.csv.gz",
        "accel-nasbench",
        [f"block{i}_{what}" for i in range(7) for what in ("e", "k", "l", "se")],
        [
            Objective("imagenet_val_top1", "maximize", "%"),
            *(Objective(f"latency_{d}_ms", "minimize", "ms") for d in _DEVICES),
            *(Objective(f"throughput_{p}_ips", "maximize", "images/s") for p in _PARTS),
            Objective("macs_M", "minimize", "M"),
            Objective("params_M", "minimize", "M"),
        ],
        ["imagenet_val_top1", "latency_zcu102_ms"],
        (accel_nasbench, folder),
    )


def darts_nb301(folder: Path) -> Table:
    """Read 1,218 cells of the DARTS space with accuracies predicted by NAS-Bench-301.

    There are also zero-cost proxies, which may serve as hints.

    Raises
    ------
    ValueError, OSError
        If the file is missing or has other columns.
    """
    return _read(
        folder / "darts_nb301_naslib.csv.gz",
        "darts-nb301",
        [f"{cell}{i}_{what}" for cell in "nr" for i in range(8) for what in ("src", "op")],
        [
            Objective("val_acc", "maximize", "%"),
            Objective("flops_M", "minimize", "MFLOPs"),
            Objective("params_M", "minimize", "M"),
            *(Objective(f"zc_{proxy}", "maximize") for proxy in _PROXIES),
        ],
        ["val_acc", "flops_M"],
        (darts_nb301, folder),
    )


def nasnet_lanas(folder: Path) -> Table:
    """Read 5,402 NASNet-like cells of seven nodes, trained on CIFAR-10 for LaNAS.

    Nothing but the accuracy was measured. The second objective is derived from the cell:
    `separable_weights`.

    Raises
    ------
    ValueError, OSError
        If the file is missing or has other columns.
    """
    path = folder / "nasnet_lanas_cifar10_trained.csv.gz"
    columns = [name for name in header(path) if name != "cifar10_acc"]
    accuracy = Objective("cifar10_acc", "maximize", "%")
    read = Table.read(path, columns, [accuracy])
    return Table(
        "nasnet-lanas",
        read.configs,
        [accuracy, Objective("separable_weights", "minimize", "1000")],
        [(*row, separable_weights(c)) for row, c in zip(read.values, read.configs, strict=True)],
        loader=(nasnet_lanas, folder),
    )


def separable_weights(config: Config) -> float:
    """Weights of the separable convolutions of a LaNAS cell at 36 channels, in thousands.

    A separable k x k convolution is a depthwise one (k^2 C weights) and a pointwise one (C^2),
    both applied twice as in NASNet. Pooling and skip connections have no weights.

    Examples
    --------
    >>> separable_weights({"n0_opA": 0, "n0_opB": 3, "n0_inA": 0, "n0_inB": 1})
    7.632
    """
    ops = [_LANAS_OPS[code] for name, code in config.items() if "_op" in name]
    kernels = [int(op[-1]) for op in ops if op.startswith("sep_conv")]
    return sum(2 * (k * k * 36 + 36 * 36) for k in kernels) / 1000


def _read(
    path: Path,
    name: str,
    parameters: list[str],
    objectives: list[Objective],
    default: list[str] | None,
    loader: tuple[object, ...],
) -> Table:
    read = Table.read(path, parameters, objectives, drop_incomplete=True, average_repeats=True)
    return Table(name, read.configs, objectives, read.values, default=default, loader=loader)
