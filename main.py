"""Indices -> results: parse, resolve, build, run."""

from __future__ import annotations

import logging
import sys

import click

from utils.core.cli_types import DEFAULT_ENGINE, ENGINE_CHOICES, CountOrAuto
from utils.core.errors import BadInput, exit_on_bad_input
from utils.display.video import MAX_VIDEO_FRAMES


@click.command(help="Run the experiment that an agent and an environment configuration file describe.")
@click.argument("results", metavar="[RESULT]...", nargs=-1)
@click.option("--env-json", help="The environment's JSON configuration file.")
@click.option("--agent-json", help="The agent's JSON configuration file.")
@click.option(
    "--index", help="The hyperparameter setting and run to train: an integer, or a list of integers and "
    "ranges such as 0-9,36.  [default: 0]",
)  # fmt: skip
@click.option("--runs", type=click.IntRange(min=1), help="Train this many runs of every setting.")
@click.option(
    "--jobs", type=CountOrAuto(), metavar="N|auto", default="1", show_default=True,
    help="Processes that train at the same time, on one thread each; auto: as many as there are cores to use.",
)  # fmt: skip
@click.option(
    "--stack", type=CountOrAuto(), metavar="N|auto", default="auto", show_default=True,
    help="Runs at most that a process trains in lock-step; auto: by network size, memory and jobs. Results do not "
    "depend on it.",
)  # fmt: skip
@click.option(
    "-m", "--monitor", is_flag=True, help="Show the first run that is trained in a window, at watching speed; closing "
    f"it lets training go on. Without a display: its first {MAX_VIDEO_FRAMES} frames as an .mp4 beside the result.",
)  # fmt: skip
@click.option(
    "-a", "--after", type=click.IntRange(min=0), help="Training timesteps that pass before monitoring begins; only "
    "with -m.  [default: 0]",
)  # fmt: skip
@click.option(
    "--save-dir", default="results", show_default=True,
    help="Where results go: a relative name lies under results/, an absolute path is used as it is.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Train again what already has a result.")
@click.option(
    "--engine", type=click.Choice(ENGINE_CHOICES), default=DEFAULT_ENGINE, show_default=True,
    help="How agents are computed: operation by operation, compiled by a C++ compiler, or compiled where a run is "
    "long enough to win the time back.",
)  # fmt: skip
@click.option(
    "--checkpoint-minutes", type=click.FloatRange(min=0), default=10.0, show_default=True,
    help="Minutes from one checkpoint to the next; 0: none but when the process is told to stop.",
)  # fmt: skip
@click.option(
    "--verify", is_flag=True, help="Execute the runs of RESULT files again, each with the engine recorded there, and "
    "say whether they come out identical. Only --jobs and --stack apply.",
)  # fmt: skip
def main(
    results: tuple[str, ...], env_json: str | None, agent_json: str | None, index: str | None, runs: int | None,
    jobs: int | None, stack: int | None, monitor: bool, after: int | None, save_dir: str, force: bool, engine: str,
    checkpoint_minutes: float, verify: bool,
) -> None:  # fmt: skip
    """Entry point of the command line."""
    from utils.core.process_setup import limit_threads

    limit_threads()
    from utils.training.stack_trainer import Choices
    from utils.wiring.build import read_experiment
    from utils.wiring.run import chosen_indices, monitored_after, train, verify_all

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    with exit_on_bad_input():
        if verify:
            sys.exit(verify_all(results, Choices(jobs=jobs, stack=stack)))
        if results:
            raise BadInput(f"RESULT: found '{results[0]}' without --verify; allowed: result files with it, else none")
        if env_json is None or agent_json is None:
            raise BadInput(f"{'--agent-json' if env_json else '--env-json'}: found none; allowed: a configuration file")
        experiment = read_experiment(env_json, agent_json, save_dir)
        wanted = [experiment.run(i) for i in chosen_indices(experiment, index, runs)]
        shown_after = monitored_after(experiment, monitor, after, jobs)
        sys.exit(train(experiment, wanted, Choices(force, jobs, stack, engine, checkpoint_minutes, shown_after)))


if __name__ == "__main__":
    main()
