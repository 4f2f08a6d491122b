"""Habits of environments of other packages: what is saved, what is refused, and what is said about it."""

from __future__ import annotations

from env.episodes.episode import EpisodeProtocol, Episodes
from env.episodes.snapshot.reach import reach_of
from tests.support.foreign_habits import Charted


def test_packages_that_draw_hold_no_state():
    episodes = Episodes(Charted(), EpisodeProtocol(50), 3)
    for _ in range(2):
        episodes.reset()
        episodes.state()
    assert {module.partition(".")[0] for module, _ in reach_of(frozenset(Charted.__mro__)).places} == {"tests"}
