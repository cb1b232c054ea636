"""NAS-Bench-Graph (Qin et al., NeurIPS 2022): graph neural networks on nine graphs.

A network has four nodes; `links` says where each takes its input (0 is the data, i the i-th node)
and each has one operation. Isomorphic copies are left out, so 26,206 of the 59,049 combinations
have a row (2,021 for proteins). The tables are in the package `nas-bench-graph`.
"""

from __future__ import annotations

from lamoo_fast.nas.pickles import NUMPY_FLOATS, package_file, read_pickle
from lamoo_fast.nas.problem import Objective, nearest
from lamoo_fast.nas.table import Table

LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
OPS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
GRAPHS = (
    "arxiv", "citeseer", "computers", "cora", "cs", "photo", "physics", "proteins", "pubmed",
)  # fmt: skip
_COLUMNS = ("perf", "valid_perf", "latency", "para")  # as the package names them


def decode_key(key: int) -> dict[str, str]:
    """Configuration of a table key: the link structure and four operations as decimal digits.

    Examples
    --------
    >>> decode_key(81207)
    {'links': '0123', 'op0': 'gcn', 'op1': 'gin', 'op2': 'gat', 'op3': 'fc'}
    """
    links, *ops = divmod(key, 10**4)[0], *(key // 10**i % 10 for i in (3, 2, 1, 0))
    return {"links": LINKS[links]} | {f"op{i}": OPS[op] for i, op in enumerate(ops)}


def nasbench_graph(graph: str) -> Table:
    """Read accuracy, latency and parameters of every network on one graph.

    Parameters
    ----------
    graph : str
        One of `GRAPHS`.

    Returns
    -------
    table : Table
        Objectives test_acc and valid_acc (fractions; for proteins the area under the ROC curve),
        latency_s and params_M. The reference point is the worst value of each column.

    Raises
    ------
    ValueError
        If the graph is unknown, `nas-bench-graph` is not installed, or the table is not the
        expected one.
    """
    if graph not in GRAPHS:
        raise ValueError(f"unknown graph {graph!r}{nearest(graph, GRAPHS)}")
    path = package_file("nas-bench-graph", "nas_bench_graph", "light", f"{graph}.bench")
    try:
        rows = {
            key: [float(measured[column]) for column in _COLUMNS]
            for key, measured in read_pickle(path, NUMPY_FLOATS).items()
        }
        configs = [decode_key(key) for key in rows]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name} is not a table of nas-bench-graph: {error!r}") from error
    return Table(
        f"nasbench-graph-{graph}",
        configs,
        [
            Objective("test_acc", "maximize"),
            Objective("valid_acc", "maximize"),
            Objective("latency_s", "minimize", "s"),
            Objective("params_M", "minimize", "M"),
        ],
        list(rows.values()),
        default=["test_acc", "latency_s", "params_M"],
        loader=(nasbench_graph, graph),
    )
