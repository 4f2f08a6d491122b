"""Seeds of environments: which seed `reset` is given, and which random streams an environment draws from.

A seed has 64 bits. An environment that hands it to numpy's legacy generator or to a C int refuses it; it is given the
seed modulo 2^31 - 1 instead. Environments that accept 64 bits are never given any other seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium.wrappers import PassiveEnvChecker

from utils.core.global_streams import read_global_streams, seeded_streams, write_global_streams
from utils.core.random_streams import SMALL_SEEDS, episode_seed, small_seed

ABOUT_SEEDS = re.compile(r"seed|2\*\*32|incompatible function arguments", re.IGNORECASE)
"""Texts in errors for seeds that are too large: those of numpy, of most environments, and of pybind11."""

CONSTRUCTION_SEED = 0
"""Seed of the streams in which environments are made: two environments made alike must be alike."""


@dataclass(frozen=True)
class SeedingRules:
    """What an environment needs to be a function of its seed.

    own_streams: global random streams of its own.  every_episode: a seed at every reset, not only at the first one.
    """

    own_streams: bool = False
    every_episode: bool = False


def make_seeded(make: Callable[[], gym.Env[Any, Any]], rules: SeedingRules) -> gym.Env[Any, Any]:
    """Make an environment and wrap it as the rules require."""
    if not rules.own_streams:
        return SeededEpisodes(make()) if rules.every_episode else make()
    streams = seeded_streams(CONSTRUCTION_SEED)
    with _replaced(streams) as after:
        env = make()
    return OwnStreams(SeededEpisodes(env) if rules.every_episode else env, after)


def reset_with_seed(env: gym.Env[Any, Any], seed: int | None) -> tuple[Any, int | None]:
    """Reset an environment. Returns what its `reset` returns, and the seed that it was given."""
    if seed is None or seed < SMALL_SEEDS:
        return env.reset(seed=seed), seed
    try:
        return env.reset(seed=seed), seed
    except Exception as error:
        if not (isinstance(error, OverflowError) or ABOUT_SEEDS.search(str(error))):
            raise
    _forget_refused_reset(env)
    return env.reset(seed=small_seed(seed)), small_seed(seed)


def _forget_refused_reset(env: gym.Env[Any, Any]) -> None:
    """Have gymnasium's checkers take the next reset for the first one.

    An environment that itself makes another one has them. After a first reset that raised an error, gymnasium 1.4.0's
    checker raises TypeError at the next step (findings/gymnasium_checker_after_refused_reset.sh).
    """
    while isinstance(env, gym.Wrapper):
        if isinstance(env, PassiveEnvChecker):
            env.checked_reset = False
        env = env.env


class SeededEpisodes(gym.Wrapper[Any, Any, Any, Any]):
    """A wrapper that seeds every episode: those after a seeded one by seeds derived from its seed."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.first_seed: int | None = None
        self.episode = 0

    def reset(self, *, seed: int | None = None, **options: Any) -> Any:
        """Begin an episode."""
        if seed is not None:
            self.first_seed, self.episode = seed, 0
        elif self.first_seed is not None:
            self.episode += 1
            seed = episode_seed(self.first_seed, self.episode)
        return reset_with_seed(self.env, seed)[0]


class OwnStreams(gym.Wrapper[Any, Any, Any, Any]):
    """A wrapper that gives an environment global random streams of its own, seeded by each seeded reset.

    Rendering uses the process's streams: it must not change an episode.
    """

    def __init__(self, env: gym.Env[Any, Any], streams: dict[str, Any]) -> None:
        super().__init__(env)
        self.streams = streams

    def reset(self, *, seed: int | None = None, **options: Any) -> Any:
        """Begin an episode."""
        streams = self.streams if seed is None else seeded_streams(seed)
        with _replaced(streams) as self.streams:
            return reset_with_seed(self.env, seed)[0]

    def step(self, action: Any) -> Any:
        """Take an action."""
        with _replaced(self.streams) as self.streams:
            return self.env.step(action)


@contextmanager
def _replaced(streams: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Replace the global streams. Yields a dictionary that holds the replacing streams' state at the end."""
    before, after = read_global_streams(), dict(streams)
    write_global_streams(streams)
    try:
        yield after
    finally:
        after |= {name: state for name, state in read_global_streams().items() if state is not None}
        write_global_streams(before)
