"""Files of tensors that are complete or not there, and say what they belong to."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["fingerprint", "load_checkpoint", "save_checkpoint"]

_DAMAGES = (
    *(RuntimeError, OSError, EOFError, ValueError, KeyError, IndexError, TypeError),
    *(AttributeError, AssertionError, pickle.UnpicklingError, struct.error),
)

VERSION = 2
"""Version of the format; changes whenever older programs could not read a file rightly."""


def save_checkpoint(
    path: str | os.PathLike[str], kind: str, about: Mapping[str, Any], state: Any
) -> None:
    """Write a file in one step: after a crash or a power cut it is the old or the new one.

    Parameters
    ----------
    path : path-like
        Its folder is made if it is not there.
    kind : str
        What the state is of, such as "training".
    about : mapping of str to plain values
        What a reader has to agree with, such as the space.
    state : nested dict, list, tensor, number or str
        What is kept.

    Raises
    ------
    OSError
        If the file cannot be written; an older one stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"version": VERSION, "kind": kind, "about": dict(about), "state": state}
    content["digest"] = _digest(state)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name, too, has to survive
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_checkpoint(
    path: str | os.PathLike[str], kind: str, about: Mapping[str, Any], *, partly: bool = False
) -> Any:
    """Read a file and return its state, on the CPU. No code in it is run.

    With `partly`, the file may belong to more than what `about` names.

    Raises
    ------
    ValueError
        If the file is damaged, of another kind or version, or belongs to something else than
        `about` says; the first difference is named.
    OSError
        If it is not there or cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        try:
            content = torch.load(file, map_location="cpu", weights_only=True)
        except _DAMAGES as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"{path} is truncated or not a checkpoint: {reason}") from error
    if not isinstance(content, dict) or not {"version", "kind", "about", "state"} <= set(content):
        raise ValueError(f"{path} is not a checkpoint of lamoo_fast")
    if content["version"] != VERSION:
        raise ValueError(f"{path} has format version {content['version']!r}, wanted {VERSION}")
    if content["kind"] != kind:
        raise ValueError(f"{path} holds a {content['kind']}, wanted a {kind}")
    # torch.load looks at no checksum, and takes a flipped bit for a weight.
    if content.get("digest") != _digest(content["state"]):
        raise ValueError(f"{path} is damaged: its state has not the digest it was written with")
    found = content["about"]
    if partly:
        found = {name: value for name, value in found.items() if name in about}
    difference = _difference(found, dict(about))
    if difference:
        raise ValueError(f"{path} belongs to something else: {difference}")
    return content["state"]


def fingerprint(module: nn.Module) -> str:
    """Hash of a module's parameters and buffers."""
    return _digest(module.state_dict())[:16]


def _digest(state: Any) -> str:
    """Hash of nested containers, their tensors and everything else in them."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            digest.update(f"{value.dtype} {tuple(value.shape)} ".encode())
            # A copy: a row, even of one number, may have strides still, which no view allows.
            row = value.detach().cpu().reshape(-1).clone(memory_format=torch.contiguous_format)
            digest.update(row.view(torch.uint8).numpy().data)
        elif isinstance(value, Mapping):
            digest.update(f"map {len(value)} ".encode())
            for key, item in value.items():
                add(key)
                add(item)
        elif isinstance(value, (list, tuple)):
            digest.update(f"list {len(value)} ".encode())
            for item in value:
                add(item)
        else:
            digest.update(f"{value!r} ".encode())

    add(state)
    return digest.hexdigest()


def _difference(found: Any, wanted: Any, name: str = "") -> str:
    """First difference of two nested dicts in words, or nothing."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys([*wanted, *found]):
            inner = _difference(found.get(key), wanted.get(key), f"{name}.{key}" if name else key)
            if inner:
                return inner
        return ""
    return "" if found == wanted else f"its {name} is {found!r}, wanted {wanted!r}"
