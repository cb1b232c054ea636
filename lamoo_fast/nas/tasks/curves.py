"""How a training went: as a table, a picture, and for TensorBoard."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

_LEFT_OUT = ("seconds",)


class Curves:
    """Writes the history of a training after every epoch.

    Parameters
    ----------
    folder : Path
        Gets ``curves.csv``, in the end ``curves.png``, and the files of TensorBoard.
    title : str
        Above the picture.
    tensorboard : bool
        Whether to write those.

    Raises
    ------
    ValueError
        If TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path, title: str, *, tensorboard: bool = False) -> None:
        self._folder, self._title = folder, title
        self._board: Any = None
        if tensorboard:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise ValueError(
                    "--tensorboard needs TensorBoard; run: pip install tensorboard"
                ) from None
            self._board = SummaryWriter(folder)

    def __call__(self, history: list[dict[str, float]]) -> None:
        """Take in the history after an epoch."""
        with (self._folder / "curves.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["epoch", *history[0]])
            writer.writeheader()
            writer.writerows({"epoch": i, **row} for i, row in enumerate(history, start=1))
        if self._board is not None:
            for name, value in history[-1].items():
                self._board.add_scalar(name, value, len(history))
            self._board.flush()

    def draw(self, history: list[dict[str, float]]) -> None:
        """Draw a panel for each quantity."""
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        names = [name for name in history[0] if name not in _LEFT_OUT]
        figure = Figure(figsize=(4 * len(names), 3.2), dpi=110, layout="constrained")
        epochs = range(1, len(history) + 1)
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            values = [row[name] for row in history]
            axes.plot(epochs, values, ".-" if len(history) < 30 else "-")
            axes.set_xlabel("epoch")
            axes.set_ylabel(name.replace("_", " "))
            axes.set_ylim(0, 1.08 * max(filter(math.isfinite, values), default=1.0) or 1.0)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
        figure.suptitle(self._title.replace("$", r"\$"), fontsize=9)
        figure.savefig(self._folder / "curves.png")
