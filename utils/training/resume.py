"""A loop's runs, each with all that it needs to go on in another loop, beside whichever runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from utils.checkpoint.row_files import RowSequence
from utils.core.random_streams import env_seed
from utils.training.evaluation import slots
from utils.training.loop import Loop
from utils.training.run_record import RunRecord


def states(loop: Loop) -> dict[int, dict[str, Any]]:
    """Slot -> state, of each run that has not ended. Arrays are the loop's own: they hold until it goes on."""
    agents = loop.stack.agent.run_states()
    return {
        r: {
            "timestep": loop.timestep,
            "record": loop.records[r].state(),
            "env": loop.stack.envs.state(r),
            "agent": _with_rows(agents[r]),
        }
        for r in slots(loop.active)
    }


def _with_rows(agent: dict[str, Any]) -> dict[str, Any]:
    """A run's learner, in whose replay only the newest rows are new."""
    if "replay" not in agent:
        return agent
    replay = agent["replay"]
    return agent | {"replay": replay | {"data": RowSequence(replay["data"], replay["count"])}}


def resume(loop: Loop, saved: Sequence[dict[str, Any]]) -> dict[int, str]:
    """Put a fresh loop's runs into the states of runs that stood at one timestep, one for each slot.

    Where an environment cannot be put back, the present episode is broken off and another begun.
    Returns slot -> why, of those.  Raises ValueError for runs at several timesteps.
    """
    timesteps = sorted({state["timestep"] for state in saved})
    if len(timesteps) > 1:
        raise ValueError(f"found runs at timesteps {timesteps}; allowed in one stack: a single one")
    loop.timestep, loop.begun = timesteps[0], True
    loop.stack.agent.load_run_states([state["agent"] for state in saved])
    reasons: dict[int, str] = {}
    for r, state in enumerate(saved):
        loop.records[r] = RunRecord.resumed(state["record"])
        reason = loop.stack.envs.load_state(r, state["env"])
        if reason is not None:
            reasons[r] = reason
    _break_off(loop, list(reasons))
    loop.watcher.resumed(loop.timestep)
    return reasons


def _break_off(loop: Loop, broken: list[int]) -> None:
    """Have other episodes follow the present ones, on a part of the stream that bears the timestep."""
    which = np.zeros(loop.runs, bool)
    which[broken] = True
    for r in broken:
        loop.records[r].break_off()
    loop.stack.agent.break_off(which)
    loop.stack.envs.begin([env_seed(seed, "env", loop.timestep) for seed in loop.stack.random_seeds], which)
