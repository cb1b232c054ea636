"""Evaluation without training: what networks with new weights tell about their architecture."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lamoo_fast.nas.device import checked_device
from lamoo_fast.nas.evaluators.evaluator import Evaluation
from lamoo_fast.nas.spaces.architecture import ArchitectureSpace
from lamoo_fast.nas.training.device import device_of, to_device
from lamoo_fast.nas.training.seeds import derived_generator
from lamoo_fast.search.checks import check_count

__all__ = ["SCORES", "Untrained", "naswot", "synflow"]

# Functions whose output is positive where a unit is switched on; modules call them.
_RECTIFIERS = frozenset(
    [
        torch.relu,
        torch.relu_,
        Tensor.relu,
        Tensor.relu_,
        functional.relu,
        functional.relu6,
        functional.hardswish,
        functional.silu,
    ]
)
_NORMALISATIONS = frozenset(
    [
        functional.batch_norm,
        functional.group_norm,
        functional.instance_norm,
        functional.layer_norm,
    ]
)


class _Codes(TorchFunctionMode):
    """Adds up over all rectifiers how many units two images switch alike.

    What is normalised is so by the statistics of the batch: new weights have no others.
    """

    def __init__(self, images: int) -> None:
        self.alike = torch.zeros(images, images, dtype=torch.float64)

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.batch_norm:
            return _by_batch(*args, **(kwargs or {}))
        out = func(*args, **(kwargs or {}))
        if func in _RECTIFIERS:
            on = (out.flatten(1) > 0).float()
            # Counts below 2^24 are exact in single precision; a layer has fewer units.
            alike = on @ on.T + (1 - on) @ (1 - on).T
            self.alike += alike.to("cpu", torch.float64)
        return out


def _by_batch(
    x: Tensor,
    mean: object,
    variance: object,
    weight: Any = None,
    bias: Any = None,
    *rest: Any,
    eps: float = 1e-5,
    **_: Any,
) -> Tensor:
    """Normalise as `functional.batch_norm` does, which is given (training, momentum, eps) too."""
    eps = rest[2] if len(rest) > 2 else eps
    return functional.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


class _Plain(TorchFunctionMode):
    """Normalises nothing."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return args[0] if func in _NORMALISATIONS else func(*args, **(kwargs or {}))


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor) -> float:
    """How differently an untrained network switches its units for different images.

    Parameters
    ----------
    network : Module
        Rectifies somewhere: ReLU, ReLU6, hard swish or SiLU, as modules or functions.
    images : Tensor
        A mini-batch (b, ...), whose own statistics normalise it.

    Returns
    -------
    float
        log det(K + I), >= 0, where K[i, j] is the number of units that images i and j both switch
        on or both switch off. The published score is log det K: the identity changes little beside
        counts of thousands, and keeps the score finite where all images are alike to a network.

    Raises
    ------
    ValueError
        When nothing is rectified.

    Notes
    -----
    Mellor et al., "Neural Architecture Search without Training", ICML 2021. O(b^2 u + b^3) for u
    units.
    """
    codes = _Codes(len(images))
    with _evaluating(network), codes:
        network(to_device(images, device_of(network)))
    if not codes.alike.any():
        raise ValueError(
            f"network is a {type(network).__name__} that rectifies nothing, wanted one with ReLUs"
        )
    return float(torch.linalg.slogdet(codes.alike + torch.eye(len(images))).logabsdet)


def synflow(network: nn.Module, shape: Sequence[int]) -> float:
    """How much the paths through an untrained network carry.

    Parameters
    ----------
    network : Module
        Any; normalisations may be modules or functions.
    shape : sequence of int
        Of one image.

    Returns
    -------
    float
        log(1 + sum of theta dR / dtheta) over all weights theta, where R is the sum of the outputs
        for an image of ones, all weights are replaced by their absolute values, and nothing is
        normalised. Computed in double precision.

    Notes
    -----
    Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic
    flow", NeurIPS 2020; as a score of architectures: Abdelfattah et al., "Zero-Cost Proxies for
    Lightweight NAS", ICLR 2021.
    """
    weights = {
        name: weight.detach().double().abs().requires_grad_()
        for name, weight in network.named_parameters()
    }
    ones = torch.ones(1, *shape, dtype=torch.float64, device=device_of(network))
    with _evaluating(network), torch.enable_grad(), _Plain():
        output = torch.func.functional_call(network, weights, (ones,))
        total = torch.stack([part.sum() for part in _tensors(output)]).sum()
        gradients = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
    pairs = zip(weights.values(), gradients, strict=True)
    carried = sum(float((w.detach() * g).sum()) for w, g in pairs if g is not None)
    return math.log1p(carried)


