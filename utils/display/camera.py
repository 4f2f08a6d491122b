"""Where frames go: a window or, where none can be opened, a video."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from utils.display.video import Video
from utils.display.window import NoWindow, Pace, Window

LEAST_SIDE = 240
"""Pixels of a frame's shorter side, below which its pixels are enlarged."""

log = logging.getLogger("policy_params")


class FrameSink(Protocol):
    """Takes frames, all of one size."""

    def show(self, frame: np.ndarray) -> str | None:
        """frame (H, W, 3) uint8. Returns why no further one is wanted, or None."""

    def close(self) -> None:
        """There are no more."""


def viewable(frame: object) -> np.ndarray:
    """A frame (h, w, 3) as a sink takes it: (H, W, 3), not too small, H and W even as video needs them.

    Raises ValueError if it is not an array (h, w, 3) of uint8.
    """
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        found = f"{frame.dtype}{list(frame.shape)}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise ValueError(f"found a frame {found}; allowed: uint8[h, w, 3]")
    times = -(-LEAST_SIDE // min(frame.shape[:2]))
    frame = frame.repeat(times, 0).repeat(times, 1) if times > 1 else frame
    height, width, _ = frame.shape
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")


class Camera:
    """Takes an environment's pictures to a sink, which is opened for the first of them."""

    def __init__(self, env: Any, make_sink: Callable[[np.ndarray], FrameSink]) -> None:
        """env: of render mode rgb_array.  make_sink: handed the first frame."""
        self._env, self._make_sink = env, make_sink
        self._sink: FrameSink | None = None

    @property
    def is_open(self) -> bool:
        """Whether there has been a first frame."""
        return self._sink is not None

    def update(self) -> str | None:
        """Show the environment as it is now. Returns why no further picture is wanted, or None.

        Raises OSError if a package that draws it is not installed, or what the sink raises.
        """
        frame = viewable(self._picture())
        if self._sink is None:
            self._sink = self._make_sink(frame)
        return self._sink.show(frame)

    def _picture(self) -> object:
        try:
            return self._env.render()
        except Exception as error:
            if isinstance(error, ImportError) or isinstance(error.__cause__, ImportError):  # The latter: gymnasium's.
                raise OSError(f"nothing can be drawn: {error}") from error
            raise

    def close(self) -> None:
        """There are no more."""
        if self._sink is not None:
            self._sink.close()


def open_sink(frame: np.ndarray, title: str, fps: float, video: Path, most: int | None) -> FrameSink:
    """A window, or the video of at most so many frames where none can be opened.

    frame: of the size of all that will be shown.  Raises OSError if the video cannot be written.
    """
    try:
        return Window(title, frame, Pace(fps))
    except NoWindow as reason:
        log.info("no window: %s; recording %s", reason, f"{video}{f', {most} frames at most' if most else ''}")
        return Video(video, fps, frame, most)
