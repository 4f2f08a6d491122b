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
    Sweep,
    assert_same_results,
    call,
    continue_after_signal,
    job_time,
    queue,
    reason_to_skip,
    running_slurm,
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
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a running SLURM that has eight cores by configuration."""
    folder = tmp_path_factory.mktemp("slurm")
    with running_slurm(folder, SLURM_ARRAY=str(LARGEST_ARRAY)):
        yield folder


@pytest.fixture(autouse=True)
def emptied(slurm: Path) -> Iterator[None]:
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


def test_a_constraint_and_mail_are_passed_on(tmp_path, slurm):
    """The node has the feature `fast`; a constraint that no node meets is refused by SLURM, in one line."""
    sweep = Sweep(tmp_path, "options", 1, QUICK, PROTOCOL)
    mail = ["--sbatch=--mail-type=END", "--sbatch=--mail-user=someone"]
    sweep.schedule("--yes", "--sbatch=--constraint=fast", *mail, runs_per_task=4)
    wait_for_all()
    assert sweep.letters() == dict.fromkeys(range(4), "C")
    wait_for(lambda: (slurm / "mails").exists())
    (line,) = (slurm / "mails").read_text().splitlines()
    assert line.endswith(" someone")
    other = Sweep(tmp_path, "refused", 1, QUICK, PROTOCOL)
    done = other.try_to_schedule("--yes", "--sbatch=--constraint=slow")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2  # The first one is the note that there is no account.
    assert "error: sbatch failed with exit code 1" in done.stderr


AGENT = {"agent_name": "linearAC", "parameters": {}}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of six uninterrupted runs."""
    return Sweep(tmp_path_factory.mktemp("undisturbed"), "x", 6, AGENT, LONGER).train_here()


@pytest.mark.slow
def test_killed_and_requeued_tasks_end_in_the_same_results(tmp_path, undisturbed):
    """The closing job starts when the requeued task has ended, too, and combines what there is."""
    sweep = Sweep(tmp_path, "disturbed", 6, AGENT, LONGER)
    closing = ("--yes", "--then", "combine,report")
    sweep.schedule(*closing, runs_per_task=2)
    assert "(combine, report): waits until all tasks have ended" in sweep.schedule("--status")
    (job,) = sweep.jobs()
    os.kill(sweep.stop_task(0), signal.SIGKILL)
    requeued = sweep.stop_task(1)
    call("scontrol", "requeue", f"{job}_1")
    continue_after_signal(requeued)
    wait_for_all()
    assert [sweep.restarts(task) for task in (0, 1, 2)] == [0, 1, 0]
    assert sweep.letters() == {0: "FFCCCC"}
    status = sweep.schedule("--status")
    assert "Killed" in status
    assert "ends with exit code 0" in status
    assert max(job_time(f"{job}_{task}", "EndTime") for task in (0, 1, 2)) <= job_time(sweep.closing, "StartTime")
    assert sweep.combined_runs() == [2, 3, 4, 5]
    assert (sweep.directory / "report.html").exists()
    assert "2 to submit" in sweep.schedule(*closing)
    wait_for_all()
    assert sweep.letters() == {0: "CCCCCC"}
    assert sweep.combined_runs() == [0, 1, 2, 3, 4, 5]
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
def test_a_preempted_task_goes_on_when_the_urgent_job_has_ended(tmp_path, undisturbed):
    """The urgent job needs the whole node, so SLURM requeues the task (PreemptMode=REQUEUE)."""
    sweep = Sweep(tmp_path, "preempted", 2, AGENT, LONGER)
    sweep.schedule("--yes")
    stopped = sweep.stop_task(0)
    urgent = call("sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=sleep 1")
    continue_after_signal(stopped)
    wait_for_all()
    assert sweep.restarts(0) == 1
    assert "start 2" in sweep.log(0)
    assert job_time(urgent.strip(), "EndTime") <= job_time(f"{sweep.jobs()[0]}_0", "StartTime")
    assert sweep.letters() == {0: "CC"}
    assert_same_results(undisturbed, sweep.directory)
    assert sweep.resumed(0, 1) == [True, True]


@pytest.mark.slow
def test_tasks_take_the_next_stack_from_a_common_list(tmp_path, undisturbed):
    """Task 0 is slow, task 1 is requeued and gives its stack back, and task 2 is killed and keeps its stack."""
    sweep = Sweep(tmp_path, "common", 6, AGENT, LONGER)
    sweep.delay_task(0, 20)
    sweep.schedule("--yes", "--common-list", runs_per_task=2, stack=1)
    requeued, killed = sweep.stop_task(1), sweep.stop_task(2)
    assert sorted(sweep.letters()[0]) == ["Q"] * 4 + ["R"] * 2
    call("scontrol", "requeue", f"{sweep.jobs()[0]}_1")
    continue_after_signal(requeued)
    os.kill(killed, signal.SIGKILL)
    wait_for_all()
    listed = sweep.listed()
    assert len(listed["0_2 taken"]) == 1
    assert sum(len(stacks) for name, stacks in listed.items() if name.endswith(" done")) == 5
    assert sorted(sweep.letters()[0]) == ["C"] * 5 + ["F"]
    assert "1 to submit" in sweep.schedule("--yes", "--common-list", runs_per_task=2, stack=1)
    wait_for_all()
    assert sweep.letters() == {0: "CCCCCC"}
    assert_same_results(undisturbed, sweep.directory)
    assert sum(sweep.resumed(*range(6))) == 1


@pytest.mark.slow
def test_a_slow_node_trains_fewer_stacks(tmp_path, undisturbed):
    """With fixed runs, the slow task would train three of the six."""
    sweep = Sweep(tmp_path, "slow", 6, AGENT, LONGER)
    sweep.delay_task(0, 30)
    sweep.schedule("--yes", "--common-list", runs_per_task=3, stack=1)
    wait_for_all()
    listed = sweep.listed()
    assert len(listed.get("0_0 done", [])) < 3 < len(listed["0_1 done"])
    assert_same_results(undisturbed, sweep.directory)


@pytest.mark.slow
def test_extended_runs_are_those_of_straight_ones(tmp_path, undisturbed):
    sweep = Sweep(tmp_path, "extended", 2, AGENT, LONGER | {"total_timesteps": 8_000})
    sweep.schedule("--yes", "--keep-checkpoint")
    wait_for_all()
    sweep.schedule("--yes", "--extend", "12000", "--then", "combine")
    wait_for_all()
    assert len(list(sweep.directory.glob("*_*.json"))) == 4
    assert sweep.combined_runs() == [0, 1]
    for path in sweep.directory.glob("*_*.json"):
        if not (undisturbed / path.name).exists():
            path.unlink()  # The result of 8,000 timesteps.
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
