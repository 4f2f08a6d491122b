"""main.py --verify: a repeated run is identical, or the first difference is reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import main
from utils.core.provenance import ARITHMETIC

NAME = "Pendulum-v1_SAC_SquashedGaussian"


def trained(files, tmp_path: Path, *more: str) -> list[Path]:
    arguments = ["--env-json", files.environment(), "--agent-json", files.agent(alpha=[0.1, 0.5]), "--runs", "1"]
    done = CliRunner().invoke(main.main, [*arguments, "--save-dir", str(tmp_path / "out"), *more])
    assert done.exit_code == 0, done.output
    return sorted((tmp_path / "out").glob("*/*.json"))


def verify(*arguments: object) -> Result:
    return CliRunner().invoke(main.main, ["--verify", *map(str, arguments)])


def change(path: Path, edit) -> None:
    """Edit a result's run."""
    tree = json.loads(path.read_bytes())
    (cell,) = tree["experiment_data"].values()
    edit(cell["runs"][0])
    path.write_text(json.dumps(tree))


def test_results_are_identical_in_one_stack_and_in_another_directory(files, tmp_path):
    """Results, one of them a copy, are verified in one stack; no file is left or changed."""
    paths = trained(files, tmp_path)
    copy = tmp_path / "copy.json"
    copy.write_bytes(paths[0].read_bytes())
    copy.with_suffix(".npz").write_bytes(paths[0].with_suffix(".npz").read_bytes())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = verify(*paths, copy)
    assert done.exit_code == 0
    assert sorted(done.stdout.splitlines()) == sorted(f"{path}: identical" for path in (*paths, copy))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_difference_is_reported_with_both_versions(files, tmp_path):
    first, second = trained(files, tmp_path)

    def edit(run):
        run["eval_episode_rewards"][1][0] += 1e-9
        run["provenance"]["versions"]["mujoco"] = "9.9.9"

    change(second, edit)
    done = verify(first, second)
    assert done.exit_code == 1
    assert f"{first}: identical" in done.stdout
    assert f"{second}: different: eval_episode_rewards[1][0]: " in done.stdout
    starred = [line.split() for line in done.stdout.splitlines() if line.startswith("  *")]
    assert [(line[1], line[2]) for line in starred] == [("mujoco", "9.9.9")]


def test_a_changed_array_is_reported_with_its_position(files, tmp_path):
    import numpy as np

    path = trained(files, tmp_path)[0]
    with np.load(path.with_suffix(".npz")) as stored:
        arrays = dict(stored)
    name = "learned_params/actor/weight_0"
    arrays[name].flat[3] = np.nextafter(arrays[name].flat[3], np.float32(9))
    np.savez(path.with_suffix(".npz"), **arrays)
    done = verify(path)
    assert done.exit_code == 1
    position = list(np.unravel_index(3, arrays[name].shape))
    assert f"different: {name}{[int(i) for i in position]}: " in done.stdout


def test_a_different_engine_does_not_verify_a_result(files, tmp_path, monkeypatch):
    path = trained(files, tmp_path)[0]
    change(path, lambda run: run["provenance"].update(engine="compiled", arithmetic=ARITHMETIC))
    monkeypatch.setattr("agent.engine.selection.reason_not_compiled", lambda agent: "there is no compiler")
    done = verify(path)
    assert done.exit_code == 1
    expected = "not verified: engine compiled was recorded, but here it is eager: there is no compiler"
    assert done.stdout == f"{path}: {expected}\n"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda run: run.update(key="0" * 12), "was recorded"),
        (lambda run: run.update(index=1), "was recorded"),
        (lambda run: run.update(index="one"), "found index 'one'"),
        (lambda run: run["provenance"].update(engine="steam"), "and engine 'steam'"),
        (lambda run: run["provenance"].update(engine="compiled"), "computed it with arithmetic None"),
        (
            lambda run: run["provenance"].update(engine="compiled", arithmetic="portable, version 0"),
            f"computed it with arithmetic 'portable, version 0'; this version's is '{ARITHMETIC}'",
        ),
        (lambda run: run.pop("provenance"), "found no 'provenance'"),
    ],
)
def test_a_file_that_is_not_a_result_of_this_configuration_is_bad_input(edit, message, files, tmp_path):
    path = next(path for path in trained(files, tmp_path) if '"index":0' in path.read_text())
    change(path, edit)
    done = verify(path)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {path}: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--verify"], "--verify: found no RESULT"),
        (["--verify", "nowhere.json"], "nowhere.json: cannot be read"),
        (["some.json"], "RESULT: found 'some.json' without --verify"),
        ([], "--env-json: found none"),
        (["--env-json", "e.json"], "--agent-json: found none"),
    ],
)
def test_wrong_calls_are_bad_input(arguments, message):
    done = CliRunner().invoke(main.main, arguments)
    assert (done.exit_code, message in done.stderr) == (2, True), done.stderr
