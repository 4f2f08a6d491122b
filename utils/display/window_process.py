"""The process that a window lives in:  python utils/screen.py TITLE WIDTH HEIGHT < frames

It reads frames of WIDTH x HEIGHT RGB bytes from its standard input and shows each as it comes. Its
first line of output is `open`, or why it cannot be. It ends when its window is closed or its input
ends. It stands apart because a display that goes away, or two users of OpenGL at odds, end the
process they meet; `utils.display.window` is its other end.
"""

from __future__ import annotations

import os
import select
import sys
from typing import IO, Any

OPEN = "open"

UNSEEN = ("offscreen", "dummy")
"""SDL's drivers without a screen. It takes to them of itself where a display cannot be reached."""

GLANCE_SECONDS = 0.02
"""Between looks at the window's events while no frame comes."""


def open_window(title: str, width: int, height: int) -> Any:
    """pygame, with a window open.  Raises ImportError, or RuntimeError where the display cannot be reached."""
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    import pygame

    pygame.display.init()
    if pygame.display.get_driver() in UNSEEN and not os.environ.get("SDL_VIDEODRIVER"):
        pygame.display.quit()
        raise RuntimeError("the display cannot be reached")
    pygame.display.set_mode((width, height))
    pygame.display.set_caption(title)
    return pygame


def show_all(pygame: Any, frames: IO[bytes]) -> None:
    """Show frames until they end or the window is closed.  frames: unbuffered."""
    surface = pygame.display.get_surface()
    size = surface.get_size()
    while not pygame.event.get(pygame.QUIT):
        pygame.event.clear()
        if not select.select([frames], [], [], GLANCE_SECONDS)[0]:
            continue
        frame = _read(frames, 3 * size[0] * size[1])
        if frame is None:
            return
        surface.blit(pygame.image.frombuffer(frame, size, "RGB"), (0, 0))
        pygame.display.flip()


def _read(frames: IO[bytes], size: int) -> bytes | None:
    """So many bytes, or None where fewer are left."""
    frame = bytearray()
    while len(frame) < size:
        part = frames.read(size - len(frame))
        if not part:
            return None
        frame += part
    return bytes(frame)


def main(title: str, width: str, height: str) -> None:
    """The process."""
    try:
        pygame = open_window(title, int(width), int(height))
    except (ImportError, RuntimeError) as error:  # pygame.error is a RuntimeError.
        print(" ".join(str(error).split()), flush=True)
        return
    print(OPEN, flush=True)
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as frames:
        show_all(pygame, frames)


if __name__ == "__main__":
    main(*sys.argv[1:])
