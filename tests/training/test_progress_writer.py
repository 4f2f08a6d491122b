"""Progress files as training writes them: by value, through kills, stops and full disks; no bit of a run changes."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.experiments import make_experiment
from tests.training.test_bits import PENDULUM
from utils.core.interrupt import Stopped
from utils.results.progress_file import (
    CALL_ENDING,
    list_progress,
    progress_path,
    read_call,
    read_progress,
)
from utils.training import progress_writer
from utils.training.progress_writer import ProgressWriter, Written, call_file, new_lines
from utils.training.run_record import RunRecord


class Clock:
    """A clock, in seconds, that tests set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def grow(record: RunRecord, steps: int) -> None:
    """Let a run make steps in episodes of 4, with a window at every 5th and an evaluation at every 10th step."""
    for _ in range(steps):
        record.add_step(-1.0, ended=(record.timesteps + 1) % 4 == 0)
        if record.timesteps % 5 == 0:
            record.add_diagnostics({"q": record.timesteps / 10})
        if record.timesteps % 10 == 0:
            record.add_evaluation([-2.0, -float(record.timesteps)], [7, 9])


@pytest.fixture
def experiment(tmp_path):
    return make_experiment(PENDULUM, {"hidden_dim": [8]}, tmp_path)


@pytest.fixture
def stack(experiment):
    """Two runs, their empty records, a clock and a writer."""
    runs, clock = [experiment.run(index) for index in (0, 1)], Clock()
    return runs, [RunRecord(), RunRecord()], clock, ProgressWriter(experiment, runs, clock=clock)


def paths(runs) -> list[Path]:
    return [progress_path(run.file.directory, run.key) for run in runs]


def train_until_stopped(writer: ProgressWriter, records: list[RunRecord], steps: int) -> None:
    """Let the first run make steps in a process that is then asked to stop."""
    with suppress(Stopped), writer.writing(records, "eager"):
        grow(records[0], steps)
        raise Stopped


def step(writer: ProgressWriter, clock: Clock, seconds: float) -> None:
    """Make a step that takes this long."""
    clock.now += seconds
    writer.stepped(1)


class TestLines:
    def test_values(self):
        record = RunRecord()
        record.add_evaluation([-1.0], [3])
        grow(record, 12)
        content, written = new_lines(record, Written())
        lines = [{k: v for k, v in json.loads(line).items() if k != "time"} for line in content.splitlines()]
        assert lines == [
            {"timestep": 0, "evaluation": [-1.0]},
            {"timestep": 5, "window": {"q": 0.5}, "train_episodes": 1, "train_return": -4.0},
            {
                "timestep": 10, "evaluation": [-2.0, -10.0], "window": {"q": 1.0}, "train_episodes": 1,
                "train_return": -4.0,
            },
        ]  # fmt: skip
        assert written == Written(evaluations=2, windows=2, episodes=2, steps=8)
        assert new_lines(record, written) == (b"", written)

    def test_in_any_number_of_parts_the_values_are_the_same(self):
        whole, parts, written, content = RunRecord(), RunRecord(), Written(), b""
        grow(whole, 63)
        for steps in (3, 7, 1, 20, 32):
            grow(parts, steps)
            more, written = new_lines(parts, written)
            content += more

        def values(text: bytes) -> list[dict]:
            return [json.loads(line) | {"time": 0} for line in text.splitlines()]

        assert values(content) == values(new_lines(whole, Written())[0])


