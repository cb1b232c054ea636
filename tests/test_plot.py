"""Pictures: right contents, readable, and no global state."""

import io
import subprocess
import sys

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast import plot

OBJECTIVES = [
    lf.Objective("acc", "maximize", "%"), lf.Objective("cost", "minimize", "ms"),
    lf.Objective("size", "minimize", "MB"), lf.Objective("heat", "minimize"),
    lf.Objective("noise", "maximize"),
]  # fmt: skip


def search(m, n=80, space=None, leaf_size=10):
    space = space or lf.Space({"x": lf.Float(0, 1), "y": lf.Float(1e-3, 1, log=True)})
    objectives = OBJECTIVES[:m]
    directions = [o.direction for o in objectives]
    opt = lf.LaMOO(space, directions, sampler=lf.UniformSampler(),
                   ref=[0.0 if d == "maximize" else 3.0 for d in directions],
                   n_initial=20, leaf_size=leaf_size, seed=0)  # fmt: skip
    rng = np.random.default_rng(0)

    def evaluate(config):
        x, y = list(config.values())
        y = y if isinstance(y, float) else 0.5
        if x > 0.95:
            return lf.FAILED
        values = [100 * x * (1 - y), 1 + x**2 + 2 * y, 1 - x + y, rng.random(), rng.random()]
        return values[:m]

    lf.Study(opt, evaluate, progress=False).run(n, 5)
    return opt, objectives


def drawn(figure):
    """The figure as pixels; fails on warnings such as text that does not fit."""
    file = io.BytesIO()
    figure.savefig(file, format="rgba")
    width, height = (round(v * figure.dpi) for v in figure.get_size_inches())
    return np.frombuffer(file.getvalue(), dtype=np.uint8).reshape(height, width, 4)


def texts(figure):
    import matplotlib.text

    return [t.get_text() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]


def overlaps(figure):
    """Pairs of visible texts that cover each other."""
    import matplotlib.text

    figure.canvas.draw()
    boxes = [
        (t.get_text(), t.get_window_extent())
        for t in figure.findobj(matplotlib.text.Text)
        if t.get_text().strip() and t.get_visible() and t.get_window_extent().width > 0
    ]
    size = figure.bbox
    boxes = [(s, b) for s, b in boxes if b.x0 >= -1 and b.y0 >= -1 and b.x1 <= size.x1 + 1]
    return [
        (s, t)
        for i, (s, a) in enumerate(boxes)
        for t, b in boxes[i + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 2 and min(a.y1, b.y1) - max(a.y0, b.y0) > 2
    ]


def test_pareto_of_two_objectives():
    opt, objectives = search(2)
    figure = plot.pareto(opt.trials, objectives, ref=opt.ref, title="mine")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "cost [ms]  (lower is better)"  # what is paid goes to the right
    assert axes.get_ylabel() == "acc [%]  (higher is better)"
    (line,) = axes.get_lines()
    front = sorted({(t.values[1], t.values[0]) for t in opt.pareto_front()})
    assert [tuple(p) for p in line.get_xydata()] == front
    done = [t for t in opt.trials if t.status == "done"]
    points = axes.collections[0].get_offsets()
    assert {tuple(p) for p in np.asarray(points)} == {(t.values[1], t.values[0]) for t in done}
    assert any(f"{len(done)} trials, {len(front)} on the front" in t for t in texts(figure))
    assert overlaps(figure) == []
    assert (drawn(figure)[..., :3] < 255).any()


def test_steps_are_the_attained_border():
    """Between two points of the front a step goes where both are no worse, in all directions."""
    for ways in (["minimize", "minimize"], ["maximize", "maximize"], ["minimize", "maximize"],
                 ["maximize", "minimize"]):  # fmt: skip
        space = lf.Space({"x": lf.Float(0, 1)})
        opt = lf.LaMOO(space, ways, sampler=lf.UniformSampler(), seed=0)
        signs = [1 if w == "minimize" else -1 for w in ways]
        F = np.array([[0.0, 1.0], [0.4, 0.5], [1.0, 0.0]]) * signs
        opt.tell([{"x": x} for x in (0.1, 0.2, 0.3)], F)
        objectives = [lf.Objective(n, w) for n, w in zip("ab", ways, strict=True)]
        (line,) = plot.pareto(opt.trials, objectives).axes[0].get_lines()
        path = line.get_path().vertices
        if ways == ["maximize", "minimize"]:
            path = path[:, ::-1]
        visited = {tuple(point) for point in path * signs}
        assert visited == {(0.0, 1.0), (0.4, 1.0), (0.4, 0.5), (1.0, 0.5), (1.0, 0.0)}


def test_far_points_do_not_squeeze_the_front():
    opt = lf.LaMOO(
        lf.Space({"x": lf.Float(0, 1)}),
        ["minimize", "minimize"],
        sampler=lf.UniformSampler(),
        seed=0,
    )
    F = [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0], [1e6, 0.5], [0.5, 1e9]]
    opt.tell([{"x": i / 5} for i in range(5)], F)
    figure = plot.pareto(opt.trials, OBJECTIVES[1:3])
    assert figure.axes[0].get_xlim()[1] < 3
    assert figure.axes[0].get_ylim()[1] < 3
    assert any("2 far off the front not shown" in t for t in texts(figure))


@pytest.mark.parametrize("F", [[[1.0, 1.0]], [[0.0, 0.0]] * 3, [[1e300, 0.0], [0.0, 1e300]]])
def test_degenerate_fronts(F):
    opt = lf.LaMOO(
        lf.Space({"x": lf.Float(0, 1)}),
        ["minimize", "maximize"],
        sampler=lf.UniformSampler(),
        seed=0,
    )
    opt.tell([{"x": i / 5} for i in range(len(F))], F)
    drawn(plot.pareto(opt.trials, [OBJECTIVES[1], OBJECTIVES[0]], true_front=F))


