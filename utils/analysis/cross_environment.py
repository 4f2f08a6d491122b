"""One setting of each agent for several environments: the Cross-environment Hyperparameter Setting of arXiv 2407.18840.

The results of all compared agents are normalised together: a run's performance is the fraction of all runs in its
environment that it beats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import resampling_rng
from utils.analysis.ranking import MAX_RANKED_ROWS, MIN_WIN_PROBABILITY, SettingRanking
from utils.core.errors import BadInput
from utils.results.schema import is_same_protocol
from utils.stats.environments import chs_normalise, chs_ranking, chs_win_probability
from utils.stats.intervals import MIN_SAMPLES


@dataclass(frozen=True)
class CrossEnvironmentRanking:
    """One agent's settings over E environments.

    rankings: E, one per environment.  normalised: (E, S, N), from `chs_normalise` over all agents.
    """

    rankings: Sequence[SettingRanking]
    normalised: np.ndarray

    @property
    def best(self) -> int:
        """The setting for all environments."""
        return int(chs_ranking(self.normalised)[0])

    @property
    def experiments(self) -> list[CombinedResults]:
        """The agent's results in each environment."""
        return [ranking.experiment for ranking in self.rankings]

    @property
    def default_name(self) -> str:
        """Default name of the setting's configuration."""
        return f"{self.experiments[0].path.resolve().parent.name}_across"

    @property
    def first_fresh_run(self) -> int:
        """The first run number that no setting has used in any environment."""
        return max(ranking.first_fresh_run for ranking in self.rankings)

    def table_lines(self) -> Iterator[str]:
        """Yield a table of the settings that may be the best: their score in each environment and over all."""
        names = [experiment.environment["env_name"] for experiment in self.experiments]
        scores = self.normalised.mean(2)  # (E, S)
        wins = self._win_probabilities()
        agent = self.experiments[0].agent_name
        yield f"{agent}: {scores.shape[1]} settings by the fraction of all runs in an environment that their runs beat"
        header = "".join([f"{'setting':>8}{'wins':>8}{'mean':>8}", *(f"  {name:>8}" for name in names)])
        yield f"{header}  {'hyperparameters' if self.experiments[0].varied else ''}".rstrip()
        ranked = [int(setting) for setting in chs_ranking(self.normalised)]
        likely = [s for s in ranked if s == ranked[0] or wins is None or wins[s] >= MIN_WIN_PROBABILITY]
        for setting in likely[:MAX_RANKED_ROWS]:
            won = "-" if wins is None else f"{wins[setting]:.2f}"
            each = (f"  {score:>{max(8, len(name))}.3f}" for score, name in zip(scores[:, setting], names, strict=True))
            values = self.experiments[0].describe_setting(setting)
            row = "".join([f"{setting:>8}{won:>8}{scores[:, setting].mean():>8.3f}", *each])
            yield f"{row}  {values}".rstrip()

    def _win_probabilities(self) -> np.ndarray | None:
        """Return the probability that each setting is the best, (S,); None if there are too few runs."""
        if self.normalised.shape[2] < MIN_SAMPLES:
            return None
        return chs_win_probability(self.normalised, resampling_rng())


def rank_across_environments(rankings: Sequence[SettingRanking]) -> list[CrossEnvironmentRanking]:
    """Rank the settings of each agent over all environments, in the order of each agent's first results.

    Raises BadInput unless every agent has results in every environment exactly once, with equally many runs.
    """
    protocols: list[dict[str, Any]] = []
    agents: dict[bytes, list[SettingRanking]] = {}
    for ranking in rankings:
        protocol = ranking.experiment.environment
        if not any(is_same_protocol(protocol, other) for other in protocols):
            protocols.append(protocol)
        of_agent = agents.setdefault(orjson.dumps(ranking.experiment.tree["experiment"]["agent"]), [])
        _check_not_twice(of_agent, ranking)
        of_agent.append(ranking)
    table = [[_find_ranking(of_agent, protocol, rankings) for protocol in protocols] for of_agent in agents.values()]
    _check_equally_many([ranking for row in table for ranking in row])
    pools = [np.concatenate([ranking.performance for ranking in column]) for column in zip(*table, strict=True)]
    normalised = chs_normalise(np.stack(pools))
    ends = np.cumsum([len(row[0].performance) for row in table])[:-1]
    parts = np.split(normalised, ends, axis=1)
    return [CrossEnvironmentRanking(row, part) for row, part in zip(table, parts, strict=True)]


def _in_protocol(rankings: Sequence[SettingRanking], protocol: dict[str, Any]) -> SettingRanking | None:
    """Return the first ranking under a protocol, or None."""
    return next((each for each in rankings if is_same_protocol(each.experiment.environment, protocol)), None)


def _check_not_twice(of_agent: Sequence[SettingRanking], ranking: SettingRanking) -> None:
    """Check that an agent has no results under the protocol of a ranking yet.  Raises BadInput if it has."""
    twin = _in_protocol(of_agent, ranking.experiment.environment)
    if twin is not None:
        raise BadInput(
            f"{twin.experiment.path} and {ranking.experiment.path}: found one agent's grid twice in one environment; "
            "allowed with --across: once"
        )


def _find_ranking(
    of_agent: Sequence[SettingRanking], protocol: dict[str, Any], rankings: Sequence[SettingRanking]
) -> SettingRanking:
    """Return an agent's ranking under a protocol.  rankings: those of all agents.  Raises BadInput if it is missing."""
    found = _in_protocol(of_agent, protocol)
    if found is not None:
        return found
    other = _in_protocol(rankings, protocol)
    assert other is not None  # The protocol is one of theirs.
    here = of_agent[0].experiment
    raise BadInput(
        f"{here.path}: found no results of this {here.agent_name} grid under the protocol of "
        f"{other.experiment.path}; allowed with --across: every grid in every environment"
    )


def _check_equally_many(rankings: Sequence[SettingRanking]) -> None:
    """Check that all settings everywhere have equally many runs, failed ones included.  Raises BadInput if not."""
    first = rankings[0]
    if not first.performance.size:
        raise BadInput(f"{first.experiment.path}: found no run; allowed: one or more")
    for other in rankings[1:]:
        counts = [ranking.performance.shape[1] for ranking in (first, other)]
        if counts[0] != counts[1]:
            raise BadInput(
                f"{first.experiment.path} and {other.experiment.path}: found {counts[0]} and {counts[1]} runs per "
                "setting; allowed with --across: the same number everywhere"
            )
