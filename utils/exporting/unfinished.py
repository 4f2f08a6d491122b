"""Runs without a result, as far as their progress files and checkpoints have them.

A progress file names its run, and has its evaluations and diagnostics; a checkpoint has its training episodes as well,
but is older, and is named by its run's key only. Which setting and run that is, is found by computing the keys of the
experiments that the directory has results of, and of those that the user names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.checkpoint.checkpoint import CHECKPOINTS_DIRECTORY, Checkpoint, CheckpointRefused
from utils.core.errors import BadInput
from utils.experiment.config import EnvironmentConfig, check_agent_config
from utils.experiment.experiment import Experiment, RunId
from utils.exporting.exported_run import ExportedRun, curve_series, describe_run, diagnostic_series
from utils.files.json_model import validate
from utils.results.diagnostics import RunDiagnostics
from utils.results.progress_file import RUN_ENDING, RunProgress, list_progress, progress_path, read_progress
from utils.results.result_file import KEY_DIGITS

UNFINISHED = "unfinished"
"""Status of a run without a result."""

MOST_KEYS = 200_000
"""Largest number of keys that are computed of an experiment, to find those of checkpoints."""

NOTHING: dict[str, Any] = {
    "timesteps_at_eval": [], "eval_episode_rewards": [], "eval_episode_steps": [], "train_episode_rewards": [],
    "train_episode_steps": [], "timesteps_at_diagnostics": [], "diagnostics": {},
}  # fmt: skip
"""What a run without a checkpoint has saved."""

RUN_RANGE = (10, 1000)
"""Smallest and largest number of runs of each setting whose keys are computed."""


@dataclass(frozen=True)
class UnfinishedRun:
    """A run without a result.  timestep: up to which it is known."""

    run: ExportedRun
    timestep: int


class KnownRun(NamedTuple):
    """What identifies a run.  experiment: as in a result.  params: hyperparameters.  number: the run number."""

    experiment: dict[str, Any]
    setting: int
    params: dict[str, Any]
    number: int


def unfinished_keys(directory: Path) -> list[str]:
    """Return the keys of the runs that have a progress file or a checkpoint, kept checkpoints left out."""
    checkpoints = (path.parent.name for path in (directory / CHECKPOINTS_DIRECTORY).glob("*/state"))
    progress = (path.stem for path in list_progress(directory, RUN_ENDING))
    return sorted({key for key in (*checkpoints, *progress) if len(key) == KEY_DIGITS})


def recorded_experiments(
    experiments: Iterable[dict[str, Any]], agents: Mapping[str, Any], directory: Path
) -> list[Experiment]:
    """Return the experiments of some results; those that today's code does not accept are left out.

    experiments: of the results' trees.  agents: entries of `agent.AGENTS`, by name.
    """
    found, source = [], str(directory)
    for each in experiments:
        try:
            agent = check_agent_config(each["agent"], source, agents)
            environment = validate(EnvironmentConfig, each["environment"], source)
            model = agents[agent.agent_name].hyperparameters
            found.append(Experiment(environment, agent, model, (source, source), str(directory.parent)))
        except BadInput:
            continue
    return found


def find_runs(keys: Collection[str], experiments: Iterable[Experiment]) -> dict[str, tuple[Experiment, RunId]]:
    """Return the experiment and the numbers of each key that belongs to a run of one of some experiments."""
    found: dict[str, tuple[Experiment, RunId]] = {}
    for experiment in experiments:
        settings = [
            number for number in range(min(len(experiment.grid), MOST_KEYS)) if experiment.refusal(number) is None
        ]
        fewest, most = RUN_RANGE
        runs = range(min(max(MOST_KEYS // max(len(settings), 1), fewest), most))
        for run in experiment.run_ids(settings, runs):
            if len(found) == len(keys):
                return found
            if run.key in keys:
                found.setdefault(run.key, (experiment, run))
    return found


def read_unfinished(
    directory: Path, keys: Iterable[str], experiments: Iterable[Experiment]
) -> Iterator[UnfinishedRun | BadInput]:
    """Yield the runs without a result, or the error for a file that cannot be read.

    keys: of the runs.  experiments: where those without a progress file may be from.
    """
    keys = list(keys)
    progress = {key: _read_progress(directory, key) for key in keys}
    found = find_runs([key for key in keys if progress[key] is None], experiments)
    for key in keys:
        read = progress[key]
        if isinstance(read, BadInput):
            yield read
            continue
        checkpoint = Checkpoint(directory / CHECKPOINTS_DIRECTORY / key, {})
        try:
            saved = checkpoint.load_entry("record", without=("arrays", "learned_params"))
        except CheckpointRefused as error:
            if read is None or checkpoint.exists():
                yield BadInput(str(error))
                continue
            saved = (0, NOTHING)
        timestep = max(saved[0], read.timestep if read else 0)
        known = _recorded_run(read) if read else _found_run(*found[key]) if key in found else None
        yield UnfinishedRun(_describe(key, timestep, saved[1], read, known, directory), timestep)


def _read_progress(directory: Path, key: str) -> RunProgress | BadInput | None:
    """Return what a run's progress file says, None if there is none, or the error if it cannot be read."""
    try:
        return read_progress(progress_path(directory, key))
    except BadInput as error:
        return error


