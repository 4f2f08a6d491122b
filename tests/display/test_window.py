"""The window, with its process on an off-screen driver or replaced by a script; its rate, on a simulated clock."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from utils.display import window
from utils.display.window import NoWindow, Pace, Window


class Clock:
    """Simulated clock that advances only by sleeping or by assignment."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self, fps: float) -> Pace:
        return Pace(fps, self, self.sleep)


def test_a_fast_caller_is_slowed_down():
    clock = Clock()
    pace = clock.pace(fps=4.0)
    for _ in range(3):
        clock.now += 0.125
        pace.wait()
    assert clock.slept == [0.125] * 3
    assert clock.now == 100.75


def test_a_slow_caller_does_not_wait_and_lost_time_is_not_caught_up():
    clock = Clock()
    pace = clock.pace(fps=4.0)
    clock.now += 10.0
    pace.wait()
    assert clock.slept == []
    clock.now += 0.125
    pace.wait()
    assert clock.slept == [0.125]


@pytest.fixture(autouse=True)
def display(monkeypatch):
    """Simulate a display with SDL's off-screen driver."""
    monkeypatch.setenv("DISPLAY", ":none")
    monkeypatch.setenv("SDL_VIDEODRIVER", "offscreen")


FRAME = np.zeros((240, 320, 3), np.uint8)
"""Frame three times as large as the buffer of a pipe."""


def replace_process(monkeypatch, script: str) -> None:
    """Use a script as the window's process."""
    monkeypatch.setattr(window, "COMMAND", (sys.executable, "-c", script))


def test_each_frame_is_shown_for_one_period():
    clock = Clock()
    shown = Window("a title", FRAME, clock.pace(fps=50.0))
    assert [shown.show(FRAME) for _ in range(5)] == [None] * 5
    np.testing.assert_allclose(clock.slept, [0.02] * 5, rtol=1e-9)
    shown.close()


def test_the_process_receives_title_size_and_frames(monkeypatch, tmp_path):
    got = tmp_path / "got"
    replace_process(
        monkeypatch,
        f"import sys; print('open', flush=True); assert sys.argv[1:] == ['a title', '320', '240']\n"
        f"open({str(got)!r}, 'wb').write(sys.stdin.buffer.read(2 * 240 * 320 * 3))",
    )
    frames = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (2, 240, 320, 3), np.uint8)
    shown = Window("a title", frames[0], Clock().pace(50.0))
    assert [shown.show(frame) for frame in frames] == [None, None]
    shown._process.wait()
    assert got.read_bytes() == frames.tobytes()
    shown.close()


@pytest.mark.parametrize(
    ("code", "message"),
    [(0, "the window was closed"), (3, "the window was lost (exit code 3)")],
    ids=["closed", "lost"],
)
def test_the_end_of_its_process_ends_the_window(code, message, monkeypatch):
    replace_process(
        monkeypatch,
        f"import sys; print('open', flush=True); sys.stdin.buffer.read(2 * 240 * 320 * 3); sys.exit({code})",
    )
    clock = Clock()
    shown = Window("", FRAME, clock.pace(50.0))
    found = [shown.show(FRAME) for _ in range(3)]
    assert found == [None, None, message]
    assert len(clock.slept) == 2
    shown.close()


def test_a_process_that_accepts_no_frame_is_given_up(monkeypatch):
    replace_process(monkeypatch, "import time; print('open', flush=True); time.sleep(60)")
    shown = Window("", FRAME, Clock().pace(50.0))
    monkeypatch.setattr(window, "TIMEOUT_SECONDS", 0.1)
    assert shown.show(FRAME) == "the window accepted no frame for 0 s"
    shown.close()
    assert shown._process.returncode != 0


@pytest.mark.parametrize(
    ("script", "message"),
    [("print('no display')", "no display"), ("", "its process ended"), ("import time; time.sleep(60)", "did not open")],
)
def test_a_process_that_opens_no_window_reports_why(script, message, monkeypatch):
    replace_process(monkeypatch, script)
    monkeypatch.setattr(window, "TIMEOUT_SECONDS", 2.0)
    with pytest.raises(NoWindow, match=message):
        Window("", FRAME, Clock().pace(50.0))


def test_without_a_display_no_window_opens(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    with pytest.raises(NoWindow, match="neither DISPLAY nor WAYLAND_DISPLAY"):
        Window("", FRAME, Clock().pace(50.0))


def test_off_screen_rendering_does_not_affect_the_window(monkeypatch):
    """`env.drawing.render` sets the driver "dummy"; the window's process still tries the display, which is missing."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("DISPLAY", "localhost:7654")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(NoWindow):
        Window("", FRAME, Clock().pace(50.0))
