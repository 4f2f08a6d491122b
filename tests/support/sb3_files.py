"""Files as Stable-Baselines3 writes them, made by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def write_evaluations(path: Path, **changes: Any) -> Path:
    """Write an evaluations.npz of three evaluations of two episodes.  changes: its arrays; None leaves one out."""
    arrays: dict[str, Any] = {
        "timesteps": [10, 20, 30],
        "results": [[-9.0, -7.0], [-6.0, -4.0], [-3.0, -1.0]],
        "ep_lengths": [[10, 10], [10, 10], [10, 10]],
    } | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})
    return path


def write_monitor(path: Path, episodes: Sequence[tuple[float, int]] = ((-9.5, 10), (-5.25, 10)), **header: Any) -> Path:
    """Write a monitor.csv.  episodes: return and steps of each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"#{json.dumps({'t_start': 1.5, 'env_id': 'Pendulum-v1'} | header)}", "r,l,t"]
    lines += [f"{episode_return},{steps},{0.5 * number}" for number, (episode_return, steps) in enumerate(episodes)]
    path.write_text("\n".join([*lines, ""]))
    return path


def write_runs(directory: Path, count: int = 2, shift: float = 0.0) -> Path:
    """Write some runs, a directory each, whose returns differ.  shift: added to their evaluations."""
    for number in range(count):
        folder = directory / f"run_{number}"
        results = np.array([[-9.0, -7.0], [-6.0, -4.0], [-3.0, -1.0]]) + shift + 0.125 * number
        write_evaluations(folder / "evaluations.npz", results=results)
        write_monitor(folder / "0.monitor.csv", [(-9.5 + number, 10), (-5.25, 10), (-4.0, 10)])
    return directory
