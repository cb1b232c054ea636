"""Networks of FBNet layers."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from lamoo_fast.nas.networks.blocks import DropPath, conv_bn
from lamoo_fast.nas.spaces.fbnet import FBNet, Layer


class Block(nn.Module):
    """Inverted residual block; two groups exchange their channels after the first convolution."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        middle, groups = layer.middle, layer.groups
        shuffle = [nn.ChannelShuffle(groups)] if groups > 1 else []
        self.body = nn.Sequential(
            *conv_bn(1, layer.c_in, middle, groups=groups),
            nn.ReLU(),
            *shuffle,
            *conv_bn(layer.kernel, middle, middle, layer.stride, groups=middle),
            nn.ReLU(),
            *conv_bn(1, middle, layer.c_out, groups=groups),
        )
        self.drop = DropPath()
        self.residual = not layer.changes

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c_in, h, w) to (batch, c_out, h / stride, w / stride)."""
        out: Tensor = self.body(x)
        return x + self.drop(out) if self.residual else out


def layer_module(layer: Layer) -> nn.Module:
    """Return the module of a layer."""
    if layer.op != "skip":
        return Block(layer)
    if not layer.changes:
        return nn.Identity()
    return nn.Sequential(*conv_bn(1, layer.c_in, layer.c_out, layer.stride), nn.ReLU())


class NetworkFBNet(nn.Module):
    """Stand-alone network of 22 layers.

    Parameters
    ----------
    settings : FBNet
        Classes, channels of the image, features, stride of the stem.
    layers : sequence of Layer
        From first to last.
    """

    def __init__(self, settings: FBNet, layers: Sequence[Layer]) -> None:
        super().__init__()
        stem = conv_bn(3, settings.in_channels, layers[0].c_in, settings.strides[0])
        self.stem = nn.Sequential(*stem, nn.ReLU())
        self.layers = nn.Sequential(*(layer_module(layer) for layer in layers))
        self.head = nn.Sequential(
            *conv_bn(1, layers[-1].c_out, settings.features),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(settings.features, settings.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, in_channels, height, width) to scores (batch, classes)."""
        scores: Tensor = self.classifier(self.head(self.layers(self.stem(x))))
        return scores

    def parts(self) -> list[nn.Module]:
        """Return the modules that `FBNet.descriptors` names; run in turn they are the network."""
        return [self.stem, *self.layers, nn.Sequential(*self.head, self.classifier)]
