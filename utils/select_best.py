"""The best setting of a sweep, how sure that is, and the commands that run it on fresh seeds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.errors import BadInput

if TYPE_CHECKING:
    from utils.ranking import Selection
    from utils.rerun import Rerun

EXIT_BAD_INPUT = 2


@click.command(
    help="Rank the settings of each DIR's data.json, and say how to run the best on seeds that did not choose it."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
@click.option(
    "--measure", type=click.Choice(["final", "area"]), default="final", show_default=True,
    help="What settings are ranked by: mean return over the last half of training, or over all of it.",
)  # fmt: skip
@click.option(
    "--write", "names", metavar="NAME", multiple=True,
    help="Write the best setting to config/agent/NAME.json. Give it once for each DIR, in their order.",
)  # fmt: skip
@click.option("--fresh", type=click.IntRange(1), default=30, show_default=True, help="How many fresh seeds to run.")
@click.option(
    "--half-width", type=float, metavar="W",
    help="Instead of --fresh: as many seeds as make a 95% interval of the mean no wider than W to either side, "
    "going by how much the runs there are differ.",
)  # fmt: skip
def main(
    directories: tuple[str, ...], measure: str, names: tuple[str, ...], fresh: int, half_width: float | None
) -> None:
    """Entry point of the command line."""
    try:
        if names and len(names) != len(directories):
            raise BadInput(f"--write: found {len(names)} names; allowed: one for each DIR, {len(directories)}")
        selections = read_selections(directories, measure)
        for number, selection in enumerate(selections):
            name = names[number] if names else f"{selection.experiment.path.resolve().parent.name}_best"
            report(selection, name, bool(names), seeds(selection, fresh, half_width))
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)


def read_selections(directories: tuple[str, ...], measure: str) -> list[Selection]:
    """What the directories hold, ranked.  Raises BadInput."""
    from utils.experiment import read_experiments
    from utils.ranking import Selection

    return [Selection(experiment, measure) for path in directories for experiment in read_experiments([Path(path)])]


def seeds(selection: Selection, fresh: int, half_width: float | None) -> int:
    """How many fresh seeds to run.  Raises BadInput for a half width that says nothing of that."""
    from utils.grid import MOST_INDICES
    from utils.stats import FEWEST, seeds_needed

    if half_width is None:
        return fresh
    samples = selection.samples
    if len(samples) < FEWEST:
        raise BadInput(f"--half-width: the best setting has {len(samples)} runs; allowed: {FEWEST} or more, or --fresh")
    if not 0 < half_width < float("inf"):
        raise BadInput(f"--half-width: found {half_width}; allowed: a number above 0")
    count = len(samples) + seeds_needed(samples, half_width)
    if count > MOST_INDICES:
        raise BadInput(f"--half-width: {half_width} takes {count} seeds; allowed: what takes {MOST_INDICES} or fewer")
    return count


def report(selection: Selection, name: str, writing: bool, count: int) -> None:
    """Print the table and the commands, with the configurations they need or after writing them.  Raises BadInput."""
    from utils.rerun import Rerun

    rerun = Rerun(selection.experiment, selection.best, check_name(name))
    commands = rerun.commands(selection.first_fresh, count)
    click.echo("\n".join(selection.lines()))
    if writing:
        click.echo("\n".join(f"written: {path}" for path in rerun.write()))
    else:
        show_files(rerun)
    click.echo(f"\nTo report setting {selection.best} on {count} fresh seeds:\n" + "\n".join(commands))


def show_files(rerun: Rerun) -> None:
    """The configurations that the commands need and --write would write."""
    click.echo(f"\n{rerun.agent_json}, which --write {rerun.name} writes:\n{rerun.agent()}", nl=False)
    if rerun.known_environment() is None:
        click.echo(f"\n{rerun.env_json}, which it writes too:\n{rerun.environment()}", nl=False)


def check_name(name: str) -> str:
    """The same.  Raises BadInput for what is no file's name."""
    if not name or name.startswith((".", "-")) or Path(name).name != name:
        raise BadInput(f"--write: found '{name}'; allowed: a name without directory and ending")
    return name.removesuffix(".json")


if __name__ == "__main__":
    main()
