"""Start states: an environment is put into a given state.

An environment of ours that supports this has, after a reset:
    state        (S,) float64, readable and settable; together with `np_random` its whole state
    state_space  a Box (S,) of all its states
    _get_obs()   the observation (O,) of its state
Of other environments, MuJoCo's have qpos and qvel, and gymnasium's classic control has only `state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np


def check_start_state(env: gym.Env[Any, Any], state: Sequence[float]) -> None:
    """Raise ValueError, naming what is allowed, if the environment cannot be in `state`. Resets it."""
    raw: Any = env.unwrapped
    env.reset(seed=0)
    name = type(raw).__name__
    if not (hasattr(raw, "set_state") or hasattr(raw, "state")):
        raise ValueError(f"start_state: found {list(state)}, but {name} cannot be put into a given state; allowed: []")
    allowed = raw.model.nq + raw.model.nv if hasattr(raw, "set_state") else len(raw.state)
    if len(state) != allowed:
        raise ValueError(f"start_state: found {len(state)} numbers; allowed for {name}: {allowed} or none")
    if hasattr(raw, "state_space"):
        _check_range(name, state, raw.state_space)
    elif not raw.observation_space.contains(_set_raw_state(raw, state)):
        raise ValueError(
            f"start_state: found {list(state)}; allowed for {name}: its observations, {raw.observation_space}"
        )


def set_state(env: gym.Env[Any, Any], state: Sequence[float]) -> np.ndarray:
    """Put a checked environment into a state (MuJoCo: qpos, then qvel). Returns its observation (O,)."""
    return _wrap_observation(env, _set_raw_state(env.unwrapped, state))


def _check_range(name: str, state: Sequence[float], space: gym.spaces.Box) -> None:
    """Raise ValueError for the first number outside the space."""
    for i, (value, low, high) in enumerate(zip(state, space.low, space.high, strict=True)):
        if not low <= value <= high:
            raise ValueError(f"start_state[{i}]: found {value:g}; allowed for {name}: {low:g} to {high:g}")


def _set_raw_state(raw: Any, state: Sequence[float]) -> np.ndarray:
    """Set the unwrapped environment's state. Returns the unwrapped environment's observation."""
    values = np.array(state, np.float64)
    if hasattr(raw, "set_state"):
        raw.set_state(values[: raw.model.nq], values[raw.model.nq :])
        return raw._get_obs()
    raw.state = values
    if hasattr(raw, "_get_ob"):  # gymnasium's acrobot
        return raw._get_ob()
    return raw._get_obs() if hasattr(raw, "_get_obs") else values.astype(np.float32)


def _wrap_observation(env: gym.Env[Any, Any], obs: np.ndarray) -> np.ndarray:
    """Return an unwrapped environment's observation as its wrappers transform it."""
    if not isinstance(env, gym.Wrapper):
        return obs
    inner = _wrap_observation(env.env, obs)
    return env.observation(inner) if isinstance(env, gym.ObservationWrapper) else inner
