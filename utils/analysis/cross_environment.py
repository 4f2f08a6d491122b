"""One setting of each agent for several environments: the Cross-environment Hyperparameter Setting of arXiv 2407.18840.

The results of all agents that are compared go in together, each agent in each environment: a run's performance counts
by how many of all runs in its environment it beats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from utils.analysis.combined_results import CombinedResults
from utils.analysis.mean_curve import answer_rng
from utils.analysis.ranking import LEAST_LIKELY, MOST_ROWS, SettingRanking
from utils.core.errors import BadInput
from utils.stats.environments import chs_normalise, chs_ranking, chs_win_probability
from utils.stats.intervals import MIN_SAMPLES


@dataclass(frozen=True)
class Across:
    """One agent's settings over E environments.

    rankings: E of them.  normalised: (E, S, N), from `chs_normalise` over all agents.
    """

    rankings: Sequence[SettingRanking]
    normalised: np.ndarray

    @property
    def best(self) -> int:
        """The setting for all environments."""
        return int(chs_ranking(self.normalised)[0])

    @property
    def experiments(self) -> list[CombinedResults]:
        """One an environment."""
        return [ranking.experiment for ranking in self.rankings]

    @property
    def default_name(self) -> str:
        """What to call the setting."""
        return f"{self.experiments[0].path.resolve().parent.name}_across"

    @property
    def first_fresh(self) -> int:
        """The first run number that no setting has used in any environment."""
        return max(ranking.first_fresh for ranking in self.rankings)

    def lines(self) -> Iterator[str]:
        """A table of the settings that may be the best: normalised performance in each environment and over all."""
        names = [experiment.environment["env_name"] for experiment in self.experiments]
        shares = self.normalised.mean(2)  # (E, S)
        wins = self._wins()
        agent = self.experiments[0].agent_name
        yield f"{agent}: {shares.shape[1]} settings by the share of all runs in an environment that theirs beat"
        yield "".join([f"{'setting':>8}{'wins':>8}{'mean':>8}", *(f"  {name:>8}" for name in names)])
        ranked = [int(setting) for setting in chs_ranking(self.normalised)]
        for setting in [s for s in ranked if s == ranked[0] or wins is None or wins[s] >= LEAST_LIKELY][:MOST_ROWS]:
            won = "-" if wins is None else f"{wins[setting]:.2f}"
            each = (f"  {share:>{max(8, len(name))}.3f}" for share, name in zip(shares[:, setting], names, strict=True))
            yield "".join([f"{setting:>8}{won:>8}{shares[:, setting].mean():>8.3f}", *each])

    def _wins(self) -> np.ndarray | None:
        """(S,) how likely each is the best; None where there are too few runs to tell."""
        return None if self.normalised.shape[2] < MIN_SAMPLES else chs_win_probability(self.normalised, answer_rng())


def across(rankings: Sequence[SettingRanking]) -> list[Across]:
    """The agents, each with its results in every environment, in the order of their first.

    Raises BadInput unless every agent has been in every environment once, with as many runs everywhere.
    """
    protocols = list(dict.fromkeys(_protocol(ranking) for ranking in rankings))
    agents: dict[bytes, dict[bytes, SettingRanking]] = {}
    for ranking in rankings:
        of_agent = agents.setdefault(orjson.dumps(ranking.experiment.tree["experiment"]["agent"]), {})
        twin = of_agent.setdefault(_protocol(ranking), ranking)
        if twin is not ranking:
            raise BadInput(
                f"{twin.experiment.path} and {ranking.experiment.path}: found one agent's grid twice in one "
                "environment; allowed with --across: once"
            )
    table = [[_find(of_agent, protocol, rankings) for protocol in protocols] for of_agent in agents.values()]
    _check_equally_many([ranking for row in table for ranking in row])
    pools = [np.concatenate([ranking.performance for ranking in column]) for column in zip(*table, strict=True)]
    normalised = chs_normalise(np.stack(pools))
    ends = np.cumsum([len(row[0].performance) for row in table])[:-1]
    return [Across(row, part) for row, part in zip(table, np.split(normalised, ends, axis=1), strict=True)]


def _protocol(ranking: SettingRanking) -> bytes:
    return orjson.dumps(ranking.experiment.environment, option=orjson.OPT_SORT_KEYS)


def _find(of_agent: dict[bytes, SettingRanking], protocol: bytes, rankings: Sequence[SettingRanking]) -> SettingRanking:
    """An agent's results in an environment.  Raises BadInput if there are none."""
    if protocol in of_agent:
        return of_agent[protocol]
    there = next(ranking.experiment for ranking in rankings if _protocol(ranking) == protocol)
    here = next(iter(of_agent.values())).experiment
    raise BadInput(
        f"{here.path}: found no results of this {here.agent_name} grid under the protocol of {there.path}; "
        "allowed with --across: every grid in every environment"
    )


def _check_equally_many(rankings: Sequence[SettingRanking]) -> None:
    """Raises BadInput if there is no run, or if a setting has more, failed ones included, in one place than another."""
    first = rankings[0]
    if not first.performance.size:
        raise BadInput(f"{first.experiment.path}: found no run; allowed: one or more")
    for other in rankings[1:]:
        counts = [ranking.performance.shape[1] for ranking in (first, other)]
        if counts[0] != counts[1]:
            raise BadInput(
                f"{first.experiment.path} and {other.experiment.path}: found {counts[0]} and {counts[1]} runs a "
                "setting; allowed with --across: as many everywhere"
            )
