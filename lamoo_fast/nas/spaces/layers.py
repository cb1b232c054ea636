"""What single layers cost, in closed form."""

from __future__ import annotations

from lamoo_fast.nas.spaces.architecture import Cost


def conv(
    kernel: int,
    c_in: int,
    c_out: int,
    size: int,
    *,
    groups: int = 1,
    bias: bool = False,
    norm: bool = True,
) -> Cost:
    """Cost of a square convolution onto an image of ``size`` by ``size`` pixels.

    ``k^2 c_in c_out / groups`` weights, each used once per pixel. A normalisation behind it has
    two parameters per channel and, folded into the convolution, no multiply-adds.

    Examples
    --------
    >>> conv(3, 4, 8, 5, groups=2)
    Cost(flops=3600, params=160)
    """
    weights = kernel * kernel * c_in * c_out // groups + bias * c_out
    return Cost(weights * size * size, weights + 2 * c_out * norm)


def linear(inputs: int, outputs: int, *, bias: bool = True) -> Cost:
    """Cost of a linear layer.

    Examples
    --------
    >>> linear(64, 10)
    Cost(flops=650, params=650)
    """
    weights = (inputs + bias) * outputs
    return Cost(weights, weights)
