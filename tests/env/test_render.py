"""Pictures: how MuJoCo is made to draw, and what is said where it cannot."""

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
def environment(monkeypatch):
    """The process's variables and loggers are put back as they were."""
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    before, level = os.environ.copy(), logging.getLogger("OpenGL").level
    yield
    logging.getLogger("OpenGL").setLevel(level)
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


def works(*ways):
    return lambda way: None if way in ways else f"no {way}"


@pytest.mark.parametrize(
    ("there", "chosen"), [(("egl", "osmesa"), "egl"), (("osmesa", "glfw"), "osmesa"), (("glfw",), "glfw")]
)
def test_the_first_way_that_works_is_taken(there, chosen, monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", works(*there))
    assert find_gl_backend() == chosen


def test_the_way_that_is_asked_for_is_the_only_one_tried(monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", works("egl", "osmesa"))
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    assert find_gl_backend() == "osmesa"
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(CannotRender, match=r"\(glfw: no glfw\)"):
        find_gl_backend()


def test_where_none_works_each_is_named_with_its_reason(monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", works())
    with pytest.raises(CannotRender) as raised:
        find_gl_backend()
    said = str(raised.value)
    assert "egl: no egl; osmesa: no osmesa; glfw: no glfw" in said
    assert "libosmesa6" in said
    assert "\n" not in said


def test_a_trial_is_made_in_a_process_of_its_own():
    complaint = render._probe_backend("no such way")
    assert "no such way" in complaint
    assert "\n" not in complaint
    assert "MUJOCO_GL" not in os.environ


def test_a_trial_that_hangs_is_given_up(monkeypatch):
    def hang(*arguments, timeout, **options):
        raise subprocess.TimeoutExpired(arguments[0], timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    assert render._probe_backend("egl") == "no picture after 60 s"


def test_preparing_sets_mujocos_way_for_mujoco_only(monkeypatch):
    monkeypatch.setattr(render, "_probe_backend", works("osmesa"))
    assert prepare_rendering(make_env("Pendulum-v1")) == 30.0
    assert "MUJOCO_GL" not in os.environ
    assert prepare_rendering(make_env("HalfCheetah-v5")) == 20.0
    assert os.environ["MUJOCO_GL"] == "osmesa"
    assert os.environ["SDL_NO_SIGNAL_HANDLERS"] == "1"


def test_a_speed_that_is_not_given_is_30():
    class Still(gym.Env):
        metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    assert prepare_rendering(Still()) == 30.0
    check_renderable("Still", Still())


def test_an_environment_without_pictures_is_refused():
    class Blind(gym.Env):
        metadata = {"render_modes": ["human", "ansi"]}  # noqa: RUF012

    with pytest.raises(ValueError, match="'Blind' cannot be rendered; found render modes: human, ansi; required: rgb"):
        check_renderable("Blind", Blind())
    with pytest.raises(ValueError, match="found render modes: none"):
        check_renderable("Bare", gym.Env())
