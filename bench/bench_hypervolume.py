"""Exact hypervolume beside every installed rival.

python bench/bench_hypervolume.py -m 8 -n 100
"""

from cases import SHAPES, named, shapes, with_ref
from compare import Cell, options, run

from lamoo_fast.bench import hypervolume_contenders

POINTS = {
    2: (1000, 100_000, 1_000_000),
    3: (1000, 10_000, 100_000),
    4: (1000, 10_000),
    5: (200, 1000, 3000),
    6: (100, 300, 1000),
    7: (100, 300),
    8: (50, 100, 300),
    10: (30, 80, 150),
    12: (30, 60),
    15: (20, 40),
}
LEFT_FOR_FULL = {(2, 1_000_000)}


def main() -> None:
    args = options(__doc__).parse_args()
    contenders = hypervolume_contenders()
    cells = [
        Cell(named("hypervolume", shape), shape, m, n, make, contenders, with_ref)
        for m, sizes in POINTS.items()
        for n in sizes
        if args.full or (m, n) not in LEFT_FOR_FULL
        for shape, make in shapes(tuple(SHAPES), n, m).items()
    ]
    run("hypervolume", cells, args)


if __name__ == "__main__":
    main()
