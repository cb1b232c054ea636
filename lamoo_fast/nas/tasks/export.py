"""Networks for other programs: the weights, an exported program, TorchScript, ONNX; all checked."""

from __future__ import annotations

import contextlib
import copy
import importlib
import importlib.util
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Exported", "export_network"]

_LOG = logging.getLogger(__name__)
_ROUNDING = 1e-5
_MISTAKE = 1e-3  # more than other orders of summation can make of a badly scaled network


@dataclass(frozen=True)
class Exported:
    """A file, and how far its outputs are from the network's.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it is.
    difference : float
        Largest absolute difference of an output, relative to the largest output where that is
        above one.
    any_batch : bool
        Whether it takes batches of any size, not of one only.
    """

    path: Path
    what: str
    difference: float
    any_batch: bool

    def __str__(self) -> str:
        size = "of any size" if self.any_batch else "of one"
        return (
            f"{self.path.name}: {self.what}, batches {size}, "
            f"outputs differ by {self.difference:.1g} at most"
        )


def export_network(network: nn.Module, example: Tensor, folder: Path, name: str) -> list[Exported]:
    """Write a trained network in all forms that can be had.

    Parameters
    ----------
    network : nn.Module
        Maps a batch to a tensor or several; a copy on the CPU is exported.
    example : Tensor
        One input, shape (1, ...).
    folder : Path
        Gets ``NAME.state.pt`` (weights), ``NAME.pt2`` (`torch.export`), ``NAME.torchscript.pt``,
        and, where onnx and onnxscript are installed, ``NAME.onnx``.
    name : str
        Beginning of the names of the files.

    Returns
    -------
    list of Exported
        What was read again, run on inputs of the kind of `example`, and gave the outputs of the
        network. Differences above 1e-5 are logged; above 1e-3 the file is removed.

    Raises
    ------
    RuntimeError
        If `torch.export` cannot export the network, or what it exported has other outputs.
    """
    network = copy.deepcopy(network).cpu().eval()
    example = example.cpu()
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / f"{name}.state.pt")
    program, any_batch = _program(network, example)
    inputs = _inputs(example, 3 if any_batch else 1)

    def write_program(path: Path) -> Callable[[Tensor], Any]:
        torch.export.save(program, path)
        return torch.export.load(path).module()

    def write_script(path: Path) -> Callable[[Tensor], Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is old, and that Python's own is not traced
            jit: Any = torch.jit
            jit.trace(network, inputs).save(str(path))
            loaded: Callable[[Tensor], Any] = jit.load(str(path))
        return loaded

    def write_onnx(path: Path) -> Callable[[Tensor], Any]:
        with warnings.catch_warnings(), _quiet("torch.onnx"):
            warnings.simplefilter("ignore")
            torch.onnx.export(program, (), path, dynamo=True, external_data=False, verbose=False)
        return _onnx_runner(path)

    written = []
    for ending, what, write in (
        ("pt2", "program of torch.export", write_program),
        ("torchscript.pt", "TorchScript", write_script),
        ("onnx", "ONNX", write_onnx),
    ):
        if ending == "onnx" and not all(map(importlib.util.find_spec, ("onnx", "onnxscript"))):
            _LOG.warning("no ONNX file: run: pip install onnx onnxscript")
            continue
        done = _checked(folder / f"{name}.{ending}", what, write, network, inputs, any_batch)
        if done is not None:
            written.append(done)
    if not written or not written[0].path.name.endswith(".pt2"):
        raise RuntimeError(f"{name} could not be exported; {folder} has its weights")
    return written


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Let a logger say nothing but errors."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _program(network: nn.Module, example: Tensor) -> tuple[Any, bool]:
    """Export for batches of any size, or, where that cannot be, of one."""
    batch = torch.export.Dim("batch", min=1, max=2**16)
    try:
        two = _inputs(example, 2)
        return torch.export.export(network, (two,), dynamic_shapes=({0: batch},)), True
    except Exception as error:  # torch says in many ways what cannot be traced
        _LOG.info("exported for one input only: %s", error)
    try:
        return torch.export.export(network, (example,)), False
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise RuntimeError(f"the network cannot be exported by torch.export: {reason}") from error


def _checked(
    path: Path,
    what: str,
    write: Callable[[Path], Callable[[Tensor], Any]],
    network: nn.Module,
    inputs: Tensor,
    any_batch: bool,
) -> Exported | None:
    """Write, read and run; None, and no file, if that fails or gives other outputs."""
    try:
        with torch.no_grad():
            run = write(path)
            difference = _difference(run(inputs), network(inputs))
    except Exception as error:  # whatever an exporter or its runtime may raise
        reason = f"{type(error).__name__}: {error}"
    else:
        if difference <= _MISTAKE:
            if difference > _ROUNDING:
                _LOG.warning("outputs of %s differ by %.1g", path.name, difference)
            return Exported(path, what, difference, any_batch)
        reason = f"its outputs differ by {difference:.2g}"
    path.unlink(missing_ok=True)
    _LOG.warning("no %s: %s", path.name, reason.splitlines()[0])
    return None


def _inputs(example: Tensor, count: int) -> Tensor:
    """Draw inputs of the kind of an example."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, *example.shape[1:])
    if example.is_floating_point():
        return torch.randn(shape, generator=generator, dtype=example.dtype)
    highest = int(example.max()) + 1
    return torch.randint(0, highest, shape, generator=generator, dtype=example.dtype)


def _difference(found: Any, wanted: Any) -> float:
    """Largest difference between two outputs; NaN if there is one."""
    pairs = list(zip(_tensors(found), _tensors(wanted), strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        return float("inf")
    worst = torch.zeros((), dtype=torch.float64)
    for a, b in pairs:
        scale = max(1.0, float(b.abs().max()))
        worst = torch.maximum(worst, (a - b).abs().max().cpu() / scale)  # NaN stays NaN
    return float(worst)


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output.double()
    else:
        for part in output:
            yield from _tensors(part)


def _onnx_runner(path: Path) -> Callable[[Tensor], Any]:
    """Run a file by ONNX Runtime where it is installed, else by the reference of ONNX."""
    try:
        session: Any = importlib.import_module("onnxruntime").InferenceSession(
            str(path), providers=["CPUExecutionProvider"]
        )
        name = session.get_inputs()[0].name
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(str(path))
        name = session.input_names[0]

    def run(inputs: Tensor) -> Sequence[Tensor]:
        return [torch.from_numpy(a) for a in session.run(None, {name: inputs.numpy()})]

    return run
