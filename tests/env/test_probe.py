"""The probe tells sound environments from those that are no function of their seed or cannot be restored."""

from __future__ import annotations

import random
from typing import ClassVar

import numpy as np
import pytest
import torch
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker

from env import EpisodeProtocol, Episodes, make_env
from env.episodes.causes import find_cause
from env.episodes.probe import CONFIRMATIONS, REMEDIES, Verdict, probe
from env.episodes.seeding import OwnStreams, SeededEpisodes, SeedingRules, make_seeded, reset_with_seed
from tests.support.habits.addresses import PlacedWheel, Wheeled, WheelOrder
from tests.support.habits.catalog import HABITS
from tests.support.habits.out_of_reach import StateInC
from tests.support.habits.seeds import LegacySeed, NumpyStream, ShortSeed
from tests.support.habits.sled import GymStream, Sled
from utils.core.global_streams import is_same_state, kept_global_streams, read_global_streams, seed_global_streams
from utils.core.random_streams import env_seed, episode_seed

ALONE, OWN, EVERY, BOTH = REMEDIES


def verdict_on(make) -> Verdict:
    """Return the probe's verdict on an environment."""
    return probe(
        lambda rules, seed: Episodes(make_seeded(make, rules), EpisodeProtocol(1000), seed), lambda state: state
    )


SOUND = (
    "Pendulum-v1", "CartPole-v1", "Acrobot-v1", "MountainCarContinuous-v0", "FrozenLake-v1", "Hopper-v5",
    "HalfCheetah-v5", "Humanoid-v5", "Reacher-v5", "PuddleWorld-v1", "Bandit", "Bimodal", "ContinuousGridWorld",
    "Gridworld", "MinAtarBreakout", "MinAtarSeaquest",
)  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_sound_environments_are_not_flagged(name):
    assert verdict_on(lambda: make_env(name)) == Verdict(ALONE, small_seeds=False)


RULES = {
    "Sled": ALONE, "GymStream": ALONE, "NumpyStream": OWN, "NumpyStreamSeeded": OWN, "NumpyStreamReseeded": BOTH,
    "FreshGenerator": EVERY, "StandardStream": OWN, "StandardStreamSeeded": OWN, "TorchStream": OWN,
    "MadeFromStream": OWN, "OwnStandard": ALONE, "BoundDraw": ALONE, "PartialDraw": ALONE, "EnclosedDraw": ALONE,
    "SpaceDraw": ALONE, "Memo": ALONE, "Counted": ALONE, "History": ALONE, "Bytes": ALONE, "LegacySeed": ALONE,
    "ShortSeed": ALONE,
}  # fmt: skip

CAUSES = {
    "MadeFromEntropy": "MadeFromEntropy.wind is drawn when the environment is made, where no seed is given",
    "OwnEntropy": "reset(seed=...) does not seed the generator OwnEntropy.rng",
    "SeedDropped": "reset(seed=...) does not seed the generator SeedDropped._np_random",
    "Clock": "its attributes do not show it: a clock, entropy of the operating system",
    "Curriculum": "Curriculum.begun changes, which all instances share",
    "CommonBuffer": "CommonBuffer.buffer changes, which all instances share",
}


def test_every_habit_is_covered():
    assert {*RULES, *CAUSES} == {*HABITS}
    assert not RULES.keys() & CAUSES.keys()


@pytest.mark.parametrize(("habit", "rules"), RULES.items())
def test_rules_that_make_an_environment_a_function_of_its_seed(habit, rules):
    verdict = verdict_on(HABITS[habit])
    assert verdict.nondeterministic is None
    assert verdict.rules == rules
    assert verdict.small_seeds == (habit in ("LegacySeed", "ShortSeed"))


@pytest.mark.parametrize(("habit", "cause"), CAUSES.items())
def test_an_environment_that_no_rules_help_is_reported_with_its_likely_cause(habit, cause):
    verdict = verdict_on(HABITS[habit])
    assert verdict.rules == ALONE
    assert verdict.nondeterministic is not None
    assert verdict.nondeterministic.startswith("two instances with the same seed and actions differ (observation[0], ")
    assert f"the likely cause: {cause}" in verdict.nondeterministic


