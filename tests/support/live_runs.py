"""Directories of runs in training, invented."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from tests.results.test_progress_file import EXPERIMENT, HEADER, WRITER, write
from tests.support.fake_results import write_result
from utils.analysis.live_reader import LiveReader, Queued
from utils.analysis.live_runs import LiveSweep
from utils.results.progress_file import progress_path

NOW = 1000.0
HERE = WRITER | {"host": platform.node(), "process": os.getpid()}


def write_progress(
    folder: Path,
    setting: int,
    number: int,
    returns: dict[int, list[float]],
    writer: dict[str, Any] = HERE,
    *,
    more: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> None:
    """Write the file of a run that has made evaluations at some timesteps, a second apart from second 990 on."""
    index = number * 3 + setting
    identity = {"setting": setting, "run_number": number, "index": index, "key": f"run{index}", "writer": writer}
    header = HEADER | identity | changes
    lines = [{"timestep": at, "time": 990.0 + k, "evaluation": each} for k, (at, each) in enumerate(returns.items())]
    write(progress_path(folder, header["key"]), header, *lines, *(more or []))


def write_call(folder: Path, indices: list[int], writer: dict[str, Any] = HERE, name: str = "here.1") -> None:
    call = {
        "experiment": EXPERIMENT, "writer": writer, "index": indices, "setting": [index % 3 for index in indices],
        "run_number": [index // 3 for index in indices], "key": [f"run{index}" for index in indices],
    }  # fmt: skip
    path = folder / "progress" / f"{name}.call"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(call))


def write_failure(folder: Path, index: int) -> None:
    path = folder / "failures" / f"run{index}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    identity = {"index": index, "setting": index % 3, "run_number": index // 3, "host": "there"}
    path.write_text(json.dumps(identity | {"reason": "the rope broke", "timesteps_done": 7}))


def read_sweep(folder: Path, queue: tuple[Queued, ...] = (), now: float = NOW) -> LiveSweep:
    sweep = LiveReader(folder, lambda directory: queue, lambda: now).read()
    assert sweep is not None
    return sweep


def write_every_state(folder: Path) -> Path:
    """Write runs in every state: 0 completed, 1 diverged, 2 and 3 in training, 4 failed, 5 stopped, 6 to 8 waiting."""
    write_result(folder, 0, 0, key="run0")
    write_result(folder, 1, 0, key="run1", status="diverged", nonfinite="critic_loss", timesteps_done=20)
    write_progress(folder, 2, 0, {0: [-9.0], 10: [-7.0, -5.0]})
    write_progress(folder, 0, 1, {0: [-9.0], 10: [-3.0], 20: [-1.0]})
    write_failure(folder, 4)
    write_progress(folder, 2, 1, {0: [-9.0]}, more=[{"timestep": 5, "time": 995.0, "stopped": "stopped"}])
    write_call(folder, [2, 3, 4, 6, 7, 8])
    return folder
