"""Which setting of an experiment is shown, how it was chosen, and which of its runs stand behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from utils.analysis.combined_results import FATES, CombinedResults, Curve, RunOutcome
from utils.analysis.number_format import value_name
from utils.core.errors import BadInput, suggestion
from utils.stats.intervals import FEW_SAMPLES, MIN_SAMPLES


@dataclass(frozen=True)
class Choice:
    """One setting of an experiment.

    among: the settings it is the best of; none if it was asked for.  name: agent, policy, and the value of --by.
    suffix: what tells it from another of its label.  rank: its place among them, 1 for the best.
    """

    experiment: CombinedResults
    setting: int
    among: tuple[int, ...]
    name: str
    suffix: str = ""
    rank: int = 1

    @property
    def label(self) -> str:
        """What a legend says."""
        return f"{self.name}, setting {self.setting} (n = {len(self.runs)}){self.suffix}"

    @property
    def outcomes(self) -> list[RunOutcome]:
        """The setting's runs."""
        return self.experiment.outcomes[self.setting]

    @property
    def runs(self) -> list[Curve]:
        """The runs that are averaged."""
        return [outcome.curve for outcome in self.outcomes if not outcome.fate]

    @property
    def excluded(self) -> list[Curve]:
        """Those that are not, as far as they got."""
        return [outcome.curve for outcome in self.outcomes if outcome.fate and len(outcome.curve.returns)]

    def describe(self, interval: bool) -> str:
        """How many runs are shown, which are not, and how the setting was chosen.  interval: whether one is due."""
        text = f"{self.label}: {len(self.runs)} of {len(self.outcomes)} runs averaged; {fates(self.outcomes)}."
        if interval and len(self.runs) < MIN_SAMPLES:
            text += f" No interval is drawn: it takes at least {MIN_SAMPLES} runs."
        elif interval and len(self.runs) < FEW_SAMPLES:
            text += " Of so few runs, the interval holds the true mean less often than it states."
        return text + self._selection()

    def _selection(self) -> str:
        if len(self.experiment.settings) == 1:
            return ""
        if not self.among:
            return f" The setting was asked for, not selected among the {len(self.experiment.settings)}."
        if len(self.among) == 1:
            return ""
        failed = sum(any(outcome.fate for outcome in self.experiment.outcomes[each]) for each in self.among)
        return (
            f" The setting was selected as {'the best' if self.rank == 1 else f'number {self.rank}'} of "
            f"{len(self.among)} by mean return over the last half of "
            f"{'training' if self.experiment.training else 'evaluations'}, and is reported on the same seeds."
            + (f" Settings with a run that cannot be averaged, ranked below those without: {failed}." if failed else "")
        )

    def record(self) -> dict[str, Any]:
        """What a sidecar says of it."""
        cell = self.experiment.tree["experiment_data"][str(self.setting)]
        return {
            "data": self.experiment.name,
            "sha256": self.experiment.digest,
            "agent_name": self.experiment.agent_name,
            "setting": self.setting,
            "selected_among": len(self.among) or None,
            "agent_params": cell["agent_params"],
            "runs": run_records(self.outcomes),
        }


def run_records(outcomes: Sequence[RunOutcome]) -> list[dict[str, Any]]:
    """The runs behind a figure, as its sidecar names them."""
    return [{"run_number": outcome.number, "excluded": outcome.fate or None} | outcome.names for outcome in outcomes]


def fates(outcomes: Sequence[RunOutcome]) -> str:
    """ "1 diverged, 0 missing", and whatever else keeps runs from being averaged."""
    return ", ".join(tally(outcomes, ("diverged", "missing")))


def tally(outcomes: Sequence[RunOutcome], always: Sequence[str] = ()) -> list[str]:
    """ "1 diverged": how many runs are not averaged, for each reason there is.  always: fates that are said of none."""
    counts = dict.fromkeys(always, 0) | Counter(outcome.fate for outcome in outcomes if outcome.fate)
    return [f"{count} {FATES[fate]}" for fate, count in counts.items()]


def choose(experiments: Sequence[CombinedResults], setting: int | None, by: str | None) -> list[Choice]:
    """The setting to show of each experiment, or of each value of a hyperparameter, under distinct labels.

    setting: the one asked for, else the best.  by: a hyperparameter.  Raises BadInput if there is no such setting
    or hyperparameter, or a setting has no run to average.
    """
    choices = [choice for experiment in experiments for choice in candidates(experiment, setting, by)]
    for choice in choices:
        if not choice.runs:
            lacking = fates(choice.outcomes)
            raise BadInput(f"{choice.experiment.path}: setting {choice.setting} has no run to average: {lacking}")
    return distinct(choices)


def candidates(experiment: CombinedResults, setting: int | None, by: str | None) -> list[Choice]:
    """As `choose`, of one experiment, whether there are runs or not."""
    settings = range(len(experiment.settings))
    if by is not None:
        return [_choice(experiment, experiment.best(among), among, by) for among in _values(experiment, by)]
    if setting is None:
        return [_choice(experiment, experiment.best(), tuple(settings))]
    if setting not in settings:
        raise BadInput(f"--setting: found {setting}; allowed for {experiment.path}: 0 to {settings[-1]}")
    return [_choice(experiment, setting, ())]


def _values(experiment: CombinedResults, by: str) -> list[tuple[int, ...]]:
    """The settings with each value of a hyperparameter, in the grid's order."""
    check_key("--by", by, experiment, experiment.settings[0])
    groups: dict[bytes, list[int]] = {}
    for number, setting in enumerate(experiment.settings):
        groups.setdefault(orjson.dumps(setting[by]), []).append(number)
    return [tuple(group) for group in groups.values()]


def check_key(option: str, key: str, experiment: CombinedResults, allowed: Sequence[str] | dict[str, Any]) -> None:
    """Raises BadInput, naming the option, if the key is none of the experiment's that are allowed."""
    if key not in allowed:
        names = ", ".join(allowed) or "none, as the grid has one setting"
        raise BadInput(f"{option}: found '{key}'; allowed for {experiment.path}: {names}{suggestion(key, allowed)}")


def _choice(experiment: CombinedResults, setting: int, among: tuple[int, ...], by: str | None = None) -> Choice:
    cell = experiment.tree["experiment_data"].get(str(setting), {"agent_params": {}})
    policy = cell["agent_params"].get("policy_type")
    names = [experiment.agent_name, *([value_name(policy)] if policy else [])]
    if by not in (None, "policy_type"):
        names.append(f"{by} {value_name(experiment.settings[setting][by])}")
    return Choice(experiment, setting, among, ", ".join(names))


def distinct(choices: Sequence[Choice]) -> list[Choice]:
    """The same; where two of one environment bear one label, their directories' names are added."""
    names = [(choice.label, choice.experiment.environment["env_name"]) for choice in choices]
    count = Counter(names)
    return [
        replace(choice, suffix=f", {choice.experiment.path.parent.name}") if count[name] > 1 else choice
        for choice, name in zip(choices, names, strict=True)
    ]
