"""The commands that come after training: the learning curve, and the learned policy."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from utils.core.provenance import slurm_ids
from utils.core.run_script import script_path

if TYPE_CHECKING:
    from utils.experiment.experiment import Experiment, Run

MAX_READ = 100
"""Largest number of results that are read to find a complete run."""

log = logging.getLogger("policy_params")


def log_next_commands(experiment: Experiment, runs: Sequence[Run]) -> None:
    """Log the commands that come after training these runs, once for all of them; nothing in a SLURM task."""
    if slurm_ids():
        return  # A task has only a part of the sweep.
    for line in next_commands(experiment, runs):
        log.info("%s", line)


def next_commands(experiment: Experiment, runs: Sequence[Run]) -> Iterator[str]:
    """Yield a line with the command for the learning curve, and one with the command that shows a learned policy.

    The first is left out for longer runs of an experiment, whose protocol is in no file; the second if no run of these
    is complete.
    """
    curve = curve_command(experiment)
    if curve is not None:
        yield f"to draw the learning curve: {curve}"
    run = first_complete_run(runs)
    if run is not None:
        words = ["python", script_path("utils/watch.py"), str(run.file.json)]
        yield f"to watch the policy of index {run.index}: {shlex.join(words)}"


def curve_command(experiment: Experiment) -> str | None:
    """Return the command that combines the results of an experiment and draws them; None if no option chooses them.

    Options are given if the directory also has results of another grid or protocol.
    """
    from utils.training.folder_survey import differing_experiments

    other_grids, other_protocols = differing_experiments(experiment)
    if other_protocols and experiment.extends is not None:
        return None
    options = ["--agent-json", experiment.agent_source] if other_grids else []
    options += ["--env-json", experiment.env_source] if other_protocols else []
    directory = str(experiment.directory)
    combine = shlex.join(["python", script_path("simple_combine.py"), *options, directory])
    draw = shlex.join(["python", script_path("utils/plot_mse_data.py"), "--data", directory])
    return f"{combine} && {draw}"


def first_complete_run(runs: Sequence[Run]) -> Run | None:
    """Return the first run that is complete, so that it has a learned policy; None if the first MAX_READ are not."""
    for run in runs[:MAX_READ]:
        result = run.file.read()
        if result is not None and result.run["status"] == "completed":
            return run
    return None
