"""Registers every version with Gymnasium: "tests.support.habits.registered:Sled-v0"."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

from tests.support.habits.catalog import ALL

for _name, _make in ALL.items():
    _entry_point: Any = _make
    gym.register(f"{_name}-v0", _entry_point)
