"""Agents over several environments: scores, the optimality gap, and how likely one improves on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from utils.analysis.environment_scores import improvement_rows, score_complete_agents
from utils.analysis.setting_choice import SettingChoice


@dataclass(frozen=True)
class SeveralEnvironments:
    """Tables over environments, with AGENT_COLUMNS and IMPROVEMENT_COLUMNS of `utils.analysis.environment_scores`."""

    agents: list[list[str]]
    improvements: list[list[str]]
    notes: list[str]


def compare_over_environments(axes: Sequence[Sequence[SettingChoice]], confidence: float) -> SeveralEnvironments:
    """Return the tables of the agents that every axis has, each with its best setting and equally many runs."""
    choices = [choice for axis in axes for choice in axis if choice.rank == 1]
    agents = score_complete_agents(choices, None, confidence)
    rows = improvement_rows(agents, confidence)
    notes = ["The intervals of the improvements hold simultaneously (Bonferroni)."] if len(rows) > 1 else []
    return SeveralEnvironments([agent.cells for agent in agents], rows, notes)
