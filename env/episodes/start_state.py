"""Putting an environment in a state.

An environment of ours that can be put in a state has, once it was reset:
    state        (S,) float64, readable and settable; with `np_random`, all there is to know of it
    state_space  a Box (S,), where its states may lie
    _get_obs()   what it shows in that state, (O,)
Of others, MuJoCo's have qpos and qvel, and gymnasium's classic control has a bare `state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np


def check_start_state(env: gym.Env[Any, Any], state: Sequence[float]) -> None:
    """Raises ValueError, saying what is allowed, where `state` cannot be the environment's state. Resets it."""
    raw: Any = env.unwrapped
    env.reset(seed=0)
    name = type(raw).__name__
    if not (hasattr(raw, "set_state") or hasattr(raw, "state")):
        raise ValueError(f"start_state: {name} cannot be put in a state; allowed: []")
    allowed = raw.model.nq + raw.model.nv if hasattr(raw, "set_state") else len(raw.state)
    if len(state) != allowed:
        raise ValueError(f"start_state has {len(state)} numbers; {name} allows {allowed} or none")
    if hasattr(raw, "state_space"):
        _check_range(name, state, raw.state_space)
    elif not raw.observation_space.contains(_put(raw, state)):
        raise ValueError(f"start_state is {list(state)}; {name} allows what it can show, {raw.observation_space}")


def set_state(env: gym.Env[Any, Any], state: Sequence[float]) -> np.ndarray:
    """Put a checked environment in a state (MuJoCo: qpos, then qvel). Returns its observation (O,)."""
    return _seen_through(env, _put(env.unwrapped, state))


def _check_range(name: str, state: Sequence[float], space: gym.spaces.Box) -> None:
    for i, (value, low, high) in enumerate(zip(state, space.low, space.high, strict=True)):
        if not low <= value <= high:
            raise ValueError(f"start_state[{i}] is {value:g}; {name} allows {low:g} to {high:g}")


def _put(raw: Any, state: Sequence[float]) -> np.ndarray:
    """Set the bare environment's state. Returns the bare environment's observation."""
    values = np.array(state, np.float64)
    if hasattr(raw, "set_state"):
        raw.set_state(values[: raw.model.nq], values[raw.model.nq :])
        return raw._get_obs()
    raw.state = values
    if hasattr(raw, "_get_ob"):  # gymnasium's acrobot
        return raw._get_ob()
    return raw._get_obs() if hasattr(raw, "_get_obs") else values.astype(np.float32)


def _seen_through(env: gym.Env[Any, Any], obs: np.ndarray) -> np.ndarray:
    """A bare environment's observation as the wrappers around it show it."""
    if not isinstance(env, gym.Wrapper):
        return obs
    inner = _seen_through(env.env, obs)
    return env.observation(inner) if isinstance(env, gym.ObservationWrapper) else inner
