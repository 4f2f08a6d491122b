"""A stack of an experiment's runs, trained from claims to results: the work of a pool's tasks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from utils.core.cli_types import DEFAULT_ENGINE
from utils.core.interrupt import Interruption, Stopped
from utils.core.process_setup import THREADS
from utils.core.provenance import collect_provenance
from utils.experiment.experiment import Experiment, Run, stack_label
from utils.training.failure_files import forget_failure, write_failure
from utils.training.loop import Loop, Watcher
from utils.training.result_data import run_data
from utils.training.run_claims import Claim, by_place, claimed
from utils.training.run_record import RunRecord
from utils.training.session import Session, Timer
from utils.training.stack import Stack

log = logging.getLogger("policy_params")


@dataclass(frozen=True)
class Trial:
    """What one environment tells of an experiment's.

    rollout_hash: of a fixed rollout on this machine.  space_sizes: numbers in an observation and in an action.
    """

    rollout_hash: str
    space_sizes: tuple[int, int]


class Makers(NamedTuple):
    """What only a script can make, as it alone knows agents and environments. Workers import them by name."""

    stack: Callable[[Experiment, Sequence[Run], bool], Stack]
    """Learner and environments of the runs; whether the first run's environment gives pictures."""
    engine: Callable[[Any, str, int], Any]
    """`agent.engine.selection.start_engine`."""
    engine_of: Callable[[str, int], str]
    """`agent.engine.selection.by_length`."""
    trial: Callable[[Experiment], Trial]
    """Tries an environment, once a process."""
    prepare: Callable[[Any], float]
    """`env.drawing.render.prepare_rendering`."""


@dataclass(frozen=True)
class Choices:
    """What the command line chooses beside the runs.

    force: train again what has a result.  jobs: processes; None: as many as there are cores.  stack: runs in
    a stack at most; None: as suits them.  engine: as asked for.  minutes: between checkpoints; 0: none.
    after: timesteps after which the first run is monitored; None: never.
    """

    force: bool = False
    jobs: int | None = 1
    stack: int | None = None
    engine: str = DEFAULT_ENGINE
    minutes: float = 0.0
    after: int | None = None


@dataclass(frozen=True)
class Training:
    """Trains stacks of an experiment's runs.  shown: the index of the run to monitor, the first of its stack."""

    experiment: Experiment
    makers: Makers
    choices: Choices
    shown: int | None = None

    def __call__(self, runs: Sequence[Run], stepped: Callable[[int], object], interruption: Interruption) -> str | None:
        """Train runs that agree structurally, together where they stand at one timestep.

        stepped: told how many steps more they have made.  Returns what failed, or None.  Raises Stopped.
        """
        timer, failures = Timer(self.choices.minutes, interruption), []
        with claimed(runs, self.choices.force) as claims:
            for group in by_place(claims):
                if interruption.is_requested():
                    raise Stopped
                failures.append(_Group(self, group, timer, stepped).train())
        return "; ".join(failure for failure in failures if failure) or None


class _Group:
    """Claimed runs that stand at one timestep, and train in one stack."""

    def __init__(
        self, training: Training, claims: Sequence[Claim], timer: Timer, stepped: Callable[[int], object]
    ) -> None:
        self._training, self._claims, self._timer, self._stepped = training, claims, timer, stepped
        self._experiment, self._makers, self._choices = training.experiment, training.makers, training.choices
        self._runs = [claim.run for claim in claims]
        self._start = datetime.now(UTC).isoformat()
        self._failed = 0

    def train(self) -> str | None:
        """Returns what failed, or None.  Raises Stopped."""
        runs, after = self._runs, self._choices.after if self._runs[0].index == self._training.shown else None
        log.info("training %d in a stack: %s", len(runs), stack_label(runs))
        for run in runs:
            forget_failure(run)
        stack = self._makers.stack(self._experiment, runs, after is not None)
        self._engine = self._makers.engine(stack.agent, self._choices.engine, self._experiment.total_timesteps)
        if self._timer.interruption.is_requested():  # Which may have cut off the compiler.
            raise Stopped
        watcher = Watcher(self._stepped, partial(log_evaluation, stack_label(runs)), self._left)
        with self._monitored(stack, after, watcher) as telling:
            self._loop = Loop(stack, telling, self._timer.interruption.is_requested)
            session = Session(self._loop, self._claims, self._timer, self._engine.engine)
            session.go_on()
            unsaved = session.drive()
        return unsaved or (f"{self._failed} of {len(runs)} runs have no result" if self._failed else None)

    def _monitored(self, stack: Stack, after: int | None, watcher: Watcher) -> AbstractContextManager[Watcher]:
        """The watcher; unless `after` is None, one that is told the same and shows the first slot's environment."""
        if after is None:
            return nullcontext(watcher)
        from utils.training.monitor import Scene, monitoring

        run = self._runs[0]
        title = f"{self._experiment.name}, index {run.index}"
        return monitoring(watcher, Scene(stack.envs.envs[0].env, self._makers.prepare, title, run.file.mp4), after)

    def _left(self, slot: int) -> None:
        """A run has ended: its result takes its checkpoint's place."""
        run, record = self._runs[slot], self._loop.records[slot]
        if record.error is not None:
            self._failed += 1
            _report(run, record, record.error)
        elif self._write_result(run, record):
            self._claims[slot].discard()
        else:
            self._failed += 1

    def _write_result(self, run: Run, record: RunRecord) -> bool:
        """One run's result file and its arrays. Returns whether they could be written."""
        indices = [run.index for run in self._runs]
        rollout, end = self._makers.trial(self._experiment).rollout_hash, datetime.now(UTC).isoformat()
        origin = collect_provenance(THREADS, self._engine._asdict(), rollout, indices, self._start, end)
        data, arrays = run_data(run, record, self._experiment.environment, origin)
        try:
            run.file.write(self._experiment.tree(run, data), arrays)
        except OSError as error:
            log.error("index %d: %s, but %s cannot be written: %s", run.index, record.status, run.file.json, error)
            return False
        log.info("index %d: %s, %s", run.index, record.status, run.file.json)
        return True


def _report(run: Run, record: RunRecord, error: Exception) -> None:
    """Say and record what ended a run without a result."""
    reason = f"its environment raised {type(error).__name__}: {error}"
    log.error("index %d: failed at timestep %d: %s", run.index, record.timesteps, reason)
    write_failure(run, reason, "".join(traceback.format_exception(error)), record.timesteps)


def log_evaluation(name: str, timestep: int, returns: Sequence[float]) -> None:
    """Say how far learning is.  name: the stack's.  returns: each run's mean evaluation return."""
    mean = sum(returns) / len(returns)
    spread = f", runs {min(returns):.1f} to {max(returns):.1f}" if len(returns) > 1 else ""
    log.info("%s: step %d: evaluation return %.1f%s", name, timestep, mean, spread)
