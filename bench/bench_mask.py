"""Which points are not dominated, in clouds and in fronts.

python bench/bench_mask.py -n 10000
"""

from cases import CLOUDS, cloud
from compare import Cell, options, run
from rivals import differ, masks

import lamoo_fast as lf
from lamoo_fast.bench import Contender

OBJECTIVES = (2, 3, 4, 5, 7, 10)
POINTS = (10_000, 100_000)
FULL_POINTS = (10_000, 100_000, 1_000_000)


def cell(shape: str, m: int, n: int, contenders: list[Contender]) -> Cell:
    F = cloud(shape, n, m)
    low = lf.is_nondominated(F[:10_000]).mean() < 0.5
    kernel = "is_nondominated, " + ("low conflict" if low else "mostly front")
    return Cell(kernel, shape, m, n, lambda: F, contenders, error=differ)


def main() -> None:
    args = options(__doc__).parse_args()
    contenders = masks()
    cells = [
        cell(shape, m, n, contenders)
        for m in args.m or OBJECTIVES
        for n in args.n or (FULL_POINTS if args.full else POINTS)
        for shape in args.shapes or (*CLOUDS, "sphere")
    ]
    run("mask", cells, args)


if __name__ == "__main__":
    main()
