"""A window that shows frames, whatever environment they come from, at a pace that can be watched.

The window lives in a process of its own, `utils.display.window_process`, so that nothing that befalls a display can
befall a run; this process imports nothing for it.
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
"""-P, or the files beside it would hide standard modules of the same names."""

PATIENCE = 20.0
"""Seconds until a window that does not open, or takes no frame, is given up."""


class NoWindow(Exception):
    """Says why none can be opened."""


class Pace:
    """Holds whoever waits to `fps` times a second. Time lost is not made up for."""

    def __init__(
        self, fps: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """clock: seconds.  sleep: takes seconds."""
        self._period, self._clock, self._sleep = 1.0 / fps, clock, sleep
        self._due = clock()

    def wait(self) -> None:
        """Return one period after the last return, or at once if that is past."""
        self._due += self._period
        early = self._due - self._clock()
        if early > 0:
            self._sleep(early)
        else:
            self._due -= early


class Window:
    """Shows frames at a pace until it is closed."""

    def __init__(self, title: str, frame: np.ndarray, pace: Pace) -> None:
        """frame: of the size (H, W, 3) of all that will be shown.  Raises NoWindow."""
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise NoWindow("neither DISPLAY nor WAYLAND_DISPLAY is set")
        self._pace = pace
        height, width, _ = frame.shape
        self._process = subprocess.Popen(
            [*COMMAND, title, str(width), str(height)], env=_environment(), bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        self._input = self._process.stdin.fileno()
        os.set_blocking(self._input, False)
        answer = self._answer()
        if answer != OPEN:
            self.close()
            raise NoWindow(answer)

    def _answer(self) -> str:
        """The process's first line, or why there is none."""
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], PATIENCE)[0]:
            return f"it did not open within {PATIENCE:.0f} s"
        return output.readline().decode().strip() or "its process ended"

    def show(self, frame: np.ndarray) -> str | None:
        """frame (H, W, 3) uint8, shown for its time. Returns why no further one is wanted, or None."""
        unsent = memoryview(frame.tobytes())
        try:
            while unsent:
                if not select.select([], [self._input], [], PATIENCE)[1]:
                    return f"the window took no frame for {PATIENCE:.0f} s"
                unsent = unsent[os.write(self._input, unsent) :]
        except BrokenPipeError:
            code = self._process.wait()
            return "the window was closed" if code == 0 else f"the window was lost (exit code {code})"
        self._pace.wait()
        return None

    def close(self) -> None:
        """Take the window away."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def _environment() -> dict[str, str]:
    """The process's variables. "dummy" is what pictures are drawn with here, where nobody is to see them."""
    return {k: v for k, v in os.environ.items() if (k, v) != ("SDL_VIDEODRIVER", "dummy")}
