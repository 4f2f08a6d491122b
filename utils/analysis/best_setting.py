"""The best setting of a sweep, and the commands that report it on fresh seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from utils.analysis.combined_results import read_combined_results
from utils.analysis.cross_environment import CrossEnvironmentRanking, rank_across_environments
from utils.analysis.ranking import SettingRanking
from utils.analysis.rerun_commands import describe_config_files, make_reruns, write_config_files
from utils.core.errors import BadInput
from utils.core.indices import MAX_INDICES
from utils.results.foreign import foreign_source
from utils.stats.intervals import MIN_SAMPLES, seeds_needed

DEFAULT_FRESH = 30
"""Number of fresh seeds, by default."""

AnyRanking = SettingRanking | CrossEnvironmentRanking
"""A ranking of an agent's settings in one environment or across several."""


def read_rankings(directories: Sequence[str], measure: str) -> list[SettingRanking]:
    """Read and rank the settings of each directory's data.json.

    Raises BadInput if one cannot be read, or another program computed its results, which have no settings.
    """
    experiments = [each for path in directories for each in read_combined_results([Path(path)])]
    for experiment in experiments:
        foreign = foreign_source(experiment.environment)
        if foreign:
            raise BadInput(f"{experiment.path}: found results of {foreign.program}; allowed: of main.py's settings")
    return [SettingRanking(experiment, measure) for experiment in experiments]


def select_rankings(rankings: Sequence[SettingRanking], across: bool) -> Sequence[AnyRanking]:
    """Return the rankings to report: each one, or with across one for each agent over all environments.

    Raises BadInput if there is nothing to rank, or if the results of --across do not cover every environment.
    """
    if across:
        return rank_across_environments(rankings)
    for ranking in rankings:
        ranking.check_has_runs()
    return rankings


def config_names(names: Sequence[str], count: int) -> list[str | None]:
    """Return the name of each of `count` configurations; None for each if no names are given.

    Raises BadInput for a wrong number of names, and for a name that is not a file name.
    """
    if not names:
        return [None] * count
    if len(names) != count:
        raise BadInput(f"--write: found {len(names)} names; allowed: one for each configuration, {count}")
    for name in names:
        if not name or name.startswith((".", "-")) or Path(name).name != name:
            raise BadInput(f"--write: found '{name}'; allowed: a file name that does not begin with '.' or '-'")
    return [name.removesuffix(".json") for name in names]


def seeds_for_half_width(ranking: SettingRanking, half_width: float) -> int:
    """Return how many fresh seeds give an interval of the mean of this half-width.

    Raises BadInput if the best setting has too few runs, or the half-width is not positive or needs too many seeds.
    """
    samples = ranking.best_performance
    if len(samples) < MIN_SAMPLES:
        raise BadInput(
            f"--half-width: the best setting has {len(samples)} runs; allowed: {MIN_SAMPLES} or more, or --fresh"
        )
    if not 0 < half_width < float("inf"):
        raise BadInput(f"--half-width: found {half_width}; allowed: a number above 0")
    count = len(samples) + seeds_needed(samples, half_width)
    if count > MAX_INDICES:
        raise BadInput(f"--half-width: {half_width} needs {count} seeds; allowed: at most {MAX_INDICES} seeds")
    return count


def rerun_lines(ranking: AnyRanking, name: str | None, count: int) -> Iterator[str]:
    """Yield the commands that run the best setting on fresh seeds, after the configurations they need.

    name: name of the configurations to write; None: their content is only shown.  count: number of fresh seeds.
    Raises BadInput if a configuration cannot be written.
    """
    reruns = make_reruns(ranking.experiments, ranking.best, name or ranking.default_name)
    commands = [command for rerun in reruns for command in rerun.commands(ranking.first_fresh_run, count)]
    if name is None:
        yield from describe_config_files(reruns)
    else:
        yield from (f"written: {path}" for path in write_config_files(reruns))
    values = ranking.experiments[0].describe_setting(ranking.best)
    setting = f"setting {ranking.best}{f' ({values})' if values else ''}"
    yield from ["", f"To report {setting} on {count} fresh seeds:", *commands]
