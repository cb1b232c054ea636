"""ImageNet, or any images in a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from lamoo_fast.nas.datasets.image_data import ImageData, in_parts, require
from lamoo_fast.search.checks import check_count

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as usual
_ENDINGS = {".jpeg", ".jpg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True)
class Files:
    """Images that are read and cut to squares when they are asked for.

    The shorter side becomes `size` pixels and the middle is kept; then every channel is scaled by
    `MEAN` and `DEVIATION`.
    """

    paths: Sequence[Path]
    size: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Tensor) -> Tensor:
        return torch.stack([read_image(self.paths[i], self.size) for i in rows.tolist()])


def image_folder(folder: Path, *, size: int = 256) -> ImageData:
    """List the images of ``folder/train/CLASS/*`` and ``folder/val/CLASS/*``.

    Their parts are "train" and "test". Trainings enlarge random parts (`augment.ResizedCrop`);
    where a network takes fewer pixels than `size`, the middle of an image is its test input.

    Parameters
    ----------
    folder : Path
        Holds a folder ``train`` and a folder ``val`` or ``valid`` or ``test``.
    size : int
        Sides of the images in pixels.

    Raises
    ------
    ValueError
        When a folder is missing or without images, classes differ, or Pillow is not installed.
    """
    check_count("size", size)
    _pillow()
    require(folder, "a folder with train and val")
    train = require(folder / "train", "a folder of images for each class")
    named = [folder / name for name in ("val", "valid", "test")]
    test = next((path for path in named if path.is_dir()), named[0])
    require(test, "a folder of images for each class")
    classes = tuple(sorted(path.name for path in train.iterdir() if path.is_dir()))
    if not classes:
        raise ValueError(f"{train} has no folders; wanted one for each class")
    found = [_listed(part, classes) for part in (train, test)]
    paths = [path for part in found for _, path in part]
    labels = torch.tensor([label for part in found for label, _ in part])
    splits = in_parts(train=len(found[0]), test=len(found[1]))
    return ImageData(folder.name, Files(paths, size), labels, classes, splits)


def _listed(folder: Path, classes: Sequence[str]) -> list[tuple[int, Path]]:
    strange = {path.name for path in folder.iterdir() if path.is_dir()} - set(classes)
    if strange:
        raise ValueError(f"{folder} has a class {min(strange)!r} that is not among those of train")
    found = [
        (label, path)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).glob("*"))
        if path.suffix.lower() in _ENDINGS
    ]
    if not found:
        raise ValueError(f"{folder} has no images in folders of the classes of train")
    return found


def read_image(path: Path, size: int) -> Tensor:
    """Read the middle square of an image (3, size, size), scaled.

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    image_module = _pillow()
    try:
        with image_module.open(path) as image:
            image = image.convert("RGB")
            scale = size / min(image.size)
            wide, high = (max(size, round(side * scale)) for side in image.size)
            image = image.resize((wide, high), image_module.Resampling.BILINEAR)
            left, top = (wide - size) // 2, (high - size) // 2
            pixels = np.asarray(image.crop((left, top, left + size, top + size)))
    except (OSError, SyntaxError, image_module.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from None
    return scaled(torch.tensor(pixels).permute(2, 0, 1))


def scaled(pixels: Tensor) -> Tensor:
    """Scale bytes (3, height, width) by mean and deviation."""
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, DEVIATION))
    return (pixels.float() / 255 - mean) / deviation


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except ImportError:
        raise ValueError("image files need Pillow; run: pip install pillow") from None
    return Image
