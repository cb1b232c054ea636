"""The elastic supernet of once-for-all MobileNetV3: subnets are slices of the largest one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from lamoo_fast.nas.networks.initialise import initialised
from lamoo_fast.nas.networks.mobilenet import InvertedResidualBlock, MobileNetV3
from lamoo_fast.nas.spaces.mobilenet import DEPTH, KERNELS, STAGES, MobileNet, divisible
from lamoo_fast.nas.supernets.layout import inside, through
from lamoo_fast.nas.supernets.statistics import (
    Normaliser,
    Rows,
    Statistics,
    forget_running_averages,
)
from lamoo_fast.nas.supernets.supernet import Supernet

__all__ = ["ElasticMobileNet", "resized"]


class Choice(NamedTuple):
    """What a subnet chooses in a block."""

    kernel: int
    expansion: int


class KernelMaps(nn.Module):
    """Smaller kernels from larger ones: the middle, times a matrix that all channels share.

    At first the matrices are the identity.
    """

    def __init__(self) -> None:
        super().__init__()
        sizes = [size * size for size in KERNELS[:-1]]
        self.maps = nn.ParameterList(nn.Parameter(torch.eye(n)) for n in sizes)

    def forward(self, weight: Tensor, kernel: int) -> Tensor:
        """Map a depthwise weight (channels, 1, 7, 7) to (channels, 1, kernel, kernel)."""
        for size, matrix in zip(reversed(KERNELS[:-1]), reversed(list(self.maps)), strict=True):
            if kernel <= size:
                middle = weight[:, :, 1:-1, 1:-1].flatten(2)
                weight = (middle @ matrix).unflatten(2, (size, size))
        return weight


class ElasticMobileNet(Supernet):
    """Weight sharing over the subnets of a `MobileNet` space.

    The supernet is the largest network. A subnet has the first blocks of each stage, the first
    channels inside each block, and the kernels that `KernelMaps` makes of the largest ones. Images
    are resized to the resolution of each subnet.

    Parameters
    ----------
    architectures : MobileNet
        The space.
    generator : torch.Generator
        Draws the weights; the supernet is placed on its device.

    Notes
    -----
    Cai et al., ICLR 2020, arXiv:1908.09791; trained by the sandwich rule (`Sandwich`), as Yu et
    al., ECCV 2020, arXiv:2003.11142, instead of progressive shrinking.
    """

    # Each group cuts the layers of every subnet out anew, which takes longer than the cache saves.
    group_floats: ClassVar[int] = 2**24
    architectures: MobileNet

    def __init__(self, architectures: MobileNet, *, generator: torch.Generator) -> None:
        super().__init__(architectures)
        blocks = architectures.blocks(architectures.largest())
        self.network = initialised(lambda: MobileNetV3(architectures, blocks), generator)
        self.kernels = nn.ModuleList(KernelMaps() for _ in range(DEPTH * len(STAGES)))
        self.kernels.to(generator.device)
        forget_running_averages(self.network)

    def run(self, x: Tensor, configs: Sequence[Mapping[str, Any]], normalise: Normaliser) -> Tensor:
        """Map images (batch, channels, height, width) to scores (subnets, batch, classes)."""
        scores: list[Tensor] = []
        order: list[int] = []
        for resolution in dict.fromkeys(config["resolution"] for config in configs):
            members = [i for i, config in enumerate(configs) if config["resolution"] == resolution]
            sized = resized(x, resolution)
            scores.append(self._run_one_size(sized, configs, members, normalise))
            order += members
        back = torch.tensor(order, device=x.device).argsort()
        return torch.cat(scores).index_select(0, back)

    def _run_one_size(
        self,
        x: Tensor,
        configs: Sequence[Mapping[str, Any]],
        members: list[int],
        normalise: Normaliser,
    ) -> Tensor:
        net: Any = self.network  # its parts are typed as mere modules
        *_, (x, row) = self.stages(x, configs, members, normalise)
        rows = Rows.of(row, len(x), x.device)
        conv, norm, activation, _, mix, *_ = net.head
        x = activation(normalise(norm, through(x, conv), rows)).mean(dim=(2, 3))
        x = functional.hardswish(functional.linear(x, mix.weight.flatten(1)))
        x = functional.dropout(x, self.architectures.dropout, self.training)
        scores: Tensor = net.classifier(x)
        return scores.index_select(0, rows.of_subnet[members])

    def stages(
        self,
        x: Tensor,
        configs: Sequence[Mapping[str, Any]],
        members: list[int],
        normalise: Normaliser,
    ) -> Iterator[tuple[Tensor, list[int]]]:
        """Run some of the subnets, all on images of one size, through the blocks.

        Yields
        ------
        tuple of (Tensor, list of int)
            After each stage: rows (rows, batch, height, width, channels), and the row of each
            subnet; -1 for those that are not members.
        """
        net: Any = self.network
        row = [-1] * len(configs)
        for i in members:
            row[i] = 0
        conv, norm, activation = net.stem
        rows = Rows.of(row, 1, x.device)
        x = activation(normalise(norm, through(inside(x), conv), rows))
        x = self._block(net.blocks[0], None, normalise, x, None, rows)
        for number, block in enumerate(net.blocks[1:]):
            choices = [self._choice(config, number) for config in configs]
            run_slice = partial(self._block, block, self.kernels[number], normalise)
            x, row = _advance(x, row, choices, run_slice)
            if number % DEPTH == DEPTH - 1:
                yield x, row

    @staticmethod
    def _choice(config: Mapping[str, Any], block: int) -> Choice | None:
        """Choice in one of the twenty blocks; None if the stage is not as deep."""
        if block % DEPTH >= config[f"d{block // DEPTH}"]:
            return None
        return Choice(config[f"ks{block}"], config[f"e{block}"])

    @staticmethod
    def _block(
        block: InvertedResidualBlock,
        maps: nn.Module | None,
        normalise: Normaliser,
        x: Tensor,
        choice: Choice | None,
        rows: Rows,
    ) -> Tensor:
        """Run the slice of a block; all of it without a choice."""
        parts: Any = block
        out = x
        depthwise, depthwise_norm, activation = parts.depthwise
        kernel, middle = depthwise.weight, depthwise.out_channels
        if choice is not None and maps is not None:
            middle = divisible(x.shape[-1] * choice.expansion)
            kernel = maps(kernel[:middle], choice.kernel)
        if len(parts.expand):
            conv, norm, _ = parts.expand
            out = functional.linear(out, conv.weight[:middle].flatten(1))
            out = activation(normalise(norm, out, rows))
        stride, padding = depthwise.stride, kernel.shape[-1] // 2
        out = through(
            out, lambda y: functional.conv2d(y, kernel, None, stride, padding, groups=middle)
        )
        out = activation(normalise(depthwise_norm, out, rows))
        if not isinstance(parts.squeeze, nn.Identity):
            out = _squeezed(parts.squeeze, out)
        conv, norm = parts.project
        out = functional.linear(out, conv.weight[:, :middle].flatten(1))
        out = normalise(norm, out, rows)
        return x + through(out, parts.drop) if parts.residual else out

    def largest_activation(self, x: Tensor) -> int:
        """Numbers in the activation inside the first block of the first stage, of one image."""
        first = self.architectures.blocks(self.architectures.largest())[1]
        return first.middle * first.size_in * first.size_in

    @torch.no_grad()
    def subnet(
        self, config: Mapping[str, Any], statistics: Statistics | None = None
    ) -> MobileNetV3:
        """Make the stand-alone network of a configuration with a copy of the shared weights."""
        config = self.architectures.space.check(config)
        weight = self.network.classifier.weight
        network = self.architectures.build(config, generator=torch.Generator(weight.device))
        network.to(weight.dtype)
        recorded = None
        if statistics is not None:
            recorded = statistics.of(self.architectures.encode(config))
        used = [0, *(n + 1 for n in range(DEPTH * len(STAGES)) if self._choice(config, n))]
        for name, part in network.named_modules():
            if not isinstance(part, (nn.Conv2d, nn.Linear, nn.BatchNorm2d)):
                continue
            words = name.split(".")
            number = 0
            if words[0] == "blocks":
                number = used[int(words[1])]
                words[1] = str(number)
            shared = ".".join(words)
            theirs = self.network.get_submodule(shared).parameters()
            for own, other in zip(part.parameters(), theirs, strict=True):
                if other.ndim == 4 and other.shape[1] == 1 and number:  # depthwise
                    other = self.kernels[number - 1](other, own.shape[-1])
                own.copy_(other[tuple(slice(n) for n in own.shape)])
            if recorded is not None and isinstance(part, nn.BatchNorm2d):
                recorded.copy_to(part, f"network.{shared}")
        return network


def resized(images: Tensor, side: int) -> Tensor:
    """Return images (batch, channels, side, side)."""
    if images.shape[2:] == (side, side):
        return images
    return functional.interpolate(images, (side, side), mode="bilinear", antialias=True)


def _squeezed(module: nn.Module, x: Tensor) -> Tensor:
    """Squeeze and excite the first channels."""
    scale: Any = module
    _, down, _, up, gate = scale.scale
    middle = x.shape[-1]
    inner = divisible(middle // 4)
    mean = x.mean(dim=(2, 3), keepdim=True)
    weights = functional.linear(mean, down.weight[:inner, :middle].flatten(1), down.bias[:inner])
    weights = functional.linear(
        weights.relu(), up.weight[:middle, :inner].flatten(1), up.bias[:middle]
    )
    out: Tensor = x * gate(weights)
    return out


def _advance(
    x: Tensor,
    row: list[int],
    choices: Sequence[Choice | None],
    apply: Callable[[Tensor, Choice, Rows], Tensor],
) -> tuple[Tensor, list[int]]:
    """Take every subnet through its choice, equal rows with equal choices once.

    Returns the new rows and the row of each subnet. Subnets without a choice keep theirs.
    """
    after = [-1] * len(row)
    banks: list[Tensor] = []
    total = 0
    for choice in dict.fromkeys(c for c, r in zip(choices, row, strict=True) if r >= 0):
        members = [i for i, c in enumerate(choices) if c == choice and row[i] >= 0]
        through_here = sorted({row[i] for i in members})
        place = {r: n for n, r in enumerate(through_here)}
        selected = x
        if through_here != list(range(len(x))):
            selected = x.index_select(0, torch.tensor(through_here, device=x.device))
        if choice is not None:
            of_subnet = [-1] * len(row)
            for i in members:
                of_subnet[i] = place[row[i]]
            selected = apply(selected, choice, Rows.of(of_subnet, len(through_here), x.device))
        for i in members:
            after[i] = total + place[row[i]]
        total += len(through_here)
        banks.append(selected)
    return (banks[0] if len(banks) == 1 else torch.cat(banks)), after
