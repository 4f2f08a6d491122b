"""Results with diagnostics, as exports read them, and calls of utils/export.py."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from tests.support.documentation import ROOT
from tests.support.fake_results import ENVIRONMENT, PARAMETERS, fake_run
from utils import export
from utils.core.grid import Grid
from utils.files.json_text import canonical_json
from utils.results.result_file import ResultFile

THIRD = 1 / 3
"""A return that no short decimal equals."""

DIAGNOSTICS = {
    "diagnostics/timestep": np.array([20, 40]),
    "diagnostics/alpha": np.array([0.1, 2e-300]),
    "diagnostics/q": np.array([np.nan, -THIRD]),
}

END = "2026-11-28T10:00:00+00:00"

END_SECONDS = 1795860000.0
"""END in seconds since 1970."""


def write_run(directory: Path, setting: int = 0, number: int = 0, **changes: Any) -> str:
    """Write the result of an invented run with diagnostics, and return its key.  changes: of the run."""
    run = fake_run(setting, number, returns=((THIRD, THIRD), (None, 1.0), (-4.0, -2.0))) | {
        "random_seed": number,
        "timesteps_done": 40,
        "eval_episode_steps": [[10, 10], [10, 10], [10, 5]],
        "last_episode_complete": False,
        "provenance": {"end_time": END},
    }
    file = ResultFile(directory, f"Pendulum-v1_SAC_{run['key']}")
    arrays = {name: list(array.shape) for name, array in DIAGNOSTICS.items()}
    run |= {"diagnostics": {"file": file.npz.name, "arrays": arrays}} | changes
    tree = {
        "experiment": {"environment": ENVIRONMENT, "agent": {"agent_name": "SAC", "parameters": PARAMETERS}},
        "experiment_data": {str(setting): {"agent_params": Grid(PARAMETERS).setting(setting), "runs": [run]}},
    }
    file.write(tree, DIAGNOSTICS)
    return run["key"]


def setting_name(setting: int) -> str:
    """Return the name that a setting has in exports."""
    content = canonical_json([Grid(PARAMETERS).setting(setting), ENVIRONMENT])
    return f"setting {setting} ({hashlib.sha256(content).hexdigest()[:6]})"


def group_of(setting: int) -> str:
    """Return the group of a setting's runs in exports."""
    return f"Pendulum-v1_SAC_Beta {setting_name(setting)}"


SERIES: dict[str, list[tuple[int, float]]] = {
    "eval/return": [(0, THIRD), (20, -3.0)],
    "eval/steps": [(0, 10.0), (10, 10.0), (20, 7.5)],
    "train/return": [(10, -9.0), (20, -7.0), (30, -5.0)],
    "train/steps": [(10, 10.0), (20, 10.0), (30, 10.0)],
    "diagnostics/alpha": [(20, 0.1), (40, 2e-300)],
    "diagnostics/q": [(40, -THIRD)],
}
"""What is exported of such a run: by series, timesteps and values."""


def run_export(*arguments: object) -> Result:
    """Run utils/export.py."""
    return CliRunner().invoke(export.main, [str(argument) for argument in arguments])


def run_export_script(*arguments: object, folder: Path = ROOT, **environment: str) -> str:
    """Run utils/export.py in a process of its own, and return what it prints.

    folder: where it runs.  environment: variables to set.
    """
    command = [sys.executable, str(ROOT / "utils/export.py"), *map(str, arguments)]
    environment = os.environ | environment
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2), done.stderr
    return done.stdout + done.stderr
