"""A comparison whose number of runs depends on the runs: until agents are decided, or intervals are short enough.

Each agent of a comparison has one setting, or one for each value of the hyperparameter `by`: the best of several,
chosen on the runs that are tested, would be tested on runs that favour it. The runs of an agent's file are added while
any of its settings is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from utils.analysis.growing_runs import GrowingRuns, announce_submission
from utils.analysis.number_format import format_number
from utils.analysis.setting_choice import SettingChoice
from utils.analysis.stop_record import Stop
from utils.core.errors import BadInput
from utils.core.markdown import markdown_table
from utils.experiment.train_command import Where
from utils.stats.looks import Looks, ShortInterval, find_short_interval, without_failures
from utils.stats.sequential import MOST_AGENTS, decision_looks

DECISION_COLUMNS = ("environment", "a", "b", "mean a \N{MINUS SIGN} mean b", "decision", "look", "runs of each")
INTERVAL_COLUMNS = ("environment", "agent", "mean", "interval", "short enough", "look", "runs")
"""Columns of the tables of where rules have stopped."""

OPEN = 0
"""What `decision_looks` returns for a pair that is not decided."""


@dataclass(frozen=True)
class StopRule:
    """When runs are no longer added.

    half_width: of the interval of each mean; None: until every pair is decided.
    alpha: of one environment: the error of all its decisions, or 1 - the confidence of each interval at all looks.
    first_run: number of the first run.
    """

    looks: Looks
    alpha: float
    half_width: float | None
    first_run: int = 0

    def describe(self, environments: int) -> str:
        """Return the rule in words."""
        looks = self.looks
        added = f"Runs were added in groups of {looks.group}, up to {looks.most},"
        if self.half_width is not None:
            return (
                f"{added} until the interval of each mean reaches at most {self.half_width:g} to either side. The "
                f"intervals of all {looks.count} looks at an agent hold together with {100 * (1 - self.alpha):g}% "
                "confidence. Failed runs count as the worst of the agent's others."
            )
        everywhere = "pairs, looks and environments" if environments > 1 else "pairs and looks"
        return (
            f"{added} until every pair of agents is decided, by closed permutation tests within the groups (AdaStop, "
            f"arXiv 2306.10882, with Welch's statistic). The probability of any wrong decision, over all {everywhere}, "
            f"is at most {100 * self.alpha * environments:g}%. Failed runs count as the worst of those compared."
        )


@dataclass(frozen=True)
class Stopped:
    """Where a rule has stopped in an environment.

    performance: of each setting, (n,), the runs that count, NaN for a failed one.
    decided: (E, E) looks at which pairs were decided, see `decision_looks`.
    intervals: of each setting, for a rule about them.
    """

    rule: StopRule
    performance: Sequence[np.ndarray]
    decided: np.ndarray
    intervals: Sequence[ShortInterval]

    @property
    def reached(self) -> bool:
        """Whether every pair is decided, or every interval is short enough."""
        if self.intervals:
            return all(one.reached for one in self.intervals)
        return all(self.decided[pair] != OPEN for pair in combinations(range(len(self.performance)), 2))

    def decision_rows(self, environment: str, names: Sequence[str]) -> list[list[str]]:
        """Return the rows of a table with DECISION_COLUMNS.  names: of the settings."""
        rows, group = [], self.rule.looks.group
        for a, b in combinations(range(len(names)), 2):
            look = int(self.decided[a, b])
            n = look * group if look != OPEN else min(len(self.performance[a]), len(self.performance[b]))
            first, second = without_failures(np.stack([self.performance[each][:n] for each in (a, b)]))
            difference = float(first.mean() - second.mean())
            better = names[a] if difference > 0 else names[b]
            decision = "open" if look == OPEN else f"{better} is better"
            taken = str(n // group)
            rows.append([environment, names[a], names[b], format_number(difference), decision, taken, str(n)])
        return rows

    def interval_rows(self, environment: str, names: Sequence[str]) -> list[list[str]]:
        """Return the rows of a table with INTERVAL_COLUMNS.  names: of the settings."""
        return [
            [
                environment, name, format_number(one.mean), f"{one.low:.4g} to {one.high:.4g}",
                "yes" if one.reached else "no", str(one.look), str(one.look * self.rule.looks.group),
            ]
            for name, one in zip(names, self.intervals, strict=True)
        ]  # fmt: skip


def check_settings(experiments: Sequence[GrowingRuns], by: str | None, decides: bool) -> None:
    """Check that no setting has to be chosen, and the number of settings to decide between.  Raises BadInput.

    by: hyperparameter whose values are compared.
    """
    count = 0
    for each in experiments:
        grid, source = each.experiment.grid, each.experiment.agent_source
        compared = len(grid.values(by)) if by in each.experiment.agent.parameters else 1
        if len(grid) != compared:
            raise BadInput(
                f"{source}: found {len(grid)} settings with 'until'; allowed: one for each agent, or for each value of "
                "'by'; choose the best first, with utils/select_best.py"
            )
        count += len(grid)
    if decides and not 2 <= count <= MOST_AGENTS:
        raise BadInput(f"'until': found {count} agents to decide between; allowed: 2 to {MOST_AGENTS}, or 'half_width'")


def add_groups(experiments: Sequence[GrowingRuns], rule: StopRule, where: Where) -> Stopped | None:
    """Add groups of runs to the settings of experiments until the rule stops; None if runs have been submitted.

    Looks are at the runs in the order of their numbers. Exits with the code of a command that fails.  Raises BadInput.
    """
    sizes = [len(each.experiment.grid) for each in experiments]
    owner = np.repeat(np.arange(len(experiments)), sizes)
    performance: list[np.ndarray] = [np.empty(0)] * sum(sizes)
    still = np.ones(sum(sizes), bool)
    for look in range(1, rule.looks.count + 1):
        runs, submitted = range(rule.first_run, rule.first_run + look * rule.looks.group), False
        for number in sorted(set(owner[still])):
            found = experiments[number].complete(runs, where)
            if found is None:
                submitted = True
                continue
            for place, one in zip(np.flatnonzero(owner == number), found, strict=True):
                performance[place] = one if still[place] else performance[place]
        if submitted:
            announce_submission(look)
            return None
        stopped = _stop(performance, rule)
        still = _open_settings(stopped, still)
        if not still.any():
            break
    return stopped


def _stop(performance: Sequence[np.ndarray], rule: StopRule) -> Stopped:
    """Return what the rule says of the runs so far."""
    if rule.half_width is not None:
        intervals = [find_short_interval(one, rule.looks, rule.half_width, 1 - rule.alpha) for one in performance]
        return Stopped(rule, list(performance), np.zeros((0, 0), int), intervals)
    looks, group = max(map(len, performance)) // rule.looks.group, rule.looks.group
    runs = np.full((len(performance), looks * group), np.nan)
    for row, one in zip(runs, performance, strict=True):
        row[: len(one)] = one
    grouped = runs.reshape(len(runs), looks, group).swapaxes(0, 1)
    return Stopped(rule, list(performance), decision_looks(grouped, rule.looks.count, rule.alpha), [])


def _open_settings(stopped: Stopped, still: np.ndarray) -> np.ndarray:
    """Return which settings need more runs.  still: (E,) those that have got some at the last look."""
    if stopped.intervals:
        return still & np.array([not one.reached for one in stopped.intervals])
    undecided = (stopped.decided == OPEN) & ~np.eye(len(stopped.decided), dtype=bool)
    return np.asarray(undecided.any(1))


def stop_tables(columns: Mapping[str, Sequence[SettingChoice]], stops: Mapping[str, Stopped]) -> list[str]:
    """Return the table of where the rule has stopped in each environment, and the rule in words.

    columns: the compared settings by environment.
    """
    rule = next(iter(stops.values())).rule
    decides, rows = rule.half_width is None, []
    for environment, stopped in stops.items():
        names = [choice.name for choice in columns[environment]]
        rows += stopped.decision_rows(environment, names) if decides else stopped.interval_rows(environment, names)
    return [markdown_table(DECISION_COLUMNS if decides else INTERVAL_COLUMNS, rows), rule.describe(len(stops))]


def stop_record(stopped: Stopped, environments: int, place: int) -> Stop:
    """Return the record of an agent's runs.  environments: number of them.  place: number of its setting."""
    looks, n = stopped.rule.looks, len(stopped.performance[place])
    aim = "very interval is short enough" if stopped.intervals else "very pair is decided"
    end = f"{'E' if stopped.reached else 'Not e'}{aim}; this agent has {n} runs, after {n // looks.group} looks."
    return Stop(
        rule="half-width" if stopped.intervals else "decision", group=looks.group, most=looks.most,
        alpha=stopped.rule.alpha, looks=n // looks.group, first_run=stopped.rule.first_run, runs=n,
        reached=stopped.reached, text=f"{stopped.rule.describe(environments)} {end}",
    )  # fmt: skip
