"""Monitoring a run while it trains: a watcher that shows one environment after each step.

Monitoring changes nothing that is computed: it renders the environment and never steps it. An error is reported and
ends the monitoring, not the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from utils.display.camera import Camera, FrameSink, open_sink
from utils.display.video import MAX_VIDEO_FRAMES
from utils.training.stack import Watcher

log = logging.getLogger("policy_params")


@dataclass(frozen=True)
class Scene:
    """A gymnasium environment to show, of render mode rgb_array.

    prepare: prepares this process for rendering and returns the frames per second; raises OSError if rendering fails.
    title: the window's title.
    video: the file that is written if no window can be opened.
    """

    env: Any
    prepare: Callable[[Any], float]
    title: str
    video: Path


class Monitor:
    """A display of the first slot's environment, from a timestep until the window is closed or the video is full."""

    def __init__(self, scene: Scene, after: int = 0) -> None:
        """Prepare rendering.

        after: training timesteps before the first frame.
        """
        self._scene, self._after = scene, after
        self._timestep = 0
        self._camera = Camera(scene.env, self._open)
        self._over = False
        with self._report_errors():
            self._fps = scene.prepare(scene.env)

    def stepped(self, steps: int) -> None:
        """Show the environment after `steps` more training steps."""
        self._timestep += steps
        if self._over or self._timestep <= self._after:
            return
        with self._report_errors():
            enough = self._camera.update()
            if enough:
                self._end(enough)

    def resumed(self, timestep: int) -> None:
        """Note the timestep from which the run resumes."""
        self._timestep = timestep

    def _open(self, frame: np.ndarray) -> FrameSink:
        return open_sink(frame, self._scene.title, self._fps, self._scene.video, MAX_VIDEO_FRAMES)

    def left(self, slot: int) -> None:
        """End the monitoring if the shown run has ended."""
        if slot == 0:
            self._end(
                "the run has ended" if self._camera.is_open else f"the run has ended before timestep {self._after + 1}"
            )

    def close(self) -> None:
        """End the monitoring when training is over, for whatever reason."""
        self._end("training was interrupted")
        with self._report_errors():
            self._scene.env.close()

    def _end(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        log.info("monitoring ended at timestep %d: %s", self._timestep, why)
        with self._report_errors():
            self._camera.close()

    @contextmanager
    def _report_errors(self) -> Iterator[None]:
        """Report errors and end the monitoring: training must not fail because of a picture."""
        try:
            yield
        except OSError as error:
            log.error("monitoring: %s", error)
            self._end("an error")
        except Exception:  # Drivers, encoders and environments may raise anything.
            log.exception("monitoring: unexpected error")
            self._end("an error")


@contextmanager
def monitoring(watcher: Watcher, scene: Scene, after: int) -> Iterator[Watcher]:
    """Return a watcher that forwards to the given one and also shows the scene."""
    with closing(Monitor(scene, after)) as monitor:

        def stepped(steps: int) -> None:
            watcher.stepped(steps)
            monitor.stepped(steps)

        def left(slot: int) -> None:
            watcher.left(slot)
            monitor.left(slot)

        yield replace(watcher, stepped=stepped, left=left, resumed=monitor.resumed)
