"""Training of a stack of an experiment's runs, from claims to results: the work of a pool's tasks."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from utils.core.cli_types import DEFAULT_ENGINE
from utils.core.errors import EnvironmentFault
from utils.core.interrupt import Interruption, Stopped
from utils.core.machine import core_wait_seconds
from utils.core.process_setup import THREADS
from utils.core.provenance import collect_provenance, package_versions
from utils.core.random_streams import env_seed, small_seed
from utils.experiment.experiment import Experiment, Run, describe_runs, stack_label
from utils.training.common_list import CommonList
from utils.training.failure_files import remove_failure, write_failure
from utils.training.log_lines import LoggedRuns, log_evaluation, summarize_diagnostics
from utils.training.loop import Loop
from utils.training.progress_writer import ProgressWriter
from utils.training.result_data import run_data
from utils.training.run_claims import Claim, claim_runs, group_by_position
from utils.training.run_record import RunRecord
from utils.training.session import CheckpointTimer, Session
from utils.training.stack import Stack, Watcher

log = logging.getLogger("policy_params")


@dataclass(frozen=True)
class EnvironmentCheck:
    """Properties of an experiment's environment, found before training.

    rollout_hash: hash of fixed rollouts on this machine; None if the environment is not a function of its seed.
    space_sizes: dimensions of an observation and of an action.
    deterministic: whether the environment is a function of its seed.
    exact_resume: whether its state can be saved and restored to the bit.
    small_seeds: whether it is given seeds of 31 bits.
    notes: a sentence for everything that is unusual about it.
    packages: installed packages that it comes from.
    rollout_trace: observations of the rollouts, as `env.episodes.rollout.Fingerprint` has them; None without a hash.
    """

    rollout_hash: str | None
    space_sizes: tuple[int, int]
    deterministic: bool = True
    exact_resume: bool = True
    small_seeds: bool = False
    notes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    rollout_trace: dict[str, Any] | None = None

    @property
    def rollouts(self) -> dict[str, Any]:
        """What a result records about the environment's behaviour."""
        return {"rollout_hash": self.rollout_hash, "rollout_trace": self.rollout_trace}

    def provenance(self, random_seed: int) -> dict[str, Any]:
        """Return what the result of a run with this seed records about its environment."""
        seed = env_seed(random_seed, "env")
        return {
            "env_seed": small_seed(seed) if self.small_seeds else seed,
            "deterministic": self.deterministic,
            "env_resume": "exact" if self.exact_resume else "approximate",
            "env_notes": list(self.notes),
            "versions": package_versions(self.packages),
            "rollout_trace": self.rollout_trace,
        }


class Builders(NamedTuple):
    """Functions that build agents and environments, so that training need not import them.

    They are module-level functions: a worker process imports them by name.
    """

    build_stack: Callable[[Experiment, Sequence[Run], bool], Stack]
    """Build the agent and the environments of runs. The flag: whether the first environment renders."""
    start_engine: Callable[[Stack, str, int], Any]
    """Make a stack use the requested engine, if it can. Returns the `agent.engine.selection.Engine` that it uses."""
    resolve_engine: Callable[[str, int], str]
    """Return the engine that --engine selects: `agent.engine.selection.choose_engine`."""
    check_environment: Callable[[Experiment], EnvironmentCheck]
    """Try an environment, once per process."""
    prepare_rendering: Callable[[Any], float]
    """Prepare this process for rendering: `env.drawing.render.prepare_rendering`."""


@dataclass(frozen=True)
class TrainingOptions:
    """Options of training; of these, results depend only on `engine`.

    force: train runs that have results again.
    accept_mixed: keep results of other versions of the code, instead of refusing them.
    no_copy: copy no result of a run that is not among those to train.
    jobs: number of processes; None: the number of available cores.
    stack: largest number of runs in a stack; None: chosen by size, memory and jobs.
    engine: one of ENGINE_CHOICES.
    checkpoint_minutes: minutes between checkpoints; 0: only at an interruption.
    monitor_after: timesteps after which the first run is monitored; None: never.
    keep_checkpoint: keep the checkpoint of each complete run.
    fail_fast: end the sweep when a stack fails.
    common_list: the list that stacks are taken from; None: they are made of the runs.
    """

    force: bool = False
    jobs: int | None = 1
    stack: int | None = None
    engine: str = DEFAULT_ENGINE
    checkpoint_minutes: float = 0.0
    monitor_after: int | None = None
    accept_mixed: bool = False
    keep_checkpoint: bool = False
    fail_fast: bool = False
    no_copy: bool = False
    common_list: CommonList | None = None


@dataclass(frozen=True)
class StackTrainer:
    """A trainer of stacks of an experiment's runs.

    monitored: index of the run to monitor, the first of its stack.
    """

    experiment: Experiment
    builders: Builders
    options: TrainingOptions
    monitored: int | None = None

    def train(self, runs: Sequence[Run], stepped: Callable[[int], object], interruption: Interruption) -> str | None:
        """Train runs that can share a stack; those at the same timestep train together.

        stepped: called with the number of timesteps made since the last call.
        Returns what failed, or None.  Raises Stopped.
        """
        timer, failures = CheckpointTimer(self.options.checkpoint_minutes, interruption), []
        with claim_runs(runs, self.options.force) as claims:
            for group in group_by_position(claims):
                if interruption.is_requested():
                    raise Stopped
                failures.append(_StackTraining(self, group, timer, stepped).train())
        return "; ".join(failure for failure in failures if failure) or None


