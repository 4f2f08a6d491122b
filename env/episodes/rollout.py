"""Fixed rollouts of an environment, a fingerprint of its dynamics on this machine.

Physics engines and mathematical libraries round differently between versions and processors, so the same seed can give
different episodes. Two results with equal hashes were trained in environments that agree to the bit in all rollouts.

The environment runs under its whole protocol (start state, overwritten rewards). There is a rollout of `STEPS` steps
for each of `PLANS`, each from a reset with another seed. Random actions end many episodes within few steps, and
policies reach what lies beyond. So a rollout continues past the end of an episode without a reset. An environment that
cannot be stepped there gets a reset at each end instead. It cannot if a step after an end raises an error, returns
something else than a finite observation of the same type and a finite reward, or is not repeated by another instance.

A different protocol has a different fingerprint: compare fingerprints under one protocol.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from env.episodes.episode import Episodes
from utils.core.random_streams import env_seed, make_generator

STEPS = 200

RECORDED_STEPS = (1, *range(10, STEPS + 1, 10))
"""Steps whose observations are in the trace."""

REPEATED_STEPS = 20
"""Steps past the first end of an episode that another instance must repeat to the bit."""

FORM = 2
"""Form of the hash. It changes whenever the same environment would get another hash."""

DIGITS = 16
"""Hexadecimal digits of the hash that are kept."""

LARGEST = 1e300
"""Magnitude from which entries count as not finite: sums of smaller ones are."""

GOLDEN_RATIO = (math.sqrt(5.0) - 1.0) / 2.0


class Plan(NamedTuple):
    """The actions of a rollout.

    scale: the part of the range of a box that they cover, around its middle; discrete actions have no part.
    held: steps for which each action is held.
    """

    scale: float
    held: int


PLANS = (Plan(1.0, 10), Plan(1.0, 1), Plan(0.1, 1))
"""Plans of the rollouts, with seeds of their own. Held actions push bodies to where their joints end."""


class Fingerprint(NamedTuple):
    """The fingerprint of an environment's dynamics.

    hash: the form, a colon, and the first 16 hexadecimal digits of SHA-256 over all rollouts: over the bytes of each
    observation in the environment's own precision, the reward as float64, and a byte each for terminated and truncated.
    trace: observations, reduced to two sums, as JSON: "steps", those that are recorded; "dtype" of the observations;
    "sums", for each rollout and recorded step, the `weighted_sums` of the observation; null where they are not finite.
    """

    hash: str
    trace: dict[str, Any]


class _CannotContinue(Exception):
    """Error of an environment that cannot be stepped past the end of an episode."""


class _Moment(NamedTuple):
    """What a step returned, or a reset.

    obs: (O,).  content: all of it as bytes.  ended: whether the episode has ended, at this step or before.
    """

    obs: np.ndarray
    content: bytes
    ended: bool


def take_fingerprint(make: Callable[[], Episodes]) -> Fingerprint:
    """Return the fingerprint of an environment that is a function of its seed.

    make: makes an instance; all are alike.  Raises what the environment raises before the end of an episode.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Many environments warn of steps past an end.
            return _roll_out(make, past_ends=True)
    except _CannotContinue:
        return _roll_out(make, past_ends=False)


def _roll_out(make: Callable[[], Episodes], past_ends: bool) -> Fingerprint:
    """Play all rollouts.  Raises _CannotContinue if `past_ends` is asked for but not possible."""
    digest, sums, repeated = hashlib.sha256(bytes((past_ends,))), [], not past_ends
    with closing(make()) as episodes:
        for number in range(len(PLANS)):
            moments = list(_play(episodes, number, past_ends))
            ends = [moment.ended for moment in moments]
            if not repeated and any(ends[:-1]):
                _check_repeated(make, number, moments[: ends.index(True) + REPEATED_STEPS + 1])
                repeated = True
            for moment in moments:
                digest.update(moment.content)
            sums.append([weighted_sums(moments[step].obs) for step in RECORDED_STEPS])
        trace = {"steps": list(RECORDED_STEPS), "dtype": str(moments[0].obs.dtype), "sums": sums}
    return Fingerprint(f"{FORM}:{digest.hexdigest()[:DIGITS]}", trace)


