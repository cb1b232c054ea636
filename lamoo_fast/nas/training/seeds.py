"""Seeds for the parts of an experiment."""

from __future__ import annotations

import hashlib

import torch

__all__ = [
    "cuda_devices",
    "derived_generator",
    "derived_seed",
    "fresh_global_state",
    "global_state",
    "set_global_state",
]


def derived_seed(*parts: object) -> int:
    """Seed that depends on all parts and on nothing else, such as when it is asked for.

    Examples
    --------
    >>> derived_seed(0, "order", 3) == derived_seed(0, "order", 3) != derived_seed(0, "order", 4)
    True
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1  # seeds of torch are signed


def derived_generator(*parts: object, device: str | torch.device = "cpu") -> torch.Generator:
    """Generator with such a seed."""
    return torch.Generator(device).manual_seed(derived_seed(*parts))


def global_state(device: torch.device) -> dict[str, torch.Tensor]:
    """State of torch's own generators, which dropout uses, on the CPU and on a CUDA device."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_global_state(state: dict[str, torch.Tensor], device: torch.device) -> None:
    """Put torch's own generators into a state; one of another kind of device is left out."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def fresh_global_state(seed: int, device: torch.device) -> dict[str, torch.Tensor]:
    """State after seeding, without seeding."""
    with torch.random.fork_rng(cuda_devices(device)):
        torch.manual_seed(seed)
        return global_state(device)


def cuda_devices(device: torch.device) -> list[torch.device]:
    """Devices whose generators `torch.random.fork_rng` has to keep."""
    return [device] if device.type == "cuda" else []
