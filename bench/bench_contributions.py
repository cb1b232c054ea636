"""Contributions of all points to the hypervolume.

python bench/bench_contributions.py -m 4
"""

from cases import SHAPES, named, shapes, with_ref
from compare import Cell, options, run
from rivals import contributions, worst_entry

POINTS = {
    2: (1000, 100_000),
    3: (1000, 10_000),
    4: (200, 1000),
    5: (100, 300),
    6: (50, 150),
    8: (30, 80),
}


def main() -> None:
    args = options(__doc__).parse_args()
    contenders = contributions()
    cells = [
        Cell(named("hv_contributions", shape), shape, m, n, make, contenders, with_ref, worst_entry)
        for m, sizes in POINTS.items()
        for n in sizes
        for shape, make in shapes(tuple(SHAPES), n, m).items()
    ]
    run("contributions", cells, args)


if __name__ == "__main__":
    main()