def _check_repeated(make: Callable[[], Episodes], number: int, moments: list[_Moment]) -> None:
    """Raise _CannotContinue unless another instance repeats the first moments of a rollout."""
    with closing(make()) as episodes:
        for expected, found in zip(moments, _play(episodes, number, past_ends=True), strict=False):
            if expected.content != found.content:
                raise _CannotContinue("another instance does not repeat the steps past the end of an episode")


def _play(episodes: Episodes, number: int, past_ends: bool) -> Iterator[_Moment]:
    """Yield the reset and the steps of a rollout; in each of `STEPS` steps, resets at ends are part of the content.

    Raises _CannotContinue if a step past an end fails.
    """
    rng = make_generator(number, "act")
    episodes.reseed(env_seed(number, "probe"))
    obs = episodes.reset()
    shape, dtype, ended = obs.shape, obs.dtype, False
    yield _Moment(np.array(obs), obs.tobytes(), ended)
    for step in range(STEPS):
        if step % PLANS[number].held == 0:
            action = _shrink(episodes, draw_action(episodes, rng), PLANS[number].scale)
        if ended and past_ends:
            obs, reward, terminated, truncated = _step_past_end(episodes, action)
            if (obs.shape, obs.dtype) != (shape, dtype):
                raise _CannotContinue("an observation of another type")
        else:
            obs, reward, terminated, truncated = episodes.step(action)
        ended = ended or terminated or truncated
        content = obs.tobytes() + np.float64(reward).tobytes() + bytes((terminated, truncated))
        seen = np.array(obs)
        if ended and not past_ends:
            content, ended = content + episodes.reset().tobytes(), False
        yield _Moment(seen, content, ended)


def _step_past_end(episodes: Episodes, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool]:
    """Take a step after the end of an episode.  Raises _CannotContinue if it fails."""
    try:
        obs, reward, terminated, truncated = episodes.step(action)
        finite = bool(np.isfinite(obs).all()) and math.isfinite(reward)
    except Exception as error:
        raise _CannotContinue(f"{type(error).__name__}: {error}") from error
    if not finite:
        raise _CannotContinue("a number that is not finite")
    return np.asarray(obs), reward, terminated, truncated


def weighted_sums(obs: np.ndarray) -> list[float] | None:
    """Return the weighted sum of an observation's entries, and that of their magnitudes to three digits.

    obs: (O,).  The weights, between 0.5 and 1.5, are the fractional parts of multiples of the golden ratio, plus 0.5:
    differences of several entries do not cancel. The sums are rounded once, on every machine alike. A change of the
    sum relative to the sum of magnitudes is that of the observation.  None if an entry is not below `LARGEST`.
    """
    wide = obs.astype(np.float64)  # LARGEST is not a float32.
    if not (np.abs(wide) < LARGEST).all():
        return None
    weighted = wide * (0.5 + np.arange(1, len(obs) + 1) * GOLDEN_RATIO % 1.0)
    return [math.fsum(weighted.tolist()), float(f"{math.fsum(np.abs(weighted).tolist()):.3g}")]


def draw_action(episodes: Episodes, rng: np.random.Generator) -> np.ndarray:
    """Draw an action (A,) float32, uniform over the box or over the indices of discrete actions.

    The draws are computed from plain uniforms, whose bits numpy is least likely to change.
    """
    if episodes.action_bounds is None:
        return np.floor(rng.random(1) * episodes.env.action_space.n).astype(np.float32)  # type: ignore[attr-defined]
    low, high = (bound.astype(np.float64) for bound in episodes.action_bounds)
    return (low + rng.random(len(low)) * (high - low)).astype(np.float32)


def _shrink(episodes: Episodes, action: np.ndarray, scale: float) -> np.ndarray:
    """Move an action (A,) in a box to a part of its range around the middle."""
    if episodes.action_bounds is None or scale == 1.0:
        return action
    middle = sum(bound.astype(np.float64) for bound in episodes.action_bounds) / 2.0
    return (middle + scale * (action - middle)).astype(np.float32)
