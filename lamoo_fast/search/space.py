"""Search spaces: configurations on one side, points of the unit cube on the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lamoo_fast.search.params import PARAM_TYPES, Array, Categorical, Float, Integer, Param

__all__ = ["Array", "Categorical", "Config", "Float", "Integer", "Listed", "Mask", "Param", "Space"]

Mask: TypeAlias = npt.NDArray[np.bool_]
Config: TypeAlias = dict[str, Any]

MAX_ENUMERATED = 2**20
"""Largest number of combinations that `Space.enumerate` lists."""


class Listed:
    """Validity of a space of which only some configurations can be used, say rows of a table.

    A space with it can be enumerated, however many combinations there are.

    Parameters
    ----------
    configs : sequence of dict
        The valid configurations, with the same keys in the same order, none twice.

    Examples
    --------
    >>> pairs = Listed([{"a": 1, "b": 1}, {"a": 2, "b": 3}])
    >>> Space({"a": Integer(1, 10**9), "b": Integer(1, 10**9)}, valid=pairs).size
    2
    """

    def __init__(self, configs: Sequence[Mapping[str, Any]]) -> None:
        self.configs = tuple(configs)
        self._names = tuple(self.configs[0]) if self.configs else ()
        self._known = frozenset(tuple(c[name] for name in self._names) for c in self.configs)

    def __call__(self, config: Mapping[str, Any]) -> bool:
        """Tell whether the configuration is one of those listed."""
        return tuple(config[name] for name in self._names) in self._known

    def __repr__(self) -> str:
        return f"<{len(self.configs)} listed configurations>"


class Space:
    """Named parameters, and the map between configurations and the unit cube.

    A configuration is a dict with one value per parameter; a point is a row of ``X (n, d)`` in
    [0, 1]. A discrete value owns a cell of [0, 1] and is encoded as the centre of that cell.

    Parameters
    ----------
    params : mapping of str to Float, Integer or Categorical
        Parameters by name; their order is the order of the columns of X.
    valid : callable, optional
        Tells whether a configuration (dict) may be used at all, always with the same answer;
        `Listed` where the valid ones are known one by one.

    Raises
    ------
    ValueError
        When there are no parameters, or one is not a Float, Integer or Categorical.

    Examples
    --------
    >>> space = Space({"depth": Integer(2, 5), "op": Categorical(["none", "skip"])})
    >>> space.encode([{"depth": 3, "op": "skip"}])
    array([[0.375, 0.75 ]])
    >>> space.decode(np.array([[0.375, 0.75]]))
    [{'depth': 3, 'op': 'skip'}]
    >>> space.size
    8
    """

    def __init__(
        self, params: Mapping[str, Param], *, valid: Callable[[Config], bool] | None = None
    ) -> None:
        self.params: dict[str, Param] = dict(params)
        self.valid = valid
        if not self.params:
            raise ValueError("params is empty, wanted at least one parameter")
        for name, param in self.params.items():
            if not isinstance(name, str):
                raise ValueError(f"parameter name {name!r} is not a string")
            if not isinstance(param, Param):
                raise ValueError(f"parameter {name!r} is {param!r}, wanted {list(PARAM_TYPES)}")
        self._grid: Array | None = None

    def __repr__(self) -> str:
        return f"Space({self.params})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_grid": None}  # it can be large and is cheap to make again

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of the columns of X."""
        return tuple(self.params)

    @property
    def d(self) -> int:
        """Number of parameters."""
        return len(self.params)

    @property
    def n_combinations(self) -> int | None:
        """Number of configurations, whether valid or not; None if there is a Float."""
        total = 1
        for param in self.params.values():
            if param.n_codes is None:
                return None
            total *= param.n_codes
        return total

    @property
    def is_finite(self) -> bool:
        """Whether every parameter is discrete."""
        return self.n_combinations is not None

    @property
    def is_enumerable(self) -> bool:
        """Whether `enumerate` can list the space."""
        if isinstance(self.valid, Listed):
            return self.is_finite
        total = self.n_combinations
        return total is not None and total <= MAX_ENUMERATED

    @property
    def size(self) -> int | None:
        """Number of valid configurations; None if not finite, or too many to ask `valid`."""
        if self.valid is None:
            return self.n_combinations
        return len(self.enumerate()) if self.is_enumerable else None

    def check(self, config: Mapping[str, Any]) -> Config:
        """Return the configuration in plain Python types and in the order of `names`.

        Raises
        ------
        ValueError
            When a name is missing or unknown, a value is out of range, or `valid` says no.
        """
        if not isinstance(config, Mapping):
            raise ValueError(f"config is {config!r}, wanted a dict with keys {list(self.names)}")
        if set(config) != set(self.params):
            raise ValueError(f"config has keys {list(config)}, wanted {list(self.names)}")
        checked: Config = {}
        for name, param in self.params.items():
            try:
                checked[name] = param.check(config[name])
            except ValueError as error:
                raise ValueError(f"{name!r} is {error}") from None
        if self.valid is not None and not self.valid(dict(checked)):
            raise ValueError(f"config {checked} is not valid in this space")
        return checked

    def encode(self, configs: Sequence[Mapping[str, Any]]) -> Array:
        """Map configurations to points X (n, d); ValueError as in `check`."""
        return self.points([self.check(config) for config in configs])

    def points(self, configs: Sequence[Config]) -> Array:
        """Map checked configurations to points X (n, d)."""
        X = np.empty((len(configs), self.d))
        for j, (name, param) in enumerate(self.params.items()):
            X[:, j] = param.to_unit([config[name] for config in configs])
        return X

    def decode(self, X: npt.ArrayLike) -> list[Config]:
        """Map points X (n, d) to configurations."""
        X = self._points(X)
        columns = [param.from_unit(X[:, j]) for j, param in enumerate(self.params.values())]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def snap(self, X: npt.ArrayLike) -> Array:
        """Move discrete coordinates to the centres of their cells; X (n, d) is left alone."""
        X = self._points(X)
        columns = [param.snap(X[:, j]) for j, param in enumerate(self.params.values())]
        return np.column_stack(columns)

    def features(self, X: npt.ArrayLike) -> Array:
        """Turn points X (n, d) into features Z (n, f): categories one-hot, the rest as it is."""
        X = self._points(X)
        blocks: list[Array] = []
        for j, param in enumerate(self.params.values()):
            if isinstance(param, Categorical):
                blocks.append(np.eye(param.n_codes)[param.codes(X[:, j])])
            else:
                blocks.append(X[:, j : j + 1])
        return np.concatenate(blocks, axis=1)

    def keys(self, X: npt.ArrayLike) -> list[bytes]:
        """One hashable key per point; equal keys mean equal configurations.

        Made from the values: points that differ by rounding may have one configuration.
        """
        X = self._points(X)
        return _row_bytes(
            p.codes(X[:, j]) if isinstance(p, Categorical) else p.from_unit(X[:, j])
            for j, p in enumerate(self.params.values())
        )

    def config_keys(self, configs: Sequence[Mapping[str, Any]]) -> list[bytes]:
        """Keys of checked configurations, the same as those of the points they come from."""
        return _row_bytes(
            p.codes(p.to_unit([c[name] for c in configs]))
            if isinstance(p, Categorical)
            else [c[name] for c in configs]
            for name, p in self.params.items()
        )

    def is_valid(self, X: npt.ArrayLike) -> Mask:
        """Ask `valid` about each point of X (n, d)."""
        X = self._points(X)
        if self.valid is None:
            return np.ones(len(X), dtype=np.bool_)
        return np.array([bool(self.valid(c)) for c in self.decode(X)], dtype=np.bool_)

    def enumerate(self) -> Array:
        """All valid points (size, d), first parameter slowest; cached and read-only.

        Raises
        ------
        ValueError
            When the space has a Float, or more than 2**20 combinations that are not `Listed`, or
            nothing is valid.
        """
        if self._grid is None:
            if not self.is_enumerable:
                raise ValueError(
                    f"the space has {self.n_combinations or 'infinitely many'} combinations, "
                    f"enumerate() lists at most {MAX_ENUMERATED}"
                )
            if isinstance(self.valid, Listed):
                X = self.encode(self.valid.configs)
                X = X[np.lexsort(X.T[::-1])]
            else:
                X = self._combinations()
                X = X[self.is_valid(X)]
            if len(X) == 0:
                raise ValueError(f"valid accepts none of the {self.n_combinations} combinations")
            X.flags.writeable = False
            self._grid = X
        return self._grid

    def _combinations(self) -> Array:
        axes = []
        for param in self.params.values():
            codes = np.arange(param.n_codes or 0)
            if isinstance(param, Integer):
                axes.append(param.to_unit((codes + param.low).tolist()))
            else:
                axes.append((codes + 0.5) / len(codes))
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, self.d)

    @property
    def fingerprint(self) -> str:
        """Hash of the description; two spaces with one fingerprint have the same parameters."""
        text = json.dumps(self._description(), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Describe the space in JSON types; of `valid`, only whether there is one."""
        return {**self._description(), "fingerprint": self.fingerprint}

    @classmethod
    def from_dict(
        cls, description: Mapping[str, Any], *, valid: Callable[[Config], bool] | None = None
    ) -> Space:
        """Build the space that `to_dict` described.

        Raises
        ------
        ValueError
            When the description is damaged, or the space had a `valid` and none is given.
        """
        try:
            constrained = description["constrained"]
            params = {
                name: PARAM_TYPES[p["type"]](**{k: v for k, v in p.items() if k != "type"})
                for name, p in description["params"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not the description of a space: {error!r}") from None
        if constrained != (valid is not None):
            wanted = "the function it was made with" if constrained else "None"
            raise ValueError(f"valid is {valid!r}, wanted {wanted}")
        space = cls(params, valid=valid)
        if description.get("fingerprint", space.fingerprint) != space.fingerprint:
            raise ValueError(
                f"fingerprint is {description['fingerprint']}, wanted {space.fingerprint}"
            )
        return space

    def _description(self) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for name, p in self.params.items():
            fields = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(p).items()}
            params[name] = {"type": type(p).__name__, **fields}
        return {"params": params, "constrained": self.valid is not None}

    def _points(self, X: npt.ArrayLike) -> Array:
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self.d:
            raise ValueError(f"X has shape {X.shape}, wanted (n, {self.d})")
        return X


def _row_bytes(columns: Iterable[npt.ArrayLike]) -> list[bytes]:
    """Bytes of each row of a table that is given by its columns."""
    rows = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    rows += 0.0  # makes -0.0 and 0.0 one key
    data, size = rows.tobytes(), rows.shape[1] * rows.itemsize
    return [data[i : i + size] for i in range(0, len(data), size)]
