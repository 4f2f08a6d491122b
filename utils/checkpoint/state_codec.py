"""Lossless encoding of a state tree as JSON and named arrays, without pickle.

A tree consists of None, bool, int, float, str, list, tuple, dict, numpy arrays and scalars, torch tensors and
`RowSequence`. Types that JSON lacks or would round are objects with one key, which names the type: floats as
hexadecimal text, large integers as decimal text. Lists of floats or of integers, and lists of such lists of one length,
are stored as arrays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import orjson

from utils.checkpoint.row_files import RowSequence

MAX_JSON_INTEGER = 2**53
"""Bound below which integers are stored as JSON numbers; the state of random generators contains larger ones."""


class EncodedState:
    """An encoded tree.

    text: JSON.  arrays, rows: the tree's arrays and row sequences, named by their position in the tree.
    """

    def __init__(self, tree: Any) -> None:
        """Encode a tree.  Raises TypeError, naming the position, for a value of an unsupported type."""
        self.arrays: dict[str, np.ndarray] = {}
        self.rows: dict[str, RowSequence] = {}
        self.text = orjson.dumps(self._encode(tree, ""))

    def _encode(self, value: Any, position: str) -> Any:
        encode = ENCODERS.get(type(value))
        if encode is not None:
            return encode(self, value, position)
        if value is None or type(value) in (bool, str):
            return value
        if isinstance(value, np.generic):
            return {"scalar": self._store_array(np.asarray(value), position)}
        if _is_tensor(value):
            return {"tensor": self._store_array(value.detach().cpu().numpy(), position)}
        raise TypeError(f"{position}: a {type(value).__name__} cannot be stored")

    def _store_array(self, array: np.ndarray, position: str) -> str:
        if array.dtype.hasobject:
            raise TypeError(f"{position}: an array of objects cannot be stored")
        self.arrays[position] = array
        return position

    def _encode_int(self, value: int, _position: str) -> Any:
        return value if abs(value) < MAX_JSON_INTEGER else {"int": str(value)}

    def _encode_float(self, value: float, _position: str) -> Any:
        return {"float": value.hex()}

    def _encode_list(self, values: list[Any], position: str) -> Any:
        array = _numeric_array(values)
        if array is not None:
            return {"list": self._store_array(array, position)}
        return [self._encode(value, f"{position}.{i}") for i, value in enumerate(values)]

    def _encode_tuple(self, values: tuple[Any, ...], position: str) -> Any:
        return {"tuple": [self._encode(value, f"{position}.{i}") for i, value in enumerate(values)]}

    def _encode_dict(self, values: dict[Any, Any], position: str) -> Any:
        pairs = [
            [self._encode(key, f"{position}.{i}"), self._encode(values[key], f"{position}.{key}".lstrip("."))]
            for i, key in enumerate(values)
        ]
        return {"dict": pairs}

    def _encode_array(self, value: np.ndarray, position: str) -> Any:
        return {"array": self._store_array(value, position)}

    def _encode_rows(self, value: RowSequence, position: str) -> Any:
        self.rows[position] = value
        return {"rows": position}


def _numeric_array(values: list[Any]) -> np.ndarray | None:
    """Return a list of floats or of integers, or of such lists of one length, as an array; None for other lists."""
    nested = {type(value) for value in values} == {list} and len({len(value) for value in values}) == 1
    numbers = [number for value in values for number in value] if nested else values
    kinds = {type(number) for number in numbers}
    if kinds == {int} and max(map(abs, numbers)) < MAX_JSON_INTEGER:
        return np.array(values, np.int64)
    return np.array(values) if kinds == {float} else None


ENCODERS: dict[type, Callable[[EncodedState, Any, str], Any]] = {
    int: EncodedState._encode_int,
    float: EncodedState._encode_float,
    list: EncodedState._encode_list,
    tuple: EncodedState._encode_tuple,
    dict: EncodedState._encode_dict,
    np.ndarray: EncodedState._encode_array,
    RowSequence: EncodedState._encode_rows,
}


def decode_state(text: bytes, arrays: dict[str, np.ndarray], rows: dict[str, np.ndarray]) -> Any:
    """Return the tree of an `EncodedState`; each row sequence becomes one array.

    Raises KeyError, TypeError or ValueError if the arguments are not an encoded state.
    """
    decoders: dict[str, Callable[[Any], Any]] = {
        "int": int,
        "float": float.fromhex,
        "list": lambda position: arrays[position].tolist(),
        "tuple": lambda values: tuple(decode(value) for value in values),
        "dict": lambda pairs: {decode(key): decode(value) for key, value in pairs},
        "array": lambda position: arrays[position],
        "scalar": lambda position: arrays[position][()],
        "tensor": lambda position: _make_tensor(arrays[position]),
        "rows": lambda position: rows[position],
    }

    def decode(value: Any) -> Any:
        if isinstance(value, list):
            return [decode(element) for element in value]
        if isinstance(value, dict):
            ((kind, content),) = value.items()
            return decoders[kind](content)
        return value

    return decode(orjson.loads(text))


def select_entry(text: bytes, name: str, without: Collection[str]) -> bytes:
    """Return the text of one entry of an encoded dictionary, itself a dictionary, without some of its keys.

    Raises KeyError, TypeError or ValueError if there is no such entry.
    """
    [entry] = [value for key, value in orjson.loads(text)["dict"] if key == name]
    return orjson.dumps({"dict": [pair for pair in entry["dict"] if pair[0] not in list(without)]})


def _is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get("torch")  # Without torch imported, no tensor exists.
    return torch is not None and isinstance(value, torch.Tensor)


def _make_tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)
