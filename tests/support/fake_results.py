"""Result files of invented runs, and the commands that read them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

import simple_combine
from utils.core.grid import Grid

ENVIRONMENT: dict[str, Any] = {
    "env_name": "Pendulum-v1",
    "total_timesteps": 40,
    "steps_per_episode": 10,
    "eval_interval_timesteps": 10,
    "eval_episodes": 2,
    "overwrite_rewards": False,
    "rewards": {"timestep": None, "goal": None},
}

PARAMETERS: dict[str, list[Any]] = {"policy_type": ["Beta"], "critic_lr": [0.1, 0.01, 0.001]}
"""Three settings."""


def fake_run(
    setting: int, number: int, returns: Sequence[Sequence[float | None]] = ((-8.0, -6.0), (-4.0, -2.0)), **changes: Any
) -> dict[str, Any]:
    """Return a run with four training episodes of ten steps.

    returns: of the episodes of each evaluation; evaluations are ten timesteps apart.
    """
    return {
        "index": number * len(Grid(PARAMETERS)) + setting,
        "key": f"{setting:06d}{number:06d}",
        "status": "completed",
        "run_number": number,
        "timesteps_at_eval": [10 * k for k in range(len(returns))],
        "eval_episode_rewards": [list(episodes) for episodes in returns],
        "train_episode_rewards": [-9.0, -7.0, -5.0, -3.0],
        "train_episode_steps": [10, 10, 10, 10],
        "last_episode_complete": True,
        "train_time": 1.5,
        "eval_time": 0.5,
        "provenance": {"host": "here"},
    } | changes


def write_result(
    directory: Path,
    setting: int,
    number: int,
    *,
    name: str = "",
    experiment: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Write the result file of an invented run and return its path.

    experiment: keys of its experiment to change.  changes: keys of its run to change.
    name: by default, such that the files' alphabetical order is the opposite of settings and runs.
    """
    directory.mkdir(parents=True, exist_ok=True)
    parameters = (experiment or {}).get("parameters", PARAMETERS)
    tree = {
        "experiment": {
            "environment": ENVIRONMENT | (experiment or {}).get("environment", {}),
            "agent": {"agent_name": (experiment or {}).get("agent_name", "SAC"), "parameters": parameters},
        },
        "experiment_data": {
            str(setting): {
                "agent_params": Grid(parameters).setting(setting),
                "runs": [fake_run(setting, number, **changes)],
            }
        },
    }
    path = directory / (name or f"Pendulum-v1_SAC_{99 - setting:02d}{99 - number:02d}.json")
    path.write_text(json.dumps(tree))
    return path


def combine(*directories: Path, **options: Any) -> Result:
    """Run simple_combine.py on directories.  options: values by name; True for flags."""
    given = [
        [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])] for name, value in options.items()
    ]
    return CliRunner().invoke(simple_combine.main, [*map(str, directories), *chain.from_iterable(given)])


def assert_refused(result: Result, *words: str) -> None:
    """Check that a command exited with code 2 and one line on stderr that has all the words."""
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
