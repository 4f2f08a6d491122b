"""Training of runs and verification of results, for the command line and for Python programs (docs/python.md)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from utils.core.cli_types import DEFAULT_CHECKPOINT_MINUTES
from utils.core.errors import BadInput
from utils.core.grid import value_text
from utils.core.indices import format_indices, parse_indices
from utils.wiring.build import check_buildable, make_builders, make_experiment, read_experiment
from utils.wiring.environments import build_env, check_environment

if TYPE_CHECKING:
    from utils.experiment.experiment import Experiment, Run
    from utils.results.schema import Result
    from utils.training.stack_trainer import TrainingOptions


log = logging.getLogger("policy_params")


class TrainingFailed(Exception):
    """Error for runs that have no result after training; the log states the reasons."""


def train(
    agent_json: str,
    env_json: str,
    index: int | str | None = None,
    *,
    runs: int | None = None,
    save_dir: str = "results",
    strict: bool = False,
    **options: Any,
) -> list[Result]:
    """Train runs of an experiment that have no result yet, and return the results of all of them.

    agent_json, env_json: paths of the two configuration files.
    index: an index, or a list of indices and ranges such as "0-9,36"; by default 0.
    runs: instead of index: train this many runs of every setting.
    save_dir: directory of the results, as main.py's --save-dir.
    strict: refuse runs whose settings are not allowed, instead of leaving them out.
    options: fields of `TrainingOptions`: force, accept_mixed, jobs, stack, engine, checkpoint_minutes.
    Raises BadInput for wrong input, TrainingFailed if a run has no result.
    """
    from utils.core.process_setup import limit_threads

    limit_threads()
    from utils.results.schema import read_result
    from utils.training.stack_trainer import TrainingOptions

    chosen = TrainingOptions(**{"checkpoint_minutes": DEFAULT_CHECKPOINT_MINUTES} | options)
    experiment = read_experiment(env_json, agent_json, save_dir)
    indices = chosen_indices(experiment, None if index is None else str(index), runs)
    selected = chosen_runs(experiment, indices, strict)
    code = train_missing_runs(experiment, selected, chosen)
    if code:
        raise TrainingFailed(f"{experiment.directory}: a run has no result (exit code {code}); see the log")
    return [read_result(run.file.json) for run in selected]


def chosen_indices(experiment: Experiment, index: str | None, runs: int | None) -> list[int]:
    """Return the indices that --index or --runs select.  Raises BadInput if both are given or one is invalid."""
    if runs is not None and index is not None:
        raise BadInput("--index and --runs: found both; allowed: one of them")
    return list(range(len(experiment.grid) * runs)) if runs is not None else parse_indices(index or "0")


def chosen_runs(experiment: Experiment, indices: Sequence[int], strict: bool = False) -> list[Run]:
    """Return the runs with these indices, without those whose settings are not allowed, which the log then lists.

    strict: refuse them instead.
    Raises BadInput, naming the indices that are not allowed, if there are only such, or any with `strict`.
    """
    runs, invalid, reason = [], [], ""
    for index in indices:
        try:
            runs.append(experiment.run(index))
        except BadInput as error:
            invalid.append(index)
            reason = reason or str(error)
    if invalid and runs and not strict:
        log.warning("left out, not allowed: --index %s: %s", format_indices(invalid), reason)
        return runs
    if invalid and len(experiment.grid) > 1:
        others = f"the others are --index {format_indices([run.index for run in runs])}" if runs else "all of them"
        raise BadInput(f"{reason}; of the chosen indices, {format_indices(invalid)} cannot be trained: {others}")
    if invalid:
        raise BadInput(reason)
    return runs


def list_runs(experiment: Experiment, runs: Sequence[Run]) -> Iterator[str]:
    """Yield a table of runs: index, setting, seed, and the hyperparameters that differ among their settings.

    A last column names the first run that is the same, where there are such runs: only one of them is trained.
    """
    settings = {run.setting: experiment.grid.setting(run.setting) for run in runs}
    values = list(settings.values())
    keys = [key for key in experiment.grid.varied if any(each[key] != values[0][key] for each in values)]
    same = {setting: min([setting, *experiment.equal_settings(setting)]) for setting in settings}
    has_equal = any(first != setting for setting, first in same.items())
    rows = [["index", "setting", "seed", *keys, *["same as index"] * has_equal]]
    for run in runs:
        chosen, first = settings[run.setting], same[run.setting]
        note = "" if first == run.setting else str(experiment.grid.index(first, run.run))
        numbers = map(str, (run.index, run.setting, run.random_seed))
        rows.append([*numbers, *(value_text(chosen[key]) for key in keys), *[note] * has_equal])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))


def log_large_indices(experiment: Experiment, indices: Sequence[int]) -> None:
    """Log what an index means that is not smaller than the number of settings, which it may be by mistake."""
    count, largest = len(experiment.grid), max(indices)
    if 1 < count <= largest:
        setting, run = experiment.grid.locate(largest)
        log.info(
            "the grid has %d settings, 0 to %d: index %d is run %d, with seed %d, of setting %d",
            count, count - 1, largest, run, run, setting,
        )  # fmt: skip


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
    from utils.core.provenance import code_version
    from utils.files.atomic import check_writable
    from utils.training import existing_results as results
    from utils.training.folder_survey import warn_of_others
    from utils.training.sweep import FAILED, train_runs

    code_version()  # As it is now, before anyone edits it.
    existing = [] if options.force else results.find_results(experiment, runs, options.no_copy)
    results.check_same_code(existing, lambda: check_environment(experiment).rollouts, options.accept_mixed)
    done = {each.run.index for each in existing}
    missing, same = results.separate_same_runs(experiment, [run for run in runs if run.index not in done])
    if missing:
        check_extendable(missing)
        check_buildable(experiment, missing)
        for line in warn_of_others(experiment, runs, check_environment(experiment).packages):
            log.warning("%s", line)
    if missing or not all(each.is_own for each in existing):
        check_writable(experiment.directory)
    copied = results.copy_results(experiment, existing)
    with interruptible() as interruption:
        code = train_runs(experiment, missing, make_builders(), options, interruption)
    trained = [results.copy_of(run, other) for run, other in same if other.file.exists()]
    copied = results.copy_results(experiment, trained, options.force) and copied
    return code if copied or code else FAILED


def check_extendable(runs: Sequence[Run]) -> None:
    """Check that each run that extends another has a checkpoint to go on from.  Raises BadInput, with the indices."""
    from utils.training.run_claims import saved_timestep

    lacking = [run.index for run in runs if run.extends is not None and saved_timestep(run) is None]
    if lacking:
        raise BadInput(
            f"--extend: found no kept checkpoint of --index {format_indices(lacking)}; allowed: runs that were trained "
            "to their end with --keep-checkpoint"
        )


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
