"""The process of a window, started by `utils.display.window`.

Usage: python utils/display/window_process.py TITLE WIDTH HEIGHT < frames

It reads frames of WIDTH x HEIGHT RGB bytes from standard input and shows each as it arrives. Its first line of output
is `open`, or the reason why no window can be opened. It exits when its window is closed or its input ends. It is a
separate process because a lost display, or a conflict between two users of OpenGL, ends the process it occurs in.
"""

from __future__ import annotations

import os
import select
import sys
from typing import IO, Any

OPEN = "open"
"""First line of output after a window was opened."""

OFFSCREEN_DRIVERS = ("offscreen", "dummy")
"""SDL drivers without a screen; SDL falls back to them if a display cannot be reached."""

EVENT_POLL_SECONDS = 0.02
"""Interval at which the window's events are checked while no frame arrives, s."""


def open_window(title: str, width: int, height: int) -> Any:
    """Open a window and return the pygame module.

    Raises ImportError, or RuntimeError if the display cannot be reached.
    """
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    import pygame

    pygame.display.init()
    if pygame.display.get_driver() in OFFSCREEN_DRIVERS and not os.environ.get("SDL_VIDEODRIVER"):
        pygame.display.quit()
        raise RuntimeError("the display cannot be reached")
    pygame.display.set_mode((width, height))
    pygame.display.set_caption(title)
    return pygame


def show_frames(pygame: Any, frames: IO[bytes]) -> None:
    """Show frames until the input ends or the window is closed.  frames: unbuffered."""
    surface = pygame.display.get_surface()
    size = surface.get_size()
    while not pygame.event.get(pygame.QUIT):
        pygame.event.clear()
        if not select.select([frames], [], [], EVENT_POLL_SECONDS)[0]:
            continue
        frame = _read_frame(frames, 3 * size[0] * size[1])
        if frame is None:
            return
        surface.blit(pygame.image.frombuffer(frame, size, "RGB"), (0, 0))
        pygame.display.flip()


def _read_frame(frames: IO[bytes], size: int) -> bytes | None:
    """Return the next `size` bytes, or None if fewer are left."""
    frame = bytearray()
    while len(frame) < size:
        part = frames.read(size - len(frame))
        if not part:
            return None
        frame += part
    return bytes(frame)


def main(title: str, width: str, height: str) -> None:
    """Run the process: open a window and show frames from standard input."""
    try:
        pygame = open_window(title, int(width), int(height))
    except (ImportError, RuntimeError) as error:  # pygame.error is a RuntimeError.
        print(" ".join(str(error).split()), flush=True)
        return
    print(OPEN, flush=True)
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as frames:
        show_frames(pygame, frames)


if __name__ == "__main__":
    main(*sys.argv[1:])
