"""Reads pickled tables without running any code that they name.

A pickle is a program: it may import and call whatever it likes. Here every global that a file may
mention is listed by the caller and stands for one of the inert classes below. Their instances hold
numbers; nothing else can be looked up, so nothing else can be called.
"""

from __future__ import annotations

import bz2
import importlib.util
import io
import math
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

Global = tuple[str, str]


class State:
    """Stands for an instance of a foreign data class: keeps its attributes in `state`.

    The method `__setstate__` is what a pickle's BUILD step calls. Since it is defined here, BUILD
    on the class itself fails too: a file cannot patch this class.
    """

    __slots__ = ("state",)
    state: dict[str, Any]

    def __setstate__(self, state: object) -> None:
        if type(state) is not dict or not all(type(key) is str for key in state):
            raise pickle.UnpicklingError("the state of an object is not a plain dictionary")
        self.state = state


class Float64Type:
    """Stands for ``numpy.dtype`` and accepts only the description of a 64-bit float."""

    __slots__ = ("order",)
    order: str

    def __init__(self, code: object, *flags: object) -> None:
        if code != "f8":
            raise pickle.UnpicklingError(f"numpy type {code!r} is not a 64-bit float")
        self.order = "<"

    def __setstate__(self, state: object) -> None:
        # (version, byte order, subtype, names, fields, size, alignment, flags) of a plain number
        plain = type(state) is tuple and len(state) == 8 and state[2:5] == (None, None, None)
        if not plain or state[1] not in ("<", ">"):  # type: ignore[index]
            raise pickle.UnpicklingError("a numpy type is not a plain number")
        self.order = state[1]  # type: ignore[index]


class Float64:
    """Stands for ``numpy.core.multiarray.scalar``: turns type and bytes into a Python float."""

    def __new__(cls, kind: object, data: object) -> float:  # type: ignore[misc]
        """Decode eight bytes."""
        if type(kind) is not Float64Type or type(data) is not bytes or len(data) != 8:
            raise pickle.UnpicklingError("a numpy scalar is not a 64-bit float")
        return float(struct.unpack(f"{kind.order}d", data)[0])

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("a numpy scalar has no state")


NUMPY_FLOATS: Mapping[Global, type] = {
    ("numpy", "dtype"): Float64Type,
    ("numpy.core.multiarray", "scalar"): Float64,
    ("numpy._core.multiarray", "scalar"): Float64,
}


class ByteType:
    """Stands for ``numpy.dtype`` and accepts only the description of an unsigned byte."""

    __slots__ = ()

    def __init__(self, code: object, *flags: object) -> None:
        if code != "u1":
            raise pickle.UnpicklingError(f"numpy type {code!r} is not a byte")

    def __setstate__(self, state: object) -> None:
        plain = type(state) is tuple and len(state) == 8 and state[2:5] == (None, None, None)
        if not plain:
            raise pickle.UnpicklingError("a numpy type is not a plain number")


class Bytes:
    """Stands for ``numpy.core.multiarray._reconstruct``: an array of bytes.

    It has `shape` and `data`; BUILD fills both, and checks that they fit.
    """

    __slots__ = ("data", "shape")
    data: bytes
    shape: tuple[int, ...]

    def __init__(self, *described: object) -> None:
        self.data, self.shape = b"", (0,)

    def __setstate__(self, state: object) -> None:
        # (version, shape, type, whether the first index is the fastest, data)
        if type(state) is not tuple or len(state) != 5 or type(state[2]) is not ByteType:
            raise pickle.UnpicklingError("an array is not one of bytes")
        _, shape, _, fortran, data = state
        whole = type(shape) is tuple and all(type(k) is int and k >= 0 for k in shape)
        if type(data) is str:
            data = data.encode("latin1")  # as Python 2 wrote it
        if not whole or fortran or type(data) is not bytes or len(data) != math.prod(shape):
            raise pickle.UnpicklingError("the shape of an array does not fit its data")
        self.data, self.shape = data, shape


class ArrayType:
    """Stands for ``numpy.ndarray``, which is only named."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise pickle.UnpicklingError("the type of an array has no state")


NUMPY_BYTES: Mapping[Global, type] = {
    ("numpy", "dtype"): ByteType,
    ("numpy", "ndarray"): ArrayType,
    ("numpy.core.multiarray", "_reconstruct"): Bytes,
    ("numpy._core.multiarray", "_reconstruct"): Bytes,
}
"""Arrays of bytes, as pickles of images have them."""

ORDERED: Mapping[Global, type] = {("collections", "OrderedDict"): dict}
"""Dictionaries remember their order anyway."""


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, file: io.BufferedIOBase, admitted: Mapping[Global, type], encoding: str
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._admitted = admitted

    def find_class(self, module: str, name: str) -> type:
        """Answer every import of the pickle; dotted names are one name, so no attribute chains."""
        try:
            return self._admitted[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"refused global {module}.{name}") from None

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError("refused persistent object")


def read_pickle(path: Path, admitted: Mapping[Global, type], *, encoding: str = "ASCII") -> Any:
    """Decode the pickle at `path` into containers, numbers and the `admitted` classes.

    Parameters
    ----------
    path : Path
        The file; one that ends in ``.pbz2`` is compressed.
    admitted : mapping of (module, name) to type
        Every global that the file may mention, with the class that stands for it: `State` or the
        entries of `NUMPY_FLOATS`, `NUMPY_BYTES` and `ORDERED`.
    encoding : str
        Of the strings of Python 2; "latin1" where these are bytes.

    Raises
    ------
    ValueError
        If the file is damaged or names any other global (which is not imported).
    OSError
        If the file cannot be read.

    Notes
    -----
    Calls made by a pickle (REDUCE, NEWOBJ, OBJ, INST, BUILD) act on objects that it got through
    `find_class`, which is closed here. This follows "Restricting Globals" in the documentation of
    Python's pickle module.
    """
    data = path.read_bytes()
    try:
        if path.suffix == ".pbz2":
            data = bz2.decompress(data)
        return _Unpickler(io.BytesIO(data), admitted, encoding).load()
    except Exception as error:  # damaged pickles raise nearly anything
        raise ValueError(f"{path.name} is not a table that can be read safely: {error}") from error


def package_file(distribution: str, module: str, *parts: str) -> Path:
    """Path of a data file inside an installed package, which is not imported.

    Parameters
    ----------
    distribution, module : str
        What pip installs and what Python imports.
    *parts : str
        Path inside the package's folder.

    Raises
    ------
    ValueError
        If the package is not installed or does not hold the file.
    """
    found = importlib.util.find_spec(module)
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder).joinpath(*parts)
        if path.is_file():
            return path
    fix = f"pip install {distribution}"
    if found is None:
        raise ValueError(f"package {distribution!r} is not installed; run: {fix}")
    raise ValueError(f"package {distribution!r} has no file {'/'.join(parts)}; run: {fix}")
