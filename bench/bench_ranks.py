"""Non-dominated sorting.

python bench/bench_ranks.py -m 3
"""

from cases import CLOUDS, named, real_cloud, shapes
from compare import Cell, options, run
from rivals import differ, ranks

OBJECTIVES = (2, 3, 5, 10, 15)
POINTS = (1000, 10_000)
FULL_POINTS = (1000, 10_000, 100_000)


def main() -> None:
    args = options(__doc__).parse_args()
    contenders = ranks()
    cells = [
        Cell(named("pareto_rank", shape), shape, m, n, make, contenders, error=differ)
        for m in OBJECTIVES
        for n in (FULL_POINTS if args.full or m < 5 else POINTS)
        for shape, make in shapes(CLOUDS, n, m, real_cloud).items()
    ]
    run("ranks", cells, args)


if __name__ == "__main__":
    main()
