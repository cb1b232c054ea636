"""Small searches that the tests of the search share."""

from lamoo_fast.search import Categorical, Float, Integer, Space

SPACE = Space({"x": Float(0, 1), "n": Integer(1, 9), "op": Categorical(["a", "b", "c"])})
SMALL = Space({"a": Integer(0, 4), "b": Integer(0, 4), "c": Categorical(["u", "v"])})
DIRECTIONS = ["maximize", "minimize"]


def evaluate(config):
    x, n = config["x"], config["n"] / 9
    penalty = "abc".index(config["op"]) + (n - 0.5) ** 2
    return (x - penalty, x**2 + penalty)


def evaluate_small(config):
    penalty = config["c"] == "v"
    return (config["a"] - config["b"] / 2 - penalty, config["a"] ** 2 + penalty)


def step(opt, n, evaluate=evaluate):
    trials = opt.ask(n)
    return opt.tell(trials, [evaluate(t.config) for t in trials])


def run(opt, budget, batch=5, evaluate=evaluate):
    while len(opt.trials) < budget:
        step(opt, min(batch, budget - len(opt.trials)), evaluate)
    return opt


def facts(trials):
    return [t.to_dict() for t in trials]
