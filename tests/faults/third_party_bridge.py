"""A bridge to environments that need a call, keyword arguments or a wrapper: "third_party_bridge:Bridge-v0"."""

from __future__ import annotations

import importlib
from typing import Any

import gymnasium as gym


def make_bridged(
    module: str,
    name: str,
    call: str | None = None,
    wrapper: str | None = "gymnasium.wrappers:FlattenObservation",
    **env_kwargs: Any,
) -> gym.Env[Any, Any]:
    """Make an environment.

    call: a function of the module that registers its environments.  wrapper: module and class.
    """
    imported = importlib.import_module(module)
    if call is not None and name not in gym.registry:
        getattr(imported, call)()
    env = gym.make(name, disable_env_checker=True, **env_kwargs)
    if wrapper is None:
        return env
    wrapper_module, _, wrapper_name = wrapper.partition(":")
    return getattr(importlib.import_module(wrapper_module), wrapper_name)(env)


gym.register("Bridge-v0", entry_point=f"{__name__}:make_bridged")
