"""Arrays as plain values: memory order, views of one memory, and arrays of objects are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from env.episodes.snapshot.layout import Unsavable

if TYPE_CHECKING:
    from env.episodes.snapshot.reader import Reader
    from env.episodes.snapshot.writer import Writer


def write_array(writer: Writer, array: np.ndarray, index: int) -> tuple[str, Any]:
    """Return kind and content of an array: its values, or its place in the array that owns its memory."""
    if array.dtype == object and array.base is None and array.flags.c_contiguous:
        items = tuple(writer.value(item, index, None) for item in array.ravel().tolist())
        return "objects", (array.shape, items)
    owner = _owner(array)
    if owner is None or array.dtype.hasobject:
        raise Unsavable(f"{writer.path(index)} is an array of objects, or of memory that it does not own")
    check_dtype(array.dtype, writer, index)
    if owner is array:
        axes = _axes(array)
        in_order = array.transpose(axes)
        if not in_order.flags.c_contiguous:
            raise Unsavable(f"{writer.path(index)} is an array with gaps in its memory")
        return "array", (in_order.copy(), axes, bool(array.flags.writeable))
    offset = array.__array_interface__["data"][0] - owner.__array_interface__["data"][0]
    place = (writer.value(owner, index, ("base", 0)), offset, array.shape, array.strides)
    return "view", (*place, np.empty(0, array.dtype), bool(array.flags.writeable))


def _owner(array: np.ndarray) -> np.ndarray | None:
    """Return the array that owns the memory of this one; None if another kind of object owns it."""
    owner: Any = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner if owner.base is None and type(owner) is np.ndarray else None


def check_dtype(dtype: np.dtype, writer: Writer, index: int) -> None:
    """Raise Unsavable for a type of numbers that numpy's files do not keep."""
    described = np.lib.format.dtype_to_descr(dtype)
    if np.lib.format.descr_to_dtype(described) != dtype:
        raise Unsavable(f"{writer.path(index)} is an array of {dtype}")


def _axes(array: np.ndarray) -> tuple[int, ...]:
    """Return the axes by decreasing distance in memory."""
    return tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))


def make_array(reader: Reader, index: int) -> np.ndarray:
    """Return a new array from its node."""
    kind, content = reader.kind(index), reader.content(index)
    if kind == "objects":
        return np.empty(content[0], object)
    if kind == "array":
        stored, axes, writeable = content
        array = np.empty_like(stored.transpose(np.argsort(axes)), order="K")
        array[...] = stored.transpose(np.argsort(axes))
    else:
        owner, offset, shape, strides, sample, writeable = content
        base = reader.value(owner)
        memory = base.transpose(_axes(base))
        array = np.ndarray(shape, sample.dtype, memory, offset, strides)
    array.flags.writeable = writeable
    return array


def fill_objects(reader: Reader, array: np.ndarray, index: int) -> None:
    """Fill an array of objects."""
    flat = array.reshape(-1)
    for i, item in enumerate(reader.content(index)[1]):
        flat[i] = reader.value(item)
