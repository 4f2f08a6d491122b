"""Script that merges the result files of directories into data.json and prints which runs are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from utils.core.errors import BadInput, exit_on_bad_input

EXIT_LEFT_OUT = EXIT_STALE = 1
"""Exit codes if a file was left out, and if --check finds results that are not combined."""


@click.command(
    help="Merge the result files of each DIR into DIR/data.json and print which runs are missing. Only files that are "
    "new since the last call are read. Exit code: 0 done; 1 a file that is not a result, or with --sb3 a run that has "
    "not ended, was left out, or --check found a stale data.json; 2 nothing was written, because a DIR is missing, is "
    "empty, or has results that contradict each other."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
@click.option("--agent-json", metavar="FILE", help="Combine only results of this grid, which numbers the settings.")
@click.option("--env-json", metavar="FILE", help="Combine only results of this environment configuration.")
@click.option("--parquet", is_flag=True, help="Also write DIR/runs.parquet and DIR/episodes.parquet.")
@click.option(
    "--check",
    "checking",
    is_flag=True,
    help="Write nothing; report whether each DIR/data.json has all results of DIR. Exit code 1 if one has not.",
)
@click.option(
    "--sb3", "foreign_agent", metavar="AGENT",
    help="DIR has runs of Stable-Baselines3, a directory each: write a result for each, under this agent's name, then "
    "combine them. With --env-json: the protocol that they are known to have.",
)  # fmt: skip
@click.option("--archive", is_flag=True, help="After combining, move the result files into DIR/archive.tar.zst.")
def main(
    directories: tuple[str, ...],
    agent_json: str | None,
    env_json: str | None,
    parquet: bool,
    checking: bool,
    foreign_agent: str | None,
    archive: bool,
) -> None:
    """Run the command line."""
    with exit_on_bad_input():
        if checking:
            from utils.combining.freshness import check_directories

            if agent_json or env_json or parquet or archive or foreign_agent is not None:
                raise BadInput("--check: found with another option; allowed: --check and directories only")
            sys.exit(EXIT_STALE if check_directories(map(Path, directories)) else 0)
        from agent import AGENTS
        from utils.combining.combine_directories import combine_directories
        from utils.combining.selection import read_wanted_runs

        paths = {Path(directory).resolve(): Path(directory) for directory in directories}
        unfinished = 0
        if foreign_agent is not None:
            from utils.combining.sb3_results import write_all_sb3_results

            unfinished = write_all_sb3_results(paths.values(), foreign_agent, agent_json, env_json, AGENTS)
            env_json = None
        wanted = read_wanted_runs(agent_json, env_json, AGENTS)
        left_out = combine_directories(paths.values(), wanted, parquet, archive)
    sys.exit(EXIT_LEFT_OUT if left_out or unfinished else 0)


if __name__ == "__main__":
    main()
