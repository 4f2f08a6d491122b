"""Environments by name: our own, then gymnasium's registry. Flat Box observations, bounded Box or Discrete actions."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from env.batch import EnvBatch
from env.wrappers import Episodes, Protocol

__all__ = ["ENVS", "EnvBatch", "Episodes", "Protocol", "make_env"]


class EnvEntry(NamedTuple):
    """Where an environment of our own is, and in which kinds of actions it comes.

    kinds: of "continuous" and "discrete", the default first. Where there are both, the class takes
    `continuous`.  fixed: keyword arguments that make the variant.
    """

    module: str
    class_name: str
    kinds: tuple[str, ...]
    fixed: Mapping[str, Any] = {}


ENVS: dict[str, EnvEntry] = {
    "Pendulum-v0": EnvEntry("env.pendulum", "Pendulum", ("continuous", "discrete")),
    "PendulumPenalty-v0": EnvEntry("env.pendulum", "Pendulum", ("continuous", "discrete"), {"penalty": 1.0}),
    "PositivePendulumPenalty-v0": EnvEntry(
        "env.pendulum", "Pendulum", ("continuous", "discrete"), {"reward": "positive", "penalty": 1.0}
    ),
    "PendulumNoShaped-v0": EnvEntry("env.pendulum", "Pendulum", ("continuous", "discrete"), {"reward": "sparse"}),
    "PendulumNoShapedPenalty-v0": EnvEntry(
        "env.pendulum", "Pendulum", ("continuous", "discrete"), {"reward": "sparse", "penalty": 1.0}
    ),
    "Acrobot-v1": EnvEntry("env.acrobot", "Acrobot", ("discrete", "continuous")),
    "MountainCarShaped": EnvEntry("env.mountain_car", "MountainCarShaped", ("continuous",)),
    "ContinuousCartpole-v0": EnvEntry("env.cart_pole", "ContinuousCartPole", ("continuous",)),
}
"""Our own environments, by name."""


def make_env(
    name: str, continuous: bool | None = None, refuses: Mapping[str, str] | None = None, /, **env_kwargs: Any
) -> gym.Env[Any, Any]:
    """The named environment without gymnasium's own step limit and checkers.

    continuous: which kind of actions is wanted; None: whichever there is.  refuses: kinds of
    actions ("continuous", "discrete") that the agent cannot take, each with the reason.  Raises
    ValueError, saying what was found and what is allowed, for an unknown name, keyword arguments
    that it does not take, or spaces that the agent, or no agent here, can use.
    """
    make = _make_own if name in ENVS else _make_registered
    env = make(name, continuous, env_kwargs)
    if env.spec is not None and not env.spec.additional_wrappers:
        env = env.unwrapped
    _check_spaces(name, env, continuous, refuses or {})
    return env


def _make_own(name: str, continuous: bool | None, env_kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """One of ENVS.  Raises ValueError for keyword arguments that it does not take."""
    entry = ENVS[name]
    make = getattr(importlib.import_module(entry.module), entry.class_name)
    kind = {} if len(entry.kinds) == 1 or continuous is None else {"continuous": continuous}
    try:
        return make(**kind, **entry.fixed, **env_kwargs)
    except TypeError as error:
        raise ValueError(f"env_name: '{name}' cannot be made with {dict(env_kwargs)} ({_one_line(error)})") from error


def _make_registered(name: str, continuous: bool | None, env_kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """One of gymnasium's registry.  Raises ValueError if there is none or it does not take the arguments."""
    try:
        return gym.make(name, max_episode_steps=-1, disable_env_checker=True, **env_kwargs)
    except gym.error.Error as error:
        near = difflib.get_close_matches(name, [*ENVS, *gym.registry], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"env_name: '{name}' cannot be made ({_one_line(error)}){hint}") from error
    except (ImportError, TypeError) as error:
        raise ValueError(f"env_name: '{name}' cannot be made with {env_kwargs} ({_one_line(error)})") from error


def _check_spaces(name: str, env: gym.Env[Any, Any], continuous: bool | None, refuses: Mapping[str, str]) -> None:
    obs, action = env.observation_space, env.action_space
    if continuous is not None and continuous != isinstance(action, gym.spaces.Box):
        found = str(continuous).lower()
        raise ValueError(f"continuous: found {found}, but '{name}' has actions {action}; leave it out or change it")
    if not isinstance(obs, gym.spaces.Box) or len(obs.shape) != 1:
        raise ValueError(f"env_name: '{name}' has observations {obs}; allowed: a flat Box")
    kind = "discrete" if isinstance(action, gym.spaces.Discrete) else "continuous"
    if kind in refuses:
        raise ValueError(f"env_name: '{name}' has actions {action}; {refuses[kind]}")
    if isinstance(action, gym.spaces.Discrete):
        return
    if not isinstance(action, gym.spaces.Box) or len(action.shape) != 1:
        raise ValueError(f"env_name: '{name}' has actions {action}; allowed: a flat Box or Discrete")
    if not (np.isfinite(action.low).all() and np.isfinite(action.high).all()):
        raise ValueError(f"env_name: '{name}' has unbounded actions {action}; allowed: finite bounds")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