@pytest.mark.parametrize("habit", ["Sled", "GymStream", "History", "LegacySeed", "NumpyStream", "TorchStream"])
def test_plain_state_and_own_streams_are_restored_exactly(habit):
    assert verdict_on(HABITS[habit]).inexact is None


def test_state_in_a_cache_is_found():
    assert verdict_on(HABITS["Memo"]).inexact is not None


@pytest.mark.parametrize("habit", HABITS)
def test_what_a_reset_does_not_undo_is_found(habit):
    """All other environments begin with a seed as a new one does."""
    expected = {"Counted": "observation[0], reset after step 0", "Memo": "observation[0], step 1"}
    assert verdict_on(HABITS[habit]).carried == expected.get(habit)


class Numbered(GymStream):
    """Numbers its episodes in its class; the number matters in episodes of some seeds only, or in none."""

    begun: ClassVar[int] = 0
    USUAL: ClassVar[tuple[int | None, ...]] = ()

    def reset(self, **options):
        type(self).begun += 1
        self.strange = options.get("seed") not in self.USUAL
        return super().reset(**options)

    def gust(self):
        return super().gust() + 1e-9 * self.strange * self.begun


class TestCoincidence:
    """The first seeds of the probe do not show that the number matters."""

    @pytest.mark.parametrize("wrong", [True, False])
    def test_an_environment_that_changes_what_instances_share_plays_further_seeds(self, wrong, monkeypatch):
        usual = {None, *(env_seed(number, "probe") for number in range(3 if wrong else 3 + CONFIRMATIONS))}
        monkeypatch.setattr(Numbered, "USUAL", tuple(usual))
        verdict = verdict_on(Numbered)
        assert verdict.rules == ALONE
        if wrong:
            assert verdict.nondeterministic is not None
            assert verdict.nondeterministic.startswith("two instances with the same seed and actions differ (")
            assert "the likely cause: Numbered.begun changes, which all instances share" in verdict.nondeterministic
        else:
            assert verdict.nondeterministic is None
            assert verdict.inexact is not None
            assert verdict.inexact.endswith("Numbered.begun, which environments share, has changed")

    def test_a_remedy_that_helps_by_chance_is_not_taken(self, monkeypatch):
        """Without a seed at a reset, the number matters; with one, in further seeds."""
        firsts = [env_seed(number, "probe") for number in range(3)]
        later = [episode_seed(seed, episode) for seed in firsts for episode in range(1, 40)]
        monkeypatch.setattr(Numbered, "USUAL", (*firsts, *later))
        verdict = verdict_on(Numbered)
        assert verdict.rules == ALONE
        assert verdict.nondeterministic is not None
        assert "Numbered.begun changes" in verdict.nondeterministic


class TestAddresses:
    """The order of a set of objects is that of their addresses in memory: another one in each instance and process."""

    @pytest.mark.parametrize("process", range(10))
    def test_an_order_that_matters_in_few_episodes_is_found_in_every_process(self, process, monkeypatch):
        monkeypatch.setattr(PlacedWheel, "memory", random.Random(process))
        verdict = verdict_on(WheelOrder)
        assert verdict.rules == ALONE
        assert verdict.nondeterministic is not None
        assert verdict.nondeterministic.startswith("two instances with the same seed and actions differ (reward, step ")

    @pytest.mark.parametrize(("kind", "further"), [(Sled, 0), (Wheeled, CONFIRMATIONS), (StateInC, CONFIRMATIONS)])
    def test_further_seeds_are_tried_where_something_is_out_of_sight(self, kind, further):
        made = []

        def make():
            made.append(kind())
            return made[-1]

        verdict = verdict_on(make)
        assert (verdict.rules, verdict.nondeterministic) == (ALONE, None)
        restored = 0 if kind is StateInC else 2
        assert len(made) == 1 + 1 + 2 + restored + 1 + 2 * further

    def test_a_set_of_objects_is_named_as_the_likely_cause(self):
        def make(seed):
            return Episodes(make_seeded(Wheeled, ALONE), EpisodeProtocol(1000), seed)

        cause = find_cause(make, 1, [np.zeros(1)] * 3)
        assert cause == "Wheeled.wheels has a set of objects, whose order is that of addresses in memory"


