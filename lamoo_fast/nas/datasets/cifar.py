"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) from local files, in whichever form they are."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamoo_fast.nas.datasets.image_data import Bytes, ImageData, in_parts, require
from lamoo_fast.nas.pickles import NUMPY_BYTES, read_pickle
from lamoo_fast.nas.pickles import Bytes as PickledBytes

_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_BATCHES = ([f"data_batch_{i}" for i in range(1, 6)], ["test_batch"])

Part = tuple[Tensor, Tensor]
"""Images (n, 3, 32, 32) as bytes, and labels (n,)."""


def cifar10(folder: Path) -> ImageData:
    """Read CIFAR-10: parts "train" (50,000) and "test" (10,000).

    Parameters
    ----------
    folder : Path
        Holds ``data_batch_1`` to ``_5`` and ``test_batch`` (Python pickles), the same ending in
        ``.bin`` (binary), or ``train*.parquet`` and ``test*.parquet`` (needs pandas with pyarrow,
        and Pillow); or is the folder above ``cifar-10-batches-py`` or ``cifar-10-batches-bin``.

    Raises
    ------
    ValueError
        When a file is missing or not what it should be.
    """
    require(folder, "the folder of CIFAR-10")
    folder = _inner(folder, "cifar-10-batches-py", "cifar-10-batches-bin")
    train, test = _BATCHES
    if (folder / train[0]).exists():
        sets = [[_pickle(folder / f, "labels") for f in files] for files in (train, test)]
    elif (folder / f"{train[0]}.bin").exists():
        sets = [[_binary(folder / f"{f}.bin", 1) for f in files] for files in (train, test)]
    elif any(folder.glob("train*.parquet")):
        sets = [_parquet(folder, part, ("img", "image"), "label") for part in ("train", "test")]
    else:
        raise ValueError(
            f"{folder} has none of {train[0]} (python), {train[0]}.bin (binary) and "
            "train*.parquet; wanted CIFAR-10"
        )
    return _data("cifar10", sets, _CLASSES)


def cifar100(folder: Path) -> ImageData:
    """Read CIFAR-100 with its hundred fine classes: parts "train" (50,000) and "test" (10,000).

    Parameters
    ----------
    folder : Path
        Holds ``train`` and ``test`` (Python pickles), ``train.bin`` and ``test.bin``, or parquet
        files as for `cifar10`; or is the folder above ``cifar-100-python`` or ``-binary``.

    Raises
    ------
    ValueError
        When a file is missing or not what it should be.
    """
    require(folder, "the folder of CIFAR-100")
    folder = _inner(folder, "cifar-100-python", "cifar-100-binary")
    if (folder / "train").is_file():
        sets = [[_pickle(folder / part, "fine_labels")] for part in ("train", "test")]
    elif (folder / "train.bin").exists():
        sets = [[_binary(folder / f"{part}.bin", 2)] for part in ("train", "test")]
    elif any(folder.glob("train*.parquet")):
        sets = [
            _parquet(folder, part, ("img", "image"), "fine_label") for part in ("train", "test")
        ]
    else:
        raise ValueError(
            f"{folder} has none of train (python), train.bin (binary) and train*.parquet; "
            "wanted CIFAR-100"
        )
    return _data("cifar100", sets, tuple(map(str, range(100))))


def _inner(folder: Path, *names: str) -> Path:
    return next((folder / name for name in names if (folder / name).is_dir()), folder)


def _data(name: str, sets: Sequence[Sequence[Part]], classes: tuple[str, ...]) -> ImageData:
    train, test = (sum(len(labels) for _, labels in parts) for parts in sets)
    values = torch.cat([images for parts in sets for images, _ in parts])
    labels = torch.cat([labels for parts in sets for _, labels in parts])
    splits = in_parts(train=train, test=test)
    return ImageData(name, Bytes.scaled_by(values, splits["train"]), labels, classes, splits)


def _pickle(path: Path, labels: str) -> Part:
    found = read_pickle(require(path, "a part of CIFAR"), NUMPY_BYTES, encoding="latin1")
    try:
        pixels, numbers = found["data"], found[labels]
    except (KeyError, TypeError):
        raise ValueError(f"{path} has no 'data' and {labels!r}; wanted a part of CIFAR") from None
    if type(pixels) is not PickledBytes or pixels.shape != (len(numbers), _PIXELS):
        raise ValueError(f"{path} has no array of {len(numbers)} x {_PIXELS} bytes as 'data'")
    values = torch.frombuffer(bytearray(pixels.data), dtype=torch.uint8)
    return values.view(-1, *_SHAPE), torch.tensor(numbers, dtype=torch.long)


def _binary(path: Path, n_labels: int) -> Part:
    """Read records of one label (the last of `n_labels`) and the pixels."""
    data = require(path, "a part of CIFAR").read_bytes()
    size = n_labels + _PIXELS
    if not data or len(data) % size:
        raise ValueError(f"{path} has {len(data)} bytes; wanted a multiple of {size}")
    records = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, size)
    values = records[:, n_labels:].reshape(-1, *_SHAPE)
    return values, records[:, n_labels - 1].long()


def _parquet(folder: Path, part: str, images: Sequence[str], label: str) -> list[Part]:
    try:
        import pandas
        import pyarrow  # noqa: F401
        from PIL import Image
    except ImportError as error:
        raise ValueError(
            f"parquet files need pandas, pyarrow and Pillow; run: pip install {error.name}"
        ) from None
    paths = sorted(folder.glob(f"{part}*.parquet"))
    if not paths:
        raise ValueError(f"{folder} has no {part}*.parquet; wanted a part of CIFAR")
    parts = []
    for path in paths:
        frame: Any = pandas.read_parquet(path)
        column = next((name for name in images if name in frame), None)
        if column is None or label not in frame:
            raise ValueError(f"{path} has columns {list(frame)}; wanted {images[0]!r}, {label!r}")
        pixels = [
            np.asarray(Image.open(io.BytesIO(cell["bytes"])).convert("RGB"))
            for cell in frame[column]
        ]
        values = torch.tensor(np.array(pixels)).permute(0, 3, 1, 2).contiguous()
        parts.append((values, torch.tensor(frame[label].to_numpy()).long()))
    return parts
