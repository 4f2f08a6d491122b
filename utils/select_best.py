"""The best setting of a sweep, how certain it is, and the commands that run it on fresh seeds."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import BadInput, exit_on_bad_input


@click.command(
    help="Rank the settings of each DIR's data.json, and print how to run the best one on seeds that did not choose it."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
@click.option(
    "--across", is_flag=True,
    help="Choose one setting of each agent for all environments. DIR...: results of every agent in every environment.",
)  # fmt: skip
@click.option(
    "--measure", type=click.Choice(["final", "area"]), default="final", show_default=True,
    help="Performance that settings are ranked by: mean return over the last half of training, or over all of it.",
)  # fmt: skip
@click.option(
    "--write", "names", metavar="NAME", multiple=True,
    help="Write the best setting to config/agent/NAME.json. Give it once for each DIR, or with --across for each "
    "agent, in the same order.",
)  # fmt: skip
@click.option("--fresh", type=click.IntRange(1), default=30, show_default=True, help="Number of fresh seeds to run.")
@click.option(
    "--half-width", type=float, metavar="W",
    help="Instead of --fresh: run enough seeds for a 95% interval of the mean that reaches at most W to either side, "
    "estimated from the variation of the existing runs.",
)  # fmt: skip
def main(
    directories: tuple[str, ...],
    across: bool,
    measure: str,
    names: tuple[str, ...],
    fresh: int,
    half_width: float | None,
) -> None:
    """Run the command line."""
    from utils.analysis.best_setting import (
        config_names,
        read_rankings,
        rerun_lines,
        seeds_for_half_width,
        select_rankings,
    )

    with exit_on_bad_input():
        rankings = read_rankings(directories, measure)
        for warning in (warning for ranking in rankings for warning in ranking.experiment.warnings):
            click.echo(f"warning: {warning}", err=True)
        if across and half_width is not None:
            raise BadInput(
                "--half-width: found with --across; allowed: one of them, as W is in units of one environment's return"
            )
        selected = select_rankings(rankings, across)
        for number, (ranking, name) in enumerate(zip(selected, config_names(names, len(selected)), strict=True)):
            count = fresh if half_width is None else seeds_for_half_width(rankings[number], half_width)
            click.echo(nl=number > 0)
            click.echo("\n".join(ranking.table_lines()) + "\n")
            click.echo("\n".join(rerun_lines(ranking, name, count)))


if __name__ == "__main__":
    main()
