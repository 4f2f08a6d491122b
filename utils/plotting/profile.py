"""Performance profiles: for each score, the fraction of an agent's runs over several environments that exceed it.

Scores are ranks within an environment (`utils.stats.environments.chs_normalise`), because returns of different
environments have no common unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, group_by_returns
from utils.analysis.mean_curve import RESAMPLES, FigureOptions, resampling_rng
from utils.analysis.number_format import format_thousands, value_name
from utils.analysis.setting_choice import SettingChoice, check_labels, choose_settings
from utils.core.errors import BadInput
from utils.plot_utils import BAND_STYLE, Plot, add_title_and_legend, line_style, new_figure
from utils.stats.environments import chs_normalise, iqm, performance_profile, stratified_interval
from utils.stats.intervals import MIN_SAMPLES

THRESHOLDS = np.linspace(0.0, 1.0, 201)
"""Scores at which a profile is computed."""

MARKS = (
    "A run's score is the fraction of all runs in its environment, of every agent and setting shown here, that are "
    "worse; a run that cannot be averaged is worse than all others. Line: fraction of the runs of all environments "
    "with a score above the threshold. Band: {percent} expanded-percentile bootstrap interval, resampled within each "
    f"environment ({RESAMPLES:,} resamples). IQM: interquartile mean of the scores."
)
"""The marks in the caption."""

Interval = tuple[np.ndarray, np.ndarray]
"""Low and high of an interval."""

ScorePools = list[dict[CombinedResults, np.ndarray]]
"""The scores of each environment's experiments, (S, N) each."""


@dataclass(frozen=True)
class Profile:
    """One agent's profile over E environments.  choices: its setting in each.  scores: (E, N)."""

    name: str
    choices: Sequence[SettingChoice]
    scores: np.ndarray
    confidence: float

    @property
    def share(self) -> np.ndarray:
        """(T,) fraction of the runs above each threshold."""
        return performance_profile(self.scores, THRESHOLDS)

    @cached_property
    def band(self) -> Interval | None:
        """Interval of the fraction, (T,) each; None for one run per environment."""
        return self._interval(lambda scores: performance_profile(scores, THRESHOLDS))

    @cached_property
    def iqm_interval(self) -> Interval | None:
        """Interval of the interquartile mean; None for one run per environment."""
        return self._interval(iqm)

    def _interval(self, statistic: Any) -> Interval | None:
        if self.scores.shape[1] < MIN_SAMPLES:
            return None
        return stratified_interval(statistic, self.scores, self.confidence, RESAMPLES, rng=resampling_rng())

    @property
    def label(self) -> str:
        """The profile's label in the legend."""
        text = f"{self.name} (n = {self.scores.size}): IQM {format_thousands(round(float(iqm(self.scores)), 2))}"
        if self.iqm_interval is None:
            return text
        low, high = (format_thousands(round(float(bound), 2)) for bound in self.iqm_interval)
        return f"{text} [{low}, {high}]"

    def sidecar_entries(self) -> list[dict[str, Any]]:
        """Return the entries of the agent's settings in a sidecar."""
        pairs = zip(self.choices, self.scores, strict=True)
        return [choice.sidecar_entry() | {"scores": scores} for choice, scores in pairs]


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return a figure with a line for each agent and policy, to be drawn.

    Raises BadInput unless each has the same number of runs in every environment.
    """
    choices = choose_settings(experiments, options.setting, options.by)
    profiles = make_profiles(choices, options.by, options.confidence)
    check_labels(options.labels, [each.name for each in profiles])
    if options.labels:
        profiles = [replace(each, name=label) for each, label in zip(profiles, options.labels, strict=True)]
    sidecar = {
        "interval": options.interval_entry
        | {"kind": "expanded-percentile bootstrap, stratified by environment", "resamples": RESAMPLES},
        "profiles": [
            {"name": each.name, "share": each.share, "interval": each.band, "iqm": iqm(each.scores)}
            for each in profiles
        ],
        "thresholds": THRESHOLDS,
        "experiments": [entry for each in profiles for entry in each.sidecar_entries()],
    }
    return Plot("profile", sidecar, lambda: draw_profiles(profiles, options))


def make_profiles(choices: Sequence[SettingChoice], by: str | None, confidence: float) -> list[Profile]:
    """Return the profile of each agent and policy over the same environments.  Raises BadInput if one lacks results."""
    environments = group_by_returns(list(dict.fromkeys(choice.experiment for choice in choices)))
    if len(environments) < 2:
        raise BadInput(f"--data: found {len(environments)} environment; allowed with --kind profile: two or more")
    pools = [_score_pool(experiments) for experiments in environments]
    groups: dict[str, list[SettingChoice]] = {}
    for choice in choices:
        groups.setdefault(_profile_name(choice, by), []).append(choice)
    return [_profile(name, group, pools, confidence) for name, group in groups.items()]


def _profile_name(choice: SettingChoice, by: str | None) -> str:
    """Return the part of a label that is the same in all environments.

    The agent, its policy unless the policy is chosen in each environment, and the value of --by.
    """
    experiment, setting = choice.experiment, choice.experiment.settings[choice.setting]
    fixed = [key for key in ("policy_type",) if key in setting and key != by and key not in experiment.varied]
    values = [value_name(setting[key]) for key in fixed]
    return ", ".join([experiment.agent_name, *values, *([f"{by} {value_name(setting[by])}"] if by else [])])


def _score_pool(experiments: Sequence[CombinedResults]) -> dict[CombinedResults, np.ndarray]:
    """Return the scores of one environment's experiments, (S, N) each."""
    sizes = [each.performance.size for each in experiments]
    every = np.concatenate([each.performance.ravel() for each in experiments])
    parts = np.split(chs_normalise(every[None, None])[0, 0], np.cumsum(sizes)[:-1])
    return {each: part.reshape(each.performance.shape) for each, part in zip(experiments, parts, strict=True)}


