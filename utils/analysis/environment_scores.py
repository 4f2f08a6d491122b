"""Agents over several environments: scores that are comparable, and the statistics of them.

Scores are ranks within an environment (`utils.stats.environments.chs_normalise`), because returns of different
environments have no common unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from utils.analysis.combined_results import CombinedResults, group_by_returns
from utils.analysis.mean_curve import RESAMPLES, resampling_rng
from utils.analysis.number_format import value_name
from utils.analysis.setting_choice import SettingChoice
from utils.core.errors import BadInput
from utils.stats.environments import (
    chs_normalise,
    improvement_interval,
    improvement_probability,
    iqm,
    optimality_gap,
    optimality_gap_interval,
    stratified_interval,
)
from utils.stats.intervals import MIN_SAMPLES
from utils.stats.multiplicity import simultaneous_confidence

SCORE_NOTE = (
    "A run's score is the fraction of all runs in its environment, of every agent and setting shown here, that are "
    "worse; a run that cannot be averaged is worse than all others."
)
"""What a score is, in a note below a table or figure."""

AGENT_COLUMNS = ("agent", "runs", "interquartile mean", "optimality gap")
IMPROVEMENT_COLUMNS = ("a", "b", "P(a improves on b)", "interval")
"""Columns of the tables over environments."""

Interval = tuple[np.ndarray, np.ndarray]
"""Low and high of an interval."""

ScorePools = list[dict[CombinedResults, np.ndarray]]
"""The scores of each environment's experiments, (S, N) each."""


@dataclass(frozen=True)
class AgentScores:
    """One agent over E environments.  choices: its setting in each.  scores: (E, N).  confidence: of intervals."""

    name: str
    choices: Sequence[SettingChoice]
    scores: np.ndarray
    confidence: float

    @property
    def performance(self) -> list[np.ndarray]:
        """E arrays (N,) of performance, NaN for a run that is not averaged."""
        return [choice.performance for choice in self.choices]

    @cached_property
    def iqm_interval(self) -> Interval | None:
        """Interval of the interquartile mean; None for one run per environment."""
        return self.interval(iqm)

    def interval(self, statistic: Callable[[np.ndarray], np.ndarray]) -> Interval | None:
        """Return the interval of a statistic of scores, see `stratified_interval`; None for one run per environment."""
        if self.scores.shape[1] < MIN_SAMPLES:
            return None
        return stratified_interval(statistic, self.scores, self.confidence, RESAMPLES, rng=resampling_rng())

    @property
    def cells(self) -> list[str]:
        """The row of a table, with AGENT_COLUMNS."""
        gap = None
        if self.scores.shape[1] >= MIN_SAMPLES:
            gap = optimality_gap_interval(self.scores, confidence=self.confidence)
        return [
            self.name, str(self.scores.size), _estimate(float(iqm(self.scores)), self.iqm_interval),
            _estimate(float(optimality_gap(self.scores)), gap),
        ]  # fmt: skip


def score_agents(choices: Sequence[SettingChoice], by: str | None, confidence: float) -> list[AgentScores]:
    """Return the scores of each agent and policy over the same environments.  Raises BadInput if one lacks results."""
    pools = _score_pools(choices)
    if len(pools) < 2:
        raise BadInput(f"--data: found {len(pools)} environment; allowed with --kind profile: two or more")
    return [_agent_scores(name, group, pools, confidence) for name, group in _groups(choices, by).items()]


def score_complete_agents(choices: Sequence[SettingChoice], by: str | None, confidence: float) -> list[AgentScores]:
    """Return the scores of the agents that have one setting, and equally many runs, in every environment.

    [] for fewer than two environments.
    """
    pools = _score_pools(choices)
    complete = {name: group for name, group in _groups(choices, by).items() if _is_complete(group, pools)}
    return [_agent_scores(name, group, pools, confidence) for name, group in complete.items()] if len(pools) > 1 else []


