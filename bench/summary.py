"""Every target beside what the last runs measured, from results/bench/*.csv.

Printed, and written as a Markdown table with what the standard errors of `hv_approx` cover.

    python bench/summary.py --out results/bench/summary.md
"""

import argparse
import csv
from pathlib import Path

from compare import RESULTS, SUMMARY_HEAD, Row, read, summary, summary_rows


def markdown(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    table = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def is_table_of_rows(path: Path) -> bool:
    """Other programs leave files of their own in the folder."""
    with path.open(encoding="utf-8") as file:
        return file.readline().startswith("# ") and file.readline().startswith("kernel,shape,")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV files")
    parser.add_argument("--out", type=Path, default=RESULTS / "summary.md")
    args = parser.parse_args()
    rows: list[Row] = []
    machines = set()
    for path in sorted(args.results.glob("*.csv")):
        if is_table_of_rows(path):
            about, found = read(path)
            machines.add(about)
            rows += found
    machine = "; ".join(sorted(machines))
    print(f"{machine}\n\n{summary(rows)}")
    parts = [f"Measured on: {machine}.", markdown(SUMMARY_HEAD, summary_rows(rows))]
    covered = args.results / "coverage.csv"
    if covered.exists():
        with covered.open(encoding="utf-8", newline="") as file:
            head, *lines = csv.reader(file)
        parts += [markdown(tuple(head), [tuple(cells) for cells in lines])]
    args.out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"\n{args.out}")


if __name__ == "__main__":
    main()
