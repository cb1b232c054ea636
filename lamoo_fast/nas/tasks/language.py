"""Language models of recurrent cells, searched for the Penn Treebank or another text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamoo_fast.nas.datasets.small import python_help
from lamoo_fast.nas.datasets.text import TextData, text_folder
from lamoo_fast.nas.device import checked_device
from lamoo_fast.nas.evaluators.evaluator import Evaluator
from lamoo_fast.nas.evaluators.few_shot import ByPart
from lamoo_fast.nas.evaluators.perplexity import PerplexityOneShot, perplexity
from lamoo_fast.nas.problem import Objective
from lamoo_fast.nas.spaces.recurrent import OPS, RecurrentCell
from lamoo_fast.nas.supernets.paths import Choices, UniformPaths
from lamoo_fast.nas.supernets.recurrent import NextTokenOfPaths, RecurrentSupernet
from lamoo_fast.nas.supernets.splits import product_of
from lamoo_fast.nas.tasks.task import Run
from lamoo_fast.nas.training.checkpoint import fingerprint
from lamoo_fast.nas.training.loop import Training
from lamoo_fast.nas.training.objective import Objective as TrainingObjective
from lamoo_fast.nas.training.reading import NextToken, Pieces, Reader, Reading
from lamoo_fast.nas.training.recipe import Recipe
from lamoo_fast.nas.training.seeds import derived_generator, derived_seed

__all__ = ["LanguageTask", "ptb"]

_EXPORTED = 8  # tokens; the exported graph grows with them


@dataclass(frozen=True)
class LanguageTask:
    """A text and the cells that are searched to predict its next token.

    Parameters
    ----------
    name : str
        On the command line.
    data : TextData
        The text.
    architectures : RecurrentCell
        The space, with the state of the networks that are trained alone.
    supernet_hidden : int
        Size of the supernet's state.
    supernet_recipe, recipe : Recipe
        Of the supernet, and of networks alone; "images" are pieces of text.
    length : int
        Tokens of a piece.
    paths : int
        Subnets that read side by side in a step of the supernet.
    temporal : float
        As `NextToken`.
    """

    name: str
    data: TextData
    architectures: RecurrentCell
    supernet_hidden: int
    supernet_recipe: Recipe
    recipe: Recipe
    length: int = 35
    paths: int = 1
    temporal: float = 1e-3

    metric: ClassVar[Objective] = Objective("perplexity", "minimize")

    def supernet(self, run: Run, checkpoint: Path | None = None) -> Training:
        """Prepare the training of the supernet, or continue it."""
        space = replace(self.architectures, hidden=self.supernet_hidden)
        generator = derived_generator(run.seed, "supernet", device=checked_device(run.device))
        supernet = RecurrentSupernet(space, generator=generator)
        return self._of_paths(supernet, Choices(space.space), self.supernet_recipe, run, checkpoint)

    def one_shot(self, supernet: nn.Module, run: Run) -> Evaluator:
        """Evaluate on the text's part "valid"."""
        return self._one_shot(supernet, run, "supernet")

    def few_shot(self, supernet: nn.Module, parts: int, run: Run, folder: Path) -> Evaluator:
        """Split the space by the activation of the first node, and train each part further.

        Zhao et al., ICML 2021, arXiv:2006.06863.
        """
        if parts not in (2, 4):
            raise ValueError(f"parts is {parts}, wanted 2 or 4: as the activation of a node")
        size = len(OPS) // parts
        groups = [OPS[i : i + size] for i in range(0, len(OPS), size)]
        whole = Choices(_supernet_of(supernet).architectures.space)
        recipe = replace(
            self.supernet_recipe,
            epochs=max(1, self.supernet_recipe.epochs // 4),
            learning_rate=self.supernet_recipe.learning_rate / 2,
        )
        trained: list[tuple[Choices, Evaluator]] = []
        parent = fingerprint(_supernet_of(supernet))
        for number, part in enumerate(product_of(whole, {"n1_op": groups})):
            model = RecurrentSupernet(
                _supernet_of(supernet).architectures,
                generator=torch.Generator(checked_device(run.device)),
            )
            model.load_state_dict(_supernet_of(supernet).state_dict())
            own = replace(run, seed=derived_seed(run.seed, "part", number))
            place = folder / f"part-{number}.pt"
            training = self._of_paths(model, part, recipe, own, place, parent=parent)
            training.run()
            trained.append((part, self._one_shot(training.trained, run, "few-shot")))
        return ByPart(trained)

    def network(
        self, config: Mapping[str, Any], run: Run, checkpoint: Path | None = None
    ) -> Training:
        """Prepare the stand-alone training of a cell, or continue it."""
        name = self.architectures.encode(config)
        generator = derived_generator(run.seed, name, device=checked_device(run.device))
        model = self.architectures.build(config, generator=generator)
        recipe = run.applied(self.recipe)
        reader = Reader(model, self.architectures.hidden, recipe.batch)
        about = {"architecture": name, "space": repr(self.architectures)}
        return self._training(reader, NextToken(self.temporal), recipe, run, about, checkpoint)

    def measure(
        self, network: nn.Module, config: Mapping[str, Any], run: Run
    ) -> Mapping[str, float]:
        """Perplexity of a trained network on the text's part "test"."""
        recipe = run.applied(self.recipe)
        return perplexity(_model_of(network), self._held_out("test", recipe, run))

    def example(self, config: Mapping[str, Any]) -> Tensor:
        """Return a few tokens, shape (1, length): other programs get every step of these."""
        return self.data.tokens["valid"][:_EXPORTED][None]

    def exported(self, network: nn.Module) -> nn.Module:
        """Return a module that maps tokens (batch, length) to scores (batch, length, vocabulary).

        Before the first token the state is zero.
        """
        return BatchFirst(_model_of(network))

    def _of_paths(
        self,
        supernet: RecurrentSupernet,
        choices: Choices,
        recipe: Recipe,
        run: Run,
        checkpoint: Path | None,
        **about: str,
    ) -> Training:
        recipe = run.applied(recipe)
        space = supernet.architectures
        reader = Reader(supernet, space.hidden, self.paths * recipe.batch)
        objective = NextTokenOfPaths(choices, UniformPaths(self.paths), self.temporal)
        about["space"] = repr(space)
        return self._training(reader, objective, recipe, run, about, checkpoint)

    def _training(
        self,
        reader: Reader,
        objective: TrainingObjective,
        recipe: Recipe,
        run: Run,
        about: Mapping[str, str],
        checkpoint: Path | None,
    ) -> Training:
        tokens = self.data.tokens["train"]
        return Training(
            reader,
            objective,
            Pieces(tokens, self.length),
            Pieces(tokens, self.length, ahead=1),
            recipe,
            seed=run.seed,
            order=Reading(len(tokens), recipe.batch, self.length),
            checkpoint=checkpoint,
            about={**about, "text": self.data.name},
            progress=run.progress,
            after_epoch=run.after_epoch,
        )

    def _one_shot(self, supernet: nn.Module, run: Run, fidelity: str) -> PerplexityOneShot:
        tokens = self._held_out("valid", run.applied(self.supernet_recipe), run)
        return PerplexityOneShot(_supernet_of(supernet), tokens, fidelity=fidelity)

    def _held_out(self, part: str, recipe: Recipe, run: Run) -> Tensor:
        """Return a part of the text; for a trial as much as so many batches have."""
        tokens = self.data.tokens[part]
        pieces = run.measured(-(-len(tokens) // self.length), recipe.batch)
        return tokens[: pieces * self.length]


class BatchFirst(nn.Module):
    """A language model from a zero state, for tokens (batch, time).

    Parameters
    ----------
    model : nn.Module
        A `LanguageModel`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Return scores (batch, time, vocabulary)."""
        scores: Tensor = self.model(tokens.t())[0].transpose(0, 1)
        return scores


def _model_of(network: nn.Module) -> nn.Module:
    return network.model if isinstance(network, Reader) else network


def _supernet_of(supernet: nn.Module) -> RecurrentSupernet:
    model = _model_of(supernet)
    if not isinstance(model, RecurrentSupernet):
        raise ValueError(f"supernet is a {type(model).__name__}, wanted a RecurrentSupernet")
    return model


def ptb(data: Path | None = None, *, small: bool = False) -> LanguageTask:
    """Return the task of the Penn Treebank, WikiText or any other text.

    Sizes, dropout and losses are those of DARTS (Liu, Simonyan and Yang, ICLR 2019), which go back
    to Merity et al. (ICLR 2018). Two things are not: the learning rate falls along a cosine, and
    the weights that are evaluated are a moving average from the first step on, where they wait
    for the validation loss to stall before they average.

    Parameters
    ----------
    data : Path, optional
        As `text_folder`. The small task has a text of its own: characters of Python's help.
    small : bool
        Whether networks and trainings are small.

    Raises
    ------
    ValueError
        If there is no data, or it is not what it should be.
    """
    if data is None and not small:
        raise ValueError(
            "ptb needs a folder with ptb.train.txt, ptb.valid.txt and ptb.test.txt "
            "(or the three files of WikiText)"
        )
    text = python_help("characters") if data is None else text_folder(data)
    if small:
        space = RecurrentCell(
            len(text.vocabulary), hidden=48, nodes=4, least_nodes=1, dropout_output=0.1,
            dropout_hidden=0.05, dropout_input=0.1, dropout_embedding=0.0,
        )  # fmt: skip
        recipe = Recipe(4, 32, 10.0, momentum=0.0, weight_decay=1e-6, clip=0.25)
        return LanguageTask("ptb", text, space, 48, recipe, recipe, length=20, paths=2)
    return LanguageTask(
        "ptb",
        text,
        RecurrentCell(len(text.vocabulary), least_nodes=2),
        300,
        Recipe(100, 256, 20.0, momentum=0.0, weight_decay=5e-7, clip=0.25),
        Recipe(1600, 64, 20.0, momentum=0.0, weight_decay=8e-7, clip=0.25, average=0.9999),
    )
