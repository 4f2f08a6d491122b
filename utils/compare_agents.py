"""Script that trains agents in environments and compares them: `python utils/compare_agents.py COMPARISON.json`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.cli_types import ENGINE_OPTION
from utils.core.errors import exit_on_bad_input


@click.command(
    help="Train the agents listed in each COMPARISON.json in its environments, draw figures for each environment and "
    "write a table, plots/COMPARISON.md. Runs that have a result are not trained again. With the key 'until', runs are "
    "added in groups until the agents are decided. Exit code: 0 done; "
    "2 bad input; that of main.py or simple_combine.py if one of them fails."
)
@click.argument("comparisons", metavar="COMPARISON...", nargs=-1, required=True)
@click.option(
    "--jobs", default="1", show_default=True, help="Number of training processes, or auto; see main.py --help."
)
@ENGINE_OPTION
@click.option(
    "--save-dir", default="comparison", show_default=True,
    help="Directory of the results, as for main.py. It gets a subdirectory for each COMPARISON.",
)  # fmt: skip
@click.option(
    "--schedule", metavar="CLUSTER_JSON",
    help="With the key 'until': submit the next group to SLURM by schedule.py, and draw nothing before the last. Run "
    "the same command again when it has ended.",
)  # fmt: skip
def main(comparisons: tuple[str, ...], jobs: str, engine: str, save_dir: str, schedule: str | None) -> None:
    """Run the command line."""
    from agent import AGENTS
    from utils.experiment.train_command import Where
    from utils.plotting.comparison_run import run_comparisons

    with exit_on_bad_input():
        run_comparisons([Path(path) for path in comparisons], save_dir, Where(jobs, engine, schedule), AGENTS)


if __name__ == "__main__":
    main()