@pytest.mark.parametrize("m", [3, 4])
def test_pareto_of_pairs(m):
    opt, objectives = search(m)
    best = np.array([t.values for t in opt.pareto_front()])
    figure = plot.pareto(opt.trials, objectives, ref=opt.ref, true_front=best, title="pairs")
    labels = [(a.get_xlabel().split()[0], a.get_ylabel().split()[0]) for a in figure.axes[:-1]]
    names = [o.name for o in objectives]
    assert sorted(labels) == sorted((names[i], names[j]) for j in range(m) for i in range(j))
    assert overlaps(figure) == []


def test_parallel_coordinates():
    opt, objectives = search(5)
    figure = plot.pareto(opt.trials, objectives, title="many")
    lines = [line.get_ydata() for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 5]
    done = [t for t in opt.trials if t.status == "done"]
    front = {t.values for t in opt.pareto_front()}
    assert len(lines) == len(done) + len(front)
    assert all(min(y) >= 0 and max(y) <= 1 for y in lines)
    # better is up: the best of every objective stands at 1
    assert np.array(lines).max(axis=0).tolist() == [1.0] * 5
    assert overlaps(figure) == []


def test_hypervolume_trace():
    figure = plot.hypervolume_trace([0.0, 1.0, 1.0, 3.0], best=4.0, title="mine")
    axes, percent = figure.axes
    (found, best) = axes.get_lines()
    assert found.get_xydata().tolist() == [[1, 0], [2, 1], [3, 1], [4, 3]]
    assert best.get_ydata()[0] == 4.0
    assert percent.get_ylim()[1] / 100 * 4.0 == pytest.approx(axes.get_ylim()[1])
    assert overlaps(figure) == []
    assert len(plot.hypervolume_trace([0.0]).axes) == 1
    drawn(plot.hypervolume_trace([0.0], best=0.0))


def test_partition_tree():
    opt, _ = search(2, 120)
    tree = opt.tree
    assert len(tree.leaves) >= 3
    chosen = int(tree.leaves[-1])
    figure = plot.partition_tree(tree, chosen=chosen, title="mine")
    counts = sorted(int(t.split()[2]) for t in texts(figure) if t.startswith("n = "))
    assert counts == sorted(tree.visits.tolist())
    marked = [t for t in figure.axes[0].texts if t.get_bbox_patch().get_linewidth() == 2.0]
    depth = 0
    node = chosen
    while node >= 0:
        depth, node = depth + 1, int(tree.parent[node])
    assert len(marked) == depth
    assert overlaps(figure) == []


def test_a_tree_of_one_node_and_without_values():
    opt, _ = search(2, 30, leaf_size=50)
    assert len(opt.tree) == 1
    figure = plot.partition_tree(opt.tree, chosen=0)
    (text,) = [t for t in texts(figure) if t.startswith("n = ")]
    assert text == f"n = {int(opt.tree.visits[0])} · 100 %"
    figure = plot.partition_tree(search(2)[0].tree, values=False)
    assert not any("%" in t for t in texts(figure))


def test_large_trees_are_folded():
    opt, _ = search(2, 20)
    rng = np.random.default_rng(0)
    X = rng.random((3000, 2))
    configs = opt.space.decode(X)
    opt.tell(configs, np.column_stack([X[:, 0], ((X - 0.3) ** 2).sum(axis=1)]))
    opt.ask(1)
    tree = opt.tree
    assert len(tree.leaves) > 40
    figure = plot.partition_tree(tree)
    shown = [t for t in texts(figure) if t.startswith("n = ")]
    tips = 32
    assert len(shown) == 2 * tips - 1
    assert any(t.endswith("…") for t in shown)
    assert overlaps(figure) == []


def test_regions():
    opt, _ = search(2)
    chosen = int(opt.tree.leaves[0])
    figure = plot.regions(opt.tree, opt.trials, chosen=chosen, title="mine")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "x"
    assert [t.get_text() for t in axes.get_yticklabels()][:: len(axes.get_yticks()) - 1] == [
        "0.001", "1"
    ]  # fmt: skip
    (image,) = axes.get_images()
    shares = {round(float(v), 6) for v in np.unique(image.get_array())}
    total = opt.tree.value(0)
    leaves = {round(100 * opt.tree.value(int(leaf)) / total, 6) for leaf in opt.tree.leaves}
    assert shares <= leaves
    assert overlaps(figure) == []
    drawn(figure)


def test_errors():
    opt, objectives = search(2)
    with pytest.raises(ValueError, match="got 1 objectives; a Pareto plot needs at least 2"):
        plot.pareto(opt.trials, objectives[:1])
    with pytest.raises(ValueError, match="no trial is done"):
        plot.pareto([], objectives)
    with pytest.raises(ValueError, match=r"hypervolumes has shape \(0,\)"):
        plot.hypervolume_trace([])
    space = lf.Space({"x": lf.Float(0, 1), "op": lf.Categorical(["a", "b"])})
    opt, _ = search(2, space=space)
    with pytest.raises(ValueError, match=r"parameters \['x', 'op'\]; wanted two of type Float"):
        plot.regions(opt.tree, opt.trials)


def test_no_global_state(tmp_path):
    """pyplot keeps figures alive and chooses a window system; it must stay out."""
    code = (
        "import sys; from lamoo_fast import plot; plot.hypervolume_trace([1.0]).savefig('x.png')\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=tmp_path)  # fmt: skip
    assert done.stdout.strip() == "False"
