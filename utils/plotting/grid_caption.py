"""What a figure of a whole grid says of the runs behind it, in its caption and its sidecar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from utils.analysis.combined_results import CombinedResults
from utils.analysis.setting_choice import check_key, fates, run_records
from utils.core.errors import BadInput

FEW_TO_ORDER = 10
"""Runs a setting below which their order says little."""


def names(experiments: Sequence[CombinedResults]) -> dict[CombinedResults, str]:
    """Their agents' names; where two are of one agent, with their directories'."""
    count = Counter(each.agent_name for each in experiments)
    return {
        each: each.agent_name if count[each.agent_name] == 1 else f"{each.agent_name}, {each.path.parent.name}"
        for each in experiments
    }


def describe(experiment: CombinedResults, name: str) -> str:
    """How many settings and runs there are, which runs cannot be averaged, and on which seeds all this stands."""
    settings, runs = experiment.performance.shape
    outcomes = [outcome for row in experiment.outcomes for outcome in row]
    text = f"{name}: {settings} settings, n = {runs} runs each; {fates(outcomes)}."
    text += f" The best of all is setting {experiment.best()}; it is selected and reported on the same seeds."
    return text + (" Of so few runs, the order of settings is uncertain." if runs < FEW_TO_ORDER else "")


def record(experiment: CombinedResults) -> dict[str, Any]:
    """Every run of the grid, as a sidecar names it."""
    return {
        "data": experiment.name,
        "sha256": experiment.digest,
        "agent_name": experiment.agent_name,
        "settings": [
            {"setting": number, "agent_params": params, "runs": run_records(outcomes)}
            for number, (params, outcomes) in enumerate(zip(experiment.settings, experiment.outcomes, strict=True))
        ],
    }


def chosen_keys(experiments: Sequence[CombinedResults], keys: Sequence[str]) -> list[str]:
    """The hyperparameters to show: those asked for, or all that vary.  Raises BadInput if there are none, or no run."""
    for experiment in experiments:
        if not experiment.performance.size:
            raise BadInput(f"{experiment.path}: found no run; allowed: results of one or more")
    varied = list(dict.fromkeys(key for experiment in experiments for key in experiment.varied))
    for key in keys:
        check_key("--key", key, experiments[0], varied)
    if not varied:
        raise BadInput(f"{experiments[0].path}: its grid has one setting; allowed: one with several values of a key")
    return list(dict.fromkeys(keys)) or varied
