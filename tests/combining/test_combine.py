"""simple_combine.py: the content of data.json, its independence of order and history, and refusals."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import Result

from tests.support.fake_results import PARAMETERS, assert_refused, combine, fake_run, write_result
from utils.combining.combine import LOCK
from utils.combining.listing import ResultListing, _scan_result_files
from utils.files.json_diff import first_difference
from utils.files.lock import Lock
from utils.results.schema import read_tree

ROOT = Path(__file__).resolve().parents[2]

READ = ResultListing.read


def read(directory: Path) -> dict[str, Any]:
    """Return the content of the directory's data.json."""
    return json.loads((directory / "data.json").read_bytes())


class TestTree:
    def test_settings_and_runs_stand_in_numerical_order(self, tmp_path: Path) -> None:
        grid = {"parameters": {"critic_lr": [0.1 * k for k in range(1, 12)]}}
        for setting, number in ((10, 0), (2, 10), (2, 9), (2, 0), (0, 1)):
            write_result(tmp_path, setting, number, experiment=grid)
        assert combine(tmp_path).exit_code == 0
        cells = read(tmp_path)["experiment_data"]
        assert {s: [run["run_number"] for run in cell["runs"]] for s, cell in cells.items()} == {
            "0": [1], "2": [0, 9, 10], "10": [0],
        }  # fmt: skip
        assert list(cells) == ["0", "2", "10"]
        assert cells["2"]["agent_params"] == {"critic_lr": pytest.approx(0.3)}

    def test_every_run_is_kept_whole(self, tmp_path: Path) -> None:
        files = [write_result(tmp_path, setting, number) for setting in range(3) for number in range(2)]
        combine(tmp_path)
        tree = read(tmp_path)
        for file in files:
            single = json.loads(file.read_text())
            [(setting, cell)] = single["experiment_data"].items()
            assert cell["runs"][0] in tree["experiment_data"][setting]["runs"]
            assert single["experiment"] == tree["experiment"]

    def test_null_stays_null(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, returns=[[None, 1.0]])
        combine(tmp_path)
        assert read(tmp_path)["experiment_data"]["0"]["runs"][0]["eval_episode_rewards"] == [[None, 1.0]]


class TestBytes:
    def test_do_not_depend_on_the_order_of_listing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for setting in range(3):
            for number in range(3):
                write_result(tmp_path, setting, number)
        write_result(tmp_path, 0, 0, name="A.json", provenance={"host": "there"})
        seen = set()
        listed = sorted(_scan_result_files(tmp_path))
        for order in (listed, listed[::-1], listed[4:] + listed[:4]):
            monkeypatch.setattr("utils.combining.listing._scan_result_files", lambda _, order=order: iter(order))
            (tmp_path / "data.json.index").unlink(missing_ok=True)
            assert combine(tmp_path).exit_code == 0
            seen.add((tmp_path / "data.json").read_bytes())
        assert len(seen) == 1
        assert read(tmp_path)["experiment_data"]["0"]["runs"][0]["provenance"] == {"host": "there"}

    def test_do_not_depend_on_the_order_of_writing(self, tmp_path: Path) -> None:
        cells = [(setting, number) for setting in range(3) for number in range(2)]
        for name, order in (("a", cells), ("b", cells[::-1])):
            for setting, number in order:
                write_result(tmp_path / name, setting, number)
            combine(tmp_path / name)
        assert (tmp_path / "a/data.json").read_bytes() == (tmp_path / "b/data.json").read_bytes()

    def test_are_the_same_when_combined_again(self, tmp_path: Path) -> None:
        file = write_result(tmp_path, 1, 0)
        first = combine(tmp_path)
        before = (tmp_path / "data.json").read_bytes()
        again = combine(tmp_path)
        assert (tmp_path / "data.json").read_bytes() == before
        assert again.stdout == first.stdout
        assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, "data.json", "data.json.index"]


