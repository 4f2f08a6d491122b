"""The compiled engine of an actor-critic: its functions, traced for one run, as machine code for R runs in turn.

The code does everything that a run needs before it turns to the next run. So a run's bits cannot depend on the other
runs, and one compilation serves every number of runs. It works on the agent's own tensors, which an update changes in
place; whatever differs between two runs or two settings is a tensor, and is not compiled into the code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from agent.actor_critic import ActorCritic
from agent.engine.code import Acting, Code
from agent.engine.parts import named_tensors
from agent.engine.produce import produce_code


def compile_agent(agent: ActorCritic) -> None:
    """Make an agent use compiled code for its update, for acting and for the targets.  Raises CannotCompile."""
    sources, library = produce_code(agent)
    state = list(named_tensors(agent.learner_parts()).values())
    codes = {name: Code(library[name], source, state, agent.runs) for name, source in sources.items()}
    agent.set_functions(*callables(agent, codes))


def callables(agent: ActorCritic, codes: dict[str, Code]) -> Sequence[Callable[..., Any]]:
    """Return the codes in the form of `Functions`."""
    update = codes["update_networks"]
    draw, greedy = (
        Acting(codes[name], agent.runs, agent.replay.obs_dim) for name in ("draw_actions", "greedy_actions")
    )
    return lambda batch, noise: update(batch.rows, noise), draw, greedy, codes["update_targets"]
