"""Draws points from a region, and from wider ones where it has too few."""

from __future__ import annotations

from lamoo_fast.search.samplers import Sampler, View
from lamoo_fast.search.space import Array
from lamoo_fast.search.tree import Region


def draw_relaxing(sampler: Sampler, region: Region, n: int, view: View) -> list[tuple[Array, int]]:
    """Up to n new points: arrays of points, each with the number of constraints given up.

    Where the sampler finds too few in the region, the rest comes from its parent, and so on up to
    the whole space.
    """
    drawn: list[tuple[Array, int]] = []
    missing = n
    relaxed = 0
    while True:
        points = sampler.draw(region, missing, view)
        drawn.append((points, relaxed))
        missing -= len(points)
        if missing == 0 or not region.constraints:
            return drawn
        view = view.having_seen(region.space, points)
        region = region.parent()
        relaxed += 1
