"""The progress of a call, measured by a clock that tests set."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest
from tqdm import tqdm

from utils.training.progress import Evaluation, SweepProgress, evaluations_shown

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    """A clock, in seconds, that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_line_each_minute(clock, caplog):
    """Stacks of 3 and 2 runs of 100 timesteps each: 500 run-steps."""
    progress = SweepProgress([3, 2], [100, 100], tqdm(disable=True), clock)
    with caplog.at_level("INFO"):
        for clock.now, stack, timesteps in ((30, 0, 10), (60, 0, 20), (90, 1, 15), (119, 1, 1), (120, 0, 70)):
            progress.add_steps(stack, timesteps)
        progress.end_stack(0, done=3)
        clock.now = 180
        progress.add_steps(1, 24)
    assert caplog.messages == [
        "0 of 5 runs done, 2 run-steps/s, 04:33 left",
        "0 of 5 runs done, 3 run-steps/s, 01:00 left",
        "3 of 5 runs done, 2 run-steps/s, 00:56 left",
    ]


def test_the_remaining_steps_of_a_failed_stack_are_not_counted(clock):
    progress = SweepProgress([1, 1], [100, 100], tqdm(disable=True), clock)
    progress.add_steps(0, 40)
    progress.end_stack(0, done=0)
    clock.now = 10
    assert progress.format_line() == "0 of 2 runs done, 4 run-steps/s, 00:25 left"
    progress.add_steps(1, 100)
    progress.end_stack(1, done=1)
    assert progress.format_line() == "1 of 2 runs done, 14 run-steps/s"


def test_before_the_first_step_there_is_no_time_left(clock):
    assert SweepProgress([2], [100], tqdm(disable=True), clock).format_line() == "0 of 2 runs done, 0 run-steps/s"


def test_on_a_terminal_one_bar_counts_all_runs(clock, caplog):
    screen = io.StringIO()
    with tqdm(total=500, file=screen, mininterval=0, miniters=1) as bar, caplog.at_level("INFO"):
        progress = SweepProgress([3, 2], [100, 100], bar, clock)
        clock.now = 1000
        progress.add_steps(0, 10)
        progress.add_steps(1, 10)
        assert (bar.n, bar.total) == (50, 500)
        progress.end_stack(1, done=2)
        assert (bar.n, bar.total) == (50, 320)
    assert "2 of 5 runs done" in screen.getvalue()
    assert caplog.messages == []


def test_runs_of_another_process_are_not_counted_as_done(clock):
    """Of a stack of 3 runs, another process trains 2."""
    progress = SweepProgress([3, 2], [100, 100], tqdm(disable=True), clock)
    progress.end_stack(0, done=1, elsewhere=2)
    progress.end_stack(1, done=2)
    assert progress.format_line() == "3 of 5 runs done, 2 left to another process, 0 run-steps/s"


def test_the_latest_returns_stand_beside_the_bar(clock):
    """Records with an evaluation come from any process, and are shown only while the block runs."""
    screen = io.StringIO()
    log = logging.getLogger("policy_params")
    with tqdm(total=500, file=screen, mininterval=0, miniters=1) as bar:
        progress = SweepProgress([3, 2], [100, 100], bar, clock)
        with evaluations_shown(progress.show_evaluation):
            log.warning("an evaluation", extra={"evaluation": Evaluation(1000, -165.24, -165.24)})
            log.warning("something else")
            assert bar.postfix == "0 of 5 runs done, return -165.2 at step 1,000"
            log.warning("an evaluation", extra={"evaluation": Evaluation(2000, -1408.2, -12.25)})
            progress.end_stack(0, done=3)
        assert bar.postfix == "3 of 5 runs done, returns -1408.2 to -12.2 at step 2,000"
        log.warning("an evaluation", extra={"evaluation": Evaluation(3000, 1.0, 1.0)})
        assert "at step 2,000" in bar.postfix
    assert "return -165.2" in screen.getvalue()


def test_on_a_terminal_main_shows_the_returns_of_its_processes(files, tmp_path):
    """main.py writes to a pseudo-terminal; two processes train."""
    reader, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 160))
    command = [
        sys.executable, "main.py", "--env-json", files.environment(), "--agent-json", files.agent(), "--runs", "2",
        "--stack", "1", "--jobs", "2", "--save-dir", str(tmp_path / "out"),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=terminal, stderr=terminal, stdin=terminal) as process:
        os.close(terminal)
        screen = b""
        with suppress(OSError):  # Linux reports the closed terminal as an error.
            while content := os.read(reader, 4096):
                screen += content
        assert process.wait() == 0, screen.decode()
    os.close(reader)
    shown = re.findall(r"\[[^]]*, (\d) of 2 runs done, return (-\d+\.\d) at step (\d+)\]", screen.decode())
    logged = re.findall(r"index \d: step (\d+): evaluation return (-\d+\.\d)", screen.decode())
    assert {step for _, _, step in shown} == {"0", "60", "120"}
    assert {value for _, value, _ in shown} <= {value for _, value in logged}
    assert shown[-1][0] == "2"
