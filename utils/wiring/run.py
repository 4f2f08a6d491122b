"""Training of runs and verification of results, for the command line and for Python programs (docs/python.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from utils.core.cli_types import DEFAULT_CHECKPOINT_MINUTES
from utils.core.errors import BadInput
from utils.wiring.build import check_buildable, make_builders, make_experiment, read_experiment
from utils.wiring.environments import build_env

if TYPE_CHECKING:
    from utils.experiment.experiment import Experiment, Run
    from utils.results.schema import Result
    from utils.training.stack_trainer import TrainingOptions


class TrainingFailed(Exception):
    """Error for runs that have no result after training; the log states the reasons."""


def train(
    agent_json: str,
    env_json: str,
    index: int | str | None = None,
    *,
    runs: int | None = None,
    save_dir: str = "results",
    **options: Any,
) -> list[Result]:
    """Train runs of an experiment that have no result yet, and return the results of all of them.

    agent_json, env_json: paths of the two configuration files.
    index: an index, or a list of indices and ranges such as "0-9,36"; by default 0.
    runs: instead of index: train this many runs of every setting.
    save_dir: directory of the results, as main.py's --save-dir.
    options: fields of `TrainingOptions`: force, jobs, stack, engine, checkpoint_minutes.
    Raises BadInput for wrong input, TrainingFailed if a run has no result.
    """
    from utils.core.process_setup import limit_threads

    limit_threads()
    from utils.results.schema import read_result
    from utils.training.stack_trainer import TrainingOptions

    chosen = TrainingOptions(**{"checkpoint_minutes": DEFAULT_CHECKPOINT_MINUTES} | options)
    experiment = read_experiment(env_json, agent_json, save_dir)
    indices = chosen_indices(experiment, None if index is None else str(index), runs)
    selected = [experiment.run(i) for i in indices]
    code = train_missing_runs(experiment, selected, chosen)
    if code:
        raise TrainingFailed(f"{experiment.directory}: a run has no result (exit code {code}); see the log")
    return [read_result(run.file.json) for run in selected]


def chosen_indices(experiment: Experiment, index: str | None, runs: int | None) -> list[int]:
    """Return the indices that --index or --runs select.  Raises BadInput if both are given or one is invalid."""
    from utils.core.indices import parse_indices

    if runs is not None and index is not None:
        raise BadInput("--index and --runs: found both; allowed: one of them")
    return list(range(len(experiment.grid) * runs)) if runs is not None else parse_indices(index or "0")


def monitor_start(experiment: Experiment, monitor: bool, after: int | None, jobs: int | None) -> int | None:
    """Return the timesteps after which monitoring starts; None if there is no monitoring.  Raises BadInput."""
    if after is not None and not monitor:
        raise BadInput(f"-a/--after: found {after} without -m/--monitor; allowed: both, -m alone or neither")
    if not monitor:
        return None
    if jobs != 1:
        raise BadInput(f"-m/--monitor: found --jobs {jobs or 'auto'}; allowed with it: --jobs 1")
    total = experiment.environment.total_timesteps
    if after is not None and after >= total:
        raise BadInput(f"-a/--after: found {after}; allowed: less than total_timesteps, {total}")
    build_env(experiment, 0, renders=True).close()
    return after or 0


def train_missing_runs(experiment: Experiment, runs: list[Run], options: TrainingOptions) -> int:
    """Train the runs that have no result. Returns an exit code.

    Raises BadInput before anything is trained.
    """
    from utils.core.interrupt import interruptible
    from utils.files.atomic import check_writable
    from utils.training.sweep import runs_to_train, train_runs

    missing = runs_to_train(runs, options.force)
    if missing:
        check_buildable(experiment, missing)
        check_writable(experiment.directory)
    with interruptible() as interruption:
        return train_runs(experiment, missing, make_builders(), options, interruption)


def verify_results(results: Sequence[str], options: TrainingOptions) -> int:
    """Repeat the runs of results and print whether they come out identical. Returns an exit code.  Raises BadInput."""
    from agent import AGENTS
    from utils.training.sweep import DONE, FAILED
    from utils.training.verify import compare_repetition, group_by_experiment, read_recorded_run, run_to_repeat

    if not results:
        raise BadInput("--verify: found no RESULT; allowed: one or more result files")
    identical = True
    for group in group_by_experiment([read_recorded_run(Path(path), AGENTS) for path in results]):
        with TemporaryDirectory() as folder:
            source = str(group[0].path)
            experiment = make_experiment(group[0].environment, group[0].agent, (source, source), folder)
            runs = {recorded.key: run_to_repeat(recorded, experiment) for recorded in group}
            code = train_missing_runs(experiment, list(runs.values()), replace(options, engine=group[0].engine))
            for recorded in group:
                same, lines = compare_repetition(recorded, runs[recorded.key].file.json)
                identical = identical and same
                click.echo("\n".join(lines))
        if code not in (DONE, FAILED):
            click.echo("interrupted", err=True)
            return FAILED
    return DONE if identical else FAILED
