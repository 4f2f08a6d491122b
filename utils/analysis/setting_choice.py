"""The settings that a figure shows: how each was chosen, and which of its runs are averaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from utils.analysis.combined_results import EXCLUSIONS, CombinedResults, Curve, RunOutcome
from utils.analysis.number_format import short_value_name, value_name
from utils.core.errors import BadInput, suggestion
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.sample_warnings import SampleWarning, join_warnings, sample_warnings

MAX_LABEL_KEYS = 4
"""Largest number of hyperparameters in a legend; the caption has all."""


@dataclass(frozen=True)
class SettingChoice:
    """One setting of an experiment.

    among: the settings it was selected from; empty if the user asked for it.
    name: agent, policy, and the value of --by.  named: hyperparameters whose values are in the name.
    suffix: distinguishes it from a setting with the same label.  rank: its rank among them, 1 for the best.
    own_label: the label that the user gave it; "" for none.
    """

    experiment: CombinedResults
    setting: int
    among: tuple[int, ...]
    name: str
    suffix: str = ""
    rank: int = 1
    named: tuple[str, ...] = ()
    own_label: str = ""

    @property
    def label(self) -> str:
        """The setting's label in a legend: the user's, or one with the hyperparameters that vary in the grid."""
        if self.own_label:
            return self.own_label
        keys = [key for key in self.experiment.varied if key not in self.named]
        chosen = self.experiment.settings[self.setting]
        values = [f"{key} {short_value_name(chosen[key])}" for key in keys[:MAX_LABEL_KEYS]]
        more = ["\N{HORIZONTAL ELLIPSIS}"] if len(keys) > MAX_LABEL_KEYS else []
        return self._label_with(", ".join([*values, *more]))

    def _label_with(self, values: str) -> str:
        name = f"{self.name}, {values}" if values else self.name
        return f"{name}, setting {self.setting} (n = {len(self.runs)}){self.suffix}"

    @property
    def full_label(self) -> str:
        """The setting's label with all hyperparameters that vary, after the user's label if there is one."""
        full = self._label_with(self.experiment.describe_setting(self.setting, self.named))
        return f"{self.own_label}: {full}" if self.own_label else full

    @property
    def outcomes(self) -> list[RunOutcome]:
        """The outcomes of the setting's runs."""
        return self.experiment.outcomes[self.setting]

    @property
    def runs(self) -> list[Curve]:
        """The runs that are averaged."""
        return [outcome.curve for outcome in self.outcomes if not outcome.exclusion]

    @property
    def excluded(self) -> list[Curve]:
        """The curves of runs that are not averaged, up to where each run ended."""
        return [outcome.curve for outcome in self.outcomes if outcome.exclusion and len(outcome.curve.returns)]

    @property
    def performance(self) -> np.ndarray:
        """(N,) final performance of the setting's runs; NaN for a run that is not averaged."""
        return self.experiment.performance[self.setting]

    @property
    def warnings(self) -> list[SampleWarning]:
        """Why the interval of the setting's mean may hold less than it promises."""
        return sample_warnings(self.performance[~np.isnan(self.performance)])

    def describe(self, interval: bool) -> str:
        """Return how many runs are averaged and how the setting was chosen.  interval: whether one is shown."""
        excluded = describe_exclusions(self.outcomes)
        text = f"{self.full_label}: {len(self.runs)} of {len(self.outcomes)} runs averaged; {excluded}."
        if interval and len(self.runs) < MIN_SAMPLES:
            text += f" No interval is drawn: it needs at least {MIN_SAMPLES} runs."
        elif interval and self.warnings:
            text += f" {join_warnings(self.warnings)}"
        return text + self._selection() + self._stop(interval)

    def _stop(self, interval: bool) -> str:
        """Return where the rule that added runs has stopped; "" if their number was fixed."""
        stop = self.experiment.stop
        if stop is None:
            return ""
        others = {outcome.number for outcome in self.outcomes} != set(stop.run_numbers)
        return (
            f" {stop.text}"
            + " The interval drawn here is that of one look, and too short for several." * interval
            + " The runs here are not the ones that it stopped at." * others
        )

    def _selection(self) -> str:
        """Return how the setting was chosen; "" if there was no choice."""
        if len(self.experiment.settings) == 1:
            return ""
        if not self.among:
            return f" The setting was requested, not selected from the {len(self.experiment.settings)}."
        if len(self.among) == 1:
            return ""
        failed = sum(any(outcome.exclusion for outcome in self.experiment.outcomes[each]) for each in self.among)
        return (
            f" The setting was selected as {'the best' if self.rank == 1 else f'number {self.rank}'} of "
            f"{len(self.among)} by mean return over the last half of "
            f"{'training' if self.experiment.training else 'evaluations'}, and is reported on the same seeds."
            + f" Settings with a run that cannot be averaged ({failed}) rank below all others."
            * bool(failed)
        )

    def sidecar_entry(self) -> dict[str, Any]:
        """Return the setting's entry in a sidecar."""
        cell = self.experiment.tree["experiment_data"][str(self.setting)]
        return {
            "data": self.experiment.name,
            "sha256": self.experiment.digest,
            "agent_name": self.experiment.agent_name,
            "setting": self.setting,
            "selected_among": len(self.among) or None,
            **({"label": self.own_label} if self.own_label else {}),
            "agent_params": cell["agent_params"],
            **({"stop": self.experiment.stop.model_dump()} if self.experiment.stop else {}),
            "runs": run_entries(self.outcomes),
        }


