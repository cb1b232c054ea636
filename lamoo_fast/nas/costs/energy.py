"""Energy of a network on an NVIDIA GPU, from the counter of its driver."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lamoo_fast.nas.costs.run import Measured, Runner


@dataclass(frozen=True, kw_only=True)
class Energy(Measured):
    """What a network drew.

    Parameters
    ----------
    millijoules : float
        Per batch, idle power included.
    watts : float
        Mean power meanwhile.
    runs : int
        Batches that were run.
    batch, device, dtype
        As `Measured`.
    """

    millijoules: float
    watts: float
    runs: int

    def __str__(self) -> str:
        return (
            f"{self.millijoules:.4g} mJ ({self.watts:.4g} W, {self.runs} runs) "
            f"per batch of {self.batch} in {self.dtype} on {self.device}"
        )


def measure_energy(
    module: nn.Module,
    example: Tensor,
    *,
    batch: int = 1,
    device: str | torch.device = "cuda",
    dtype: torch.dtype = torch.float32,
    seconds: float = 2.0,
    counter: Callable[[], int] | None = None,
) -> Energy:
    """Run a network for some time and divide what the device drew by the number of batches.

    Parameters
    ----------
    module, example, batch, device, dtype
        As `Runner`.
    seconds : float
        Least time to run. The driver brings its counter up to date every 20 to 100 ms.
    counter : callable, optional
        Returns the millijoules drawn so far; that of the GPU by NVML if None.

    Raises
    ------
    ValueError
        If the device is not here or has no counter, `seconds` is not positive, or `example` is
        not one input.
    ImportError
        If the package nvidia-ml-py is not installed.
    """
    if seconds <= 0:
        raise ValueError(f"seconds is {seconds!r}, wanted a number above 0")
    run = Runner(module, example, batch=batch, device=device, dtype=dtype)
    counter = counter or _nvml_counter(run.device)
    run()
    runs, energy, start = 0, counter(), time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        run()
        runs += 1
    drawn = counter() - energy
    return Energy(
        millijoules=drawn / runs, watts=drawn / 1e3 / elapsed, runs=runs, **run.conditions()
    )


def _nvml_counter(device: torch.device) -> Callable[[], int]:
    """Return the counter of a GPU, in millijoules since its driver was loaded."""
    if device.type != "cuda":
        raise ValueError(f"device is {str(device)!r}; only GPUs of NVIDIA count their energy")
    try:
        import pynvml
    except ImportError:
        raise ImportError("energy is read through NVML: pip install 'lamoo_fast[gpu]'") from None
    try:
        pynvml.nvmlInit()
        # by its identifier, as CUDA_VISIBLE_DEVICES gives other numbers than the driver
        uuid = torch.cuda.get_device_properties(device).uuid
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        raise ValueError(f"device {str(device)!r} has no energy counter: {error}") from None

    def counter() -> int:
        return int(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))

    return counter
