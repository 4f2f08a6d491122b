"""Preparation of a process for rendering an environment, with or without a display.

Rendering reads an environment and never steps it. MuJoCo draws through OpenGL, whose backends for
machines without a display differ: EGL needs a driver, which compute nodes may lack, OSMesa draws in
software, GLFW needs a display. An installed backend can still fail, or end the process, so each is
probed in a separate process before this one commits to it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import gymnasium as gym

RENDER_MODE = "rgb_array"

FPS = 30.0
"""Frames per second for an environment that does not specify them."""

GL_BACKENDS = ("egl", "osmesa", "glfw")
"""Values of MUJOCO_GL, in the order in which they are probed if it is not set."""

PROBE_SECONDS = 60

PROBE = """
import os
try:
    import mujoco
    model = mujoco.MjModel.from_xml_string("<mujoco/>")
    renderer = mujoco.Renderer(model, 8, 8)
    renderer.update_scene(mujoco.MjData(model))
    renderer.render()
except Exception as error:
    print(*f"{type(error).__name__}: {error}".split(), flush=True)
    os._exit(1)
os._exit(0)
"""
"""A script that draws one picture. It skips the clean-up at exit, which fails wherever drawing fails."""

PYGAME_VARIABLES = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    "SDL_VIDEODRIVER": "dummy",
    "SDL_AUDIODRIVER": "dummy",
    "SDL_NO_SIGNAL_HANDLERS": "1",
}
"""Environment variables for pygame, which gymnasium's environments draw with: no greeting, no display, no sound
card, and no handler of SIGTERM, which a batch system sends."""


class CannotRender(OSError):
    """Error whose one-line message states what the system lacks and what to do."""


def prepare_rendering(env: gym.Env[Any, Any]) -> float:
    """Set up this process to render an environment, before its first picture. Returns frames per second.

    Raises CannotRender if nothing can be drawn on this system.
    """
    for name, value in PYGAME_VARIABLES.items():
        os.environ.setdefault(name, value)
    logging.getLogger("OpenGL").setLevel(logging.WARNING)
    if hasattr(env.unwrapped, "mujoco_renderer"):
        os.environ["MUJOCO_GL"] = find_gl_backend()
    return float(env.metadata.get("render_fps") or FPS)


def find_gl_backend() -> str:
    """Return the first OpenGL backend that works, or the value of MUJOCO_GL if it works.  Raises CannotRender."""
    chosen = os.environ.get("MUJOCO_GL")
    problems = []
    for backend in [chosen] if chosen else GL_BACKENDS:
        problem = _probe_backend(backend)
        if problem is None:
            return backend
        problems.append(f"{backend}: {problem}")
    raise CannotRender(
        f"MuJoCo cannot draw here ({'; '.join(problems)}); install EGL (libegl1) or OSMesa (libosmesa6), "
        "or set MUJOCO_GL to a backend that works"
    )


def _probe_backend(backend: str) -> str | None:
    """Return what goes wrong when MuJoCo draws one picture with this backend; None if nothing does."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROBE], env=os.environ | {"MUJOCO_GL": backend},
            capture_output=True, text=True, check=False, timeout=PROBE_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no picture after {PROBE_SECONDS} s"
    if done.returncode == 0:
        return None
    return done.stdout.strip() or f"exit code {done.returncode}"


def check_renderable(name: str, env: gym.Env[Any, Any]) -> None:
    """Raise ValueError if the environment cannot return pictures."""
    modes = env.metadata.get("render_modes") or []
    if RENDER_MODE not in modes:
        found = ", ".join(modes) or "none"
        raise ValueError(f"env_name: '{name}' cannot be rendered; found render modes: {found}; required: {RENDER_MODE}")
