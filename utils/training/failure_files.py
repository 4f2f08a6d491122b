"""Failure files: why a run has no result. They have their own directory and are removed before a run is retried."""

from __future__ import annotations

import logging
import platform
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from utils.core.provenance import code_version, describe_cpu, package_versions, slurm_ids
from utils.experiment.experiment import Run
from utils.files.atomic import make_directory, write_atomically
from utils.files.json_text import encode_json
from utils.results.progress_file import FAILURES_DIRECTORY, progress_path, remove_progress

DIRECTORY = FAILURES_DIRECTORY

log = logging.getLogger("policy_params")


def failure_path(directory: Path, key: str) -> Path:
    """Return the path of a run's failure file.

    directory: the experiment's directory.
    """
    return directory / DIRECTORY / f"{key}.json"


def write_failure(run: Run, reason: str, trace: str, timesteps: int | None = None) -> None:
    """Write a failure file and remove the progress file; log an error if it cannot be written.

    reason: one line.
    trace: the traceback, or "".
    timesteps: timesteps made before the failure, if known.
    """
    path = failure_path(run.file.directory, run.key)
    tree = {
        "index": run.index,
        "key": run.key,
        "status": "failed",
        "reason": reason,
        "traceback": trace.strip().splitlines(),
        "timesteps_done": timesteps,
        "run_number": run.run,
        "setting": run.setting,
        "agent_params": run.agent_params,
        "code": code_version(),
        "versions": package_versions(),
        "cpu": describe_cpu(),
        "host": platform.node(),
        "slurm": slurm_ids(),
        "time": datetime.now(UTC).isoformat(),
    }
    try:
        make_directory(path.parent)
        write_atomically(path, encode_json(tree))
        remove_progress(progress_path(run.file.directory, run.key))
    except OSError as error:
        log.error("index %d: failed, and %s cannot be written: %s", run.index, path, error)


def remove_failure(run: Run) -> None:
    """Remove the failure file of a run that is trained again. A failure to do so is harmless."""
    path = failure_path(run.file.directory, run.key)
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()  # Succeeds only if the directory is empty.
