"""The monitor with a fake environment and sink: which steps it shows, how it ends, and that it harms no run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils.training import monitor
from utils.training.loop import Watcher
from utils.training.monitor import Monitor, Scene, monitoring


class World:
    """Environment and sink in one; the brightness of a picture is the number of pictures before it."""

    def __init__(self, enough_at: int | None = None, fails_at: int | None = None, error: BaseException | None = None):
        self.enough_at, self.fails_at, self.error = enough_at, fails_at, error
        self.taken, self.shown, self.closed, self.env_closed, self.prepared = 0, [], 0, 0, 0
        self.env = self

    def prepare(self, env) -> float:
        self.prepared += 1
        if self.fails_at == 0:
            raise self.error or RuntimeError
        return 30.0

    def render(self) -> np.ndarray:
        self.taken += 1
        if self.taken == self.fails_at:
            raise self.error or RuntimeError
        return np.full((240, 240, 3), self.taken, np.uint8)

    def show(self, frame) -> str | None:
        self.shown.append(int(frame[0, 0, 0]))
        return "enough" if len(self.shown) == self.enough_at else None

    def close(self) -> None:
        self.closed += 1


class Env:
    """The environment of a world, so that closing it differs from closing the sink."""

    def __init__(self, world: World) -> None:
        self.world, self.render = world, world.render

    def close(self) -> None:
        self.world.env_closed += 1


@pytest.fixture
def watch(monkeypatch, caplog):
    """Return a function (world, after) -> monitor whose sink is the world."""
    caplog.set_level("INFO")

    def make(world: World, after: int = 0) -> Monitor:
        def open_sink(frame, title, fps, video, most):
            assert (title, fps, video, most) == ("title", 30.0, Path("a.mp4"), monitor.MAX_VIDEO_FRAMES)
            return world

        monkeypatch.setattr(monitor, "open_sink", open_sink)
        return Monitor(scene(world), after)

    return make


def scene(world: World) -> Scene:
    return Scene(Env(world), world.prepare, "title", Path("a.mp4"))


@pytest.mark.parametrize(("after", "shown"), [(0, 10), (4, 6), (9, 1), (10, 0), (50, 0)])
def test_each_step_after_the_given_one_is_shown_once(after, shown, watch):
    world = World()
    watching = watch(world, after)
    assert world.prepared == 1
    for _ in range(10):
        watching.stepped(1)
    assert world.shown == list(range(1, shown + 1))


def test_a_full_sink_is_closed_and_training_continues(watch, caplog):
    world = World(enough_at=3)
    watching = watch(world)
    for _ in range(10):
        watching.stepped(1)
    assert (world.taken, world.shown, world.closed) == (3, [1, 2, 3], 1)
    assert caplog.messages == ["monitoring ended at timestep 3: enough"]
    watching.close()
    assert (world.closed, world.env_closed) == (1, 1)


def test_monitoring_ends_with_the_first_slots_run(watch, caplog):
    world = World()
    watching = watch(world)
    watching.stepped(1)
    watching.left(1)
    watching.stepped(1)
    watching.left(0)
    watching.stepped(1)
    assert (world.shown, world.closed) == ([1, 2], 1)
    assert caplog.messages == ["monitoring ended at timestep 2: the run has ended"]


def test_a_run_that_ends_before_it_is_shown_is_logged(watch, caplog):
    watching = watch(World(), after=5)
    watching.stepped(1)
    watching.left(0)
    assert caplog.messages == ["monitoring ended at timestep 1: the run has ended before timestep 6"]


@pytest.mark.parametrize("error", [OSError("no EGL"), RuntimeError("driver")], ids=["foreseen", "unforeseen"])
@pytest.mark.parametrize("fails_at", [0, 1, 3])
def test_an_error_is_reported_and_ends_the_monitoring_only(fails_at, error, watch, caplog):
    world = World(fails_at=fails_at, error=error)
    watching = watch(world)
    for _ in range(5):
        watching.stepped(1)
    assert (len(world.shown), world.closed) == (max(0, fails_at - 1), 1 if fails_at == 3 else 0)
    first, second = caplog.records
    assert first.levelname == "ERROR"
    assert str(error) in first.getMessage() + str(first.exc_info)
    assert (first.exc_info is None) == isinstance(error, OSError)
    assert second.getMessage() == f"monitoring ended at timestep {fails_at}: an error"


def test_a_video_that_cannot_be_completed_is_reported(watch, caplog, monkeypatch):
    world = World(enough_at=1)
    monkeypatch.setattr(world, "close", lambda: (_ for _ in ()).throw(OSError("a.mp4: no space")))
    watching = watch(world)
    watching.stepped(1)
    watching.stepped(1)
    assert caplog.messages == ["monitoring ended at timestep 1: enough", "monitoring: a.mp4: no space"]


def test_an_interrupt_is_not_an_error_and_closes_the_sink(watch, monkeypatch):
    world = World(fails_at=2, error=KeyboardInterrupt())
    watch(world)

    def train():
        with monitoring(Watcher(), scene(world), 0) as watcher:
            watcher.stepped(1)
            watcher.stepped(1)

    with pytest.raises(KeyboardInterrupt):
        train()
    assert (world.shown, world.closed, world.env_closed) == ([1], 1, 1)


def test_the_other_watcher_receives_every_call(watch):
    calls: list[Any] = []
    world = World()
    watch(world)
    given = Watcher(
        calls.append, lambda *evaluation: calls.append(evaluation), lambda slot: calls.append(f"left {slot}")
    )
    with monitoring(given, scene(world), 0) as watcher:
        watcher.stepped(1)
        watcher.evaluated(5, [1.0])
        watcher.left(0)
    assert calls == [1, (5, [1.0]), "left 0"]
    assert world.shown == [1]
