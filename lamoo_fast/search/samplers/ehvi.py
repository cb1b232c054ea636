"""EHVI inside a region."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EHVISampler:
    noisy: bool = False

    def draw(self, region, n, view):
        raise NotImplementedError
