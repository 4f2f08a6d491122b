"""Rendering: the choice of MuJoCo's OpenGL backend, and errors where nothing can be drawn."""

from __future__ import annotations

import logging
import os
import subprocess

import gymnasium as gym
import pytest

from env import make_env
from env.drawing import render
from env.drawing.render import CannotRender, check_renderable, find_gl_backend, prepare_rendering


@pytest.fixture(autouse=True)
def restored_process(monkeypatch):
    """Restore the process's variables and loggers after each test."""
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    before, level = os.environ.copy(), logging.getLogger("OpenGL").level
    yield
    logging.getLogger("OpenGL").setLevel(level)
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


def probe(*working):
    """Return a probe that finds these backends working."""
    return lambda backend: None if backend in working else f"no {backend}"


@pytest.mark.parametrize(
    ("working", "chosen"), [(("egl", "osmesa"), "egl"), (("osmesa", "glfw"), "osmesa"), (("glfw",), "glfw")]
)
def test_the_first_working_backend_is_chosen(working, chosen, monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", probe(*working))
    assert find_gl_backend() == chosen


def test_only_the_requested_backend_is_probed(monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", probe("egl", "osmesa"))
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert find_gl_backend() == "osmesa"
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(CannotRender, match=r"\(glfw: no glfw\)"):
        find_gl_backend()


def test_the_error_lists_every_backend_with_its_problem(monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", probe())
    with pytest.raises(CannotRender) as raised:
        find_gl_backend()
    message = str(raised.value)
    assert "egl: no egl; osmesa: no osmesa; glfw: no glfw" in message
    assert "libosmesa6" in message
    assert "\n" not in message


def test_a_probe_runs_in_a_separate_process():
    problem = render._probe_backend("no such backend")
    assert problem is not None
    assert "no such backend" in problem
    assert "\n" not in problem
    assert "MUJOCO_GL" not in os.environ


def test_a_probe_that_hangs_is_ended(monkeypatch):
    def hang(*arguments, timeout, **options):
        raise subprocess.TimeoutExpired(arguments[0], timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert render._probe_backend("egl") == "no picture after 60 s"


def test_the_backend_is_set_for_mujoco_only(monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", probe("osmesa"))
    assert prepare_rendering(make_env("Pendulum-v1")) == 30.0
    assert "MUJOCO_GL" not in os.environ
    assert prepare_rendering(make_env("HalfCheetah-v5")) == 20.0
    assert os.environ["MUJOCO_GL"] == "osmesa"
    assert os.environ["SDL_NO_SIGNAL_HANDLERS"] == "1"


def test_the_default_is_30_frames_per_second():
    class Still(gym.Env):
        metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    assert prepare_rendering(Still()) == 30.0
    check_renderable("Still", Still())


def test_an_environment_without_the_render_mode_is_refused():
    class Blind(gym.Env):
        metadata = {"render_modes": ["human", "ansi"]}  # noqa: RUF012

    with pytest.raises(ValueError, match="'Blind' cannot be rendered; found render modes: human, ansi; required: rgb"):
        check_renderable("Blind", Blind())
    with pytest.raises(ValueError, match="found render modes: none"):
        check_renderable("Bare", gym.Env())
