"""A stack's training over interruptions: going on from checkpoints, making them, stopping with them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from utils.core.interrupt import Interruption, Stopped
from utils.core.provenance import describe_cpu
from utils.training.loop import Loop
from utils.training.resume import resume, states
from utils.training.run_claims import Claim

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
        if self.interruption.is_requested():
            return True
        return self._seconds > 0 and self._clock() - self._start >= self._seconds


@dataclass
class Session:
    """A loop whose slots are claimed runs.  engine: what computes its updates."""

    loop: Loop
    claims: Sequence[Claim]
    timer: Timer
    engine: str

    def go_on(self) -> None:
        """Put the loop, a fresh one, where its runs stand, if they have begun; all at one place."""
        if self.claims[0].state is None:
            return
        _, engine = self.claims[0].place
        if engine != self.engine:
            for claim in self.claims:
                claim.refuse(f"{claim.checkpoint.path} is of engine {engine}; allowed here: {self.engine}")
            return
        reasons = resume(self.loop, [self._state(claim) for claim in self.claims])
        log.info("%d go on from timestep %d", len(self.claims), self.loop.timestep)
        for slot, reason in reasons.items():
            index = self.claims[slot].run.index
            log.warning("index %d: its episode cannot be gone on with (%s); another begins", index, reason)
        for slot, claim in enumerate(self.claims):
            self._compare_processors(slot, claim)
            claim.state = None  # It may be large.

    @staticmethod
    def _state(claim: Claim) -> dict[str, Any]:
        assert claim.state is not None, "runs at one place have all begun or none"
        return claim.state

    def _compare_processors(self, slot: int, claim: Claim) -> None:
        """Another kind of processor may round otherwise, so that no exactness can be claimed."""
        if self._state(claim)["cpu_flags"] != describe_cpu()["flags"]:
            self.loop.records[slot].exact = False
            log.warning("index %d: goes on on another kind of processor, perhaps with other bits", claim.run.index)

    def drive(self) -> str | None:
        """Train until all runs have ended, with checkpoints. Returns what failed, or None.

        Raises Stopped at an interruption, once all runs that have not ended have their checkpoints.
        """
        while True:
            self.loop.run(self.timer.due)
            if not self.loop.active.any():
                return None
            failed = self.save()
            if self.timer.interruption.is_requested():
                if failed:
                    return f"stopped without checkpoints of {failed} runs, which could not be written"
                log.info("%s: stopped at timestep %d; run again to go on", self._signal, self.loop.timestep)
                raise Stopped
            self.timer.restart()

    @property
    def _signal(self) -> str | None:
        return self.timer.interruption.signal

    def save(self) -> int:
        """Checkpoints of all runs that have not ended. Returns how many could not be written."""
        start, failed = time.perf_counter(), 0
        found = states(self.loop)
        origin = {"engine": self.engine, "cpu_flags": describe_cpu()["flags"]}
        for slot, state in found.items():
            claim = self.claims[slot]
            try:
                claim.checkpoint.save(state | origin, self.loop.timestep)
            except OSError as error:
                failed += 1
                log.error("index %d: no checkpoint at timestep %d: %s", claim.run.index, self.loop.timestep, error)
        seconds, written = time.perf_counter() - start, len(found) - failed
        log.info("timestep %d: checkpoints of %d runs written in %.2f s", self.loop.timestep, written, seconds)
        return failed
