"""simple_combine.py --archive: which files move into the archive, who reads them there, and that no run is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from click.testing import CliRunner

import main
from tests.support.fake_results import assert_refused, combine, write_result
from utils import compare_runs
from utils.combining.combine import lock_combining
from utils.combining.unarchive_results import unarchive_results
from utils.core.errors import BadInput
from utils.files.archive import ARCHIVE, open_archive, read_file
from utils.files.archive_writer import MIN_FRAME_BYTES
from utils.results.learned_params import read_learned_run
from utils.results.result_file import ResultFile
from utils.slurm.commands import EMPTY_QUEUE
from utils.slurm.missing_runs import sort_runs
from utils.slurm.sweep_status import ResultReader, find_status
from utils.wiring import build

PARAMS = np.arange(6, dtype=np.float32).reshape(2, 3)


def write_run(directory: Path, setting: int, number: int, **changes: Any) -> Path:
    """Write a result with learned parameters and return its path."""
    name = f"run_{setting}_{number}"
    reference = {"file": f"{name}.npz", "arrays": {"learned_params/w": [2, 3]}}
    path = write_result(directory, setting, number, name=f"{name}.json", learned_params=reference, **changes)
    arrays: dict[str, Any] = {"learned_params/w": PARAMS + number}
    np.savez(path.with_suffix(".npz"), **arrays)
    return path


def contents(directory: Path) -> dict[str, bytes]:
    """Return the content of each file of a run, in the directory or in its archive."""
    archive = open_archive(directory)
    names = {path.name for path in directory.glob("run_*")} | set(archive.members if archive else ())
    return {name: read_file(directory / name) for name in sorted(names)}


def names(directory: Path) -> list[str]:
    """Return the names of a directory's files."""
    return sorted(path.name for path in directory.iterdir())


