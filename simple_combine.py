"""Result files -> data.json, and a table of what is there and what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from utils.core.errors import exit_on_bad_input

if TYPE_CHECKING:
    from utils.combining.combine import Combination
    from utils.combining.selection import Wanted

EXIT_LEFT_OUT = 1


@click.command(
    help="Merge the result files in each DIR into DIR/data.json, and say which runs are missing. Read is what is new "
    "since the last call. Exit code: 0 done; 1 a file was no result and was left out; 2 an error: where a DIR is "
    "missing, empty or contradicts itself, nothing is written."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
@click.option("--agent-json", metavar="FILE", help="Combine the results of this grid, which numbers the settings.")
@click.option("--env-json", metavar="FILE", help="Combine the results of this environment configuration.")
@click.option("--parquet", is_flag=True, help="Write DIR/runs.parquet and DIR/episodes.parquet as well.")
@click.option("--archive", is_flag=True, help="Then move the result files into DIR/archive.tar.zst.")
def main(
    directories: tuple[str, ...], agent_json: str | None, env_json: str | None, parquet: bool, archive: bool
) -> None:
    """Entry point of the command line."""
    with exit_on_bad_input():
        wanted = read_wanted(agent_json, env_json)
        paths = {Path(directory).resolve(): Path(directory) for directory in directories}
        left_out = combine(paths.values(), wanted, parquet, archive)
    sys.exit(EXIT_LEFT_OUT if left_out else 0)


def read_wanted(agent_json: str | None, env_json: str | None) -> Wanted:
    """What the options name.  Raises BadInput."""
    from agent import AGENTS
    from utils.combining.selection import Wanted
    from utils.core.grid import Grid
    from utils.experiment.config import read_agent, read_environment, resolve_setting

    environment = read_environment(env_json).model_dump(mode="json") if env_json else None
    if agent_json is None:
        return Wanted(environment)
    agent = read_agent(agent_json, AGENTS)
    grid, model = Grid(agent.parameters, agent_json), AGENTS[agent.agent_name].hyperparameters
    resolved = (resolve_setting(grid.setting(number), model, agent_json) for number in range(len(grid)))
    settings = [setting.model_dump(mode="json") for setting in resolved]
    return Wanted(environment, agent.model_dump(mode="json"), settings)


def combine(directories: Iterable[Path], wanted: Wanted, parquet: bool = False, archive: bool = False) -> int:
    """Combine all directories or, if one of them is at fault, none.

    Returns how many files were left out.  Raises BadInput.
    """
    from utils.combining.combine import Combination, combining
    from utils.combining.parquet import write_tables

    left_out, chosen = 0, []
    with ExitStack() as stack:
        for directory in directories:
            combination = Combination(stack.enter_context(combining(directory)), wanted)
            left_out += said(combination)
            chosen.append((combination, combination.select()))
        for combination, selection in chosen:
            combination.write(selection)
            if parquet:
                write_tables(combination.path, combination.tree())
            if archive:
                left_out += archived(combination)
            click.echo(f"{combination.path}\n{selection.coverage().report()}")
    if left_out:
        click.echo(f"left out: {left_out} of the JSON files, named above", err=True)
    return left_out


def said(combination: Combination) -> int:
    """Say what is not in it, and what of it comes from unlike environments. Returns how many files are no results."""
    for complaint in combination.complaints:
        click.echo(f"left out: {complaint}", err=True)
    if combination.outside:
        click.echo(f"{combination.directory}: {combination.outside} results of another grid or protocol", err=True)
    for line in combination.unlike():
        click.echo(f"warning: {line}", err=True)
    return len(combination.complaints)


def archived(combination: Combination) -> int:
    """Move what was combined into the archive, and say so. Returns how many results stay out."""
    from utils.combining.archive_results import pack

    packed = pack(combination.directory, combination.packable())
    for line in packed.left:
        click.echo(f"left out: {line}", err=True)
    click.echo(f"{combination.directory}: {packed.removed} files moved into the archive")
    return len(packed.left)


if __name__ == "__main__":
    main()
