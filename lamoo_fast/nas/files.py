"""The files of data that problems and trainings can use, and where each is to be had.

Nothing is downloaded here: a user who wants a file gets it where its makers publish it.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from lamoo_fast.nas.hw_nas_bench import PICKLE
from lamoo_fast.nas.nasbench301 import OFFICIAL, TABLE
from lamoo_fast.nas.nats_bench import SIMPLE, WHOLE


@dataclass(frozen=True)
class DataFile:
    """A file or folder in the folder that ``LAMOO_DATA`` names, or inside a package.

    Parameters
    ----------
    name : str
        Of the file, from the folder on.
    what : str
        What is in it, and the problems that read it.
    source : str
        Where it is published.
    module : str
        Package that holds the file, as Python imports it; empty if none does.
    variable : str
        Environment variable that may name another place; empty if there is none.
    """

    name: str
    what: str
    source: str
    module: str = ""
    variable: str = ""

    def find(self, folder: Path | None) -> Path | None:
        """Return where it is, or None.

        Parameters
        ----------
        folder : Path, optional
            Of the data.
        """
        if self.variable and (named := os.environ.get(self.variable)):
            return Path(named) if Path(named).exists() else None
        folders = [folder] if folder else []
        if self.module:
            spec = importlib.util.find_spec(self.module)
            folders = [Path(p) for p in (spec and spec.submodule_search_locations) or ()]
        return next((f / self.name for f in folders if (f / self.name).exists()), None)


_SHARED = "the shared tables of this project: a CSV that LAMOO_DATA's folder holds"

FILES = (
    DataFile(
        "data.anb",
        "NAS-Bench-201 on in-memory hardware (nasbench201)",
        "pip install analog-nasbench; github.com/IBM/analog-nas",
        module="analognasbench",
    ),
    DataFile(
        "light",
        "NAS-Bench-Graph (nasbench-graph-cora and the other graphs)",
        "pip install nas-bench-graph; github.com/THUMNLab/NAS-Bench-Graph",
        module="nas_bench_graph",
    ),
    DataFile(
        "nasbench201_joined.csv.gz",
        "NAS-Bench-201 with latencies of 27 devices (nasbench201-joined, hwnas)",
        _SHARED,
    ),
    DataFile(
        SIMPLE,
        "NAS-Bench-201 as NATS-Bench publishes it (nasbench201-official)",
        "github.com/D-X-Y/NATS-Bench, DOI 10.1109/TPAMI.2021.3054824",
    ),
    DataFile(
        WHOLE,
        "NAS-Bench-201 v1.1 (nasbench201-official)",
        "github.com/D-X-Y/NAS-Bench-201, arXiv:2001.00326",
    ),
    DataFile(
        PICKLE,
        "HW-NAS-Bench: more devices and energies for hwnas",
        "github.com/GATECH-EIC/HW-NAS-Bench, openreview.net/forum?id=_0kaDkv3dVf",
    ),
    DataFile(
        "fbnet_help_latency.csv.gz", "latencies of 5,000 FBNets, a proxy (hwnas-fbnet)", _SHARED
    ),
    DataFile(
        OFFICIAL[0],
        "the official surrogate of NAS-Bench-301 (nasbench301; needs its package)",
        "github.com/automl/nasbench301, models of version 1.0",
        variable="LAMOO_NB301",
    ),
    DataFile(TABLE, "DARTS cells with accuracies (darts-nb301, nasbench301)", _SHARED),
    DataFile("nasbench_macro_cifar10.csv.gz", "NAS-Bench-Macro (nasbench-macro)", _SHARED),
    DataFile("accel_nasbench.csv.gz", "Accel-NASBench (accel-nasbench)", _SHARED),
    DataFile("nasnet_lanas_cifar10_trained.csv.gz", "cells of LaNAS (nasnet-lanas)", _SHARED),
    DataFile("cifar-10-batches-py", "CIFAR-10, images", "www.cs.toronto.edu/~kriz/cifar.html"),
    DataFile("cifar-100-python", "CIFAR-100, images", "www.cs.toronto.edu/~kriz/cifar.html"),
    DataFile("imagenet", "ImageNet: folders train and val, a folder a class", "image-net.org"),
    DataFile(
        "ptb",
        "Penn Treebank: ptb.train.txt and so on",
        "Treebank-3 (LDC99T42), as prepared by Mikolov",
    ),
    DataFile("wikitext-2", "WikiText-2: wiki.train.tokens and so on", "arXiv:1609.07843"),
    DataFile("coco", "COCO 2017: annotations, train2017, val2017", "cocodataset.org"),
)
