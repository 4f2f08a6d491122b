"""Changes to an experiment's two configurations on a command line, such as alpha=0.1 or total_timesteps=5000."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import orjson

from utils.core.errors import BadInput, suggestion
from utils.experiment.config import AgentConfig, EnvironmentConfig
from utils.files.json_model import validate


def apply_changes(
    environment: EnvironmentConfig,
    agent: AgentConfig,
    changes: Sequence[str],
    hyperparameters: Collection[str],
    sources: tuple[str, str],
) -> tuple[EnvironmentConfig, AgentConfig]:
    """Return the configurations after changes, in order.

    changes: texts KEY=VALUE. KEY is one of the agent's `hyperparameters`, whose only value it becomes, or a key of the
        environment. VALUE is JSON; what is no JSON is a string.
    sources: paths of the environment's and the agent's file, for messages.
    Raises BadInput for an unknown key or an invalid value of the environment; `Experiment` checks hyperparameters.
    """
    protocol, grid = environment.model_dump(mode="json", exclude_unset=True), dict(agent.parameters)
    for change in changes:
        key, separator, text = change.partition("=")
        if not separator:
            raise BadInput(f"--set: found '{change}'; allowed: KEY=VALUE, such as --set total_timesteps=5000")
        if key in hyperparameters:
            grid[key] = [_parse_value(text)]
        elif key in EnvironmentConfig.model_fields:
            protocol[key] = _parse_value(text)
        else:
            names = [*hyperparameters, *EnvironmentConfig.model_fields]
            raise BadInput(
                f"--set: found '{key}', which is neither a hyperparameter of {agent.agent_name} ({sources[1]}) nor a "
                f"key of {sources[0]}{suggestion(key, names)}"
            )
    changed = validate(EnvironmentConfig, protocol, f"{sources[0]} with --set")
    return changed, agent.model_copy(update={"parameters": grid})


def _parse_value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
