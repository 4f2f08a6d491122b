"""utils/slurm/plan_report.py: the report of a plan, by value."""

from __future__ import annotations

from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from utils.slurm.cluster import Cluster
from utils.slurm.plan_report import format_plan
from utils.slurm.run_cost import Cost
from utils.slurm.task_plan import Plan, Shape


def plan(tmp_path, cost: Cost, runs: int = 40, seconds: int = 10800, size: int = 20) -> Plan:
    """Return a plan for runs of one setting in tasks of `size` runs."""
    experiment = make_experiment(ENVIRONMENT, {"critic_lr": [0.1]}, tmp_path)
    run_ids = list(experiment.run_ids([0], range(runs)))
    tasks = [run_ids[start : start + size] for start in range(0, runs, size)]
    return Plan(experiment, [Shape([0], cost)], seconds, 3, 2, tasks)


def test_a_measured_plan(tmp_path):
    """40 runs of 1080 s are 12 core-hours; at 8 GiB per core, twice a core's share, they are charged as 24."""
    cluster = Cluster(cpus_per_task=4, mem_per_cpu="8G")
    report = format_plan(plan(tmp_path, Cost(stack=5, seconds=1080.0, process_mib=600.0)), cluster, 1)
    assert report.splitlines() == [
        f"agent.json on environment.json -> {tmp_path}/Pendulum-v1_SAC_SquashedGaussian",
        "    45 runs: 3 with results, 2 queued or running, 40 to submit",
        "    2 tasks of 20 runs; each requests 4 cores, 8G per core, 3:00:00",
        "    setting 0: 1,080.0 core-seconds per run in a stack of 5, 600 MiB per process, 120 per run (measured)",
        "    about 24.00 core-hours (0.0027 core-years), 48 if all time is used; about 1:30:00 per task, margin 25%",
        "    1 of the tasks now, as many as your limit on jobs allows",
    ]


def test_what_does_not_fit_is_pointed_out(tmp_path):
    """Of 1:00:00, (3600 - 300 - 60) / 1.25 = 2592 s are usable; a stack of 5 takes 5400 s."""
    cost = Cost(stack=5, seconds=1080.0, process_mib=600.0)
    report = format_plan(plan(tmp_path, cost, seconds=3600), Cluster(mem_per_cpu="500M"), 2)
    assert "a process takes 600 MiB, more than mem_per_cpu" in report
    assert "tasks stop with a checkpoint and requeue themselves 3 times" in report


def test_an_estimate_says_that_it_is_one(tmp_path):
    report = format_plan(plan(tmp_path, Cost(stack=5, seconds=1.0), runs=1), Cluster(mem_per_cpu=None), 1)
    assert "1 task of 1 run; each requests 8 cores, 3:00:00" in report
    assert "(estimated; --pilot measures it)" in report


def test_nothing_to_submit(tmp_path):
    report = format_plan(plan(tmp_path, Cost(stack=5, seconds=1.0), runs=0), Cluster(), 0)
    assert report.splitlines()[1:] == ["    5 runs: 3 with results, 2 queued or running, 0 to submit"]
