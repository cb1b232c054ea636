"""What runs here: versions, the processor, and what of it the kernels use."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from lamoo_fast.kernels import simd_level

PACKAGES = (
    "lamoo_fast", "numpy", "scipy", "scikit-learn", "matplotlib", "tqdm",
    "torch", "botorch", "cma", "analog-nasbench", "nas-bench-graph", "numba",
    "moocore", "pygmo", "hvwfg", "paretoset", "moarchiving", "pymoo",
)  # fmt: skip


def package_version(package: str) -> str | None:
    """Version of an installed distribution, or None.

    Parameters
    ----------
    package : str
        Name of the distribution, as pip knows it.

    Returns
    -------
    str or None
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> tuple[str, str]:
    """Model of the processor and those of its features that matter to numeric code.

    Returns
    -------
    model, features : str
        features are separated by blanks; none where the system does not tell.
    """
    wanted = ("sse4_2", "avx", "avx2", "fma", "avx512f", "asimd", "sve")
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), ""
    facts = dict(line.split(":", 1) for line in reversed(text.splitlines()) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return facts.get("model name", platform.machine()), " ".join(f for f in wanted if f in flags)


def usable_threads() -> int:
    """Processors this process may use, which ``n_threads=-1`` stands for.

    Returns
    -------
    int
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def summary() -> str:
    """One line that belongs above every table of times.

    Returns
    -------
    str
    """
    return (
        f"{processor()[0]}, {usable_threads()} processors, {simd_level()}; "
        f"Python {platform.python_version()}, NumPy {package_version('numpy')}, "
        f"lamoo_fast {package_version('lamoo_fast') or 'not installed'}"
    )
