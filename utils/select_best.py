"""The best setting of a sweep, how certain it is, and the commands that run it on fresh seeds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import exit_on_bad_input

if TYPE_CHECKING:
    from utils.analysis.ranking import SettingRanking
    from utils.analysis.runs_until import HalfWidthRule


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
@click.option("--fresh", type=click.IntRange(1), help="Number of fresh seeds to run.  [default: 30]")
@click.option(
    "--half-width", type=float, metavar="W",
    help="Instead of --fresh: run enough seeds for a 95% interval of the mean that reaches at most W to either side, "
    "estimated from the variation of the existing runs.",
)  # fmt: skip
@click.option(
    "--until", type=float, metavar="W",
    help="Instead of printing the commands: run fresh seeds, in groups, until the interval of the mean reaches at most "
    "W to either side. The same command goes on after an interruption.",
)  # fmt: skip
@click.option("--group", type=int, metavar="N", help="With --until: number of runs in a group.  [default: 10]")
@click.option("--most", type=int, metavar="N", help="With --until: largest number of runs.  [default: 100]")
@click.option(
    "--alpha", type=float,
    help="With --until: probability that the interval does not hold the mean at any look.  [default: 0.05]",
)  # fmt: skip
@click.option("--jobs", metavar="N|auto", help="With --until: see main.py --help.  [default: auto]")
@click.option(
    "--schedule", metavar="CLUSTER_JSON",
    help="With --until: submit the next group to SLURM by schedule.py. Run the same command again when it has ended.",
)  # fmt: skip
def main(
    directories: tuple[str, ...],
    across: bool,
    measure: str,
    names: tuple[str, ...],
    fresh: int | None,
    half_width: float | None,
    **adding: Any,
) -> None:
    """Run the command line."""
    from utils.analysis.best_setting import (
        DEFAULT_FRESH,
        config_names,
        read_rankings,
        rerun_lines,
        seeds_for_half_width,
        select_rankings,
    )
    from utils.analysis.runs_until import read_rule

    with exit_on_bad_input():
        rule = read_rule(across, fresh, half_width, adding)
        rankings = read_rankings(directories, measure)
        for warning in (warning for ranking in rankings for warning in ranking.experiment.warnings):
            click.echo(f"warning: {warning}", err=True)
        selected = select_rankings(rankings, across)
        for number, (ranking, name) in enumerate(zip(selected, config_names(names, len(selected)), strict=True)):
            click.echo(nl=number > 0)
            click.echo("\n".join(ranking.table_lines()) + "\n")
            if rule is not None:
                _add_runs(rankings[number], name, rule, adding)
                continue
            count = fresh or DEFAULT_FRESH
            if half_width is not None:
                count = seeds_for_half_width(rankings[number], half_width)
            click.echo("\n".join(rerun_lines(ranking, name, count)))


def _add_runs(ranking: SettingRanking, name: str | None, rule: HalfWidthRule, adding: dict[str, Any]) -> None:
    """Run fresh seeds until the rule stops, and print where that is.  adding: the options of --until."""
    from agent import AGENTS
    from utils.analysis.runs_until import run_until
    from utils.experiment.train_command import Where

    for line in run_until(ranking, name, rule, Where(adding["jobs"] or "auto", cluster=adding["schedule"]), AGENTS):
        click.echo(line)


if __name__ == "__main__":
    main()
