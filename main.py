"""Script that trains runs of an experiment, given by index, and writes a result for each."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path

import click

from utils.core.cli_types import DEFAULT_CHECKPOINT_MINUTES, DEFAULT_ENGINE, ENGINE_CHOICES, CountOrAuto
from utils.core.errors import BadInput, exit_on_bad_input
from utils.core.process_setup import fix_string_hashes
from utils.display.video import MAX_VIDEO_FRAMES


@click.command(help="Train runs of the experiment that an agent's and an environment's configuration file define.")
@click.argument("results", metavar="[RESULT]...", nargs=-1)
@click.option("--env-json", help="The environment's JSON configuration file.")
@click.option("--agent-json", help="The agent's JSON configuration file.")
@click.option(
    "--index", help="Indices to train, each a setting and a run: an integer, or a list of integers and ranges such "
    "as 0-9,36.  [default: 0]",
)  # fmt: skip
@click.option(
    "--set", "changes", metavar="KEY=VALUE", multiple=True, help="Give a hyperparameter, or a key of the environment, "
    "this value instead of what its file has: JSON or a word. May be repeated.",
)  # fmt: skip
@click.option("--runs", type=click.IntRange(min=1), help="Train N runs of every setting.")
@click.option(
    "--common-list", nargs=2, metavar="DIR TASK", help="Train the stacks of a list that several processes share, as "
    "the process of this name; see schedule.py --help.",
)  # fmt: skip
@click.option(
    "--jobs", type=CountOrAuto(), metavar="N|auto", default="1", show_default=True,
    help="Number of training processes, each with one thread; auto: the number of available cores.",
)  # fmt: skip
@click.option(
    "--stack", type=CountOrAuto(), metavar="N|auto", default="auto", show_default=True,
    help="Largest number of runs that a process trains in lock-step; auto: by network size, memory and jobs. Results "
    "do not depend on it.",
)  # fmt: skip
@click.option(
    "-m", "--monitor", is_flag=True, help="Show the first run that is trained in a window, at watching speed. Closing "
    f"the window lets training continue. Without a display: write the first {MAX_VIDEO_FRAMES} frames to an .mp4 next "
    "to the result.",
)  # fmt: skip
@click.option(
    "-a", "--after", type=click.IntRange(min=0), help="Training timesteps before monitoring starts; only with -m.  "
    "[default: 0]",
)  # fmt: skip
@click.option(
    "--save-dir", default="results", show_default=True,
    help="Directory of the results: a relative path is under results/, an absolute path is used as it is.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Train runs that already have a result again.")
@click.option(
    "--accept-mixed", is_flag=True, help="Keep existing results of another version of the code or environment, instead "
    "of refusing to train next to them.",
)  # fmt: skip
@click.option(
    "--no-copy", is_flag=True, help="Train runs without a result of their own, even if the result of an equal run, or "
    "of the same run in another directory, could be copied.",
)  # fmt: skip
@click.option(
    "--list", "listing", is_flag=True, help="Train nothing; print index, setting, seed and the hyperparameters that "
    "differ of each chosen run.",
)  # fmt: skip
@click.option(
    "--strict", is_flag=True, help="Train nothing if the setting of a chosen run is not allowed. Without it, such runs "
    "are left out and listed in the log.",
)  # fmt: skip
@click.option(
    "--engine", type=click.Choice(ENGINE_CHOICES), default=DEFAULT_ENGINE, show_default=True,
    help="Engine that computes agents: eager, operation by operation; compiled, by a C++ compiler; auto, compiled if a "
    "run is long enough to gain from it.",
)  # fmt: skip
@click.option(
    "--checkpoint-minutes", type=click.FloatRange(min=0), default=DEFAULT_CHECKPOINT_MINUTES, show_default=True,
    help="Minutes between checkpoints; 0: only when the process is told to stop.",
)  # fmt: skip
@click.option(
    "--fail-fast", is_flag=True, help="End when a stack of runs fails. Without it, a sweep ends early only if its "
    "first stacks all fail alike.",
)  # fmt: skip
@click.option(
    "--keep-checkpoint", is_flag=True, help="Keep the last checkpoint of each run, from which --extend goes on. The "
    "log says how large they are.",
)  # fmt: skip
@click.option(
    "--extend", type=click.IntRange(min=1), metavar="N", help="Train to N timesteps, more than the environment's file "
    "has, going on from runs that were trained with --keep-checkpoint. The results are those of runs of N timesteps.",
)  # fmt: skip
@click.option(
    "--verify", is_flag=True, help="Repeat the runs of RESULT files, each with the engine recorded there, and report "
    "whether they come out identical. Only --jobs and --stack apply.",
)  # fmt: skip
def main(
    results: tuple[str, ...], env_json: str | None, agent_json: str | None, index: str | None, runs: int | None,
    jobs: int | None, stack: int | None, monitor: bool, after: int | None, save_dir: str, force: bool, engine: str,
    checkpoint_minutes: float, verify: bool, accept_mixed: bool, listing: bool, keep_checkpoint: bool,
    extend: int | None, fail_fast: bool, no_copy: bool, changes: tuple[str, ...], strict: bool,
    common_list: tuple[str, str] | None,
) -> None:  # fmt: skip
    """Run the command line."""
    from utils.core.process_setup import limit_threads

    limit_threads()
    from utils.training.common_list import CommonList
    from utils.training.stack_trainer import TrainingOptions
    from utils.wiring import run as wiring
    from utils.wiring.build import read_experiment
    from utils.wiring.listed_runs import train_listed_runs
    from utils.wiring.next_commands import log_next_commands

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    with exit_on_bad_input():
        if verify:
            sys.exit(wiring.verify_results(results, TrainingOptions(jobs=jobs, stack=stack)))
        if results:
            raise BadInput(f"RESULT: found '{results[0]}' without --verify; allowed: result files with --verify only")
        if env_json is None or agent_json is None:
            raise BadInput(f"{'--agent-json' if env_json else '--env-json'}: found none; allowed: a configuration file")
        options = TrainingOptions(
            force, jobs, stack, engine, checkpoint_minutes, None, accept_mixed, keep_checkpoint, fail_fast, no_copy
        )
        experiment = read_experiment(env_json, agent_json, save_dir, changes)
        experiment = experiment if extend is None else experiment.extended(extend)
        if common_list is not None:
            if listing or monitor or index is not None or runs is not None:
                raise BadInput("--common-list: found with --index, --runs, --list or -m; allowed: without these")
            sys.exit(train_listed_runs(experiment, CommonList(Path(common_list[0]), common_list[1]), options))
        indices = wiring.chosen_indices(experiment, index, runs)
        selected = wiring.chosen_runs(experiment, indices, strict)
        if listing:
            click.echo("\n".join(wiring.list_runs(experiment, selected)))
            sys.exit(0)
        if runs is None:
            wiring.log_large_indices(experiment, indices)
        options = replace(options, monitor_after=wiring.monitor_start(experiment, monitor, after, jobs))
        code = wiring.train_missing_runs(experiment, selected, options)
        if code == 0:
            log_next_commands(experiment, selected)
        sys.exit(code)


if __name__ == "__main__":
    fix_string_hashes()
    main()
