"""Nodes and their settings in the storage of Ax: JSON, and databases of it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ax.storage.json_store.registry import CORE_DECODER_REGISTRY, CORE_ENCODER_REGISTRY

from lamoo_fast.search import (
    BoTorchSampler,
    CMASampler,
    EHVISampler,
    Greedy,
    Leaf,
    Path,
    Surrogate,
    SVMClassifier,
    UniformSampler,
)

_SAMPLERS = BoTorchSampler, CMASampler, EHVISampler, UniformSampler
_PARTS = (*_SAMPLERS, Greedy, Leaf, Path, SVMClassifier, Surrogate)


def store(node: type, *own: str) -> None:
    """Make a class of nodes known to the storage, and what may be in their settings.

    Parameters
    ----------
    node : type
        Its objects have a seed as ``_entropy``, and ``_settings``.
    *own : str
        Names of other arguments that are attributes.
    """
    CORE_ENCODER_REGISTRY[node] = lambda obj: {
        "__type": _name(node),
        "seed": obj._entropy,
        **{name: getattr(obj, name) for name in own},
        **obj._settings,
    }
    CORE_DECODER_REGISTRY[_name(node)] = node
    for part in _PARTS:
        CORE_ENCODER_REGISTRY[part] = _part
        CORE_DECODER_REGISTRY[_name(part)] = part


def _part(part: Any) -> dict[str, Any]:
    values = {field.name: getattr(part, field.name) for field in fields(part) if field.init}
    return {"__type": _name(type(part)), **values}


def _name(kind: type) -> str:
    """Return what no class of Ax is called: it has a Surrogate of its own."""
    return f"lamoo_fast.{kind.__name__}"
