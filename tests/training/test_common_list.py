"""utils/training/common_list.py and list_trainer.py: stacks that several processes take, one at a time."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from click.testing import CliRunner

import main
from utils.core.errors import BadInput
from utils.experiment.experiment import RunId
from utils.results.run_diff import first_run_difference, read_comparable
from utils.training.common_list import CommonList, read_list, write_list
from utils.training.list_trainer import group_by_stack
from utils.wiring.build import read_experiment

STACKS = [[RunId(0, 0, 0, "a"), RunId(1, 1, 0, "b")], [RunId(5, 1, 2, "f")], [RunId(4, 0, 2, "e"), RunId(3, 1, 1, "d")]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A list of three stacks."""
    write_list(tmp_path / "list", STACKS)
    return tmp_path / "list"


def states(folder: Path) -> list[tuple[str, str]]:
    """Return the state and the task of each stack."""
    return [(stack.state, stack.task) for stack in read_list(folder)]


def test_a_new_list_waits_in_order(folder):
    assert [stack.keys for stack in read_list(folder)] == ["a b", "f", "d e"]
    assert CommonList(folder, "x").waiting() == [(0, [0, 1]), (1, [5]), (2, [3, 4])]


def test_a_stack_is_taken_once(folder):
    mine, other = CommonList(folder, "0_1"), CommonList(folder, "0_2")
    assert mine.take(1)
    assert not other.take(1)
    assert other.waiting() == [(0, [0, 1]), (2, [3, 4])]
    assert states(folder) == [("waits", "-"), ("taken", "0_1"), ("waits", "-")]
    mine.give_back(1)
    assert other.take(1)
    other.finish(1)
    assert mine.take(0)
    mine.finish(0, failed=True)
    assert states(folder) == [("failed", "0_1"), ("done", "0_2"), ("waits", "-")]
    assert not mine.take(0)


def test_a_rename_whose_answer_was_lost_has_succeeded(folder):
    """NFS repeats the request and finds no file."""
    mine = CommonList(folder, "0_1")
    assert mine.take(1)
    assert mine.take(1)


def test_a_process_that_starts_again_takes_its_own_stacks_back(folder):
    for task, number in (("0_1", 0), ("0_11", 1), ("0_1", 2)):
        CommonList(folder, task).take(number)
    CommonList(folder, "0_1").finish(2)
    CommonList(folder, "0_1").take_back()
    assert states(folder) == [("waits", "-"), ("taken", "0_11"), ("done", "0_1")]


def test_without_a_list_there_is_an_error(tmp_path):
    with pytest.raises(BadInput, match=r"--common-list: found no list in .*; schedule.py --common-list makes one"):
        CommonList(tmp_path, "x").waiting()


def take_all(folder: Path, task: str, start: object) -> None:
    start.wait()
    mine = CommonList(folder, task)
    for number in range(200):
        mine.take(number)


def test_of_many_processes_one_gets_each_stack(tmp_path):
    write_list(tmp_path / "list", [[RunId(i, 0, i, f"k{i}")] for i in range(200)])
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    processes = [context.Process(target=take_all, args=(tmp_path / "list", f"t{i}", start)) for i in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [state for state, _ in states(tmp_path / "list")] == ["taken"] * 200
    assert len([path for path in (tmp_path / "list").iterdir() if path.suffix != ".txt"]) == 200


def test_runs_are_grouped_by_stack(tmp_path):
    class Indexed:
        def __init__(self, index: int) -> None:
            self.index = index

    runs = [Indexed(index) for index in (1, 3, 4)]
    groups = group_by_stack(runs, [(7, [0, 1]), (8, [5]), (9, [3, 4])])  # type: ignore[arg-type]
    assert {number: [run.index for run in group] for number, group in groups.items()} == {7: [1], 9: [3, 4]}


AGENT = {"agent_name": "linearAC", "parameters": {"critic_lr": [0.1, 0.01]}}

PROTOCOL = {
    "env_name": "Pendulum-v1", "total_timesteps": 60, "steps_per_episode": 20, "eval_interval_timesteps": 30,
    "eval_episodes": 1, "gamma": 0.99,
}  # fmt: skip


class Files:
    """Two configurations, and a list of three stacks of the same six runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.list = folder / "list"
        for name, content in (("agent", AGENT), ("env", PROTOCOL)):
            (folder / f"{name}.json").write_text(json.dumps(content))
        experiment = read_experiment(str(folder / "env.json"), str(folder / "agent.json"), str(folder / "out"))
        self.directory = experiment.directory
        runs = list(experiment.run_ids([0, 1], range(3)))
        write_list(self.list, [runs[0:3], runs[3:4], runs[4:6]])

    def run(self, save_dir: str, *options: object):
        """Call main.py."""
        files = [f"--{name}-json={self.folder / f'{name}.json'}" for name in ("agent", "env")]
        words = [*files, f"--save-dir={self.folder / save_dir}", "--checkpoint-minutes=0", *map(str, options)]
        return CliRunner().invoke(main.main, words)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("options", [(), ("--jobs", 2), ("--stack", 1)])
def test_a_list_gives_the_results_of_the_same_indices(files, options):
    assert files.run("out", "--common-list", files.list, "0_0", *options).exit_code == 0
    assert states(files.list) == [("done", "0_0")] * 3
    assert files.run("straight", "--runs", 3).exit_code == 0
    names = sorted(path.name for path in files.directory.glob("*.json"))
    assert len(names) == 6
    for name in names:
        straight = files.folder / "straight" / files.directory.name / name
        assert first_run_difference(read_comparable(files.directory / name), read_comparable(straight)) is None


def test_stacks_of_others_and_complete_ones_are_left_alone(files):
    CommonList(files.list, "0_9").take(0)
    assert files.run("out", "--index", "3").exit_code == 0
    assert files.run("out", "--common-list", files.list, "0_0").exit_code == 0
    assert states(files.list) == [("taken", "0_9"), ("done", "0_0"), ("done", "0_0")]
    assert len(list(files.directory.glob("*.json"))) == 3
    assert files.run("out", "--common-list", files.list, "0_0").exit_code == 0
    assert files.run("out", "--common-list", files.list, "0_9").exit_code == 0
    assert states(files.list) == [("done", "0_9"), ("done", "0_0"), ("done", "0_0")]


@pytest.mark.parametrize("other", [("--index", 0), ("--runs", 2), ("--list",), ("-m",)])
def test_a_list_is_not_combined_with_a_choice_of_runs(files, other):
    result = files.run("out", "--common-list", files.list, "0_0", *other)
    assert result.exit_code == 2
    assert "--common-list: found with --index, --runs, --list or -m; allowed: without these" in result.output
