"""A fixed rollout of an environment, a fingerprint of its dynamics on this machine.

Physics engines and mathematical libraries round differently between versions and processors, so the
same seed can give different episodes. Two results with equal hashes were trained in environments that
agree to the bit for `STEPS` steps.

The rollout runs what training runs: the environment under its whole protocol (start state, step limit,
overwritten rewards), reset where an episode ends, with the seed of run 0. The actions are uniform draws
from run 0's stream "act", computed from plain uniforms, whose bits numpy is least likely to change.
A different protocol has a different hash: compare hashes under one protocol.
"""

from __future__ import annotations

import hashlib

import numpy as np

from env.episodes.episode import Episodes
from utils.core.random_streams import env_seed, make_generator

STEPS = 200

DIGITS = 16
"""Hexadecimal digits of the hash that are kept."""


def rollout_hash(episodes: Episodes) -> str:
    """Return the first 16 hexadecimal digits of SHA-256 over `STEPS` steps.

    The hash covers the bytes of each observation in the environment's own precision, the reward as
    float64, and a byte each for terminated and truncated.  Leaves the environment inside an episode.
    """
    digest, rng = hashlib.sha256(), make_generator(0, "act")
    episodes.reseed(env_seed(0, "env"))
    digest.update(episodes.reset().tobytes())
    for _ in range(STEPS):
        obs, reward, terminated, truncated = episodes.step(draw_action(episodes, rng))
        digest.update(obs.tobytes() + np.float64(reward).tobytes() + bytes((terminated, truncated)))
        if terminated or truncated:
            digest.update(episodes.reset().tobytes())
    return digest.hexdigest()[:DIGITS]


def draw_action(episodes: Episodes, rng: np.random.Generator) -> np.ndarray:
    """Draw an action (A,) float32, uniform over the box or over the indices of discrete actions."""
    if episodes.action_bounds is None:
        return np.floor(rng.random(1) * episodes.env.action_space.n).astype(np.float32)  # type: ignore[attr-defined]
    low, high = (bound.astype(np.float64) for bound in episodes.action_bounds)
    return (low + rng.random(len(low)) * (high - low)).astype(np.float32)
