"""Who takes part in the study, by name: the rivals, and LaMOO with its samplers."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import search_models as models
import search_rivals as rivals
from search_problems import StudyProblem
from search_rivals import Array, Method, UnfitError

import lamoo_fast as lf

WITHOUT_TREE = 10**9  # a leaf size that no set of rows can be split by: the region is the space


class Ours:
    """LaMOO, `batch` points at a time, with the settings of its constructor.

    Every run has a sampler of its own, made by `sampler()`, since samplers may remember.
    """

    def __init__(
        self,
        problem: StudyProblem,
        X: Array,
        F: Array,
        seed: int,
        *,
        sampler: Callable[[], Any],
        batch: int = 1,
        known: bool = False,
        structure: bool = False,
        **settings: Any,
    ) -> None:
        if structure:
            if problem.structure is None:
                raise UnfitError("no structure follows from the configuration")
            settings["hints"] = problem.structure
        if known:
            if "known" not in inspect.signature(lf.LaMOO).parameters:
                raise UnfitError("this LaMOO takes no known objectives")
            if not problem.known:
                raise UnfitError("no objective follows from the configuration")
            settings["known"] = dict(problem.known)
        self.batch, self.signs = batch, problem.signs
        self.opt = lf.LaMOO(
            problem.space,
            problem.directions,
            ref=problem.ref,
            sampler=sampler(),
            n_initial=len(X),
            seed=seed,
            **settings,
        )
        self.opt.tell(problem.space.decode(X), F * self.signs)

    def ask(self) -> Array:
        try:
            self.asked = self.opt.ask(self.batch)
        except ImportError as error:
            raise UnfitError(str(error)) from error
        return np.array([trial.x for trial in self.asked])

    def tell(self, X: Array, F: Array) -> None:
        self.opt.tell(self.asked, F * self.signs)


@dataclass(frozen=True)
class Entry:
    """A method of the study; `slow` ones run with fewer seeds."""

    make: Callable[[StudyProblem, Array, Array, int], Method]
    ours: bool = False
    slow: bool = False
    n_initial: int = 10


def ours(sampler: Callable[[], Any], **settings: Any) -> Entry:
    return Entry(partial(Ours, sampler=sampler, **settings), ours=True)


RIVALS = {
    "random": Entry(rivals.Random),
    "mutation": Entry(rivals.ParetoMutation),
    "nsga2": Entry(rivals.nsga2),
    "nsga3": Entry(rivals.nsga3),
    "sms-emoa": Entry(rivals.sms_emoa),
    "como-cma": Entry(rivals.Como),
    "hamming-gp": Entry(models.HammingGP),
    "hamming-gp-known": Entry(partial(models.HammingGP, known=True)),
    "motpe": Entry(models.motpe),
    "optuna-nsga2": Entry(models.optuna_nsga2),
    "optuna-gp": Entry(models.optuna_gp, slow=True),
    "qlognehvi": Entry(models.BoTorch, slow=True),
}

SAMPLERS = {
    "lamoo": lf.EHVISampler,
    "lamoo-uniform": lf.UniformSampler,
    "lamoo-cma": lf.CMASampler,
}

OURS = {
    **{name: ours(sampler) for name, sampler in SAMPLERS.items()},
    **{
        f"{name}-notree": ours(sampler, leaf_size=WITHOUT_TREE)
        for name, sampler in SAMPLERS.items()
    },
    "lamoo-b5": ours(lf.EHVISampler, batch=5),
    "lamoo-known": ours(lf.EHVISampler, known=True),
    "lamoo-structure": ours(lf.EHVISampler, structure=True),
    "lamoo-known-structure": ours(lf.EHVISampler, known=True, structure=True),
    "lamoo-notree-known": ours(lf.EHVISampler, known=True, leaf_size=WITHOUT_TREE),
}

METHODS = {**RIVALS, **OURS}
