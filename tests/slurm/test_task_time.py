"""utils/slurm/task_time.py: the stacks and the time of a task, by hand and by comparison with main.py."""

from __future__ import annotations

import pytest

from agent import AGENTS
from tests.conftest import ENVIRONMENT
from tests.support.experiments import make_experiment
from utils.slurm.cluster import Cluster
from utils.slurm.run_cost import Cost
from utils.slurm.task_time import POOL_STARTS, time_task
from utils.training.stack_sizes import max_runs_for_speed, split_into_stacks

SMALL = AGENTS["SAC"].hyperparameters.model_validate({"hidden_dim": 32})
LARGE = AGENTS["SAC"].hyperparameters.model_validate({"hidden_dim": 256, "batch_size": 256})

COST = Cost(stack=8, seconds=10.0, fixed_seconds=16.0, start_seconds=5.0)
"""A stack takes 16 s, and 8 s per run."""


def test_few_runs_on_many_cores():
    """10 runs on 4 cores: stacks of 3, 2, 3 and 2."""
    time = time_task([10], [(SMALL, COST)], Cluster(cpus_per_task=4))
    assert sorted(time.stacks) == [(0, 2), (0, 2), (0, 3), (0, 3)]
    assert time.used == 2 * 40.0 + 2 * 32.0
    assert (time.training, time.start, time.seconds) == (40.0, 5.0 * POOL_STARTS, 40.0 + 5.0 * POOL_STARTS)


def test_one_run_takes_as_long_as_itself():
    time = time_task([1], [(SMALL, COST)], Cluster(cpus_per_task=8))
    assert (time.stacks, time.used, time.training, time.start) == (((0, 1),), 24.0, 24.0, 5.0)


def test_stacks_of_a_given_size_leave_cores_idle():
    """20 runs in stacks of at most 8: 3 stacks of 7, 7 and 6 on 2 cores, one after the other."""
    time = time_task([20], [(SMALL, COST)], Cluster(cpus_per_task=2, stack=8))
    assert sorted(runs for _, runs in time.stacks) == [6, 7, 7]
    assert time.training == 72.0 + 64.0


def test_the_most_expensive_stacks_start_first():
    """On 2 cores, the two large stacks take 100 s each, then the small ones 24 s each: 100 + 24 s."""
    costs = [(SMALL, COST), (LARGE, Cost(stack=1, seconds=100.0, start_seconds=9.0))]
    time = time_task([2, 2], costs, Cluster(cpus_per_task=2))
    assert time.stacks[:2] == ((1, 1), (1, 1))
    assert time.training in (124.0, 132.0)
    assert time.start == 9.0 * POOL_STARTS


@pytest.mark.parametrize(("limit", "starts"), [(10.0, 0), (49.9, 2), (50.0, 1), (14.0, 10), (1000.0, 1)])
def test_the_number_of_starts(limit, starts):
    """The task trains for 40 s, and each start costs 10 s."""
    time = time_task([10], [(SMALL, COST)], Cluster(cpus_per_task=4))
    assert time.starts(limit) == starts


@pytest.mark.parametrize("runs", [1, 3, 8, 9, 30, 100])
@pytest.mark.parametrize("cores", [1, 2, 8])
def test_stacks_are_those_of_main_py(tmp_path, runs, cores):
    """Two shapes with half of the runs each; the rule of the compiled engine."""
    experiment = make_experiment(ENVIRONMENT, {"hidden_dim": [32, 128]}, tmp_path)
    members = [experiment.run(index) for index in range(runs)]
    rule = [max_runs_for_speed(experiment.hyperparameters(setting), "compiled") for setting in (0, 1)]
    real = split_into_stacks(members, lambda run: rule[run.setting], min(cores, runs))
    costs = [(experiment.hyperparameters(s), Cost(stack=rule[s], seconds=1.0)) for s in (0, 1)]
    time = time_task([-(-runs // 2), runs // 2], costs, Cluster(cpus_per_task=cores))
    assert list(time.stacks) == [(stack[0].setting, len(stack)) for stack in real]
