"""Releases of simulators that compute some models wrongly, which an environment must not be trained on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import gymnasium as gym

WRONG_SPARSE_NEWTON = "4.0.0"
"""MuJoCo with a wrong Hessian in the Newton solver where the constraints' Jacobian is sparse, mended in 4.0.1.

Accelerations are wrong, or the simulation diverges: https://github.com/google-deepmind/mujoco/releases/tag/4.0.1.
Only some trees of bodies are concerned, which the release notes do not tell apart. A model whose `jacobian` is "auto"
has a sparse one from 60 degrees of freedom on.
"""

MAX_DEPTH = 6
"""Depth to which models are looked for in attributes of attributes."""


def check_simulator(name: str, env: gym.Env[Any, Any]) -> None:
    """Raise ValueError if the environment has a model that its simulator's release computes wrongly.

    Models that the environment makes later, such as at a reset, are not seen.  Imports no simulator.
    """
    mujoco = sys.modules.get("mujoco")
    if mujoco is None or getattr(mujoco, "__version__", None) != WRONG_SPARSE_NEWTON:
        return
    for model in _find_models(env, mujoco):
        if model.opt.solver == mujoco.mjtSolver.mjSOL_NEWTON and mujoco.mj_isSparse(model):
            raise ValueError(
                f"env_name: '{name}' cannot be used with MuJoCo {WRONG_SPARSE_NEWTON}, whose Newton solver may be "
                f"wrong for its model of {model.nv} degrees of freedom with a sparse Jacobian; allowed: another "
                'release of MuJoCo, such as 4.0.1 or 3.17.0, or jacobian="dense" in the model'
            )


def _find_models(env: gym.Env[Any, Any], mujoco: Any) -> Iterator[Any]:
    """Yield the models in an environment's attributes, in those of its wrappers, and in attributes of attributes."""
    pending: list[tuple[Any, int]] = [(env, 0)]
    seen: dict[int, Any] = {}  # Values are kept alive, so that no other one gets their id.
    while pending:
        value, depth = pending.pop()
        if id(value) in seen or depth > MAX_DEPTH or isinstance(value, type):
            continue
        seen[id(value)] = value
        if isinstance(value, mujoco.MjModel):
            yield value
        elif isinstance(value, mujoco.MjData):
            pending.append((value.model, depth + 1))
        else:
            pending += [(part, depth + 1) for part in _parts(value)]


def _parts(value: Any) -> list[Any]:
    """Return the elements of a container, otherwise the values of an object's attributes."""
    if isinstance(value, list | tuple | set):
        return list(value)
    return list((value if isinstance(value, dict) else getattr(value, "__dict__", {})).values())
