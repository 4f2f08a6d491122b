"""Gymnasium's spaces in messages."""

from __future__ import annotations

from typing import Any

import gymnasium as gym

MOST_CHARACTERS = 120
"""Length from which a description is cut."""


def describe_space(space: gym.Space[Any]) -> str:
    """Return a space as text of one line, cut if it is long."""
    text = " ".join(str(space).split())
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 3]}..."
