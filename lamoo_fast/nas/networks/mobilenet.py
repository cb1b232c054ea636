"""Networks of inverted residual blocks with squeeze and excitation."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from lamoo_fast.nas.networks.blocks import DropPath, conv_bn
from lamoo_fast.nas.spaces.mobilenet import InvertedResidual, MobileNet


class SqueezeExcite(nn.Module):
    """Scale each channel by what all of them are on average (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, h, w) to the same shape."""
        scaled: Tensor = x * self.scale(x)
        return scaled


class InvertedResidualBlock(nn.Module):
    """The module of an `InvertedResidual`."""

    def __init__(self, block: InvertedResidual) -> None:
        super().__init__()
        middle = block.middle
        activation = nn.Hardswish if block.hard_swish else nn.ReLU
        self.expand = nn.Sequential()
        if block.expansion > 1:
            self.expand = nn.Sequential(*conv_bn(1, block.c_in, middle), activation())
        self.depthwise = nn.Sequential(
            *conv_bn(block.kernel, middle, middle, block.stride, groups=middle), activation()
        )
        self.squeeze = SqueezeExcite(middle, block.squeezed) if block.squeeze else nn.Identity()
        self.project = nn.Sequential(*conv_bn(1, middle, block.c_out))
        self.drop = DropPath()
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c_in, h, w) to (batch, c_out, h / stride, w / stride)."""
        out: Tensor = self.project(self.squeeze(self.depthwise(self.expand(x))))
        return x + self.drop(out) if self.residual else out


class MobileNetV3(nn.Module):
    """Stand-alone network of a list of blocks.

    Parameters
    ----------
    settings : MobileNet
        Width, classes, channels of the image, dropout.
    blocks : sequence of InvertedResidual
        From first to last.
    """

    def __init__(self, settings: MobileNet, blocks: Sequence[InvertedResidual]) -> None:
        super().__init__()
        expanded, features = settings.head
        self.stem = nn.Sequential(
            *conv_bn(3, settings.in_channels, settings.stem, stride=2), nn.Hardswish()
        )
        self.blocks = nn.Sequential(*(InvertedResidualBlock(block) for block in blocks))
        self.head = nn.Sequential(
            *conv_bn(1, blocks[-1].c_out, expanded),
            nn.Hardswish(),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(expanded, features, 1, bias=False),
            nn.Hardswish(),
            nn.Flatten(),
            nn.Dropout(settings.dropout),
        )
        self.classifier = nn.Linear(features, settings.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, in_channels, height, width) to scores (batch, classes)."""
        scores: Tensor = self.classifier(self.head(self.blocks(self.stem(x))))
        return scores

    def parts(self) -> list[nn.Module]:
        """Return the modules that `MobileNet.descriptors` names; run in turn they are the net."""
        return [self.stem, *self.blocks, self.head[:4], self.head[4:], self.classifier]
