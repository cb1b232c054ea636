"""How many points dominate each point.

python bench/bench_dominance_count.py -n 10000
"""

from cases import CLOUDS, named, real_cloud, shapes
from compare import Cell, options, run
from rivals import counts, differ

OBJECTIVES = (2, 3, 5, 10, 15)
POINTS = (1000, 10_000)
FULL_POINTS = (1000, 10_000, 30_000)


def main() -> None:
    args = options(__doc__).parse_args()
    contenders = counts()
    cells = [
        Cell(named("dominance_count", shape), shape, m, n, make, contenders, error=differ)
        for m in OBJECTIVES
        for n in (FULL_POINTS if args.full or m == 3 else POINTS)
        for shape, make in shapes(CLOUDS, n, m, real_cloud).items()
    ]
    run("dominance_count", cells, args)


if __name__ == "__main__":
    main()
