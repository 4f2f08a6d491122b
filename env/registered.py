"""Environments from gymnasium's registry, and errors for names that it does not have or no longer supports."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from env.modules import find_modules, import_registering, registering_functions, split_name
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

    name: "module:Name-v0" imports the module first, which registers the environment. The version is part of the name
    if it was registered with one.
    own: names of our own environments, allowed besides the registered ones.  Raises UnknownEnvironment
    for an unknown name or version, ValueError if the module cannot be imported or the environment refuses the
    arguments.
    """
    module_name, bare = split_name(name)
    _check_mujoco_version(bare)
    if module_name is not None:
        module = import_registering(name, module_name)
        if bare not in gym.registry:
            raise _unregistered(name, module)
    try:
        if not re.search(r"-v\d+$", bare) and bare not in gym.registry:
            raise gym.error.NameNotFound("no environment has this name")
        return gym.make(_faster_spec(bare), max_episode_steps=-1, disable_env_checker=True, **env_kwargs)
    except gym.error.Error as error:
        message = f"env_name: '{name}' cannot be made ({describe_error_and_causes(error)})"
        if bare in gym.registry:
            raise ValueError(message) from error
        raise _unknown(message, name, own) from error
    except Exception as error:
        message = f"env_name: '{name}' cannot be made with {dict(env_kwargs)} ({describe_error_and_causes(error)})"
        raise ValueError(message) from error


def _unregistered(name: str, module: ModuleType) -> UnknownEnvironment:
    """Return the error for a name that its module does not register when it is imported."""
    module_name, bare = split_name(name)
    others = [f"{module_name}:{other}" for other in _registered_by(module)]
    functions = " and ".join(f"{function}()" for function in registering_functions(module))
    hint = "allowed: a name that it registers when it is imported"
    if functions and not others:
        hint = f"it has {functions}; allowed: a module of yours that imports it and calls that, in place of it"
    message = f"env_name: '{name}' cannot be made: importing '{module_name}' registers no environment '{bare}'; {hint}"
    return UnknownEnvironment(message, name, others)


def _registered_by(module: ModuleType) -> list[str]:
    """Return the registered names whose classes are in a module's package."""
    top = module.__name__.partition(".")[0]
    return [name for name, spec in gym.registry.items() if re.split(r"[.:]", _entry_module(spec))[0] == top]


def _entry_module(spec: EnvSpec) -> str:
    """Return the module of a specification's entry point, "" without one."""
    entry = spec.entry_point
    return entry if isinstance(entry, str) else str(getattr(entry, "__module__", ""))


def _unknown(message: str, name: str, own: Iterable[str]) -> UnknownEnvironment:
    """Return the error for a name without a module that nothing registers; it names installed modules that would."""
    modules = find_modules(name)
    if not modules:
        return UnknownEnvironment(message, name, [*own, *_suggested_names()])
    allowed = " or ".join(f"'{module}:{name}'" for module in modules)
    return UnknownEnvironment(f"{message}; allowed: {allowed}, which imports the module first", name, [])


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
