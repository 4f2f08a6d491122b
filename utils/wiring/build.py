"""Builds environments, stacks and agents for training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from utils.core.errors import BadInput, suggestion

if TYPE_CHECKING:
    from utils.experiment.config import AgentConfig, EnvironmentConfig
    from utils.experiment.experiment import Experiment, Run
    from utils.training.stack import Stack
    from utils.training.stack_trainer import Makers, Trial


def read_experiment(env_json: str, agent_json: str, save_dir: str) -> Experiment:
    """The experiment that two files describe.  Raises BadInput."""
    from agent import AGENTS
    from utils.experiment.config import read_agent, read_environment

    return make_experiment(read_environment(env_json), read_agent(agent_json, AGENTS), (env_json, agent_json), save_dir)


def make_experiment(
    environment: EnvironmentConfig, agent: AgentConfig, sources: tuple[str, str], save_dir: str
) -> Experiment:
    """The experiment of two configurations.  sources: where they stand, for messages.  Raises BadInput."""
    from agent import AGENTS
    from utils.experiment.experiment import Experiment

    return Experiment(environment, agent, AGENTS[agent.agent_name].hyperparameters, sources, save_dir)


def makers() -> Makers:
    """What is handed to those who know no agent and no environment by name."""
    from agent.engine.selection import by_length, start_engine
    from env.drawing.render import prepare_rendering
    from utils.training.stack_trainer import Makers

    return Makers(build_stack, start_engine, by_length, tried, prepare_rendering)


def check_buildable(experiment: Experiment, runs: list[Run]) -> None:
    """Try what only building can tell.  Raises BadInput."""
    from agent import AGENTS

    if any(getattr(run.hyperparameters, "cuda", False) for run in runs):
        check_gpu(experiment)
    name = experiment.agent.agent_name
    if experiment.environment.tile_coding and not AGENTS[name].linear:
        raise BadInput(
            f"{experiment.env_source}: key 'use_tile_coding': found true, but {name} takes observations as they "
            "are; allowed: false or null"
        )
    tried(experiment)


def check_gpu(experiment: Experiment) -> None:
    """Raises BadInput where there is none. Only here does a process that trains nothing itself import torch."""
    import torch

    if not torch.cuda.is_available():
        source = experiment.agent_source
        raise BadInput(f"{source}: parameters: key 'cuda': found true, but no GPU is available; allowed here: false")


@lru_cache(maxsize=1)
def tried(experiment: Experiment) -> Trial:
    """Build the experiment's environment and try it, once a process.  Raises BadInput."""
    from env.episodes.rollout import rollout_hash
    from utils.training.stack_trainer import Trial

    episodes = build_env(experiment, 0)
    sizes = episodes.env.observation_space.shape[0], math.prod(episodes.env.action_space.shape)
    try:
        return Trial(rollout_hash(episodes), sizes)
    except Exception as error:
        name, reason = experiment.environment.env_name, " ".join(str(error).split())
        raise BadInput(
            f"{experiment.env_source}: env_name: '{name}' fails as it is configured ({type(error).__name__}: {reason})"
        ) from error


def build_env(experiment: Experiment, seed: int, pictures: bool = False) -> Any:
    """One environment under its protocol.  pictures: it gives them.  Raises BadInput."""
    from agent import AGENTS
    from env import EpisodeProtocol, Episodes, UnknownEnvironment, make_env
    from env.drawing.render import RENDER_MODE, check_renderable

    config = experiment.environment
    try:
        refuses = AGENTS[experiment.agent.agent_name].refuses
        kwargs = config.env_kwargs | ({"render_mode": RENDER_MODE} if pictures else {})
        env = make_env(config.env_name, config.continuous, refuses, **kwargs)
        if pictures:
            check_renderable(config.env_name, env)
        rewards = config.rewards.model_dump(exclude_none=True)
        protocol = EpisodeProtocol(
            config.steps_per_episode, config.overwrite_rewards, rewards,
            config.start_state, config.bootstrap_on_truncation,
        )  # fmt: skip
        return Episodes(env, protocol, seed)
    except ValueError as error:
        hint = suggestion(error.name, error.allowed) if isinstance(error, UnknownEnvironment) else ""
        raise BadInput(f"{experiment.env_source}: {error}{hint}") from error


def build_stack(experiment: Experiment, runs: Sequence[Run], shown: bool = False) -> Stack:
    """Agent and environments for the runs.  shown: the first run's environment gives pictures."""
    from agent import make_agent
    from env import EnvBatch
    from utils.core.process_setup import prepare_process
    from utils.core.random_streams import env_seed
    from utils.training.stack import Stack

    prepare_process()
    config = experiment.environment
    seeds = [run.random_seed for run in runs]
    envs = EnvBatch([build_env(experiment, env_seed(seed, "env"), shown and i == 0) for i, seed in enumerate(seeds)])
    eval_envs = EnvBatch([build_env(experiment, 0) for _ in seeds])
    agent = make_agent(
        experiment.agent.agent_name, [run.hyperparameters for run in runs], seeds, config.gamma,
        spaces_of(envs.envs[0], config.tile_coding),
    )  # fmt: skip
    return Stack(agent, envs, eval_envs, seeds, config)


def spaces_of(episodes: Any, tile_coding: bool | None) -> Any:
    """What an agent is told of its environment."""
    import torch

    from agent.base import Spaces
    from agent.policy.base import ActionBox

    obs, bounds = episodes.env.observation_space, episodes.action_bounds
    if bounds is None:
        return Spaces(obs.low, obs.high, int(episodes.env.action_space.n), tile_coding)
    box = ActionBox(*(torch.as_tensor(bound).float() for bound in bounds))
    return Spaces(obs.low, obs.high, box, tile_coding)
