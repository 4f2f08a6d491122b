"""Construction of experiments, environments, agents and stacks from the names in configuration files."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from utils.core.errors import BadInput
from utils.wiring.environments import build_env, check_environment
from utils.wiring.starts import load_starts

if TYPE_CHECKING:
    from agent.base import Spaces
    from agent.engine.selection import Engine
    from env import Episodes
    from utils.core.interfaces import Agent
    from utils.experiment.config import AgentConfig, EnvironmentConfig
    from utils.experiment.experiment import Experiment, Run
    from utils.training.stack import Stack
    from utils.training.stack_trainer import Builders

log = logging.getLogger("policy_params")


def read_experiment(
    env_json: str, agent_json: str, save_dir: str = "results", changes: Sequence[str] = ()
) -> Experiment:
    """Read the experiment that two configuration files define.

    changes: texts KEY=VALUE, see `utils.experiment.changes`.
    Raises BadInput if a file is missing or invalid, or a change is.
    """
    from agent import AGENTS
    from utils.experiment.changes import apply_changes
    from utils.experiment.config import check_distinct_values, read_agent, read_environment

    environment, agent = read_environment(env_json), read_agent(agent_json, AGENTS)
    check_distinct_values(agent, agent_json)
    sources, names = (env_json, agent_json), AGENTS[agent.agent_name].hyperparameters.model_fields
    environment, agent = apply_changes(environment, agent, changes, names, sources)
    return make_experiment(environment, agent, sources, save_dir)


def make_experiment(
    environment: EnvironmentConfig, agent: AgentConfig, sources: tuple[str, str], save_dir: str
) -> Experiment:
    """Return the experiment of two configurations.  Raises BadInput if they are invalid.

    sources: paths of the environment's and the agent's file, for messages.
    """
    from agent import AGENTS
    from utils.experiment.experiment import Experiment

    return Experiment(environment, agent, AGENTS[agent.agent_name].hyperparameters, sources, save_dir)


def make_builders() -> Builders:
    """Return the functions with which training builds agents and environments."""
    from agent.engine.selection import choose_engine
    from env.drawing.render import prepare_rendering
    from utils.training.stack_trainer import Builders

    return Builders(build_stack, start_stack, choose_engine, check_environment, prepare_rendering)


def check_buildable(experiment: Experiment, runs: list[Run]) -> None:
    """Check everything that only building can find out.  Raises BadInput if something cannot be built."""
    from agent import AGENTS

    if any(getattr(run.hyperparameters, "cuda", False) for run in runs):
        check_gpu(experiment)
    name = experiment.agent.agent_name
    if experiment.environment.tile_coding and not AGENTS[name].linear:
        raise BadInput(
            f"{experiment.env_source}: key 'use_tile_coding': found true, but {name} uses observations without tile "
            "coding; allowed: false or null"
        )
    check_agents(experiment, runs)
    for note in check_environment(experiment).notes:
        log.warning("environment '%s': %s", experiment.environment.env_name, note)


def check_agents(experiment: Experiment, runs: Sequence[Run]) -> None:
    """Check that learned parameters to begin from fit, and target entropies exist, with one small agent for each kind.

    Other agents are not built here, since that imports torch and takes time.  Raises BadInput.
    """
    from agent import make_agent

    chosen = [run for run in runs if run.start is not None or _has_doubtful_target(run)]
    if not chosen:
        return
    config = experiment.environment
    with closing(build_env(experiment, 0)) as episodes:
        spaces = describe_spaces(episodes, config.tile_coding)
    agents: dict[tuple, Agent] = {}
    kinds = {(_agent_kind(run), run.start and run.start.sha256): run for run in chosen}
    for (kind, _), run in kinds.items():
        if kind not in agents:
            name = experiment.agent.agent_name
            try:
                agents[kind] = make_agent(name, [run.hyperparameters], [run.random_seed], config.gamma, spaces)
            except ValueError as error:
                raise BadInput(f"{experiment.agent_source}: parameters: {error}") from error
        load_starts(agents[kind], [run])


def _agent_kind(run: Run) -> tuple[Any, ...]:
    """Return what decides whether an agent can be built, and which parameters fit it."""
    return run.hyperparameters.structure(), getattr(run.hyperparameters, "target_entropy", None)


def _has_doubtful_target(run: Run) -> bool:
    """Return whether no policy may have the entropy that a run's temperature is tuned towards."""
    parameters: Any = run.hyperparameters
    if not getattr(parameters, "automatic_entropy_tuning", False) or not hasattr(parameters, "target_entropy"):
        return False
    return parameters.target_entropy is not None or parameters.action_units == "environment"


def check_gpu(experiment: Experiment) -> None:
    """Check that there is a GPU, for which torch is imported.  Raises BadInput if there is no GPU."""
    import torch

    if not torch.cuda.is_available():
        source = experiment.agent_source
        raise BadInput(f"{source}: parameters: key 'cuda': found true, but no GPU is available; allowed here: false")


def build_stack(experiment: Experiment, runs: Sequence[Run], renders: bool = False) -> Stack:
    """Build the agent and the environments of a stack.

    renders: whether the first run's environment must render pictures.
    """
    from agent import make_agent
    from env import EpisodeBatch
    from utils.core.process_setup import prepare_process
    from utils.core.random_streams import env_seed
    from utils.training.stack import Stack

    prepare_process()
    config = experiment.environment
    seeds = [run.random_seed for run in runs]
    with ExitStack() as built:  # Closes them if one cannot be built.

        def build(seed: int, renders: bool) -> Episodes:
            episodes = build_env(experiment, seed, renders)
            built.callback(episodes.close)
            return episodes

        envs = EpisodeBatch([build(env_seed(seed, "env"), renders and i == 0) for i, seed in enumerate(seeds)])
        eval_envs = EpisodeBatch([build(0, False) for _ in seeds])
        agent = make_agent(
            experiment.agent.agent_name, [run.hyperparameters for run in runs], seeds, config.gamma,
            describe_spaces(envs.envs[0], config.tile_coding),
        )  # fmt: skip
        load_starts(agent, runs)
        built.pop_all()
    return Stack(agent, envs, eval_envs, seeds, config)


def start_stack(stack: Stack, requested: str, total_timesteps: int) -> Engine:
    """Make a stack use the requested engine, "eager", "compiled" or "auto", if it can. Returns the engine used."""
    from agent.engine.build import CannotCompile, load_library
    from agent.engine.selection import start_engine

    engine = start_engine(stack.agent, requested, total_timesteps)
    if engine.engine == "compiled":
        try:
            for envs in (stack.envs, stack.eval_envs):
                envs.compile_steps(load_library)
        except CannotCompile as error:
            log.warning("environments are stepped one after another: %s", error)
    return engine


def describe_spaces(episodes: Episodes, tile_coding: bool | None) -> Spaces:
    """Return what an agent needs to know of its environment."""
    import torch

    from agent.base import Spaces
    from agent.policy.base import ActionBox

    obs: Any = episodes.env.observation_space
    action: Any = episodes.env.action_space
    bounds = episodes.action_bounds
    if bounds is None:
        return Spaces(obs.low, obs.high, int(action.n), tile_coding)
    box = ActionBox(*(torch.as_tensor(bound).float() for bound in bounds))
    return Spaces(obs.low, obs.high, box, tile_coding)
