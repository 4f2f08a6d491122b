"""Performance profiles: for each score, the fraction of an agent's runs over several environments that exceed it.

`utils.analysis.environment_scores` defines the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults
from utils.analysis.environment_scores import SCORE_NOTE, AgentScores, Interval, score_agents
from utils.analysis.mean_curve import RESAMPLES, FigureOptions
from utils.analysis.number_format import format_thousands
from utils.analysis.setting_choice import check_labels, choose_settings
from utils.plot_utils import BAND_STYLE, Plot, add_title_and_legend, line_style, new_figure
from utils.stats.environments import iqm, performance_profile

THRESHOLDS = np.linspace(0.0, 1.0, 201)
"""Scores at which a profile is computed."""

MARKS = (
    f"{SCORE_NOTE} Line: fraction of the runs of all environments with a score above the threshold. Band: {{percent}} "
    f"expanded-percentile bootstrap interval, resampled within each environment ({RESAMPLES:,} resamples). IQM: "
    "interquartile mean of the scores."
)
"""The marks in the caption."""


@dataclass(frozen=True)
class Profile:
    """One agent's profile over E environments."""

    name: str
    agent: AgentScores

    @property
    def share(self) -> np.ndarray:
        """(T,) fraction of the runs above each threshold."""
        return performance_profile(self.agent.scores, THRESHOLDS)

    @cached_property
    def band(self) -> Interval | None:
        """Interval of the fraction, (T,) each; None for one run per environment."""
        return self.agent.interval(lambda scores: performance_profile(scores, THRESHOLDS))

    @property
    def label(self) -> str:
        """The profile's label in the legend."""
        scores, interval = self.agent.scores, self.agent.iqm_interval
        text = f"{self.name} (n = {scores.size}): IQM {format_thousands(round(float(iqm(scores)), 2))}"
        if interval is None:
            return text
        low, high = (format_thousands(round(float(bound), 2)) for bound in interval)
        return f"{text} [{low}, {high}]"

    def sidecar_entries(self) -> list[dict[str, Any]]:
        """Return the entries of the agent's settings in a sidecar."""
        pairs = zip(self.agent.choices, self.agent.scores, strict=True)
        return [choice.sidecar_entry() | {"scores": scores} for choice, scores in pairs]


def make_plot(experiments: Sequence[CombinedResults], options: FigureOptions) -> Plot:
    """Return a figure with a line for each agent and policy, to be drawn.

    Raises BadInput unless each has the same number of runs in every environment.
    """
    choices = choose_settings(experiments, options.setting, options.by)
    profiles = [Profile(agent.name, agent) for agent in score_agents(choices, options.by, options.confidence)]
    check_labels(options.labels, [each.name for each in profiles])
    if options.labels:
        profiles = [replace(each, name=label) for each, label in zip(profiles, options.labels, strict=True)]
    sidecar = {
        "interval": options.interval_entry
        | {"kind": "expanded-percentile bootstrap, stratified by environment", "resamples": RESAMPLES},
        "profiles": [
            {"name": each.name, "share": each.share, "interval": each.band, "iqm": iqm(each.agent.scores)}
            for each in profiles
        ],
        "thresholds": THRESHOLDS,
        "experiments": [entry for each in profiles for entry in each.sidecar_entries()],
    }
    return Plot("profile", sidecar, lambda: draw_profiles(profiles, options))


def draw_profiles(profiles: Sequence[Profile], options: FigureOptions) -> Figure:
    """Draw the figure."""
    paragraphs = [MARKS.format(percent=options.percent)]
    paragraphs += [
        f"{choice.experiment.environment['env_name']}: {choice.describe(interval=False)}"
        for each in profiles
        for choice in each.agent.choices
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
    own = f"{len(profiles[0].agent.choices)} environments"
    add_title_and_legend(figure, axes, own if options.title is None else options.title)
    return figure
