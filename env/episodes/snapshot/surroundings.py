"""A watch on what the environments of a process share, and so is the state of none."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from env.episodes.snapshot.layout import SHARED_CHANGE, Unsavable
from env.episodes.snapshot.reach import reach_of
from env.episodes.snapshot.shared import SharedValue, first_change, read_places
from utils.core.global_streams import is_same_state, read_global_streams

OWNERS = {"numpy": "numpy's", "random": "Python's"}
"""Names of the global random streams that are watched, with their owners."""


class Surroundings:
    """The process's random streams since an environment was made, and shared values since its first reset."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self._env = env
        self._streams = read_global_streams()
        self._shared: tuple[SharedValue, ...] | None = None

    def begin(self) -> None:
        """Remember the values of the modules and classes that define the environment, at the first call."""
        if self._shared is not None:
            return
        classes, env = set[type](), self._env
        while True:
            classes.update(type(env).__mro__)
            if not isinstance(env, gym.Wrapper):
                break
            env = env.env
        try:
            self._shared = read_places(reach_of(frozenset(classes)).places)
        except Exception:  # noqa: BLE001 - the values may be objects of any kind; saving gives the reason.
            self._shared = ()

    def check(self) -> None:
        """Raise Unsavable if anything that environments share has changed."""
        present = read_global_streams()
        for stream, owner in OWNERS.items():
            if not is_same_state({stream: present[stream]}, self._streams):
                name = type(self._env.unwrapped).__name__
                raise Unsavable(f"{name}: {owner} global random stream was used since the environment was made")
        changed = first_change(self._shared or ())
        if changed is not None:
            raise Unsavable(f"{changed}, {SHARED_CHANGE}")
