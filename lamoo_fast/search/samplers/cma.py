"""CMA-ES inside a region."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CMASampler:
    def draw(self, region, n, view):
        raise NotImplementedError
