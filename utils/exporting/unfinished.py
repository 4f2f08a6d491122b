"""Runs without a result, as far as their checkpoints have them.

A checkpoint is named by its run's key. Which setting and run that is, is found by computing the keys of the experiments
that the directory has results of, and of those that the user names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from utils.checkpoint.checkpoint import CHECKPOINTS_DIRECTORY, Checkpoint, CheckpointRefused
from utils.core.errors import BadInput
from utils.experiment.config import EnvironmentConfig, check_agent_config
from utils.experiment.experiment import Experiment, RunId
from utils.exporting.exported_run import ExportedRun, curve_series, describe_run, diagnostic_series
from utils.files.json_model import validate
from utils.results.diagnostics import RunDiagnostics
from utils.results.result_file import KEY_DIGITS

UNFINISHED = "unfinished"
"""Status of a run without a result."""

MOST_KEYS = 200_000
"""Largest number of keys that are computed of an experiment, to find those of checkpoints."""

RUN_RANGE = (10, 1000)
"""Smallest and largest number of runs of each setting whose keys are computed."""


@dataclass(frozen=True)
class UnfinishedRun:
    """A run with a checkpoint.  timestep: that of the checkpoint."""

    run: ExportedRun
    timestep: int


def checkpoint_keys(directory: Path) -> list[str]:
    """Return the keys of the runs that have a checkpoint in a directory of results; not those of kept checkpoints."""
    paths = (directory / CHECKPOINTS_DIRECTORY).glob("*/state")
    return sorted(path.parent.name for path in paths if len(path.parent.name) == KEY_DIGITS)


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
        settings = [number for number in range(min(len(experiment.grid), MOST_KEYS)) if _is_allowed(experiment, number)]
        fewest, most = RUN_RANGE
        runs = range(min(max(MOST_KEYS // max(len(settings), 1), fewest), most))
        for run in experiment.run_ids(settings, runs):
            if len(found) == len(keys):
                return found
            if run.key in keys:
                found.setdefault(run.key, (experiment, run))
    return found


def _is_allowed(experiment: Experiment, setting: int) -> bool:
    try:
        experiment.hyperparameters(setting)
    except BadInput:
        return False
    return True


def read_unfinished(
    directory: Path, keys: Iterable[str], experiments: Iterable[Experiment]
) -> Iterator[UnfinishedRun | BadInput]:
    """Yield the runs that have a checkpoint, or the error for a checkpoint that cannot be read.

    keys: of the runs.  experiments: where they may be from.
    """
    keys = list(keys)
    known = find_runs(keys, experiments)
    for key in keys:
        checkpoint = Checkpoint(directory / CHECKPOINTS_DIRECTORY / key, {})
        try:
            timestep, record = checkpoint.load_entry("record", without=("arrays", "learned_params"))
        except CheckpointRefused as error:
            yield BadInput(str(error))
            continue
        yield UnfinishedRun(_describe(key, timestep, record, known.get(key), directory), timestep)


def _describe(
    key: str, timestep: int, record: dict[str, Any], known: tuple[Experiment, RunId] | None, directory: Path
) -> ExportedRun:
    """Return an unfinished run as tools get it.  known: its experiment and its numbers, if they are known."""
    run, found = _curves(record), _diagnostics(record)
    if known is None:
        identity = {"key": key, "status": UNFINISHED, "timesteps_done": timestep}
        series = (*curve_series(run), *diagnostic_series(found))
        return ExportedRun(key, directory.resolve().name, None, identity, {}, {}, series, 0.0)
    experiment, numbers = known
    run |= {"run_number": numbers.run, "random_seed": numbers.run, "key": key, "status": UNFINISHED}
    run |= {"timesteps_done": timestep}
    params = experiment.hyperparameters(numbers.setting).recorded()
    tree = {"environment": experiment.protocol, "agent": {"agent_name": experiment.agent.agent_name}}
    return describe_run(tree, numbers.setting, params, run, found)


def _curves(record: dict[str, Any]) -> dict[str, Any]:
    """Return the curves in a saved record as a result holds them."""
    return {
        "timesteps_at_eval": record["timesteps_at_eval"],
        "eval_episode_rewards": record["eval_episode_rewards"],
        "eval_episode_steps": record["eval_episode_steps"],
        "train_episode_rewards": np.asarray(record["train_episode_rewards"]).tolist(),
        "train_episode_steps": np.asarray(record["train_episode_steps"]).tolist(),
    }


def _diagnostics(record: dict[str, Any]) -> RunDiagnostics | None:
    if not record["timesteps_at_diagnostics"]:
        return None
    values = {name: np.asarray(series, float) for name, series in record["diagnostics"].items()}
    return RunDiagnostics(np.asarray(record["timesteps_at_diagnostics"], np.int64), values)
