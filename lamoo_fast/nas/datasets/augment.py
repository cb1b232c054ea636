"""Random changes to batches of images (n, channels, height, width) that keep their class.

Each is a callable of a batch and a generator and returns a new batch; all images of a batch are
changed at once, on their device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from lamoo_fast.nas.training.loop import Augment
from lamoo_fast.search.checks import check_count


@dataclass(frozen=True)
class Crop:
    """Shift by up to `padding` pixels; what comes in is 0, the mean.

    Raises
    ------
    ValueError
        When padding < 1.
    """

    padding: int = 4

    def __post_init__(self) -> None:
        check_count("padding", self.padding)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch."""
        n, _, height, width = images.shape
        wide = pad(images, [self.padding] * 4)
        shifts = _whole(2 * self.padding + 1, (2, n, 1), images, generator)
        y = shifts[0] + torch.arange(height, device=images.device)
        x = shifts[1] + torch.arange(width, device=images.device)
        image = torch.arange(n, device=images.device)
        return wide.permute(0, 2, 3, 1)[image[:, None, None], y[:, :, None], x[:, None, :]].permute(
            0, 3, 1, 2
        )


@dataclass(frozen=True)
class Flip:
    """Mirror every second image, left to right."""

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch."""
        mirrored = _whole(2, (len(images), 1, 1, 1), images, generator).bool()
        return torch.where(mirrored, images.flip(-1), images)


@dataclass(frozen=True)
class Cutout:
    """Set a square of `side` pixels to 0, the mean (DeVries and Taylor, arXiv:1708.04552).

    Its centre is anywhere in the image, so that it may be cut off at the border.

    Raises
    ------
    ValueError
        When side < 1.
    """

    side: int = 16

    def __post_init__(self) -> None:
        check_count("side", self.side)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch."""
        n, _, height, width = images.shape
        inside = []
        for length in (height, width):
            low = _whole(length, (n, 1), images, generator) - self.side // 2
            at = torch.arange(length, device=images.device)
            inside.append((at >= low) & (at < low + self.side))
        hole = inside[0][:, None, :, None] & inside[1][:, None, None, :]
        return images.masked_fill(hole, 0.0)


@dataclass(frozen=True)
class ResizedCrop:
    """Enlarge a random part of the image to `size` pixels (Szegedy et al., CVPR 2015).

    The part has 8 to 100 % of the area and sides in a ratio of 3:4 to 4:3.

    Raises
    ------
    ValueError
        When size < 1.
    """

    size: int
    least: float = 0.08

    def __post_init__(self) -> None:
        check_count("size", self.size)
        if not 0 < self.least <= 1:
            raise ValueError(f"least is {self.least}, wanted 0 < least <= 1")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch."""
        n = len(images)
        u = torch.rand((4, n), generator=generator, device=generator.device).to(images.device)
        area = self.least + (1 - self.least) * u[0]
        ratio = (4 / 3) ** (2 * u[1] - 1)
        wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
        theta = images.new_zeros(n, 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = wide, high
        theta[:, 0, 2], theta[:, 1, 2] = (1 - wide) * (2 * u[2] - 1), (1 - high) * (2 * u[3] - 1)
        grid = affine_grid(theta, [n, images.shape[1], self.size, self.size], align_corners=False)
        return grid_sample(images, grid, padding_mode="border", align_corners=False)


class Chain:
    """One change after the other.

    Parameters
    ----------
    *changes : Augment
        In their order.
    """

    def __init__(self, *changes: Augment) -> None:
        self.changes = changes

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Change a batch."""
        for change in self.changes:
            images = change(images, generator)
        return images


def _whole(
    below: int, shape: tuple[int, ...], images: Tensor, generator: torch.Generator
) -> Tensor:
    drawn = torch.randint(below, shape, generator=generator, device=generator.device)
    return drawn.to(images.device)
