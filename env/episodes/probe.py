"""A probe before training, of whether an environment is a function of its seed and its state can be restored.

One instance plays several episodes, is saved amid them, and goes on. Another begins from the same seed and is stepped
in turn with a third, of another seed, while the global random streams are disturbed. Fresh ones are restored from what
was saved and take the same actions. The third begins again, from the seed of the first. All must agree to the bit in
observations, rewards and ends.

An environment that disagrees is tried again under each of `REMEDIES`. A remedy can seem to help because other episodes
are played under it; a counter that instances share, state in C or the order of objects in memory can matter in few
episodes only. So an environment that agrees with a remedy, whose state cannot be restored exactly, or that holds a set
of objects plays further episodes, in pairs of instances of one seed. Every second pair plays many short ones, since
what is made at a reset is then made anew more often. A habit that shows only after `STEPS` steps, or only in another
process, goes unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from env.episodes.batch import describe_flaw
from env.episodes.causes import UNKNOWN, find_cause
from env.episodes.episode import Episodes
from env.episodes.returns import check_returns
from env.episodes.rollout import draw_action
from env.episodes.seeding import SeedingRules
from env.episodes.snapshot import has_set_of_objects
from env.episodes.snapshot.layout import SHARED_CHANGE
from utils.core.global_streams import is_same_state, kept_global_streams, read_global_streams, seed_global_streams
from utils.core.random_streams import env_seed, make_generator

STEPS = 160

RESETS = (25, 90)
"""Steps after which an episode is broken off, besides those where it ends."""

SAVES = (60, 130)
"""Steps after which the state is saved."""

CONFIRMATIONS = 10
"""Further seeds, each of `STEPS` steps, where agreement may be a coincidence."""

SHORT_RESETS = range(2, STEPS, 2)
"""Steps after which an episode is broken off with every second of these seeds."""

CHECKED_STEPS = 5
"""Steps whose returns are checked."""

REMEDIES = (
    SeedingRules(), SeedingRules(own_streams=True), SeedingRules(every_episode=True), SeedingRules(True, True),
)  # fmt: skip
"""Rules that are tried in order, until one makes the environment a function of its seed."""

MakeEpisodes = Callable[[SeedingRules, int], Episodes]
"""Makes an environment under the rules, with a seed for its first reset."""

RoundTrip = Callable[[Any], Any]
"""Returns a state as a checkpoint gives it back."""


class Moment(NamedTuple):
    """What a step or the reset after it returned.

    step: its number, from 1; 0: before the first step.  obs: (O,).  reward, flags: zero and false for a reset.
    """

    call: str
    step: int
    obs: np.ndarray
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False

    def find_difference(self, other: Moment) -> str | None:
        """Return the first part in which two moments differ in a bit, such as "observation[1]"; None if they agree."""
        if self.obs.dtype != other.obs.dtype or self.obs.shape != other.obs.shape:
            return "type of observation"
        if self.obs.tobytes() != other.obs.tobytes():
            unequal = [a.tobytes() != b.tobytes() for a, b in zip(self.obs, other.obs, strict=True)]
            return f"observation[{unequal.index(True)}]"
        if np.float64(self.reward).tobytes() != np.float64(other.reward).tobytes():
            return "reward"
        return None if self[4:] == other[4:] else "end of the episode"


@dataclass(frozen=True)
class Verdict:
    """What the probe found.

    rules: what the environment needs to be a function of its seed.
    small_seeds: whether its `reset` refuses seeds of 64 bits.
    nondeterministic: why it is not a function of its seed alone, under any rules; None: it is.
    inexact: why a restored instance does not continue exactly; None: it does.
    carried: what a reset with a seed does not undo, so that an evaluation depends on earlier ones; None: nothing.
    """

    rules: SeedingRules
    small_seeds: bool
    nondeterministic: str | None = None
    inexact: str | None = None
    carried: str | None = None


@dataclass
class Trial:
    """An instance that plays the probe's actions.

    actions: (A,) for each step.  resets: steps after which an episode is broken off.  seen: what it returned.
    """

    episodes: Episodes
    actions: Sequence[np.ndarray]
    resets: Container[int] = RESETS
    seen: list[Moment] = field(default_factory=list)

    def reset(self, step: int = 0) -> None:
        """Begin an episode after a step."""
        self.seen.append(Moment("reset after step", step, np.array(self.episodes.reset())))

    def begin_again(self, seed: int) -> None:
        """Forget what was seen, and begin an episode with another seed."""
        self.seen.clear()
        self.episodes.reseed(seed)
        self.reset()

    def play(self, start: int, stop: int) -> None:
        """Take the actions of some steps."""
        for step in range(start, stop):
            self.step(step)

    def step(self, step: int) -> None:
        """Take the action of a step; begin an episode where one ends."""
        obs, reward, terminated, truncated = self.episodes.step(self.actions[step])
        moment = Moment("step", step + 1, np.array(obs), reward, terminated, truncated)
        self.seen.append(moment)
        if moment.terminated or moment.truncated or step + 1 in self.resets:
            self.reset(step + 1)

    def close(self) -> None:
        """Close the instance."""
        self.episodes.close()


class Saved(NamedTuple):
    """A saved state: after which step, how many moments were seen before, and why there is no state."""

    step: int
    seen: int
    state: Any
    flaw: str | None


def probe(make: MakeEpisodes, round_trip: RoundTrip) -> Verdict:
    """Probe an environment.  Raises `env.episodes.returns.WrongReturn`, and whatever the environment raises."""
    with kept_global_streams():
        seed_global_streams(0)
        seed = env_seed(0, "probe")
        with closing(make(REMEDIES[0], seed)) as episodes:
            rng = make_generator(0, "probe")
            actions = [draw_action(episodes, rng) for _ in range(STEPS)]
            small = check_returns(episodes, seed, actions[:CHECKED_STEPS]) != seed
        difference = shared = None
        for rules in REMEDIES:
            found = _Probe(make, round_trip, rules, actions).run()
            difference = difference or found.nondeterministic
            shared = shared or found.inexact
            if found.nondeterministic is None:
                return replace(found, small_seeds=small)
        cause = find_cause(lambda seed: make(REMEDIES[-1], seed), seed, actions)
        reason = f"{difference}; the likely cause: {shared if shared and cause == UNKNOWN else cause}"
        return Verdict(REMEDIES[0], small, reason, "it is not a function of its seed")


class _Probe:
    """The probe of an environment under some rules."""

    def __init__(
        self, make: MakeEpisodes, round_trip: RoundTrip, rules: SeedingRules, actions: Sequence[np.ndarray]
    ) -> None:
        self._make, self._round_trip, self._rules, self._actions = make, round_trip, rules, actions
        self._disturbances = iter(range(1, 2**31))

    def run(self) -> Verdict:
        """Return what was found under these rules."""
        saved: list[Saved] = []
        straight, draws = self._play_straight(saved)
        if draws and not self._rules.own_streams:
            return self._refusal("it draws from, or seeds, the global random streams")
        among_others, begun_again = self._play_among_others()
        difference = first_difference(straight, among_others)
        if difference is not None:
            return self._refusal(f"two instances with the same seed and actions differ ({difference})")
        inexact = next(filter(None, (self._restore(one, straight) for one in saved)), None)
        carried = first_difference(straight[: len(begun_again)], begun_again)
        if first_difference(straight, self._play_straight([])[0]) is not None:
            return self._refusal("restoring a state changes what all instances share")
        unordered = any(has_set_of_objects(one.state["env"]) for one in saved if one.flaw is None)
        if self._rules != REMEDIES[0] or inexact is not None or unordered:
            difference = self._confirm()
            if difference is not None:
                refusal = self._refusal(f"two instances with the same seed and actions differ ({difference})")
                return replace(refusal, inexact=inexact if _is_shared_change(inexact) else None)
        return Verdict(self._rules, small_seeds=False, inexact=inexact, carried=carried)

    def _refusal(self, nondeterministic: str) -> Verdict:
        return Verdict(self._rules, small_seeds=False, nondeterministic=nondeterministic)

    def _play_straight(self, saved: list[Saved]) -> tuple[list[Moment], bool]:
        """Play all steps undisturbed. Returns what was seen, and whether global streams changed.

        saved: receives the states that are saved on the way.
        """
        with self._new_trial(0) as trial:
            before = read_global_streams()
            trial.reset()
            for start, stop in zip((0, *SAVES), (*SAVES, STEPS), strict=True):
                trial.play(start, stop)
                if stop in SAVES:
                    saved.append(self._save(trial, stop))
            return trial.seen, not is_same_state(before, read_global_streams())

    def _save(self, trial: Trial, step: int) -> Saved:
        """Save an instance's state as a checkpoint would."""
        try:
            return Saved(step, len(trial.seen), self._round_trip(trial.episodes.state()), None)
        except Exception as error:  # noqa: BLE001 - attributes may raise anything when they are read.
            return Saved(step, len(trial.seen), None, describe_flaw(error))

    def _play_among_others(self) -> tuple[list[Moment], list[Moment]]:
        """Step an instance in turn with another one, among disturbances; then let the other one begin again, like it.

        Returns what the one returned, and what the other one returned after it had begun again.
        """
        with self._new_trial(0) as trial, self._new_trial(1) as other:
            for each in (trial, other):
                self._disturb()
                each.reset()
            for step in range(STEPS):
                self._disturb()
                trial.step(step)
                other.step(step)
            other.begin_again(env_seed(0, "probe"))
            other.play(0, SAVES[0])
            return trial.seen, other.seen

    def _confirm(self) -> str | None:
        """Step pairs of instances with further seeds in turn. Returns how the first pair differs that does, or None."""
        for number in range(3, 3 + CONFIRMATIONS):
            resets = SHORT_RESETS if number % 2 else RESETS
            with self._new_trial(number, resets) as one, self._new_trial(number, resets) as other:
                for each in (one, other):
                    self._disturb()
                    each.reset()
                for step in range(STEPS):
                    for each in (one, other):
                        self._disturb()
                        each.step(step)
                difference = first_difference(one.seen, other.seen)
            if difference is not None:
                return difference
        return None

    def _restore(self, saved: Saved, straight: list[Moment]) -> str | None:
        """Restore a state into a fresh instance and let it continue. Returns why this is not exact, or None."""
        if saved.flaw is not None:
            return saved.flaw
        with self._new_trial(2) as trial:
            self._disturb()
            try:
                trial.episodes.load_state(saved.state)
                trial.play(saved.step, STEPS)
            except Exception as error:  # noqa: BLE001 - an incomplete environment may raise anything.
                return describe_flaw(error)
            difference = first_difference(straight[saved.seen :], trial.seen)
        return difference and f"an instance restored from its saved state differs ({difference})"

    def _new_trial(self, number: int, resets: Container[int] = RESETS) -> closing[Trial]:
        self._disturb()
        return closing(Trial(self._make(self._rules, env_seed(number, "probe")), self._actions, resets))

    def _disturb(self) -> None:
        seed_global_streams(next(self._disturbances))


def _is_shared_change(reason: str | None) -> bool:
    """Return whether what instances share has changed."""
    return reason is not None and reason.endswith(SHARED_CHANGE)


def first_difference(a: list[Moment], b: list[Moment]) -> str | None:
    """Return in what and where two records differ first, such as "reward, step 3"; None if they agree."""
    for one, other in zip(a, b, strict=False):
        difference = one.find_difference(other)
        if difference is not None:
            return f"{difference}, {one.call} {one.step}"
    return None if len(a) == len(b) else "number of episodes"
