"""Texts as numbers of words or characters: Penn Treebank, WikiText and any other text files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lamoo_fast.nas.datasets.image_data import require
from lamoo_fast.search.checks import check_count

UNKNOWN, END = "<unk>", "<eos>"
_PTB = {"train": "ptb.train.txt", "valid": "ptb.valid.txt", "test": "ptb.test.txt"}
_WIKI = {part: f"wiki.{part}.tokens" for part in ("train", "valid", "test")}
_PLAIN = {part: f"{part}.txt" for part in ("train", "valid", "test")}


@dataclass(frozen=True)
class TextData:
    """A data set for language models.

    Parameters
    ----------
    name : str
        Of the data set.
    tokens : mapping of str to Tensor (n,)
        Of the parts "train", "valid" and "test": numbers of tokens in `vocabulary`.
    vocabulary : tuple of str
        The tokens.

    Examples
    --------
    >>> data = read_text("rhyme", {"train": "a rose is a rose", "test": "a thorn"}, level="words")
    >>> data.vocabulary
    ('<unk>', '<eos>', 'a', 'rose', 'is')
    >>> data.tokens["test"].tolist()
    [2, 0, 1]
    """

    name: str
    tokens: Mapping[str, Tensor]
    vocabulary: tuple[str, ...]


def text_folder(folder: Path, *, level: str = "words") -> TextData:
    """Read a folder with Penn Treebank, WikiText, or the files train.txt, valid.txt and test.txt.

    Parameters
    ----------
    folder : Path
        Holds ``ptb.train.txt``, ``wiki.train.tokens`` or ``train.txt``, and the same for valid and
        test.
    level : {"words", "characters"}
        What a token is. Words are what spaces separate, and each line ends with the token <eos>.

    Raises
    ------
    ValueError
        When a file is missing or empty, or not UTF-8.
    """
    require(folder, "a folder with the text files of Penn Treebank or WikiText")
    for named in (_PTB, _WIKI, _PLAIN):
        if (folder / named["train"]).exists():
            break
    else:
        raise ValueError(
            f"{folder} has none of {_PTB['train']}, {_WIKI['train']} and {_PLAIN['train']}"
        )
    texts = {}
    for part, file in named.items():
        path = require(folder / file, f"the {part} part of the text in {folder.name}")
        try:
            texts[part] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not text in UTF-8: {error}") from None
    return read_text(folder.name, texts, level=level)


def read_text(
    name: str, texts: Mapping[str, str], *, level: str = "words", least: int = 1
) -> TextData:
    """Number the tokens of texts; the vocabulary is that of the part "train".

    Parameters
    ----------
    name : str
        Of the data set.
    texts : mapping of str to str
        By part.
    level : {"words", "characters"}
        What a token is.
    least : int
        How often a token must be in "train" to be in the vocabulary; others are <unk>.

    Raises
    ------
    ValueError
        When the level is neither, or a part has no token.
    """
    if level not in ("words", "characters"):
        raise ValueError(f"level is {level!r}, wanted 'words' or 'characters'")
    check_count("least", least)
    split = {part: list(_words(text) if level == "words" else text) for part, text in texts.items()}
    for part, tokens in split.items():
        if not tokens:
            raise ValueError(f"the part {part!r} of {name} is empty; wanted text")
    counts = Counter(split["train"])
    special = (UNKNOWN, END) if level == "words" else (UNKNOWN,)
    kept = [t for t, count in counts.most_common() if count >= least and t not in special]
    vocabulary = (*special, *kept)
    number = {token: i for i, token in enumerate(vocabulary)}
    return TextData(
        name,
        {part: torch.tensor([number.get(t, 0) for t in some]) for part, some in split.items()},
        vocabulary,
    )


def columns(tokens: Tensor, batch: int) -> Tensor:
    """Cut a text into `batch` equal pieces that are read side by side: (length, batch).

    Raises
    ------
    ValueError
        When there are fewer than two tokens for each piece.
    """
    length = len(tokens) // check_count("batch", batch)
    if length < 2:
        raise ValueError(f"{len(tokens)} tokens are too few for {batch} pieces of two or more")
    return tokens[: length * batch].view(batch, length).t().contiguous()


def steps(columns: Tensor, length: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pairs of up to `length` rows and the rows that are one token later."""
    check_count("length", length)
    for i in range(0, len(columns) - 1, length):
        n = min(length, len(columns) - 1 - i)
        yield columns[i : i + n], columns[i + 1 : i + 1 + n]


def _words(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if words := line.split():
            yield from words
            yield END
