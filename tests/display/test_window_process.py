"""The window's process, run inside the test process with SDL's dummy driver."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from utils.display import window_process
from utils.display.window_process import open_window, show_frames

SIZE = (30, 20)
"""Width and height."""


def picture(seed: int = 0) -> np.ndarray:
    """Return a random frame (20, 30, 3)."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture
def pygame(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = open_window("a title", *SIZE)
    yield pygame
    pygame.display.quit()


@pytest.fixture
def pipe():
    """A pipe's reading end as a file and its writing end as a descriptor."""
    end, start = os.pipe()
    with open(end, "rb", buffering=0) as frames:
        yield frames, start


def shown(pygame) -> np.ndarray:
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def test_the_last_frame_remains_when_the_input_ends(pygame, pipe):
    frames, start = pipe
    assert pygame.display.get_caption()[0] == "a title"
    os.write(start, picture(0).tobytes() + picture(1).tobytes())
    os.close(start)
    show_frames(pygame, frames)
    np.testing.assert_array_equal(shown(pygame), picture(1))


def test_a_frame_that_arrives_in_parts_is_assembled(pygame, pipe):
    frames, start = pipe
    content = picture(2).tobytes()
    os.write(start, content[:700])

    def rest():
        os.write(start, content[700:])
        os.close(start)

    threading.Timer(0.05, rest).start()
    show_frames(pygame, frames)
    np.testing.assert_array_equal(shown(pygame), picture(2))


def test_an_incomplete_frame_is_not_shown(pygame, pipe):
    frames, start = pipe
    os.write(start, picture(3).tobytes()[:-1])
    os.close(start)
    show_frames(pygame, frames)
    assert (shown(pygame) == 0).all()


def test_closing_the_window_ends_the_process_although_no_frame_arrives(pygame, pipe):
    frames, start = pipe
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a))
    closing = threading.Timer(0.1, lambda: pygame.event.post(pygame.event.Event(pygame.QUIT)))
    closing.start()
    show_frames(pygame, frames)
    assert not closing.is_alive()
    os.close(start)


def test_an_unreachable_display_is_reported(monkeypatch, capsys):
    """SDL would fall back to an off-screen driver."""
    monkeypatch.setenv("DISPLAY", "localhost:7654")
    for name in ("SDL_VIDEODRIVER", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    window_process.main("", "30", "20")
    (line,) = capsys.readouterr().out.splitlines()
    assert line != window_process.OPEN


def test_a_missing_pygame_is_reported(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "pygame", None)
    window_process.main("", "30", "20")
    assert "pygame" in capsys.readouterr().out
