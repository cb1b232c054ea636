"""Average precision of detectors, and of many subnets of a supernet at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from lamoo_fast.nas.datasets.coco import DetectionData
from lamoo_fast.nas.evaluators.grouped import Grouped
from lamoo_fast.nas.evaluators.memory import with_less_memory
from lamoo_fast.nas.networks.detection import Detections, detections
from lamoo_fast.nas.networks.detector import Predictions
from lamoo_fast.nas.supernets.detector import ElasticDetector
from lamoo_fast.nas.supernets.recalibrate import recalibrate
from lamoo_fast.nas.training.device import device_of, half_precision, to_device
from lamoo_fast.search.checks import check_count

__all__ = ["PrecisionOneShot", "precision"]


def precision(
    network: nn.Module, data: DetectionData, rows: Tensor, *, batch: int = 32
) -> dict[str, float]:
    """Return the "mAP", "AP50" and "AP75" of a detector on some images, as fractions.

    When memory runs out, the batch is halved.
    """
    network.eval()
    compute = partial(_of_many, lambda images: [network(images)], 1, device_of(network), data, rows)
    (found,), _ = with_less_memory(compute, batch, "images")
    return found


@torch.no_grad()
def _of_many(
    predict: Callable[[Tensor], list[Predictions]],
    count: int,
    device: torch.device,
    data: DetectionData,
    rows: Tensor,
    batch: int,
) -> list[dict[str, float]]:
    """Precision of `count` detectors."""
    found: list[list[Detections]] = [[] for _ in range(count)]
    for some in torch.split(rows, batch):
        images = to_device(data.images(some), device)
        with half_precision(device):
            said = predict(images)
        for own, predictions in zip(found, said, strict=True):
            exact = Predictions(*(part.float() for part in predictions))
            own += detections(exact, (images.shape[-2], images.shape[-1]))
    return [data.precision(rows, own) for own in found]


class PrecisionOneShot(Grouped):
    """Evaluates detectors with the weights of a supernet, many in one pass.

    Parameters
    ----------
    supernet : ElasticDetector
        A trained one.
    calibration : Tensor
        Training images, without objects, from which the statistics of normalisation are recorded.
    data : DetectionData
        Has the images held out.
    rows : Tensor
        Which these are.
    subnets, batch : int
        Subnets, and images, at once. When memory runs out, the subnets are halved; this is logged
        and kept.
    fidelity : str
        Tag of the evaluations.

    Raises
    ------
    ValueError
        If a number is not >= 1, or there are no images.
    """

    def __init__(
        self,
        supernet: ElasticDetector,
        calibration: Tensor,
        data: DetectionData,
        rows: Tensor,
        *,
        subnets: int = 8,
        batch: int = 32,
        fidelity: str = "supernet",
    ) -> None:
        if len(calibration) == 0 or len(rows) == 0:
            raise ValueError(
                f"there are {len(calibration)} images for calibration and {len(rows)} held out, "
                "wanted one at least"
            )
        super().__init__(subnets, fidelity)
        self.supernet = supernet
        self._batch = check_count("batch", batch)
        self._calibration, self._data, self._rows = calibration, data, rows

    def values(self, configs: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
        """Return the "mAP", "AP50" and "AP75" of each architecture."""
        self.supernet.eval()
        device = device_of(self.supernet)
        with half_precision(device):
            statistics = recalibrate(self.supernet, configs, self._calibration, batch=self._batch)
        return _of_many(
            lambda images: self.supernet.forward_many(images, configs, statistics),
            len(configs),
            device,
            self._data,
            self._rows,
            self._batch,
        )
