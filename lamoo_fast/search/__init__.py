"""The search: LaMOO behind an ask/tell interface.

    ask(n)                                              lamoo.py
     |- rows = archive.learned()                        archive.py   trials as arrays, by id
     |- PartitionTree.build(rows), or new rows go down  tree.py, growth.py
     |    per node: better half -> SVM -> split         partition.py
     |- leaf = selection.select(tree)                   selection.py
     |- region = tree.region(leaf)                      tree.py
     |- X = sampler.draw(region, n, view)               samplers/, known.py, hints.py
     `- Trials(id, config, x)                           trial.py
    tell(trials, values)
     `- checked, recorded; the tree learns of them at the next ask

State is settings, trials and the state of the random generator; the tree is a cache.
"""

from lamoo_fast.search.lamoo import LaMOO
from lamoo_fast.search.partition import SVMClassifier
from lamoo_fast.search.samplers import (
    BoTorchSampler,
    CMASampler,
    EHVISampler,
    Sampler,
    UniformSampler,
    View,
)
from lamoo_fast.search.selection import Greedy, Leaf, Path, Selection
from lamoo_fast.search.space import Categorical, Float, Integer, Listed, Space
from lamoo_fast.search.study import Study
from lamoo_fast.search.surrogate import Surrogate
from lamoo_fast.search.tree import PartitionTree, Region
from lamoo_fast.search.trial import FAILED, Failed, SpaceExhausted, Trial, failed
from lamoo_fast.search.workers import Together

__all__ = [
    "FAILED",
    "BoTorchSampler",
    "CMASampler",
    "Categorical",
    "EHVISampler",
    "Failed",
    "Float",
    "Greedy",
    "Integer",
    "LaMOO",
    "Leaf",
    "Listed",
    "PartitionTree",
    "Path",
    "Region",
    "SVMClassifier",
    "Sampler",
    "Selection",
    "Space",
    "SpaceExhausted",
    "Study",
    "Surrogate",
    "Together",
    "Trial",
    "UniformSampler",
    "View",
    "failed",
]
