"""Generated images of coloured shapes in the form of COCO: a data set that needs no download."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from lamoo_fast.search.checks import check_count

NAMES = ("disc", "square", "triangle")


def write_shapes(
    folder: Path, *, train: int = 200, val: int = 50, size: int = 64, seed: int = 0
) -> None:
    """Write images with one to three shapes each, and their annotations.

    Afterwards ``coco(folder, "train")`` and ``coco(folder, "val")`` read them. The same arguments
    give the same files.

    Parameters
    ----------
    folder : Path
        Is made if it does not exist.
    train, val : int
        Images of the two parts.
    size : int
        Sides of an image in pixels, at least 32.
    seed : int
        Of all images.

    Raises
    ------
    ValueError
        When a number is out of its range.
    OSError
        When a file cannot be written.
    """
    check_count("size", size, least=32)
    for number, (part, n) in enumerate({"train": train, "val": val}.items()):
        check_count(part, n)
        (folder / part).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, number])
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for i in range(1, n + 1):
            name = f"{i:06d}.png"
            boxes = _draw(folder / part / name, size, rng)
            images.append({"id": i, "file_name": name, "width": size, "height": size})
            for kind, box in boxes:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": i,
                        "category_id": kind + 1,
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": 0,
                    }
                )
        categories = [{"id": k + 1, "name": name} for k, name in enumerate(NAMES)]
        found = {"images": images, "annotations": annotations, "categories": categories}
        path = folder / "annotations" / f"instances_{part}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found), encoding="utf-8")


def _draw(path: Path, size: int, rng: np.random.Generator) -> list[tuple[int, list[float]]]:
    """Write an image; kind and box (left, top, width, height) of each shape in it."""
    from PIL import Image, ImageDraw

    noise = rng.integers(90, 130, size=(size, size, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    drawn: list[tuple[int, list[float]]] = []
    for _ in range(rng.integers(1, 4)):
        side = int(rng.integers(size // 5, size // 2))
        left, top = (int(v) for v in rng.integers(0, size - side, size=2))
        if any(_overlap(box, [left, top, side, side]) for _, box in drawn):
            continue  # hidden shapes would be wrong answers
        kind = int(rng.integers(len(NAMES)))
        colour = tuple(int(v) for v in rng.choice([20, 235], size=3))
        corners = (left, top, left + side - 1, top + side - 1)
        if NAMES[kind] == "disc":
            pen.ellipse(corners, fill=colour)
        elif NAMES[kind] == "square":
            pen.rectangle(corners, fill=colour)
        else:
            middle = left + math.floor(side / 2)
            pen.polygon([(left, corners[3]), (corners[2], corners[3]), (middle, top)], fill=colour)
        drawn.append((kind, [float(left), float(top), float(side), float(side)]))
    image.save(path)
    return drawn


def _overlap(a: list[float], b: list[float]) -> bool:
    """Whether two boxes have a point in common."""
    return all(a[k] < b[k] + b[k + 2] and b[k] < a[k] + a[k + 2] for k in (0, 1))