def _tensors(output: Any) -> Iterator[Tensor]:
    """Tensors of what a network returns, such as those of a detector."""
    if isinstance(output, Tensor):
        yield output
    else:
        for part in output:
            yield from _tensors(part)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Let a network drop nothing, and be in its own mode afterwards."""
    modes = [(part, part.training) for part in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


SCORES: dict[str, Callable[[nn.Module, Tensor], float]] = {
    "naswot": naswot,
    "synflow": lambda network, images: synflow(network, images.shape[1:]),
}
"""What an `Untrained` can tell of a network and a mini-batch; more is better."""


class Untrained:
    """Scores architectures by networks with new weights, in milliseconds each.

    Parameters
    ----------
    architectures : ArchitectureSpace
        The space, of networks that map images.
    images : Tensor
        A mini-batch (b, channels, height, width), b >= 2, without labels.
    scores : sequence of str
        Names in `SCORES`, all by default.
    seed : int
        With the architecture it determines the weights.
    repeats : int
        Networks of each architecture, whose scores are averaged.
    device : str
        Where they are computed.

    Raises
    ------
    ValueError
        If there are fewer than two images, or they are not finite; a score is unknown; `repeats`
        is not >= 1; or the device is absent.

    Examples
    --------
    >>> from lamoo_fast.nas.spaces.cell201 import Cell201
    >>> cells = Cell201(channels=2, cells=1, image_size=8)
    >>> images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> untrained = Untrained(cells, images)
    >>> poor, rich = (dict.fromkeys(cells.space.params, op) for op in ("none", "nor_conv_3x3"))
    >>> a, b = untrained.evaluate([poor, rich])
    >>> a.fidelity, a.values["synflow"], a.values["naswot"] < b.values["naswot"]
    ('untrained', 0.0, True)
    """

    def __init__(
        self,
        architectures: ArchitectureSpace,
        images: Tensor,
        *,
        scores: Sequence[str] = tuple(SCORES),
        seed: int = 0,
        repeats: int = 1,
        device: str = "cpu",
    ) -> None:
        if images.ndim < 2 or len(images) < 2:
            raise ValueError(f"images has shape {tuple(images.shape)}, wanted (b, ...) with b >= 2")
        if not images.isfinite().all():
            raise ValueError("images has NaN or infinity, wanted finite ones")
        if not scores or not set(scores) <= set(SCORES):
            raise ValueError(f"scores is {list(scores)}, wanted some of {list(SCORES)}")
        self.architectures = architectures
        self.names = tuple(dict.fromkeys(scores))
        self._device = checked_device(device)
        self._images = to_device(images, self._device)
        self._seed, self._repeats = seed, check_count("repeats", repeats)

    def evaluate(self, configs: Sequence[Mapping[str, Any]]) -> list[Evaluation]:
        """Return the scores of each architecture; what one gets does not depend on the others."""
        return [self._evaluate(config) for config in configs]

    def _evaluate(self, config: Mapping[str, Any]) -> Evaluation:
        started = time.perf_counter()
        text = self.architectures.encode(config)
        sums = dict.fromkeys(self.names, 0.0)
        for repeat in range(self._repeats):
            generator = derived_generator(self._seed, text, repeat, device=self._device)
            network = self.architectures.build(config, generator=generator)
            for name in self.names:
                sums[name] += SCORES[name](network, self._images)
        means = {name: total / self._repeats for name, total in sums.items()}
        return Evaluation(means, "untrained", time.perf_counter() - started)
