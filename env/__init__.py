"""Environments: `make_env` makes one by its name; `Episodes` and `EpisodeBatch` run it.

1. `tasks` has our own environments; `registered` finds all others in gymnasium's registry.
2. `make_env` converts actions to a flat bounded Box or Discrete, and observations to one flat vector.
3. `episodes` adds what a protocol asks for, steps R environments in lock-step, and saves their states.
4. `drawing` renders them on request.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import gymnasium as gym

from env.episodes.actions import action_kind, flatten_actions
from env.episodes.batch import EpisodeBatch
from env.episodes.episode import EpisodeProtocol, Episodes
from env.episodes.observations import flatten_observations
from env.episodes.spaces import describe_space
from env.registered import UnknownEnvironment, make_registered
from env.simulator_faults import check_simulator
from env.tasks.min_atar import GAMES
from utils.core.errors import describe_error

__all__ = ["ENVS", "EnvEntry", "EpisodeBatch", "EpisodeProtocol", "Episodes", "UnknownEnvironment", "make_env"]


class EnvEntry(NamedTuple):
    """One of our own environments.

    module, class_name: where its class is defined.
    kinds: its kinds of actions, "continuous" or "discrete", the default first. With both, it takes `continuous`.
    arguments: keyword arguments that make this variant.
    """

    module: str
    class_name: str
    kinds: tuple[str, ...]
    arguments: Mapping[str, Any] = {}


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
"""Our own environments, which gymnasium does not register, by name."""


def make_env(
    name: str, continuous: bool | None = None, refuses: Mapping[str, str] | None = None, /, **env_kwargs: Any
) -> gym.Env[Any, Any]:
    """Make the named environment, without gymnasium's own step limit and checkers.

    continuous: the kind of actions wanted; None: the environment's default.  refuses: kinds of
    actions ("continuous", "discrete") that the agent does not support, each with the reason.  Raises
    UnknownEnvironment for an unknown name; ValueError for keyword arguments that the environment
    does not take, for spaces that this agent, or every agent, does not support, and for a release of the simulator that
    computes the environment wrongly.
    """
    env = _make_own(name, continuous, env_kwargs) if name in ENVS else make_registered(name, ENVS, env_kwargs)
    if env.spec is not None and not env.spec.additional_wrappers:
        env = env.unwrapped
    _check_kind(name, env, continuous, refuses or {})
    check_simulator(name, env)
    return flatten_observations(flatten_actions(env, name), name)


def _make_own(name: str, continuous: bool | None, env_kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Make one of ENVS.  Raises ValueError if it refuses the arguments or its package is not installed."""
    entry = ENVS[name]
    make = getattr(importlib.import_module(entry.module), entry.class_name)
    kind = {} if len(entry.kinds) == 1 or continuous is None else {"continuous": continuous}
    _check_booleans(make, env_kwargs)
    try:
        return make(**kind, **entry.arguments, **env_kwargs)
    except Exception as error:
        message = f"env_name: '{name}' cannot be made with {dict(env_kwargs)} ({describe_error(error)})"
        raise ValueError(message) from error


def _check_booleans(make: type, env_kwargs: Mapping[str, Any]) -> None:
    """Raise ValueError if a boolean is given where another type is expected, or the reverse."""
    for key, parameter in inspect.signature(make).parameters.items():
        if key in env_kwargs and isinstance(env_kwargs[key], bool) != isinstance(parameter.default, bool):
            allowed = "true or false" if isinstance(parameter.default, bool) else "neither true nor false"
            raise ValueError(f"env_kwargs.{key}: found {env_kwargs[key]!r}; allowed: {allowed}")


def _check_kind(name: str, env: gym.Env[Any, Any], continuous: bool | None, refuses: Mapping[str, str]) -> None:
    """Raise ValueError unless the actions are of the wanted kind and the agent supports them."""
    action, kind = describe_space(env.action_space), action_kind(env.action_space)
    if continuous is not None and kind is not None and continuous != (kind == "continuous"):
        found = str(continuous).lower()
        raise ValueError(f"continuous: found {found}, but '{name}' has actions {action}; leave it out or change it")
    if kind is not None and kind in refuses:
        both = name in ENVS and len(ENVS[name].kinds) == 2
        hint = f"; the other kind is available with continuous: {str(kind == 'discrete').lower()}" if both else ""
        raise ValueError(f"env_name: '{name}' has actions {action}; {refuses[kind]}{hint}")
