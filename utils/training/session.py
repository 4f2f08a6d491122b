"""A stack's training with interruptions: resuming from checkpoints, writing them, stopping with them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from utils.checkpoint.checkpoint import Checkpoint
from utils.core.errors import describe_error
from utils.core.interrupt import Interruption, Stopped
from utils.core.provenance import ARITHMETIC, code_version, describe_cpu, package_versions
from utils.training.loop import Loop
from utils.training.resume import resume_loop, run_states
from utils.training.run_claims import Claim, kept_checkpoint

log = logging.getLogger("policy_params")


class CheckpointTimer:
    """A timer that decides when the next checkpoint is due."""

    def __init__(self, minutes: float, interruption: Interruption, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the timer.

        minutes: minutes between checkpoints; 0: only at an interruption.
        clock: returns seconds.
        """
        self.interruption = interruption
        self._seconds, self._clock = 60.0 * minutes, clock
        self.restart()

    def restart(self) -> None:
        """Measure the time to the next checkpoint from now."""
        self._start = self._clock()

    def due(self) -> bool:
        """Return whether a checkpoint is due."""
        if self.interruption.is_requested():
            return True
        return self._seconds > 0 and self._clock() - self._start >= self._seconds


@dataclass
class Session:
    """A loop whose slots are claimed runs.

    engine: identity of the engine that computes its updates (`agent.engine.selection.Engine.identity`).
    rollout_hash: hash of the environment's dynamics on this machine, if it has one.
    packages: installed packages that the environment comes from.
    """

    loop: Loop
    claims: Sequence[Claim]
    timer: CheckpointTimer
    engine: str
    rollout_hash: str | None = ""
    packages: Sequence[str] = ()

    def resume(self) -> None:
        """Restore the runs' saved states, if there are any, into the new loop. All are of one position."""
        if self.claims[0].state is None:
            return
        _, engine = self.claims[0].position
        if engine != self.engine:
            for claim in self.claims:
                claim.restart(f"{claim.source} was computed by engine {engine}; allowed here: {self.engine}")
            return
        reasons = resume_loop(self.loop, [self._state(claim) for claim in self.claims])
        log.info("%d runs resume from timestep %d", len(self.claims), self.loop.timestep)
        for slot, reason in reasons.items():
            index = self.claims[slot].run.index
            log.warning("index %d: its episode cannot be resumed (%s); another one starts", index, reason)
        for slot, claim in enumerate(self.claims):
            self._check_processor(slot, claim)
            self._check_sources(slot, claim)
            self._check_packages(slot, claim)
            claim.state = None  # It may be large.

    @staticmethod
    def _state(claim: Claim) -> dict[str, Any]:
        assert claim.state is not None, "of the runs at one position, either all or none have a saved state"
        return claim.state

    def _check_processor(self, slot: int, claim: Claim) -> None:
        """Mark a run inexact if its checkpoint is from another kind of processor, which may round differently.

        The compiled engine's portable arithmetic does not, and the rollout hash shows whether the environment does.
        """
        state = self._state(claim)
        if state["cpu_flags"] == describe_cpu()["flags"]:
            return
        if ARITHMETIC not in self.engine or state.get("rollout_hash") != self.rollout_hash:
            self.loop.records[slot].exact = False
            log.warning("index %d: resumes on another kind of processor, so its bits may differ", claim.run.index)

    def _check_sources(self, slot: int, claim: Claim) -> None:
        """Mark a run inexact if its checkpoint is of other sources; one that did not record them is trusted."""
        sources, today = self._state(claim).get("sources"), code_version()["sources"]
        if sources not in (None, today):
            self.loop.records[slot].exact = False
            log.warning(
                "index %d: resumes with another version of the code: sources %s and now %s",
                claim.run.index, sources, today,
            )  # fmt: skip

    def _check_packages(self, slot: int, claim: Claim) -> None:
        """Mark a run inexact if its checkpoint is of other versions of its environment's packages."""
        found, today = self._state(claim).get("packages"), self._package_versions()
        if found not in (None, today):
            self.loop.records[slot].exact = False
            log.warning(
                "index %d: resumes with other versions of its environment's packages: %s and now %s",
                claim.run.index, found, today,
            )  # fmt: skip

    def _package_versions(self) -> dict[str, str | None]:
        """Return the versions of the packages that the environment comes from."""
        versions = package_versions(self.packages)
        return {name: versions[name] for name in self.packages}

    def train(self) -> str | None:
        """Train until all runs have ended, writing checkpoints. Returns what failed, or None.

        Raises Stopped at an interruption, after all active runs have their checkpoints.
        """
        while True:
            self.loop.run(self.timer.due)
            if not self.loop.active.any():
                return None
            failed = self.save_checkpoints()
            if self.timer.interruption.is_requested():
                if failed:
                    return f"stopped, but the checkpoints of {failed} runs could not be written"
                log.info(
                    "%s: stopped at timestep %d; run the same command again to resume", self._signal, self.loop.timestep
                )
                raise Stopped
            self.timer.restart()

    @property
    def _signal(self) -> str | None:
        return self.timer.interruption.signal

    def save_checkpoints(self) -> int:
        """Write checkpoints of all active runs. Returns how many could not be written."""
        start, failed = time.perf_counter(), 0
        states = self._states()
        for slot, state in states.items():
            claim = self.claims[slot]
            try:
                self._save_checkpoint(claim.checkpoint, claim.run.index, state)
            except OSError as error:
                failed += 1
                log.error("index %d: no checkpoint at timestep %d: %s", claim.run.index, self.loop.timestep, error)
        seconds, written = time.perf_counter() - start, len(states) - failed
        log.info("timestep %d: checkpoints of %d runs written in %.2f s", self.loop.timestep, written, seconds)
        return failed

    def keep_checkpoints(self, slots: Sequence[int]) -> None:
        """Write the states of runs that are about to make their last evaluation to where --extend finds them."""
        states, kept = self._states(), []
        for slot in slots:
            run = self.claims[slot].run
            checkpoint = kept_checkpoint(run)
            try:
                checkpoint.remove()
                self._save_checkpoint(checkpoint, run.index, states[slot])
                kept.append(sum(path.stat().st_size for path in checkpoint.directory.iterdir()))
            except OSError as error:
                log.error("index %d: its checkpoint cannot be kept: %s", run.index, error)
        size = sum(kept) / 2**20
        log.info("timestep %d: checkpoints of %d runs kept, %.1f MiB in all", self.loop.timestep, len(kept), size)

    def _states(self) -> dict[int, dict[str, Any]]:
        """Return what a checkpoint of each active run holds, by slot."""
        origin = {
            "engine": self.engine, "cpu_flags": describe_cpu()["flags"], "rollout_hash": self.rollout_hash,
            "sources": code_version()["sources"], "packages": self._package_versions(),
        }  # fmt: skip
        return {slot: state | origin for slot, state in run_states(self.loop).items()}

    def _save_checkpoint(self, checkpoint: Checkpoint, index: int, state: dict[str, Any]) -> None:
        """Write a run's checkpoint, without its environments if they have values that it cannot store.

        Raises OSError.
        """
        try:
            checkpoint.save(state, self.loop.timestep)
        except (TypeError, ValueError, RecursionError) as error:
            reason = f"{type(error).__name__}: {describe_error(error)}"
            without = {"env": {"unsavable": reason}, "eval_env": {"unsavable": reason}}
            checkpoint.save(state | without, self.loop.timestep)
            log.warning("index %d: its environment is not in its checkpoint (%s)", index, reason)