class TestIncremental:
    def test_a_second_call_reads_only_what_is_new(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(4):
            write_result(tmp_path, 0, number)
        combine(tmp_path)
        added, changed = write_result(tmp_path, 1, 0), write_result(tmp_path, 0, 2, status="diverged")
        write_result(tmp_path, 0, 3).unlink()
        read = []
        monkeypatch.setattr(ResultListing, "read", lambda *given: read.append(given[1]) or READ(*given))
        assert combine(tmp_path).exit_code == 0
        assert sorted(read) == sorted([added.name, changed.name])
        cells = read_tree(tmp_path / "data.json")["experiment_data"]
        assert [run["status"] for run in cells["0"]["runs"]] == ["completed", "completed", "diverged"]
        assert cells.keys() == {"0", "1"}

    def test_a_change_that_keeps_size_and_time_is_noticed(self, tmp_path: Path) -> None:
        path = write_result(tmp_path, 0, 0)
        stat = path.stat()
        combine(tmp_path)
        path.write_text(path.read_text().replace("-9.0", "-8.0"))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        combine(tmp_path)
        assert read(tmp_path)["experiment_data"]["0"]["runs"][0]["train_episode_rewards"][0] == -8.0

    @pytest.mark.parametrize("damage", [b"", b"{}", b"[1,2]\n", None])
    def test_what_others_did_to_data_json_is_undone(self, tmp_path: Path, damage: bytes | None) -> None:
        for number in range(2):
            write_result(tmp_path, 0, number)
        combine(tmp_path)
        data = tmp_path / "data.json"
        whole = data.read_bytes()
        if damage is None:
            data.write_bytes(whole.replace(b"-9.0", b"-8.0"))
        else:
            data.write_bytes(damage)
        combine(tmp_path)
        assert data.read_bytes() == whole

    def test_one_process_at_a_time(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0)
        lock = Lock(tmp_path / LOCK)
        assert lock.acquire()
        assert_refused(combine(tmp_path), f"process {os.getpid()}", "combines it; allowed: one process at a time")
        lock.release()
        assert combine(tmp_path, tmp_path / ".").exit_code == 0

    def test_what_a_killed_call_was_writing_is_removed(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0)
        (tmp_path / LOCK).parent.mkdir()
        for name in (".data.json.7.tmp", ".archive.tar.zst.7.tmp", LOCK):
            (tmp_path / name).write_text("half")
        (tmp_path / ".Pendulum.json.7.tmp").write_text("another's")
        combine(tmp_path)
        assert sorted(path.name for path in tmp_path.glob(".*")) == [".Pendulum.json.7.tmp"]


class TestUnlikeEnvironments:
    TRACE: ClassVar = {"steps": [10], "dtype": "float64", "sums": [[[1.0, 10.0]]]}
    OURS: ClassVar = {"rollout_hash": "11", "versions": {"mujoco": "3.3.7"}, "cpu": {"flags": ["avx"]}} | {
        "rollout_trace": TRACE
    }
    THEIRS: ClassVar = OURS | {
        "rollout_hash": "22", "versions": {"mujoco": "3.3.0"}, "rollout_trace": TRACE | {"sums": [[[1.5, 10.0]]]}
    }  # fmt: skip

    def test_are_warned_of_once_and_combined_all_the_same(self, tmp_path: Path) -> None:
        for number in range(6):
            write_result(tmp_path, 0, number, provenance=self.THEIRS if number % 2 else self.OURS)
        done = combine(tmp_path)
        assert done.exit_code == 0
        [line] = done.stderr.splitlines()
        assert line.startswith("warning: ")
        assert "another task (0.05 after 10 steps); rollout_hash 22 and 11; mujoco 3.3.0 and 3.3.7" in line
        assert len(read(tmp_path)["experiment_data"]["0"]["runs"]) == 6

    def test_versions_are_named_where_the_behaviour_is_the_same(self, tmp_path: Path) -> None:
        for number in range(4):
            code = {"sources": "ab"}
            versions = {"mujoco": "3.3.0" if number % 2 else "3.3.7"}
            write_result(tmp_path, 0, number, provenance=self.OURS | {"versions": versions, "code": code})
        done = combine(tmp_path)
        assert "their environments are the same to the bit in the recorded rollouts, with mujoco 3.3" in done.stderr

    def test_are_named_where_they_explain_a_contradiction(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, name="a.json", provenance=self.OURS)
        write_result(tmp_path, 0, 0, name="b.json", provenance=self.THEIRS, train_episode_rewards=[-9.0, -7.0, -5.0, 0])
        done = combine(tmp_path)
        assert done.exit_code == 2
        warning, error = done.stderr.splitlines()
        assert warning.startswith("warning: ")
        assert error.startswith("error: ")

    def test_of_another_protocol_are_not_compared(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, name="a.json", provenance=self.OURS)
        other = {"environment": {"steps_per_episode": 20}}
        write_result(tmp_path, 0, 1, name="b.json", provenance=self.THEIRS, experiment=other)
        assert "warning" not in combine(tmp_path).stderr


class TestDuplicates:
    def test_that_agree_are_one_run(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, name="b.json", provenance={"host": "there"}, train_time=9.0, eval_time=9.0)
        write_result(tmp_path, 0, 0, name="a.json")
        assert combine(tmp_path).exit_code == 0
        assert read(tmp_path)["experiment_data"]["0"]["runs"] == [fake_run(0, 0)]

    def test_that_disagree_are_refused(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, name="a.json")
        write_result(tmp_path, 0, 0, name="b.json", train_episode_rewards=[-9.0, -7.0, -5.0, -2.0])
        assert_refused(combine(tmp_path), "a.json", "b.json", "setting 0, run 0", "train_episode_rewards")
        assert not (tmp_path / "data.json").exists()


class TestExperiments:
    @pytest.mark.parametrize(
        ("change", "key"),
        [
            ({"environment": {"total_timesteps": 50}}, "environment.total_timesteps"),
            ({"environment": {"rewards": {"timestep": -1.0, "goal": None}}}, "environment.rewards.timestep"),
            ({"parameters": PARAMETERS | {"critic_lr": [0.1, 0.02, 0.001]}}, "agent.parameters.critic_lr"),
            ({"parameters": PARAMETERS | {"tau": [0.01]}}, "agent.parameters.tau"),
            ({"parameters": dict(reversed(PARAMETERS.items()))}, "agent.parameters"),
        ],
    )
    def test_two_in_one_directory_are_refused(self, tmp_path: Path, change: dict[str, Any], key: str) -> None:
        write_result(tmp_path, 0, 0, name="a.json")
        write_result(tmp_path, 1, 0, name="b.json", experiment=change)
        assert_refused(combine(tmp_path), "a.json", "b.json", f"key '{key}'")
        assert not (tmp_path / "data.json").exists()

    def test_two_resolutions_of_a_setting_are_refused(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, name="a.json")
        other = write_result(tmp_path, 0, 1, name="b.json")
        tree = json.loads(other.read_text())
        tree["experiment_data"]["0"]["agent_params"]["tau"] = 0.5
        other.write_text(json.dumps(tree))
        assert_refused(combine(tmp_path), "a.json", "b.json", "setting 0, agent_params", "key 'tau'")

    def test_first_difference(self) -> None:
        assert first_difference({"a": {"b": 1}, "c": 2}, {"c": 2, "a": {"b": 1}}) is None
        assert first_difference({"a": {"b": 1}, "c": 2}, {"a": {"b": 1}}) == "key 'c': only in the first"
        assert first_difference({"a": {"b": [1]}}, {"a": {"b": [2]}}) == "key 'a.b': found [1] and [2]"


FOREIGN = {
    "broken": '{"experiment": ',
    "empty": "",
    "list": "[1, 2]",
    "config": '{"agent_name": "SAC", "parameters": {}}',
    "listed": '{"experiment": {"environment": {}, "agent": {}}, "experiment_data": []}',
}


class TestForeignFiles:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('{"0": {"agent', f'{{"{"9" * 5000}": {{"agent'),
            ('{"0": {"agent', '{"٣": {"agent'),
            ('"status"', f'"deep": {"[" * 300}{"]" * 300}, "status"'),
            ('"run_number": 0', '"run_number": 9007199254740993'),
            ('"last_episode_complete": true', '"last_episode_complete": true, "eval_episode_steps": [[1]]'),
            ('"timesteps_at_eval": [0, 10]', '"timesteps_at_eval": [10, 10]'),
            ('"timesteps_at_eval": [0, 10]', '"timesteps_at_eval": [0, 9007199254740992]'),
            ('"train_episode_steps": [10,', '"train_episode_steps": [9007199254740992,'),
            ('"total_timesteps": 40', '"total_timesteps": 9007199254740992'),
        ],
    )  # fmt: skip
    def test_odd_values_make_none(self, tmp_path: Path, old: str, new: str) -> None:
        write_result(tmp_path, 1, 1)
        path = write_result(tmp_path, 0, 0, name="odd.json")
        path.write_text(path.read_text().replace(old, new))
        result = combine(tmp_path)
        assert result.exit_code == 1
        assert "odd.json: not a result" in result.stderr

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"batch_size": [None], "replay_capacity": [100]}, "key 'batch_size': found None"),
            ({"batch_size": [32], "replay_capacity": [16]}, "found no pair with batch_size <= replay_capacity"),
            ({"critic_lr": {"n": 3}}, "key 'critic_lr': "),
        ],
    )
    def test_a_grid_that_cannot_be_numbered_makes_none(
        self, tmp_path: Path, values: dict[str, object], reason: str
    ) -> None:
        write_result(tmp_path, 1, 1)
        path = write_result(tmp_path, 0, 0, name="odd.json")
        tree = json.loads(path.read_text())
        tree["experiment"]["agent"]["parameters"] |= values
        path.write_text(json.dumps(tree))
        result = combine(tmp_path)
        assert result.exit_code == 1
        [line] = [line for line in result.stderr.splitlines() if "odd.json: not a result: grid: " in line]
        assert reason in line

    def test_a_name_that_is_no_text_makes_none(self, tmp_path: Path) -> None:
        os.rename(write_result(tmp_path, 0, 0), os.fsencode(tmp_path) + b"/\xff.json")
        write_result(tmp_path, 1, 0)
        assert combine(tmp_path).exit_code == 1
        assert read(tmp_path)["experiment_data"].keys() == {"1"}

    def test_are_named_and_left_out(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0)
        for name, text in FOREIGN.items():
            (tmp_path / f"{name}.json").write_text(text)
        (tmp_path / "folder.json").mkdir()
        write_result(tmp_path, 0, 1, name="running.json", status="running")
        write_result(tmp_path, 0, 2, name="negative.json", run_number=-1)
        result = combine(tmp_path)
        assert result.exit_code == 1
        assert len(read(tmp_path)["experiment_data"]["0"]["runs"]) == 1
        names = [*FOREIGN, "folder", "running", "negative"]
        assert result.stderr.count("\n") == len(names) + 1
        assert all(f"{name}.json: " in result.stderr for name in names)
        assert "left out: 8 of the JSON files" in result.stderr
        assert (tmp_path / "broken.json").read_text() == FOREIGN["broken"]

    def test_a_setting_outside_the_grid_is_none(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0)
        outside = write_result(tmp_path, 2, 0)
        outside.write_text(outside.read_text().replace('{"2": ', '{"3": '))
        result = combine(tmp_path)
        assert result.exit_code == 1
        assert "found setting '3'; allowed: 0 to 2" in result.stderr

    def test_hidden_and_temporary_files_and_data_json_are_not_read(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0)
        for name in (".a.json", ".b.json.77.tmp", "c.json.tmp", "data.json", "d.npz"):
            (tmp_path / name).write_text("no JSON")
        result = combine(tmp_path)
        assert (result.exit_code, result.stderr) == (0, "")
        assert read(tmp_path)["experiment_data"].keys() == {"0"}


