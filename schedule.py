"""Script that submits the missing runs of sweeps to SLURM and prints their status."""

from __future__ import annotations

import sys
from typing import Any

import click

from utils.core.cli_types import ENGINE_OPTION, IntegerList, StepList
from utils.core.errors import exit_on_bad_input

EXIT_FAILED = 1


@click.command(
    help="Submit the missing runs of the sweeps of AGENT_JSON... on ENV_JSON to SLURM, as arrays whose tasks call "
    "SCRIPT (main.py) in DIRECTORY, with results in DIRECTORY/results/SAVE_DIR. Runs that have results or that are "
    "already in the queue are not submitted, so the same command can be repeated at any time. Exit code: 0 done, "
    "1 SLURM or a file failed, 2 bad input."
)
@click.argument("cluster_json")
@click.argument("script")
@click.argument("directory")
@click.argument("env_json")
@click.argument("save_dir")
@click.argument("agent_jsons", metavar="AGENT_JSON...", nargs=-1, required=True)
@click.option(
    "--runs", type=IntegerList(count=True), required=True, metavar="N|LIST",
    help="Runs of every setting: N for 0 to N - 1, or a list of numbers and ranges such as 10-39.",
)  # fmt: skip
@click.option(
    "--settings", type=IntegerList(), metavar="LIST", help="Only these settings, such as 3,17.  [default: all]"
)
@click.option(
    "--force",
    is_flag=True,
    help="Submit runs that have results too; the old results are moved to the submission's folder.",
)
@click.option(
    "--strict", is_flag=True, help="Submit nothing if a setting is not allowed. Without it, such settings are left out."
)
@click.option(
    "--accept-mixed", is_flag=True, help="Copy results of another version of the code or environment, instead of "
    "refusing to, where a run has its result in another directory or is equal to one that has.",
)  # fmt: skip
@ENGINE_OPTION
@click.option(
    "--common-list", is_flag=True, help="Let each task take the next stack of a list until none is left, so that tasks "
    "on fast nodes train more, instead of giving each its own runs.",
)  # fmt: skip
@click.option("--keep-checkpoint", is_flag=True, help="Keep the last checkpoint of each run; see main.py --help.")
@click.option(
    "--extend", type=click.IntRange(min=1), metavar="N", help="Train to N timesteps, going on from runs of ENV_JSON "
    "whose checkpoints were kept; see main.py --help.",
)  # fmt: skip
@click.option(
    "--sbatch", multiple=True, metavar="OPTION", help="Another option of sbatch, in addition to those of CLUSTER_JSON, "
    "for mail or constraints. May be repeated.",
)  # fmt: skip
@click.option(
    "--then", type=StepList(("combine", "report")), default=(), metavar="STEPS",
    help="Also submit a closing job, which makes these steps once all tasks have ended, whether or not they failed: "
    "combine (simple_combine.py), or combine,report (also utils/report.py).",
)  # fmt: skip
@click.option("--pilot", is_flag=True, help="First measure the cost of a run of each shape, here, on one core.")
@click.option("--dry-run", is_flag=True, help="Print the plan and the exact scripts; submit nothing.")
@click.option("--yes", is_flag=True, help="Submit without asking.")
@click.option("--status", is_flag=True, help="Submit nothing; print the status of the runs.")
@click.option("--watch", is_flag=True, help="Print the status every minute until nothing runs.")
def main(pilot: bool, dry_run: bool, yes: bool, status: bool, watch: bool, **asked: Any) -> None:
    """Run the command line."""
    from utils.core.closed_pipe import discard_output
    from utils.slurm.commands import SlurmError
    from utils.slurm.request import Request
    from utils.wiring.scheduling import load_cluster, print_status, read_experiments, schedule_sweeps

    request = Request(**asked)
    with exit_on_bad_input():
        try:
            cluster, experiments = load_cluster(request), read_experiments(request)
            if status or watch:
                print_status(request, experiments, watch)
            else:
                schedule_sweeps(request, cluster, experiments, pilot, dry_run, yes)
        except BrokenPipeError:  # The reader of a status has gone, as in `--status | head`.
            discard_output()
        except (SlurmError, OSError) as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
