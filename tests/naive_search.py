"""Slow, obvious twin of tree building and selection: nested dicts, lists and scikit-learn."""

import math

import naive
import numpy as np
from sklearn.svm import SVC


def violations(F, G):
    """0 for feasible rows, infinity for failed ones, else the sum of the scaled excesses."""
    ok = [not any(map(math.isnan, f)) for f in F]
    worst = [max((g[j] for g, k in zip(G, ok, strict=True) if k), default=0)
             for j in range(len(G[0]))]  # fmt: skip
    return [
        sum(max(0, v) / w for v, w in zip(g, worst, strict=True) if w > 0) if k else math.inf
        for g, k in zip(G, ok, strict=True)
    ]


def rank_sums(F):
    """How often each row is worse than a row in an objective; being equal counts half. Doubled."""
    return [sum((a > b) + (a >= b) for g in F for a, b in zip(f, g, strict=True)) for f in F]


def good_rows(F, excess=None):
    """The better half: the cut in (excess, dominance count, rank, rank sum) order nearest to n / 2.

    Dominance and ranks are those among the rows without excess; of up to two objectives ranks are
    not summed. None if all rows are equal.
    """
    excess = [0] * len(F) if excess is None else excess
    fine = [f for f, e in zip(F, excess, strict=True) if e == 0]
    sums = rank_sums(fine) if len(F[0]) > 2 else [0] * len(fine)
    counted = zip(naive.dominance_count(fine), naive.pareto_rank(fine), sums, strict=True)
    keys = [(e, *(next(counted) if e == 0 else (0, 0, 0))) for e in excess]
    cuts = sorted(set(keys))[:-1]
    if not cuts:
        return None
    cut = min(cuts, key=lambda c: (abs(sum(k <= c for k in keys) - len(F) / 2), c))
    return [k <= cut for k in keys]


def build(rows, leaf_size, kernel="rbf", C=10.0):
    """Node of (features, objectives) pairs of tuples: {"rows", "good", "bad"}, children None."""
    rows = sorted(rows, key=lambda row: (row[1], row[0]))
    leaf = {"rows": rows, "good": None, "bad": None}
    good = good_rows([f for _, f in rows])
    if len(rows) < 2 * leaf_size or good is None or len({z for z, _ in rows}) == 1:
        return leaf
    Z = np.array([z for z, _ in rows])
    scale = np.where(Z.std(axis=0) > 1e-12, Z.std(axis=0), 1)
    Z = (Z - Z.mean(axis=0)) / scale
    gamma = 1 / sum(Z.std(axis=0) > 0.5)
    svc = SVC(C=C, kernel=kernel, gamma=gamma, degree=3, coef0=1, random_state=0).fit(Z, good)
    side = svc.predict(Z)
    inside = [row for row, s in zip(rows, side, strict=True) if s]
    outside = [row for row, s in zip(rows, side, strict=True) if not s]
    if min(len(inside), len(outside)) < leaf_size:
        return leaf
    children = [build(part, leaf_size, kernel, C) for part in (inside, outside)]
    return {"rows": rows, "good": children[0], "bad": children[1]}


def nodes(node):
    """The node and all below it, good sides first."""
    if node is None:
        return []
    return [node, *nodes(node["good"]), *nodes(node["bad"])]


def value(node, ref):
    return float(naive.hypervolume([f for _, f in node["rows"]], ref))


def ucb(node, parent, total, ref, c_p):
    bonus = math.sqrt(2 * math.log(len(parent["rows"])) / len(node["rows"]))
    return value(node, ref) + 2 * c_p * total * bonus if total > 0 else bonus


def select_path(root, ref, c_p):
    """From the root down, in units of the hypervolume of all rows."""
    node, total = root, value(root, ref)
    while node["good"]:
        node = max(
            (node["good"], node["bad"]), key=lambda n, above=node: ucb(n, above, total, ref, c_p)
        )
    return node


def select_leaf(root, ref, c_p):
    """Among all leaves, in units of the largest hypervolume of one."""
    if not root["good"]:
        return root
    pairs = [(n[s], n) for n in nodes(root) if n["good"] for s in ("good", "bad")]
    leaves = [(leaf, parent) for leaf, parent in pairs if not leaf["good"]]
    total = max(value(leaf, ref) for leaf, _ in leaves)
    return max(leaves, key=lambda pair: ucb(*pair, total, ref, c_p))[0]
