"""Snapshots of MuJoCo's data: saved as plain arrays, restored to the same bits.

The next step depends on the integration state only, the solver's warm start included. But before that
step, gymnasium's environments read derived values, such as positions of bodies. The last step computed
these from the state before it. So every derived array is saved too, instead of being recomputed.
"""

from __future__ import annotations

import mujoco
import numpy as np

STATE_SPEC = mujoco.mjtState.mjSTATE_INTEGRATION


def read_physics(data: mujoco.MjData) -> dict[str, np.ndarray]:
    """Return copies of the integration state, under "state", and of all arrays, by name."""
    state = np.empty(mujoco.mj_stateSize(data.model, STATE_SPEC))
    mujoco.mj_getState(data.model, data, state, STATE_SPEC)
    return {"state": state} | {name: array.copy() for name, array in array_views(data).items()}


def write_physics(data: mujoco.MjData, state: dict[str, np.ndarray]) -> None:
    """Set the integration state, then the arrays derived from it.  Raises ValueError for another model's state.

    Arrays of constraints, whose number varies, are skipped where their shapes differ: every step
    recomputes them.
    """
    size = mujoco.mj_stateSize(data.model, STATE_SPEC)
    if len(state["state"]) != size:
        raise ValueError(f"found a state of {len(state['state'])} numbers; allowed: {size}")
    mujoco.mj_setState(data.model, data, state["state"], STATE_SPEC)
    for name, array in array_views(data).items():
        if name in state and array.shape == state[name].shape:
            array[...] = state[name]


def array_views(data: mujoco.MjData) -> dict[str, np.ndarray]:
    """Return views of MuJoCo's own memory, by name."""
    named = ((name, getattr(data, name)) for name in dir(data) if not name.startswith("_"))
    return {name: value for name, value in named if isinstance(value, np.ndarray)}
