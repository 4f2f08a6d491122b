"""Many stacks, one after the other or several at a time, each whatever becomes of the others."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import closing

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from utils.core.interrupt import Interruption
from utils.core.machine import available_cores, available_memory
from utils.experiment.experiment import Experiment, Run, stack_label
from utils.training.failure_files import failure_file, write_failure
from utils.training.progress import SweepProgress
from utils.training.run_claims import discard_leftover, saved_timestep
from utils.training.stack_sizes import split, suitable_size
from utils.training.stack_trainer import Choices, Makers, Training
from utils.workers.pool import run_tasks
from utils.workers.worker import TaskFailure, Work

DONE, FAILED, STOPPED = 0, 1, 75
"""Exit codes, each going before those before it."""

log = logging.getLogger("policy_params")


def absent(runs: Sequence[Run], force: bool) -> list[Run]:
    """Those to train: all that have no result, or with `force` all."""
    missing = []
    for run in runs:
        if not force and run.file.exists():
            log.info("index %d: skipped, %s exists (--force trains it again)", run.index, run.file.json)
            discard_leftover(run)
        else:
            missing.append(run)
    return missing


def train_missing(
    experiment: Experiment, missing: list[Run], makers: Makers, choices: Choices, interruption: Interruption
) -> int:
    """Train runs, in stacks and processes as chosen. Returns an exit code."""
    if not missing:
        return DONE
    jobs, total = min(choices.jobs or available_cores(), len(missing)), experiment.total_timesteps
    largest = choices.stack
    if largest is None:
        engine, sizes = makers.engine_of(choices.engine, total), makers.trial(experiment).space_sizes
        stacks = split(missing, suitable_size(sizes, total, available_memory() // jobs, engine), jobs, saved_timestep)
    else:
        stacks = split(missing, lambda run: largest, apart=saved_timestep)
    shown = None if choices.after is None else missing[0].index
    return train_all(Training(experiment, makers, choices, shown), stacks, total, jobs, interruption)


def train_all(
    train_stack: Work, stacks: Sequence[Sequence[Run]], timesteps: int, jobs: int, interruption: Interruption
) -> int:
    """Train the stacks, begun in order, `jobs` at a time; those that fail are named. Returns an exit code.

    timesteps: of each run, those before a checkpoint included.
    """
    failed: list[str] = []
    ended, runs = 0, [len(stack) for stack in stacks]
    lengths = [timesteps - (saved_timestep(stack[0]) or 0) for stack in stacks]
    bar = tqdm(unit="run-step", unit_scale=True, disable=not sys.stderr.isatty())
    progress = SweepProgress(runs, lengths, bar)
    outcomes = run_tasks(train_stack, stacks, jobs, progress.stepped, interruption)
    with logging_redirect_tqdm(), bar, closing(outcomes):
        for number, outcome in outcomes:
            if outcome.stopped:
                continue
            ended += 1
            progress.ended(number, outcome.failure is not None)
            if outcome.failure is not None:
                failed.append(f"failed: {stack_label(stacks[number])}: {outcome.failure.reason}")
                log.error("%s%s", failed[-1], "" if outcome.failure.expected else outcome.failure.traceback)
                _record(stacks[number], outcome.failure)
    log.info(progress.line())
    if len(stacks) > len(failed) > 0:  # Among so much else the lines above are easily missed.
        log.error("%d of %d stacks failed\n%s", len(failed), len(stacks), "\n".join(failed))
    if ended < len(stacks):
        log.info("%s: stopped; run again to go on", interruption.signal)
        return STOPPED
    return FAILED if failed else DONE


def _record(stack: Sequence[Run], failure: TaskFailure) -> None:
    """Leave a failure file for each of its runs that has no result and none from whoever trained it."""
    for run in stack:
        if not run.file.exists() and not failure_file(run.file.directory, run.key).exists():
            write_failure(run, failure.reason, failure.traceback)
