"""Runs that are extended from kept checkpoints have the bits of straight ones; refusals say what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from main import main
from tests.training.test_bits import PENDULUM
from utils.results.run_diff import first_run_difference, read_comparable

AGENTS: dict[str, dict[str, Any]] = {
    "SAC": {"batch_size": [8], "hidden_dim": [16], "critic_lr": [0.01, 0.001]},
    "linearAC": {"critic_lr": [0.1, 0.01]},
}


@pytest.fixture(
    params=[("SAC", "eager"), ("linearAC", "eager"), pytest.param(("SAC", "compiled"), marks=pytest.mark.slow)]
)
def case(request, tmp_path: Path) -> tuple[Path, str]:
    """A folder with the agent's configuration, and the engine."""
    name, engine = request.param
    (tmp_path / "agent.json").write_text(json.dumps({"agent_name": name, "parameters": AGENTS[name]}))
    return tmp_path, engine


def run_main(folder: Path, engine: str, save_dir: str, timesteps: int, *more: object) -> Result:
    """Train, as main.py does, runs 0 and 1 of both settings for some timesteps."""
    protocol = PENDULUM | {"total_timesteps": timesteps, "steps_per_episode": 23, "eval_interval_timesteps": 40}
    (folder / "env.json").write_text(json.dumps(protocol))
    options = ["--env-json", folder / "env.json", "--agent-json", folder / "agent.json", "--engine", engine]
    return CliRunner().invoke(main, [*map(str, [*options, "--save-dir", folder / save_dir, *more])])


def results(folder: Path) -> dict[str, Path]:
    """Return the result files below a folder by name."""
    return {path.name: path for path in folder.glob("*/*.json")}


@pytest.mark.parametrize("short", [70, 80])
def test_an_extended_run_is_a_straight_one(case, short):
    """The short run ends between evaluations, or at one; the extended runs stand in other stacks."""
    folder, engine = case
    assert run_main(folder, engine, "parts", short, "--runs", 2, "--keep-checkpoint").exit_code == 0
    first = results(folder / "parts")
    assert run_main(folder, engine, "parts", short, "--runs", 2, "--extend", 130, "--stack", 3).exit_code == 0
    assert run_main(folder, engine, "straight", 130, "--runs", 2).exit_code == 0
    extended, straight = results(folder / "parts"), results(folder / "straight")
    assert extended.keys() - first.keys() == straight.keys()
    for name, path in straight.items():
        assert first_run_difference(read_comparable(extended[name]), read_comparable(path)) is None
    [run] = json.loads(extended[name].read_bytes())["experiment_data"].popitem()[1]["runs"]
    assert run["provenance"]["resumed_at"] == [short]
    assert run["provenance"]["resume"] == "exact"


def test_an_extension_can_be_extended(case):
    folder, engine = case
    for timesteps, more in ((50, ()), (50, ("--extend", 90)), (90, ("--extend", 130))):
        assert run_main(folder, engine, "parts", timesteps, "--keep-checkpoint", *more).exit_code == 0
    assert run_main(folder, engine, "straight", 130).exit_code == 0
    [(name, path)] = results(folder / "straight").items()
    found = results(folder / "parts")[name]
    assert first_run_difference(read_comparable(found), read_comparable(path)) is None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agent.json").write_text(json.dumps({"agent_name": "SAC", "parameters": AGENTS["SAC"]}))
    return tmp_path


def test_without_a_kept_checkpoint_the_indices_are_named(folder):
    assert run_main(folder, "eager", "out", 50, "--index", "0", "--keep-checkpoint").exit_code == 0
    assert run_main(folder, "eager", "out", 50, "--index", "1-3").exit_code == 0
    result = run_main(folder, "eager", "out", 50, "--index", "0-3", "--extend", 90)
    assert result.exit_code == 2
    assert "--extend: found no kept checkpoint of --index 1-3; allowed: runs that were trained" in result.output


def test_fewer_timesteps_are_refused(folder):
    result = run_main(folder, "eager", "out", 50, "--extend", 50)
    assert result.exit_code == 2
    assert "--extend: found 50; allowed: more than the 50 timesteps of" in result.output


def test_a_damaged_kept_checkpoint_starts_the_run_at_0(folder, caplog):
    """The result is that of a straight run all the same."""
    assert run_main(folder, "eager", "out", 50, "--keep-checkpoint").exit_code == 0
    [state] = (folder / "out").glob("*/checkpoints/*.kept/state")
    content = bytearray(state.read_bytes())
    content[-100] ^= 1
    state.write_bytes(content)
    with caplog.at_level("WARNING"):
        assert run_main(folder, "eager", "out", 50, "--extend", 90).exit_code == 0
    assert "starts at timestep 0" in caplog.text
    assert "is damaged" in caplog.text
    assert run_main(folder, "eager", "straight", 90).exit_code == 0
    [(name, path)] = results(folder / "straight").items()
    found = results(folder / "out")[name]
    assert first_run_difference(read_comparable(found), read_comparable(path)) is None
