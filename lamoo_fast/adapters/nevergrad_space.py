"""Parametrizations of Nevergrad as spaces, and their children as configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nevergrad.ops.constraints import Constraint
from nevergrad.parametrization import parameter as p
from nevergrad.parametrization._datalayers import Exponent  # nothing public tells a logarithm

from lamoo_fast.search import Categorical, Float, Integer, Space
from lamoo_fast.search.params import Param

_KINDS = "Scalar, Log, Array, Choice, TransitionChoice, Tuple, Dict, Instrumentation or a constant"
_UNBOUNDED = Float(-4, 4)  # asinh of sigmas: 27 to either side of where the parameter begins


class Parametrization:
    """A parametrization as a space, whose parameters are "0", "1", ...

    Choices are coded by the positions of their options. Numbers without bounds are searched 27
    sigmas to either side of where they begin, and coded by the inverse hyperbolic sine of that
    distance; those farther away count as at the end. What belongs to an option that is not chosen
    has a value all the same, as in Nevergrad.

    Parameters
    ----------
    root : nevergrad.p.Parameter
        What is searched; it stays as it is.

    Raises
    ------
    ValueError
        When a parameter is of another kind, or has bounds that leave no finite range.

    Examples
    --------
    >>> import nevergrad as ng
    >>> root = ng.p.Dict(lr=ng.p.Log(lower=0.25, upper=4), op=ng.p.Choice(["conv", "skip"]))
    >>> host = Parametrization(root)
    >>> host.space.params["1"]
    Categorical(choices=(0, 1))
    >>> child = host.child({"0": 1.0, "1": 1})
    >>> child.value, host.config(child)
    ({'lr': 1.0, 'op': 'skip'}, {'0': 1.0, '1': 1})
    """

    def __init__(self, root: p.Parameter) -> None:
        self._root = root
        self._tried = root.spawn_child()  # to ask constraints of; a new child takes milliseconds
        self._leaves = tuple(_leaves(root, ()))
        params = [param for leaf in self._leaves for param in leaf.params]
        self.space = Space(
            {str(i): param for i, param in enumerate(params)},
            valid=None if root.can_skip_constraints() else self._allows,
        )

    def child(self, config: Mapping[str, Any]) -> p.Parameter:
        """Return a child of the parametrization with the values of a configuration."""
        return self._fill(self._root.spawn_child(), config)

    def config(self, child: p.Parameter) -> dict[str, Any]:
        """Return the configuration of a child; it may be outside of the space."""
        codes = [code for leaf in self._leaves for code in leaf.codes(child, self._root)]
        return {str(i): code for i, code in enumerate(codes)}

    def allows(self, child: p.Parameter) -> bool:
        """Tell whether a child is in the space and meets all cheap constraints."""
        try:
            self.space.check(self.config(child))
        except ValueError:
            return False
        return bool(child.satisfies_constraints())

    def _allows(self, config: Mapping[str, Any]) -> bool:
        return bool(self._fill(self._tried, config).satisfies_constraints())

    def _fill(self, child: p.Parameter, config: Mapping[str, Any]) -> p.Parameter:
        codes = iter(config.values())
        for leaf in self._leaves:
            leaf.fill(child, self._root, [next(codes) for _ in leaf.params])
        return child


@dataclass(frozen=True)
class _Leaf:
    """The numbers of an Array or a scalar, which may be the positions of a choice."""

    path: tuple[Any, ...]  # keys that lead there from the root
    shape: tuple[int, ...]
    params: tuple[Param, ...]
    unbounded: bool = False

    def node(self, root: Any) -> Any:
        for key in self.path:
            root = root[key]
        return root

    def codes(self, child: Any, root: Any) -> list[Any]:
        node = self.node(child)
        if self.unbounded:
            z = node.get_standardized_data(reference=self.node(root))
            return np.clip(np.arcsinh(z), -4.0, 4.0).tolist()  # type: ignore[no-any-return]
        values = np.ravel(node.value).tolist()
        if isinstance(self.params[0], Float):
            return [_within(v, f) for v, f in zip(values, self.params, strict=True)]
        return values  # type: ignore[no-any-return]

    def fill(self, child: Any, root: Any, codes: list[Any]) -> None:
        node = self.node(child)
        if self.unbounded:
            z = np.sinh(np.array(codes))
            node.set_standardized_data(z, reference=self.node(root))
        elif isinstance(self.params[0], Categorical):
            if self.params[0].n_codes > 1:  # of one option, the weight would be infinite
                node.value = np.array(codes)
        else:
            values = np.array(codes, dtype=np.float64).reshape(self.shape)
            with np.errstate(divide="ignore"):  # some kinds of bounds are infinitely far away
                try:
                    node.value = values if self.shape else float(values)
                except ValueError:  # what rounding brought beyond a bound
                    middle = np.reshape([(f.low + f.high) / 2 for f in self.params], self.shape)  # type: ignore[union-attr]
                    values = values + 1e-9 * (middle - values)
                    node.value = values if self.shape else float(values)


def _within(value: float, param: Any) -> float:
    """Return the value, without what rounding may have brought it out of its range."""
    nearest = min(max(value, param.low), param.high)
    off = abs(value - nearest) > 1e-9 * max(param.high - param.low, abs(nearest))
    return value if off else nearest


def _leaves(node: Any, path: tuple[Any, ...]) -> Iterator[_Leaf]:
    if any(isinstance(layer, Constraint) for layer in node._layers):
        raise ValueError(f"{_name(path)} has a constraint as a layer, wanted as_layer=False")
    if isinstance(node, p.BaseChoice):
        indices = (*path, "indices")
        positions = np.ravel(node.indices.value)
        # Whether one is ordered Nevergrad keeps to itself.
        ordered = isinstance(node, p.TransitionChoice) and node._ref is None
        param = Integer(0, len(node) - 1) if ordered else Categorical(range(len(node)))
        yield _Leaf(indices, positions.shape, (param,) * len(positions))
        yield from _leaves(node.choices, (*path, "choices"))
    elif isinstance(node, (p.Dict, p.Tuple)):
        for key in node.keys() if isinstance(node, p.Dict) else range(len(node)):
            yield from _leaves(node[key], (*path, key))
    elif isinstance(node, p.Data):
        unbounded = all(bound is None for bound in node.bounds) and not node.integer
        params = (_UNBOUNDED,) * np.size(node.value) if unbounded else tuple(_params(node, path))
        yield _Leaf(path, np.shape(node.value), params, unbounded)
    elif not isinstance(node, p.Constant):
        raise ValueError(f"{_name(path)} is a {type(node).__name__}, wanted {_KINDS}")


def _params(node: Any, path: tuple[Any, ...]) -> Iterator[Param]:
    """Describe the elements of an array, of which a scalar is one."""
    if any(bound is None for bound in node.bounds):
        kind = "both bounds, as for whole numbers" if node.integer else "both bounds or none"
        raise ValueError(f"{_name(path)} has bounds {node.bounds}, wanted {kind}")
    ends = [np.broadcast_to(bound, np.shape(node.value) or (1,)).ravel() for bound in node.bounds]
    log = bool(Exponent.filter_from(node))
    for low, high in np.sort(ends, axis=0).T.tolist():  # a factor below zero turns them round
        try:
            if node.integer:  # the ends as Nevergrad rounds them
                first, last = round(low + 0.5 - 1e-12), round(high - 0.5 + 1e-12)
                yield Integer(first, last, log=log and first > 0)
            else:
                yield Float(low, high, log=log and low > 0)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{_name(path)} has bounds {low} and {high}: {error}") from None


def _name(path: tuple[Any, ...]) -> str:
    return "parametrization" + "".join(f"[{key!r}]" for key in path)
