"""A tree of plain values as JSON and named arrays, and back to the bit. Nothing is pickled.

Trees are made of None, bool, int, float, str, list, tuple, dict, numpy arrays and scalars, torch
tensors and `RowSequence`. What JSON cannot tell apart or would round is an object of one key, which names its
kind: floats as hexadecimal text, large integers as decimal text. Lists of floats or of integers, and lists
of such lists of one length, become arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from utils.checkpoint.row_files import RowSequence

LARGEST = 2**53
"""Integers up to this size are JSON numbers; random generators have larger ones."""


class EncodedState:
    """What a tree consists of: `text`, JSON, and the arrays and rows that it names by their place in the tree."""

    def __init__(self, tree: Any) -> None:
        """Raises TypeError, naming the place, for a value of another kind."""
        self.arrays: dict[str, np.ndarray] = {}
        self.rows: dict[str, RowSequence] = {}
        self.text = orjson.dumps(self._encode(tree, ""))

    def _encode(self, value: Any, place: str) -> Any:
        encode = ENCODERS.get(type(value))
        if encode is not None:
            return encode(self, value, place)
        if value is None or type(value) in (bool, str):
            return value
        if isinstance(value, np.generic):
            return {"scalar": self._keep(np.asarray(value), place)}
        if _is_tensor(value):
            return {"tensor": self._keep(value.detach().cpu().numpy(), place)}
        raise TypeError(f"{place}: a {type(value).__name__} cannot be stored")

    def _keep(self, array: np.ndarray, place: str) -> str:
        if array.dtype.hasobject:
            raise TypeError(f"{place}: an array of objects cannot be stored")
        self.arrays[place] = array
        return place

    def _int(self, value: int, _place: str) -> Any:
        return value if abs(value) < LARGEST else {"int": str(value)}

    def _float(self, value: float, _place: str) -> Any:
        return {"float": value.hex()}

    def _list(self, values: list[Any], place: str) -> Any:
        array = _as_array(values)
        if array is not None:
            return {"list": self._keep(array, place)}
        return [self._encode(value, f"{place}.{i}") for i, value in enumerate(values)]

    def _tuple(self, values: tuple[Any, ...], place: str) -> Any:
        return {"tuple": [self._encode(value, f"{place}.{i}") for i, value in enumerate(values)]}

    def _dict(self, values: dict[Any, Any], place: str) -> Any:
        pairs = [
            [self._encode(key, f"{place}.{i}"), self._encode(values[key], f"{place}.{key}".lstrip("."))]
            for i, key in enumerate(values)
        ]
        return {"dict": pairs}

    def _array(self, value: np.ndarray, place: str) -> Any:
        return {"array": self._keep(value, place)}

    def _rows(self, value: RowSequence, place: str) -> Any:
        self.rows[place] = value
        return {"rows": place}


def _as_array(values: list[Any]) -> np.ndarray | None:
    """A list of floats or of integers, or of such lists of one length, as an array; None for any other."""
    nested = {type(value) for value in values} == {list} and len({len(value) for value in values}) == 1
    numbers = [number for value in values for number in value] if nested else values
    kinds = {type(number) for number in numbers}
    if kinds == {int} and max(map(abs, numbers)) < LARGEST:
        return np.array(values, np.int64)
    return np.array(values) if kinds == {float} else None


ENCODERS: dict[type, Callable[[EncodedState, Any, str], Any]] = {
    int: EncodedState._int,
    float: EncodedState._float,
    list: EncodedState._list,
    tuple: EncodedState._tuple,
    dict: EncodedState._dict,
    np.ndarray: EncodedState._array,
    RowSequence: EncodedState._rows,
}


def decode_state(text: bytes, arrays: dict[str, np.ndarray], rows: dict[str, np.ndarray]) -> Any:
    """The tree. Rows come back as one array each.

    Raises KeyError, TypeError or ValueError for what `Packed` did not make.
    """
    decoders: dict[str, Callable[[Any], Any]] = {
        "int": int,
        "float": float.fromhex,
        "list": lambda place: arrays[place].tolist(),
        "tuple": lambda values: tuple(decode(value) for value in values),
        "dict": lambda pairs: {decode(key): decode(value) for key, value in pairs},
        "array": lambda place: arrays[place],
        "scalar": lambda place: arrays[place][()],
        "tensor": lambda place: _tensor(arrays[place]),
        "rows": lambda place: rows[place],
    }

    def decode(value: Any) -> Any:
        if isinstance(value, list):
            return [decode(element) for element in value]
        if isinstance(value, dict):
            ((kind, content),) = value.items()
            return decoders[kind](content)
        return value

    return decode(orjson.loads(text))


def _is_tensor(value: Any) -> bool:
    """Where torch was never imported there are none; whoever only looks at checkpoints need not load it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)
