"""A comparison: agents in environments, each in each, and the table of how they did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from utils.analysis.mean_curve import BOOTSTRAP, setting_interval
from utils.analysis.number_format import performance_label
from utils.analysis.setting_choice import Choice, tally
from utils.experiment.config import Count
from utils.files.json_model import validate
from utils.files.json_text import read_json

Files = Annotated[list[str], Field(min_length=1)]

CONFIDENCE = 0.95


class Comparison(BaseModel):
    """What a comparison's JSON says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    agents: Files = Field(description="agent configurations")
    environments: Files = Field(description="environment configurations")
    runs: Count = Field(description="of every setting")
    by: str | None = Field(None, description="a hyperparameter: the best setting for each of its values is compared")
    kinds: list[Literal["curves", "distribution"]] = Field(["curves"], description="of figures, for each environment")


class Pair(NamedTuple):
    """An agent in an environment: their configurations, and where the results go."""

    agent_json: str
    env_json: str
    save_dir: Path


def read_comparison(path: Path) -> Comparison:
    """Raises BadInput."""
    return validate(Comparison, read_json(path), str(path))


def pairs_in(comparison: Comparison, env_json: str, root: Path) -> list[Pair]:
    """Every agent in one environment.  root: the directory of the comparison's results.

    Each pair has a directory of its own, so that two grids of one agent do not meet in one.
    """
    return [
        Pair(agent_json, env_json, root / f"{Path(env_json).stem}_{Path(agent_json).stem}")
        for agent_json in comparison.agents
    ]


def table(columns: dict[str, list[Choice]], runs: int) -> str:
    """A Markdown table, an agent a row and an environment a column.

    columns: by the environment's name, what is compared there, in the same order everywhere.
    """
    first = next(iter(columns.values()))
    rows = [[choice.name, *(cell(choices[row]) for choices in columns.values())] for row, choice in enumerate(first)]
    lines = [["", *columns], ["---"] * (len(columns) + 1), *rows]
    text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return text + (
        f"\n{performance_label(first[0].experiment.training)}, mean over {runs} runs and its {CONFIDENCE:.0%} "
        f"{BOOTSTRAP} interval.\n"
    )


def cell(choice: Choice) -> str:
    """Mean, interval, and the runs that are not in the mean, if any."""
    performance = choice.experiment.performance[choice.setting]
    averaged = performance[~np.isnan(performance)]
    text = f"{averaged.mean():.4g}" if len(averaged) else "-"
    if interval := setting_interval(choice.experiment, choice.setting, CONFIDENCE):
        text += " ({:.4g} to {:.4g})".format(*interval)
    return ", ".join([text, *tally(choice.outcomes)])
