"""Script that shows the policy that a run learned.

The agent is rebuilt from the result and its arrays, under the result's own protocol. Unless a seed is given, the
episodes and their returns are those of the policy's evaluation, to the bit on a machine of the same kind.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import logging

import click

from utils.core.errors import BadInput, exit_on_bad_input
from utils.core.process_setup import fix_string_hashes

EXIT_NOT_SHOWN = 1


@click.command(
    help="Show the policy that a run learned, in a window at watching speed, and print each episode's return. Without "
    "a display it is recorded next to the result, as <result>_watch.mp4. Exit code: 0 shown, 1 nothing can be drawn or "
    "written, 2 RESULT is not the result of one completed run with its arrays."
)
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--episodes", type=click.IntRange(min=1), default=3, show_default=True, help="Number of episodes.")
@click.option(
    "--at", type=click.IntRange(min=0), metavar="TIMESTEP", help="Show the policy that was evaluated at this timestep, "
    'of a run whose protocol has "record": ["policies"].  [default: the last one]',
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), help="Seed of environment and policy.  [default: the episodes of the "
    "policy's evaluation]",
)  # fmt: skip
@click.option("--video", type=click.Path(path_type=Path), help="Record to this .mp4 instead of opening a window.")
@click.option("--no-video", is_flag=True, help="Draw nothing: open no window, record nothing, only print the returns.")
@click.option(
    "--policy", type=click.Choice(["mode", "sample"]),
    help="Act with the policy's mode or with samples of it.  [default: as the run was evaluated]",
)  # fmt: skip
def watch(
    result: Path,
    episodes: int,
    at: int | None,
    seed: int | None,
    video: Path | None,
    no_video: bool,
    policy: str | None,
) -> None:
    """Run the command line."""
    from utils.core.process_setup import limit_threads

    limit_threads()
    from utils.results.learned_params import read_learned_run
    from utils.wiring.rebuild import play_episodes, show_episodes

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with exit_on_bad_input():
        if no_video and video is not None:
            raise BadInput("--no-video: found with --video; allowed: one of the two")
        learned = read_learned_run(result)
        learned = learned if at is None else learned.at(at)
        try:
            if no_video:
                played = play_episodes(learned, episodes, seed, policy)
            else:
                played = show_episodes(learned, episodes, seed, video, policy)
            for i, (total, steps) in enumerate(played):
                click.echo(f"episode {i}: return {total:.3f}, {steps} steps")
        except OSError as error:
            click.echo(f"error: {error}; --no-video prints the returns without drawing", err=True)
            sys.exit(EXIT_NOT_SHOWN)


if __name__ == "__main__":
    fix_string_hashes()
    watch()
