"""Labelled images, in memory or read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lamoo_fast.nas.training.loop import Images


@dataclass(frozen=True)
class ImageData:
    """A data set for classification.

    Parameters
    ----------
    name : str
        Of the data set.
    images : Images
        All images, of mean about 0 and deviation about 1.
    labels : Tensor, shape (n,)
        Number of each one's class.
    classes : tuple of str
        Names of the classes.
    splits : mapping of str to Tensor
        Rows of each part: "train", "test" and, where there is one, "valid".

    Raises
    ------
    ValueError
        When lengths do not fit, a label is no class, or a row is no image.

    Examples
    --------
    >>> data = ImageData("two", torch.zeros(2, 1, 4, 4), torch.tensor([0, 1]), ("a", "b"),
    ...                  {"train": torch.tensor([1])})
    >>> images, labels = data.split("train")
    >>> len(images), labels.tolist()
    (1, [1])
    """

    name: str
    images: Images
    labels: Tensor
    classes: tuple[str, ...]
    splits: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        n = len(self.images)
        if len(self.labels) != n:
            raise ValueError(f"{self.name} has {n} images but {len(self.labels)} labels")
        if n and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.classes):
            raise ValueError(
                f"{self.name} has labels from {int(self.labels.min())} to "
                f"{int(self.labels.max())}; wanted 0 to {len(self.classes) - 1}"
            )
        for part, rows in self.splits.items():
            if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < n:
                raise ValueError(f"split {part!r} of {self.name} has rows beyond its {n} images")

    def split(self, part: str) -> tuple[Images, Tensor]:
        """Images and labels of one part.

        Raises
        ------
        ValueError
            When there is no such part.
        """
        if part not in self.splits:
            raise ValueError(f"{self.name} has no split {part!r}; it has {', '.join(self.splits)}")
        rows = self.splits[part]
        images = self.images[rows] if isinstance(self.images, Tensor) else Some(self.images, rows)
        return images, self.labels[rows]

    def holding_out(self, share: float, *, seed: int) -> ImageData:
        """Make a random share of the part "train" the part "valid".

        Raises
        ------
        ValueError
            When the share is not in (0, 1), or there is a part "valid" already.
        """
        if not 0 < share < 1:
            raise ValueError(f"share is {share}, wanted 0 < share < 1")
        if "valid" in self.splits:
            raise ValueError(f"{self.name} has a split 'valid' already")
        rows = self.splits["train"]
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))
        n = round(share * len(rows))
        valid, train = (rows[part.sort().values] for part in (order[:n], order[n:]))
        return ImageData(
            self.name,
            self.images,
            self.labels,
            self.classes,
            {**self.splits, "train": train, "valid": valid},
        )

    def cut(self, sizes: Mapping[str, int], *, seed: int) -> ImageData:
        """Keep random images of some parts, at most so many of each.

        Raises
        ------
        ValueError
            When there is no such part, or a size is less than 1.
        """
        kept = dict(self.splits)
        for part, size in sizes.items():
            if size < 1:
                raise ValueError(f"size of {part!r} is {size}, wanted at least 1")
            n = len(self.split(part)[1])
            order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
            kept[part] = kept[part][order[:size].sort().values]
        return ImageData(self.name, self.images, self.labels, self.classes, kept)


@dataclass(frozen=True)
class Some:
    """Some of other images."""

    images: Images
    rows: Tensor

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Tensor) -> Tensor:
        return self.images[self.rows[rows]]


@dataclass(frozen=True)
class Bytes:
    """Images kept as bytes (n, channels, height, width), a quarter of the memory.

    They are scaled when asked for: (value / 255 - mean) / deviation, by channel.
    """

    values: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def scaled_by(cls, values: Tensor, rows: Tensor) -> Bytes:
        """Scale by mean and deviation over the images in some rows."""
        some = values[rows]
        counts = torch.stack([torch.bincount(c.flatten(), minlength=256) for c in some.unbind(1)])
        levels = torch.arange(256, dtype=torch.float64) / 255
        share = counts.double() / counts.sum(dim=1, keepdim=True)
        mean = share @ levels
        deviation = (share @ levels**2 - mean**2).clamp(min=1e-12).sqrt()
        return cls(values, mean.float(), deviation.float())

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Tensor) -> Tensor:
        shape = (-1, 1, 1)
        values = self.values[rows].float() / 255
        return (values - self.mean.view(shape)) / self.deviation.view(shape)


def batches(
    images: Images, labels: Tensor, size: int, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Go once through all images: in order, or in a random one drawn from a generator."""
    n = len(images)
    order = torch.arange(n) if generator is None else torch.randperm(n, generator=generator)
    for rows in torch.split(order, size):
        yield images[rows], labels[rows]


def require(path: Path, wanted: str) -> Path:
    """Return a path that exists.

    Raises
    ------
    ValueError
        When it does not, saying what was expected there.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist; wanted {wanted}")
    return path


def in_parts(**lengths: int) -> dict[str, Tensor]:
    """Rows of parts of these lengths that follow one another."""
    rows = torch.arange(sum(lengths.values()))
    return dict(zip(lengths, torch.split(rows, list(lengths.values())), strict=True))
