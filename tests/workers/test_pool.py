"""Pools of processes: which process runs a task, what is reported, and how processes end."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support import pool_tasks
from tests.support.processes import start_interruptible, wait_for
from utils.core.interrupt import Interruption
from utils.workers.pool import Pool, Worker, run_tasks
from utils.workers.worker import REPORT_SECONDS, StepReporter, TaskFailure, TaskOutcome

ROOT = Path(__file__).resolve().parents[2]


def run(tasks, jobs, on_steps=lambda number, steps: None):
    """Run the tasks; return numbers and failures in order of arrival."""
    outcomes = list(run_tasks(pool_tasks.run_task, tasks, jobs, on_steps, Interruption()))
    assert multiprocessing.active_children() == []
    assert not any(outcome.stopped for _, outcome in outcomes)
    return [(number, outcome.failure) for number, outcome in outcomes]


def pids(*paths: Path) -> list[int]:
    return [int(path.read_text()) for path in paths]


def test_one_job_runs_in_this_process_in_order(tmp_path):
    paths = [tmp_path / str(i) for i in range(3)]
    assert run([partial(pool_tasks.write_pid, path) for path in paths], 1) == [(0, None), (1, None), (2, None)]
    assert pids(*paths) == [os.getpid()] * 3


def test_a_single_task_needs_no_other_process(tmp_path):
    run([partial(pool_tasks.write_pid, tmp_path / "0")], 4)
    assert pids(tmp_path / "0") == [os.getpid()]


def test_an_idle_process_takes_the_next_task(tmp_path):
    """The first task lasts until the third is done, so one process must run the second and third."""
    first, second, third = (tmp_path / name for name in "abc")
    tasks = [
        partial(pool_tasks.write_pid_after, third, first),
        partial(pool_tasks.write_pid, second),
        partial(pool_tasks.write_pid, third),
    ]
    first_done, *others = run(tasks, 2)
    assert first_done == (1, None)
    assert sorted(others) == [(0, None), (2, None)]
    a, b, c = pids(first, second, third)
    assert b == c
    assert len({a, b, os.getpid()}) == 3


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_ends_its_task_only(jobs, tmp_path):
    tasks = [pool_tasks.raise_error, pool_tasks.return_reason, partial(pool_tasks.write_pid, tmp_path / "2")]
    failures = dict(run(tasks, jobs))
    assert failures[0].reason == "ValueError: three apples"
    assert failures[0].traceback.startswith("\nTraceback (most recent call last):\n")
    assert failures[0].traceback.endswith("\nValueError: three apples")
    assert failures[1] == TaskFailure("the disk is full")
    assert failures[2] is None


def test_a_process_that_dies_is_reported_and_replaced(tmp_path):
    """With two jobs and four deaths, only new processes can run the last tasks."""
    deaths = [
        partial(pool_tasks.kill_itself, signal.SIGKILL),
        partial(pool_tasks.exit_with, 3),
        partial(pool_tasks.kill_itself, signal.SIGABRT),
        partial(pool_tasks.exit_with, 0),
    ]
    failures = dict(
        run([*deaths, partial(pool_tasks.write_pid, tmp_path / "4"), partial(pool_tasks.write_pid, tmp_path / "5")], 2)
    )
    assert failures[0].reason.startswith("its process was killed, as the system does when memory runs out")
    assert failures[1].reason == "its process exited with code 3"
    assert failures[2].reason == "its process was ended by SIGABRT"
    assert failures[3].reason == "its process exited with code 0"
    assert failures[4] is failures[5] is None
    assert os.getpid() not in pids(tmp_path / "4", tmp_path / "5")


def test_a_process_that_died_before_its_task_is_detected():
    worker = Worker(pool_tasks.run_task)
    worker.process.kill()
    worker.process.join()
    worker.send_task(7, pool_tasks.return_reason)
    outcome = worker.receive(lambda number, steps: None)
    assert outcome is not None
    assert outcome.failure.reason.startswith("its process was killed")


def test_steps_and_log_records_come_through(caplog):
    counts = [0, 0, 0, 0]

    def on_steps(number, steps):
        counts[number] += steps

    tasks = [
        partial(pool_tasks.report_steps, 1000),
        partial(pool_tasks.log_text, "pears"),
        partial(pool_tasks.log_text, "plums"),
        pool_tasks.raise_error,
    ]
    with caplog.at_level("INFO"):
        run(tasks, 2, on_steps)
    assert counts == [1000, 0, 0, 0]
    messages = sorted(record.getMessage() for record in caplog.records if record.name == "policy_params")
    assert messages == ["pears", "plums"]
    assert all(record.process != os.getpid() for record in caplog.records)
    warned = [record.getMessage() for record in caplog.records if record.name == "py.warnings"]
    assert sorted(line.partition("warned: ")[2].split()[0] for line in warned) == ["pears", "plums"]


def test_the_parents_log_level_applies(caplog):
    with caplog.at_level("ERROR"):
        run([partial(pool_tasks.log_text, "pears"), partial(pool_tasks.log_text, "plums")], 2)
    assert [record for record in caplog.records if record.levelno < logging.ERROR] == []


def test_steps_are_sent_together():
    now, sent = 0.0, []
    reporter = StepReporter(sent.append, lambda: now)
    for now in (0.0, REPORT_SECONDS / 2, REPORT_SECONDS, REPORT_SECONDS * 1.5):  # noqa: B007
        reporter(2)
    assert sent == [6]
    reporter.flush()
    reporter.flush()
    assert sent == [6, 2]


def test_an_error_in_the_parent_ends_all_processes(tmp_path):
    paths = [tmp_path / "0.pid", tmp_path / "1.pid"]

    def on_steps(number, steps):
        if all(path.exists() for path in paths):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Pool(pool_tasks.run_task, 2, Interruption()) as pool:
        list(pool.run([partial(pool_tasks.step_until_stopped, path) for path in paths], on_steps))
    assert multiprocessing.active_children() == []
    assert all(path.with_suffix(".saved").exists() for path in paths)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_stop_request_saves_running_tasks_and_starts_no_more(jobs, tmp_path):
    paths, interruption = [tmp_path / f"{i}.pid" for i in range(3)], Interruption()

    def on_steps(number, steps):
        if all(path.exists() for path in paths[:jobs]):
            interruption.request_stop(signal.SIGTERM)

    tasks = [partial(pool_tasks.step_until_stopped, path) for path in paths]
    outcomes = list(run_tasks(pool_tasks.run_task, tasks, jobs, on_steps, interruption))
    assert sorted(outcomes) == [(number, TaskOutcome(stopped=True)) for number in range(jobs)]
    assert [path.with_suffix(".saved").exists() for path in paths] == [i < jobs for i in range(3)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_worker_that_is_signalled_twice_still_saves(number, tmp_path):
    """The parent and the scheduler may both signal it, even before it can handle signals."""
    worker = Worker(pool_tasks.run_task)
    assert worker.process.pid is not None
    os.kill(worker.process.pid, number)
    worker.send_task(0, partial(pool_tasks.step_until_stopped, tmp_path / "0.pid"))
    wait_for((tmp_path / "0.pid").exists)
    os.kill(worker.process.pid, number)
    outcomes = (worker.receive(lambda number, steps: None) for _ in iter(int, 1))
    assert next(outcome for outcome in outcomes if outcome) == TaskOutcome(stopped=True)
    assert (tmp_path / "0.saved").exists()
    worker.dismiss()
    worker.join()


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("ended_by", ["SIGTERM to all", "SIGKILL to the parent"])
def test_no_process_outlives_its_parent(ended_by, tmp_path):
    paths = [tmp_path / "0.pid", tmp_path / "1.pid"]
    script = (
        "from functools import partial; from pathlib import Path\n"
        "from tests.support import pool_tasks; from utils.core.interrupt import interruptible\n"
        "from utils.workers.pool import run_tasks\n"
        f"tasks = [partial(pool_tasks.step_until_stopped, Path(path)) for path in {[str(path) for path in paths]}]\n"
        "with interruptible() as i:\n"
        "    list(run_tasks(pool_tasks.run_task, tasks, 2, lambda number, steps: None, i))"
    )
    parent = start_interruptible([sys.executable, "-c", script], cwd=ROOT)
    wait_for(lambda: all(path.exists() for path in paths))
    if ended_by == "SIGTERM to all":
        os.killpg(parent.pid, signal.SIGTERM)
    else:
        parent.kill()
    _, errors = parent.communicate(timeout=60)
    assert "Traceback" not in errors
    wait_for(lambda: not any(is_running(pid) for pid in pids(*paths)))
    saved = ended_by == "SIGTERM to all"
    assert [path.with_suffix(".saved").exists() for path in paths] == [saved, saved]