class TestBadDirectories:
    def test_missing(self, tmp_path: Path) -> None:
        assert_refused(combine(tmp_path / "absent"), "absent", "No such file")

    def test_a_file(self, tmp_path: Path) -> None:
        assert_refused(combine(write_result(tmp_path, 0, 0)), "Not a directory")

    def test_without_results(self, tmp_path: Path) -> None:
        assert_refused(combine(tmp_path), "found no result")
        assert list(tmp_path.iterdir()) == []

    def test_one_of_two_leaves_both_unwritten(self, tmp_path: Path) -> None:
        write_result(tmp_path / "good", 0, 0)
        assert_refused(combine(tmp_path / "good", tmp_path / "absent"), "absent")
        assert not (tmp_path / "good/data.json").exists()

    def test_two_good_ones_are_both_written(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_result(tmp_path / name, 0, 0)
        assert combine(tmp_path / "a", tmp_path / "b").exit_code == 0
        assert (tmp_path / "a/data.json").read_bytes() == (tmp_path / "b/data.json").read_bytes()

    def test_not_writable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: Path) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        file = write_result(tmp_path, 0, 0)
        monkeypatch.setattr("utils.combining.data_json_writer.open_atomically", refuse)
        assert_refused(combine(tmp_path), "data.json: cannot be written: Permission denied")
        assert list(tmp_path.iterdir()) == [file]


