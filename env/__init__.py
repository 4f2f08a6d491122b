"""Environments by name: our own, then gymnasium's registry. Flat observations, bounded Box or Discrete actions."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from env.episodes.batch import EnvBatch
from env.episodes.episode import EpisodeProtocol, Episodes
from env.episodes.observations import flat
from env.registered import UnknownEnvironment, make_registered, one_line
from env.tasks.min_atar import GAMES

__all__ = ["ENVS", "EnvBatch", "EnvEntry", "EpisodeProtocol", "Episodes", "UnknownEnvironment", "make_env"]


class EnvEntry(NamedTuple):
    """Where an environment of our own is, and in which kinds of actions it comes.

    kinds: of "continuous" and "discrete", the default first. Where there are both, the class takes
    `continuous`.  fixed: keyword arguments that make the variant.
    """

    module: str
    class_name: str
    kinds: tuple[str, ...]
    fixed: Mapping[str, Any] = {}


_CONTINUOUS_GRIDWORLD = EnvEntry("env.tasks.continuous_gridworld", "ContinuousGridWorld", ("continuous",))

ENVS: dict[str, EnvEntry] = {
    "Pendulum-v0": EnvEntry("env.tasks.pendulum", "Pendulum", ("continuous", "discrete")),
    "PendulumPenalty-v0": EnvEntry("env.tasks.pendulum", "Pendulum", ("continuous", "discrete"), {"penalty": 1.0}),
    "PositivePendulumPenalty-v0": EnvEntry(
        "env.tasks.pendulum", "Pendulum", ("continuous", "discrete"), {"reward": "positive", "penalty": 1.0}
    ),
    "PendulumNoShaped-v0": EnvEntry("env.tasks.pendulum", "Pendulum", ("continuous", "discrete"), {"reward": "sparse"}),
    "PendulumNoShapedPenalty-v0": EnvEntry(
        "env.tasks.pendulum", "Pendulum", ("continuous", "discrete"), {"reward": "sparse", "penalty": 1.0}
    ),
    "Acrobot-v1": EnvEntry("env.tasks.acrobot", "Acrobot", ("discrete", "continuous")),
    "MountainCarShaped": EnvEntry("env.tasks.mountain_car", "MountainCarShaped", ("continuous",)),
    "ContinuousCartpole-v0": EnvEntry("env.tasks.cart_pole", "ContinuousCartPole", ("continuous",)),
    "Bandit": EnvEntry("env.tasks.bandit", "Bandit", ("discrete",)),
    "Bimodal": EnvEntry("env.tasks.bimodal", "Bimodal", ("continuous",)),
    "PuddleWorld-v1": EnvEntry("env.tasks.puddle_world", "PuddleWorld", ("continuous", "discrete")),
    "Gridworld": EnvEntry("env.tasks.gridworld", "Gridworld", ("discrete",), {"observation": "one-hot"}),
    "XYGridworld": EnvEntry("env.tasks.gridworld", "Gridworld", ("discrete",), {"observation": "xy"}),
    "IndexGridworld": EnvEntry("env.tasks.gridworld", "Gridworld", ("discrete",), {"observation": "index"}),
    "ContinuousGridWorld": _CONTINUOUS_GRIDWORLD,
    "CGW": _CONTINUOUS_GRIDWORLD,
    **{f"MinAtar{name}": EnvEntry("env.tasks.min_atar", "MinAtar", ("discrete",), {"game": game})
       for name, game in GAMES.items()},
}  # fmt: skip
"""Environments that gymnasium does not register, by name."""


def make_env(
    name: str, continuous: bool | None = None, refuses: Mapping[str, str] | None = None, /, **env_kwargs: Any
) -> gym.Env[Any, Any]:
    """The named environment without gymnasium's own step limit and checkers.

    continuous: which kind of actions is wanted; None: whichever there is.  refuses: kinds of
    actions ("continuous", "discrete") that the agent cannot take, each with the reason.  Raises
    ValueError, saying what was found and what is allowed, for keyword arguments that it does not
    take, or spaces that the agent, or no agent here, can use; UnknownEnvironment for an unknown name.
    """
    env = _make_own(name, continuous, env_kwargs) if name in ENVS else make_registered(name, ENVS, env_kwargs)
    if env.spec is not None and not env.spec.additional_wrappers:
        env = env.unwrapped
    _check_actions(name, env, continuous, refuses or {})
    return flat(env, name)


def _make_own(name: str, continuous: bool | None, env_kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """One of ENVS.  Raises ValueError if it, or its package, does not take the arguments or is not there."""
    entry = ENVS[name]
    make = getattr(importlib.import_module(entry.module), entry.class_name)
    kind = {} if len(entry.kinds) == 1 or continuous is None else {"continuous": continuous}
    _check_flags(make, env_kwargs)
    try:
        return make(**kind, **entry.fixed, **env_kwargs)
    except Exception as error:
        raise ValueError(f"env_name: '{name}' cannot be made with {dict(env_kwargs)} ({one_line(error)})") from error


def _check_flags(make: type, env_kwargs: Mapping[str, Any]) -> None:
    """Raises ValueError where true or false is given for anything else, or anything else for true or false."""
    for key, parameter in inspect.signature(make).parameters.items():
        if key in env_kwargs and isinstance(env_kwargs[key], bool) != isinstance(parameter.default, bool):
            allowed = "true or false" if isinstance(parameter.default, bool) else "neither true nor false"
            raise ValueError(f"env_kwargs.{key}: found {env_kwargs[key]!r}; allowed: {allowed}")


def _check_actions(name: str, env: gym.Env[Any, Any], continuous: bool | None, refuses: Mapping[str, str]) -> None:
    action = env.action_space
    if continuous is not None and continuous != isinstance(action, gym.spaces.Box):
        found = str(continuous).lower()
        raise ValueError(f"continuous: found {found}, but '{name}' has actions {action}; leave it out or change it")
    kind = "discrete" if isinstance(action, gym.spaces.Discrete) else "continuous"
    if kind in refuses:
        both = name in ENVS and len(ENVS[name].kinds) == 2
        hint = f"; it has others with continuous: {str(kind == 'discrete').lower()}" if both else ""
        raise ValueError(f"env_name: '{name}' has actions {action}; {refuses[kind]}{hint}")
    if isinstance(action, gym.spaces.Discrete):
        return
    if not isinstance(action, gym.spaces.Box) or len(action.shape) != 1:
        raise ValueError(f"env_name: '{name}' has actions {action}; allowed: a flat Box or Discrete")
    if not (np.isfinite(action.low).all() and np.isfinite(action.high).all()):
        raise ValueError(f"env_name: '{name}' has unbounded actions {action}; allowed: finite bounds")