class _StackTraining:
    """The training of claimed runs that are at one timestep, in one stack."""

    def __init__(
        self, trainer: StackTrainer, claims: Sequence[Claim], timer: CheckpointTimer, stepped: Callable[[int], object]
    ) -> None:
        self._trainer, self._claims, self._timer = trainer, claims, timer
        self._experiment, self._builders, self._options = trainer.experiment, trainer.builders, trainer.options
        self._runs = [claim.run for claim in claims]
        self._progress = ProgressWriter(self._experiment, self._runs, stepped)
        self._start, self._waited = datetime.now(UTC).isoformat(), core_wait_seconds()
        self._failed = 0

    def train(self) -> str | None:
        """Train the stack. Returns what failed, or None.  Raises Stopped."""
        runs = self._runs
        after = self._options.monitor_after if runs[0].index == self._trainer.monitored else None
        log.info("training %d in a stack: %s", len(runs), stack_label(runs))
        for line in describe_runs(self._experiment, runs):
            log.info(line)
        for run in runs:
            remove_failure(run)
        with closing(self._builders.build_stack(self._experiment, runs, after is not None)) as stack:
            unsaved = self._train_stack(stack, after)
        return unsaved or (f"{self._failed} of {len(runs)} runs have no result" if self._failed else None)

    def _train_stack(self, stack: Stack, after: int | None) -> str | None:
        """Train the runs of a stack from their checkpoints. Returns what cannot be saved, or None.  Raises Stopped.

        after: timesteps after which the first run is monitored; None: never.
        """
        self._engine = self._builders.start_engine(stack, self._options.engine, self._experiment.total_timesteps)
        if self._timer.interruption.is_requested():  # The signal may have interrupted the compiler.
            raise Stopped
        watcher = Watcher(self._progress.stepped, self._log_evaluation, self._handle_end)
        with self._monitor(stack, after, watcher) as monitoring_watcher:
            self._loop = Loop(stack, monitoring_watcher, self._timer.interruption.is_requested)
            check = self._builders.check_environment(self._experiment)
            session = Session(
                self._loop, self._claims, self._timer, self._engine.identity, check.rollout_hash, check.packages
            )
            if self._options.keep_checkpoint:
                self._loop.completing = session.keep_checkpoints
            session.resume()
            with self._progress.writing(self._loop.records, self._engine.identity):
                return session.train()

    def _monitor(self, stack: Stack, after: int | None, watcher: Watcher) -> AbstractContextManager[Watcher]:
        """Return the watcher or, unless `after` is None, one that also shows the first slot's environment."""
        if after is None:
            return nullcontext(watcher)
        from utils.training.monitor import Scene, monitoring

        run = self._runs[0]
        title = f"{self._experiment.name}, index {run.index}"
        scene = Scene(stack.envs.envs[0].env, self._builders.prepare_rendering, title, run.file.mp4)
        return monitoring(watcher, scene, after)

    def _log_evaluation(self, timestep: int, returns: Sequence[float]) -> None:
        """Log an evaluation.  returns: mean return of each run that was evaluated, that is, of active runs."""
        active = zip(self._runs, self._loop.records, self._loop.active, strict=True)
        evaluated = [
            run for run, record, is_active in active if is_active and timestep in record.timesteps_at_eval[-1:]
        ]
        log_evaluation(LoggedRuns(self._experiment, evaluated), timestep, returns)

    def _handle_end(self, slot: int) -> None:
        """Write the result of a run that has ended and remove its checkpoint."""
        run, record = self._runs[slot], self._loop.records[slot]
        if record.error is not None:
            self._failed += 1
            self._progress.end(slot)
            _report_failure(run, record, record.error, self._experiment.environment.env_name)
            return
        written = self._write_result(run, record)
        self._progress.end(slot, remove=written)
        if written:
            self._claims[slot].remove_checkpoint()
        else:
            self._failed += 1

    def _write_result(self, run: Run, record: RunRecord) -> bool:
        """Write one run's result and its arrays. Returns whether they could be written."""
        indices = [run.index for run in self._runs]
        check = self._builders.check_environment(self._experiment)
        end = datetime.now(UTC).isoformat()
        origin = collect_provenance(THREADS, self._engine._asdict(), check.rollout_hash, indices, self._start, end)
        waited = None if self._waited is None else round((core_wait_seconds() or 0.0) - self._waited, 3)
        origin |= check.provenance(run.random_seed) | {"core_wait_seconds": waited}
        if run.start:
            origin["start_from"] = run.start.provenance()
        data, arrays = run_data(run, record, self._experiment.environment, origin)
        try:
            run.file.write(self._experiment.tree(run, data), arrays)
        except OSError as error:
            log.error("index %d: %s, but %s cannot be written: %s", run.index, record.status, run.file.json, error)
            return False
        log.info("index %d: %s, %s", run.index, record.status, run.file.json)
        summary = summarize_diagnostics(record.diagnostics)
        if summary:
            log.info("index %d: in its last window of training: %s", run.index, summary)
        return True


def _report_failure(run: Run, record: RunRecord, error: Exception, env_name: str) -> None:
    """Log and record the error that ended a run without a result."""
    reason = f"its environment raised {type(error).__name__}: {error}"
    if isinstance(error, EnvironmentFault):
        reason = " ".join((f"its environment '{env_name}' {error}", *getattr(error, "__notes__", ())))
    log.error("index %d: failed at timestep %d: %s", run.index, record.timesteps, reason)
    write_failure(run, reason, "".join(traceback.format_exception(error)), record.timesteps)
