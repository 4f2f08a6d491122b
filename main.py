"""Indices -> results: parse, resolve, build, run."""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"  # Inherited by whatever process this one starts.

import logging
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import click

from utils.errors import BadInput
from utils.options import CountOrAuto
from utils.video import MOST_FRAMES

if TYPE_CHECKING:
    from agent.engine import Engine
    from utils.bundle import Experiment, Run
    from utils.loop import Stack, Watcher
    from utils.record import Record

log = logging.getLogger("policy_params")

EXIT_RUN_FAILED, EXIT_BAD_INPUT = 1, 2


@click.command(help="Run the experiment that an agent and an environment configuration file describe.")
@click.option("--env-json", required=True, help="The environment's JSON configuration file.")
@click.option("--agent-json", required=True, help="The agent's JSON configuration file.")
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
    "--engine", type=click.Choice(["eager", "compiled", "auto"]), default="eager", show_default=True,
    help="How updates are computed: operation by operation, compiled by a C++ compiler, or compiled where a run is "
    "long enough to win the time back.",
)  # fmt: skip
def main(
    env_json: str, agent_json: str, index: str | None, runs: int | None, jobs: int | None, stack: int | None,
    monitor: bool, after: int | None, save_dir: str, force: bool, engine: str,
) -> None:  # fmt: skip
    """Entry point of the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    try:
        experiment = read_experiment(env_json, agent_json, save_dir)
        wanted = [experiment.run(i) for i in chosen_indices(experiment, index, runs)]
        choices = Choices(force, jobs, stack, engine, monitored_after(experiment, monitor, after, jobs))
        if not train_missing(experiment, wanted, choices):
            sys.exit(EXIT_RUN_FAILED)
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)


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
    from utils.bundle import Experiment
    from utils.config import read_agent, read_environment

    environment, agent = read_environment(env_json), read_agent(agent_json, AGENTS)
    return Experiment(environment, agent, AGENTS[agent.agent_name].hyperparameters, (env_json, agent_json), save_dir)


def chosen_indices(experiment: Experiment, index: str | None, runs: int | None) -> list[int]:
    """The indices that the options name.  Raises BadInput."""
    from utils.grid import parse_indices

    if runs is not None and index is not None:
        raise BadInput("--index and --runs: found both; allowed: one of them")
    return list(range(len(experiment.grid) * runs)) if runs is not None else parse_indices(index or "0")


@dataclass(frozen=True)
class Choices:
    """What the command line chooses beside the runs.

    force: train again what has a result.  jobs: processes; None: as many as there are cores.  stack: runs in
    a stack at most; None: as suits them.  after: timesteps after which the first run is monitored; None: never.
    """

    force: bool = False
    jobs: int | None = 1
    stack: int | None = None
    engine: str = "eager"
    after: int | None = None


def train_missing(experiment: Experiment, wanted: list[Run], choices: Choices) -> bool:
    """Train every wanted run that has no result. Returns whether all have one now.

    Raises BadInput before anything is trained.
    """
    from utils.machine import cores, memory
    from utils.results import check_writable
    from utils.stacks import split, suitable_size
    from utils.sweep import train_all

    present = {run.index for run in wanted if not choices.force and run.file.exists()}
    for run in (run for run in wanted if run.index in present):
        log.info("index %d: skipped, %s exists (--force trains it again)", run.index, run.file.json)
    missing = [run for run in wanted if run.index not in present]
    if not missing:
        return True
    check_buildable(experiment, missing)
    check_writable(experiment.directory)
    jobs, timesteps = min(choices.jobs or cores(), len(missing)), experiment.environment.total_timesteps
    largest = choices.stack
    if largest is None:
        stacks = split(missing, suitable_size(tried(experiment).space_sizes, timesteps, memory() // jobs), jobs)
    else:
        stacks = split(missing, lambda run: largest)
    shown = None if choices.after is None else Shown(missing[0].index, choices.after)
    return train_all(partial(train_stack, experiment, choices.engine, shown), stacks, timesteps, jobs)


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


@dataclass(frozen=True)
class Trial:
    """What one environment tells of an experiment's.

    rollout_hash: of a fixed rollout on this machine.  space_sizes: numbers in an observation and in an action.
    """

    rollout_hash: str
    space_sizes: tuple[int, int]


@lru_cache(maxsize=1)
def tried(experiment: Experiment) -> Trial:
    """Build the experiment's environment and try it, once a process.  Raises BadInput."""
    from env.rollout import rollout_hash

    episodes = build_env(experiment, 0)
    sizes = episodes.env.observation_space.shape[0], math.prod(episodes.env.action_space.shape)
    return Trial(rollout_hash(episodes), sizes)


