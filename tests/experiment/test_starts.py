"""utils/experiment/starts.py: keys by content, a result for each run number, and errors in one line."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from main import main
from simple_combine import main as combine
from tests.support.starts import change_run, configure, learn, read
from utils.core.errors import BadInput
from utils.files.json_text import canonical_json


def test_the_key_has_the_content_of_the_parameters(files):
    """It is SHA-256 of canonical JSON, to which a start adds one key."""
    (start,) = learn(files, "linearAC")
    new, begun = (read(files, configure(files, "linearAC", path)) for path in (None, start.result.path))
    identity = {
        "agent_name": "linearAC", "agent_params": new.hyperparameters(0).identity(), "environment": new.protocol,
        "run": 3,
    }  # fmt: skip
    for experiment, more in ((new, {}), (begun, {"start_from": start.sha256})):
        assert experiment.run(3).key == hashlib.sha256(canonical_json(identity | more)).hexdigest()[:12]


def test_moved_parameters_give_the_same_keys_and_others_give_others(files):
    one, other = learn(files, "linearAC", "0-1")
    folder = shutil.copytree(one.result.path.parent, files.folder / "moved")
    paths = [one.result.path, folder / one.result.path.name, other.result.path]
    keys = [read(files, configure(files, "linearAC", path)).run(0).key for path in paths]
    assert keys[0] == keys[1] != keys[2]


def test_a_directory_has_a_result_for_each_run_number(files):
    """For all settings alike; damaged files and data.json are no results."""
    learned = learn(files, "linearAC", "0-2")
    folder = learned[0].result.path.parent
    (folder / "data.json").write_text("{}")
    (folder / "other.json").write_text("{")
    experiment = read(files, configure(files, "linearAC", folder, parameters={"critic_lr": [0.1, 0.2]}))
    for index in range(6):
        run = experiment.run(index)
        assert run.start.path == learned[run.run].result.path
        assert run.start.sha256 == learned[run.run].sha256
    with pytest.raises(BadInput, match=r"found no result of run 3 \(.*other.json.*\); allowed here: run numbers 0-2, "):
        experiment.run(6)


def test_archived_results_can_be_begun_from(files):
    (learned,) = learn(files, "linearAC")
    folder = learned.result.path.parent
    before = read(files, configure(files, "linearAC", folder)).run(0).key
    assert CliRunner().invoke(combine, [str(folder), "--archive"]).exit_code == 0
    assert not learned.result.path.exists()
    for path in (folder, learned.result.path):
        assert read(files, configure(files, "linearAC", path)).run(0).key == before


def test_two_results_of_a_run_number_are_refused(files):
    (learned,) = learn(files, "linearAC")
    learn(files, "linearAC", total_timesteps=30)
    folder = learned.result.path.parent
    experiment = read(files, configure(files, "linearAC", folder))
    with pytest.raises(BadInput, match=r"found 2 results of run 0, such as .* and .*; allowed: a directory with one"):
        experiment.run(0)


def test_the_directory_of_the_runs_themselves_is_refused(files):
    (learned,) = learn(files, "linearAC", save_dir="out")
    experiment = read(files, configure(files, "linearAC", learned.result.path.parent))
    with pytest.raises(BadInput, match="is where these runs' own results are written; allowed: another directory"):
        experiment.run(0)


def remove_result(path: Path, *left: str) -> None:
    """Remove a result, and leave what a run in training has."""
    path.unlink()
    folder = path.parent / "checkpoints"
    folder.mkdir(exist_ok=True)
    for name in left:
        (folder / name.format(key=path.stem.rpartition("_")[2])).mkdir()


def spoil_arrays(path: Path) -> None:
    """Change a byte in the middle of the arrays."""
    content = bytearray(path.with_suffix(".npz").read_bytes())
    content[len(content) // 2] ^= 1
    path.with_suffix(".npz").write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_result, "not found; allowed: the path of a result, or of a directory of results"),
        (lambda path: remove_result(path, "{key}"), "its run is not complete, it is in training or has a checkpoint"),
        (lambda path: remove_result(path, "{key}.lock"), "its run is not complete, it is in training or has a check"),
        (lambda path: path.write_text("{"), "not valid JSON"),
        (lambda path: path.write_text("{}"), "not a result"),
        (lambda path: change_run(path, status="diverged"), "key 'status': found 'diverged'; allowed: 'completed'"),
        (lambda path: change_run(path, learned_params={}), "its agent learns nothing; allowed: a result with learned"),
        (lambda path: path.with_suffix(".npz").unlink(), "its arrays cannot be read"),
        (spoil_arrays, "its arrays cannot be read"),
    ],
)
def test_a_start_that_cannot_be_begun_from_is_one_line(damage, message, files):
    (learned,) = learn(files, "linearAC")
    path = learned.result.path
    configured = configure(files, "linearAC", path)
    damage(path)
    options = ["--agent-json", configured[0], "--env-json", configured[1], "--save-dir", str(files.folder / "out")]
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 2
    lines = [line for line in done.output.splitlines() if line.startswith("error:")]
    assert len(lines) == 1
    assert lines[0].startswith(f"error: {configured[0]}: start_from: ")
    assert message in lines[0]
    assert not (files.folder / "out").exists()


@pytest.mark.parametrize("found", ["3", "[]", '""'])
def test_another_type_is_refused(found, files):
    configured = configure(files, "linearAC", None)
    path = Path(configured[0])
    path.write_text(path.read_text()[:-1] + f', "start_from": {found}}}')
    with pytest.raises(BadInput, match="key 'start_from'"):
        read(files, configured)


def test_null_is_as_if_it_were_left_out(files):
    configured = configure(files, "linearAC", None)
    expected = read(files, configured)
    path = Path(configured[0])
    path.write_text(path.read_text()[:-1] + ', "start_from": null}')
    experiment = read(files, configured)
    assert experiment.run(0).key == expected.run(0).key
    assert experiment.agent.model_dump(mode="json") == expected.agent.model_dump(mode="json")
    assert "start_from" not in experiment.agent.model_dump(mode="json")