def _profile(name: str, group: Sequence[SettingChoice], pools: ScorePools, confidence: float) -> Profile:
    """Return the profile of one agent's settings, in the environments' order.  Raises BadInput if one is missing."""
    numbers = [next(k for k, pool in enumerate(pools) if choice.experiment in pool) for choice in group]
    order = sorted(range(len(group)), key=lambda position: numbers[position])
    choices = [group[position] for position in order]
    names = [str(choice.experiment.environment["env_name"]) for choice in choices]
    if sorted(numbers) != list(range(len(pools))):
        wanted = ", ".join(str(next(iter(pool)).environment["env_name"]) for pool in pools)
        raise BadInput(f"--data: {name}: found {', '.join(names)}; allowed: once each of {wanted}")
    counts = [len(choice.outcomes) for choice in choices]
    if len(set(counts)) > 1:
        raise BadInput(f"--data: {name}: found {counts} runs in {', '.join(names)}; allowed: the same number in each")
    scores = [pool[choice.experiment][choice.setting] for pool, choice in zip(pools, choices, strict=True)]
    return Profile(name, choices, np.stack(scores), confidence)


def draw_profiles(profiles: Sequence[Profile], options: FigureOptions) -> Figure:
    """Draw the figure."""
    paragraphs = [MARKS.format(percent=options.percent)]
    paragraphs += [
        f"{choice.experiment.environment['env_name']}: {choice.describe(interval=False)}"
        for each in profiles
        for choice in each.choices
    ]
    figure = new_figure(paragraphs)
    axes = figure.subplots()
    for number, each in enumerate(profiles):
        style = line_style(number)
        if each.band is not None:
            axes.fill_between(THRESHOLDS, *each.band, step="post", color=style["color"], **BAND_STYLE)
        axes.step(
            THRESHOLDS, each.share, where="post", label=each.label, linewidth=1.8,
            color=style["color"], linestyle=style["linestyle"],
        )  # fmt: skip
    axes.set_xlabel("Score")
    axes.set_ylabel("Fraction of runs with a higher score")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    own = f"{len(profiles[0].choices)} environments"
    add_title_and_legend(figure, axes, own if options.title is None else options.title)
    return figure