DATA_JSON = ["data.json", "data.json.index"]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A directory with three settings of two runs each."""
    for setting in range(3):
        for number in range(2):
            write_run(tmp_path, setting, number)
    return tmp_path


class TestPacking:
    def test_moves_every_file_of_every_run(self, sweep: Path) -> None:
        before = contents(sweep)
        combine(sweep)
        data = (sweep / "data.json").read_bytes()
        done = combine(sweep, archive=True)
        assert done.exit_code == 0
        assert "12 files moved into the archive" in done.stdout
        assert names(sweep) == [ARCHIVE, *DATA_JSON]
        assert contents(sweep) == before
        assert len(before) == 12
        assert (sweep / "data.json").read_bytes() == data

    def test_any_tar_unpacks_it(self, sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        before, target = contents(sweep), tmp_path_factory.mktemp("unpacked")
        combine(sweep, archive=True)
        write_run(sweep, 0, 2)
        before |= contents(sweep)
        combine(sweep, archive=True)
        extract(sweep / ARCHIVE, target)
        assert {path.name: path.read_bytes() for path in target.iterdir()} == before

    def test_again_adds(self, sweep: Path) -> None:
        combine(sweep, archive=True)
        old = (sweep / ARCHIVE).read_bytes()
        write_run(sweep, 1, 2)
        before = contents(sweep)
        assert "2 files moved" in combine(sweep, archive=True).stdout
        assert contents(sweep) == before
        assert len(before) == 14
        end = open_archive(sweep).frames[-1].offset
        assert (sweep / ARCHIVE).read_bytes()[:end] == old[:end]

    def test_with_nothing_new_changes_nothing(self, sweep: Path) -> None:
        combine(sweep, archive=True)
        combine(sweep)
        stamps = [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(sweep.iterdir())]
        combine(sweep, archive=True)
        combine(sweep)
        assert [(path.name, path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(sweep.iterdir())] == stamps

    def test_a_run_trained_again_replaces_the_archived_one(self, sweep: Path) -> None:
        combine(sweep, archive=True)
        again = write_run(sweep, 0, 0, train_episode_rewards=[0.0, 0.0, 0.0, 0.0]).read_bytes()
        for archive in (None, True):
            combine(sweep, **({"archive": True} if archive else {}))
            run = json.loads((sweep / "data.json").read_bytes())["experiment_data"]["0"]["runs"][0]
            assert run["train_episode_rewards"] == [0.0, 0.0, 0.0, 0.0]
            assert read_file(sweep / "run_0_0.json") == again

    def test_of_many_megabytes_has_frames_that_stand_alone(self, tmp_path: Path) -> None:
        noise = np.random.Generator(np.random.PCG64(0)).random(MIN_FRAME_BYTES // 16).tolist()
        for number in range(6):
            write_run(tmp_path, 0, number, noise=noise)
        before = contents(tmp_path)
        combine(tmp_path, archive=True)
        archive = open_archive(tmp_path)
        assert len(archive.frames) > 3
        assert [archive.read(name) for name in reversed(before)] == [before[name] for name in reversed(before)]


class TestWhatStays:
    def test_everything_that_is_no_result(self, sweep: Path) -> None:
        others = ["foreign.json", ".hidden.json", "run.lock", "notes.txt", "orphan.npz", "film.mp4"]
        for name in others:
            (sweep / name).write_text("[1]")
        (sweep / "run_0_0.checkpoint").mkdir()
        done = combine(sweep, archive=True)
        assert done.exit_code == 1
        assert done.stderr.count("\n") == 2
        assert names(sweep) == sorted([ARCHIVE, *DATA_JSON, *others, "run_0_0.checkpoint"])

    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda path: path.unlink(), "are missing"),
            (lambda path: path.write_bytes(b"PK"), "not a zip file"),
            (lambda path: np.savez(path, other=PARAMS), "it lacks learned_params/w.npy"),
            (
                lambda path: path.write_bytes(path.read_bytes().replace(PARAMS.tobytes(), bytes(24))),
                "damaged",
            ),
        ],
    )
    def test_a_result_without_its_arrays(self, sweep: Path, damage: Any, reason: str) -> None:
        damage(sweep / "run_0_0.npz")
        before = contents(sweep)
        done = combine(sweep, archive=True)
        assert done.exit_code == 1
        assert "run_0_0.json" in done.stderr
        assert reason in done.stderr
        assert (sweep / "run_0_0.json").exists()
        assert contents(sweep) == before
        assert len(json.loads((sweep / "data.json").read_bytes())["experiment_data"]["0"]["runs"]) == 2

    @pytest.mark.parametrize("name", ["../outside.npz", "data.json", ".npz", 7])
    def test_a_result_that_names_another_file_as_its_arrays(self, sweep: Path, name: Any) -> None:
        write_result(sweep, 0, 5, name="run_x.json", learned_params={"file": name, "arrays": {}})
        done = combine(sweep, archive=True)
        assert done.exit_code == 1
        assert "the name of a .npz in the result's directory" in done.stderr
        assert names(sweep) == [ARCHIVE, *DATA_JSON, "run_x.json"]

    def test_all_where_two_results_contradict_each_other(self, sweep: Path) -> None:
        write_run(sweep, 0, 0, train_episode_rewards=[0.0, 0.0, 0.0, 0.0]).rename(sweep / "copy.json")
        write_run(sweep, 0, 0)
        before = names(sweep)
        assert_refused(combine(sweep, archive=True), "copy.json", "run_0_0.json", "train_episode_rewards")
        assert names(sweep) == before


class TestReading:
    def test_results_exist_in_the_archive(self, sweep: Path) -> None:
        combine(sweep, archive=True)
        assert ResultFile(sweep, "run_2_1").exists()
        assert not ResultFile(sweep, "run_2_2").exists()
        assert not ResultFile(sweep / "absent", "run_2_1").exists()

    def test_a_damaged_archive_is_named(self, sweep: Path) -> None:
        combine(sweep, archive=True)
        content = (sweep / ARCHIVE).read_bytes()
        for damaged in (b"", content[:-1], content[:40] + content[-9:], content[:-60] + bytes(60)):
            (sweep / ARCHIVE).write_bytes(damaged)
            with pytest.raises(BadInput, match="its index cannot be read"):
                ResultFile(sweep, "run_2_1").exists()
            assert_refused(combine(sweep), ARCHIVE)

    def test_a_damaged_frame_is_named(self, sweep: Path) -> None:
        combine(sweep, archive=True)
        content = bytearray((sweep / ARCHIVE).read_bytes())
        content[60] ^= 1
        (sweep / ARCHIVE).write_bytes(content)
        with pytest.raises(BadInput, match="damaged at byte 0"):
            read_file(sweep / "run_0_0.json")
        write_run(sweep, 0, 7)
        before = names(sweep)
        combine(sweep, archive=True)
        assert set(before) <= set(names(sweep))


class TestTakingOut:
    def test_leaves_an_archive_of_the_others_only(self, sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        before, target, unpacked = contents(sweep), *map(tmp_path_factory.mktemp, ("target", "unpacked"))
        os.utime(sweep / "run_1_0.json", (1e9, 1e9))
        combine(sweep, archive=True)
        write_run(sweep, 2, 0, train_time=9.0)
        combine(sweep, archive=True)
        gone = {"run_0_0.json", "run_0_0.npz", "run_2_0.json", "run_7_7.json"}
        newest = contents(sweep)
        unarchive_results(sweep, gone, target)
        assert contents(target) == {name: newest[name] for name in gone if name in newest}
        assert contents(sweep) == {name: before[name] for name in before if name not in gone}
        extract(sweep / ARCHIVE, unpacked)
        assert contents(unpacked) == contents(sweep)
        assert (unpacked / "run_1_0.json").stat().st_mtime == 1e9
        combine(sweep)
        assert names(sweep) == [ARCHIVE, *DATA_JSON]
        data = json.loads((sweep / "data.json").read_bytes())["experiment_data"]
        assert {setting: [run["run_number"] for run in cell["runs"]] for setting, cell in data.items()} == {
            "0": [1], "1": [0, 1], "2": [1],
        }  # fmt: skip

    def test_of_all_leaves_no_archive(self, sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
        before, target = contents(sweep), tmp_path_factory.mktemp("target")
        combine(sweep, archive=True)
        unarchive_results(sweep, before.keys(), target)
        assert contents(target) == before
        assert names(sweep) == DATA_JSON

    def test_while_another_combines_changes_nothing(self, sweep: Path, tmp_path: Path) -> None:
        combine(sweep, archive=True)
        content = (sweep / ARCHIVE).read_bytes()
        with lock_combining(sweep), pytest.raises(BadInput, match="combines it"):
            unarchive_results(sweep, {"run_0_0.json"}, tmp_path)
        assert (sweep / ARCHIVE).read_bytes() == content

    @pytest.mark.parametrize("name", ["run_0_0.json", "run_0_1.json"])
    def test_of_a_damaged_archive_changes_nothing(self, sweep: Path, tmp_path_factory: Any, name: str) -> None:
        """The damage may be in a run that is taken out or in one that stays."""
        combine(sweep, archive=True)
        content = bytearray((sweep / ARCHIVE).read_bytes())
        content[60] ^= 1
        (sweep / ARCHIVE).write_bytes(content)
        with pytest.raises(BadInput, match="damaged at byte 0"):
            unarchive_results(sweep, {name}, tmp_path_factory.mktemp("target"))
        assert (sweep / ARCHIVE).read_bytes() == content
        assert names(sweep) == [ARCHIVE, *DATA_JSON]


def extract(archive: Path, target: Path) -> None:
    """Extract an archive into a directory, as `tar --zstd -xf` does."""
    with open(archive, "rb") as file:
        unpacked = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        with tarfile.open(fileobj=unpacked, mode="r|") as tar:
            # Python has filters from 3.11.4 on.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tar.extractall(target)


DEADLY = {"open", "os.rename", "os.remove", "os.truncate", "shutil.copyfileobj"}
"""Audit events that archiving's operations on files begin with; the writes between two of them end in a flush."""


