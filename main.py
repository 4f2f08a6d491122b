"""Indices -> results: parse, resolve, build, run."""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import logging
import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from utils.errors import BadInput
from utils.video import MOST_FRAMES

if TYPE_CHECKING:
    from utils.bundle import Experiment, Run
    from utils.interrupt import Interruption
    from utils.loop import Stack, Watcher
    from utils.record import Record
    from utils.session import Claim, Timer

log = logging.getLogger("policy_params")

EXIT_BAD_INPUT = 2


class Options(NamedTuple):
    """How to train.  force: also what has a result.  minutes: between checkpoints.

    shown_after: timesteps after which the first run of the first stack is monitored; None: never.
    """

    force: bool
    minutes: float
    interruption: Interruption
    shown_after: int | None = None


@click.command(help="Run the experiment that an agent and an environment configuration file describe.")
@click.option("--env-json", required=True, help="The environment's JSON configuration file.")
@click.option("--agent-json", required=True, help="The agent's JSON configuration file.")
@click.option(
    "--index", help="The hyperparameter setting and run to train: an integer, or a list of integers and "
    "ranges such as 0-9,36.  [default: 0]",
)  # fmt: skip
@click.option("--runs", type=click.IntRange(min=1), help="Train this many runs of every setting.")
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
    "--checkpoint-minutes", type=click.FloatRange(min=0), default=10.0, show_default=True,
    help="Minutes from one checkpoint to the next; 0: none but when the process is told to stop.",
)  # fmt: skip
def main(
    env_json: str, agent_json: str, index: str | None, runs: int | None,
    monitor: bool, after: int | None, save_dir: str, force: bool, checkpoint_minutes: float,
) -> None:  # fmt: skip
    """Entry point of the command line."""
    from utils.interrupt import interruptible

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
    try:
        experiment = read_experiment(env_json, agent_json, save_dir)
        wanted = [experiment.run(i) for i in chosen_indices(experiment, index, runs)]
        shown_after = monitored_after(experiment, monitor, after)
        with interruptible() as interruption:
            sys.exit(train_missing(experiment, wanted, Options(force, checkpoint_minutes, interruption, shown_after)))
    except BadInput as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)


def monitored_after(experiment: Experiment, monitor: bool, after: int | None) -> int | None:
    """The timesteps after which monitoring begins; None: it never does.  Raises BadInput."""
    if after is not None and not monitor:
        raise BadInput(f"-a/--after: found {after} without -m/--monitor; allowed: both, -m alone or neither")
    if not monitor:
        return None
    total = experiment.environment.total_timesteps
    if after is not None and after >= total:
        raise BadInput(f"-a/--after: found {after}; allowed: less than the {total} of total_timesteps")
    build_env(experiment, 0, watched=True)
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


def train_missing(experiment: Experiment, wanted: list[Run], options: Options) -> int:
    """Train every wanted run that has no result, stack by stack. Returns an exit code.

    Raises BadInput before anything is trained.
    """
    from utils.bundle import stacks
    from utils.results import check_writable
    from utils.session import DONE, STOPPED, discard_leftover, saved_timestep

    present = {run.index for run in wanted if not options.force and run.file.exists()}
    for run in (run for run in wanted if run.index in present):
        log.info("index %d: skipped, %s exists (--force trains it again)", run.index, run.file.json)
        discard_leftover(run)
    missing = [run for run in wanted if run.index not in present]
    if not missing:
        return DONE
    check_buildable(experiment, missing)
    check_writable(experiment.directory)
    codes = [DONE]
    for stack in stacks(missing, apart=saved_timestep):
        if options.interruption.requested():
            return STOPPED
        codes.append(train_stack(experiment, stack, options))
        options = options._replace(shown_after=None)
    return max(codes)


def check_buildable(experiment: Experiment, runs: list[Run]) -> None:
    """Try what only building can tell.  Raises BadInput."""
    import torch

    from agent import AGENTS

    if any(getattr(run.hyperparameters, "cuda", False) for run in runs) and not torch.cuda.is_available():
        source = experiment.agent_source
        raise BadInput(f"{source}: parameters: key 'cuda': found true, but no GPU is available; allowed here: false")
    name = experiment.agent.agent_name
    if experiment.environment.tile_coding and not AGENTS[name].linear:
        raise BadInput(
            f"{experiment.env_source}: key 'use_tile_coding': found true, but {name} takes observations as they "
            "are; allowed: false or null"
        )
    environment_hash(experiment)


@lru_cache(maxsize=1)
def environment_hash(experiment: Experiment) -> str:
    """What a fixed rollout of the experiment's environment gives on this machine.  Raises BadInput."""
    from env.rollout import rollout_hash

    return rollout_hash(build_env(experiment, 0))


