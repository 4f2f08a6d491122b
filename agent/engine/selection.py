"""The choice of the engine of an actor-critic: eager, operation by operation, or compiled.

With either engine, a run's bits do not depend on the other runs of its stack; the two engines round differently. The
choice depends on the configuration alone, so that the same command gives the same bits, and the result records it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from utils.core.provenance import ARITHMETIC

if TYPE_CHECKING:
    from utils.core.interfaces import Agent

log = logging.getLogger("policy_params")

MIN_COMPILED_TIMESTEPS = 5_000
"""Minimum number of timesteps of a run that `auto` compiles.

Measured once on an AMD EPYC (SAC, 64x64, batch 32, one run): 730 steps per second eager and 7,146 compiled, so
compiling saves 6 s in such a run. A process that compiles takes 5 s to its 50th step, 2.5 s with the code in a cache.
"""


class Engine(NamedTuple):
    """The engine of a run, under the names that a result uses.

    engine: "eager" or "compiled".  engine_fallback: why it is not "compiled" as requested; None otherwise.
    arithmetic: of the compiled engine; None for torch's, whose bits depend on the processor.
    """

    engine: str
    engine_fallback: str | None = None
    arithmetic: str | None = None

    @property
    def identity(self) -> str:
        """What determines the bits: a run must not resume with another one."""
        return f"{self.engine}, arithmetic {self.arithmetic}" if self.arithmetic else self.engine


def choose_engine(requested: str, total_timesteps: int) -> str:
    """Return the engine for a request, "eager" or "compiled"; "auto" depends on the length of the runs."""
    if requested != "auto":
        return requested
    return "compiled" if total_timesteps >= MIN_COMPILED_TIMESTEPS else "eager"


def start_engine(agent: Agent, requested: str, total_timesteps: int) -> Engine:
    """Make the agent use the requested engine, "eager", "compiled" or "auto", if it can. Returns the engine used."""
    if choose_engine(requested, total_timesteps) == "eager":
        return Engine("eager")
    if reason := reason_not_compiled(agent):
        return Engine("eager", reason if requested == "compiled" else None)
    from agent.actor_critic import ActorCritic
    from agent.engine.build import CannotCompile
    from agent.engine.compiled import compile_agent

    assert isinstance(agent, ActorCritic)
    started = time.perf_counter()
    try:
        compile_agent(agent)
    except CannotCompile as error:
        log.warning("engine: eager, not compiled: %s", error)
        return Engine("eager", str(error))
    log.info("engine: compiled, in %.0f seconds", time.perf_counter() - started)
    return Engine("compiled", arithmetic=ARITHMETIC)


def reason_not_compiled(agent: Agent) -> str | None:
    """Return why an agent cannot be compiled; None if it can."""
    from agent.actor_critic import ActorCritic

    if not (isinstance(agent, ActorCritic) and agent.common.compiles):
        return f"{type(agent).__name__} has no compiled engine"
    if agent.common.cuda:
        return "the compiled engine is for the CPU"
    return None