def test_a_state_that_a_checkpoint_cannot_hold_is_found():
    def refuse(state):
        raise TypeError("env.board: a bytes cannot be stored")

    verdict = probe(lambda rules, seed: Episodes(make_seeded(GymStream, rules), EpisodeProtocol(1000), seed), refuse)
    assert verdict == Verdict(ALONE, small_seeds=False, inexact="TypeError: env.board: a bytes cannot be stored")


def test_the_probe_leaves_the_global_streams_as_they_were():
    before = read_global_streams()
    verdict_on(HABITS["NumpyStreamReseeded"])
    verdict_on(HABITS["TorchStream"])
    assert is_same_state(before, read_global_streams())


class TestSeeds:
    @pytest.mark.parametrize("kind", [LegacySeed, ShortSeed])
    def test_a_seed_that_is_refused_is_reduced(self, kind):
        seed = 2**63 + 12345
        env = kind()
        _, handed = reset_with_seed(env, seed)
        assert handed == seed % (2**31 - 1) == 12347
        assert env.rng.standard_normal() == np.random.RandomState(12347).standard_normal()

    def test_gymnasiums_checkers_of_an_environment_inside_do_not_mind_a_refused_seed(self):
        env = OrderEnforcing(PassiveEnvChecker(LegacySeed()))
        assert reset_with_seed(env, 2**63 + 12345)[1] == 12347
        for _ in range(3):
            env.step(env.action_space.sample())

    def test_a_seed_that_is_accepted_is_not_changed(self):
        env = GymStream()
        assert reset_with_seed(env, 2**63 + 5)[1] == 2**63 + 5
        assert env.np_random.random() == np.random.default_rng(2**63 + 5).random()
        assert reset_with_seed(env, None)[1] is None

    def test_other_errors_are_not_retried(self):
        class Broken(GymStream):
            tried = 0

            def seeded(self, seed):
                self.tried += 1
                raise ValueError("no rail")

        env = Broken()
        with pytest.raises(ValueError, match="no rail"):
            reset_with_seed(env, 2**40)
        assert env.tried == 1

    def test_later_episodes_have_seeds_derived_from_the_first(self):
        given: list[int] = []

        class Recorder(GymStream):
            def seeded(self, seed):
                given.append(seed)

        env = SeededEpisodes(Recorder())
        for seed in (7, None, None, 8, None):
            env.reset(seed=seed)
        assert given == [7, episode_seed(7, 1), episode_seed(7, 2), 8, episode_seed(8, 1)]
        assert len({*given}) == 5


class TestOwnStreams:
    def test_the_streams_are_those_of_the_seed_whatever_else_draws(self):
        """Two instances in turn, with draws between, return what each returns alone."""

        def play(seeds: tuple[int, ...], disturb: bool) -> list[list[float]]:
            envs = [make_seeded(NumpyStream, SeedingRules(own_streams=True)) for _ in seeds]
            seen: list[list[float]] = [[] for _ in seeds]
            for env, seed in zip(envs, seeds, strict=True):
                env.reset(seed=seed)
            for _ in range(20):
                for env, values in zip(envs, seen, strict=True):
                    if disturb:
                        np.random.standard_normal(3)  # noqa: NPY002
                    values.append(float(env.step(np.zeros(1))[0][0]))
            return seen

        assert play((1, 2), True) == play((1,), False) + play((2,), True)

    def test_the_process_keeps_its_own_streams(self):
        env = make_seeded(HABITS["TorchStream"], OWN)
        assert isinstance(env, OwnStreams)
        with kept_global_streams():
            seed_global_streams(3)
            env.reset(seed=1)
            env.step(np.zeros(1))
            assert float(torch.rand(())) == float(torch.rand((), generator=torch.Generator().manual_seed(3)))
            assert random.random() == random.Random(3).random()

    def test_what_is_drawn_when_it_is_made_is_the_same_in_every_instance(self):
        winds = {make_seeded(HABITS["MadeFromStream"], OWN).unwrapped.wind for _ in range(3)}
        assert len(winds) == 1
