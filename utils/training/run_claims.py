"""Claims on runs: a run is trained by one process at a time, from its checkpoint if it has one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.checkpoint.checkpoint import CHECKPOINTS_DIRECTORY, Checkpoint, CheckpointRefused
from utils.core.provenance import package_versions
from utils.experiment.experiment import Run
from utils.files.lock import Lock

EXACT_PACKAGES = ("torch", "numpy", "gymnasium", "mujoco", "minatar")
"""Packages whose version decides a run's bits."""

log = logging.getLogger("policy_params")


@dataclass
class Claim:
    """A run that this process alone trains.  state: what it goes on from; None: it begins."""

    run: Run
    checkpoint: Checkpoint
    lock: Lock
    state: dict[str, Any] | None = None

    @property
    def place(self) -> tuple[int, str]:
        """The timestep where the run stands, and the engine that brought it there, if any."""
        return (0, "") if self.state is None else (int(self.state["timestep"]), str(self.state["engine"]))

    def refuse(self, reason: object) -> None:
        """Begin anew. The checkpoint is put aside, for whoever could still use it."""
        aside = self.checkpoint.put_aside()
        log.warning("index %d: starts anew: %s (now in %s)", self.run.index, reason, aside)
        self.state = None

    def discard(self) -> None:
        """Remove the checkpoint of a run that has its result. It does no harm where that fails."""
        try:
            self.checkpoint.remove()
        except OSError as error:
            log.warning("index %d: its checkpoint is of no more use but stays: %s", self.run.index, error)


def checkpoint_of(run: Run) -> Checkpoint:
    """Where the run's checkpoint is, or would be."""
    versions = package_versions()
    conditions = {"run": run.key} | {f"{name} version": versions[name] for name in EXACT_PACKAGES}
    return Checkpoint(_folder(run) / run.key, conditions)


def saved_timestep(run: Run) -> int | None:
    """Where its checkpoint says that the run stands; None where there is no state that says so."""
    return checkpoint_of(run).timestep()


def _folder(run: Run) -> Path:
    return run.file.directory / CHECKPOINTS_DIRECTORY


def _unclaimed(run: Run) -> Claim:
    return Claim(run, checkpoint_of(run), Lock(_folder(run) / f"{run.key}.lock"))


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
            _put_damaged_aside(run)
            _read(claim)
        yield claims
    finally:
        for claim in claims:
            claim.lock.release()


def _put_damaged_aside(run: Run) -> None:
    """Keep what is left of a result that is to be replaced as it cannot be read, for whoever could still use it."""
    flaw = run.file.find_flaw()
    if flaw is None:
        return
    try:
        aside = run.file.put_aside()
    except OSError as error:
        log.warning("index %d: trained again: %s; it could not be put aside: %s", run.index, flaw, error)
    else:
        where = f" (now in {', '.join(map(str, aside))})" if aside else ""
        log.warning("index %d: trained again: %s%s", run.index, flaw, where)


def _read(claim: Claim) -> None:
    """What the run goes on from, unless it is refused."""
    if claim.checkpoint.exists():
        try:
            claim.state = claim.checkpoint.load()
        except CheckpointRefused as reason:
            claim.refuse(reason)


def by_place(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Groups that stand at one timestep each, brought there by one engine: a stack counts its steps once for all."""
    groups: dict[tuple[int, str], list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.place, []).append(claim)
    return list(groups.values())


def discard_leftover(run: Run) -> None:
    """Remove checkpoint and lock that a process left which was killed after it had written the result."""
    claim = _unclaimed(run)
    if claim.checkpoint.directory.exists() or claim.lock.path.exists():
        try:
            if claim.lock.acquire():
                claim.discard()
        except OSError as error:
            log.warning("index %d: what was left of its training stays: %s", run.index, error)
    claim.lock.release()
