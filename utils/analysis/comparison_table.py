"""A comparison of agents in environments: its JSON file, and its tables of performance, pairs and scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from utils.analysis.environment_scores import (
    AGENT_COLUMNS,
    IMPROVEMENT_COLUMNS,
    SCORE_NOTE,
    improvement_rows,
    score_rows,
)
from utils.analysis.mean_curve import INTERVAL_NAME, setting_interval
from utils.analysis.number_format import performance_label
from utils.analysis.pairwise import PAIR_COLUMNS, SUPERIORITY_NOTE, compare_settings, describe_correction
from utils.analysis.sequential_comparison import Stopped, StopRule, stop_tables
from utils.analysis.setting_choice import SettingChoice, count_exclusions
from utils.core.markdown import markdown_table
from utils.experiment.config import Count
from utils.files.json_model import check_file_names, validate
from utils.files.json_text import read_json
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.looks import Looks
from utils.stats.multiplicity import simultaneous_confidence
from utils.stats.sample_warnings import list_warnings

ConfigPaths = Annotated[list[str], Field(min_length=1)]

CONFIDENCE = 0.95
"""Confidence of the table's intervals."""


class Until(BaseModel):
    """When runs are no longer added, instead of a fixed number of them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    group: Annotated[int, Field(ge=MIN_SAMPLES)] = Field(5, description="runs of each setting that a look adds")
    alpha: Annotated[float, Field(gt=0, lt=1)] = Field(0.05, description="error of all looks, and of all decisions")
    first_run: Annotated[int, Field(ge=0)] = Field(0, description="first run number: that of seeds that chose nothing")
    half_width: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="of the interval of each mean, to either side; null: until every pair is decided"
    )


class Comparison(BaseModel):
    """The content of a comparison's JSON file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    agents: ConfigPaths = Field(description="agent configurations")
    environments: ConfigPaths = Field(description="environment configurations")
    runs: Count = Field(description="runs of every setting; with until, the largest number")
    until: Until | None = Field(None, description="add runs in groups until this rule stops")
    by: str | None = Field(None, description="hyperparameter: the best setting for each of its values is compared")
    kinds: list[Literal["curves", "distribution"]] = Field(["curves"], description="kinds of figures per environment")

    @model_validator(mode="after")
    def _check_names(self) -> Comparison:
        """Refuse configurations of one name, whose results would share a directory."""
        check_file_names("agents", self.agents)
        check_file_names("environments", self.environments)
        return self

    @model_validator(mode="after")
    def _check_until(self) -> Comparison:
        """Refuse a number of runs that is not one of groups, and a half-width without a unit."""
        if self.until is None:
            return self
        try:
            Looks(self.until.group, self.runs)
        except ValueError as error:
            raise ValueError(str(error).replace("most", "key 'runs'", 1)) from error
        if self.until.half_width is not None and len(self.environments) > 1:
            raise ValueError(
                f"key 'until.half_width': found with {len(self.environments)} environments; allowed: one, in the unit "
                "of its returns"
            )
        return self

    @property
    def stop_rule(self) -> StopRule | None:
        """The rule by which runs are added in each environment; None for a fixed number of runs."""
        if self.until is None:
            return None
        alpha = self.until.alpha / len(self.environments)
        return StopRule(Looks(self.until.group, self.runs), alpha, self.until.half_width, self.until.first_run)


class AgentInEnvironment(NamedTuple):
    """An agent in an environment: their configurations, and the directory of the results."""

    agent_json: str
    env_json: str
    save_dir: Path


def read_comparison(path: Path) -> Comparison:
    """Read a comparison's JSON file.  Raises BadInput if it cannot be read or is not valid."""
    return validate(Comparison, read_json(path, unique_keys=True), str(path))


