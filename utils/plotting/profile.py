"""Performance profiles: over several environments, the share of an agent's runs that do better than a score.

Scores are ranks within an environment (`environment_stats.chs_normalise`), as returns of several environments
have no common unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from utils.analysis.combined_results import CombinedResults, meaning
from utils.analysis.mean_curve import RESAMPLES, Options, answer_rng
from utils.analysis.number_format import thousands, value_name
from utils.analysis.setting_choice import Choice, choose
from utils.core.errors import BadInput
from utils.plot_utils import Plot, framed, head, look
from utils.stats.environments import chs_normalise, iqm, performance_profile, stratified_interval
from utils.stats.intervals import MIN_SAMPLES

THRESHOLDS = np.linspace(0.0, 1.0, 201)

MARKS = (
    "A run's score is the share of all runs in its environment, of every agent and setting shown here, that do worse; "
    "a run that cannot be averaged is below all others. Line: share of the runs of all environments with a score "
    "above the threshold; band: {percent} percentile-bootstrap interval, each environment's runs resampled by "
    f"themselves ({RESAMPLES:,} resamples). IQM: interquartile mean of the scores."
)

Interval = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Profile:
    """One agent in E environments.  choices: its setting in each.  scores: (E, N)."""

    name: str
    choices: Sequence[Choice]
    scores: np.ndarray
    confidence: float

    @property
    def share(self) -> np.ndarray:
        """(T,) of the runs, above each threshold."""
        return performance_profile(self.scores, THRESHOLDS)

    @cached_property
    def band(self) -> Interval | None:
        """Of the share; None for one run an environment."""
        return self._interval(lambda scores: performance_profile(scores, THRESHOLDS))

    @cached_property
    def iqm_interval(self) -> Interval | None:
        """Of the interquartile mean."""
        return self._interval(iqm)

    def _interval(self, statistic: Any) -> Interval | None:
        if self.scores.shape[1] < MIN_SAMPLES:
            return None
        return stratified_interval(statistic, self.scores, self.confidence, RESAMPLES, rng=answer_rng())

    @property
    def label(self) -> str:
        """What the legend says."""
        text = f"{self.name} (n = {self.scores.size}): IQM {thousands(round(float(iqm(self.scores)), 2))}"
        if self.iqm_interval is None:
            return text
        low, high = (thousands(round(float(bound), 2)) for bound in self.iqm_interval)
        return f"{text} [{low}, {high}]"

    def record(self) -> list[dict[str, Any]]:
        """What the sidecar says of it."""
        return [choice.record() | {"scores": scores} for choice, scores in zip(self.choices, self.scores, strict=True)]


def make(experiments: Sequence[CombinedResults], options: Options) -> Plot:
    """A line for each agent and policy.  Raises BadInput unless each is in every environment, equally often run."""
    found = profiles(choose(experiments, options.setting, options.by), options.by, options.confidence)
    facts = {
        "interval": options.bootstrap | {"kind": "percentile bootstrap, stratified by environment"},
        "profiles": [
            {"name": each.name, "share": each.share, "interval": each.band, "iqm": iqm(each.scores)} for each in found
        ],
        "thresholds": THRESHOLDS,
        "experiments": [record for each in found for record in each.record()],
    }
    return Plot("profile", facts, lambda: draw(found, options))


def profiles(choices: Sequence[Choice], by: str | None, confidence: float) -> list[Profile]:
    """Scores of each agent and policy in the same environments.  Raises BadInput."""
    protocols: list[dict[str, Any]] = []
    for choice in choices:
        if meaning(choice.experiment.environment) not in protocols:
            protocols.append(meaning(choice.experiment.environment))
    if len(protocols) < 2:
        raise BadInput(f"--data: found {len(protocols)} environment; allowed with --kind profile: two or more")
    pools = [_pool(protocol, choices) for protocol in protocols]
    groups: dict[str, list[Choice]] = {}
    for choice in choices:
        groups.setdefault(_name(choice, by), []).append(choice)
    return [_profile(name, group, protocols, pools, confidence) for name, group in groups.items()]


def _name(choice: Choice, by: str | None) -> str:
    """What stays the same over environments: the agent, its policy unless that is chosen in each, the value of --by."""
    experiment, setting = choice.experiment, choice.experiment.settings[choice.setting]
    fixed = [key for key in ("policy_type",) if key in setting and key != by and key not in experiment.varied]
    values = [value_name(setting[key]) for key in fixed]
    return ", ".join([experiment.agent_name, *values, *([f"{by} {value_name(setting[by])}"] if by else [])])


def _pool(protocol: dict[str, Any], choices: Sequence[Choice]) -> dict[CombinedResults, np.ndarray]:
    """The scores of an environment's experiments, (S, N) each."""
    found = (choice.experiment for choice in choices if meaning(choice.experiment.environment) == protocol)
    experiments = list(dict.fromkeys(found))
    sizes = [each.performance.size for each in experiments]
    every = np.concatenate([each.performance.ravel() for each in experiments])
    parts = np.split(chs_normalise(every[None, None])[0, 0], np.cumsum(sizes)[:-1])
    return {each: part.reshape(each.performance.shape) for each, part in zip(experiments, parts, strict=True)}


def _profile(
    name: str,
    group: Sequence[Choice],
    protocols: Sequence[dict[str, Any]],
    pools: Sequence[dict[CombinedResults, np.ndarray]],
    confidence: float,
) -> Profile:
    """One agent's choices in the order of the environments.  Raises BadInput."""
    placed = sorted(group, key=lambda choice: protocols.index(meaning(choice.experiment.environment)))
    found = [choice.experiment.environment["env_name"] for choice in placed]
    if [meaning(choice.experiment.environment) for choice in placed] != list(protocols):
        wanted = ", ".join(str(protocol["env_name"]) for protocol in protocols)
        raise BadInput(f"--data: {name}: found {', '.join(found)}; allowed: once each of {wanted}")
    counts = [len(choice.outcomes) for choice in placed]
    if len(set(counts)) > 1:
        raise BadInput(f"--data: {name}: found {counts} runs in {', '.join(found)}; allowed: as many in each")
    scores = [pool[choice.experiment][choice.setting] for pool, choice in zip(pools, placed, strict=True)]
    return Profile(name, placed, np.stack(scores), confidence)


def draw(found: Sequence[Profile], options: Options) -> Figure:
    """The figure."""
    paragraphs = [MARKS.format(percent=options.percent)]
    paragraphs += [
        f"{choice.experiment.environment['env_name']}: {choice.describe(interval=False)}"
        for each in found
        for choice in each.choices
    ]
    figure = framed(paragraphs)
    axes = figure.subplots()
    for number, each in enumerate(found):
        style = look(number)
        if each.band is not None:
            axes.fill_between(THRESHOLDS, *each.band, step="post", color=style["color"], alpha=0.22, linewidth=0)
        axes.step(
            THRESHOLDS, each.share, where="post", label=each.label, linewidth=1.8,
            color=style["color"], linestyle=style["linestyle"],
        )  # fmt: skip
    axes.set_xlabel("Score")
    axes.set_ylabel("Share of runs with a higher score")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    head(figure, axes, f"{len(found[0].choices)} environments")
    return figure
