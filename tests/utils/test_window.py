"""The window, on SDL's dummy driver; its pace, on a clock of the test's own."""

from __future__ import annotations

import numpy as np
import pytest

from utils.window import NoWindow, Pace, Window


class Clock:
    """Time that passes only by sleeping, or where the test says so."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self, fps: float) -> Pace:
        return Pace(fps, self, self.sleep)


def test_a_fast_caller_is_held_to_the_pace():
    clock = Clock()
    pace = clock.pace(fps=4.0)
    for _ in range(3):
        clock.now += 0.125
        pace.wait()
    assert clock.slept == [0.125] * 3
    assert clock.now == 100.75


def test_a_slow_caller_does_not_wait_and_lost_time_is_not_made_up_for():
    clock = Clock()
    pace = clock.pace(fps=4.0)
    clock.now += 10.0
    pace.wait()
    assert clock.slept == []
    clock.now += 0.125
    pace.wait()
    assert clock.slept == [0.125]


@pytest.fixture
def display(monkeypatch):
    """A display that SDL's dummy driver stands for. Gives pygame; takes the window away at the end."""
    monkeypatch.setenv("DISPLAY", ":dummy")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    import pygame

    yield pygame
    pygame.display.quit()


def picture(seed: int = 0) -> np.ndarray:
    """(20, 30, 3)."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (20, 30, 3), np.uint8)


def test_it_shows_each_frame_for_its_time(display):
    clock = Clock()
    window = Window("a title", picture(), clock.pace(fps=50.0))
    assert display.display.get_caption()[0] == "a title"
    for seed in range(3):
        assert window.show(picture(seed)) is None
        shown = display.surfarray.array3d(display.display.get_surface()).swapaxes(0, 1)
        np.testing.assert_array_equal(shown, picture(seed))
    np.testing.assert_allclose(clock.slept, [0.02] * 3, rtol=1e-9)


def test_closing_it_ends_the_showing(display):
    window = Window("", picture(), Clock().pace(50.0))
    assert window.show(picture()) is None
    display.event.post(display.event.Event(display.KEYDOWN, key=display.K_a))
    assert window.show(picture()) is None
    display.event.post(display.event.Event(display.QUIT))
    assert window.show(picture()) == "the window was closed"
    window.close()
    assert not display.display.get_init()


def test_without_a_display_there_is_none(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    with pytest.raises(NoWindow, match="neither DISPLAY nor WAYLAND_DISPLAY"):
        Window("", picture(), Clock().pace(50.0))


def test_a_display_that_cannot_be_reached_is_none(monkeypatch):
    """SDL would draw to nowhere."""
    import pygame

    pygame.display.quit()
    monkeypatch.setenv("DISPLAY", "localhost:7654")
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(NoWindow):
        Window("", picture(), Clock().pace(50.0))
    assert not pygame.display.get_init()


def test_without_pygame_there_is_none(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":dummy")
    monkeypatch.setitem(__import__("sys").modules, "pygame", None)
    with pytest.raises(NoWindow, match="pygame"):
        Window("", picture(), Clock().pace(50.0))