class TestWriting:
    def test_at_most_once_a_second(self, stack):
        runs, records, clock, writer = stack
        with writer.writing(records, "eager"):
            sizes = []
            for _ in range(30):
                for record in records:
                    grow(record, 10)
                step(writer, clock, 0.11)
                sizes.append(tuple(path.stat().st_size for path in paths(runs)))
            assert 3 <= len(set(sizes)) <= 5
            step(writer, clock, 2.0)
            step(writer, clock, 2.0)
            found = [read_progress(path) for path in paths(runs)]
        assert [one.timestep for one in found] == [300, 300]
        assert [one.header["run_number"] for one in found] == [0, 1]
        assert list(found[1].evaluations) == list(range(10, 301, 10))

    def test_a_slow_file_system_is_written_less_often(self, stack, monkeypatch):
        """A write of two files takes 0.1 s, so that the next one is 25 s later."""
        _, records, clock, writer = stack
        times = []

        def slow(*_: object) -> None:
            times.append(clock.now)
            clock.now += 0.05

        with writer.writing(records, "eager"):
            monkeypatch.setattr(progress_writer, "append_lines", slow)
            for _ in range(100):
                for record in records:
                    grow(record, 10)
                step(writer, clock, 1.0)
        starts = times[::2]
        assert all(25.0 <= b - a <= 27.5 for a, b in pairwise(starts))
        assert len(starts) >= 4

    def test_short_steps_rarely_look_at_the_clock(self, experiment):
        looks = []

        def clock() -> float:
            looks.append(0)
            return len(steps) * 1e-4

        steps: list[int] = []
        writer = ProgressWriter(experiment, [experiment.run(0)], steps.append, clock)
        with writer.writing([RunRecord()], "eager"):
            for _ in range(100_000):
                writer.stepped(1)
        assert len(steps) == 100_000
        assert len(looks) < 300

    def test_a_run_that_has_ended_is_written_no_more(self, stack):
        runs, records, clock, writer = stack
        with writer.writing(records, "eager"):
            writer.end(0, remove=True)
            writer.end(1)
            for record in records:
                grow(record, 10)
            step(writer, clock, 9.0)
            step(writer, clock, 9.0)
        assert [path.exists() for path in paths(runs)] == [False, True]
        assert read_progress(paths(runs)[1]).evaluations == {}

    def test_a_stop_is_noted_with_everything_so_far(self, stack):
        runs, records, _, writer = stack
        train_until_stopped(writer, records, 11)
        found = read_progress(paths(runs)[0])
        assert (found.timestep, found.stopped, list(found.evaluations)) == (11, "stopped", [10])

    def test_lines_beyond_a_checkpoint_are_gone_when_a_run_resumes(self, stack, experiment):
        runs, records, _, writer = stack
        train_until_stopped(writer, records, 40)
        resumed = RunRecord()
        grow(resumed, 20)
        with ProgressWriter(experiment, runs).writing([resumed, RunRecord()], "eager"):
            found = read_progress(paths(runs)[0])
        assert (found.header["timestep"], found.timestep, found.stopped) == (20, 20, "")
        assert list(found.evaluations) == [10, 20]
        assert list(found.windows) == [5, 10, 15, 20]

    def test_files_that_someone_removed_are_written_whole(self, stack):
        runs, records, clock, writer = stack
        with writer.writing(records, "eager"):
            grow(records[0], 10)
            step(writer, clock, 2.0)
            for path in paths(runs):
                path.unlink()
            paths(runs)[0].parent.rmdir()
            grow(records[0], 10)
            step(writer, clock, 2.0)
            assert list(read_progress(paths(runs)[0]).evaluations) == [10, 20]


class TestFullDisk:
    def test_nothing_is_lost_and_one_line_says_so(self, stack, monkeypatch, caplog):
        """The disk is full for a while: first nothing is written, then a part, then all."""
        runs, records, clock, writer = stack
        write, space = os.write, [0, 40]

        def full(descriptor: int, content: bytes) -> int:
            if not space:
                return write(descriptor, content)
            size = space.pop(0)
            if not size:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, content[:size])

        with writer.writing(records, "eager"):
            monkeypatch.setattr(os, "write", full)
            for _ in range(4):
                grow(records[0], 10)
                step(writer, clock, 2.0)
            monkeypatch.undo()
            found = read_progress(paths(runs)[0])
        assert list(found.evaluations) == [10, 20, 30, 40]
        assert list(found.windows) == list(range(5, 41, 5))
        assert caplog.text.count("progress files cannot be written (No space left on device); training continues") == 1


def test_a_call_says_what_it_will_train(experiment):
    runs = [experiment.run(index) for index in (3, 0)]
    dead = experiment.directory / "progress" / f"{os.uname().nodename}.{dead_process()}.call"
    dead.parent.mkdir(parents=True)
    dead.touch()
    with call_file(experiment, runs):
        [file] = list_progress(experiment.directory, CALL_ENDING)
        call = read_call(file)
    assert call is not None
    assert (call["index"], call["run_number"], call["key"]) == ([3, 0], [3, 0], [run.key for run in runs])
    assert call["writer"]["process"] == os.getpid()
    assert not dead.parent.exists()


def dead_process() -> int:
    """Return the id of a process that has ended."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    return child


def test_twenty_kills_leave_readable_files(experiment):
    """A process that writes all the time is killed; each time, every line in the file is complete and in order."""
    runs, draw = [experiment.run(0)], random.Random(0)
    [path] = paths(runs)
    for _ in range(20):
        child = os.fork()
        if not child:
            write_forever(experiment, runs)
        while not path.exists():
            time.sleep(0.001)
        time.sleep(draw.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = read_progress(path)
        if found is not None:
            assert sorted(found.evaluations) == list(range(10, 10 * len(found.evaluations) + 1, 10))
            assert sorted(found.windows) == list(range(5, 5 * len(found.windows) + 1, 5))
        path.unlink()


def write_forever(experiment, runs) -> None:
    """Write without a pause, in a process that a test kills."""
    try:
        clock, record = Clock(), RunRecord()
        writer = ProgressWriter(experiment, runs, clock=clock)
        with writer.writing([record], "eager"):
            while True:
                grow(record, 20)
                step(writer, clock, 2.0)
    finally:
        os._exit(1)
