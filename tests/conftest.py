"""Setup of all tests: one thread, no gradients, options, distribution among processes, small configuration files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.distribution import FileScheduling, rank
from utils.core.machine import available_cores
from utils.core.process_setup import prepare_process

prepare_process()

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # The many processes that tests start need not compile each module.
os.fsync = lambda fd: None  # Nor does the power fail while tests run.

ENVIRONMENT: dict[str, Any] = {
    "env_name": "Pendulum-v1",
    "total_timesteps": 120,
    "steps_per_episode": 50,
    "eval_interval_timesteps": 60,
    "eval_episodes": 2,
    "gamma": 0.99,
}

PARAMETERS: dict[str, Any] = {"batch_size": [16], "replay_capacity": [1000], "hidden_dim": [32]}

MAX_WORKERS = 16
"""Limit on the processes that share the tests: each imports torch, which takes seconds and 400 MB."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked 'slow'")
    parser.addoption(
        "--fuzz-examples", type=int, default=100, help="mutated configurations to try; a quarter as many damaged files"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the number of processes for `-n auto`: the available cores; 0, this process, if one would do."""
    files = [argument for argument in config.args if not Path(argument).is_dir()]
    most = MAX_WORKERS if len(files) < len(config.args) else len(files)
    workers = min(available_cores(), MAX_WORKERS, most)
    return workers if workers > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Return what distributes the tests among the processes."""
    return FileScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest tests first; skip slow ones unless asked for."""
    items.sort(key=lambda item: rank(item.nodeid))
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="needs --slow"))


class Files:
    """Writer of configuration files in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: Any) -> str:
        """Write a file, as JSON unless the content is text, and return its path."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def environment(self, **changes: Any) -> str:
        """Write a small protocol with some keys changed."""
        return self.write("environment.json", ENVIRONMENT | changes)

    def agent(self, agent_name: str = "SAC", **changes: Any) -> str:
        """Write a small grid with some hyperparameters changed."""
        return self.write("agent.json", {"agent_name": agent_name, "parameters": PARAMETERS | changes})


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
