"""Which engine computes an actor-critic: operation by operation (eager), or compiled, a graph to learn and one to act.

Each keeps a run's bits independent of the runs beside it; the two round differently from each other. The choice
is made of configuration alone, so that the same command gives the same bits, and the result records it.
"""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from agent.actor_critic import ActorCritic
from agent.base import Agent

log = logging.getLogger("policy_params")

WORTHWHILE = 50_000
"""Timesteps from which `auto` compiles: they win 46 s, as the least a step was found to save is 0.93 ms (SAC and VAC,
64x64, batch 32, one run); compiling was found to take 37 s at most of the agents' own policies."""

SMALLEST_BATCH = 2
"""A batch of one is a lone number in places, computed otherwise than beside other runs'."""


class Engine(NamedTuple):
    """What computes, under the names it has in a result. engine_fallback: why it is not what was asked for."""

    engine: str
    engine_fallback: str | None = None


def start_engine(agent: Agent, asked: str, total_timesteps: int) -> Engine:
    """Have the agent use the engine asked for, "eager", "compiled" or "auto", where it can."""
    if asked == "eager" or (asked == "auto" and total_timesteps < WORTHWHILE):
        return Engine("eager")
    if reason := unfit(agent):
        return Engine("eager", reason if asked == "compiled" else None)
    assert isinstance(agent, ActorCritic)
    from agent.compiled import CannotCompile, compiled_acting, compiled_update

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
    if not isinstance(agent, ActorCritic):
        return f"{type(agent).__name__} has no compiled engine"
    if agent.common.cuda:
        return "the compiled engine is for the CPU"
    if agent.common.batch_size < SMALLEST_BATCH:
        return f"the compiled engine needs batches of at least {SMALLEST_BATCH}"
    return None
