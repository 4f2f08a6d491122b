"""schedule.py --keep-checkpoint and --extend, on a fake SLURM that only keeps a queue."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.support.fake_slurm import shown_command
from utils.training import run_claims


def training_command(folder: Path) -> list[str]:
    """Return the words of the main.py command in a submission's script."""
    (line,) = (line for line in (folder / "job.sh").read_text().splitlines() if "exec python" in line)
    return shlex.split(line.strip().removeprefix("exec "))


def timesteps(path: Path) -> int:
    """Return the total_timesteps of a protocol."""
    return int(json.loads(path.read_text())["total_timesteps"])


def test_keeping_checkpoints_is_passed_on(project, slurm):
    project.submit("--keep-checkpoint")
    assert "--keep-checkpoint" in training_command(project.submissions[0])


def test_extending_runs_without_a_kept_checkpoint_is_an_error(project, slurm):
    result = project.call("--dry-run", "--extend", "500")
    assert result.exit_code == 2
    assert "--extend: found no kept checkpoint of --index 0-11; allowed: runs that were trained" in result.stderr
    result = project.call("--dry-run", "--extend", "5")
    assert result.exit_code == 2
    assert "--extend: found 5; allowed: more than the 120 timesteps" in result.stderr


def test_extended_runs_are_those_of_the_longer_protocol(project, slurm, monkeypatch: pytest.MonkeyPatch):
    """Tasks get the shorter protocol and --extend; the closing job combines results of the longer one."""
    project.submit()
    slurm.empty()
    monkeypatch.setattr(run_claims, "saved_timestep", lambda run: 120)
    project.cluster(max_jobs=3)
    result = project.submit("--extend", "500", "--then", "combine")
    folder = project.submissions[-1]
    words = training_command(folder)
    assert f"--env-json={folder}/environment.json" in words
    assert "--extend=500" in words
    assert [timesteps(folder / name) for name in ("environment.json", "extended.json")] == [120, 500]
    assert f"{folder.name}/extended.json" in (folder / "closing.sh").read_text()
    extended = project.experiment.extended(500)
    keys = [key for line in (folder / "keys.0.txt").read_text().splitlines() for key in line.split()]
    assert keys == [extended.run(index).key for index in range(8)]
    assert "--extend" in shown_command(result.output, "--runs 4 --extend 500 --then combine /")
    assert not (project.submissions[0] / "extended.json").exists()
