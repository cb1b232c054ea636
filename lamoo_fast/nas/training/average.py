"""Moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["MovingAverage"]


class MovingAverage:
    """Exponential moving average of the parameters of a module (Polyak and Juditsky, 1992).

    Parameters
    ----------
    module : nn.Module
        It is copied.
    decay : float
        Weight of the past. In the first steps it is (1 + t) / (10 + t), if that is less, so that
        the average forgets where the weights started.

    Attributes
    ----------
    module : nn.Module
        The averaged copy. Its buffers, such as the running averages of batch normalisation, are
        averaged too, but for whole numbers, which are copied.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.decay = decay
        self._updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights after a step."""
        decay = min(self.decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        theirs = module.state_dict()
        for name, own in self.module.state_dict().items():
            if own.is_floating_point():
                own.lerp_(theirs[name], 1 - decay)
            else:
                own.copy_(theirs[name])

    def state_dict(self) -> dict[str, object]:
        """Return all that `load_state_dict` needs."""
        return {"module": self.module.state_dict(), "updates": self._updates}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a state."""
        self.module.load_state_dict(state["module"])  # type: ignore[arg-type]
        self._updates = int(state["updates"])  # type: ignore[call-overload]
