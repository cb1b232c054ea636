"""The loop of a training, which can be killed at any moment and continued."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from lamoo_fast.nas.networks.blocks import set_drop_path
from lamoo_fast.nas.training.average import MovingAverage
from lamoo_fast.nas.training.checkpoint import load_checkpoint, save_checkpoint
from lamoo_fast.nas.training.device import device_of, half_precision, to_device
from lamoo_fast.nas.training.objective import Objective
from lamoo_fast.nas.training.order import Order, Shuffled
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import (
    cuda_devices,
    derived_generator,
    derived_seed,
    fresh_global_state,
    global_state,
    set_global_state,
)

__all__ = ["Augment", "Images", "Training", "TrainingDiverged", "load_trained"]

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_FACTS = 0.2  # in the progress bar
_BAD_STEPS = 5  # in a row end a training

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""Returns a changed copy of a batch of images, drawing from the generator."""


class Images(Protocol):
    """A tensor (n, channels, height, width), or what reads such batches when they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: Tensor, /) -> Tensor: ...


class TrainingDiverged(RuntimeError):  # noqa: N818  # says what happened
    """The loss or its gradient was not a number in several steps in a row."""


class Training:
    """A module, its data and how far it got.

    Parameters
    ----------
    model : nn.Module
        Trained in place, on its own device.
    objective : Objective
        Gives the loss of a step; its ``repr`` is part of what a checkpoint belongs to.
    images : Images
        Training images.
    labels : Images
        Shape (n, ...), what the objective compares with.
    recipe : Recipe
        The numbers.
    seed : int
        Of the order of images, the augmentation, the sampled paths and dropout. The weights have
        been drawn already.
    augment : callable, optional
        Changes each batch of images.
    order : Order, optional
        Which images a step takes; by default a new random order every epoch.
    checkpoint : path-like, optional
        Where the state is saved after every epoch. If the file is there, it is continued.
    save_every : int, optional
        Steps between two savings, if not those of an epoch.
    about : mapping, optional
        What the checkpoint belongs to besides recipe and seed, such as the space.
    progress : bool
        Show a bar with loss, accuracy, images per second and time left, if stderr is a terminal.
    after_epoch : callable, optional
        Called with the history so far after every epoch.

    Attributes
    ----------
    step : int
        Steps done.
    history : list of dict
        For every epoch its mean loss, accuracy (if the objective has one), learning rate, and
        seconds.

    Raises
    ------
    ValueError
        If there are no images, or not one label each; if the checkpoint is damaged or of another
        space, version, recipe, or seed.

    Notes
    -----
    The state after a step depends on the seed and the number of steps alone. It is the weights, the
    momenta, the moving average, two generators and the number of steps, from which the order of the
    images and the learning rate follow: a training that is killed and continued has, on the CPU and
    with as many threads of PyTorch, the very weights of one that was not. The global generators of
    torch are used while it runs, by dropout, and put back afterwards.

    A step whose loss or gradient is not finite is skipped and logged; weights and running averages
    stay as they were. Five in a row, or two at the end, raise `TrainingDiverged`, and the last
    checkpoint, which is older, stays.

    Examples
    --------
    >>> from lamoo_fast.nas.training.objective import CrossEntropy
    >>> x = torch.arange(-8.0, 8.0)[:, None]
    >>> recipe = Recipe(epochs=30, batch=4)
    >>> training = Training(nn.Linear(1, 2), CrossEntropy(), x, (x[:, 0] >= 0).long(), recipe)
    >>> training.run()[-1]["accuracy"] > 0.9
    True
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        images: Images,
        labels: Images,
        recipe: Recipe,
        *,
        seed: int = 0,
        augment: Augment | None = None,
        order: Order | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        save_every: int | None = None,
        about: Mapping[str, Any] | None = None,
        progress: bool = True,
        after_epoch: Callable[[list[dict[str, float]]], object] | None = None,
    ) -> None:
        if len(images) == 0 or len(images) != len(labels):
            raise ValueError(
                f"images has length {len(images)}, labels {len(labels)}; wanted as many"
            )
        self.model = model
        self.recipe = recipe
        self.step = 0
        self.history: list[dict[str, float]] = []
        self._objective = objective
        self._images, self._labels = images, labels
        self._seed = seed
        self._augment = augment
        self._checkpoint = None if checkpoint is None else Path(checkpoint)
        self._per_epoch = recipe.steps_per_epoch(len(images if order is None else order))
        shuffled = Shuffled(len(images), recipe.batch, self._per_epoch, seed)
        self._order: Order = shuffled if order is None else order
        self._save_every = save_every or self._per_epoch
        self._about = {
            **(about or {}),
            "recipe": asdict(recipe),
            "objective": repr(objective),
            "seed": seed,
            "images": len(images),
        }
        self._progress = progress
        self._after_epoch = after_epoch
        self._device = device_of(model)
        if self._device.type == "cuda":
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimiser = torch.optim.SGD(
            model.parameters(),
            recipe.learning_rate,
            recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.momentum > 0,
        )
        self._average = MovingAverage(model, recipe.average) if recipe.average else None
        self._generator = derived_generator(seed, "training")
        self._global = fresh_global_state(derived_seed(seed, "dropout"), self._device)
        self._sums = _Sums()
        self._running: list[Tensor] = []
        self._before: list[Tensor] = []
        self._bad = 0
        self._saved = 0
        if self._checkpoint is not None and self._checkpoint.exists():
            self._load(self._checkpoint)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.recipe.epochs * self._per_epoch

    @property
    def trained(self) -> nn.Module:
        """What is to be evaluated: the moving average if there is one, else the model."""
        return self.model if self._average is None else self._average.module

    def run(self, until: int | None = None) -> list[dict[str, float]]:
        """Train to the end, or until so many steps are done, and return the history.

        Raises
        ------
        TrainingDiverged
            If five steps in a row had no finite loss, or the last two.
        """
        last = self.steps if until is None else min(until, self.steps)
        self.model.train()
        self._running = _running_averages(self.model)
        disable = None if self._progress else True  # None: only on a terminal
        with (
            torch.random.fork_rng(cuda_devices(self._device)),
            tqdm(total=self.steps, initial=self.step, unit="step", disable=disable) as bar,
        ):
            set_global_state(self._global, self._device)
            while self.step < last:
                self._one_step(bar)
            self._global = global_state(self._device)
        self.model.eval()
        self.trained.eval()
        return self.history

    def _one_step(self, bar: Any) -> None:
        position = self.step % self._per_epoch
        if position == 0:
            self._sums = _Sums()
        started = time.perf_counter()
        rate = self.recipe.rate(self.step, self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        if self.recipe.drop_path:
            set_drop_path(self.model, self.recipe.drop_path * self.step / self.steps)
        good = self._descend(*self._batch())
        self.step += 1
        self._sums.seconds += time.perf_counter() - started
        if position == self._per_epoch - 1:
            self.history.append({**self._sums.means(), "learning_rate": rate})
        if self._checkpoint is not None:
            due = good and self.step - self._saved >= self._save_every
            if due or self.step == self.steps:
                self._save(self._checkpoint)
        if position == self._per_epoch - 1 and self._after_epoch is not None:
            self._after_epoch(self.history)
        bar.update()
        self._sums.show(bar)

    def _batch(self) -> tuple[Tensor, Tensor]:
        rows = self._order.rows(self.step)
        images = self._images[rows]
        if self._augment is not None:
            images = self._augment(images, self._generator)
        return to_device(images, self._device), self._labels[rows].to(self._device)

    def _descend(self, images: Tensor, labels: Tensor) -> bool:
        """Take one step; tell whether it could be taken."""
        self._optimiser.zero_grad()
        self._before = [average.clone() for average in self._running]
        losses = self._objective.losses(self.model, images, labels, self._generator)
        total, correct, count, parts = 0.0, 0, 0, 0
        while True:
            with half_precision(self._device):
                loss = next(losses, None)
            if loss is None:
                break
            value = loss.value.item()
            total, parts = total + value, parts + 1
            if not math.isfinite(value):
                return self._skip(f"loss is {value}")
            loss.value.backward()  # type: ignore[no-untyped-call]
            correct, count = correct + int(loss.correct), count + loss.count
        limit = math.inf if self.recipe.clip is None else self.recipe.clip
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
        if not math.isfinite(norm):
            return self._skip(f"norm of the gradient is {norm}")
        self._optimiser.step()
        if self._average is not None:
            self._average.update(self.model)
        self._bad = 0
        self._sums.add(total / max(parts, 1), correct, count, len(images))
        return True

    def _skip(self, reason: str) -> bool:
        self._optimiser.zero_grad()
        for average, before in zip(self._running, self._before, strict=True):
            average.copy_(before)  # it would never forget what is not a number
        self._bad += 1
        _LOG.warning("step %d of %d skipped: %s", self.step + 1, self.steps, reason)
        # At the end there are no more steps that could show whether the state is any good.
        ends = self.step + 1 == self.steps and self._bad > 1
        if self._bad >= _BAD_STEPS or ends:
            kept = "no checkpoint was " + ("asked for" if self._checkpoint is None else "made yet")
            if self._saved:
                kept = f"{self._checkpoint} holds the state after step {self._saved}"
            raise TrainingDiverged(
                f"stopped at step {self.step + 1} of {self.steps}: {reason}; "
                f"{self._bad} such steps in a row; {kept}"
            )
        return False

    def _save(self, path: Path) -> None:
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "average": None if self._average is None else self._average.state_dict(),
            "generator": self._generator.get_state(),
            "global": global_state(self._device),
            "history": self.history,
            "sums": vars(self._sums),
        }
        save_checkpoint(path, "training", self._about, state)
        self._saved = self.step

    def _load(self, path: Path) -> None:
        state = load_checkpoint(path, "training", self._about)
        try:
            self.model.load_state_dict(state["model"])
            self._optimiser.load_state_dict(state["optimiser"])
            if self._average is not None:
                self._average.load_state_dict(state["average"])
            self._generator.set_state(state["generator"])
            self._global = state["global"]
            self.history = state["history"]
            self._sums = _Sums(**state["sums"])
            self.step = self._saved = state["step"]
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(f"{path} is of another model: {error}") from error
        _LOG.info("continued from %s at step %d of %d", path, self.step, self.steps)


