"""Continuous test problems in closed form, for tests and demonstrations."""

from __future__ import annotations

import math

from lamoo_fast.nas.problem import Config, Objective, Problem
from lamoo_fast.search.space import Float, Space


def branin_currin() -> Problem:
    """Two inputs in [0, 1], two objectives: the Branin and the Currin function.

    Branin on [-5, 10] x [0, 15] as in Dixon and Szego (1978), Currin et al. (1991); paired by
    Belakaria, Deshwal and Doppa (NeurIPS 2019). The reference point (18, 6) is that of Daulton,
    Balandat and Bakshy (NeurIPS 2020) and of LaMOO; the largest hypervolume is 59.36.

    Examples
    --------
    >>> [round(v, 4) for v in branin_currin().evaluate({"x0": 0.5, "x1": 0.5})]
    [24.13, 7.4051]
    """

    def evaluate(config: Config) -> tuple[float, float]:
        x0, x1 = config["x0"], config["x1"]
        u, v = 15 * x0 - 5, 15 * x1
        branin = (
            (v - 5.1 / (4 * math.pi**2) * u**2 + 5 / math.pi * u - 6) ** 2
            + 10 * (1 - 1 / (8 * math.pi)) * math.cos(u)
            + 10
        )
        damping = 1 - math.exp(-1 / (2 * x1)) if x1 > 0 else 1.0
        currin = (
            damping
            * (2300 * x0**3 + 1900 * x0**2 + 2092 * x0 + 60)
            / (100 * x0**3 + 500 * x0**2 + 4 * x0 + 20)
        )
        return branin, currin

    return Problem(
        "branin-currin",
        Space({"x0": Float(0, 1), "x1": Float(0, 1)}),
        [Objective("branin", "minimize"), Objective("currin", "minimize")],
        evaluate,
        ref=(18.0, 6.0),
        loader=(branin_currin,),
    )


def vehicle_safety() -> Problem:
    """Thickness of five parts of a car's frame against mass, acceleration and intrusion.

    Response surfaces fitted to crash simulations by Liao, Li, Yang, Zhang and Li (Structural and
    Multidisciplinary Optimization, 2008); problem RE3-5-4 of Tanabe and Ishibuchi (2020). The
    reference point is that of Daulton, Balandat and Bakshy (NeurIPS 2020) and of LaMOO; the largest
    hypervolume is 246.8.

    Examples
    --------
    >>> values = vehicle_safety().evaluate({f"t{i}": 2.0 for i in range(1, 6)})
    >>> [round(v, 3) for v in values]
    [1683.133, 9.627, 0.123]
    """

    def evaluate(config: Config) -> tuple[float, float, float]:
        t1, t2, t3, t4, t5 = (config[f"t{i}"] for i in range(1, 6))
        mass = (
            1640.2823 + 2.3573285 * t1 + 2.3220035 * t2 + 4.5688768 * t3
            + 7.7213633 * t4 + 4.4559504 * t5
        )  # fmt: skip
        acceleration = (
            6.5856 + 1.15 * t1 - 1.0427 * t2 + 0.9738 * t3 + 0.8364 * t4
            - 0.3695 * t1 * t4 + 0.0861 * t1 * t5 + 0.3628 * t2 * t4
            - 0.1106 * t1**2 - 0.3437 * t3**2 + 0.1764 * t4**2
        )  # fmt: skip
        intrusion = (
            -0.0551 + 0.0181 * t1 + 0.1024 * t2 + 0.0421 * t3
            - 0.0073 * t1 * t2 + 0.024 * t2 * t3 - 0.0118 * t2 * t4
            - 0.0204 * t3 * t4 - 0.008 * t3 * t5 - 0.0241 * t2**2 + 0.0109 * t4**2
        )  # fmt: skip
        return mass, acceleration, intrusion

    return Problem(
        "vehicle-safety",
        Space({f"t{i}": Float(1, 3) for i in range(1, 6)}),
        [
            Objective("mass", "minimize", "kg"),
            Objective("acceleration", "minimize", "m/s²"),
            Objective("intrusion", "minimize", "m"),
        ],
        evaluate,
        ref=(1864.72022, 11.81993945, 0.2903999384),
        loader=(vehicle_safety,),
    )


def dtlz2(d: int = 6, m: int = 2) -> Problem:
    """`d` inputs in [0, 1], `m` objectives whose front is the unit sphere's positive part.

    DTLZ2 of Deb, Thiele, Laumanns and Zitzler (CEC 2002). The reference point is 1.1 everywhere.

    Raises
    ------
    ValueError
        If ``m < 2`` or ``d < m``.

    Examples
    --------
    >>> dtlz2(d=3, m=2).evaluate({"x0": 0.0, "x1": 0.5, "x2": 0.5})
    (1.0, 0.0)
    """
    if m < 2 or d < m:
        raise ValueError(f"dtlz2 got d = {d} and m = {m}; wanted 2 <= m <= d")

    def evaluate(config: Config) -> list[float]:
        x = [config[f"x{i}"] for i in range(d)]
        radius = 1 + sum((xi - 0.5) ** 2 for xi in x[m - 1 :])
        values = []
        for i in range(m):
            angles = [math.pi / 2 * xi for xi in x[: m - 1 - i]]
            value = radius * math.prod(map(math.cos, angles))
            values.append(value * math.sin(math.pi / 2 * x[m - 1 - i]) if i else value)
        return values

    return Problem(
        "dtlz2",
        Space({f"x{i}": Float(0, 1) for i in range(d)}),
        [Objective(f"f{i}", "minimize") for i in range(m)],
        evaluate,
        ref=[1.1] * m,
        loader=(dtlz2, d, m),
    )
