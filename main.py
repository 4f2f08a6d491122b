"""Indices -> results: parse, resolve, build, run."""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"  # Inherited by whatever process this one starts.

import logging
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import click

from utils.errors import BadInput, bad_input_exits, suggestion
from utils.options import ENGINE, ENGINES, CountOrAuto
from utils.video import MOST_FRAMES

if TYPE_CHECKING:
    from utils.bundle import Experiment, Run
    from utils.config import AgentConfig, EnvironmentConfig
    from utils.loop import Stack
    from utils.training import Choices, Makers, Trial


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
    f"it lets training go on. Without a display: its first {MOST_FRAMES} frames as an .mp4 beside the result.",
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
    "--engine", type=click.Choice(ENGINES), default=ENGINE, show_default=True,
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
    from utils.training import Choices

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    with bad_input_exits():
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


def monitored_after(experiment: Experiment, monitor: bool, after: int | None, jobs: int | None) -> int | None:
    """The timesteps after which monitoring begins; None: it never does.  Raises BadInput."""
    if after is not None and not monitor:
        raise BadInput(f"-a/--after: found {after} without -m/--monitor; allowed: both, -m alone or neither")
    if not monitor:
        return None
    if jobs != 1:
        raise BadInput(f"-m/--monitor: found --jobs {jobs or 'auto'}; allowed with it: --jobs 1")
    total = experiment.environment.total_timesteps
    if after is not None and after >= total:
        raise BadInput(f"-a/--after: found {after}; allowed: less than the {total} of total_timesteps")
    build_env(experiment, 0, pictures=True)
    return after or 0


def read_experiment(env_json: str, agent_json: str, save_dir: str) -> Experiment:
    """The experiment that two files describe.  Raises BadInput."""
    from agent import AGENTS
    from utils.config import read_agent, read_environment

    return make_experiment(read_environment(env_json), read_agent(agent_json, AGENTS), (env_json, agent_json), save_dir)


def make_experiment(
    environment: EnvironmentConfig, agent: AgentConfig, sources: tuple[str, str], save_dir: str
) -> Experiment:
    """The experiment of two configurations.  sources: where they stand, for messages.  Raises BadInput."""
    from agent import AGENTS
    from utils.bundle import Experiment

    return Experiment(environment, agent, AGENTS[agent.agent_name].hyperparameters, sources, save_dir)


def chosen_indices(experiment: Experiment, index: str | None, runs: int | None) -> list[int]:
    """The indices that the options name.  Raises BadInput."""
    from utils.grid import parse_indices

    if runs is not None and index is not None:
        raise BadInput("--index and --runs: found both; allowed: one of them")
    return list(range(len(experiment.grid) * runs)) if runs is not None else parse_indices(index or "0")


def train(experiment: Experiment, wanted: list[Run], choices: Choices) -> int:
    """Train every wanted run that has no result. Returns an exit code.  Raises BadInput before anything is trained."""
    from utils.interrupt import interruptible
    from utils.results import check_writable
    from utils.sweep import absent, train_missing

    missing = absent(wanted, choices.force)
    if missing:
        check_buildable(experiment, missing)
        check_writable(experiment.directory)
    with interruptible() as interruption:
        return train_missing(experiment, missing, makers(), choices, interruption)


def verify_all(results: Sequence[str], choices: Choices) -> int:
    """Execute results again and say what comes of it. Returns an exit code.  Raises BadInput."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from agent import AGENTS
    from utils.sweep import DONE, FAILED
    from utils.verify import by_kind, read_recorded, run_of, verdict

    if not results:
        raise BadInput("--verify: found no RESULT; allowed: one or more result files")
    identical = True
    for group in by_kind([read_recorded(Path(path), AGENTS) for path in results]):
        with TemporaryDirectory() as folder:
            source = str(group[0].path)
            experiment = make_experiment(group[0].environment, group[0].agent, (source, source), folder)
            runs = {recorded.key: run_of(recorded, experiment) for recorded in group}
            code = train(experiment, list(runs.values()), replace(choices, engine=group[0].engine))
            for recorded in group:
                same, lines = verdict(recorded, runs[recorded.key].file.json)
                identical = identical and same
                click.echo("\n".join(lines))
        if code not in (DONE, FAILED):
            click.echo("interrupted", err=True)
            return FAILED
    return DONE if identical else FAILED


def makers() -> Makers:
    """What is handed to those who know no agent and no environment by name."""
    from agent.engine import by_length, start_engine
    from env.render import prepare
    from utils.training import Makers

    return Makers(build_stack, start_engine, by_length, tried, prepare)


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
    from env.rollout import rollout_hash
    from utils.training import Trial

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
    from env import Episodes, Protocol, UnknownEnvironment, make_env
    from env.render import MODE, check_renderable

    config = experiment.environment
    try:
        refuses = AGENTS[experiment.agent.agent_name].refuses
        kwargs = config.env_kwargs | ({"render_mode": MODE} if pictures else {})
        env = make_env(config.env_name, config.continuous, refuses, **kwargs)
        if pictures:
            check_renderable(config.env_name, env)
        rewards = config.rewards.model_dump(exclude_none=True)
        protocol = Protocol(
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
    from agent.base import Step
    from env import EnvBatch
    from utils.loop import Stack
    from utils.process import prepare_process
    from utils.streams import env_seed

    prepare_process()
    config = experiment.environment
    seeds = [run.random_seed for run in runs]
    envs = EnvBatch([build_env(experiment, env_seed(seed, "env"), shown and i == 0) for i, seed in enumerate(seeds)])
    eval_envs = EnvBatch([build_env(experiment, 0) for _ in seeds])
    agent = make_agent(
        experiment.agent.agent_name, [run.hyperparameters for run in runs], seeds, config.gamma,
        spaces_of(envs.envs[0], config.tile_coding),
    )  # fmt: skip
    return Stack(agent, envs, eval_envs, seeds, config, Step)


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


if __name__ == "__main__":
    main()
