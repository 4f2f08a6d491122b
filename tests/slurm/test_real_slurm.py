"""Sweeps on a real SLURM with one node, which this file starts and stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reporting.test_report import section
from tests.slurm.instance import (
    FOLDER,
    Sweep,
    assert_same_results,
    call,
    continue_after_signal,
    queue,
    reason_to_skip,
    wait_for,
    wait_for_all,
)
from tests.support.documentation import ROOT
from utils.analysis.live_runs import STATES

pytestmark = pytest.mark.skipif(reason_to_skip() is not None, reason=str(reason_to_skip()))

QUICK = {"agent_name": "linearAC", "parameters": {"critic_lr": [0.1, 0.01], "decay": [0.5, 0.9]}}

PROTOCOL = {
    "env_name": "Pendulum-v1", "total_timesteps": 40, "steps_per_episode": 20, "eval_interval_timesteps": 20,
    "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip

LONGER = PROTOCOL | {"total_timesteps": 12_000, "steps_per_episode": 200, "eval_interval_timesteps": 4_000}

LARGEST_ARRAY = 10


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A running SLURM that has eight cores by configuration."""
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run(
        [str(FOLDER / "start.sh"), str(folder)], env=os.environ | {"SLURM_ARRAY": str(LARGEST_ARRAY)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        patch.delenv("SBATCH_ACCOUNT", raising=False)
        try:
            assert started.returncode == 0, started.stderr
            yield
        finally:
            subprocess.run([str(FOLDER / "stop.sh"), str(folder)], check=True)


@pytest.fixture(autouse=True)
def emptied(slurm: None) -> Iterator[None]:
    """Empty the queue after each test."""
    yield
    call("scancel", "--user", "root")
    wait_for_all()


@pytest.mark.slow
def test_two_hundred_runs_complete_and_combine_and_are_not_submitted_twice(tmp_path):
    sweep = Sweep(tmp_path, "all", 50, QUICK, PROTOCOL)
    output = sweep.schedule("--yes", runs_per_task=40)
    assert "200 runs: 0 with results, 0 queued or running, 200 to submit" in output
    assert "5 tasks of 40 runs" in output
    assert len(sweep.jobs()) == 1
    again = sweep.schedule("--yes", runs_per_task=40)
    assert "submitted" not in again
    assert "0 to submit" in again
    wait_for_all()
    assert sweep.letters() == dict.fromkeys(range(4), "C" * 50)
    assert "200 with results, 0 queued or running, 0 to submit" in sweep.schedule("--yes")
    assert "nothing is missing" in call("python", "simple_combine.py", str(sweep.directory))
    assert_same_results(sweep.train_here(), sweep.directory)
    assert not list(tmp_path.rglob("hurt"))


def test_arrays_and_the_queue_are_kept_as_small_as_they_have_to_be(tmp_path):
    """Tasks are held, so that none runs; at the end they are cancelled."""
    sweep = Sweep(tmp_path, "held", 4, QUICK, PROTOCOL)
    held = {"runs_per_task": 1, "options": ["--hold"]}
    output = sweep.schedule("--yes", **held, max_jobs=5)
    assert "5 of the tasks now" in output
    assert "your limit on jobs leaves no room for 11 tasks;" in output
    assert len(queue()) == 5
    status = sweep.schedule("--status")
    assert "held: JobHeldUser" in status
    assert sweep.letters() == {0: "QQ..", 1: "Q...", 2: "Q...", 3: "Q..."}
    assert "submitted" not in sweep.schedule("--yes", **held, max_jobs=5)
    assert "submitted" in sweep.schedule("--yes", **held)
    assert len(queue()) == 16
    assert sweep.letters() == dict.fromkeys(range(4), "QQQQ")
    first, second = sweep.jobs()
    listed = queue()
    assert sum(name.startswith(f"{first}_") for name in listed) == LARGEST_ARRAY
    assert sum(name.startswith(f"{second}_") for name in listed) == 1
    call("scancel", str(first))
    assert len(queue()) == 6
    assert "10 to submit" in sweep.schedule("--yes", **held)
    assert len(queue()) == 16
    for job in {name.partition("_")[0] for name in queue()}:
        call("scancel", job)
    wait_for_all()
    assert sweep.letters() == dict.fromkeys(range(4), "....")


AGENT = {"agent_name": "linearAC", "parameters": {}}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of six uninterrupted runs."""
    return Sweep(tmp_path_factory.mktemp("undisturbed"), "x", 6, AGENT, LONGER).train_here()


@pytest.mark.slow
def test_killed_and_requeued_tasks_end_in_the_same_results(tmp_path, undisturbed):
    sweep = Sweep(tmp_path, "disturbed", 6, AGENT, LONGER)
    sweep.schedule("--yes", runs_per_task=2)
    (job,) = sweep.jobs()
    os.kill(sweep.stop_task(0), signal.SIGKILL)
    requeued = sweep.stop_task(1)
    call("scontrol", "requeue", f"{job}_1")
    continue_after_signal(requeued)
    wait_for_all()
    assert [sweep.restarts(task) for task in (0, 1, 2)] == [0, 1, 0]
    assert sweep.letters() == {0: "FFCCCC"}
    assert "Killed" in sweep.schedule("--status")
    assert "2 to submit" in sweep.schedule("--yes")
    wait_for_all()
    assert sweep.letters() == {0: "CCCCCC"}
    assert_same_results(undisturbed, sweep.directory)
    assert sweep.resumed(0, 1) == [False, False]
    assert sweep.resumed(2, 3) == [True, True]


@pytest.mark.slow
def test_a_task_past_its_time_limit_goes_on_by_itself(tmp_path, undisturbed):
    sweep = Sweep(tmp_path, "late", 2, AGENT, LONGER)
    sweep.schedule("--yes", time="0:01:00", warning_seconds=50)
    continue_after_signal(sweep.stop_task(0))
    wait_for_all()
    assert sweep.restarts(0) >= 1
    assert "start 2" in sweep.log(0)
    assert sweep.letters() == {0: "CC"}
    assert_same_results(undisturbed, sweep.directory)
    assert sweep.resumed(0, 1) == [True, True]


@pytest.mark.slow
def test_a_cancelled_array_stays_away_and_goes_on_when_it_is_submitted_again(tmp_path, undisturbed):
    sweep = Sweep(tmp_path, "cancelled", 4, AGENT, LONGER)
    sweep.schedule("--yes", runs_per_task=2)
    pids = [sweep.stop_task(task) for task in (0, 1)]
    assert sweep.letters() == {0: "RRRR"}
    call("scancel", str(sweep.jobs()[0]))
    for pid in pids:
        continue_after_signal(pid)
    wait_for_all()
    assert [sweep.restarts(task) for task in (0, 1)] == [0, 0]
    assert sweep.letters() == {0: "FFFF"}
    assert "4 to submit" in sweep.schedule("--yes")
    wait_for_all()
    assert sweep.letters() == {0: "CCCC"}
    assert_same_results(undisturbed, sweep.directory)
    assert sweep.resumed(0, 1, 2, 3) == [True] * 4


@pytest.mark.slow
def test_a_sweep_is_watched_until_it_has_ended(tmp_path):
    """Of two tasks, one runs at a time; the first is halted while the page is looked at."""
    sweep = Sweep(tmp_path, "watched", 4, AGENT, LONGER)
    sweep.schedule("--yes", runs_per_task=2, throttle=1)
    command = [sys.executable, "utils/report.py", str(sweep.directory), "--watch", "--interval", "1"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as watching:
        page = sweep.directory / "live.html"
        wait_for(lambda: page.exists() and "4 waiting" in counts_on(page))
        pid = sweep.stop_task(0)
        wait_for(lambda: "2 running 2 waiting" in counts_on(page))
        assert f"job {sweep.jobs()[0]}_0, process {pid} " in section(page.read_text(), "processes")
        os.kill(pid, signal.SIGCONT)
        _, errors = watching.communicate(timeout=300)
    assert (watching.returncode, errors) == (0, "all runs have ended: 4 completed\n")
    assert sweep.letters() == {0: "CCCC"}


def counts_on(page: Path) -> str:
    """Return the counts of a live page's only experiment, such as "2 running 2 waiting"."""
    counts = section(page.read_text(), "progress").partition("Done:")[0].split()[-len(STATES) :]
    return " ".join(f"{count} {state}" for count, state in zip(counts, STATES, strict=True) if count != "0")
