"""Schedules of rising fidelity: what is promoted, what it costs, what it saves."""

import json
import math

import numpy as np
import pytest
from nas_data import shared_path

import lamoo_fast as lf
from lamoo_fast.nas.evaluators.evaluator import Evaluation
from lamoo_fast.nas.evaluators.models import ProcessModel
from lamoo_fast.nas.evaluators.predictor import Predictor
from lamoo_fast.nas.evaluators.schedule import Rung, Schedule
from lamoo_fast.nas.nasbench201 import nasbench201_joined
from lamoo_fast.search import UniformSampler
from lamoo_fast.search.journal import Journal
from lamoo_fast.search.workers import Together

SPACE = lf.Space({"a": lf.Integer(0, 19), "b": lf.Integer(0, 19)})
LOSS, BOTH = {"loss": "minimize"}, {"loss": "minimize", "size": "minimize"}


def truth(config):
    a, b = config["a"], config["b"]
    return (a - 7) ** 2 + b + 0.1 * b**2, float(a + b)


class Cheap:
    """The loss, wrong by some; it counts how often it is asked about each."""

    def __init__(self, error=0.0, cost=1.0):
        self.error, self.cost, self.asked = error, cost, []

    def evaluate(self, configs):
        self.asked += [(c["a"], c["b"]) for c in configs]
        wrong = [self.error * math.sin(37 * c["a"] + c["b"]) for c in configs]
        values = [truth(c)[0] + w for c, w in zip(configs, wrong, strict=True)]
        return [Evaluation({"loss": v}, "cheap", self.cost) for v in values]


def size(config):
    return config["a"] + config["b"]


def search(schedule, seed=0):
    directions = ["minimize", "minimize"]
    return lf.LaMOO(SPACE, directions, known={1: size}, ref=(300, 40), sampler=schedule, seed=seed)


def run(opt, budget, **options):
    lf.Study(opt, truth, progress=False, **options).run(budget, 5)
    return opt


class Fixed:
    """Draws the first points of a list."""

    def __init__(self, configs):
        self.X, self.asked = SPACE.points(configs), []

    def draw(self, region, n, view):
        self.asked.append(n)
        return self.X[:n]


def test_the_first_fronts_are_promoted_and_ties_go_by_contribution():
    told = [{"a": 7, "b": 0}, {"a": 0, "b": 0}, {"a": 3, "b": 1}]
    drawn = [
        {"a": 9, "b": 9}, {"a": 6, "b": 0}, {"a": 8, "b": 0}, {"a": 5, "b": 0},
        {"a": 1, "b": 0}, {"a": 7, "b": 1}, {"a": 19, "b": 19}, {"a": 4, "b": 0},
    ]  # fmt: skip
    fixed = Fixed(drawn)
    opt = lf.LaMOO(
        SPACE, ["minimize", "minimize"], known={1: size}, ref=(900, 40), n_initial=3,
        sampler=Schedule(fixed, [Rung(Cheap(), LOSS, keep=0.5)], BOTH), seed=0,
    )  # fmt: skip
    opt.tell(told, [truth(c) for c in told])
    found = [t.config for t in opt.ask(4)]
    assert fixed.asked == [8]
    # By hand: a <= 7 with b = 0 is the front; what is alone between its neighbours comes first.
    front = [c for c in drawn if c["b"] == 0 and c["a"] < 8]
    points = np.array([truth(c) for c in told + drawn])
    worst = points.max(axis=0) + 0.1 * np.ptp(points, axis=0)
    on = [truth(c) for c in [*told[:2], *front]]
    gains = [
        lf.hypervolume(on, worst) - lf.hypervolume([p for p in on if p != truth(c)], worst)
        for c in front
    ]
    assert found == [front[i] for i in np.argsort(-np.array(gains))]


