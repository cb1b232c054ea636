"""Latency of a chain of blocks as the sum of a table's entries."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lamoo_fast.search.space import Config

if TYPE_CHECKING:
    import torch

    from lamoo_fast.nas.costs.latency import Latency

_COLUMNS = ("block", "mean_ms")


class ChainSpace(Protocol):
    """A space whose networks are chains, such as `MobileNet` and `FBNet`."""

    def descriptors(self, config: Mapping[str, Any]) -> list[str]:
        """Name the parts of a network from first to last; equal parts have equal names."""

    def example(self, config: Mapping[str, Any]) -> torch.Tensor:
        """Return one input of a network, shape (1, channels, height, width)."""

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> Any:
        """Make a network with a method ``parts`` that returns the modules of those names."""


@dataclass(frozen=True)
class LookupTable:
    """Milliseconds of blocks by name.

    Parameters
    ----------
    milliseconds : mapping of str to float
        By the name that the space gives to a block.
    source : str
        Where they are from: a file, or a device and how it was measured.

    Examples
    --------
    >>> table = LookupTable({"conv": 1.5, "pool": 0.25}, "an example")
    >>> table.latency(["conv", "pool", "conv"])
    3.25
    """

    milliseconds: Mapping[str, float]
    source: str

    def latency(self, descriptors: Iterable[str]) -> float:
        """Add the milliseconds of all blocks.

        Raises
        ------
        ValueError
            If a block is not in the table.
        """
        total = 0.0
        for name in descriptors:
            if name not in self.milliseconds:
                raise ValueError(
                    f"block {name!r} is not among the {len(self.milliseconds)} of {self.source}"
                )
            total += self.milliseconds[name]
        return total

    @classmethod
    def read(cls, path: Path) -> LookupTable:
        """Read a CSV file, compressed if it ends with ``.gz``, of columns block and mean_ms.

        Raises
        ------
        ValueError
            If it has other columns, or an entry is not a number or comes twice.
        OSError
            If it cannot be read.
        """
        read: dict[str, float] = {}
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            if missing := [c for c in _COLUMNS if c not in (rows.fieldnames or ())]:
                raise ValueError(f"{path.name} has columns {rows.fieldnames}, wanted {missing} too")
            for row in rows:
                name = row["block"]
                try:
                    value = float(row["mean_ms"])
                except (TypeError, ValueError):
                    raise ValueError(
                        f"{path.name}, line {rows.line_num}: mean_ms is {row['mean_ms']!r}"
                    ) from None
                if name in read or not 0 <= value < float("inf"):
                    raise ValueError(
                        f"{path.name}, line {rows.line_num}: block {name!r} has {value} ms, "
                        "wanted each block once, with a number >= 0"
                    )
                read[name] = value
        return cls(read, path.name)

    def write(self, path: Path) -> None:
        """Write a CSV file that `read` understands."""
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "wt", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(_COLUMNS)
            rows.writerows(sorted(self.milliseconds.items()))


def measure_table(
    space: ChainSpace, configs: Iterable[Config], *, generator: torch.Generator, **settings: Any
) -> LookupTable:
    """Measure every block that occurs in some networks, each once.

    Each block gets the input that it has in its network.

    Parameters
    ----------
    space : ChainSpace
        Of the networks.
    configs : iterable of dict
        Which ones; those of the largest and smallest do not hold all blocks.
    generator : torch.Generator
        Draws weights.
    **settings
        Given to `measure_latency`: device, batch, threads and so on.

    Raises
    ------
    ValueError
        If there are no configurations, or as `measure_latency`.
    """
    import torch
    from tqdm import tqdm

    from lamoo_fast.nas.costs.latency import measure_latency

    measured: dict[str, Latency] = {}
    for config in tqdm(list(configs), desc="networks", unit="net", disable=None):
        names = space.descriptors(config)
        if all(name in measured for name in names):
            continue
        x = space.example(config)
        with torch.inference_mode():
            for name, part in zip(
                names, space.build(config, generator=generator).eval().parts(), strict=True
            ):
                if name not in measured:
                    measured[name] = measure_latency(part, x, **settings)
                x = part(x)
    if not measured:
        raise ValueError("configs is empty, wanted at least one network")
    one = next(iter(measured.values()))
    source = f"{one.device}, batch {one.batch}, {one.threads} thread(s), {one.dtype}"
    return LookupTable({name: m.milliseconds for name, m in measured.items()}, source)
