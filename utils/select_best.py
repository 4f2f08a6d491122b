"""The best setting of a sweep, how sure that is, and the commands that run it on fresh seeds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import BadInput, exit_on_bad_input

if TYPE_CHECKING:
    from utils.analysis.cross_environment import Across
    from utils.analysis.ranking import SettingRanking


@click.command(
    help="Rank the settings of each DIR's data.json, and say how to run the best on seeds that did not choose it."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
@click.option(
    "--across", "together", is_flag=True,
    help="One setting of each agent for all environments: results of every agent in every one of them are given.",
)  # fmt: skip
@click.option(
    "--measure", type=click.Choice(["final", "area"]), default="final", show_default=True,
    help="What settings are ranked by: mean return over the last half of training, or over all of it.",
)  # fmt: skip
@click.option(
    "--write", "names", metavar="NAME", multiple=True,
    help="Write the best setting to config/agent/NAME.json. Give it once for each DIR, or with --across each agent, "
    "in their order.",
)  # fmt: skip
@click.option("--fresh", type=click.IntRange(1), default=30, show_default=True, help="How many fresh seeds to run.")
@click.option(
    "--half-width", type=float, metavar="W",
    help="Instead of --fresh: as many seeds as make a 95% interval of the mean no wider than W to either side, "
    "going by how much the runs there are differ.",
)  # fmt: skip
def main(
    directories: tuple[str, ...],
    together: bool,
    measure: str,
    names: tuple[str, ...],
    fresh: int,
    half_width: float | None,
) -> None:
    """Entry point of the command line."""
    with exit_on_bad_input():
        rankings = read_rankings(directories, measure)
        if together and half_width is not None:
            raise BadInput("--half-width: found with --across; allowed: for one environment, whose returns it is in")
        found: Sequence[SettingRanking | Across] = join(rankings) if together else rankings
        for number, (each, name) in enumerate(zip(found, checked(names, len(found)), strict=True)):
            count = fresh if half_width is None else seeds(rankings[number], half_width)
            click.echo(nl=number > 0)
            report(each, name, count)


def read_rankings(directories: Sequence[str], measure: str) -> list[SettingRanking]:
    """What the directories hold, ranked.  Raises BadInput."""
    from utils.analysis.combined_results import read_combined_results
    from utils.analysis.ranking import SettingRanking

    return [
        SettingRanking(experiment, measure)
        for path in directories
        for experiment in read_combined_results([Path(path)])
    ]


def join(rankings: Sequence[SettingRanking]) -> list[Across]:
    """By agent.  Raises BadInput."""
    from utils.analysis.cross_environment import across

    return across(rankings)


def checked(names: Sequence[str], count: int) -> list[str | None]:
    """A name for each configuration; None for each if none is to be written.  Raises BadInput."""
    if not names:
        return [None] * count
    if len(names) != count:
        raise BadInput(f"--write: found {len(names)} names; allowed: one for each configuration, {count}")
    for name in names:
        if not name or name.startswith((".", "-")) or Path(name).name != name:
            raise BadInput(f"--write: found '{name}'; allowed: a name without directory and ending")
    return [name.removesuffix(".json") for name in names]


def seeds(ranking: SettingRanking, half_width: float) -> int:
    """How many fresh seeds that precision takes.  Raises BadInput."""
    from utils.core.indices import MAX_INDICES
    from utils.stats.intervals import MIN_SAMPLES, seeds_needed

    samples = ranking.samples
    if len(samples) < MIN_SAMPLES:
        raise BadInput(
            f"--half-width: the best setting has {len(samples)} runs; allowed: {MIN_SAMPLES} or more, or --fresh"
        )
    if not 0 < half_width < float("inf"):
        raise BadInput(f"--half-width: found {half_width}; allowed: a number above 0")
    count = len(samples) + seeds_needed(samples, half_width)
    if count > MAX_INDICES:
        raise BadInput(f"--half-width: {half_width} takes {count} seeds; allowed: what takes {MAX_INDICES} or fewer")
    return count


def report(found: SettingRanking | Across, name: str | None, count: int) -> None:
    """Print the table and the commands, with the configurations they need or, by a name, after writing them.

    Raises BadInput.
    """
    from utils.analysis.rerun_commands import reruns, show, write

    click.echo("\n".join(found.lines()) + "\n")
    wanted = reruns(found.experiments, found.best, name or found.default_name)
    commands = [command for rerun in wanted for command in rerun.commands(found.first_fresh, count)]
    files = show(wanted) if name is None else [f"written: {path}" for path in write(wanted)]
    click.echo("\n".join([*files, "", f"To report setting {found.best} on {count} fresh seeds:", *commands]))


if __name__ == "__main__":
    main()