def test_every_evaluation_is_made_once_and_kept_with_fidelity_and_cost():
    cheap, dear = Cheap(error=20, cost=0.5), Cheap(error=3, cost=4.0)
    schedule = Schedule(UniformSampler(), [Rung(cheap, LOSS, 0.25), Rung(dear, LOSS, 0.5)], BOTH)
    opt = run(search(schedule), 40)
    for number, rung in enumerate((cheap, dear)):
        assert len(set(rung.asked)) == len(rung.asked) == len(schedule.evaluations(number))
    assert len(dear.asked) < len(cheap.asked) / 2
    assert {e.fidelity for e in schedule.evaluations(0)} == {"cheap"}
    assert sum(e.cost for e in schedule.evaluations(1)) == 4.0 * len(dear.asked)
    assert {(t.config["a"], t.config["b"]) for t in opt.trials} <= set(dear.asked) | {
        (t.config["a"], t.config["b"]) for t in opt.trials[-5:]
    }
    assert all(t.values == truth(t.config) for t in opt.trials)  # nothing but the truth is told


def test_budgets_hold_and_the_search_goes_on_without_them():
    few, slow = Cheap(), Cheap(cost=2.0)
    rungs = [Rung(few, LOSS, 0.25, evaluations=50), Rung(slow, LOSS, 0.5, seconds=21.0)]
    opt = run(search(Schedule(UniformSampler(), rungs, BOTH)), 60)
    assert len(opt.trials) == 60
    assert len(few.asked) == 50
    assert len(slow.asked) == 11  # 10 take 20 seconds, one more is begun


def test_values_that_are_no_numbers_come_last():
    class Broken(Cheap):
        def evaluate(self, configs):
            bad = Evaluation({"loss": math.nan}, "cheap", 1.0)
            good = super().evaluate(configs)
            return [bad if c["a"] % 2 else e for c, e in zip(configs, good, strict=True)]

    schedule = Schedule(UniformSampler(), [Rung(Broken(), LOSS, 0.25)], BOTH)
    opt = run(search(schedule), 40)
    assert all(t.config["a"] % 2 == 0 for t in opt.trials[opt.n_initial :])


def test_a_resumed_search_goes_on_from_its_record(tmp_path):
    def make(name):
        cheap = Cheap(error=9)
        rungs = [Rung(cheap, LOSS, 0.25)]
        record = tmp_path / f"{name}.jsonl"
        return cheap, search(Schedule(UniformSampler(), rungs, BOTH, record=record))

    whole = run(make("whole")[1], 40)
    before, part = make("part")
    with Journal.create(tmp_path / "part", part, run={}) as journal:
        run(part, 25, journal=journal)
    with (tmp_path / "part.jsonl").open("a") as file:
        file.write('{"rung": 0, "config": {"a": 1, "b"')  # as a crash leaves it
    after, again = make("part")
    with Journal.open(tmp_path / "part") as journal:
        again.load_state_dict(journal.state())
        run(again, 40, journal=journal)
    assert [t.to_dict() for t in again.trials] == [t.to_dict() for t in whole.trials]
    assert not set(before.asked) & set(after.asked)
    lines = [json.loads(line) for line in (tmp_path / "part.jsonl").read_text().splitlines()]
    assert len(lines) == len(before.asked) + len(after.asked)
    assert set(lines[0]) == {"rung", "config", "values", "fidelity", "cost"}


def test_a_predictor_is_told_the_truth_and_promotes():
    predictor = Predictor({"loss": "minimize"}, lambda: ProcessModel(SPACE))
    schedule = Schedule(UniformSampler(), [Rung(predictor, LOSS, 0.125)], BOTH)
    opt = run(search(schedule), 30)
    assert predictor.n_told == 25  # all but the last round
    plain = run(search(UniformSampler()), 30)
    assert opt.hypervolume() > plain.hypervolume()
    assert schedule.evaluations(0) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: Rung(Cheap(), {}), "objectives is {}"),
        (lambda: Rung(Cheap(), {"loss": "least"}), "'maximize' or 'minimize'"),
        (lambda: Rung(Cheap(), LOSS, 0.0), "keep is 0.0, wanted 0 < keep <= 1"),
        (lambda: Rung(Cheap(), LOSS, evaluations=0), "evaluations is 0"),
        (lambda: Rung(Cheap(), LOSS, evaluations=2.5), "evaluations is 2.5"),
        (lambda: Rung(Cheap(), LOSS, seconds=-1.0), "seconds is -1.0"),
        (lambda: Schedule(UniformSampler(), [], BOTH), "rungs is empty"),
        (
            lambda: Schedule(
                UniformSampler(),
                [Rung(Predictor({"gain": "maximize"}, lambda: ProcessModel(SPACE)), LOSS)],
                BOTH,
            ),
            "a predictor predicts 'gain'",
        ),
    ],
)
def test_bad_settings_are_named(change, said):
    with pytest.raises(ValueError, match=said):
        change()


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "r.jsonl").write_text('{"rung": 5, "config": {}, "values": {}}\n')
    with pytest.raises(ValueError, match="line 1 is no evaluation"):
        Schedule(UniformSampler(), [Rung(Cheap(), LOSS)], BOTH, record=tmp_path / "r.jsonl")


