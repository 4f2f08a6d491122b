"""What keeps the runs of a stack over interruptions: claims on them, checkpoints, and going on from those.

A run is trained by one process at a time. Runs go on in one stack only if they stand at one timestep, as
a stack counts its steps once for all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from utils.bundle import Run
from utils.checkpoint import DIRECTORY, Checkpoint, Refused
from utils.interrupt import Interruption
from utils.lock import Lock
from utils.loop import Loop
from utils.loop_state import resume, states
from utils.provenance import package_versions

DONE, FAILED, STOPPED = 0, 1, 75
"""Exit codes, each going before those before it."""

EXACT_PACKAGES = ("torch", "numpy", "gymnasium", "mujoco", "minatar")
"""Packages whose version decides a run's bits."""

log = logging.getLogger("policy_params")


class Timer:
    """When the next checkpoint is due."""

    def __init__(self, minutes: float, interruption: Interruption, clock: Callable[[], float] = time.monotonic) -> None:
        """minutes: between checkpoints; 0: there are none but at an interruption.  clock: seconds."""
        self.interruption = interruption
        self._seconds, self._clock = 60.0 * minutes, clock
        self.restart()

    def restart(self) -> None:
        """Count from now."""
        self._start = self._clock()

    def due(self) -> bool:
        """Whether one is."""
        if self.interruption.requested():
            return True
        return self._seconds > 0 and self._clock() - self._start >= self._seconds


@dataclass
class Claim:
    """A run that this process alone trains.  state: what it goes on from; None: it begins."""

    run: Run
    checkpoint: Checkpoint
    lock: Lock
    state: dict[str, Any] | None = None

    @property
    def timestep(self) -> int:
        """Where the run stands."""
        return 0 if self.state is None else int(self.state["timestep"])


def checkpoint_of(run: Run) -> Checkpoint:
    """Where the run's checkpoint is, or would be."""
    versions = package_versions()
    conditions = {"run": run.key} | {f"{name} version": versions[name] for name in EXACT_PACKAGES}
    return Checkpoint(run.file.directory / DIRECTORY / run.key, conditions)


def _unclaimed(run: Run) -> Claim:
    return Claim(run, checkpoint_of(run), Lock(run.file.directory / DIRECTORY / f"{run.key}.lock"))


def saved_timestep(run: Run) -> int | None:
    """Where its checkpoint says that the run stands; None where there is none."""
    return checkpoint_of(run).timestep()


@contextmanager
def claimed(runs: Sequence[Run], force: bool) -> Iterator[list[Claim]]:
    """Those of the runs that no other process trains, or has just trained, with what they go on from.

    force: also what has a result.
    """
    claims: list[Claim] = []
    try:
        for run in runs:
            claim = _unclaimed(run)
            if not claim.lock.acquire():
                log.info("index %d: skipped, %s is training it", run.index, claim.lock.holder())
                continue
            claims.append(claim)
            if run.file.exists() and not force:
                log.info("index %d: skipped, %s has come about meanwhile", run.index, run.file.json)
                claims.pop().lock.release()
                continue
            claim.state = _read(claim)
        yield claims
    finally:
        for claim in claims:
            claim.lock.release()


def _read(claim: Claim) -> dict[str, Any] | None:
    """What the run goes on from. A checkpoint that is refused is put aside, for whoever could still use it."""
    if not claim.checkpoint.exists():
        return None
    try:
        return claim.checkpoint.load()
    except Refused as reason:
        aside = claim.checkpoint.put_aside()
        log.warning("index %d: starts anew: %s (now in %s)", claim.run.index, reason, aside)
        return None


def by_timestep(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Groups that stand at one timestep each."""
    groups: dict[int, list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.timestep, []).append(claim)
    return list(groups.values())


def go_on(loop: Loop, claims: Sequence[Claim]) -> None:
    """Put a fresh loop where its runs stand, if they have begun.  claims: one for each slot, at one timestep."""
    saved = [claim.state for claim in claims if claim.state is not None]
    if not saved:
        return
    reasons = resume(loop, saved)
    log.info("%d go on from timestep %d", len(claims), loop.timestep)
    for slot, reason in reasons.items():
        index = claims[slot].run.index
        log.warning("index %d: its episode cannot be gone on with (%s); another begins", index, reason)
    for claim in claims:
        claim.state = None  # It may be large.


def drive(loop: Loop, claims: Sequence[Claim], timer: Timer) -> int:
    """Train until all runs have ended or there is an interruption, with checkpoints. Returns an exit code."""
    while True:
        loop.run(timer.due)
        if not loop.active.any():
            return DONE
        saved = save(loop, claims)
        if timer.interruption.requested():
            log.info("%s: stopped at timestep %d; run again to go on", timer.interruption.signal, loop.timestep)
            return STOPPED if saved else FAILED
        timer.restart()


def save(loop: Loop, claims: Sequence[Claim]) -> bool:
    """Checkpoints of all runs that have not ended. Returns whether all could be written."""
    start, failures = time.perf_counter(), 0
    found = states(loop)
    for slot, state in found.items():
        try:
            claims[slot].checkpoint.save(state, loop.timestep)
        except OSError as error:
            failures += 1
            log.error("index %d: no checkpoint at timestep %d: %s", claims[slot].run.index, loop.timestep, error)
    seconds = time.perf_counter() - start
    written = len(found) - failures
    log.info("timestep %d: checkpoints of %d runs written in %.2f s", loop.timestep, written, seconds)
    return failures == 0


def discard(claim: Claim) -> None:
    """Remove the checkpoint of a run that has its result. It does no harm where that fails."""
    try:
        claim.checkpoint.remove()
    except OSError as error:
        log.warning("index %d: its checkpoint is of no more use but stays: %s", claim.run.index, error)


def discard_leftover(run: Run) -> None:
    """Remove checkpoint and lock that a process left which was killed after it had written the result."""
    claim = _unclaimed(run)
    left = claim.checkpoint.directory.exists() or claim.lock.path.exists()
    if left and claim.lock.acquire():
        discard(claim)
    claim.lock.release()
