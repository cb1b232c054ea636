"""Samplers: where inside the chosen region the next points are."""

from lamoo_fast.search.samplers.botorch import BoTorchSampler
from lamoo_fast.search.samplers.cma import CMASampler
from lamoo_fast.search.samplers.ehvi import EHVISampler
from lamoo_fast.search.samplers.uniform import UniformSampler
from lamoo_fast.search.samplers.view import Sampler, View

__all__ = ["BoTorchSampler", "CMASampler", "EHVISampler", "Sampler", "UniformSampler", "View"]
