"""Hypothesis strategies for point sets that are hard on kernels."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# An objective may be scaled by a power of two up to this.
_MAX_EXPONENT = 900


@st.composite
def _levels(draw):
    """A few values for an objective; the reference value is 1."""
    kind = draw(st.sampled_from(["grid", "floats", "near", "beyond"]))
    if kind == "grid":
        return np.arange(draw(st.integers(1, 6))) / 4 - 0.5
    if kind == "floats":
        values = st.floats(-4, 1, width=32)
        return np.array(draw(st.lists(values, min_size=1, max_size=8)), dtype=float)
    if kind == "near":
        start = draw(st.floats(0, 0.999))
        return start + 1e-13 * np.arange(draw(st.integers(2, 5)))
    return np.array([-1.0, 0.25, 1.0, 1.5, 2.0])


@st.composite
def point_sets(draw, max_n=12, max_m=8, min_n=0):
    """`(F, ref)`: ties, duplicates, dominated, near-equal, on and beyond ref, odd scales."""
    m = draw(st.integers(1, max_m))
    n = draw(st.integers(min_n, max_n))
    if draw(st.booleans()):
        F = np.random.default_rng(draw(st.integers(0, 2**32))).random((n, m))
        if draw(st.booleans()):  # a front: no point dominates another, or few do
            F /= np.maximum(F.sum(axis=1, keepdims=True), 1e-3)
    else:
        levels = [draw(_levels()) for _ in range(draw(st.integers(1, 2)))]
        codes = draw(hnp.arrays(np.uint8, (n, m), elements=st.integers(0, 255)))
        columns = [levels[j % len(levels)] for j in range(m)]
        F = np.column_stack([column[codes[:, j] % len(column)] for j, column in enumerate(columns)])
    if n > 1 and draw(st.booleans()):
        F[draw(st.integers(0, n - 1))] = F[draw(st.integers(0, n - 1))]
    ref = np.ones(m)
    if draw(st.booleans()):
        limit = st.integers(-_MAX_EXPONENT // 2, _MAX_EXPONENT // 2)
        exponents = draw(hnp.arrays(np.float64, m, elements=limit.map(float)))
        # The volume stays about 1, however far apart the objectives are.
        scale = np.exp2(exponents - exponents.mean().round())
        F, ref = F * scale, ref * scale
    return F, ref


@st.composite
def clouds(draw, min_n=1, max_n=60, min_m=1, max_m=8):
    """Larger sets for comparison with other packages: random, on a grid or mostly a front."""
    m, n = draw(st.integers(min_m, max_m)), draw(st.integers(min_n, max_n))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["uniform", "grid", "front", "correlated"]))
    if kind == "uniform":
        return rng.random((n, m))
    if kind == "grid":
        return rng.integers(0, draw(st.integers(2, 8)), (n, m)) / 8
    if kind == "front":
        F = rng.random((n, m))
        return F / np.linalg.norm(F, axis=1, keepdims=True)
    return rng.random((n, 1)) + 0.1 * rng.random((n, m))
