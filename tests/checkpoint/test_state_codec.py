"""Encoding and decoding a tree preserves every type and every bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from utils.checkpoint.row_files import RowSequence
from utils.checkpoint.state_codec import EncodedState, decode_state


def round_trip(tree: Any) -> Any:
    encoded = EncodedState(tree)
    rows = {name: np.asarray(rows.held) for name, rows in encoded.rows.items()}
    return decode_state(encoded.text, encoded.arrays, rows)


PLAIN = [
    None, True, "text", 0, -(2**53), 2**53 - 1, 2**127 + 1, 0.1, -0.0, 5e-324, math.inf,
    [], [1, 2], [0.1, math.inf], [1, 0.5], [True, 1], [2**60, 1], (), (1, (2.0, "a")), {}, {"a": {"b": 1}},
    {0: "x", "0": "y", (1, 2): [None]}, [[0.5, 1.0], [2.0, math.inf]], [[1], [2**53]], [[1, 2], [3]], [[], []],
    [[1, 2], [3.0, 4]], [[[1]], [[2]]], [[True], [False]], [[0.5], (0.5,)],
]  # fmt: skip


@pytest.mark.parametrize("tree", PLAIN, ids=repr)
def test_plain_values(tree):
    assert repr(round_trip({"here": tree})) == repr({"here": tree})


def test_nan():
    assert math.isnan(round_trip(math.nan))
    assert math.isnan(round_trip([1.0, math.nan])[1])


def test_curves_are_stored_as_few_arrays():
    curves = {"returns": [[0.5, 1.5]] * 1000, "steps": [[7, 8]] * 1000, "train": [0.5] * 1000}
    assert {name: array.shape for name, array in EncodedState(curves).arrays.items()} == {
        "returns": (1000, 2), "steps": (1000, 2), "train": (1000,),
    }  # fmt: skip
    assert round_trip(curves) == curves


def test_generator_state():
    state = np.random.PCG64(7).state
    assert round_trip(state) == state
    assert b'"int":"' in EncodedState(state).text


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "u1", "bool", "U3", "S2"])
def test_arrays_and_scalars(dtype):
    array = np.arange(6).astype(dtype).reshape(2, 3)
    found = round_trip({"array": array, "scalar": array[1, 2], "none": array[:0]})
    for name, expected in (("array", array), ("scalar", array[1, 2]), ("none", array[:0])):
        assert type(found[name]) is type(expected)
        assert found[name].dtype == expected.dtype
        assert found[name].tobytes() == expected.tobytes()


def test_tensors():
    tensor = torch.arange(6, dtype=torch.float32).view(2, 3)
    found = round_trip([tensor, tensor[:, 1], torch.tensor(3.0)])
    assert [x.tolist() for x in found] == [tensor.tolist(), [1.0, 4.0], 3.0]
    assert found[0].dtype == torch.float32


def test_rows_are_named_by_their_position():
    encoded = EncodedState({"a": {"b": RowSequence([np.zeros(2)], 5)}})
    assert encoded.rows == {"a.b": RowSequence(encoded.rows["a.b"].held, 5)}


UNSUPPORTED = {"set": {1}, "object": object(), "objects": np.array([None]), "complex": 1j, "bytes": b"bytes"}


@pytest.mark.parametrize("value", UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_an_unsupported_type_is_named_by_position(value):
    with pytest.raises(TypeError, match=r"here\.there"):
        EncodedState({"here": {"there": value}})


@pytest.mark.parametrize("text", [b'{"array": "a"}', b'{"pickle": ""}', b'{"int": 1, "float": ""}'])
def test_decoding_invalid_text_raises(text):
    with pytest.raises((KeyError, ValueError)):
        decode_state(text, {}, {})
