"""Script that re-obtains a published study: `python utils/run_study.py config/studies/STUDY.json`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click

from utils.core.cli_types import ENGINE_OPTION
from utils.core.errors import exit_on_bad_input


@click.command(
    help="Train the runs of STUDY.json that are missing, choose the best setting of each arm, run it on fresh seeds, "
    "test each claim, and write the page docs/studies/STUDY.md with its figures and a row for each run. The same "
    "command goes on after an interruption; runs whose rows are kept are not trained again, also without results. "
    "Exit code: 0 done; 1 a run failed, and the others are done; 2 bad input; that of main.py or schedule.py if it is "
    "stopped or refused (75: stopped, run the same command again)."
)
@click.argument("study", metavar="STUDY", type=click.Path(path_type=Path))
@click.option(
    "--jobs", default="auto", show_default=True, help="Number of training processes, or auto; see main.py --help."
)
@ENGINE_OPTION
@click.option(
    "--cluster", metavar="CLUSTER_JSON", default=None,
    help="Submit the missing runs to SLURM by schedule.py, and write the page of what is there. Run the same command "
    "again when they have ended.",
)  # fmt: skip
@click.option("--page-only", is_flag=True, help="Train nothing; collect results, and write the page.")
@click.option(
    "--out", default=Path("docs/studies"), show_default=True, type=click.Path(path_type=Path),
    help="Directory of the page.",
)  # fmt: skip
def main(study: Path, jobs: str, engine: str, cluster: str | None, page_only: bool, out: Path) -> None:
    """Run the command line."""
    from agent import AGENTS
    from utils.experiment.train_command import Where
    from utils.studies.campaign import run_study

    with exit_on_bad_input():
        run_study(study, None if page_only else Where(jobs, engine, cluster), AGENTS, out)


if __name__ == "__main__":
    main()