def _running_averages(model: nn.Module) -> list[Tensor]:
    """Buffers of the normalisations; the states of a `Reader` take care of themselves."""
    parts = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    return [buffer for part in parts for buffer in part.buffers(recurse=False)]


def load_trained(
    path: str | os.PathLike[str], model: nn.Module, about: Mapping[str, Any] | None = None
) -> None:
    """Fill a model with the weights that a training's checkpoint holds.

    Parameters
    ----------
    path : path-like
        The checkpoint, of a training that need not have come to its end.
    model : nn.Module
        Gets the moving average if there is one, else the weights.
    about : mapping, optional
        What the checkpoint must belong to, such as the space.

    Raises
    ------
    ValueError
        If the checkpoint is damaged, or of another space, version or model.
    """
    state = load_checkpoint(path, "training", about or {}, partly=True)
    average = state["average"]
    try:
        model.load_state_dict(state["model"] if average is None else average["module"])
    except RuntimeError as error:
        raise ValueError(f"{path} is of another model: {error}") from error


@dataclass
class _Sums:
    """Sums over the steps of an epoch."""

    loss: float = 0.0
    steps: int = 0
    correct: int = 0
    count: int = 0
    images: int = 0
    seconds: float = 0.0
    shown: float = 0.0

    def add(self, loss: float, correct: int, count: int, images: int) -> None:
        self.loss += loss
        self.steps += 1
        self.correct += correct
        self.count += count
        self.images += images

    def means(self) -> dict[str, float]:
        means = {
            "loss": self.loss / self.steps if self.steps else math.nan,
            "seconds": self.seconds,
        }
        return means | ({"accuracy": self.correct / self.count} if self.count else {})

    def show(self, bar: Any) -> None:
        if bar.disable or self.seconds - self.shown < _SECONDS_BETWEEN_FACTS:
            return
        self.shown = self.seconds
        means = self.means()
        facts = [f"{name} {means[name]:.3f}" for name in ("loss", "accuracy") if name in means]
        bar.set_postfix_str(", ".join([*facts, f"{self.images / self.seconds:.0f} images/s"]))
