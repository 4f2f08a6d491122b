"""Bimodal: a bandit with one continuous action and two peaks of reward.

Chan et al., "Greedification operators for policy optimization" (JMLR 2022, arXiv 2107.08285), on
twice their range of actions. The higher peak pays more on average; the lower one pays it with so
much noise that it often looks better.

Observation: [1], always.  Action: one number in [-2, 2].  Reward: the sum of two bells,

    heights[i] * exp(-((action - peaks[i]) / widths[i])^2 / 2),   peaks -1 and 1,

and with `reward_variance` normal noise whose standard deviation is 5 times the first bell.
Start: nothing to choose.  End: after one step, always.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box

from env.drawing.picture import BLUE, GREY, METADATA, RED, Picture, checked_mode

PEAKS = (-1.0, 1.0)
BOUND = 2.0
NOISE_PER_HEIGHT = 5.0


class Bimodal(gym.Env[np.ndarray, Any]):
    """Two bells, one step.

    heights, widths: of the bell at -1 and of the bell at 1, widths above 0.  reward_variance: noise
    under the first.  Raises ValueError for others.
    """

    metadata = METADATA

    def __init__(
        self, reward_variance: bool = True, heights: Sequence[float] = (1.0, 1.5),
        widths: Sequence[float] = (0.2, 0.2), render_mode: str | None = None,
    ) -> None:  # fmt: skip
        if len(heights) != 2 or len(widths) != 2 or min(widths) <= 0:
            raise ValueError(f"heights {list(heights)}, widths {list(widths)}; allowed: two each, widths above 0")
        self.reward_variance, self.heights, self.widths = reward_variance, tuple(heights), tuple(widths)
        self.render_mode = checked_mode(render_mode)
        self.observation_space = Box(0.0, 1.0, (1,), np.float32)
        self.action_space = Box(-BOUND, BOUND, (1,), np.float32)
        self._action: float | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin. Returns obs (1,)."""
        super().reset(seed=seed)
        self._action = None
        return np.ones(1, np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """action (1,) -> obs (1,), reward, and the end."""
        self._action = float(action[0])
        reward = self.expected_reward(self._action)
        if self.reward_variance:
            reward += NOISE_PER_HEIGHT * self._bell(0, self._action) * self.np_random.standard_normal()
        return np.ones(1, np.float32), reward, True, False, {}

    def expected_reward(self, action: float) -> float:
        """The reward's mean."""
        return self._bell(0, action) + self._bell(1, action)

    def _bell(self, which: int, action: float) -> float:
        return self.heights[which] * math.exp(-0.5 * ((action - PEAKS[which]) / self.widths[which]) ** 2)

    def render(self) -> Any:
        """The expected reward over all actions, and the action taken."""
        if self.render_mode is None:
            return None
        picture, top = Picture(), 1.1 * max(*self.heights, 1e-9)
        actions = BOUND * (2.0 * picture.x[0] - 1.0)
        mean = np.array([self.expected_reward(action) for action in actions]) / top
        picture.fill(picture.y <= mean, GREY)
        picture.fill(np.abs(picture.y - mean) < 0.01, BLUE)
        if self._action is not None:
            picture.fill(np.abs(picture.x - (self._action / BOUND + 1.0) / 2.0) < 0.005, RED)
        return picture.pixels
