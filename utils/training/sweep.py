"""Training of many stacks, one after the other or several at a time; a stack that fails does not end the others."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from threading import RLock

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from utils.core.interrupt import STOPPED_EXIT_CODE, Interruption
from utils.core.machine import available_cores, available_memory
from utils.experiment.experiment import Experiment, Run, stack_label
from utils.training.failure_files import failure_path, write_failure
from utils.training.list_trainer import ListTrainer, group_by_stack
from utils.training.progress import SweepProgress, evaluations_shown
from utils.training.progress_writer import call_file
from utils.training.run_claims import saved_timestep
from utils.training.stack_sizes import split_into_stacks, stack_size_rule
from utils.training.stack_trainer import Builders, StackTrainer, TrainingOptions
from utils.workers.pool import run_tasks
from utils.workers.worker import TaskFailure, Work

DONE, FAILED, STOPPED = 0, 1, STOPPED_EXIT_CODE
"""Exit codes; a later one takes precedence."""

ALIKE = 3
"""Number of first stacks that must fail alike, without any result, for the sweep to end."""

log = logging.getLogger("policy_params")


def train_runs(
    experiment: Experiment, runs: list[Run], builders: Builders, options: TrainingOptions, interruption: Interruption
) -> int:
    """Train runs in stacks and processes. Returns an exit code."""
    if not runs:
        return DONE
    jobs, total = min(options.jobs or available_cores(), len(runs)), experiment.total_timesteps
    largest = options.stack
    rule: Callable[[Run], int] = lambda run: largest or 1  # noqa: E731
    if largest is None:
        engine = builders.resolve_engine(options.engine, total)
        sizes = builders.check_environment(experiment).space_sizes
        rule = stack_size_rule(sizes, total, available_memory() // jobs, engine)
    monitored = None if options.monitor_after is None else runs[0].index
    trainer = StackTrainer(experiment, builders, options, monitored)
    work: Work = trainer.train
    if options.common_list is None:
        stacks = split_into_stacks(runs, rule, jobs if largest is None else 1, saved_timestep)
    else:
        groups = group_by_stack(runs, options.common_list.waiting())
        numbers = {run.index: number for number, group in groups.items() for run in group}
        sizes_of = {number: rule(group[0]) for number, group in groups.items()}
        stacks, work = [*groups.values()], ListTrainer(trainer, options.common_list, numbers, sizes_of).train
    with call_file(experiment, runs):
        return train_stacks(work, stacks, total, jobs, interruption, options.fail_fast)


class FailureLimit:
    """What ends a sweep early: the first failure, if that was asked for, or that all stacks fail alike."""

    def __init__(self, fail_fast: bool, stacks: int) -> None:
        """Watch a sweep.  stacks: number of them."""
        self._fail_fast, self._remaining = fail_fast, stacks
        self._reasons: list[str] | None = []

    def reached(self, reason: str | None, done: int) -> str:
        """Return why the sweep must end after a stack has ended, or "".

        reason: why the stack failed; None if it did not.  done: number of its runs that have a result.
        """
        self._remaining -= 1
        if reason is None or done:
            self._reasons = None
        elif self._reasons is not None:
            self._reasons.append(reason)
        if not self._remaining:
            return ""
        if self._fail_fast and reason is not None:
            return "--fail-fast: a stack has failed"
        alike = {re.sub(r"\d+", "N", each) for each in self._reasons or ()}
        if self._reasons is None or len(self._reasons) < ALIKE or len(alike) > 1:
            return ""
        return f"the first {ALIKE} stacks have all failed alike"


def train_stacks(
    train_stack: Work,
    stacks: Sequence[Sequence[Run]],
    timesteps: int,
    jobs: int,
    interruption: Interruption,
    fail_fast: bool = False,
) -> int:
    """Train stacks in order, `jobs` at a time, and log those that fail. Returns an exit code.

    timesteps: timesteps of each run, those before a checkpoint included.  fail_fast: end when a stack fails; else, the
    sweep ends if its first stacks fail alike.
    """
    failed: list[str] = []
    limit, why = FailureLimit(fail_fast, len(stacks)), ""
    ended, runs = 0, [len(stack) for stack in stacks]
    lengths = [timesteps - (saved_timestep(stack[0]) or 0) for stack in stacks]
    before = {run.key: _written(run) for stack in stacks for run in stack}
    bar = _make_bar()
    progress = SweepProgress(runs, lengths, bar)
    outcomes = run_tasks(train_stack, stacks, jobs, progress.add_steps, interruption)
    with logging_redirect_tqdm(), bar, evaluations_shown(progress.show_evaluation), closing(outcomes):
        for number, outcome in outcomes:
            if outcome.stopped:
                continue
            ended += 1
            done = sum(_written(run) not in (None, before[run.key]) for run in stacks[number])
            progress.end_stack(number, done, 0 if outcome.failure else len(stacks[number]) - done)
            if outcome.failure is not None:
                failed.append(f"failed: {stack_label(stacks[number])}: {outcome.failure.reason}")
                log.error("%s%s", failed[-1], "" if outcome.failure.expected else outcome.failure.traceback)
                _write_failures(stacks[number], outcome.failure)
            why = why or limit.reached(outcome.failure and outcome.failure.reason, done)
            if why:
                interruption.request(why)
    log.info(progress.format_line())
    if len(stacks) > len(failed) > 0:  # The lines above are easily missed among the others.
        log.error("%d of %d stacks failed\n%s", len(failed), len(stacks), "\n".join(failed))
    if why:
        log.error("%s; %d of %d stacks were not trained to their end", why, len(stacks) - ended, len(stacks))
        return FAILED
    if ended < len(stacks):
        log.info("%s: stopped; run the same command again to resume", interruption.signal)
        return STOPPED
    return FAILED if failed else DONE


def _make_bar() -> tqdm:
    """Return the progress bar of a sweep, which shows nothing unless standard error is a terminal.

    Only this process draws it. tqdm's own lock is shared with processes that are forked; one that is killed while it
    holds the lock would stop this process forever.
    """
    tqdm.set_lock(RLock())
    return tqdm(unit="run-step", unit_scale=True, disable=not sys.stderr.isatty())


def _written(run: Run) -> int | None:
    """Return when the file of a run's result was written, ns since the epoch; None if there is no file."""
    try:
        return run.file.json.stat().st_mtime_ns
    except OSError:
        return None


def _write_failures(stack: Sequence[Run], failure: TaskFailure) -> None:
    """Write a failure file for each run that has neither a result nor a failure file."""
    for run in stack:
        if not run.file.exists() and not failure_path(run.file.directory, run.key).exists():
            write_failure(run, failure.reason, failure.traceback)
