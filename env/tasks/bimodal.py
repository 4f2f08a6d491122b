"""Bimodal: a bandit with one continuous action and two peaks of reward.

Chan et al., "Greedification operators for policy optimization" (JMLR 2022, arXiv 2107.08285), on
twice their range of actions. The higher peak has the higher mean reward; the rewards at the lower one
are so noisy that it often looks better.

Observation: [1], always.  Action: one number in [-2, 2].  Reward: the sum of two bells,

    heights[i] * exp(-((action - peaks[i]) / widths[i])^2 / 2),   peaks -1 and 1,

and, with `reward_variance`, normal noise whose standard deviation is 5 times the first bell.
Start: nothing to choose.  End: after one step, always.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from env.drawing.canvas import BLUE, GREY, RED, Canvas
from env.tasks.base import BaseEnv

PEAKS = (-1.0, 1.0)
BOUND = 2.0
NOISE_PER_HEIGHT = 5.0


class Bimodal(BaseEnv):
    """A continuous bandit whose mean reward is the sum of two bells."""

    def __init__(
        self, reward_variance: bool = True, heights: Sequence[float] = (1.0, 1.5),
        widths: Sequence[float] = (0.2, 0.2), render_mode: str | None = None,
    ) -> None:  # fmt: skip
        """Shape the bells.

        heights, widths: two numbers each, for the bell at -1 and the bell at 1; widths above 0.
        reward_variance: whether rewards under the first bell are noisy.  Raises ValueError for other values.
        """
        if len(heights) != 2 or len(widths) != 2 or min(widths) <= 0:
            found = f"heights {list(heights)}, widths {list(widths)}"
            raise ValueError(f"env_kwargs: found {found}; allowed: two each, widths > 0")
        super().__init__(render_mode)
        self.reward_variance, self.heights, self.widths = reward_variance, tuple(heights), tuple(widths)
        self.observation_space = Box(0.0, 1.0, (1,), np.float32)
        self.action_space = Box(-BOUND, BOUND, (1,), np.float32)
        self._action: float | None = None

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Take an action (1,). Returns obs (1,), reward, True, False, {}."""
        self._action = float(action[0])
        reward = self.expected_reward(self._action)
        if self.reward_variance:
            reward += NOISE_PER_HEIGHT * self._bell(0, self._action) * self.np_random.standard_normal()
        return self._get_obs(), reward, True, False, {}

    def expected_reward(self, action: float) -> float:
        """Return the mean reward of an action."""
        return self._bell(0, action) + self._bell(1, action)

    def _bell(self, which: int, action: float) -> float:
        """Return the height of one bell at an action."""
        return self.heights[which] * math.exp(-0.5 * ((action - PEAKS[which]) / self.widths[which]) ** 2)

    def _start(self) -> None:
        self._action = None

    def _get_obs(self) -> np.ndarray:
        return np.ones(1, np.float32)

    def _draw(self, canvas: Canvas) -> None:
        """Draw the mean reward over all actions, and the action taken as a red line."""
        x = np.linspace(0.0, 1.0, self.picture_width + 1)
        mean = np.array([self.expected_reward(action) for action in BOUND * (2.0 * x - 1.0)])
        curve = np.stack((x, mean / (1.1 * max(*self.heights, 1e-9))), axis=1)
        half = np.array((0.0, 0.01))
        canvas.polygon([(0.0, 0.0), *curve, (1.0, 0.0)], GREY)
        canvas.polygon(np.concatenate((curve + half, curve[::-1] - half)), BLUE)
        if self._action is not None:
            center = (self._action / BOUND + 1.0) / 2.0
            canvas.rectangle((center - 0.005, center + 0.005), (0.0, 1.0), RED)
