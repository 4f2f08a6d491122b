"""Rendering of an environment into a window or, if none can be opened, into a video."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from utils.display.video import Video
from utils.display.window import NoWindow, Pace, Window

MIN_SIDE_PIXELS = 240
"""Length of a frame's shorter side below which the frame is enlarged, pixels."""

log = logging.getLogger("policy_params")


class FrameSink(Protocol):
    """A consumer of frames of one size."""

    def show(self, frame: np.ndarray) -> str | None:
        """Show a frame (H, W, 3) uint8. Returns why no further frame is wanted, or None."""

    def close(self) -> None:
        """Finish; no frame follows."""


def prepare_frame(frame: object) -> np.ndarray:
    """Return a frame (h, w, 3) as sinks need it: (H, W, 3), not too small, with even H and W for video.

    Raises ValueError if the frame is not an array (h, w, 3) of uint8.
    """
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        found = f"{frame.dtype}{list(frame.shape)}" if isinstance(frame, np.ndarray) else type(frame).__name__
        raise ValueError(f"found a frame {found}; allowed: uint8[h, w, 3]")
    factor = -(-MIN_SIDE_PIXELS // min(frame.shape[:2]))
    frame = frame.repeat(factor, 0).repeat(factor, 1) if factor > 1 else frame
    height, width, _ = frame.shape
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")


class Camera:
    """A renderer of an environment into a sink, which is opened for the first frame."""

    def __init__(self, env: Any, make_sink: Callable[[np.ndarray], FrameSink]) -> None:
        """Prepare to render; nothing is opened yet.

        env: a gymnasium environment with render mode rgb_array.  make_sink: opens a sink, given the first frame.
        """
        self._env, self._make_sink = env, make_sink
        self._sink: FrameSink | None = None

    @property
    def is_open(self) -> bool:
        """Whether a frame has been shown."""
        return self._sink is not None

    def update(self) -> str | None:
        """Show the environment's current state. Returns why no further frame is wanted, or None.

        Raises OSError if a package needed for rendering is not installed, and whatever the sink raises.
        """
        frame = prepare_frame(self._render())
        if self._sink is None:
            self._sink = self._make_sink(frame)
        return self._sink.show(frame)

    def _render(self) -> object:
        try:
            return self._env.render()
        except Exception as error:
            if isinstance(error, ImportError) or isinstance(error.__cause__, ImportError):  # The latter in gymnasium.
                raise OSError(f"nothing can be drawn: {error}") from error
            raise

    def close(self) -> None:
        """Close the sink, if one is open."""
        if self._sink is not None:
            self._sink.close()


def open_sink(frame: np.ndarray, title: str, fps: float, video: Path, max_frames: int | None) -> FrameSink:
    """Return a window or, if none can be opened, a video of at most `max_frames` frames.

    frame: any frame; all frames have its size.  fps: frames per second.  max_frames: None for no limit.
    Raises OSError if the video cannot be written.
    """
    try:
        return Window(title, frame, Pace(fps))
    except NoWindow as reason:
        limit = f", at most {max_frames} frames" if max_frames else ""
        log.info("no window: %s; recording %s%s", reason, video, limit)
        return Video(video, fps, frame, max_frames)
