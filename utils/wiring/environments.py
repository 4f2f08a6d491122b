"""Environments of an experiment: built under its protocol, and checked and probed before training."""

from __future__ import annotations

import math
from contextlib import ExitStack, closing
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from utils.core.errors import BadInput, EnvironmentFault, describe_error, suggestion

if TYPE_CHECKING:
    from env import Episodes
    from env.episodes.probe import Verdict
    from env.episodes.seeding import SeedingRules
    from utils.experiment.experiment import Experiment
    from utils.training.stack_trainer import EnvironmentCheck

OWN_STREAMS = "draws from global random streams, so that every run has streams of its own, seeded by its seed"
EVERY_EPISODE = "its reset needs a seed at every episode, and is given one derived from the run's seed"
CARRIED = "a reset with a seed does not undo what happened before, so that evaluations depend on earlier ones"
INEXACT = "a run that is interrupted will resume approximately"
SMALL_SEEDS = "its reset refuses seeds of 64 bits, and is given the seed modulo 2^31 - 1"


@lru_cache(maxsize=1)
def check_environment(experiment: Experiment) -> EnvironmentCheck:
    """Try the experiment's environment, once per process.

    Raises BadInput if it fails, or if it is not a function of its seed and the protocol does not allow that.
    """
    from env.episodes.rollout import take_fingerprint
    from env.packages import find_packages
    from utils.training.stack_trainer import EnvironmentCheck

    verdict = probe_environment(experiment)
    deterministic = verdict.nondeterministic is None
    if not (deterministic or experiment.environment.allow_nondeterminism):
        raise BadInput(
            f"{experiment.env_source}: env_name: '{experiment.environment.env_name}' is not a function of its seed: "
            f"{verdict.nondeterministic}; allowed: randomness from self.np_random only, state in self only, or "
            '"allow_nondeterminism": true'
        )
    with closing(build_env(experiment, 0)) as episodes:
        spaces = (episodes.env.observation_space, episodes.env.action_space)
        obs, action = (space.shape or () for space in spaces)
        try:
            found = take_fingerprint(lambda: build_env(experiment, 0)) if deterministic else None
            episodes.reset()  # Environments may set attributes, by whose classes packages are found, at a reset only.
            packages = find_packages(episodes.env)
        except BadInput:
            raise
        except Exception as error:
            raise _failure(experiment, error) from error
    sizes = (obs[0], math.prod(action))
    return EnvironmentCheck(
        found and found.hash, sizes, deterministic, verdict.inexact is None, verdict.small_seeds, _describe(verdict),
        packages, found and found.trace,
    )  # fmt: skip


@lru_cache(maxsize=1)
def probe_environment(experiment: Experiment) -> Verdict:
    """Probe the experiment's environment, once per process.  Raises BadInput if it fails."""
    from env.episodes.probe import probe
    from utils.checkpoint.state_codec import EncodedState, decode_state

    def save_and_load(state: Any) -> Any:
        encoded = EncodedState(state)
        return decode_state(encoded.text, encoded.arrays, {})

    try:
        return probe(lambda rules, seed: _build(experiment, seed, rules), save_and_load)
    except BadInput:
        raise
    except Exception as error:
        raise _failure(experiment, error) from error


def _describe(verdict: Verdict) -> tuple[str, ...]:
    """Return a sentence for everything that is unusual about an environment."""
    notes = [
        (verdict.rules.own_streams, OWN_STREAMS),
        (verdict.rules.every_episode, EVERY_EPISODE),
        (verdict.small_seeds, SMALL_SEEDS),
        (verdict.nondeterministic, f"not a function of its seed: {verdict.nondeterministic}"),
        (verdict.carried, f"{CARRIED} ({verdict.carried})"),
        (verdict.inexact, f"{INEXACT}: {verdict.inexact}"),
    ]
    return tuple(note for applies, note in notes if applies)


def _failure(experiment: Experiment, error: Exception) -> BadInput:
    """Return the error for an environment that cannot be used."""
    name, reason = experiment.environment.env_name, describe_error(error)
    if not isinstance(error, EnvironmentFault):
        reason = f"fails as configured ({type(error).__name__}: {reason})"
    return BadInput(f"{experiment.env_source}: env_name: '{name}' {reason}")


def build_env(experiment: Experiment, seed: int, renders: bool = False) -> Episodes:
    """Build one environment under the experiment's protocol.  Raises BadInput if it cannot be built.

    renders: whether it must render pictures.
    """
    verdict = probe_environment(experiment)
    return _build(experiment, seed, verdict.rules, renders, verdict.inexact)


def _build(
    experiment: Experiment, seed: int, rules: SeedingRules, renders: bool = False, inexact: str | None = None
) -> Episodes:
    """Build one environment under seeding rules; see `build_env`.

    inexact: why its episodes cannot be resumed exactly.
    """
    from agent import AGENTS
    from env import EpisodeProtocol, Episodes, UnknownEnvironment, make_env
    from env.drawing.render import RENDER_MODE, check_renderable
    from env.episodes.seeding import make_seeded

    config = experiment.environment
    try:
        refuses = AGENTS[experiment.agent.agent_name].refuses
        kwargs = config.env_kwargs | ({"render_mode": RENDER_MODE} if renders else {})
        with ExitStack() as built:
            env = make_seeded(lambda: make_env(config.env_name, config.continuous, refuses, **kwargs), rules)
            built.callback(env.close)  # Called if the environment cannot be used.
            if renders:
                check_renderable(config.env_name, env)
            rewards = config.rewards.model_dump(exclude_none=True)
            protocol = EpisodeProtocol(
                config.steps_per_episode, config.overwrite_rewards, rewards,
                config.start_state, config.bootstrap_on_truncation,
            )  # fmt: skip
            episodes = Episodes(env, protocol, seed, inexact)
            built.pop_all()
        return episodes
    except ValueError as error:
        hint = suggestion(error.name, error.allowed) if isinstance(error, UnknownEnvironment) else ""
        raise BadInput(f"{experiment.env_source}: {error}{hint}") from error
