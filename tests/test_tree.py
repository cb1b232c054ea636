import pickle

import naive_search
import numpy as np
import pytest

import lamoo_fast.search.tree as tree_module
from lamoo_fast.kernels import hypervolume
from lamoo_fast.search import (
    Categorical,
    Float,
    Greedy,
    Integer,
    Leaf,
    PartitionTree,
    Path,
    Region,
    Space,
    SVMClassifier,
    partition,
)

SPACE = Space(
    {"x": Float(0, 1), "y": Float(0, 1), "n": Integer(0, 9), "op": Categorical(["a", "b", "c"])}
)


def observe(n=80, m=2, seed=0, space=SPACE):
    """Points and objectives that trade off along x, ruled by all parameters."""
    X = space.snap(np.random.default_rng(seed).random((n, space.d)))
    shift = np.linspace(0, 1, m)
    rest = np.abs(X[:, 1:] - 0.3).sum(axis=1, keepdims=True)
    return X, np.square(X[:, :1] - shift) + rest


def build(X, F, *, space=SPACE, leaf_size=5, classifier=None, ref=None, **kwargs):
    ref = np.full(F.shape[1], 2.5) if ref is None else ref
    classifier = classifier or SVMClassifier()
    return PartitionTree.build(space, X, F, ref, classifier, leaf_size=leaf_size, **kwargs)


def row_sets(tree, X, F):
    """Rows of every node, good sides first, as the twin writes them down."""
    Z = tree.space.features(X)
    return [
        sorted((tuple(F[i].tolist()), tuple(Z[i].tolist())) for i in tree.rows(node))
        for node in range(len(tree))
    ]


@pytest.fixture
def counted(monkeypatch):
    """Numbers of rows of all sets whose hypervolume was computed."""
    sizes = []

    def volumes(F, which, k, ref):
        sizes.extend(np.bincount(which, minlength=k).tolist())
        return real(F, which, k, ref)

    real = tree_module.volumes
    monkeypatch.setattr(tree_module, "volumes", volumes)
    return sizes


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
@pytest.mark.parametrize(("m", "seed"), [(1, 0), (2, 1), (2, 2), (3, 3), (4, 4)])
def test_tree_and_selection_are_those_of_the_twin(kernel, m, seed):
    X, F = observe(70, m, seed)
    ref = np.full(m, 2.0)
    tree = build(X, F, classifier=SVMClassifier(kernel), ref=ref)
    rows = list(zip(map(tuple, SPACE.features(X)), map(tuple, F), strict=True))
    twin = naive_search.build(rows, 5, kernel)
    twin_nodes = naive_search.nodes(twin)
    assert len(tree) > 3
    wanted = [sorted((f, z) for z, f in node["rows"]) for node in twin_nodes]
    assert row_sets(tree, X, F) == wanted
    for node in range(len(tree)):
        np.testing.assert_allclose(
            tree.value(node), naive_search.value(twin_nodes[node], ref), rtol=1e-12
        )
    for c_p in (0.0, 0.03, 0.1, 1.0):
        leaf = naive_search.select_leaf(twin, ref, c_p)
        assert twin_nodes[Leaf(c_p).select(tree)] is leaf
        path = naive_search.select_path(twin, ref, c_p)
        assert twin_nodes[Path(c_p).select(tree)] is path
    assert Greedy().select(tree) == Path(0).select(tree)


@pytest.mark.parametrize("seed", range(3))
def test_region_of_a_node_holds_its_rows_and_no_others(seed):
    X, F = observe(200, 2, seed)
    tree = build(X, F)
    assert len(tree) > 10
    for node in range(len(tree)):
        inside = tree.region(node).contains(X)
        assert np.flatnonzero(inside).tolist() == sorted(tree.rows(node).tolist())


def test_leaves_cut_the_whole_space_in_disjoint_parts():
    X, F = observe(100)
    tree = build(X, F)
    probe = np.random.default_rng(9).random((2000, 4))
    count = sum(tree.region(int(leaf)).contains(probe).astype(int) for leaf in tree.leaves)
    assert (count == 1).all()


def test_flat_arrays_fit_together():
    X, F = observe(100)
    tree = build(X, F, leaf_size=7)
    assert tree.parent[0] == -1
    assert sorted(tree.order.tolist()) == list(range(100))
    for node in range(len(tree)):
        good, bad = tree.child[node]
        if good < 0:
            assert bad < 0
            assert tree.split[node] is None
            assert node in tree.leaves
            continue
        assert node < good < bad
        assert tree.parent[good] == tree.parent[bad] == node
        assert (tree.start[node], tree.stop[node]) == (tree.start[good], tree.stop[bad])
        assert tree.stop[good] == tree.start[bad]
        assert tree.visits[node] == tree.visits[good] + tree.visits[bad]
        assert min(tree.visits[good], tree.visits[bad]) >= 7
        assert tree.region(good).constraints[-1] == (tree.split[node], True)
        assert tree.region(bad).constraints[-1] == (tree.split[node], False)
    for array in (tree.parent, tree.child, tree.order, tree.start, tree.stop):
        assert not array.flags.writeable


