"""An archive of non-dominated points: in one batch, and point by point.

python bench/bench_archive.py -m 2
"""

from cases import CLOUDS, cloud, with_ref
from compare import Cell, options, run
from rivals import add_at_once, add_one_by_one, archives, differ

OBJECTIVES = (2, 3, 4, 6)
POINTS = (1000, 10_000)


def main() -> None:
    args = options(__doc__).parse_args()
    cells = [
        Cell(
            kernel, shape, m, n, lambda shape=shape, m=m, n=n: cloud(shape, n, m),
            archives(add), with_ref, differ,
        )
        for kernel, add in (
            ("ParetoArchive", add_at_once),
            ("ParetoArchive, one by one", add_one_by_one),
        )
        for m in OBJECTIVES
        for n in POINTS
        for shape in (*CLOUDS, "sphere")
    ]  # fmt: skip
    run("archive", cells, args)


if __name__ == "__main__":
    main()
