"""Script that exports runs to the tools that people look at runs with: `python utils/export.py DIR --to TOOL`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.errors import BadInput, exit_on_bad_input
from utils.exporting.catalogue import TOOLS

EXIT_LEFT_OUT = 1
"""Exit code if a file was left out."""


@click.command(
    help="Export the runs in each DIR, or data.json, to a tool: learning curves, training episodes, diagnostics and "
    "hyperparameters. Runs without a result are exported as far as they are known. A run that the output already has "
    "is not written again, unless its content has changed. Exit code: 0 done; 1 a file that is not a result was left "
    "out; 2 bad input."
)
@click.argument("directories", metavar="DIR...", nargs=-1, required=True)
@click.option("--to", type=click.Choice(list(TOOLS)), required=True, help="The tool.")
@click.option(
    "--output", metavar="WHERE", required=True, type=click.Path(path_type=Path),
    help="Directory that the tool's files are written to.",
)  # fmt: skip
@click.option(
    "--project", default="policy-params", show_default=True, help="Name of the project, in tools that have projects."
)
@click.option("--agent-json", metavar="FILE", help="With --env-json: what runs that have no result may belong to.")
@click.option("--env-json", metavar="FILE", help="With --agent-json: what runs that have no result may belong to.")
def main(
    directories: tuple[str, ...],
    to: str,
    output: Path,
    project: str,
    agent_json: str | None,
    env_json: str | None,
) -> None:
    """Run the command line."""
    with exit_on_bad_input():
        from agent import AGENTS
        from utils.exporting.export import export_directories
        from utils.wiring.build import read_experiment

        if (agent_json is None) != (env_json is None):
            raise BadInput("--agent-json and --env-json: found one of them; allowed: both, or none")
        named = read_experiment(env_json, agent_json) if agent_json and env_json else None
        left_out = export_directories([Path(each) for each in directories], to, output, project, AGENTS, named)
    sys.exit(EXIT_LEFT_OUT if left_out else 0)


if __name__ == "__main__":
    main()