def test_short_trainings_save_long_ones():
    """Twelve epochs before 200, on the table: the level of 60 cells takes 40 or fewer."""
    folder = shared_path("nasbench201_joined.csv.gz").parent
    names = {"cifar10_test_acc_200ep": "maximize", "cifar10_flops_M": "minimize"}
    table = nasbench201_joined(folder).select(names)
    short = nasbench201_joined(folder).select(["cifar10_valid_acc_12ep"])

    class Short:
        def evaluate(self, configs):
            return [Evaluation({"acc": short.evaluate(c)[0]}, "12 epochs", 1.0) for c in configs]

    def volumes(make):
        found = []
        for seed in range(4):
            opt = lf.LaMOO(
                table.space, table.directions, ref=table.ref, seed=seed, sampler=make(),
                known={1: lambda c: table.evaluate(c)[1]},
            )  # fmt: skip
            study = lf.Study(opt, table.evaluate, progress=False)
            curve = []
            for budget in range(20, 65, 5):
                study.run(budget, 5)
                curve.append(-math.log10(1 - opt.hypervolume() / table.hypervolume() + 1e-9))
            found.append(curve)
        return np.mean(found, axis=0)

    plain = volumes(UniformSampler)
    rung = Rung(Short(), {"acc": "maximize"}, keep=1 / 16)
    helped = volumes(lambda: Schedule(UniformSampler(), [rung], names))
    assert helped[4] > plain[-1]  # 40 against 60


def test_networks_on_digits_from_untrained_to_trained():
    torch = pytest.importorskip("torch", reason="networks need torch")
    pytest.importorskip("sklearn", reason="digits come with it")
    from lamoo_fast.nas.evaluators.standalone import StandAlone
    from lamoo_fast.nas.evaluators.untrained import Untrained
    from lamoo_fast.nas.tasks import load_task
    from lamoo_fast.nas.tasks.task import Run
    from lamoo_fast.nas.training.recipe import Recipe

    torch.set_num_threads(1)
    task, settings = load_task("digits"), Run(batches=2, epochs=2, progress=False)
    loop = task.supernet(settings)
    loop.run()
    cells, gain = task.architectures, {"accuracy": "maximize"}
    rungs = [
        Rung(Untrained(cells, task.calibration_images(16)), {"naswot": "maximize"}, 0.5),
        Rung(task.one_shot(loop.trained, settings), gain, 0.5),
        Rung(Predictor(gain, lambda: ProcessModel(cells.space)), gain, 0.5),
    ]
    names = {"accuracy": "maximize", "flops": "minimize"}
    schedule = Schedule(UniformSampler(), rungs, names)
    opt = lf.LaMOO(
        cells.space, list(names.values()), known={1: lambda c: cells.cost(c).flops},
        n_initial=4, sampler=schedule, seed=0,
    )  # fmt: skip
    recipe = Recipe(epochs=1, batch=100, batches=2)
    trained = StandAlone(cells, task.data.split("train"), task.data.split("valid"), recipe)
    done = []

    def evaluate(configs):
        done.extend(trained.evaluate(configs))
        found = [e.values["accuracy"] for e in done[-len(configs) :]]
        return [(a, cells.cost(c).flops) for a, c in zip(found, configs, strict=True)]

    lf.Study(opt, Together(evaluate), progress=False).run(8, 2)
    counts = [len(schedule.evaluations(number)) for number in range(2)]
    assert len(opt.trials) == len(done) == 8
    # The design of four and two rounds of 16 candidates for two networks, of which eight go on.
    assert counts == [4 + 2 * 16, 4 + 2 * 8]
    kinds = [{e.fidelity for e in schedule.evaluations(number)} for number in range(2)]
    assert [*kinds, {e.fidelity for e in done}] == [{"untrained"}, {"supernet"}, {"trained"}]
    assert all(e.cost > 0 for e in [*schedule.evaluations(0), *schedule.evaluations(1), *done])


