"""The recurrent cell of DARTS for language models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from lamoo_fast.nas.spaces.architecture import Config, Cost, check_counts
from lamoo_fast.nas.spaces.genotype import Gene, check_genes, read_genotype
from lamoo_fast.nas.spaces.layers import linear
from lamoo_fast.search.space import Categorical, Integer, Space

if TYPE_CHECKING:
    import torch
    from matplotlib.figure import Figure

    from lamoo_fast.nas.networks.recurrent import LanguageModel

__all__ = ["OPS", "RecurrentCell"]

OPS = ("tanh", "relu", "sigmoid", "identity")

_DROPOUTS = ("dropout_output", "dropout_hidden", "dropout_input", "dropout_embedding")


@dataclass(frozen=True)
class RecurrentCell:
    """Recurrent cells of DARTS (Liu, Simonyan and Yang, ICLR 2019), in a language model.

    Node 0 mixes the input and the last state through a gate. Each of the nodes 1 to 8 chooses an
    earlier node and one of four activations, and moves from that node towards the activation as
    far as a gate of its own lets it. The new state is the mean of all nodes but the first. There
    are 8! x 4^8 = 2,642,411,520 cells.

    Parameters
    ----------
    vocabulary : int
        Number of different tokens.
    hidden : int
        Size of the state and of the embeddings, which are also the weights of the last layer.
    nodes : int
        Nodes that are searched.
    least_nodes : int, optional
        If given, how many nodes a cell has is searched too, from so many to `nodes`; what is chosen
        for those beyond has no effect (`canonical`). All published cells have eight: they cost the
        same, so that there would be nothing to trade perplexity for.
    dropout_output, dropout_hidden, dropout_input, dropout_embedding : float
        Shares dropped while training: of the outputs, of the states, of the cell's input, of the
        embeddings; masks stay for a whole sequence. The defaults of all are those published for
        the Penn Treebank.

    Raises
    ------
    ValueError
        If a setting is no such number.

    Examples
    --------
    >>> cells = RecurrentCell()
    >>> config = cells.decode("Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), "
    ...     "('identity', 1), ('tanh', 2), ('sigmoid', 5), ('tanh', 3), ('relu', 5)], "
    ...     "concat=range(1, 9))")
    >>> cells.cost(config).params
    22960000
    """

    vocabulary: int = 10_000
    hidden: int = 850
    nodes: int = 8
    least_nodes: int | None = None
    dropout_output: float = 0.75
    dropout_hidden: float = 0.25
    dropout_input: float = 0.75
    dropout_embedding: float = 0.2

    name: ClassVar[str] = "recurrent"

    def __post_init__(self) -> None:
        check_counts(vocabulary=self.vocabulary, hidden=self.hidden, nodes=self.nodes)
        if self.least_nodes is not None:
            check_counts(least_nodes=self.least_nodes)
            if self.least_nodes >= self.nodes:
                raise ValueError(
                    f"least_nodes is {self.least_nodes}, wanted fewer than the {self.nodes} nodes"
                )
        for name in _DROPOUTS:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}, wanted a number in [0, 1)")

    @cached_property
    def space(self) -> Space:
        """Per node its activation and, where there is a choice, the node that it comes from."""
        params: dict[str, Any] = {}
        if self.least_nodes is not None:
            params["nodes"] = Integer(self.least_nodes, self.nodes)
        params["n1_op"] = Categorical(OPS)
        for node in range(2, self.nodes + 1):
            params[f"n{node}_op"] = Categorical(OPS)
            params[f"n{node}_in"] = Integer(0, node - 1)
        return Space(params)

    def genes(self, config: Mapping[str, Any]) -> list[Gene]:
        """Return activation and source of each node that the cell has."""
        config = self.space.check(config)
        return self._all_genes(config)[: config.get("nodes", self.nodes)]

    def _all_genes(self, config: Mapping[str, Any]) -> list[Gene]:
        nodes = range(1, self.nodes + 1)
        return [(config[f"n{node}_op"], config.get(f"n{node}_in", 0)) for node in nodes]

    def largest(self) -> Config:
        """Return a cell with all nodes."""
        return self._chain(self.nodes)

    def smallest(self) -> Config:
        """Return a cell with the fewest nodes."""
        return self._chain(self.least_nodes or self.nodes)

    def _chain(self, nodes: int) -> Config:
        chosen: Config = {"nodes": nodes} if self.least_nodes is not None else {}
        for node in range(1, self.nodes + 1):
            chosen |= {f"n{node}_op": OPS[0], **({f"n{node}_in": 0} if node > 1 else {})}
        return self.space.check(chosen)

    def canonical(self, config: Mapping[str, Any]) -> Config:
        """Return the configuration of the same network whose unused nodes are the first choices."""
        config, first = self.space.check(config), self._chain(self.nodes)
        for node in range(config.get("nodes", self.nodes) + 1, self.nodes + 1):
            config |= {name: first[name] for name in (f"n{node}_op", f"n{node}_in")}
        return config

    def encode(self, config: Mapping[str, Any]) -> str:
        """Return the published string ``Genotype(recurrent=[...], concat=range(1, 9))``.

        All nodes are listed; the new state is the mean of those in ``concat``.
        """
        config = self.space.check(config)
        end = config.get("nodes", self.nodes) + 1
        return f"Genotype(recurrent={self._all_genes(config)}, concat=range(1, {end}))"

    def decode(self, text: str) -> Config:
        """Read the published string.

        Raises
        ------
        ValueError
            If it is not of that form, or the space has no such cell.
        """
        read = read_genotype(text, ["recurrent", "concat"])
        genes, every = read["recurrent"], list(range(1, self.nodes + 1))
        used = len(read["concat"])
        fewest = self.least_nodes or self.nodes
        if len(genes) != self.nodes or used < fewest or read["concat"] != every[:used]:
            least = "" if fewest == self.nodes else f", or its first {fewest} or more"
            raise ValueError(
                f"the cell has {len(genes)} nodes and concatenates {read['concat']}, "
                f"wanted {self.nodes} and {every}{least}"
            )
        check_genes(genes, every, "recurrent")
        config: Config = {} if self.least_nodes is None else {"nodes": used}
        for node, (op, source) in enumerate(genes, start=1):
            config |= {f"n{node}_op": op} | ({f"n{node}_in": source} if node > 1 else {})
        return self.space.check(config)

    def cost(self, config: Mapping[str, Any]) -> Cost:
        """Count multiply-adds per token, and parameters: cells of as many nodes have the same.

        Raises
        ------
        ValueError
            If `config` is not one of the space.
        """
        gates = linear(2 * self.hidden, 2 * self.hidden, bias=False)
        gates += len(self.genes(config)) * linear(self.hidden, 2 * self.hidden, bias=False)
        return gates + linear(self.hidden, self.vocabulary)

    def build(self, config: Mapping[str, Any], *, generator: torch.Generator) -> LanguageModel:
        """Make the language model of a cell."""
        from lamoo_fast.nas.networks.initialise import initialised
        from lamoo_fast.nas.networks.recurrent import Cell, LanguageModel

        genes = self.genes(config)
        return initialised(lambda: LanguageModel(self, Cell(self, genes)), generator)

    def draw(self, config: Mapping[str, Any]) -> Figure:
        """Draw the cell as a graph."""
        from lamoo_fast.nas.spaces.drawing import Edge, draw_cells

        edges = [Edge(str(s), str(n), op) for n, (op, s) in enumerate(self.genes(config), start=1)]
        labels = {str(node): str(node) for node in range(len(edges) + 1)}
        return draw_cells({"": (labels | {"0": "input, state"}, edges)})