def test_good_side_is_the_better_one():
    X, F = observe(100)
    tree = build(X, F)
    good, bad = tree.child[0]
    assert F[tree.rows(good)].mean() < F[tree.rows(bad)].mean()
    assert tree.value(good) > tree.value(bad)


def test_tree_does_not_depend_on_the_order_of_rows():
    X, F = observe(90)
    F[5:9], X[5:9] = F[4], X[4]  # repeated measurements
    F[20] = F[21]  # equal values at different places
    order = np.random.default_rng(1).permutation(90)
    tree, shuffled = build(X, F), build(X[order], F[order])
    assert row_sets(tree, X, F) == row_sets(shuffled, X[order], F[order])
    probe = np.random.default_rng(2).random((500, 4))
    for node in range(len(tree)):
        a, b = tree.region(node).contains(probe), shuffled.region(node).contains(probe)
        assert np.array_equal(a, b)


def test_small_or_flat_archives_are_one_leaf():
    X, F = observe(20)
    for tree in (build(X[:9], F[:9]), build(X, np.ones_like(F)), build(X[:1], F[:1])):
        assert len(tree) == 1
        assert tree.leaves.tolist() == [0]
        assert tree.region(0).constraints == ()
        assert [s.select(tree) for s in (Leaf(), Path(), Greedy())] == [0, 0, 0]


def test_depth_is_bounded(monkeypatch):
    monkeypatch.setattr(tree_module, "MAX_DEPTH", 2)
    X, F = observe(200)
    tree = build(X, F)
    assert max(len(tree.region(node).constraints) for node in range(len(tree))) == 2


def test_leaf_selection_computes_hypervolumes_of_leaves_only(counted):
    X, F = observe(120)
    tree = build(X, F)
    assert counted == []
    Leaf().select(tree)
    assert sorted(counted) == sorted(tree.visits[tree.leaves].tolist())


def test_path_selection_computes_hypervolumes_of_children_of_visited_nodes_only(counted):
    X, F = observe(120)
    tree = build(X, F)
    leaf = Path().select(tree)
    node, wanted = int(tree.parent[leaf]), [120]
    while node >= 0:
        wanted += tree.visits[tree.child[node]].tolist()
        node = int(tree.parent[node])
    assert sorted(counted) == sorted(wanted)
    assert len(counted) < len(tree)


def test_one_leaf_needs_no_hypervolume(counted):
    tree = build(*observe(6))
    assert Leaf().select(tree) == Path().select(tree) == Greedy().select(tree) == 0
    assert counted == []


def test_hypervolumes_of_unchanged_nodes_are_not_computed_again(counted):
    X, F = observe(100)
    ids = list(range(100))
    tree = build(X, F, ids=ids)
    values = [tree.value(node) for node in range(len(tree))]
    counted.clear()
    order = np.random.default_rng(0).permutation(100)
    again = build(X[order], F[order], ids=[ids[i] for i in order], previous=tree)
    assert [again.value(node) for node in range(len(again))] == values
    assert counted == []
    other_ref = build(X, F, ids=ids, previous=tree, ref=np.array([3.0, 3.0]))
    other_ref.value(0)
    assert counted == [100]


def test_remembered_hypervolumes_are_right_and_do_not_pile_up():
    previous = None
    X, F = observe(150)
    for n in range(60, 150, 5):
        tree = build(X[:n], F[:n], ids=list(range(n)), previous=previous)
        fresh = build(X[:n], F[:n])
        values = [tree.value(node) for node in range(len(tree))]
        assert values == [fresh.value(node) for node in range(len(fresh))]
        assert len(tree._volumes) <= len(tree)
        previous = tree


def test_splits_of_unchanged_nodes_are_not_learned_again(monkeypatch):
    fits = []
    real = SVMClassifier.fit
    monkeypatch.setattr(SVMClassifier, "fit", lambda *args: fits.append(1) or real(*args))
    X, F = observe(250)
    G = np.random.default_rng(1).normal(-1, 1, (250, 1))
    Z, previous, reused = SPACE.features(X), None, 0
    for n in range(60, 250, 5):
        rows = {"G": G[:n], "ids": list(range(n))}
        fits.clear()
        tree = build(X[:n], F[:n], previous=previous, ref=np.full(2, float(n)), **rows)
        learned = len(fits)
        fits.clear()
        fresh = build(X[:n], F[:n], **rows)
        reused += len(fits) - learned
        assert learned <= len(fits)
        for name in ("parent", "child", "start", "stop", "order"):
            assert np.array_equal(getattr(tree, name), getattr(fresh, name))
        for one, other in zip(tree.split, fresh.split, strict=True):
            assert (one is None) == (other is None)
            assert one is None or np.array_equal(one.decision(Z), other.decision(Z))
        assert len(tree._cuts) <= len(tree)
        previous = tree
    assert reused > 20
    order = np.random.default_rng(0).permutation(n)
    rows = {"G": G[order], "ids": order.tolist(), "previous": tree}
    fits.clear()
    build(X[order], F[order], **rows)
    assert not fits
    build(X[order], F[order], leaf_size=6, **rows)
    assert fits
    fits.clear()
    build(X[order], F[order], classifier=SVMClassifier(C=1.0), **rows)
    assert fits


