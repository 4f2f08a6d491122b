"""A window that shows frames at a steady rate.

The window runs in a separate process, `utils.display.window_process`, so that a display failure cannot end a run. This
process imports no window library.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from utils.display.window_process import OPEN

COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("window_process.py")))
"""Command of the window's process; with -P, files in its directory do not hide standard modules of the same name."""

TIMEOUT_SECONDS = 20.0
"""Time after which a window that does not open or accepts no frame is given up, s."""


class NoWindow(Exception):
    """Error whose message explains why no window can be opened."""


class Pace:
    """Rate limiter: `wait` returns at most `fps` times per second, without catching up on lost time."""

    def __init__(
        self, fps: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Start the first period.  clock: returns seconds.  sleep: takes seconds."""
        self._period, self._clock, self._sleep = 1.0 / fps, clock, sleep
        self._due = clock()

    def wait(self) -> None:
        """Return one period after the last return, or at once if that time has passed."""
        self._due += self._period
        early = self._due - self._clock()
        if early > 0:
            self._sleep(early)
        else:
            self._due -= early


class Window:
    """A window that shows frames at a given rate until it is closed."""

    def __init__(self, title: str, frame: np.ndarray, pace: Pace) -> None:
        """Open a window.  frame: any frame (H, W, 3); all have its size.  Raises NoWindow if it fails."""
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise NoWindow("neither DISPLAY nor WAYLAND_DISPLAY is set")
        self._pace = pace
        height, width, _ = frame.shape
        self._process = subprocess.Popen(
            [*COMMAND, title, str(width), str(height)], env=_process_environment(), bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._input = self._process.stdin.fileno()
        os.set_blocking(self._input, False)
        answer = self._read_answer()
        if answer != OPEN:
            self.close()
            raise NoWindow(answer)

    def _read_answer(self) -> str:
        """Return the first line the process prints, or why it printed none."""
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], TIMEOUT_SECONDS)[0]:
            return f"it did not open within {TIMEOUT_SECONDS:.0f} s"
        return output.readline().decode().strip() or "its process ended"

    def show(self, frame: np.ndarray) -> str | None:
        """Show a frame (H, W, 3) uint8 for one period. Returns why no further frame is wanted, or None."""
        unsent = memoryview(frame.tobytes())
        try:
            while unsent:
                if not select.select([], [self._input], [], TIMEOUT_SECONDS)[1]:
                    return f"the window accepted no frame for {TIMEOUT_SECONDS:.0f} s"
                unsent = unsent[os.write(self._input, unsent) :]
        except BrokenPipeError:
            code = self._process.wait()
            return "the window was closed" if code == 0 else f"the window was lost (exit code {code})"
        self._pace.wait()
        return None

    def close(self) -> None:
        """Close the window and end its process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def _process_environment() -> dict[str, str]:
    """Return the process's environment variables, without the "dummy" driver used here for off-screen rendering."""
    return {k: v for k, v in os.environ.items() if (k, v) != ("SDL_VIDEODRIVER", "dummy")}
