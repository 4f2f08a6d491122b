"""utils/slurm/task_plan.py: sizes and times of tasks, computed by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.core.errors import BadInput
from utils.experiment.experiment import RunId
from utils.slurm.cluster import Cluster
from utils.slurm.duration import HOUR
from utils.slurm.run_cost import Cost
from utils.slurm.sweep_plan import share_places
from utils.slurm.task_plan import (
    MAX_RUNS_PER_TASK,
    Shape,
    divide_into_tasks,
    plan_tasks,
    runs_that_fit,
    time_limit,
    usable_seconds,
)


def run_ids(*counts: int) -> list[RunId]:
    """Return the runs of settings with these numbers of runs."""
    x = len(counts)
    return sorted(RunId(run * x + s, s, run, f"{s}-{run}") for s, count in enumerate(counts) for run in range(count))


def test_usable_is_what_is_left_of_the_limit_before_the_warning_less_a_margin():
    assert usable_seconds(Cluster(warning_seconds=300), 3 * HOUR) == (10800 - 300 - 60) / 1.25
    assert usable_seconds(Cluster(time="0:05:01", warning_seconds=300), 301) == 0.0


def test_a_task_is_filled_with_whole_stacks_on_all_cores():
    """8352 usable seconds hold 3 stacks of 4 runs of 600 s each; on 2 cores, 24 runs."""
    cluster = Cluster(cpus_per_task=2)
    assert usable_seconds(cluster, 3 * HOUR) == 8352.0
    assert runs_that_fit(cluster, Cost(stack=4, seconds=600.0), 8352.0) == 24


def test_a_stack_that_takes_longer_than_a_task_may_is_begun_all_the_same():
    """Its step costs the same for 1 run and for 4, so smaller stacks would make runs more expensive."""
    cost = Cost(stack=4, seconds=1e6, fixed_seconds=4e6)
    assert runs_that_fit(Cluster(cpus_per_task=2), cost, 8352.0) == 8


@pytest.mark.parametrize(
    ("seconds", "runs"), [(8200.0, 8), (8199.0, 7), (5537.5, 5), (3762.5, 3), (3762.0, 3), (1.0, 3)]
)
def test_stacks_that_take_longer_are_made_smaller_unless_runs_become_much_more_expensive(seconds, runs):
    """A stack takes 1100 s, and 887.5 s per run. Per run, 8 runs take 1025 s, 3 take 1254 s, and 2 take 1437 s.

    1.25 * 1025 s are 1281 s, so at least 3 runs share a stack, unless the cluster file gives the size.
    """
    cost = Cost(stack=8, seconds=1025.0, fixed_seconds=1100.0)
    assert runs_that_fit(Cluster(cpus_per_task=2), cost, seconds) == 2 * runs
    assert runs_that_fit(Cluster(cpus_per_task=2, stack=8), cost, seconds) == 16


def test_indices_of_a_task_fit_on_a_command_line():
    assert runs_that_fit(Cluster(cpus_per_task=192), Cost(stack=32, seconds=1.0), 8352.0) == MAX_RUNS_PER_TASK
    assert MAX_RUNS_PER_TASK * len("9007199254740991,") < 2**17


def test_the_file_may_say_how_many():
    assert runs_that_fit(Cluster(runs_per_task=7), Cost(stack=4, seconds=600.0), 8352.0) == 7


@pytest.mark.parametrize(
    ("time", "places", "sizes"),
    [
        (12, None, [40] * 12), (12, 12, [40] * 12), (12, 11, [80] * 6), (12, 6, [80] * 6), (12, 5, [160] * 3),
        (12, 2, [240] * 2), (12, 1, [240] * 2), (3, 1, [80] * 6), (3, None, [40] * 12),
    ],
)  # fmt: skip
def test_long_sweeps_are_spread_unless_the_limit_on_jobs_is_in_the_way(time, places, sizes):
    """480 runs of 90 s, in stacks of 4, on one core: an hour holds 10 stacks, the 2.32 usable hours of 3 hold 23,
    92 runs.

    The 9.52 usable hours of 12 hold 95 stacks, 380 runs; two, four and eight hours hold 80, 160 and 320 runs.
    """
    cluster = Cluster(cpus_per_task=1)
    tasks = plan_tasks(cluster, run_ids(480), [Shape([0], Cost(stack=4, seconds=90.0))], time * HOUR, places)
    assert [len(task) for task in tasks] == sizes


def test_tasks_are_as_few_as_possible_and_equally_full():
    tasks = divide_into_tasks(run_ids(260), [([0], 256)])
    assert [len(task) for task in tasks] == [130, 130]
    assert [run_id.index for task in tasks for run_id in task] == list(range(260))


def test_exact_fits_need_no_further_task():
    assert [len(task) for task in divide_into_tasks(run_ids(30), [([0], 10)])] == [10, 10, 10]


def test_shapes_share_tasks_by_the_share_of_a_task_that_each_fills():
    """10 runs of 1/10 task and 2 of 1/4 fill 1.5 tasks: 0.75 each, the first only with runs of 1/10."""
    tasks = divide_into_tasks(run_ids(10, 2), [([0], 10), ([1], 4)])
    assert [[(run_id.setting, run_id.run) for run_id in task] for task in tasks] == [
        [(0, run) for run in range(8)],
        [(1, 0), (1, 1), (0, 8), (0, 9)],
    ]


def test_runs_of_one_shape_are_taken_by_index_whatever_their_setting():
    tasks = divide_into_tasks(run_ids(3, 3, 3), [([0, 2], 3), ([1], 3)])
    assert [[run_id.index for run_id in task] for task in tasks] == [[0, 2, 3], [5, 6, 8], [1, 4, 7]]


def test_nothing_is_no_task():
    assert divide_into_tasks([], []) == []


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 12), min_size=6, max_size=6),
)
def test_every_run_is_in_one_task_and_none_is_overfull_by_more_than_a_run(counts, sizes):
    wanted, capacities = run_ids(*counts), dict(enumerate(sizes))
    tasks = divide_into_tasks(wanted, [([setting], size) for setting, size in capacities.items()])
    assert sorted(run_id for task in tasks for run_id in task) == wanted
    fills = [sum(Fraction(1, capacities[run_id.setting]) for run_id in task) for task in tasks]
    assert all(0 < fill < 1 + Fraction(1, min(sizes)) for fill in fills)
    assert len(tasks) <= sum(fills) + 1
    assert all(task == sorted(task) for task in tasks)


@pytest.mark.parametrize(
    ("hours", "asked"), [(0.1, 3), (2.3, 3), (2.4, 12), (9.5, 12), (12.0, 24), (40.0, 72), (100.0, 168), (1000.0, 168)]
)
def test_auto_is_the_shortest_tier_that_holds_a_stack(hours, asked):
    """Usable hours: 2.32 of 3, 9.52 of 12, 19.12 of 24."""
    cost = Cost(stack=2, seconds=hours * HOUR / 2, process_mib=500.0, fixed_seconds=hours * HOUR)
    assert time_limit(Cluster(time="auto"), [cost]) == asked * HOUR


def test_auto_prefers_smaller_stacks_to_a_longer_tier():
    """Four runs take 12 h in one stack, and 3 h each alone: 2.3 h are usable of 3 h, 9.5 h of 12 h."""
    cost = Cost(stack=4, seconds=3.0 * HOUR, process_mib=500.0)
    assert time_limit(Cluster(time="auto"), [cost]) == 12 * HOUR
    assert time_limit(Cluster(time="auto", stack=4), [cost]) == 24 * HOUR


def test_auto_keeps_to_what_the_cluster_takes():
    cost = Cost(stack=2, seconds=30 * HOUR, process_mib=500.0)
    assert time_limit(Cluster(time="auto", max_time="1-00"), [cost]) == 24 * HOUR


def test_auto_wants_measurements():
    with pytest.raises(BadInput, match="--pilot"):
        time_limit(Cluster(time="auto"), [Cost(stack=2, seconds=1.0)])


class Tasks:
    """A plan that has only a number of tasks."""

    def __init__(self, count: int) -> None:
        self.tasks = range(count)


@pytest.mark.parametrize(("places", "shares"), [(None, [3, 4]), (7, [3, 4]), (5, [3, 2]), (2, [2, 0]), (0, [0, 0])])
def test_the_first_sweeps_take_the_places_that_there_are(places, shares):
    assert share_places([Tasks(3), Tasks(4)], places) == shares  # type: ignore[list-item]
