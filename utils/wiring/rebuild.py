"""Rebuilds the agent of a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from agent import AGENTS, make_agent
from env.drawing.render import prepare_rendering
from utils.core.errors import BadInput
from utils.core.process_setup import prepare_process
from utils.core.random_streams import env_seed
from utils.display.camera import Camera, FrameSink, open_sink
from utils.display.video import Video
from utils.experiment.config import EnvironmentConfig, check_agent_config, resolve_setting
from utils.experiment.experiment import Experiment
from utils.files.json_model import validate
from utils.results.learned_params import LearnedRun
from utils.wiring.build import build_env, make_experiment, spaces_of


def experiment_of(learned: LearnedRun) -> Experiment:
    """The experiment that a result stands in.  Raises BadInput if this version does not know it."""
    source, tree = str(learned.result.path), learned.result.experiment
    environment = validate(EnvironmentConfig, tree["environment"], source)
    return make_experiment(environment, check_agent_config(tree["agent"], source, AGENTS), (source, source), "results")


def rebuild(learned: LearnedRun, experiment: Experiment, seed: int, spaces: Any) -> Any:
    """The agent as it was when the run ended, alone.  Raises BadInput if the arrays do not fit it."""
    name, source = experiment.agent.agent_name, str(learned.result.path)
    params = learned.result.agent_params
    if "cuda" in params:  # What learned on a GPU acts without one.
        params = params | {"cuda": False}
    settings = [resolve_setting(params, AGENTS[name].hyperparameters, source)]
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
    learned: LearnedRun, episodes: int, seed: int | None, video: Path | None, policy: str | None
) -> Iterator[tuple[float, int]]:
    """Show so many episodes, or fewer if the window is closed. Yields the return and the steps of each.

    seed: None: those of the run's last evaluation.  policy: None: as the run was evaluated.
    Raises BadInput, and OSError where nothing can be drawn or written.
    """
    prepare_process()
    experiment, timestep = experiment_of(learned), learned.last_timestep
    config, seed = experiment.environment, learned.result.run["random_seed"] if seed is None else seed
    shown = build_env(experiment, env_seed(seed, "eval_env", timestep), pictures=True)
    agent = rebuild(learned, experiment, seed, spaces_of(shown, config.tile_coding))
    agent.begin_eval(timestep)
    greedy = (policy or config.eval_policy) == "mode"
    make_sink = sink_maker(learned.result.path, prepare_rendering(shown.env), video)
    with closing(shown.env), closing(Camera(shown.env, make_sink)) as camera:
        for _ in range(episodes):
            outcome = play(shown, lambda obs: agent.act_eval(obs, greedy), lambda: camera.update() is None)
            if outcome is None:
                return
            yield outcome


def sink_maker(result: Path, fps: float, video: Path | None) -> Callable[[np.ndarray], FrameSink]:
    """What opens a sink for a first frame: the video, or whatever there is."""
    if video is not None:
        return lambda frame: Video(video, fps, frame)
    return lambda frame: open_sink(frame, result.stem, fps, result.with_name(f"{result.stem}_watch.mp4"), None)
