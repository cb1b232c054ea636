"""Two objectives of a conditional space."""

import optuna

import optunahub


def objective(trial: optuna.Trial) -> tuple[float, float]:
    """Trade the error of a network for its size."""
    depth = trial.suggest_int("depth", 1, 8)
    if trial.suggest_categorical("kind", ["wide", "narrow"]) == "wide":
        width = trial.suggest_int("width", 16, 256, step=16)
    else:
        width = 8
    return 1 / (depth * width), depth * width**2


if __name__ == "__main__":
    module = optunahub.load_module("samplers/lamoo")
    study = optuna.create_study(
        directions=["minimize", "minimize"], sampler=module.LaMOOSampler(seed=0)
    )
    study.optimize(objective, n_trials=40)
    print(len(study.best_trials), "trials on the front")
