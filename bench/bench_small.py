"""What one call costs for ten points.

python bench/bench_small.py -m 3
"""

from cases import cloud, with_ref
from compare import Cell, options, run
from rivals import contributions, counts, differ, masks, ranks, worst_entry

from lamoo_fast.bench import hypervolume_contenders, relative

N = 10
OBJECTIVES = (2, 3, 5, 8)


def main() -> None:
    args = options(__doc__).parse_args()

    def nothing(F):
        return ()

    kernels = (
        ("hypervolume", "sphere", hypervolume_contenders(), with_ref, relative),
        ("hv_contributions", "sphere", contributions(), with_ref, worst_entry),
        ("is_nondominated", "uniform", masks(), nothing, differ),
        ("pareto_rank", "uniform", ranks(), nothing, differ),
        ("dominance_count", "uniform", counts(), nothing, differ),
    )
    cells = [
        Cell(f"small call: {name}", shape, m, N, lambda shape=shape, m=m: cloud(shape, N, m),
             contenders, extra, error)
        for name, shape, contenders, extra, error in kernels
        for m in OBJECTIVES
    ]  # fmt: skip
    run("small", cells, args)


if __name__ == "__main__":
    main()
