"""Environments of gymnasium's registry, and what to say of a name that is not there (any more)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

HEALTHY = "healthy_reward only while healthy"
MUJOCO = {
    "Ant": f"{HEALTHY}, contact forces in the observation and their cost in the reward",
    "HalfCheetah": "nothing that changes the task",
    "Hopper": HEALTHY,
    "Humanoid": f"{HEALTHY}, a contact cost in the reward, constant zeros left out of the observation",
    "HumanoidStandup": "constant zeros left out of the observation",
    "InvertedDoublePendulum": f"{HEALTHY}, constant zeros left out of the observation",
    "InvertedPendulum": HEALTHY,
    "Pusher": "a heavier object, the reward taken after the step",
    "Reacher": "the reward taken after the step, a constant zero left out of the observation",
    "Swimmer": "nothing that changes the task",
    "Walker2d": f"{HEALTHY}, friction 1.9 at both feet",
}
"""MuJoCo's environments, each with what its -v5 changed, from gymnasium's version histories."""

OLDEST = {"Pusher": 5}
"""First version that runs on MuJoCo 3, where it is not -v4: before -v5, Pusher's object is lighter than air."""


LEANER = {"gymnasium.envs.classic_control.pendulum:PendulumEnv": "env.tasks.lean_pendulum:LeanPendulum"}
"""Entry points, and those of environments here that take the same steps to the bit in less time."""


class UnknownEnvironment(ValueError):
    """No environment has this name.  allowed: names of those that are worth suggesting."""

    def __init__(self, message: str, name: str, allowed: list[str]) -> None:
        super().__init__(message)
        self.name, self.allowed = name, allowed


def make_registered(name: str, own: Iterable[str], env_kwargs: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """The registered environment, without gymnasium's step limit and checkers.

    own: names of our own environments, allowed beside the registered ones.  Raises UnknownEnvironment if
    there is none of this name and version, ValueError if it does not take the arguments.
    """
    _refuse_old_mujoco(name)
    try:
        if not re.search(r"-v\d+$", name) and name not in gym.registry:
            raise gym.error.NameNotFound("no environment has this name")
        return gym.make(_leaner(name), max_episode_steps=-1, disable_env_checker=True, **env_kwargs)
    except gym.error.Error as error:
        message = f"env_name: '{name}' cannot be made ({one_line(error)})"
        if name in gym.registry:
            raise ValueError(message) from error
        raise UnknownEnvironment(message, name, [*own, *_usable()]) from error
    except Exception as error:
        raise ValueError(f"env_name: '{name}' cannot be made with {dict(env_kwargs)} ({one_line(error)})") from error


def _leaner(name: str) -> str | EnvSpec:
    """The name, or how to make what stands for it here."""
    spec = gym.registry.get(name)
    if spec is None or spec.entry_point not in LEANER:
        return name
    return dataclasses.replace(spec, entry_point=LEANER[spec.entry_point])


def one_line(error: Exception) -> str:
    """What the error says."""
    return " ".join(str(error).split())


def _split(name: str) -> tuple[str, int] | None:
    """Base and version of a name of MuJoCo's, None of any other."""
    found = re.fullmatch(r"(\w+)-v(\d+)", name)
    return (found[1], int(found[2])) if found and found[1] in MUJOCO else None


def _is_old(name: str) -> bool:
    parts = _split(name)
    return parts is not None and parts[1] < OLDEST.get(parts[0], 4)


def _refuse_old_mujoco(name: str) -> None:
    if not _is_old(name):
        return
    base, _, version = name.rpartition("-")
    nearest = "" if base in OLDEST else f", or '{base}-v4', nearest to the old ones"
    raise ValueError(
        f"env_name: '{name}' cannot be made ({version} does not run on MuJoCo 3); "
        f"allowed: '{base}-v5' (new in it: {MUJOCO[base]}){nearest}"
    )


def _usable() -> list[str]:
    """Registered names that are worth suggesting: neither old nor another framework's."""
    return [name for name in gym.registry if "/" not in name and not _is_old(name)]
