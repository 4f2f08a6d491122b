"""MuJoCo's data as plain arrays, and data put back to where they were, to the bit.

The integration state, the solver's warm start included, is all that the next step is computed from. But
what gymnasium's environments read before it, positions of bodies for one, was derived during the last
step, from the state before that; so every derived array is kept too, not computed anew.
"""

from __future__ import annotations

import mujoco
import numpy as np

SPEC = mujoco.mjtState.mjSTATE_INTEGRATION


def state_of(data: mujoco.MjData) -> dict[str, np.ndarray]:
    """The integration state, "state", and all arrays by name, copied."""
    state = np.empty(mujoco.mj_stateSize(data.model, SPEC))
    mujoco.mj_getState(data.model, data, state, SPEC)
    return {"state": state} | {name: array.copy() for name, array in arrays_of(data).items()}


def put(data: mujoco.MjData, state: dict[str, np.ndarray]) -> None:
    """Set the state, then what was derived from it.  Raises ValueError for that of another model.

    Arrays of constraints, whose number varies, are skipped where their shapes differ: every step makes
    them anew.
    """
    size = mujoco.mj_stateSize(data.model, SPEC)
    if len(state["state"]) != size:
        raise ValueError(f"found a state of {len(state['state'])} numbers; allowed: {size}")
    mujoco.mj_setState(data.model, data, state["state"], SPEC)
    for name, array in arrays_of(data).items():
        if name in state and array.shape == state[name].shape:
            array[...] = state[name]


def arrays_of(data: mujoco.MjData) -> dict[str, np.ndarray]:
    """Views of MuJoCo's own memory, by name."""
    named = ((name, getattr(data, name)) for name in dir(data) if not name.startswith("_"))
    return {name: value for name, value in named if isinstance(value, np.ndarray)}
