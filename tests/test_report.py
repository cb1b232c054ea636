"""`lamoo report` and `lamoo compare`: the page says what the journal says, and needs no network."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import lamoo_fast as lf
from lamoo_fast import page
from lamoo_fast.cli import main
from lamoo_fast.compare import Comparison
from lamoo_fast.nas.spaces.cell201 import Cell201
from lamoo_fast.record import Record, common_ref
from lamoo_fast.search.journal import Journal

NASTY = ["</script><script>alert(1)</script>", 'a<b & "c"', "@@DATA@@ ' \u2028"]
REAL = {f"x{i}": lf.Float(0, 1) for i in range(3)}


def search(folder, function, directions, n=30, *, params=None, about=(), **options):
    """Search with a journal; return the opt."""
    opt = lf.LaMOO(
        lf.Space(REAL if params is None else params), directions, seed=0,
        sampler=lf.UniformSampler(), **options,
    )  # fmt: skip
    with Journal.create(folder, opt, **dict(about)) as journal:
        if n:
            lf.Study(opt, function, journal=journal, progress=False).run(n, min(n, 5))
    return opt


def two(config):
    return config["x0"], 1 - config["x0"] + config["x1"]


def sometimes(config):
    if config["x0"] > 0.6:
        raise ValueError(NASTY[0])
    return two(config)


def ten(config):
    return [abs(config["x0"] - i / 10) + config["x1"] for i in range(10)]


CASES = {
    "plain": (two, ["minimize", "minimize"], {}),
    "empty": (two, ["minimize", "minimize"], {"n": 0}),
    "one trial": (two, ["minimize", "minimize"], {"n": 1}),
    "one objective": (lambda c: [c["x0"]], ["maximize"], {}),
    "ten objectives": (ten, ["minimize"] * 10, {}),
    "some failed": (sometimes, ["minimize", "maximize"], {}),
    "all failed": (lambda c: 1 / 0, ["minimize", "minimize"], {}),
    "infeasible": (lambda c: (*two(c), c["x2"] - 0.5), ["minimize"] * 2, {"n_constraints": 1}),
    "huge": (lambda c: (1.7e308 * c["x0"], -1e-300), ["minimize"] * 2, {}),
}


class Page(HTMLParser):
    """What is in a page: its elements, its texts by element, unclosed elements."""

    def __init__(self, path):
        super().__init__()
        self.open, self.attributes, self.texts = [], [], {}
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta", "input", "img", "br"}:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            tag, attributes = self.open[-1]
            key = attributes.get("id", tag)
            self.texts[key] = self.texts.get(key, "") + data

    @property
    def data(self):
        return json.loads(self.texts["data"])


@pytest.mark.parametrize("case", CASES)
def test_page_holds_just_the_study(case, tmp_path, capsys):
    function, directions, options = CASES[case]
    opt = search(tmp_path / "r", function, directions, **options)
    assert main(["report", str(tmp_path / "r")]) == 0
    assert f"report of {len(opt.trials)} evaluations" in capsys.readouterr().out
    found = Page(tmp_path / "r" / "report.html")
    data = found.data
    assert data["trials"] == [t.to_dict() for t in opt.trials]
    assert data["front"] == [t.id for t in opt.pareto_front()]
    assert data["infeasible"] == [
        t.id for t in opt.trials if t.status == "done" and max(t.constraints, default=0) > 0
    ]
    assert [o["direction"] for o in data["objectives"]] == directions
    assert data["search"]["directions"] == directions
    assert data["ref"] is None or len(data["ref"]) == len(directions)
    for curve in data["curves"]:
        assert len(curve["volumes"]) == len(opt.trials)
    for _, name, value in found.attributes:
        assert name not in {"src", "href", "action", "srcset"} or value.startswith("data:")
        assert name != "on" + name[2:]
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|innerHTML", found.source)


def test_no_name_leaves_its_place(tmp_path):
    params = {NASTY[0]: lf.Float(0, 1), NASTY[1]: lf.Categorical(NASTY), NASTY[2]: lf.Integer(0, 3)}
    about = {
        "problem": NASTY[0],
        "objectives": [{"name": n, "direction": "minimize", "unit": "<i>"} for n in NASTY[:2]],
    }
    search(
        tmp_path / "r", lambda c: (c[NASTY[0]], c[NASTY[2]]), ["minimize"] * 2,
        params=params, about=about,
    )  # fmt: skip
    assert main(["report", str(tmp_path / "r")]) == 0
    found = Page(tmp_path / "r" / "report.html")
    assert found.source.count("<script") == found.source.count("</script") == 2
    assert found.data["params"] == NASTY[:1] + NASTY[1:]
    assert [o["name"] for o in found.data["objectives"]] == NASTY[:2]
    assert found.data["problem"] == NASTY[0]
    assert found.texts["title"] == f"{NASTY[0]} - lamoo report"


def test_hypervolumes_are_those_of_the_trials_so_far(tmp_path):
    opt = search(tmp_path / "a", two, ["minimize", "maximize"], 25, ref=(1.2, -0.5))
    data = page.contents(Record.read(tmp_path / "a"))
    F = np.array([t.values for t in opt.trials]) * [1, -1]
    wanted = [lf.hypervolume(F[: k + 1], [1.2, 0.5]) for k in range(25)]
    np.testing.assert_allclose(data["curves"][0]["volumes"], wanted, rtol=1e-12)
    assert data["exact"]


def test_regions_hold_their_trials(tmp_path):
    opt = search(tmp_path / "a", two, ["minimize", "minimize"], 80)
    data = page.contents(Record.read(tmp_path / "a"))
    nodes = data["tree"]["nodes"]
    assert nodes[0]["trials"] == [t.id for t in opt.trials]
    assert len(nodes) > 1
    for i, above in enumerate(nodes):
        below = [n for n in nodes if n["parent"] == i]
        if below:
            assert sorted(below[0]["trials"] + below[1]["trials"]) == above["trials"]
            assert [n["good"] for n in below] == [True, False]
            assert above["share"] >= max(n["share"] for n in below)
    assert nodes[0]["share"] == 1
    assert sum(n["chosen"] for n in nodes) >= 2


def test_map_of_two_real_parameters(tmp_path):
    search(tmp_path / "a", lambda c: (c["x"], c["y"]), ["minimize"] * 2,
           params={"x": lf.Float(0, 1), "y": lf.Float(0, 1)})  # fmt: skip
    assert page.contents(Record.read(tmp_path / "a"))["regions"].startswith(
        "data:image/png;base64,"
    )


def test_architectures_are_drawn(tmp_path):
    cells = Cell201()
    costs = lambda c: (cells.cost(c).flops, -cells.cost(c).params)  # noqa: E731
    opt = search(tmp_path / "a", costs, ["minimize"] * 2, 20, params=cells.space.params)
    drawn = page.contents(Record.read(tmp_path / "a"))["architectures"]
    front = {t.id: t for t in opt.pareto_front()}
    assert 1 <= len(drawn) <= 6
    for one in drawn:
        assert one["text"] == cells.encode(front[one["id"]].config)
        assert one["image"].startswith("data:image/svg+xml;base64,")


def test_earlier_runs_beside(tmp_path, capsys):
    search(tmp_path / "a", two, ["minimize"] * 2, 20, ref=(1, 2))
    search(tmp_path / "b", two, ["minimize"] * 2, 12, ref=(3, 3))
    search(tmp_path / "c", two, ["minimize", "maximize"], 5)
    out = tmp_path / "page.html"
    line = ["report", str(tmp_path / "a"), "--out", str(out), "--with"]
    assert main([*line, str(tmp_path / "b")]) == 0
    data = Page(out).data
    assert data["ref"] == [1, 2]
    assert [len(c["volumes"]) for c in data["curves"]] == [20, 12]
    assert main([*line, str(tmp_path / "c")]) == 2
    assert "wanted those of" in capsys.readouterr().err


def test_command_makes_the_same_search(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        main(
            [
                "search",
                "dtlz2",
                "--budget",
                "12",
                "--seed",
                "5",
                "--sampler",
                "uniform",
                "--out",
                "r",
            ]
        )
        == 0
    )
    assert main(["report", "r"]) == 0
    data = Page(tmp_path / "r" / "report.html").data
    assert main([*data["command"].split()[1:], "--out", "again"]) == 0
    assert Record.read("again").opt.state_dict()["trials"] == data["trials"]


def test_a_running_search_is_left_alone(tmp_path):
    folder = tmp_path / "r"
    code = (
        "import sys; from lamoo_fast.record import Record\n"
        "print(len(Record.read(sys.argv[1]).opt.trials))"
    )
    opt = lf.LaMOO(lf.Space(REAL), ["minimize"] * 2, seed=0)
    with Journal.create(folder, opt) as journal:
        lf.Study(opt, two, journal=journal, progress=False).run(5, 5)
        file = folder / "journal.jsonl"
        with file.open("ab") as end:
            end.write(b'{"ask": [')  # a line that is being written
        before = file.read_bytes()
        done = subprocess.run(
            [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=600
        )
        assert done.stdout == "5\n", done.stderr
        assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no study"),
        ("", "no header"),
        ("{}\n", "not a journal"),
        ('{"journal":1,"run":{},"search":{}}\n', "not the journal of a search"),
        ('{"journal":1,"run":{},"search":{"settings":[]}}\n', "not the journal of a search"),
    ],
)
def test_what_is_no_study(content, said, tmp_path, capsys):
    if content is not None:
        (tmp_path / "journal.jsonl").write_text(content)
    for line in (["report", str(tmp_path)], ["compare", str(tmp_path), str(tmp_path)]):
        assert main(line) == 2
        err = capsys.readouterr().err
        assert said in err
        assert "defect" not in err
    assert main(["report", str(tmp_path / "none")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_page_that_cannot_be_written(tmp_path, capsys):
    search(tmp_path / "r", two, ["minimize"] * 2, 3)
    assert main(["report", str(tmp_path / "r"), "--out", str(tmp_path / "no" / "page.html")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_compare(tmp_path, capsys):
    a = search(tmp_path / "a", two, ["minimize", "maximize"], 20, ref=(1, -1))
    b = search(tmp_path / "b", sometimes, ["minimize", "maximize"], 30, ref=(0.9, -2))
    line = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "c.png")]
    assert main(line) == 0
    out = capsys.readouterr().out
    found = Comparison.of([Record.read(tmp_path / name) for name in "ab"])
    assert found.ref == (1, -2)
    for opt, run in zip((a, b), found.runs, strict=True):
        done = np.array([t.values for t in opt.trials if t.values])
        wanted = lf.hypervolume(done, found.ref, maximise=[False, True])
        assert run.final == pytest.approx(wanted, rel=1e-12)
        assert run.front == len(opt.pareto_front())
        assert f"{wanted:.6g}" in out
        for other in found.runs:
            slow = [i + 1 for i, v in enumerate(run.volumes) if v >= other.final * (1 - 1e-12)]
            assert run.reached(other.final) == (slow[0] if slow else None)
    assert found.runs[1].failed == sum(t.status == "failed" for t in b.trials) > 0
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    assert main(["compare", str(tmp_path / "a")]) == 2
    assert "at least 2" in capsys.readouterr().err


def test_no_common_reference_point_without_trials(tmp_path, capsys):
    for name in "ab":
        search(tmp_path / name, lambda c: 1 / 0, ["minimize"] * 2, 5)
    assert common_ref([Record.read(tmp_path / "a")]) is None
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert "nothing to compare" in capsys.readouterr().err


def test_dataframe(tmp_path):
    pytest.importorskip("pandas")
    function, directions, options = CASES["infeasible"]
    opt = search(tmp_path / "a", function, directions, 10, **options)
    opt.tell(opt.ask(1), [lf.FAILED])
    opt.ask(2)
    table = lf.Study(opt, function).to_dataframe()
    names = ["number", "state", *(f"params_{n}" for n in REAL), "values_0", "values_1"]
    assert list(table) == [*names, "constraints_0"]
    assert table["state"].tolist() == ["done"] * 10 + ["failed"] + ["pending"] * 2
    assert table["number"].tolist() == list(range(13))
    for i, trial in enumerate([*opt.trials, *opt.pending]):
        row = table.iloc[i]
        assert [row[f"params_{n}"] for n in REAL] == list(trial.config.values())
        got = [row["values_0"], row["values_1"], row["constraints_0"]]
        np.testing.assert_array_equal(
            got, [*trial.values, *trial.constraints] if i < 10 else np.nan
        )


def test_dataframe_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    study = lf.Study(lf.LaMOO(lf.Space(REAL), ["minimize"]), two)
    with pytest.raises(ImportError, match="pip install pandas"):
        study.to_dataframe()


def test_notebook_view_is_safe_and_small():
    space = lf.Space({NASTY[0]: lf.Float(0, 1), "op": lf.Categorical(NASTY)})
    opt = lf.LaMOO(space, ["minimize", "minimize"], seed=0)
    study = lf.Study(opt, lambda c: (c[NASTY[0]], 1 - c[NASTY[0]]), progress=False)
    assert "0 trials" in study._repr_html_()
    study.run(30, 5)
    html = study._repr_html_()
    assert "<script" not in html
    assert html.count("<tr>") == 11
    assert f"and {len(opt.pareto_front()) - 10} more" in html
    assert f"hypervolume {opt.hypervolume():.6g}" in html