def archive_and_kill(step: int, directory: Path) -> int:
    """Archive in a process that is killed at the start of its step-th file operation; return its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    left = [step]

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        if event in DEADLY and str(directory) in str(arguments):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    code = combine(directory, archive=True).exit_code
    os._exit(code)


@pytest.mark.parametrize("archived_before", [False, True])
def test_killed_at_any_operation_loses_nothing(tmp_path: Path, archived_before: bool) -> None:
    """The next call completes the archive and leaves no other files."""
    step, status = 0, 1
    while status:
        step += 1
        sweep = tmp_path / str(step)
        for number in range(2):
            write_run(sweep, 0, number)
        if archived_before:
            combine(sweep, archive=True)
            for number in (1, 2):
                write_run(sweep, 0, number, train_time=9.0)
        before = contents(sweep)
        status = archive_and_kill(step, sweep)
        assert contents(sweep) == before
        assert all(ResultFile(sweep, Path(name).stem).exists() for name in before)
        assert combine(sweep, archive=True).exit_code == 0
        assert contents(sweep) == before
        assert names(sweep) == [ARCHIVE, *DATA_JSON]
        runs = json.loads((sweep / "data.json").read_bytes())["experiment_data"]["0"]["runs"]
        assert len(runs) == 2 + archived_before
    assert step > 20


def test_a_sweep_whose_files_are_archived_trains_nothing(files: Any, tmp_path: Path, caplog: Any) -> None:
    """The learned parameters are still read."""
    arguments = ["--env-json", files.environment(total_timesteps=20), "--agent-json", files.agent(), "--runs", "2"]
    arguments += ["--save-dir", str(tmp_path / "out")]
    assert CliRunner().invoke(main.main, arguments).exit_code == 0
    first, second = sorted(tmp_path.glob("out/*/*.json"))
    learned = read_learned_run(first).arrays
    assert combine(first.parent, archive=True).exit_code == 0
    assert names(first.parent) == [ARCHIVE, *DATA_JSON]
    caplog.clear()
    with caplog.at_level("INFO"):
        assert CliRunner().invoke(main.main, arguments).exit_code == 0
    said = [record.getMessage().split(", ")[0] for record in caplog.records]
    assert said[:2] == ["index 0: skipped", "index 1: skipped"]
    assert not [text for text in said if "training" in text]
    assert names(first.parent) == [ARCHIVE, *DATA_JSON]
    experiment = build.read_experiment(arguments[1], arguments[3], arguments[-1])
    cells = list(experiment.run_ids([0], range(3)))
    assert sort_runs(experiment, cells, {}).missing == cells[2:]
    assert "".join(find_status(experiment, cells, EMPTY_QUEUE, ResultReader()).states) == "CC."
    assert learned.keys() == read_learned_run(first).arrays.keys()
    for name, array in read_learned_run(first).arrays.items():
        np.testing.assert_array_equal(array, learned[name])
    assert CliRunner().invoke(compare_runs.main, [str(first), str(first)]).output == "identical\n"
    assert CliRunner().invoke(compare_runs.main, [str(first), str(second)]).exit_code == 1
