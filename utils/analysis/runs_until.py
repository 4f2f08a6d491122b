"""Fresh runs of the best setting, added in groups until the interval of their mean is short enough."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from utils.analysis.growing_runs import GrowingRuns, announce_submission
from utils.analysis.ranking import SettingRanking
from utils.analysis.rerun_commands import make_reruns, write_config_files
from utils.analysis.stop_record import Stop, write_stop
from utils.core.errors import BadInput
from utils.core.indices import MAX_INDICES
from utils.experiment.train_command import TrainCommand, Where
from utils.stats.intervals import MIN_SAMPLES, check_fraction
from utils.stats.looks import Looks, ShortInterval, find_short_interval
from utils.stats.sample_warnings import join_warnings, sample_warnings

DEFAULT_GROUP, DEFAULT_MOST, DEFAULT_ALPHA = 10, 100, 0.05
"""Number of runs that a look adds, largest number of runs, and error rate of all looks together."""


@dataclass(frozen=True)
class HalfWidthRule:
    """When to stop: at the first look at which the interval of the mean reaches at most half_width to either side.

    alpha: 1 - the confidence with which the intervals of all looks hold.
    """

    half_width: float
    looks: Looks
    alpha: float = DEFAULT_ALPHA

    def find(self, performance: np.ndarray) -> ShortInterval:
        """Return where the rule stops among the runs of some looks, or the last of these looks."""
        return find_short_interval(performance, self.looks, self.half_width, 1 - self.alpha)

    def describe(self, found: ShortInterval, performance: np.ndarray) -> str:
        """Return in words what the rule is, where it has stopped, and the interval.  performance: of these runs."""
        looks, failed = self.looks, int(np.isnan(performance).sum())
        until = f"the interval of the mean reaches at most {self.half_width:g} to either side"
        runs = f"{len(performance)} runs" + f", {failed} of them failed and counted as the worst" * bool(failed)
        where = f"at look {found.look} of" if found.reached else "not after all"
        end = f"It does {where} {looks.count}{'' if found.reached else ' looks'}, with {runs}"
        return (
            f"Runs were added in groups of {looks.group}, up to {looks.most}, until {until}. {end}: mean "
            f"{found.mean:.5g}, interval {found.low:.5g} to {found.high:.5g}. The intervals of all {looks.count} looks "
            f"hold together with {100 * (1 - self.alpha):g}% confidence."
        )


def read_rule(
    across: bool, fresh: int | None, half_width: float | None, adding: Mapping[str, Any]
) -> HalfWidthRule | None:
    """Return the rule of select_best.py's options; None without --until.  Raises BadInput if they do not fit.

    adding: "until", and "group", "most", "alpha", "jobs" and "schedule", which need it; None if not given.
    """
    until = adding["until"]
    for option, value in (("--half-width", half_width), ("--until", until)):
        if across and value is not None:
            raise BadInput(
                f"{option}: found with --across; allowed: one of them, as W is in units of one environment's return"
            )
    if until is None:
        for name, value in adding.items():
            if value is not None:
                raise BadInput(f"--{name}: found without --until; allowed: with it")
        return None
    for option, value in (("--half-width", half_width), ("--fresh", fresh)):
        if value is not None:
            raise BadInput(f"{option}: found with --until; allowed: one of the two")
    defaults: dict[str, Any] = {"group": DEFAULT_GROUP, "most": DEFAULT_MOST, "alpha": DEFAULT_ALPHA}
    given = {name: default if adding[name] is None else adding[name] for name, default in defaults.items()}
    return _make_rule(until, **given)


def _make_rule(half_width: float, group: int, most: int, alpha: float) -> HalfWidthRule:
    """Return a rule.  Raises BadInput, naming the option, if a number is out of range."""
    if not 0 < half_width < float("inf"):
        raise BadInput(f"--until: found {half_width}; allowed: a number above 0")
    if most > MAX_INDICES:
        raise BadInput(f"--most: found {most}; allowed: at most {MAX_INDICES}")
    try:
        check_fraction("alpha", alpha)
        return HalfWidthRule(half_width, Looks(group, most), alpha)
    except ValueError as error:
        raise BadInput(f"--{error}") from error


def run_until(
    ranking: SettingRanking, name: str | None, rule: HalfWidthRule, where: Where, agents: Mapping[str, Any]
) -> Iterator[str]:
    """Write the best setting's configuration, add fresh runs until the rule stops, and yield what to print.

    name: name of the configuration and of the results' directory; None: made from the sweep's directory.
    agents: entries of `agent.AGENTS`, by name.
    The runs are those of the seeds after the sweep's, in order: which look the rule stops at depends on nothing else.
    Raises BadInput; exits with the code of a command that fails.
    """
    rerun = make_reruns([ranking.experiment], ranking.best, name or ranking.default_name)[0]
    yield from (f"written: {path}" for path in write_config_files([rerun]))
    files = TrainCommand(str(rerun.env_json), str(rerun.agent_json), rerun.name)
    growing, first = GrowingRuns(files, agents, ranking.measure), ranking.first_fresh_run
    where = Where(where.jobs, rerun.engine() or where.engine, where.cluster)
    grown = _grow(growing, first, rule, where)
    if grown is None:
        return
    performance, found = grown
    growing.combine()
    text = rule.describe(found, performance)
    stop = Stop(
        rule="half-width", group=rule.looks.group, most=rule.looks.most, alpha=rule.alpha, looks=found.look,
        first_run=first, runs=len(performance), reached=found.reached, text=text,
    )  # fmt: skip
    write_stop(growing.experiment.directory, stop)
    yield from ["", text]
    finite = performance[~np.isnan(performance)]
    if len(finite) >= MIN_SAMPLES and (warnings := sample_warnings(finite)):
        yield join_warnings(warnings)
    yield rerun.commands(first, len(performance))[-1]


def _grow(
    growing: GrowingRuns, first: int, rule: HalfWidthRule, where: Where
) -> tuple[np.ndarray, ShortInterval] | None:
    """Return the performance of the runs where the rule stops, and the interval; None if runs have been submitted."""
    for look in range(1, rule.looks.count + 1):
        completed = growing.complete(range(first, first + look * rule.looks.group), where)
        if completed is None:
            announce_submission(look)
            return None
        performance = completed[0]
        found = rule.find(performance)
        if found.reached:
            break
    return performance, found