def build_env(experiment: Experiment, seed: int, pictures: bool = False) -> Any:
    """One environment under its protocol.  pictures: it gives them.  Raises BadInput."""
    from agent import AGENTS
    from env import Episodes, Protocol, make_env
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
        raise BadInput(f"{experiment.env_source}: {error}") from error


@dataclass(frozen=True)
class Shown:
    """Which run is monitored, by its index, and after how many timesteps. It is the first of its stack."""

    index: int
    after: int


def train_stack(
    experiment: Experiment, engine: str, shown: Shown | None, runs: list[Run], stepped: Callable[[int], object]
) -> str | None:
    """Train runs that agree structurally, together. Returns None, or how many results could not be written.

    engine: as asked for.  shown: the run to monitor, if these begin with it.  stepped: told how many steps more
    they have made.
    """
    from agent.engine import start_engine
    from utils.bundle import named
    from utils.loop import Loop, Watcher

    start = datetime.now(UTC).isoformat()
    log.info("training %d in a stack: %s", len(runs), named(runs))
    after = shown.after if shown and shown.index == runs[0].index else None
    stack = build_stack(experiment, runs, after is not None)
    ran = start_engine(stack.agent, engine, experiment.environment.total_timesteps)
    watcher = Watcher(stepped, partial(log_evaluation, named(runs)))
    with monitored(experiment, runs[0], stack, after, watcher) as telling:
        records = Loop(stack, telling).run()
    indices = [run.index for run in runs]
    pairs = zip(runs, records, strict=True)
    written = [write_result(experiment, run, record, indices, start, ran) for run, record in pairs]
    return None if all(written) else f"{written.count(False)} of {len(runs)} results could not be written"


def monitored(
    experiment: Experiment, run: Run, stack: Stack, after: int | None, watcher: Watcher
) -> AbstractContextManager[Watcher]:
    """The watcher; unless `after` is None, one that is told the same and shows the first slot's environment."""
    if after is None:
        return nullcontext(watcher)
    from env.render import prepare
    from utils.monitor import Scene, monitoring

    scene = Scene(stack.envs.envs[0].env, prepare, f"{experiment.name}, index {run.index}", run.file.mp4)
    return monitoring(watcher, scene, after)


def log_evaluation(name: str, timestep: int, returns: Sequence[float]) -> None:
    """Say how far learning is.  name: the stack's.  returns: each run's mean evaluation return."""
    mean = sum(returns) / len(returns)
    spread = f", runs {min(returns):.1f} to {max(returns):.1f}" if len(returns) > 1 else ""
    log.info("%s: step %d: evaluation return %.1f%s", name, timestep, mean, spread)


def build_stack(experiment: Experiment, runs: list[Run], shown: bool = False) -> Any:
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


def write_result(
    experiment: Experiment, run: Run, record: Record, stack: list[int], start: str, engine: Engine
) -> bool:
    """One run's result file and its arrays. Returns whether they could be written."""
    from utils.process import THREADS
    from utils.provenance import provenance
    from utils.results import run_data

    rollout = tried(experiment).rollout_hash
    origin = provenance(THREADS, engine._asdict(), rollout, stack, start, datetime.now(UTC).isoformat())
    data, arrays = run_data(run, record, experiment.environment, origin)
    try:
        run.file.write(experiment.tree(run, data), arrays)
    except OSError as error:
        log.error("index %d: %s, but %s cannot be written: %s", run.index, record.status, run.file.json, error)
        return False
    log.info("index %d: %s, %s", run.index, record.status, run.file.json)
    return True


if __name__ == "__main__":
    main()