def test_a_value_that_is_always_the_same_changes_no_order():
    class Three(Cheap):
        def evaluate(self, configs):
            return [
                Evaluation({**e.values, "same": 3.0}, "cheap", 1.0)
                for e in super().evaluate(configs)
            ]

    def promoted(objectives):
        fixed = Fixed([{"a": a, "b": 0} for a in (6, 5, 4, 3, 1, 0, 2, 7)])
        opt = lf.LaMOO(
            SPACE, ["minimize", "minimize"], known={1: size}, ref=(900, 40), n_initial=2,
            sampler=Schedule(fixed, [Rung(Three(), objectives, keep=0.5)], BOTH), seed=0,
        )  # fmt: skip
        told = [{"a": 19, "b": 19}, {"a": 18, "b": 18}]
        opt.tell(told, [truth(c) for c in told])
        return [t.config["a"] for t in opt.ask(4)]

    # Drawn in the order 6, 5, 4, 3, ...: without a contribution these would be promoted.
    assert promoted({**LOSS, "same": "minimize"}) == promoted(LOSS) == [0, 7, 1, 2]


def test_values_may_be_of_numpy(tmp_path):
    class Odd(Cheap):
        def evaluate(self, configs):
            return [Evaluation({"loss": np.float32(c["a"])}, "cheap", 1.0) for c in configs]

    record = tmp_path / "r.jsonl"
    schedule = Schedule(UniformSampler(), [Rung(Odd(), LOSS)], BOTH, record=record)
    assert len(run(search(schedule), 25).trials) == 25
    again = Schedule(UniformSampler(), [Rung(Odd(), LOSS)], BOTH, record=record)
    assert again.evaluations(0) == schedule.evaluations(0)


def test_what_an_evaluator_leaves_out_is_named():
    class Wrong(Cheap):
        def evaluate(self, configs):
            return [Evaluation({"gain": 1.0}, "cheap", 1.0) for c in configs]

    class Short(Cheap):
        def evaluate(self, configs):
            return super().evaluate(configs)[1:]

    for evaluator, said in ((Wrong(), "rung 0 gave values of .'gain'., wanted 'loss'"),
                            (Short(), "rung 0 gave [0-9]+ evaluations of")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            run(search(Schedule(UniformSampler(), [Rung(evaluator, LOSS)], BOTH)), 25)


@pytest.mark.parametrize(
    "line",
    [
        b'{"rung": -1, "config": {}, "values": {"loss": 1}, "fidelity": "c", "cost": 1}',
        b'{"rung": 0, "config": {}, "values": 5, "fidelity": "c", "cost": 1}',
        b'{"rung": 0, "config": {}, "values": {"gain": 1}, "fidelity": "c", "cost": 1}',
        b'{"rung": 0, "config": 5, "values": {"loss": 1}, "fidelity": "c", "cost": 1}',
        b"\xff\xfe",
    ],
)
def test_lines_that_are_no_evaluations_of_the_rungs_are_named(tmp_path, line):
    (tmp_path / "r.jsonl").write_bytes(line + b"\n")
    with pytest.raises(ValueError, match=r"r\.jsonl line 1 is no evaluation"):
        Schedule(UniformSampler(), [Rung(Cheap(), LOSS)], BOTH, record=tmp_path / "r.jsonl")
