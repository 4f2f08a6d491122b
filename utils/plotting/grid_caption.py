"""The description of a whole grid in a figure's caption and sidecar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.setting_choice import check_key, describe_exclusions, run_entries
from utils.core.errors import BadInput
from utils.stats.sample_warnings import WHAT_HELPS, sample_warnings

FEW_RUNS_TO_RANK = 10
"""Runs per setting below which the order of settings is uncertain."""


def experiment_names(experiments: Sequence[CombinedResults]) -> dict[CombinedResults, str]:
    """Return the experiments' agents, with the directory's name where two experiments have the same agent."""
    count = Counter(each.agent_name for each in experiments)
    return {
        each: each.agent_name if count[each.agent_name] == 1 else f"{each.agent_name}, {each.path.parent.name}"
        for each in experiments
    }


def describe_grid(experiment: CombinedResults, name: str) -> str:
    """Return a grid's paragraph in a caption: numbers of settings, runs and failures, and the best setting."""
    settings, runs = experiment.performance.shape
    outcomes = [outcome for row in experiment.outcomes for outcome in row]
    text = f"{name}: {settings} settings, n = {runs} runs each; {describe_exclusions(outcomes)}."
    best = experiment.best_setting()
    values = experiment.describe_setting(best)
    text += f" The overall best is setting {best} ({values}), selected and reported on the same seeds."
    text += " With so few runs, the order of settings is uncertain." if runs < FEW_RUNS_TO_RANK else ""
    return text + _describe_warnings(experiment)


def _describe_warnings(experiment: CombinedResults) -> str:
    """Return in how many settings an interval may hold less than it promises; "" if in none."""
    finite = [runs[~np.isnan(runs)] for runs in experiment.performance]
    kinds = [{each.kind for each in sample_warnings(runs)} - {"few"} for runs in finite if len(runs)]
    count = sum(map(bool, kinds))
    if not count:
        return ""
    return (
        f" Warning: in {count} of {len(kinds)} settings, the runs have a tie, a gap or runs far from the rest, and the "
        f"interval may hold less than it promises. {WHAT_HELPS}"
    )


def grid_sidecar_entry(experiment: CombinedResults) -> dict[str, Any]:
    """Return the entry of every run of the grid in a sidecar."""
    return {
        "data": experiment.name,
        "sha256": experiment.digest,
        "agent_name": experiment.agent_name,
        "settings": [
            {"setting": number, "agent_params": params, "runs": run_entries(outcomes)}
            for number, (params, outcomes) in enumerate(zip(experiment.settings, experiment.outcomes, strict=True))
        ],
    }


def select_keys(experiments: Sequence[CombinedResults], keys: Sequence[str]) -> list[str]:
    """Return the hyperparameters to show: the given keys, or all that vary.

    Raises BadInput if an experiment has no run, a key does not vary, or no hyperparameter varies.
    """
    for experiment in experiments:
        if not experiment.performance.size:
            raise BadInput(f"{experiment.path}: found no run; allowed: results of one or more")
    varied = list(dict.fromkeys(key for experiment in experiments for key in experiment.varied))
    for key in keys:
        check_key("--key", key, experiments[0], varied)
    if not varied:
        raise BadInput(f"{experiments[0].path}: its grid has one setting; allowed: one with several values of a key")
    return list(dict.fromkeys(keys)) or varied
