"""utils/slurm/plan_report.py: the report of a plan, by value."""

from __future__ import annotations

import pytest

from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from utils.slurm.cluster import Cluster
from utils.slurm.job_limits import JobLimit
from utils.slurm.plan_report import format_plan
from utils.slurm.run_cost import Cost
from utils.slurm.task_plan import Plan, Shape


def plan(tmp_path, cluster: Cluster, cost: Cost, runs: int = 40, seconds: int = 10800, size: int = 20) -> Plan:
    """Return a plan for runs of one setting in tasks of `size` runs."""
    experiment = make_experiment(ENVIRONMENT, {"critic_lr": [0.1]}, tmp_path)
    run_ids = list(experiment.run_ids([0], range(runs)))
    tasks = [run_ids[start : start + size] for start in range(0, runs, size)]
    return Plan(cluster, experiment, [Shape([0], cost)], seconds, 3, 2, tasks)


def test_a_measured_plan(tmp_path):
    """On 4 cores, 20 runs are 4 stacks of 5 runs of 1080 s; a task takes 5400 s, and 6 s to start its processes.

    Two tasks take 2 * 4 * 5406 s, 12.01 core-hours; at 8 GiB per core, twice a core's share, they are charged double.
    """
    cost = Cost(stack=5, seconds=1080.0, process_mib=600.0, start_seconds=3.0)
    limit = JobLimit("max_jobs", 10, 9)
    report = format_plan(plan(tmp_path, Cluster(cpus_per_task=4, mem_per_cpu="8G"), cost), 1, limit)
    assert report.splitlines() == [
        f"agent.json on environment.json -> {tmp_path}/Pendulum-v1_SAC_SquashedGaussian",
        "    45 runs: 3 with results, 2 queued or running, 40 to submit",
        "    2 tasks of 20 runs; each requests 4 cores, 8G per core, 3:00:00",
        "    setting 0: 1,080.0 core-seconds per run in stacks of 5, 600 MiB per process (measured)",
        "    about 24.03 core-hours (0.0027 core-years), 48 if all time is used; about 1:30:06 per task",
        "    1 of the tasks now, as many as your limit on jobs allows (max_jobs: 10, 9 of them taken)",
    ]


def test_the_stacks_are_those_that_form(tmp_path):
    """30 runs on 8 cores are 6 stacks of 4 and 2 of 3, not one of 32.

    A stack of 4 takes 1000 + 4 * 100 s; a stack of 3, 1300 s; a run of the first 350 s, of the second 433.3 s. Per run:
    (6 * 1400 + 2 * 1300) / 30 s. The task takes 1400 + 6 s; of memory, a process takes 500 + (4 - 32) * 10 MiB.
    """
    cost = Cost(
        stack=32, seconds=1000 / 32 + 100, process_mib=500.0, fixed_seconds=1000.0, start_seconds=3.0, replay_mib=10.0
    )
    report = format_plan(plan(tmp_path, Cluster(), cost, runs=30, size=30), 1)
    assert "setting 0: 366.7 core-seconds per run in stacks of 3 to 4, 220 MiB per process (measured)" in report
    assert "about 3.12 core-hours" in report
    assert "about 0:23:26 per task" in report
    assert "are idle" not in report


@pytest.mark.parametrize(
    ("seconds", "times", "elapsed"), [(1080.0, "1 time", "1:30:12"), (8235.0, "12 times", "11:27:33")]
)
def test_how_often_a_task_requeues_itself_agrees_with_its_time(tmp_path, seconds, times, elapsed):
    """Each start of 1:00:00 trains for 3600 - 300 - 6 = 3294 s. 5 runs of 1080 s take 1.6 starts, of 8235 s 12.5."""
    cost = Cost(stack=5, seconds=seconds, start_seconds=3.0)
    report = format_plan(plan(tmp_path, Cluster(cpus_per_task=4), cost, seconds=3600), 2)
    assert f"stops with a checkpoint and requeues itself, about {times}\n" in f"{report}\n"
    assert f"about {elapsed} per task" in report


def test_what_does_not_fit_is_pointed_out(tmp_path):
    cost = Cost(stack=5, seconds=1080.0, process_mib=600.0)
    report = format_plan(plan(tmp_path, Cluster(mem_per_cpu="500M", time="0:05:05"), cost, seconds=305), 2)
    assert "a process takes 600 MiB, more than mem_per_cpu" in report
    assert "a task has no time to train" in report


@pytest.mark.parametrize(
    ("changes", "runs", "advice"),
    [
        (
            {},
            3,
            "warning: 5.0 of the 8 cores of a task are idle on average: its runs make 3 stacks; lower cpus_per_task",
        ),
        ({"stack": 5}, 10, "warning: 6.0 of the 8 cores of a task are idle on average: its runs make 2 stacks; lower"),
        ({"stack": 5}, 45, "warning: 3.5 of the 8 cores of a task are idle on average: its stacks end at different"),
        ({}, 7, None),
        ({}, 16, None),
    ],
)
def test_idle_cores_are_pointed_out(tmp_path, changes, runs, advice):
    """9 stacks of 5 runs on 8 cores take twice as long as one: 9 / 2 cores are busy."""
    report = format_plan(plan(tmp_path, Cluster(**changes), Cost(stack=5, seconds=10.0), runs=runs, size=runs), 1)
    assert ("are idle" in report) == (advice is not None)
    assert advice is None or advice in report


def test_a_task_is_not_shorter_than_a_run(tmp_path):
    report = format_plan(plan(tmp_path, Cluster(), Cost(stack=5, seconds=3600.0, start_seconds=3.0), runs=1), 1)
    assert "about 1:00:03 per task" in report


def test_an_estimate_says_that_it_is_one(tmp_path):
    report = format_plan(plan(tmp_path, Cluster(mem_per_cpu=None), Cost(stack=5, seconds=1.0), runs=1), 1)
    assert "1 task of 1 run; each requests 8 cores, 3:00:00" in report
    assert "(estimated; --pilot measures it)" in report


def test_nothing_to_submit(tmp_path):
    report = format_plan(plan(tmp_path, Cluster(), Cost(stack=5, seconds=1.0), runs=0), 0)
    assert report.splitlines()[1:] == ["    5 runs: 3 with results, 2 queued or running, 0 to submit"]