def score_rows(columns: Sequence[Sequence[SettingChoice]], confidence: float) -> list[AgentScores]:
    """Return the scores of agents given as rows: the k-th setting of each environment belongs to the k-th agent.

    [] for fewer than two environments, and unless all settings have equally many runs.
    """
    counts = {len(choice.outcomes) for column in columns for choice in column}
    if len(columns) < 2 or len(counts) > 1:
        return []
    pools = [_score_pool([choice.experiment for choice in column]) for column in columns]
    rows = zip(*columns, strict=True)
    return [
        AgentScores(
            row[0].name,
            row,
            np.stack([pool[choice.experiment][choice.setting] for pool, choice in zip(pools, row, strict=True)]),
            confidence,
        )
        for row in rows
    ]


def improvement_rows(agents: Sequence[AgentScores], confidence: float) -> list[list[str]]:
    """Return a row for each pair of agents, with IMPROVEMENT_COLUMNS; the intervals hold simultaneously.

    [] for agents with one run per environment.
    """
    pairs = [pair for pair in combinations(agents, 2) if min(each.scores.shape[1] for each in pair) >= MIN_SAMPLES]
    level = simultaneous_confidence(confidence, max(1, len(pairs)))
    rows = []
    for a, b in pairs:
        low, high = improvement_interval(a.performance, b.performance, level)
        found = improvement_probability(a.performance, b.performance)
        rows.append([a.name, b.name, f"{found:.2f}", f"{low:.2f} to {high:.2f}"])
    return rows


def _estimate(value: float, interval: Interval | None) -> str:
    text = f"{value:.2f}"
    return text if interval is None else f"{text} [{float(interval[0]):.2f}, {float(interval[1]):.2f}]"


def _score_pools(choices: Sequence[SettingChoice]) -> ScorePools:
    """Return the scores of the experiments of each environment."""
    environments = group_by_returns(list(dict.fromkeys(choice.experiment for choice in choices)))
    return [_score_pool(experiments) for experiments in environments]


def _score_pool(experiments: Sequence[CombinedResults]) -> dict[CombinedResults, np.ndarray]:
    """Return the scores of one environment's experiments, (S, N) each."""
    experiments = list(dict.fromkeys(experiments))  # Several settings of one experiment may be compared.
    sizes = [each.performance.size for each in experiments]
    every = np.concatenate([each.performance.ravel() for each in experiments])
    parts = np.split(chs_normalise(every[None, None])[0, 0], np.cumsum(sizes)[:-1])
    return {each: part.reshape(each.performance.shape) for each, part in zip(experiments, parts, strict=True)}


def _groups(choices: Sequence[SettingChoice], by: str | None) -> dict[str, list[SettingChoice]]:
    """Return the settings of each agent and policy."""
    groups: dict[str, list[SettingChoice]] = {}
    for choice in choices:
        groups.setdefault(_agent_name(choice, by), []).append(choice)
    return groups


def _agent_name(choice: SettingChoice, by: str | None) -> str:
    """Return the part of a label that is the same in all environments.

    The agent, its policy unless the policy is chosen in each environment, and the value of --by.
    """
    experiment, setting = choice.experiment, choice.experiment.settings[choice.setting]
    fixed = [key for key in ("policy_type",) if key in setting and key != by and key not in experiment.varied]
    values = [value_name(setting[key]) for key in fixed]
    return ", ".join([experiment.agent_name, *values, *([f"{by} {value_name(setting[by])}"] if by else [])])


def _environment_numbers(group: Sequence[SettingChoice], pools: ScorePools) -> list[int]:
    """Return the number of each setting's environment."""
    return [next(k for k, pool in enumerate(pools) if choice.experiment in pool) for choice in group]


def _is_complete(group: Sequence[SettingChoice], pools: ScorePools) -> bool:
    counts = {len(choice.outcomes) for choice in group}
    return sorted(_environment_numbers(group, pools)) == list(range(len(pools))) and len(counts) == 1


def _agent_scores(name: str, group: Sequence[SettingChoice], pools: ScorePools, confidence: float) -> AgentScores:
    """Return the scores of one agent's settings, in the environments' order.  Raises BadInput if one is missing."""
    numbers = _environment_numbers(group, pools)
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
    return AgentScores(name, choices, np.stack(scores), confidence)
