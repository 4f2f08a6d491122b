"""The states of a loop's runs: each can be resumed in another loop, next to any other runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from utils.checkpoint.row_files import RowSequence
from utils.core.random_streams import env_seed
from utils.training.loop import Loop
from utils.training.run_record import RunRecord
from utils.training.stack import selected_slots

log = logging.getLogger("policy_params")


def run_states(loop: Loop) -> dict[int, dict[str, Any]]:
    """Return the state of each active run by slot. Arrays are the loop's own: they are valid until its next step."""
    agents, eval_states = loop.stack.agent.run_states(), loop.eval_states(loop.active)
    return {
        r: {
            "timestep": loop.timestep,
            "record": loop.records[r].state(),
            "env": loop.stack.envs.state(r),
            "eval_env": eval_states.get(r),
            "agent": _agent_with_rows(agents[r]),
        }
        for r in selected_slots(loop.active)
    }


def _agent_with_rows(agent: dict[str, Any]) -> dict[str, Any]:
    """Return a run's learner with its replay as a `RowSequence`: a checkpoint writes only its new rows."""
    if "replay" not in agent:
        return agent
    replay = agent["replay"]
    return agent | {"replay": replay | {"data": RowSequence(replay["data"], replay["count"])}}


def resume_loop(loop: Loop, saved: Sequence[dict[str, Any]]) -> dict[int, str]:
    """Restore saved states, all of one timestep, into a new loop, one for each slot.

    If an environment cannot be restored, its present episode is closed and another one starts.
    Returns the reason for each such slot. An evaluation environment that cannot be restored makes its run inexact.
    Raises ValueError for runs at different timesteps.
    """
    timesteps = sorted({state["timestep"] for state in saved})
    if len(timesteps) > 1:
        raise ValueError(f"found runs at timesteps {timesteps}; allowed in one stack: one timestep")
    loop.timestep, loop.begun = timesteps[0], True
    loop.stack.agent.load_run_states([state["agent"] for state in saved])
    reasons: dict[int, str] = {}
    for r, state in enumerate(saved):
        loop.records[r] = RunRecord.from_state(state["record"])
        reason = loop.stack.envs.load_state(r, state["env"])
        if reason is not None:
            reasons[r] = reason
        _restore_evaluation(loop, r, state["eval_env"], logged=reason is not None)
    _restart_episodes(loop, list(reasons))
    loop.watcher.resumed(loop.timestep)
    return reasons


def _restore_evaluation(loop: Loop, slot: int, state: dict[str, Any] | None, logged: bool) -> None:
    """Restore an evaluation environment, whose state may outlive a reset; None: it was never used.

    logged: whether a reason for which the run is inexact is logged anyway.
    """
    if state is None:
        return
    loop.evaluated = True
    reason = loop.stack.eval_envs.load_state(slot, state)
    if reason is not None:
        loop.records[slot].exact = False
        if not logged:
            log.warning("slot %d: its evaluation environment cannot be restored (%s)", slot, reason)


def _restart_episodes(loop: Loop, broken: list[int]) -> None:
    """Close the present episodes and start others, on the part of the random stream for this timestep."""
    which = np.zeros(loop.runs, bool)
    which[broken] = True
    for r in broken:
        loop.records[r].break_episode()
    loop.stack.agent.break_off(which)
    loop.stack.envs.begin([env_seed(seed, "env", loop.timestep) for seed in loop.stack.random_seeds], which)
