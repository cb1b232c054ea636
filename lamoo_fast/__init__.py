"""lamoo_fast: multi-objective search by learned space partitions, and the kernels under it.

::

    csrc  ->  lamoo_fast.kernels  ->  lamoo_fast.search  ->  lamoo_fast.nas, cli, plot
    C++17     arrays in, arrays out   ask / tell             problems, command line, pictures

    ask(n)                                    lamoo_fast/search/lamoo.py
     |- PartitionTree.build(rows told so far) tree.py
     |   `- per node: dominance_count -> good / bad -> SVM -> rows go to the side it predicts
     |- selection.choose(tree)                selection.py   UCB with hypervolume as value
     |- region = tree.region(leaf)            the splits on the way down: plain data
     `- sampler.draw(region, n)               samplers/      uniform, CMA-ES, expected improvement
    tell(trials, values)                      recorded; the tree is learned again at the next ask

Imports go only to the right. Objectives ``F (n, m)`` are minimised inside, ``X (n, d)`` lies in
the unit cube, ``ref (m,)`` is the reference point; the same letters stand in C++.
"""

from importlib.metadata import version as _version
from pathlib import Path as _FilePath

from lamoo_fast.kernels import (
    HVEstimate,
    HVEstimates,
    ParetoArchive,
    TooManyBoxes,
    crowding_distance,
    dominance_count,
    dominated_boxes,
    epsilon_additive,
    epsilon_mult,
    filter_dominated,
    hv_approx,
    hv_approx_contributions,
    hv_approx_improvement,
    hv_contributions,
    hv_improvement,
    hv_least_contributor,
    hv_subset_selection,
    hypervolume,
    hypervolume_batch,
    igd_plus,
    is_nondominated,
    nondominated_boxes,
    pareto_rank,
)
from lamoo_fast.nas import Objective, Problem, Table, problem
from lamoo_fast.search import (
    FAILED,
    BoTorchSampler,
    Categorical,
    CMASampler,
    EHVISampler,
    Float,
    Greedy,
    Integer,
    LaMOO,
    Leaf,
    Listed,
    Path,
    Space,
    SpaceExhausted,
    Study,
    Surrogate,
    SVMClassifier,
    Together,
    Trial,
    UniformSampler,
    failed,
)

__version__ = _version("lamoo_fast")


def get_include() -> str:
    """Folder of the C headers ``lamoo_fast.h`` and ``lamoo_fast_capsule.h``, for compilers.

    Examples
    --------
    >>> import os
    >>> import lamoo_fast as lf
    >>> "lamoo_fast.h" in os.listdir(lf.get_include())
    True
    """
    package = _FilePath(__file__).parent
    installed = package / "include"
    return str(installed if installed.is_dir() else package.parent / "csrc")  # or a source checkout


__all__ = [
    "FAILED",
    "BoTorchSampler",
    "CMASampler",
    "Categorical",
    "EHVISampler",
    "Float",
    "Greedy",
    "HVEstimate",
    "HVEstimates",
    "Integer",
    "LaMOO",
    "Leaf",
    "Listed",
    "Objective",
    "ParetoArchive",
    "Path",
    "Problem",
    "SVMClassifier",
    "Space",
    "SpaceExhausted",
    "Study",
    "Surrogate",
    "Table",
    "Together",
    "TooManyBoxes",
    "Trial",
    "UniformSampler",
    "crowding_distance",
    "dominance_count",
    "dominated_boxes",
    "epsilon_additive",
    "epsilon_mult",
    "failed",
    "filter_dominated",
    "get_include",
    "hv_approx",
    "hv_approx_contributions",
    "hv_approx_improvement",
    "hv_contributions",
    "hv_improvement",
    "hv_least_contributor",
    "hv_subset_selection",
    "hypervolume",
    "hypervolume_batch",
    "igd_plus",
    "is_nondominated",
    "nondominated_boxes",
    "pareto_rank",
    "problem",
]