def _recorded_run(progress: RunProgress) -> KnownRun:
    header = progress.header
    return KnownRun(header["experiment"], header["setting"], header["agent_params"], header["run_number"])


def _found_run(experiment: Experiment, run: RunId) -> KnownRun:
    tree = {"environment": experiment.protocol, "agent": {"agent_name": experiment.agent.agent_name}}
    return KnownRun(tree, run.setting, experiment.hyperparameters(run.setting).recorded(), run.run)


def _describe(
    key: str,
    timestep: int,
    record: dict[str, Any],
    progress: RunProgress | None,
    known: KnownRun | None,
    directory: Path,
) -> ExportedRun:
    """Return an unfinished run as tools get it.  record: of its checkpoint.  known: None if it is not known."""
    run, found = _curves(record, progress), _diagnostics(record, progress)
    time = progress.time if progress else 0.0
    if known is None:
        identity = {"key": key, "status": UNFINISHED, "timesteps_done": timestep}
        series = (*curve_series(run), *diagnostic_series(found))
        return ExportedRun(key, directory.resolve().name, None, identity, {}, {}, series, time)
    run |= {"run_number": known.number, "random_seed": known.number, "key": key, "status": UNFINISHED}
    run |= {"timesteps_done": timestep}
    return replace(describe_run(known.experiment, known.setting, known.params, run, found), time=time)


def _curves(record: dict[str, Any], progress: RunProgress | None) -> dict[str, Any]:
    """Return the curves in a saved record, with later evaluations of a progress file, as a result holds them."""
    returns = dict(zip(record["timesteps_at_eval"], record["eval_episode_rewards"], strict=True))
    returns |= progress.evaluations if progress else {}
    return {
        "timesteps_at_eval": sorted(returns),
        "eval_episode_rewards": [returns[timestep] for timestep in sorted(returns)],
        "eval_episode_steps": record["eval_episode_steps"],
        "train_episode_rewards": np.asarray(record["train_episode_rewards"]).tolist(),
        "train_episode_steps": np.asarray(record["train_episode_steps"]).tolist(),
    }


def _diagnostics(record: dict[str, Any], progress: RunProgress | None) -> RunDiagnostics | None:
    """Return the windows in a saved record, with later ones of a progress file; None if there are none."""
    ends = [int(timestep) for timestep in record["timesteps_at_diagnostics"]]
    windows = {end: {name: values[i] for name, values in record["diagnostics"].items()} for i, end in enumerate(ends)}
    windows |= progress.windows if progress else {}
    timesteps = sorted(windows)
    names = dict.fromkeys(name for timestep in timesteps for name in windows[timestep])
    values = {name: np.array([windows[timestep].get(name) for timestep in timesteps], float) for name in names}
    return RunDiagnostics(np.array(timesteps, np.int64), values) if timesteps else None