def test_without_hypervolume_the_least_visited_goes_first():
    X, F = observe(100)
    tree = build(X, F, ref=np.array([-1.0, -1.0]))
    assert tree.value(0) == 0
    bonus = np.log(tree.visits[tree.parent[tree.leaves]]) / tree.visits[tree.leaves]
    assert Leaf().select(tree) == tree.leaves[np.argmax(bonus)]
    node = Path().select(tree)
    while (above := tree.parent[node]) >= 0:
        good, bad = tree.child[above]
        first = good if tree.visits[good] <= tree.visits[bad] else bad
        assert node == first
        node = above


def test_more_exploration_prefers_fewer_visits():
    X, F = observe(200, seed=3)
    tree = build(X, F)
    visits = [tree.visits[Leaf(c_p).select(tree)] for c_p in (0, 100)]
    assert visits[1] == tree.visits[tree.leaves].min() or visits[1] < visits[0]
    values = [tree.value(int(leaf)) for leaf in tree.leaves]
    assert Leaf(0).select(tree) == tree.leaves[np.argmax(values)]


@pytest.mark.parametrize("c_p", [-0.1, float("nan"), float("inf")])
def test_bad_c_p(c_p):
    for selection in (Leaf, Path):
        with pytest.raises(ValueError, match="c_p is"):
            selection(c_p)


def test_regions_have_parents_and_can_be_pickled():
    X, F = observe(100)
    tree = build(X, F)
    region = tree.region(int(tree.leaves[-1]))
    probe = np.random.default_rng(0).random((500, 4))
    copy = pickle.loads(pickle.dumps(region))
    assert np.array_equal(copy.contains(probe), region.contains(probe))
    while region.constraints:
        inside, region = region.contains(probe), region.parent()
        assert (region.contains(probe) >= inside).all()
    assert region.contains(probe).all()
    with pytest.raises(ValueError, match="no parent"):
        region.parent()
    assert Region(SPACE).contains(np.empty((0, 4))).shape == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_more_rows_go_down_the_same_splits(seed):
    X, F = observe(150, 2, seed)
    G = np.random.default_rng(seed).normal(size=(150, 1)) - 1
    F[[20, 130]], G[[20, 130]] = np.nan, np.nan
    shuffled = np.random.default_rng(seed).permutation(100)  # ids in any order
    tree = build(X[shuffled], F[shuffled], G=G[shuffled], ids=shuffled.tolist())
    for n in (101, 150):
        tree_before = tree
        tree.value(0)
        ids = list(range(n))
        tree = tree.with_rows(X[:n], F[:n], G=G[:n], ids=ids)
        assert tree.split is tree_before.split
        assert sorted(tree.order.tolist()) == ids
        for node in range(len(tree)):
            inside = tree.region(node).contains(X[:n])
            assert np.flatnonzero(inside).tolist() == sorted(tree.rows(node).tolist())
            rows = [i for i in np.flatnonzero(inside) if (G[i] <= 0).all()]
            wanted = hypervolume(F[rows], tree.ref)
            assert tree.value(node) == pytest.approx(wanted, rel=1e-12)


def test_added_rows_cost_hypervolumes_of_their_own_nodes_only(counted):
    X, F = observe(101)
    tree = build(X[:100], F[:100])
    values = [tree.value(node) for node in range(len(tree))]
    counted.clear()
    more = tree.with_rows(X, F)
    changed = [node for node in range(len(tree)) if more.region(node).contains(X[100:])[0]]
    assert 1 < len(changed) < len(tree)
    for node in range(len(tree)):
        if node not in changed:
            assert more.value(node) == values[node]
    assert counted == []
    assert more.value(0) == hypervolume(F, tree.ref)


def test_infeasible_and_failed_rows_are_on_the_bad_side():
    X = SPACE.snap(np.random.default_rng(0).random((120, 4)))
    F = np.ones((120, 2)) * 0.5
    G = np.where(X[:, :1] < 0.5, -1.0, 1.0)
    for broken in (False, True):
        if broken:
            F[X[:, 0] >= 0.5] = np.nan
            G = np.empty((120, 0))
        tree = build(X, F, G=G)
        good, bad = tree.child[0]
        assert (X[tree.rows(good), 0] < 0.5).mean() > 0.9
        assert (X[tree.rows(bad), 0] >= 0.5).mean() > 0.9
        assert tree.visits[0] == 120
        assert tree.value(0) == pytest.approx(4.0)


def test_many_rows_are_trained_on_in_part(monkeypatch):
    X, F = observe(3000, 2)
    good = F.sum(axis=1) < np.quantile(F.sum(axis=1), 0.3)
    split = SVMClassifier("linear").fit(X, good)
    trained = SVMClassifier("linear").fit(*partition._spread(X, good))
    assert len(partition._spread(X, good)[0]) == 1000
    assert partition._spread(X, good)[1].sum() == 300
    assert np.array_equal(split.machine.dual, trained.machine.dual)
    assert (split.side(X) == good).mean() > 0.75