def build_env(experiment: Experiment, seed: int, watched: bool = False) -> Any:
    """One environment under its protocol.  watched: it gives pictures.  Raises BadInput."""
    from agent import AGENTS
    from env import Episodes, Protocol, make_env
    from env.render import MODE, check_renderable

    config = experiment.environment
    try:
        refuses = AGENTS[experiment.agent.agent_name].refuses
        kwargs = config.env_kwargs | ({"render_mode": MODE} if watched else {})
        env = make_env(config.env_name, config.continuous, refuses, **kwargs)
        if watched:
            check_renderable(config.env_name, env)
        rewards = config.rewards.model_dump(exclude_none=True)
        protocol = Protocol(
            config.steps_per_episode, config.overwrite_rewards, rewards,
            config.start_state, config.bootstrap_on_truncation,
        )  # fmt: skip
        return Episodes(env, protocol, seed)
    except ValueError as error:
        raise BadInput(f"{experiment.env_source}: {error}") from error


def train_stack(experiment: Experiment, runs: list[Run], options: Options) -> int:
    """Train runs that agree structurally, together where they stand at one timestep. Returns an exit code."""
    from utils.session import DONE, STOPPED, Timer, by_timestep, claimed

    timer = Timer(options.minutes, options.interruption)
    codes = [DONE]
    with claimed(runs, options.force) as claims:
        for group in by_timestep(claims):
            if options.interruption.requested():
                return STOPPED
            codes.append(train_group(experiment, group, timer, options.shown_after))
            options = options._replace(shown_after=None)
    return max(codes)


def train_group(experiment: Experiment, claims: list[Claim], timer: Timer, after: int | None = None) -> int:
    """Train runs that stand at one timestep in one stack. Returns an exit code.

    after: timesteps after which the first of them is monitored; None: never.
    """
    from utils.loop import Loop, Watcher
    from utils.session import DONE, FAILED, discard, drive, go_on

    start, runs = datetime.now(UTC).isoformat(), [claim.run for claim in claims]
    failures: list[int] = []
    indices = [run.index for run in runs]
    log.info("training %d in a stack: indices %s", len(runs), ", ".join(map(str, indices)))

    def left(slot: int) -> None:
        """A run has ended: its result takes its checkpoint's place."""
        if write_result(experiment, runs[slot], loop.records[slot], indices, start):
            discard(claims[slot])
        else:
            failures.append(slot)

    total = experiment.environment.total_timesteps
    with logging_redirect_tqdm(), tqdm(total=total, unit="step", disable=not sys.stderr.isatty()) as bar:
        stack = build_stack(experiment, runs, watched=after is not None)
        watcher = Watcher(bar.update, log_evaluation, left)
        with monitored(experiment, runs[0], stack, after, watcher) as watcher:
            loop = Loop(stack, watcher, timer.interruption.requested)
            go_on(loop, claims)
            code = drive(loop, claims, timer)
    return max(code, FAILED if failures else DONE)


def monitored(
    experiment: Experiment, run: Run, stack: Stack, after: int | None, watcher: Watcher
) -> AbstractContextManager[Watcher]:
    """The watcher; unless `after` is None, one that is told the same and shows the stack's first environment."""
    if after is None:
        return nullcontext(watcher)
    from env.render import prepare
    from utils.monitor import Scene, monitoring

    scene = Scene(stack.envs.envs[0].env, prepare, f"{experiment.name}, index {run.index}", run.file.mp4)
    return monitoring(watcher, scene, after)


def log_evaluation(timestep: int, returns: list[float]) -> None:
    """Say how far learning is.  returns: each run's mean evaluation return."""
    mean = sum(returns) / len(returns)
    spread = f", runs {min(returns):.1f} to {max(returns):.1f}" if len(returns) > 1 else ""
    log.info("step %d: evaluation return %.1f%s", timestep, mean, spread)


def build_stack(experiment: Experiment, runs: list[Run], watched: bool = False) -> Any:
    """Agent and environments for the runs.  watched: the first run's environment gives pictures."""
    from agent import make_agent
    from agent.base import Step
    from env import EnvBatch
    from utils.loop import Stack
    from utils.process import prepare_process
    from utils.streams import env_seed

    prepare_process()
    config = experiment.environment
    seeds = [run.random_seed for run in runs]
    envs = EnvBatch([build_env(experiment, env_seed(seed, "env"), watched and i == 0) for i, seed in enumerate(seeds)])
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


def write_result(experiment: Experiment, run: Run, record: Record, stack: list[int], start: str) -> bool:
    """One run's result file and its arrays. Returns whether they could be written."""
    from utils.process import THREADS
    from utils.provenance import provenance
    from utils.results import run_data

    origin = provenance(THREADS, environment_hash(experiment), stack, start, datetime.now(UTC).isoformat())
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
