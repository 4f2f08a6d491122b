"""Snapshots of MuJoCo's data and models: saved as plain arrays, restored to the same bits.

The next step depends on the integration state only, the solver's warm start included. But before that
step, gymnasium's environments read derived values, such as positions of bodies. The last step computed
these from the state before it. So every derived array is saved too, instead of being recomputed.

Environments may change their model, such as masses, frictions or a target's place. So its arrays and options are
saved as well, and its large arrays, such as textures, as checksums. This module does not import MuJoCo before it is
given an object of it.
"""

from __future__ import annotations

import zlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import mujoco

MAX_SAVED_BYTES = 2**16
"""Size of a model's array up to which it is saved; a larger one must be the same."""

_names: dict[type, tuple[str, ...]] = {}
"""Names of the attributes that are arrays, by type."""


def is_physics(value: Any) -> bool:
    """Return whether the value is MuJoCo's data or model."""
    kind = type(value)
    return kind.__name__ in ("MjData", "MjModel") and str(getattr(kind, "__module__", "")).startswith("mujoco.")


def read_physics(data: mujoco.MjData) -> dict[str, Any]:
    """Return copies of the integration state, under "state", and of all arrays, packed."""
    import mujoco

    spec = mujoco.mjtState.mjSTATE_INTEGRATION
    state = np.empty(mujoco.mj_stateSize(data.model, spec))
    mujoco.mj_getState(data.model, data, state, spec)
    return {"state": state} | _pack(array_views(data))


def check_physics(data: mujoco.MjData, state: dict[str, Any]) -> None:
    """Raise ValueError for the state of another model's data."""
    import mujoco

    size = mujoco.mj_stateSize(data.model, mujoco.mjtState.mjSTATE_INTEGRATION)
    if len(state["state"]) != size:
        raise ValueError(f"found a state of {len(state['state'])} numbers; allowed: {size}")


def write_physics(data: mujoco.MjData, state: dict[str, Any]) -> None:
    """Set the integration state, then the arrays derived from it.  Raises ValueError for another model's state.

    Arrays of constraints, whose number varies, are skipped where their shapes differ: every step
    recomputes them.
    """
    import mujoco

    check_physics(data, state)
    mujoco.mj_setState(data.model, data, state["state"], mujoco.mjtState.mjSTATE_INTEGRATION)
    saved = _unpack(state)
    for name, array in array_views(data).items():
        if name in saved and array.shape == saved[name].shape:
            array[...] = saved[name]


def pack_model(model: mujoco.MjModel) -> dict[str, Any]:
    """Return copies of a model's arrays and options, and checksums of its large arrays."""
    views = array_views(model)
    small = {name: array for name, array in views.items() if array.nbytes <= MAX_SAVED_BYTES}
    large = {name: zlib.crc32(np.ascontiguousarray(array).data) for name, array in views.items() if name not in small}
    option: dict[str, Any] = {}
    for name in _attribute_names(model.opt, (np.ndarray, int, float)):
        value = getattr(model.opt, name)
        option[name] = tuple(value.tolist()) if isinstance(value, np.ndarray) else value
    return _pack(small) | {"large": large, "option": option}


def check_model(model: mujoco.MjModel, saved: dict[str, Any]) -> None:
    """Raise ValueError if a model cannot be made equal to a saved one."""
    here = pack_model(model)
    if here["layout"] != saved["layout"] or here["large"].keys() != saved["large"].keys():
        raise ValueError("the saved model has other bodies, joints or geometries")
    for name, digest in here["large"].items():
        if digest != saved["large"][name]:
            raise ValueError(f"the saved model has other values of {name}")


def write_model(model: mujoco.MjModel, saved: dict[str, Any]) -> None:
    """Set the arrays and options that differ from those of a saved model that `check_model` accepts."""
    views = array_views(model)
    for name, stored in _unpack(saved).items():
        if views[name].tobytes() != stored.tobytes():
            views[name][...] = stored
    for name, value in saved["option"].items():
        present = getattr(model.opt, name)
        if isinstance(present, np.ndarray):
            if tuple(present.tolist()) != value:
                present[...] = value
        elif present != value:
            setattr(model.opt, name, value)


def _pack(views: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the bytes of arrays in one array, and the names, types and shapes of them as text."""
    layout = ";".join([f"{name} {view.dtype.str} {str(view.shape)[1:-1]}" for name, view in views.items()])
    return {"layout": layout, "bytes": np.frombuffer(b"".join([view.tobytes() for view in views.values()]), np.uint8)}


def _unpack(packed: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the arrays that `_pack` was given."""
    arrays, content, start = {}, packed["bytes"].tobytes(), 0
    for entry in packed["layout"].split(";"):
        name, dtype, sizes = entry.split(" ", 2)
        shape = tuple(int(size) for size in sizes.split(",") if size)
        end = start + int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(content[start:end], np.dtype(dtype)).reshape(shape)
        start = end
    return arrays


def array_views(holder: Any) -> dict[str, np.ndarray]:
    """Return views of MuJoCo's own memory, by name."""
    names = _attribute_names(holder, (np.ndarray,))
    values = zip(names, attrgetter(*names)(holder), strict=True)
    return {name: value for name, value in values if isinstance(value, np.ndarray)}


def _attribute_names(holder: Any, kinds: tuple[type, ...]) -> tuple[str, ...]:
    """Return the names of an object's attributes of some kinds."""
    names = _names.get(type(holder))
    if names is None:
        public = [name for name in dir(holder) if not name.startswith("_")]
        names = _names[type(holder)] = tuple(name for name in public if isinstance(getattr(holder, name), kinds))
    return names
