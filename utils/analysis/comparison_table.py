"""A comparison of agents in environments: its JSON file, and the table of performance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from utils.analysis.mean_curve import INTERVAL_NAME, setting_interval
from utils.analysis.number_format import performance_label
from utils.analysis.setting_choice import SettingChoice, count_exclusions
from utils.experiment.config import Count
from utils.files.json_model import validate
from utils.files.json_text import read_json
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.sample_warnings import WHAT_HELPS

ConfigPaths = Annotated[list[str], Field(min_length=1)]

CONFIDENCE = 0.95
"""Confidence of the table's intervals."""


class Comparison(BaseModel):
    """The content of a comparison's JSON file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    agents: ConfigPaths = Field(description="agent configurations")
    environments: ConfigPaths = Field(description="environment configurations")
    runs: Count = Field(description="runs of every setting")
    by: str | None = Field(None, description="hyperparameter: the best setting for each of its values is compared")
    kinds: list[Literal["curves", "distribution"]] = Field(["curves"], description="kinds of figures per environment")


class AgentInEnvironment(NamedTuple):
    """An agent in an environment: their configurations, and the directory of the results."""

    agent_json: str
    env_json: str
    save_dir: Path


def read_comparison(path: Path) -> Comparison:
    """Read a comparison's JSON file.  Raises BadInput if it cannot be read or is not valid."""
    return validate(Comparison, read_json(path), str(path))


def agents_in_environment(comparison: Comparison, env_json: str, root: Path) -> list[AgentInEnvironment]:
    """Return every agent of a comparison in one environment.  root: the directory of the comparison's results.

    Each agent has its own directory, so that two grids of one agent do not share one.
    """
    return [
        AgentInEnvironment(agent_json, env_json, root / f"{Path(env_json).stem}_{Path(agent_json).stem}")
        for agent_json in comparison.agents
    ]


def comparison_table(columns: dict[str, list[SettingChoice]], runs: int) -> str:
    """Return a Markdown table with a row per agent and a column per environment.

    columns: the compared settings by environment, in the same order in each.  runs: number of runs per setting.
    """
    first = next(iter(columns.values()))
    rows = [
        [choice.name, *(_table_cell(choices[row]) for choices in columns.values())] for row, choice in enumerate(first)
    ]
    lines = [["", *columns], ["---"] * (len(columns) + 1), *rows]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    text += (
        f"\n{performance_label(first[0].experiment.training)}, mean over {runs} runs and its {CONFIDENCE:.0%} "
        f"{INTERVAL_NAME} interval.\n"
    )
    return text + "".join(f"\n{paragraph}\n" for paragraph in _warnings(columns))


def _warnings(columns: dict[str, list[SettingChoice]]) -> list[str]:
    """Return a paragraph with the warnings of each cell, and what helps, if there are any."""
    found = [
        f"- {choice.name}, {environment}: {'; '.join(each.text for each in choice.warnings)}."
        for environment, choices in columns.items()
        for choice in choices
        if len(choice.runs) >= MIN_SAMPLES and choice.warnings
    ]
    if not found:
        return []
    return ["Warnings, of intervals that may hold less than they promise:", "\n".join(found), WHAT_HELPS]


def _table_cell(choice: SettingChoice) -> str:
    """Return the mean, its interval, and the runs that are not averaged, if any."""
    averaged = choice.performance[~np.isnan(choice.performance)]
    text = f"{averaged.mean():.4g}" if len(averaged) else "-"
    if interval := setting_interval(choice.experiment, choice.setting, CONFIDENCE):
        text += " ({:.4g} to {:.4g})".format(*interval)
    return ", ".join([text, *count_exclusions(choice.outcomes)])