def run_entries(outcomes: Sequence[RunOutcome]) -> list[dict[str, Any]]:
    """Return the entries of runs in a sidecar."""
    return [
        {"run_number": outcome.number, "excluded": outcome.exclusion or None} | outcome.identity for outcome in outcomes
    ]


def describe_exclusions(outcomes: Sequence[RunOutcome]) -> str:
    """Return the runs that are not averaged as "1 diverged, 0 missing", and any other reasons."""
    return ", ".join(count_exclusions(outcomes, ("diverged", "missing")))


def count_exclusions(outcomes: Sequence[RunOutcome], always: Sequence[str] = ()) -> list[str]:
    """Return a text such as "1 diverged" for each reason why runs are not averaged.

    always: reasons that are listed even for 0 runs.
    """
    counts = dict.fromkeys(always, 0) | Counter(outcome.exclusion for outcome in outcomes if outcome.exclusion)
    return [f"{count} {EXCLUSIONS[exclusion]}" for exclusion, count in counts.items()]


def choose_settings(
    experiments: Sequence[CombinedResults], setting: int | None, by: str | None, labels: Sequence[str] = ()
) -> list[SettingChoice]:
    """Choose the setting to show of each experiment, or of each value of a hyperparameter, with distinct labels.

    setting: the setting's number; None: the best.  by: a hyperparameter.  labels: the user's, one for each, or none.
    Raises BadInput if the setting or hyperparameter does not exist, a setting has no run to average, or the number of
    labels is wrong.
    """
    choices = [choice for experiment in experiments for choice in choose_in_experiment(experiment, setting, by)]
    for choice in choices:
        if not choice.runs:
            excluded = describe_exclusions(choice.outcomes)
            raise BadInput(f"{choice.experiment.path}: setting {choice.setting} has no run to average: {excluded}")
    return label_choices(choices, labels)


def label_choices(choices: Sequence[SettingChoice], labels: Sequence[str]) -> list[SettingChoice]:
    """Return the choices with the user's labels, one for each, or with distinct ones of their own.  Raises BadInput."""
    check_labels(labels, [choice.label for choice in choices])
    if labels:
        return [replace(choice, own_label=label) for choice, label in zip(choices, labels, strict=True)]
    return make_labels_distinct(choices)


def check_labels(labels: Sequence[str], lines: Sequence[str]) -> None:
    """Check that there is one label for each line, or none at all.  lines: their own labels.  Raises BadInput."""
    if labels and len(labels) != len(lines):
        raise BadInput(f"--label: found {len(labels)}; allowed: {len(lines)}, one for each of: {'; '.join(lines)}")
    if not all(labels):
        raise BadInput("--label: found ''; allowed: some text")


def choose_in_experiment(experiment: CombinedResults, setting: int | None, by: str | None) -> list[SettingChoice]:
    """Choose the settings to show of one experiment, as `choose_settings` does, whether they have runs or not."""
    settings = range(len(experiment.settings))
    if by is not None:
        groups = _settings_by_value(experiment, by)
        return [_choice(experiment, experiment.best_setting(among), among, by) for among in groups]
    if setting is None:
        return [_choice(experiment, experiment.best_setting(), tuple(settings))]
    if setting not in settings:
        raise BadInput(f"--setting: found {setting}; allowed for {experiment.path}: 0 to {settings[-1]}")
    return [_choice(experiment, setting, ())]


def _settings_by_value(experiment: CombinedResults, by: str) -> list[tuple[int, ...]]:
    """Return the settings with each value of a hyperparameter, in the grid's order."""
    check_key("--by", by, experiment, experiment.settings[0])
    groups: dict[bytes, list[int]] = {}
    for number, setting in enumerate(experiment.settings):
        groups.setdefault(orjson.dumps(setting[by]), []).append(number)
    return [tuple(group) for group in groups.values()]


def check_key(option: str, key: str, experiment: CombinedResults, allowed: Sequence[str] | dict[str, Any]) -> None:
    """Check that a hyperparameter is one of those allowed.  option: named in the message.  Raises BadInput if not."""
    if key not in allowed:
        names = ", ".join(allowed) or "none, as the grid has one setting"
        raise BadInput(f"{option}: found '{key}'; allowed for {experiment.path}: {names}{suggestion(key, allowed)}")


def _choice(experiment: CombinedResults, setting: int, among: tuple[int, ...], by: str | None = None) -> SettingChoice:
    cell = experiment.tree["experiment_data"].get(str(setting), {"agent_params": {}})
    policy = cell["agent_params"].get("policy_type")
    names = [experiment.agent_name, *([value_name(policy)] if policy else [])]
    named = ["policy_type"] if policy else []
    if by is not None and by not in named:
        names.append(f"{by} {value_name(experiment.settings[setting][by])}")
        named.append(by)
    return SettingChoice(experiment, setting, among, ", ".join(names), named=tuple(named))


def make_labels_distinct(choices: Sequence[SettingChoice]) -> list[SettingChoice]:
    """Add the directory's name to labels that occur twice in one environment."""
    names = [(choice.label, choice.experiment.environment["env_name"]) for choice in choices]
    count = Counter(names)
    return [
        replace(choice, suffix=f", {choice.experiment.path.parent.name}") if count[name] > 1 else choice
        for choice, name in zip(choices, names, strict=True)
    ]
