"""Environments from gymnasium's registry, and errors for names that it does not have or no longer supports."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from utils.core.errors import describe_error_and_causes

HEALTHY = "healthy_reward only while healthy"
MUJOCO_CHANGES = {
    "Ant": f"{HEALTHY}, contact forces in the observation and their cost in the reward",
    "HalfCheetah": "nothing that changes the task",
    "Hopper": HEALTHY,
    "Humanoid": f"{HEALTHY}, a contact cost in the reward, constant zeros left out of the observation",
    "HumanoidStandup": "constant zeros left out of the observation",
    "InvertedDoublePendulum": f"{HEALTHY}, constant zeros left out of the observation",
    "InvertedPendulum": HEALTHY,
    "Pusher": "a heavier object, the reward computed after the step",
    "Reacher": "the reward computed after the step, a constant zero left out of the observation",
    "Swimmer": "nothing that changes the task",
    "Walker2d": f"{HEALTHY}, friction 1.9 at both feet",
}
"""MuJoCo's environments, each with the changes in its -v5, from gymnasium's version histories."""

MIN_VERSIONS = {"Pusher": 5}
"""First versions that run on MuJoCo 3, where that is not -v4: before -v5, Pusher's object is lighter than air."""

FASTER_ENTRY_POINTS = {"gymnasium.envs.classic_control.pendulum:PendulumEnv": "env.tasks.lean_pendulum:LeanPendulum"}
"""Entry points of gymnasium's environments, each with ours that takes bit-identical steps in less time."""


class UnknownEnvironment(ValueError):
    """Error for an environment name that does not exist.  allowed: names worth suggesting."""

    def __init__(self, message: str, name: str, allowed: list[str]) -> None:
        super().__init__(message)
        self.name, self.allowed = name, allowed


def make_registered(name: str, own: Iterable[str], env_kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """Make a registered environment without gymnasium's step limit and checkers.

    name: "module:Name-v0" imports the module first, which registers the environment.
    own: names of our own environments, allowed besides the registered ones.  Raises UnknownEnvironment
    for an unknown name or version, ValueError if the environment refuses the arguments.
    """
    _check_mujoco_version(name)
    try:
        if not re.search(r"-v\d+$", name) and name not in gym.registry:
            raise gym.error.NameNotFound("no environment has this name")
        return gym.make(_faster_spec(name), max_episode_steps=-1, disable_env_checker=True, **env_kwargs)
    except gym.error.Error as error:
        message = f"env_name: '{name}' cannot be made ({describe_error_and_causes(error)})"
        if name in gym.registry:
            raise ValueError(message) from error
        raise UnknownEnvironment(message, name, [*own, *_suggested_names()]) from error
    except Exception as error:
        message = f"env_name: '{name}' cannot be made with {dict(env_kwargs)} ({describe_error_and_causes(error)})"
        raise ValueError(message) from error


def _faster_spec(name: str) -> str | EnvSpec:
    """Return the specification of our faster environment if there is one, otherwise the name."""
    spec = gym.registry.get(name)
    if spec is None or spec.entry_point not in FASTER_ENTRY_POINTS:
        return name
    return dataclasses.replace(spec, entry_point=FASTER_ENTRY_POINTS[spec.entry_point])


def _parse_mujoco_name(name: str) -> tuple[str, int] | None:
    """Return base and version of a MuJoCo environment's name, None for any other name."""
    match = re.fullmatch(r"(\w+)-v(\d+)", name)
    return (match[1], int(match[2])) if match and match[1] in MUJOCO_CHANGES else None


def _is_old_mujoco(name: str) -> bool:
    """Return whether this is a MuJoCo environment that does not run on MuJoCo 3."""
    parts = _parse_mujoco_name(name)
    return parts is not None and parts[1] < MIN_VERSIONS.get(parts[0], 4)


def _check_mujoco_version(name: str) -> None:
    """Raise ValueError for a MuJoCo environment that does not run on MuJoCo 3."""
    if not _is_old_mujoco(name):
        return
    base, _, version = name.rpartition("-")
    nearest = "" if base in MIN_VERSIONS else f", or '{base}-v4', which is closest to the old versions"
    raise ValueError(
        f"env_name: '{name}' cannot be made ({version} does not run on MuJoCo 3); "
        f"allowed: '{base}-v5' (new in it: {MUJOCO_CHANGES[base]}){nearest}"
    )


def _suggested_names() -> list[str]:
    """Return the registered names worth suggesting: neither old nor another framework's."""
    return [name for name in gym.registry if "/" not in name and not _is_old_mujoco(name)]
