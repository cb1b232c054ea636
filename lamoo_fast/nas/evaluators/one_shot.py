"""One-shot evaluation: architectures with the weights of a supernet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lamoo_fast.nas.evaluators.grouped import Grouped
from lamoo_fast.nas.evaluators.memory import with_less_memory
from lamoo_fast.nas.evaluators.standalone import means
from lamoo_fast.nas.supernets.recalibrate import recalibrate
from lamoo_fast.nas.supernets.supernet import Supernet
from lamoo_fast.nas.training.device import device_of, half_precision, to_device
from lamoo_fast.nas.training.objective import check_labels
from lamoo_fast.search.checks import check_count

__all__ = ["OneShot"]


class OneShot(Grouped):
    """Evaluates subnets of a supernet, many in one pass.

    Parameters
    ----------
    supernet : Supernet
        A trained one.
    calibration : Tensor
        Training images, without labels, from which the statistics of normalisation of each subnet
        are recorded; a few hundred do.
    valid : pair of Tensor
        Images and labels held out.
    subnets, batch : int
        Subnets, and images, that go through the supernet at once. When memory runs out, first the
        subnets are halved, then the images; this is logged and kept. Values do not depend on
        `subnets`; they do on `batch`, over which statistics are recorded.
    fidelity : str
        Tag of the evaluations.

    Raises
    ------
    ValueError
        If a number is not >= 1, there are no images, or they are not finite.

    Notes
    -----
    Guo et al., ECCV 2020, arXiv:1904.00420.
    """

    def __init__(
        self,
        supernet: Supernet,
        calibration: Tensor,
        valid: tuple[Tensor, Tensor],
        *,
        subnets: int = 64,
        batch: int = 256,
        fidelity: str = "supernet",
    ) -> None:
        images, labels = valid
        if len(images) == 0 or len(images) != len(labels):
            raise ValueError(f"valid has {len(images)} images and {len(labels)} labels")
        if len(calibration) == 0:
            raise ValueError("calibration has no images")
        for name, some in (("calibration", calibration), ("valid", images)):
            if not some.isfinite().all():
                raise ValueError(f"{name} has images with NaN or infinity, wanted finite ones")
        super().__init__(subnets, fidelity)
        self.supernet = supernet
        self.batch = check_count("batch", batch)
        self._calibration = calibration
        self._images, self._labels = images, labels

    def values(self, configs: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
        """Return the accuracy (a fraction) and loss of each architecture."""
        if len(configs) > 1:
            return self._measure(configs, self.batch)
        size = min(self.batch, max(len(self._images), len(self._calibration)))
        values, used = with_less_memory(lambda size: self._measure(configs, size), size, "images")
        if used < size:
            self.batch = used
        return values

    @torch.no_grad()
    def _measure(self, configs: Sequence[Mapping[str, Any]], batch: int) -> list[dict[str, float]]:
        device = device_of(self.supernet)
        k = len(configs)
        with half_precision(device):
            statistics = recalibrate(self.supernet, configs, self._calibration, batch=batch)
            correct, loss = torch.zeros(k, device=device), torch.zeros(k, device=device)
            for images, labels in zip(
                torch.split(self._images, batch), torch.split(self._labels, batch), strict=True
            ):
                scores = self.supernet.forward_many(
                    to_device(images, device), configs, statistics
                ).float()
                check_labels(labels, scores.shape[-1])
                wanted = labels.to(device).expand(k, -1)
                correct += (scores.argmax(-1) == wanted).sum(1)
                loss += functional.cross_entropy(
                    scores.transpose(1, 2), wanted, reduction="none"
                ).sum(1)
        count = len(self._images)
        return [means(c, v, count) for c, v in zip(correct.tolist(), loss.tolist(), strict=True)]
