"""Kernels: arrays in, arrays out. Hypervolume, Pareto dominance and an archive, in C++.

Names, argument order and keywords are those of moocore where it has the function. ``F`` is
``(n, m)``: n points of m objectives, minimised unless ``maximise`` says otherwise; ``ref`` is the
reference point. Every function checks its arguments once (`_check`), releases the GIL, keeps no
global state and never writes to what it was given. No result depends on ``n_threads``.
"""

import os as _os
import warnings as _warnings

try:
    from lamoo_fast.kernels._core import simd_level as _simd_level
except ImportError as error:
    raise ImportError(
        "lamoo_fast was installed without its compiled part; reinstall with: "
        "pip install --force-reinstall lamoo_fast "
        "(building from source needs a C++17 compiler)"
    ) from error

from lamoo_fast.kernels.approx import (
    HVEstimate,
    HVEstimates,
    hv_approx,
    hv_approx_contributions,
    hv_approx_improvement,
)
from lamoo_fast.kernels.archive import ParetoArchive
from lamoo_fast.kernels.boxes import TooManyBoxes, dominated_boxes, nondominated_boxes
from lamoo_fast.kernels.hypervolume import (
    hv_contributions,
    hv_improvement,
    hypervolume,
    hypervolume_batch,
)
from lamoo_fast.kernels.hypervolume_subset import hv_least_contributor, hv_subset_selection
from lamoo_fast.kernels.indicators import (
    crowding_distance,
    epsilon_additive,
    epsilon_mult,
    igd_plus,
)
from lamoo_fast.kernels.pareto import (
    dominance_count,
    filter_dominated,
    is_nondominated,
    pareto_rank,
)

_wanted = _os.environ.get("LAMOO_FAST_SIMD", "")
if _wanted not in ("", "baseline", "avx2", "avx512"):
    _warnings.warn(
        f"LAMOO_FAST_SIMD is {_wanted!r}, which is ignored; it may be baseline, avx2 or avx512",
        RuntimeWarning,
        stacklevel=2,
    )


def simd_level() -> str:
    """Tell which instruction set the kernels run with: ``"baseline"``, ``"avx2"`` or ``"avx512"``.

    The best one that the processor has, or the one that the environment variable
    ``LAMOO_FAST_SIMD`` named when lamoo_fast was imported, if the processor has it; other names are
    warned of. Baseline is x86-64-v2, NEON on AArch64.

    Examples
    --------
    >>> from lamoo_fast.kernels import simd_level
    >>> simd_level() in ("baseline", "avx2", "avx512")
    True
    """
    return _simd_level()


__all__ = [
    "HVEstimate",
    "HVEstimates",
    "ParetoArchive",
    "TooManyBoxes",
    "crowding_distance",
    "dominance_count",
    "dominated_boxes",
    "epsilon_additive",
    "epsilon_mult",
    "filter_dominated",
    "hv_approx",
    "hv_approx_contributions",
    "hv_approx_improvement",
    "hv_contributions",
    "hv_improvement",
    "hv_least_contributor",
    "hv_subset_selection",
    "hypervolume",
    "hypervolume_batch",
    "igd_plus",
    "is_nondominated",
    "nondominated_boxes",
    "pareto_rank",
    "simd_level",
]