def agents_in_environment(comparison: Comparison, env_json: str, root: Path) -> list[AgentInEnvironment]:
    """Return every agent of a comparison in one environment.  root: the directory of the comparison's results.

    Each agent has its own directory, so that two grids of one agent do not share one.
    """
    return [
        AgentInEnvironment(agent_json, env_json, root / f"{Path(env_json).stem}_{Path(agent_json).stem}")
        for agent_json in comparison.agents
    ]


def comparison_table(
    columns: dict[str, list[SettingChoice]], runs: int, stops: Mapping[str, Stopped] | None = None
) -> str:
    """Return the comparison as Markdown: a table with a row per agent and a column per environment, then the others.

    columns: the compared settings by environment, in the same order in each.  runs: number of runs per setting.
    stops: where the rule that adds runs has stopped in each environment; None for a fixed number of runs.
    """
    first = next(iter(columns.values()))
    confidence, many = CONFIDENCE, f"{runs} runs and its {CONFIDENCE:.0%} {INTERVAL_NAME} interval"
    if stops:
        looks = next(iter(stops.values())).rule.looks.count
        confidence = simultaneous_confidence(CONFIDENCE, looks)
        many = f"up to {runs} runs and its {INTERVAL_NAME} interval, {CONFIDENCE:.0%} at all {looks} looks together"
    rows = [
        [choice.name, *(_table_cell(choices[row], confidence) for choices in columns.values())]
        for row, choice in enumerate(first)
    ]
    text = markdown_table(["", *columns], rows) + (
        f"\n\n{performance_label(first[0].experiment.training)}, mean over {many}.\n"
    )
    others = stop_tables(columns, stops) if stops else [*_pairs(columns), *_over_environments(columns)]
    paragraphs = [*_warnings(columns), *others]
    return text + "".join(f"\n{paragraph.rstrip()}\n" for paragraph in paragraphs)


def _pairs(columns: dict[str, list[SettingChoice]]) -> list[str]:
    """Return the table of pairs in all environments, and the notes on it; [] without a pair."""
    groups = compare_settings(list(columns.values()), CONFIDENCE)
    rows = [
        [environment, pair.a.name, pair.b.name, *pair.cells[2:]]
        for environment, pairs in zip(columns, groups, strict=True)
        for pair in pairs
    ]
    if not rows:
        return []
    correction = describe_correction(len(rows))
    return [markdown_table(["environment", *PAIR_COLUMNS], rows), f"{SUPERIORITY_NOTE} {correction}"]


def _over_environments(columns: dict[str, list[SettingChoice]]) -> list[str]:
    """Return the tables over environments, and the notes on them; [] for one environment.

    The agents are those of the rows, whatever they are called: two may differ only in their hyperparameters.
    """
    agents = score_rows(list(columns.values()), CONFIDENCE)
    improvements = improvement_rows(agents, CONFIDENCE)
    if not agents:
        return []
    tables = [markdown_table(AGENT_COLUMNS, [agent.cells for agent in agents])]
    tables += [markdown_table(IMPROVEMENT_COLUMNS, improvements)] if improvements else []
    simultaneous = " The intervals of the improvements hold simultaneously." if len(improvements) > 1 else ""
    return [*tables, f"Over {len(columns)} environments. {SCORE_NOTE}{simultaneous}"]


def _warnings(columns: dict[str, list[SettingChoice]]) -> list[str]:
    """Return a paragraph with the warnings of each cell, and what helps, if there are any."""
    return list_warnings(
        (f"{choice.name}, {environment}", choice.warnings)
        for environment, choices in columns.items()
        for choice in choices
        if len(choice.runs) >= MIN_SAMPLES
    )


def _table_cell(choice: SettingChoice, confidence: float) -> str:
    """Return the mean, its interval, and the runs that are not averaged, if any."""
    averaged = choice.performance[~np.isnan(choice.performance)]
    text = f"{averaged.mean():.4g}" if len(averaged) else "-"
    if interval := setting_interval(choice.experiment, choice.setting, confidence):
        text += " ({:.4g} to {:.4g})".format(*interval)
    return ", ".join([text, *count_exclusions(choice.outcomes)])
