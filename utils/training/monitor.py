"""Watching a run as it trains: a `utils.training.loop.Watcher`'s part that shows one environment after each step.

Nothing here touches what is computed: an environment's picture is taken, never a step, and whatever
goes wrong is reported and ends the monitoring, not the run.
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
from utils.training.loop import Watcher

log = logging.getLogger("policy_params")


@dataclass(frozen=True)
class Scene:
    """What is shown: a gymnasium environment of render mode rgb_array.

    prepare: readies this process for its pictures and gives their number a second; raises OSError
    where there can be none.  video: the file that takes them where there is no window.
    """

    env: Any
    prepare: Callable[[Any], float]
    title: str
    video: Path


class Monitor:
    """Shows the environment of the stack's first slot from a timestep on, until no more is wanted."""

    def __init__(self, scene: Scene, after: int = 0) -> None:
        """after: training timesteps that pass before the first frame."""
        self._scene, self._after = scene, after
        self._timestep = 0
        self._camera = Camera(scene.env, self._open)
        self._over = False
        with self._harmless():
            self._fps = scene.prepare(scene.env)

    def stepped(self, steps: int) -> None:
        """So many training steps have been made; the environment shows the last of them."""
        self._timestep += steps
        if self._over or self._timestep <= self._after:
            return
        with self._harmless():
            enough = self._camera.update()
            if enough:
                self._end(enough)

    def resumed(self, timestep: int) -> None:
        """The run goes on from here."""
        self._timestep = timestep

    def _open(self, frame: np.ndarray) -> FrameSink:
        return open_sink(frame, self._scene.title, self._fps, self._scene.video, MAX_VIDEO_FRAMES)

    def left(self, slot: int) -> None:
        """The run in a slot has ended; its environment moves no more."""
        if slot == 0:
            self._end(
                "the run has ended" if self._camera.is_open else f"the run has ended before timestep {self._after + 1}"
            )

    def close(self) -> None:
        """Training is over, by whatever cause."""
        self._end("training was cut off")
        with self._harmless():
            self._scene.env.close()

    def _end(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        log.info("monitoring ended at timestep %d: %s", self._timestep, why)
        with self._harmless():
            self._camera.close()

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Report what goes wrong and end the monitoring: days of training must not hang on a picture."""
        try:
            yield
        except OSError as error:
            log.error("monitoring: %s", error)
            self._end("an error")
        except Exception:  # Drivers, encoders and environments raise what they please.
            log.exception("monitoring: unforeseen error")
            self._end("an error")


@contextmanager
def monitoring(watcher: Watcher, scene: Scene, after: int) -> Iterator[Watcher]:
    """A watcher that is told what the given one is, and shows the scene besides."""
    with closing(Monitor(scene, after)) as monitor:

        def stepped(steps: int) -> None:
            watcher.stepped(steps)
            monitor.stepped(steps)

        def left(slot: int) -> None:
            watcher.left(slot)
            monitor.left(slot)

        yield replace(watcher, stepped=stepped, left=left, resumed=monitor.resumed)