def rows(result: Result) -> list[list[str]]:
    """Return the words of each line of the table, without its header."""
    lines = result.stdout.splitlines()
    return [line.split() for line in lines[2:-1]]


class TestTable:
    def test_counts_and_indices(self, tmp_path: Path) -> None:
        for number in range(3):
            write_result(tmp_path, 0, number)
        write_result(tmp_path, 1, 0)
        write_result(tmp_path, 1, 2, status="diverged")
        result = combine(tmp_path)
        assert rows(result) == [
            ["0", "3", "0", "0", "critic_lr", "0.1"],
            ["1", "1", "1", "1", "critic_lr", "0.01"],
            ["2", "0", "0", "3", "critic_lr", "0.001"],
            ["all", "4", "1", "4"],
        ]
        assert result.stdout.splitlines()[-1] == "still to run: --index 2,4-5,8"

    def test_fresh_seeds_do_not_begin_at_zero(self, tmp_path: Path) -> None:
        for setting, number in [(0, 10), (1, 11), (2, 12)]:
            write_result(tmp_path, setting, number)
        result = combine(tmp_path)
        assert rows(result)[-1] == ["all", "3", "0", "6"]
        assert result.stdout.splitlines()[-1] == "still to run: --index 31-33,35-37"

    def test_one_run_of_one_setting(self, tmp_path: Path) -> None:
        write_result(tmp_path, 0, 0, experiment={"parameters": {"critic_lr": [0.1]}})
        result = combine(tmp_path)
        assert rows(result) == [["0", "1", "0", "0"], ["all", "1", "0", "0"]]
        assert result.stdout.splitlines()[-1] == "nothing is missing"

    def test_of_a_large_grid_lists_what_is_incomplete(self, tmp_path: Path) -> None:
        grid = {"parameters": {"critic_lr": [0.1 * k for k in range(1, 31)]}}
        for setting in range(30):
            if setting != 17:
                write_result(tmp_path, setting, 0, experiment=grid)
        assert rows(combine(tmp_path)) == [
            ["17", "0", "0", "1", "critic_lr", "1.8"],
            ["29", "others", "29", "0", "0"],
            ["all", "29", "0", "1"],
        ]


def test_help_loads_neither_torch_nor_numpy() -> None:
    code = "import sys, simple_combine; simple_combine.main(['--help'], standalone_mode=False); "
    code += "assert not {'torch', 'numpy', 'pydantic'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_combining_does_not_load_torch(tmp_path: Path) -> None:
    write_result(tmp_path, 0, 0)
    code = "import sys, simple_combine; simple_combine.main([sys.argv[1]], standalone_mode=False)"
    code = f"import atexit, sys; atexit.register(lambda: print('torch' in sys.modules)); {code}"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"
