"""LaMOO for Optuna: multi-objective search by learned partitions of the search space."""

from lamoo_fast.adapters.optuna import EliteSelection, LaMOOSampler

__all__ = ["EliteSelection", "LaMOOSampler"]
