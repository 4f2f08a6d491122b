"""Watch a learned policy act:  python utils/watch.py RESULT.json

The agent is rebuilt from the result and its arrays, under the result's own environment protocol.
Unless a seed is given, the episodes are those of the run's last evaluation and so are their returns:
to the bit, on a machine that computes as the run's did.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import click
import numpy as np

import main
from agent import AGENTS, make_agent
from env.render import prepare
from utils.bundle import Experiment
from utils.config import EnvironmentConfig, agent_config, resolve, validate
from utils.errors import BadInput, bad_input_exits
from utils.learned import Learned, read_learned
from utils.process import prepare_process
from utils.sink import Camera, Sink, open_sink
from utils.streams import env_seed
from utils.video import Video

EXIT_NOT_SHOWN = 1


def experiment_of(learned: Learned) -> Experiment:
    """The experiment that a result stands in.  Raises BadInput if this version does not know it."""
    source, tree = str(learned.result.path), learned.result.experiment
    environment = validate(EnvironmentConfig, tree["environment"], source)
    return main.make_experiment(environment, agent_config(tree["agent"], source, AGENTS), (source, source), "results")


def rebuild(learned: Learned, experiment: Experiment, seed: int, spaces: Any) -> Any:
    """The agent as it was when the run ended, alone.  Raises BadInput if the arrays do not fit it."""
    name, source = experiment.agent.agent_name, str(learned.result.path)
    params = learned.result.agent_params
    if "cuda" in params:  # What learned on a GPU acts without one.
        params = params | {"cuda": False}
    settings = [resolve(params, AGENTS[name].hyperparameters, source)]
    agent = make_agent(name, settings, [seed], experiment.environment.gamma, spaces)
    try:
        agent.load_learned_params(learned.arrays, 0)
    except (KeyError, ValueError) as error:
        raise BadInput(f"{source}: key 'learned_params' does not fit {name}: {error}") from error
    return agent


def play(episodes: Any, act: Callable[[np.ndarray], np.ndarray], seen: Callable[[], bool]) -> tuple[float, int] | None:
    """One episode's return and steps; None if it was not seen to its end.

    act: obs (1, O) -> actions (1, A).  seen: called after the reset and after each step; whether to go on.
    """
    obs, total, steps, over = episodes.reset(), 0.0, 0, False
    going = seen()
    while going and not over:
        obs, reward, terminated, truncated = episodes.step(act(np.asarray(obs, np.float32)[None])[0])
        total, steps, over = total + reward, steps + 1, terminated or truncated
        going = seen()
    return (total, steps) if over else None


def returns(
    learned: Learned, episodes: int, seed: int | None, video: Path | None, policy: str | None
) -> Iterator[tuple[float, int]]:
    """Show so many episodes, or fewer if the window is closed. Yields the return and the steps of each.

    seed: None: those of the run's last evaluation.  policy: None: as the run was evaluated.
    Raises BadInput, and OSError where nothing can be drawn or written.
    """
    prepare_process()
    experiment, timestep = experiment_of(learned), learned.last_timestep
    config, seed = experiment.environment, learned.result.run["random_seed"] if seed is None else seed
    shown = main.build_env(experiment, env_seed(seed, "eval_env", timestep), pictures=True)
    agent = rebuild(learned, experiment, seed, main.spaces_of(shown, config.tile_coding))
    agent.begin_eval(timestep)
    greedy = (policy or config.eval_policy) == "mode"
    make_sink = sink_maker(learned.result.path, prepare(shown.env), video)
    with closing(shown.env), closing(Camera(shown.env, make_sink)) as camera:
        for _ in range(episodes):
            outcome = play(shown, lambda obs: agent.act_eval(obs, greedy), lambda: camera.update() is None)
            if outcome is None:
                return
            yield outcome


def sink_maker(result: Path, fps: float, video: Path | None) -> Callable[[np.ndarray], Sink]:
    """What opens a sink for a first frame: the video, or whatever there is."""
    if video is not None:
        return lambda frame: Video(video, fps, frame)
    return lambda frame: open_sink(frame, result.stem, fps, result.with_name(f"{result.stem}_watch.mp4"), None)


@click.command(
    help="Show the policy that a run learned, in a window at watching speed, and print each episode's return. Without "
    "a display it is recorded beside the result, as <result>_watch.mp4. Exit code: 0 shown, 1 nothing can be drawn or "
    "written, 2 RESULT is not the result of one completed run with its arrays."
)
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--episodes", type=click.IntRange(min=1), default=3, show_default=True)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Of environment and policy.  [default: the episodes of the run's last "
    "evaluation]",
)  # fmt: skip
@click.option("--video", type=click.Path(path_type=Path), help="Record to this .mp4 instead.")
@click.option(
    "--policy", type=click.Choice(["mode", "sample"]), help="The policy's mode, or samples of it.  [default: as the "
    "run was evaluated]",
)  # fmt: skip
def watch(result: Path, episodes: int, seed: int | None, video: Path | None, policy: str | None) -> None:
    """Entry point of the command line."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with bad_input_exits():
        try:
            for i, (total, steps) in enumerate(returns(read_learned(result), episodes, seed, video, policy)):
                click.echo(f"episode {i}: return {total:.3f}, {steps} steps")
        except OSError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(EXIT_NOT_SHOWN)


if __name__ == "__main__":
    watch()
