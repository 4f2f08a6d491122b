"""What the files of a run say about it while others train: its result, or its progress file."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.analysis.combined_results import Curve, evaluation_curve, training_curve
from utils.analysis.live_runs import COMPLETED, DIVERGED, LiveRun
from utils.combining.listing import FileContent
from utils.core.errors import BadInput
from utils.files.json_text import encode_json
from utils.results.diagnostics import DIAGNOSTICS, RunDiagnostics, read_diagnostics
from utils.results.progress_file import RunProgress
from utils.results.provenance_diff import Origin
from utils.results.schema import Result, parse_result


class FinishedRun(NamedTuple):
    """What is kept of a result.  experiment: its experiment as JSON.  written: seconds since the epoch."""

    key: str
    experiment: bytes
    run: LiveRun
    written: float


def read_finished(path: Path, content: FileContent | BadInput) -> FinishedRun | None:
    """Return what is kept of a result; None if the content is not one."""
    if isinstance(content, BadInput):
        return None
    try:
        result = parse_result(path, content.content)
    except BadInput:
        return None
    written = content.stamp[1] / 1e9 if content.stamp else 0.0
    key = str(result.run.get("key", path.name))
    return FinishedRun(key, encode_json(result.experiment), _finished_run(result), written)


def _finished_run(result: Result) -> LiveRun:
    """Return the run of a result."""
    run, environment = result.run, result.experiment["environment"]
    total = environment["total_timesteps"]
    done, where = run.get("timesteps_done"), Origin("", run.get("provenance"))
    diverged = run["status"] == "diverged"
    curve = evaluation_curve(run) if environment["eval_episodes"] else training_curve(run, total)
    index = run.get("index")
    return LiveRun(
        index if type(index) is int else -1, result.setting, run["run_number"], DIVERGED if diverged else COMPLETED,
        done if type(done) is int else total, curve, str(where.value("host") or ""),
        reason=f"{run.get('nonfinite')} was not finite" if diverged else "",
        diagnostics=cache(partial(_diagnostics_of_result, result.path.parent, {DIAGNOSTICS: run.get(DIAGNOSTICS)})),
    )  # fmt: skip


def _diagnostics_of_result(directory: Path, run: dict[str, Any]) -> RunDiagnostics | None:
    """Return a finished run's diagnostics; None if it has none that can be read."""
    try:
        return read_diagnostics(directory, run)
    except (BadInput, KeyError):
        return None


def progress_curve(found: RunProgress, training: bool) -> Curve:
    """Return the curve so far.  training: whether it is of training episodes."""
    if training:
        points = {at: mean for at, (_, mean) in sorted(found.training.items())}
        return Curve(np.array(list(points), int), np.array(list(points.values()), float))
    timesteps = sorted(found.evaluations)
    evaluations = [found.evaluations[at] for at in timesteps]
    return evaluation_curve({"timesteps_at_eval": timesteps, "eval_episode_rewards": evaluations})


def describe_place(writer: dict[str, Any]) -> str:
    """Return where a process runs: its host, and its SLURM job or its number."""
    slurm = writer["slurm"]
    array, task = slurm.get("SLURM_ARRAY_JOB_ID"), slurm.get("SLURM_ARRAY_TASK_ID")
    job = f"{array}_{task}" if array and task else slurm.get("SLURM_JOB_ID")
    return f"{writer['host']}, {f'job {job}, ' if job else ''}process {writer['process']}"
