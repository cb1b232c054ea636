"""What the commands need of a task, and what a user may say about its trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from lamoo_fast.nas.evaluators.evaluator import Evaluator
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.training.recipe import Recipe

__all__ = ["Loop", "Run", "Task"]

History = list[dict[str, float]]


@dataclass(frozen=True)
class Run:
    """What a user says about trainings; the rest is in a task's recipes.

    Parameters
    ----------
    device : str
        Where everything is computed.
    seed : int
        Of all that is drawn.
    epochs, batch : int, optional
        In place of the recipe's.
    batches : int, optional
        Batches of an epoch, and of every measurement, if there are more: for a trial.
    progress : bool
        Show bars, if stderr is a terminal.
    after_epoch : callable, optional
        Called with the history so far after every epoch.

    Raises
    ------
    ValueError
        As `Recipe`, when applied.

    Examples
    --------
    >>> Run(epochs=2, batches=3).applied(Recipe(epochs=50, batch=96)).epochs
    2
    """

    device: str = "cpu"
    seed: int = 0
    epochs: int | None = None
    batch: int | None = None
    batches: int | None = None
    progress: bool = True
    after_epoch: Callable[[History], object] | None = None

    def applied(self, recipe: Recipe) -> Recipe:
        """Return a recipe with the numbers that were given."""
        given = {"epochs": self.epochs, "batch": self.batch, "batches": self.batches}
        return replace(recipe, **{k: v for k, v in given.items() if v is not None})

    def measured(self, n: int, batch: int) -> int:
        """How many of `n` examples a measurement with this recipe's batch uses."""
        return n if self.batches is None else min(n, self.batches * (self.batch or batch))


class Loop(Protocol):
    """A training: prepared, or continued from its checkpoint. `Training` is one."""

    step: int
    history: History

    @property
    def steps(self) -> int:
        """Steps of the whole training."""

    @property
    def trained(self) -> nn.Module:
        """What is to be evaluated."""

    def run(self, until: int | None = None) -> History:
        """Train to the end, or until so many steps are done, and return the history."""


class Task(Protocol):
    """A data set, the networks that are searched for it, and how they are trained.

    Its implementations are frozen dataclasses with the data in them.
    """

    @property
    def name(self) -> str:
        """Name on the command line."""

    @property
    def architectures(self) -> ArchitectureSpace:
        """What is searched."""

    @property
    def metric(self) -> Objective:
        """What a network is good for: the name in `Evaluation.values`, direction, unit."""

    def supernet(self, run: Run, checkpoint: Path | None = None) -> Loop:
        """Prepare the training of the supernet, or continue it if the checkpoint is there.

        Raises
        ------
        ValueError
            As `Training`: a damaged checkpoint, or one of other settings.
        """

    def one_shot(self, supernet: nn.Module, run: Run) -> Evaluator:
        """Evaluate with the trained supernet, on data held out from training."""

    def few_shot(self, supernet: nn.Module, parts: int, run: Run, folder: Path) -> Evaluator:
        """Train the supernet further in parts, or continue in `folder`; evaluate with them.

        Raises
        ------
        ValueError
            If the space cannot be split into so many parts, or as `supernet`.
        """

    def network(self, config: Mapping[str, Any], run: Run, checkpoint: Path | None = None) -> Loop:
        """Prepare the stand-alone training of an architecture, or continue it."""

    def measure(
        self, network: nn.Module, config: Mapping[str, Any], run: Run
    ) -> Mapping[str, float]:
        """Values of a trained network on the test data, the metric's among them."""

    def example(self, config: Mapping[str, Any]) -> Tensor:
        """Return one input of a network, shape (1, ...)."""

    def exported(self, network: nn.Module) -> nn.Module:
        """Return what is exported of a trained network: maps a batch of inputs to tensors."""
