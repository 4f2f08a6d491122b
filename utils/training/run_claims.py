"""Claims on runs: one process at a time trains a run, from its checkpoint if there is one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.checkpoint.checkpoint import CHECKPOINTS_DIRECTORY, Checkpoint, CheckpointRefused
from utils.core.provenance import EXACT_PACKAGES, package_versions
from utils.experiment.experiment import Run
from utils.files.lock import Lock
from utils.results.progress_file import progress_path, remove_progress

log = logging.getLogger("policy_params")

KEPT = ".kept"
"""Ending of the directory of a checkpoint that is kept of a complete run."""


@dataclass
class Claim:
    """A run that only this process trains.

    state: state to resume from; None: the run starts at timestep 0.
    source: where the state is from: the run's own checkpoint, or the kept one of the run that it extends.
    """

    run: Run
    checkpoint: Checkpoint
    lock: Lock
    state: dict[str, Any] | None = None
    source: Path = Path()

    @property
    def position(self) -> tuple[int, str]:
        """Timestep of the run's state, and the engine that computed it; 0 and "" for a new run."""
        return (0, "") if self.state is None else (int(self.state["timestep"]), str(self.state["engine"]))

    def restart(self, reason: object) -> None:
        """Start the run again and move its own checkpoint aside, if the state is from there."""
        self.state = None
        if self.checkpoint.exists():
            aside = self.checkpoint.put_aside()
            log.warning(
                "index %d: starts again: %s (the refused checkpoint is now in %s)", self.run.index, reason, aside
            )
        else:
            log.warning("index %d: starts at timestep 0: %s", self.run.index, reason)

    def remove_checkpoint(self) -> None:
        """Remove the checkpoint of a run that has a result. A failure to do so is harmless."""
        try:
            self.checkpoint.remove()
        except OSError as error:
            log.warning("index %d: its checkpoint is no longer needed but cannot be removed: %s", self.run.index, error)


def run_checkpoint(run: Run) -> Checkpoint:
    """Return the run's checkpoint, existing or not."""
    return Checkpoint(_checkpoint_directory(run) / run.key, _conditions(run))


def kept_checkpoint(run: Run) -> Checkpoint:
    """Return the checkpoint that --keep-checkpoint keeps of a complete run, existing or not."""
    return Checkpoint(_checkpoint_directory(run) / f"{run.key}{KEPT}", _conditions(run))


def _conditions(run: Run) -> dict[str, Any]:
    versions = package_versions()
    return {"run": run.key} | {f"{name} version": versions[name] for name in EXACT_PACKAGES}


def saved_timestep(run: Run) -> int | None:
    """Return the timestep from which the run goes on; None if no checkpoint can be read."""
    own = run_checkpoint(run).timestep()
    return kept_checkpoint(run.extends).timestep() if own is None and run.extends is not None else own


def _checkpoint_directory(run: Run) -> Path:
    return run.file.directory / CHECKPOINTS_DIRECTORY


def _new_claim(run: Run) -> Claim:
    return Claim(run, run_checkpoint(run), Lock(_checkpoint_directory(run) / f"{run.key}.lock"))


@contextmanager
def claim_runs(runs: Sequence[Run], force: bool) -> Iterator[list[Claim]]:
    """Claim the runs that no other process trains or has just trained, and load their checkpoints.

    force: also claim runs that have results.
    """
    claims: list[Claim] = []
    try:
        for run in runs:
            claim = _new_claim(run)
            if not claim.lock.acquire():
                log.info("index %d: skipped, %s is training it", run.index, claim.lock.holder())
                continue
            claims.append(claim)
            if run.file.exists() and not force:
                log.info("index %d: skipped, %s has been written meanwhile", run.index, run.file.json)
                claims.pop().lock.release()
                continue
            _put_damaged_aside(run)
            _load_checkpoint(claim)
        yield claims
    finally:
        for claim in claims:
            claim.lock.release()


def _put_damaged_aside(run: Run) -> None:
    """Move a damaged result aside before the run is trained again."""
    flaw = run.file.find_flaw()
    if flaw is None:
        return
    try:
        aside = run.file.put_aside()
    except OSError as error:
        log.warning("index %d: trained again: %s; it could not be moved aside: %s", run.index, flaw, error)
    else:
        where = f" (now in {', '.join(map(str, aside))})" if aside else ""
        log.warning("index %d: trained again: %s%s", run.index, flaw, where)


def _load_checkpoint(claim: Claim) -> None:
    """Load the state of a claimed run, or of the run that it extends, unless the checkpoint is refused."""
    found = claim.checkpoint
    if not found.exists() and claim.run.extends is not None:
        found = kept_checkpoint(claim.run.extends)
    if found.exists():
        claim.source = found.path
        try:
            claim.state = found.load()
        except CheckpointRefused as reason:
            claim.restart(reason)


def group_by_position(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Group claims by timestep and engine: the runs of a stack share both."""
    groups: dict[tuple[int, str], list[Claim]] = {}
    for claim in claims:
        groups.setdefault(claim.position, []).append(claim)
    return list(groups.values())


def remove_leftovers(run: Run) -> None:
    """Remove what a process left that was killed after it had written the result: progress, checkpoint and lock."""
    remove_progress(progress_path(run.file.directory, run.key))
    claim = _new_claim(run)
    if claim.checkpoint.directory.exists() or claim.lock.path.exists():
        try:
            if claim.lock.acquire():
                claim.remove_checkpoint()
        except OSError as error:
            log.warning("index %d: its checkpoint cannot be removed: %s", run.index, error)
    claim.lock.release()
