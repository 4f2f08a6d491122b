"""W&B's files have every number with all its bits, and one directory for each run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.exported_runs import END_SECONDS, SERIES, group_of, run_export_script, write_run
from tests.support.fake_results import ENVIRONMENT
from tests.support.wandb_reader import WandbRun, read_wandb_run

pytest.importorskip("wandb", reason="wandb is not installed: pip install -r requirements-export.txt")


@pytest.fixture(autouse=True)
def _no_settings(tmp_path, monkeypatch):
    """Keep W&B from this user's settings."""
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("WANDB_MODE", raising=False)


def read_run(output: Path, key: str) -> WandbRun:
    [path] = output.glob(f"wandb/offline-run-*-{key}/run-{key}.wandb")
    return read_wandb_run(path)


def test_values_have_our_bits(tmp_path):
    keys = [write_run(tmp_path / "results", 1), write_run(tmp_path / "results", 2, 3, status="diverged")]
    done = run_export_script(tmp_path / "results", "--to", "wandb", "--output", tmp_path / "out", "--project", "mine")
    assert done == f"{tmp_path / 'out'}: 2 added, 0 replaced, 0 unchanged\n"
    for key, setting, status in zip(keys, (1, 2), ("completed", "diverged"), strict=True):
        found = read_run(tmp_path / "out", key)
        series: dict[str, list[tuple[int, float]]] = {}
        for timestep, values in found.history:
            for name, value in values.items():
                series.setdefault(name, []).append((timestep, value))
        assert series == SERIES
        assert found.times == {END_SECONDS}
        assert found.exit_code == (status == "diverged")
        run = found.run
        assert (run.project, run.run_id, run.display_name) == ("mine", key, f"Pendulum-v1_SAC_Beta_{key}")
        assert run.run_group == group_of(setting)
        assert sorted(run.tags) == sorted([status, "Pendulum-v1", "SAC"])
        assert found.config["critic_lr"] == (0.1, 0.01, 0.001)[setting]
        assert found.config["random_seed"] == 3 * (setting - 1)
        assert found.config["environment"] == ENVIRONMENT


def test_a_run_is_exported_once_and_replaced(tmp_path):
    key = write_run(tmp_path / "results")
    write_run(tmp_path / "results", 1)
    arguments = (tmp_path / "results", "--to", "wandb", "--output", tmp_path / "out")
    run_export_script(*arguments)
    write_run(tmp_path / "results", train_episode_rewards=[0.0, 1.0, 2.0, 3.0])
    assert run_export_script(*arguments).endswith("0 added, 1 replaced, 1 unchanged\n")
    assert len(list((tmp_path / "out/wandb").glob("offline-run-*"))) == 2
    (tmp_path / "out/exported_wandb.json").unlink()
    assert run_export_script(*arguments).endswith("2 added, 0 replaced, 0 unchanged\n")
    assert len(list((tmp_path / "out/wandb").glob("offline-run-*"))) == 2
    returns = [
        values["train/return"] for _, values in read_run(tmp_path / "out", key).history if "train/return" in values
    ]
    assert returns == [0.0, 1.0, 2.0]


def test_an_uploaded_run_that_was_removed_is_not_exported_again(tmp_path):
    """As `wandb clean` removes it."""
    key = write_run(tmp_path / "results")
    arguments = (tmp_path / "results", "--to", "wandb", "--output", tmp_path / "out")
    run_export_script(*arguments)
    for path in (tmp_path / "out/wandb").glob(f"offline-run-*-{key}/*.wandb"):
        path.unlink()
    assert run_export_script(*arguments).endswith("0 added, 0 replaced, 1 unchanged\n")


def test_another_project_of_the_same_output(tmp_path):
    key = write_run(tmp_path / "results")
    arguments = (tmp_path / "results", "--to", "wandb", "--output", tmp_path / "out")
    run_export_script(*arguments)
    assert run_export_script(*arguments, "--project", "other").endswith("0 added, 1 replaced, 0 unchanged\n")
    assert read_run(tmp_path / "out", key).run.project == "other"


def test_a_relative_output(tmp_path):
    key = write_run(tmp_path / "results")
    done = run_export_script("results", "--to", "wandb", "--output", "out", folder=tmp_path)
    assert done == "out: 1 added, 0 replaced, 0 unchanged\n"
    assert read_run(tmp_path / "out", key).run.run_id == key


def test_modes(tmp_path):
    write_run(tmp_path / "results")
    arguments = (tmp_path / "results", "--to", "wandb", "--output", tmp_path / "out")
    error = run_export_script(*arguments, WANDB_MODE="disabled")
    assert error == "error: WANDB_MODE: found 'disabled'; allowed: offline, online\n"
    run_export_script(*arguments, WANDB_MODE="offline")
    assert len(list((tmp_path / "out/wandb").glob("offline-run-*"))) == 1
