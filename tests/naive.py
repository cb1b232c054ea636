"""Slow, obvious twins of the kernels: plain Python, exact arithmetic, everything minimised."""

from fractions import Fraction
from itertools import product
from math import exp, hypot, inf, prod
from operator import le, lt, sub


def dominates(a, b):
    return all(map(le, a, b)) and any(map(lt, a, b))


def is_nondominated(F, keep_weakly=False):
    rows = [tuple(row) for row in F]
    return [
        not any(dominates(other, row) for other in rows) and (keep_weakly or row not in rows[:i])
        for i, row in enumerate(rows)
    ]


def pareto_rank(F):
    rows = [tuple(row) for row in F]
    rank, front = {}, 0
    while len(rank) < len(set(rows)):
        left = [row for row in rows if row not in rank]
        rank.update({r: front for r in left if not any(dominates(o, r) for o in left)})
        front += 1
    return [rank[row] for row in rows]


def dominance_count(F):
    return [sum(dominates(other, row) for other in F) for row in F]


def archive(batches):
    """The members, sorted, and for each row of each batch whether it was accepted."""
    members, accepted = [], []
    for row in (tuple(row) for batch in batches for row in batch):
        accepted.append(not any(m == row or dominates(m, row) for m in members))
        if accepted[-1]:
            members = [m for m in members if not dominates(row, m)] + [row]
    return sorted(members), accepted


def hypervolume(F, ref):
    """The exact volume, as a Fraction."""
    # Floats are integers over powers of two: in units small enough all distances are integers.
    units = [
        max(Fraction(float(x)).denominator for x in column) for column in zip(ref, *F, strict=True)
    ]
    corner = [int(u * Fraction(float(r))) for u, r in zip(units, ref, strict=True)]
    points = [[int(u * Fraction(float(x))) for u, x in zip(units, row, strict=True)] for row in F]
    boxes = [tuple(map(sub, corner, point)) for point in points]
    return Fraction(_union([box for box in boxes if min(box) > 0]), prod(units))


def _union(boxes):
    """Volume of the union of integer boxes [0, box]: what each adds to the ones after it."""
    boxes = [b for b in set(boxes) if not any(dominates(b, other) for other in boxes)]
    return sum(
        prod(box) - _union([tuple(map(min, box, other)) for other in boxes[i + 1 :]])
        for i, box in enumerate(boxes)
    )


def hv_contributions(F, ref, ignore_dominated=True):
    F = [tuple(row) for row in F]
    if ignore_dominated:
        mask = is_nondominated(F, keep_weakly=True)
        front = [row for row, kept in zip(F, mask, strict=True) if kept]
    else:
        front = F
    total = hypervolume(front, ref)
    out = []
    for row in F:
        others = list(front)
        if row in others:
            others.remove(row)
        out.append(total - hypervolume(others, ref))
    return out


def hv_improvement(candidates, F, ref):
    F = [tuple(row) for row in F]
    total = hypervolume(F, ref)
    return [hypervolume([*F, tuple(row)], ref) - total for row in candidates]


def local_upper_bounds(F, ref):
    """Upper corners of the largest boxes that hold no point."""
    points = [row for row in F if all(map(lt, row, ref))]
    levels = map(set, zip(ref, *points, strict=True))
    free = [u for u in product(*levels) if not any(all(map(lt, point, u)) for point in points)]
    return {u for u in free if not any(u != v and all(map(le, u, v)) for v in free)}


def epsilon_additive(F, R):
    return max(min(max(map(sub, f, r)) for f in F) for r in R)


def epsilon_mult(F, R, maximise):
    def factor(f, r):
        return max(b / a if most else a / b for a, b, most in zip(f, r, maximise, strict=True))

    return max(min(factor(f, r) for f in F) for r in R)


def igd_plus(F, R):
    shortfalls = [
        min(hypot(*(max(a - b, 0.0) for a, b in zip(f, r, strict=True))) for f in F) for r in R
    ]
    return sum(shortfalls) / len(shortfalls)


def crowding_distance(F, rank):
    F, out = [tuple(map(float, row)) for row in F], []
    for i, row in enumerate(F):
        gaps = []
        for j in range(len(row)):
            front = sorted((other[j], k) for k, other in enumerate(F) if rank[k] == rank[i])
            at = front.index((row[j], i))
            span = front[-1][0] - front[0][0]
            if span == 0:
                gaps.append(0.0)
            elif at in (0, len(front) - 1):
                gaps.append(inf)
            else:
                gaps.append((front[at + 1][0] - front[at - 1][0]) / span)
        out.append(sum(gaps) / len(gaps))
    return out


def hv_least_contributor(F, ref):
    own = hv_contributions(F, ref)
    return own.index(min(own))


def hv_subset_selection(F, k, ref):
    chosen = []
    for _ in range(k):
        left = [i for i in range(len(F)) if i not in chosen]
        gains = hv_improvement([F[i] for i in left], [F[i] for i in chosen], ref)
        chosen.append(left[gains.index(max(gains))])
    return chosen


def svm_decision(svm, z):
    """Of one point, a sum over the support vectors."""
    z = [(a - b) / c for a, b, c in zip(z, svm.mean, svm.scale, strict=True)]

    def kernel(x):
        if svm.kernel == "rbf":
            return exp(-svm.gamma * sum((a - b) ** 2 for a, b in zip(x, z, strict=True)))
        product = sum(a * b for a, b in zip(x, z, strict=True))
        return product if svm.kernel == "linear" else (svm.gamma * product + 1) ** svm.degree

    pairs = zip(svm.dual, svm.support, strict=True)
    return sum(weight * kernel(x) for weight, x in pairs) + svm.intercept
