"""Images with objects in the form of COCO (Lin et al., ECCV 2014), and the precision on them."""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamoo_fast.nas.datasets.image_data import require
from lamoo_fast.nas.datasets.imagenet import scaled
from lamoo_fast.nas.networks.detection import Detections, Objects
from lamoo_fast.search.checks import check_count

Box = tuple[list[float], int]
"""Left, top, right and bottom in pixels, and the label."""

METRICS = ("mAP", "AP50", "AP75")


@dataclass(frozen=True)
class DetectionData:
    """Images of one size with their objects.

    Images are enlarged or reduced to fit a square of `size` pixels, from its upper left corner;
    the rest is 0, the mean.

    Parameters
    ----------
    name : str
        Of the data set.
    paths : sequence of Path
        Image files.
    ids : sequence of int
        Numbers of the images in the annotations.
    objects : sequence of Objects
        Boxes (k, 4) in the annotations' own pixels: left, top, right and bottom.
    sizes : sequence of (width, height)
        Of the images before they are scaled.
    categories : mapping of int to str
        Names by the numbers of the annotations; labels count these in their order.
    annotations : Path
        The file that all this was read from.
    size : int
        Pixels of a side.
    """

    name: str
    paths: Sequence[Path]
    ids: Sequence[int]
    objects: Sequence[Objects]
    sizes: Sequence[tuple[int, int]]
    categories: Mapping[int, str]
    annotations: Path
    size: int

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.categories.values())

    def __len__(self) -> int:
        return len(self.paths)

    def batch(self, rows: Tensor) -> tuple[Tensor, list[Objects]]:
        """Images (n, 3, size, size) and their objects, in the pixels of these images.

        Raises
        ------
        ValueError
            When an image cannot be read.
        """
        return self.images(rows), [self.objects_in(i) for i in rows.tolist()]

    def images(self, rows: Tensor) -> Tensor:
        """Images (n, 3, size, size); ValueError when one cannot be read."""
        with ThreadPoolExecutor() as pool:  # decoding is not done by Python
            return torch.stack(list(pool.map(self._image, rows.tolist())))

    def objects_in(self, row: int) -> Objects:
        """Objects of an image, in the pixels of what `images` returns."""
        boxes, labels = self.objects[row]
        return Objects(boxes * self._scale(row), labels)

    def precision(self, rows: Tensor, found: Sequence[Detections]) -> dict[str, float]:
        """Mean average precision of what was found in some images, by pycocotools.

        Parameters
        ----------
        rows : Tensor
            The images.
        found : sequence of Detections
            One for each, in the pixels of the images that `batch` returns.

        Returns
        -------
        precision : dict
            ``mAP`` over overlaps from 0.5 to 0.95, ``AP50`` and ``AP75``, as fractions.

        Raises
        ------
        ValueError
            When pycocotools is not installed, or there are not as many as rows.
        """
        try:
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
        except ImportError:
            raise ValueError(
                "average precision needs pycocotools; run: pip install pycocotools"
            ) from None
        if len(found) != len(rows):
            raise ValueError(f"found has {len(found)} images, wanted {len(rows)}")
        numbers, results = list(self.categories), []
        for i, (boxes, scores, labels) in zip(rows.tolist(), found, strict=True):
            boxes = boxes.detach().cpu().double() / self._scale(i)
            for box, score, label in zip(
                boxes.tolist(), scores.tolist(), labels.tolist(), strict=True
            ):
                left, top, right, bottom = box
                results.append(
                    {
                        "image_id": self.ids[i],
                        "category_id": numbers[label],
                        "bbox": [left, top, right - left, bottom - top],
                        "score": score,
                    }
                )
        if not results:
            return dict.fromkeys(METRICS, 0.0)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints
            truth = COCO(str(self.annotations))
            judge = COCOeval(truth, truth.loadRes(results), "bbox")
            judge.params.imgIds = [self.ids[i] for i in rows.tolist()]
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        return dict(zip(METRICS, (max(0.0, float(v)) for v in judge.stats[:3]), strict=True))

    def _scale(self, i: int) -> float:
        return self.size / max(self.sizes[i])

    def _image(self, i: int) -> Tensor:
        from PIL import Image

        width, height = (max(1, round(side * self._scale(i))) for side in self.sizes[i])
        try:
            with Image.open(self.paths[i]) as image:
                pixels = np.asarray(
                    image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
                )
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"{self.paths[i]} cannot be read as an image: {error}") from None
        whole = torch.zeros(3, self.size, self.size)
        whole[:, :height, :width] = scaled(torch.tensor(pixels).permute(2, 0, 1))
        return whole


def coco(folder: Path, part: str = "train2017", *, size: int = 512) -> DetectionData:
    """Read ``annotations/instances_PART.json``; the images are in ``folder/PART``.

    Crowds, and boxes without an area, are left out, images without an object are kept.

    Raises
    ------
    ValueError
        When a file is missing, or the annotations are not in the form of COCO.
    """
    check_count("size", size)
    path = require(
        folder / "annotations" / f"instances_{part}.json",
        f"the annotations of {part} in the form of COCO",
    )
    images = require(folder / part, f"the images of {part}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        categories = {int(c["id"]): str(c["name"]) for c in found["categories"]}
        label = {number: i for i, number in enumerate(categories)}
        boxes: dict[int, list[tuple[list[float], int]]] = {
            int(i["id"]): [] for i in found["images"]
        }
        for entry in found["annotations"]:
            left, top, width, height = map(float, entry["bbox"])
            if not math.isfinite(left + top + width + height):
                raise ValueError(f"bbox is {entry['bbox']}")
            if not entry.get("iscrowd") and width > 0 and height > 0:
                box = [left, top, left + width, top + height]
                boxes[entry["image_id"]].append((box, label[entry["category_id"]]))
        sizes = [(int(i["width"]), int(i["height"])) for i in found["images"]]
        if sizes and min(map(min, sizes)) < 1:
            raise ValueError("an image has no pixels")
        paths = [images / str(i["file_name"]) for i in found["images"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not in the form of COCO: {error!r}") from error
    missing = next((p for p in paths if not p.exists()), None)
    if missing is not None:
        raise ValueError(f"{missing} does not exist; {path.name} names it")
    return DetectionData(
        folder.name, paths, list(boxes), [_objects(some) for some in boxes.values()],
        sizes, categories, path, size,
    )  # fmt: skip


def _objects(some: Sequence[Box]) -> Objects:
    boxes: Any = [box for box, _ in some]
    return Objects(
        torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        torch.tensor([label for _, label in some], dtype=torch.long),
    )
