"""utils/slurm/stack_list.py: the stacks of a submission's common list, their tasks in the queue, and their logs."""

from __future__ import annotations

import json
import shlex

import pytest

from utils.core.indices import parse_indices
from utils.slurm.commands import Queue, QueuedTask
from utils.slurm.stack_list import find_listed_tasks, listed_logs
from utils.slurm.submission_folder import Submission
from utils.training.common_list import CommonList, read_list

GRID = {"critic_lr": [0.1, 0.01], "hidden_dim": [8, 512]}


@pytest.fixture
def submission(project, slurm) -> Submission:
    """A submission of 16 runs of two shapes, in stacks of at most 3, for 4 tasks of 2 cores in 2 arrays."""
    slurm.allow_arrays_of(2)
    project.cluster(stack=3)
    project.files.write("agent.json", project.grid(GRID))
    project.submit("--common-list")
    return Submission(project.submissions[0])


def test_stacks_have_one_shape_and_the_most_expensive_come_first(submission, project):
    experiment = project.experiment
    stacks = [parse_indices(stack.indices) for stack in read_list(submission.common_list)]
    assert sorted(index for stack in stacks for index in stack) == list(range(16))
    assert max(map(len, stacks)) <= 3
    widths = [{experiment.run(index).hyperparameters.hidden_dim for index in stack} for stack in stacks]
    assert [width for (width,) in widths] == sorted((width for (width,) in widths), reverse=True)
    keys = [stack.keys.split() for stack in read_list(submission.common_list)]
    assert keys == [[experiment.run(index).key for index in stack] for stack in stacks]


def test_a_run_that_is_copied_is_in_the_stack_of_the_equal_one(project, slurm):
    """Without automatic tuning, alpha_lr has no effect: settings 0 and 1 are equal."""
    project.cluster(stack=1)
    grid = {"automatic_entropy_tuning": [False], "alpha_lr": [0.1, 0.2]}
    project.files.write("agent.json", project.grid(grid))
    project.submit("--common-list")
    stacks = read_list(Submission(project.submissions[0]).common_list)
    assert sorted(parse_indices(stack.indices) for stack in stacks) == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_tasks_are_told_the_list_and_their_name(submission, slurm):
    assert [call[-2:] for call in slurm.calls("sbatch")] == [
        [str(submission.folder / "job.sh"), "0"],
        [str(submission.folder / "job.sh"), "1"],
    ]
    (line,) = (line for line in (submission.folder / "job.sh").read_text().splitlines() if "exec python" in line)
    assert shlex.split(line)[-3:] == ["--common-list", str(submission.common_list), "$name"]
    assert not list(submission.folder.glob("tasks.*")) + list(submission.folder.glob("keys.*"))


def queue_of(submission: Submission, **tasks: QueuedTask) -> Queue:
    """Return a queue with tasks, whose names are such as t0_1: task 1 of array 0."""
    arrays = submission.read_record().arrays
    found: dict[str, dict[int, QueuedTask]] = {}
    for name, task in tasks.items():
        array, place = name[1:].split("_")
        found.setdefault(arrays[int(array)].name, {})[int(place)] = task
    return Queue(len(tasks), found)


RUNS, WAITS = QueuedTask("RUNNING", "None"), QueuedTask("PENDING", "Priority")


def test_the_tasks_of_runs(submission):
    """Stack 0 is trained, 1 is done, 2 has failed, 3 has lost its task; the others wait for the task that runs."""
    folder = submission.common_list
    stacks = [stack.keys.split() for stack in read_list(folder)]
    for task, numbers in (("1_0", (0, 1, 2)), ("0_1", (3,))):
        for number in numbers:
            CommonList(folder, task).take(number)
    CommonList(folder, "1_0").finish(1)
    CommonList(folder, "1_0").finish(2, failed=True)
    live = find_listed_tasks(submission, queue_of(submission, t1_0=RUNS, t0_0=WAITS))
    expected = {key: RUNS for number in (0, 1) for key in stacks[number]}
    expected |= {key: QueuedTask("PENDING", "None") for stack in stacks[4:] for key in stack}
    assert live == expected
    assert find_listed_tasks(submission, queue_of(submission)) == {}
    logs = listed_logs(submission)
    assert [logs[stack[0]].name for stack in stacks[:5]] == ["1_0.log"] * 3 + ["0_1.log", "-.log"]


def test_before_any_task_runs_stacks_have_slurms_reason(submission):
    live = find_listed_tasks(submission, queue_of(submission, t0_0=WAITS, t0_1=WAITS))
    assert list(live.values()) == [WAITS] * 16


def test_schedule_knows_what_is_live(submission, project, slurm):
    assert "16 queued or running, 0 to submit" in project.submit("--common-list").output
    assert "QQQQ" in project.call("--status").output
    CommonList(submission.common_list, "0_0").take(0)
    slurm.edit(r"^0\|PENDING(.*)0$", r"0|RUNNING\g<1>0")
    status = project.call("--status").output
    assert "R" in "".join(line.split()[-1] for line in status.splitlines() if line.strip()[:1].isdigit())
    assert "left at the present pace" in status
    slurm.empty()
    again = project.submit("--common-list").output
    assert "16 runs: 0 with results, 0 queued or running, 16 to submit" in again
    assert json.loads((project.submissions[1] / "submission.json").read_text())["arrays"]
