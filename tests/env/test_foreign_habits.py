"""Habits of environments of other packages: what is saved, what is refused, and what is said about it."""

from __future__ import annotations

import pytest

from env.episodes.episode import EpisodeProtocol, Episodes
from env.episodes.observations import FlatBox
from env.episodes.probe import probe
from env.episodes.seeding import make_seeded
from env.episodes.snapshot import Unsavable
from env.episodes.snapshot.reach import reach_of
from tests.support.habits.libraries import Barred, Charted, Tabled
from tests.support.habits.out_of_reach import Tiles
from tests.support.habits.seeds import SeededTooLate, SystemEntropy


@pytest.mark.parametrize("kind", [Barred, Charted, Tabled])
def test_packages_for_charts_tables_and_progress_hold_no_state(kind):
    episodes = Episodes(kind(), EpisodeProtocol(50), 3)
    for _ in range(2):
        episodes.reset()
        episodes.state()
    assert {module.partition(".")[0] for module, _ in reach_of(frozenset(kind.__mro__)).places} == {"tests"}


def test_what_cannot_be_saved_is_named_by_the_environment_that_has_it():
    episodes = Episodes(FlatBox(Tiles()), EpisodeProtocol(50), 3)
    episodes.reset()
    with pytest.raises(Unsavable, match=r"^Tiles\.clock is a count$"):
        episodes.state()


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (
            SeededTooLate,
            "reset draws SeededTooLate.wind before it passes the seed on; super().reset(seed=seed) must come first",
        ),
        (SystemEntropy, "reset(seed=...) does not seed the generator SystemEntropy.rng"),
    ],
)
def test_the_cause_of_a_refusal_is_named(kind, cause):
    def make(rules, seed):
        return Episodes(make_seeded(kind, rules), EpisodeProtocol(50), seed)

    verdict = probe(make, lambda state: state)
    assert verdict.nondeterministic is not None
    assert verdict.nondeterministic.endswith(f"the likely cause: {cause}")
