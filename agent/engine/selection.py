"""Which engine computes an actor-critic: operation by operation (eager), or compiled, a graph to learn and one to act.

Each keeps a run's bits independent of the runs beside it; the two round differently from each other. The choice
is made of configuration alone, so that the same command gives the same bits, and the result records it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from agent.base import Agent

log = logging.getLogger("policy_params")

WORTHWHILE = 100_000
"""Timesteps from which `auto` compiles: they win 90 s and more, as the least a step was found to save is 0.9 ms (SAC
and VAC, 64x64, batch 32, one run), and compiling was found to take 40 s at most where cores are not shared."""

SMALLEST_BATCH = 2
"""A batch of one is a lone number in places, computed otherwise than beside other runs'."""


class Engine(NamedTuple):
    """What computes, under the names it has in a result. engine_fallback: why it is not what was asked for."""

    engine: str
    engine_fallback: str | None = None


def by_length(asked: str, total_timesteps: int) -> str:
    """What `auto` is for runs of so many timesteps, "eager" or "compiled"; whatever else was asked for is itself."""
    if asked != "auto":
        return asked
    return "compiled" if total_timesteps >= WORTHWHILE else "eager"


def start_engine(agent: Agent, asked: str, total_timesteps: int) -> Engine:
    """Have the agent use the engine asked for, "eager", "compiled" or "auto", where it can."""
    if by_length(asked, total_timesteps) == "eager":
        return Engine("eager")
    if reason := unfit(agent):
        return Engine("eager", reason if asked == "compiled" else None)
    from agent.actor_critic import ActorCritic
    from agent.engine.compiled import CannotCompile, compiled_acting, compiled_update

    assert isinstance(agent, ActorCritic)
    started = time.perf_counter()
    try:
        agent.compute_by(compiled_update(agent), compiled_acting(agent))
    except CannotCompile as error:
        log.warning("engine: eager, not compiled: this machine %s", error)
        return Engine("eager", f"the machine {error}")
    log.info("engine: compiled, in %.0f seconds", time.perf_counter() - started)
    return Engine("compiled")


def unfit(agent: Agent) -> str | None:
    """Why an agent's update is not compiled, None if it can be."""
    from agent.actor_critic import ActorCritic

    if not isinstance(agent, ActorCritic):
        return f"{type(agent).__name__} has no compiled engine"
    if agent.common.cuda:
        return "the compiled engine is for the CPU"
    if agent.common.batch_size < SMALLEST_BATCH:
        return f"the compiled engine needs batches of at least {SMALLEST_BATCH}"
    return None
