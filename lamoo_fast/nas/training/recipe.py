"""The numbers of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lamoo_fast.search.checks import check_count

__all__ = ["Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with a cosine schedule.

    Parameters
    ----------
    epochs : int
        Passes over the images.
    batch : int
        Images per step. The images left over at the end of an epoch wait for another epoch, which
        has another order.
    learning_rate : float
        At first; falls to zero along a half cosine (Loshchilov and Hutter, ICLR 2017).
    warmup : float
        Share of the steps in which the learning rate rises from zero to the cosine.
    momentum, weight_decay : float
        Nesterov's momentum; L2 penalty on all parameters.
    clip : float or None
        Largest norm of a step's gradient.
    drop_path : float
        Rate of dropped paths at the end, to which it rises evenly (Zoph et al., CVPR 2018); only
        networks that have such paths are affected.
    average : float
        Decay of the moving average of the weights that is evaluated; 0 evaluates the weights.
    batches : int or None
        Steps of an epoch, if fewer than the images give: for a trial of a large recipe.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=0.1)
    >>> [round(recipe.rate(step, 100), 3) for step in (0, 50, 99)]
    [0.1, 0.05, 0.0]
    """

    epochs: int = 20
    batch: int = 64
    learning_rate: float = 0.1
    warmup: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float | None = 5.0
    drop_path: float = 0.0
    average: float = 0.0
    batches: int | None = None

    def __post_init__(self) -> None:
        check_count("epochs", self.epochs)
        check_count("batch", self.batch)
        if self.batches is not None:
            check_count("batches", self.batches)
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate is {self.learning_rate!r}, wanted a number > 0")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip!r}, wanted a number > 0 or None")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay is {self.weight_decay!r}, wanted a number >= 0")
        for name in ("warmup", "momentum", "drop_path", "average"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ValueError(f"{name} is {value!r}, wanted a number in [0, 1)")

    def steps_per_epoch(self, images: int) -> int:
        """Steps of an epoch over this many images."""
        steps = max(1, images // self.batch)
        return steps if self.batches is None else min(steps, self.batches)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step out of `steps`; depends on nothing else."""
        rising = min(1.0, (step + 1) / (self.warmup * steps)) if self.warmup else 1.0
        return rising * 0.5 * self.learning_rate * (1 + math.cos(math.pi * step / steps))
