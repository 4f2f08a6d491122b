"""Reconstruction of the agent of a result, and display of its episodes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from agent import AGENTS, make_agent
from agent.base import Spaces
from agent.engine.selection import start_engine
from env import Episodes
from env.drawing.render import prepare_rendering
from utils.core.errors import BadInput
from utils.core.interfaces import Agent
from utils.core.process_setup import prepare_process
from utils.core.provenance import ARITHMETIC
from utils.core.random_streams import env_seed
from utils.display.camera import Camera, FrameSink, open_sink
from utils.display.video import Video
from utils.experiment.config import EnvironmentConfig, recorded_agent_config, resolve_setting
from utils.experiment.experiment import Experiment
from utils.files.json_model import validate
from utils.results.learned_params import LearnedRun, read_learned_run
from utils.wiring.build import describe_spaces, make_experiment
from utils.wiring.environments import build_env

log = logging.getLogger("policy_params")


def experiment_of_result(learned: LearnedRun) -> Experiment:
    """Return the experiment of a result.  Raises BadInput if this version does not know it."""
    source, tree = str(learned.result.path), learned.result.experiment
    environment = validate(EnvironmentConfig, tree["environment"], source)
    agent = recorded_agent_config(tree["agent"], learned.result.agent_params, source, AGENTS)
    return make_experiment(environment, agent, (source, source), "results")


def rebuild_agent(learned: LearnedRun, experiment: Experiment, seed: int, spaces: Spaces) -> Agent:
    """Return the agent, one learner, as it was at the end of the run, with the engine that the result records.

    Raises BadInput if the learned parameters do not fit it.
    """
    name, source = experiment.agent.agent_name, str(learned.result.path)
    params = AGENTS[name].hyperparameters.from_record(learned.result.agent_params)
    if "cuda" in params:  # An agent that learned on a GPU can act without one.
        params = params | {"cuda": False}
    settings = [resolve_setting(params, AGENTS[name].hyperparameters, source)]
    agent = make_agent(name, settings, [seed], experiment.environment.gamma, spaces)
    try:
        agent.load_learned_params(learned.arrays, 0)
    except (KeyError, ValueError) as error:
        raise BadInput(f"{source}: key 'learned_params' does not fit {name}: {error}") from error
    origin = learned.result.run.get("provenance") or {}
    if origin.get("engine") == "compiled":
        if origin.get("arithmetic") == ARITHMETIC:
            start_engine(agent, "compiled", experiment.total_timesteps)
        else:
            log.warning("%s: acts with the eager engine, whose actions may differ in their last bits", source)
    return agent


def load_agent(
    result: LearnedRun | Path | str, seed: int | None = None, *, renders: bool = False, at: int | None = None
) -> tuple[Agent, Episodes]:
    """Return the agent of a completed run, one learner, and an environment under the run's protocol.

    result: a result file, or what `read_learned_run` returns.
    seed: seed of agent and environment; None: their episodes are those of the run's evaluation of this policy.
    renders: whether the environment must render pictures.
    at: timestep of the evaluation whose policy to load, if the run's protocol records policies; None: the last one.
    Raises BadInput.
    """
    prepare_process()
    learned = result if isinstance(result, LearnedRun) else read_learned_run(Path(result))
    learned = learned if at is None else learned.at(at)
    experiment, timestep = experiment_of_result(learned), learned.timestep
    seed = learned.result.run["random_seed"] if seed is None else seed
    episodes = build_env(experiment, env_seed(seed, "eval_env", timestep), renders)
    spaces = describe_spaces(episodes, experiment.environment.tile_coding)
    agent = rebuild_agent(learned, experiment, seed, spaces)
    agent.begin_eval(timestep)
    return agent, episodes


def play_episode(
    episodes: Episodes, act: Callable[[np.ndarray], np.ndarray], show: Callable[[], bool] = lambda: True
) -> tuple[float, int] | None:
    """Play one episode and return its return and steps; None if it was stopped early.

    act: obs (1, O) -> actions (1, A).
    show: called after the reset and after each step; returns whether to continue.
    """
    obs, total, steps, ended = episodes.reset(), 0.0, 0, False
    wanted = show()
    while wanted and not ended:
        obs, reward, terminated, truncated = episodes.step(act(np.asarray(obs, np.float32)[None])[0])
        total, steps, ended = total + reward, steps + 1, terminated or truncated
        wanted = show()
    return (total, steps) if ended else None


def show_episodes(
    learned: LearnedRun, episodes: int, seed: int | None, video: Path | None, policy: str | None
) -> Iterator[tuple[float, int]]:
    """Show episodes of a learned policy, until the window is closed. Yields return and steps of each.

    episodes: number of episodes.
    seed: see `load_agent`.
    policy: "mode" or "sample"; None: as the run was evaluated.
    Raises BadInput, and OSError if nothing can be drawn or written.
    """
    agent, shown = load_agent(learned, seed, renders=True)
    greedy = _acts_greedily(learned, policy)
    make_sink = make_sink_opener(learned.result.path, prepare_rendering(shown.env), video)
    with closing(shown.env), closing(Camera(shown.env, make_sink)) as camera:
        for _ in range(episodes):
            outcome = play_episode(shown, lambda obs: agent.act_eval(obs, greedy), lambda: camera.update() is None)
            if outcome is None:
                return
            yield outcome


def play_episodes(
    learned: LearnedRun, episodes: int, seed: int | None, policy: str | None
) -> Iterator[tuple[float, int]]:
    """Play episodes of a learned policy without drawing anything. Yields return and steps of each.

    Arguments and errors are those of `show_episodes`.
    """
    agent, played = load_agent(learned, seed)
    greedy = _acts_greedily(learned, policy)
    with closing(played.env):
        for _ in range(episodes):
            outcome = play_episode(played, lambda obs: agent.act_eval(obs, greedy))
            assert outcome is not None
            yield outcome


def _acts_greedily(learned: LearnedRun, policy: str | None) -> bool:
    """Return whether the agent acts with its policy's mode.  policy: see `show_episodes`."""
    return (policy or experiment_of_result(learned).environment.eval_policy) == "mode"


def make_sink_opener(result: Path, fps: float, video: Path | None) -> Callable[[np.ndarray], FrameSink]:
    """Return a function that opens a sink for the first frame: the video, or a window if one can be opened."""
    if video is not None:
        return lambda frame: Video(video, fps, frame)
    return lambda frame: open_sink(frame, result.stem, fps, result.with_name(f"{result.stem}_watch.mp4"), None)
