"""Pictures of an environment, on machines with and without a display.

Rendering reads an environment and never steps it. MuJoCo draws through OpenGL, whose ways to work
without a display differ from machine to machine: EGL needs a driver, which compute nodes may lack,
OSMesa draws in software, GLFW needs a display. A way that is there can still fail, or end the
process, so each is tried in a process of its own before this one commits itself to it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

import gymnasium as gym

MODE = "rgb_array"

FPS = 30.0
"""Where an environment does not say how fast it is to be watched."""

GL_WAYS = ("egl", "osmesa", "glfw")
"""Values of MUJOCO_GL, in the order in which they are tried where it is not set."""

TRIAL_SECONDS = 60

TRIAL = """
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
"""Draws one picture. Ends without the clean-up, which fails too where drawing does."""

PYGAME = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    "SDL_VIDEODRIVER": "dummy",
    "SDL_AUDIODRIVER": "dummy",
    "SDL_NO_SIGNAL_HANDLERS": "1",
}
"""Environments draw with pygame, off screen: it shall say nothing, and reach for no display, no sound card and
no SIGTERM, which a batch system sends."""


class CannotRender(OSError):
    """Says, in one line, what the system lacks and what to do."""


def prepare(env: gym.Env[Any, Any]) -> float:
    """Set up this process for an environment's pictures, before the first.

    Returns how many a second it is meant to be watched at.  Raises CannotRender.
    """
    for name, value in PYGAME.items():
        os.environ.setdefault(name, value)
    logging.getLogger("OpenGL").setLevel(logging.WARNING)
    if hasattr(env.unwrapped, "mujoco_renderer"):
        os.environ["MUJOCO_GL"] = working_gl()
    return float(env.metadata.get("render_fps") or FPS)


def working_gl() -> str:
    """The first value of MUJOCO_GL that works here, or the one that is set if it works.  Raises CannotRender."""
    asked = os.environ.get("MUJOCO_GL")
    complaints = []
    for way in [asked] if asked else GL_WAYS:
        complaint = _try(way)
        if complaint is None:
            return way
        complaints.append(f"{way}: {complaint}")
    raise CannotRender(
        f"MuJoCo cannot draw here ({'; '.join(complaints)}); install EGL (libegl1) or OSMesa (libosmesa6), "
        "or set MUJOCO_GL to a way that works"
    )


def _try(way: str) -> str | None:
    """What goes wrong when MuJoCo draws one picture this way; None if nothing does."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", TRIAL], env=os.environ | {"MUJOCO_GL": way},
            capture_output=True, text=True, check=False, timeout=TRIAL_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no picture after {TRIAL_SECONDS} s"
    if done.returncode == 0:
        return None
    return done.stdout.strip() or f"exit code {done.returncode}"


def check_renderable(name: str, env: gym.Env[Any, Any]) -> None:
    """Raises ValueError if the environment gives no pictures."""
    modes = env.metadata.get("render_modes") or []
    if MODE not in modes:
        found = ", ".join(modes) or "none"
        raise ValueError(f"env_name: '{name}' cannot be watched; found render modes: {found}; required: {MODE}")
