"""Bandit: k arms with normally distributed rewards, one pull per episode.

The testbed of Sutton and Barto, "Reinforcement Learning" (2018), section 2.3: the arms' means are
drawn once from N(0, 1), a reward from N(mean, noise^2). We draw the means from `problem` alone, so that
all runs of an experiment, in training and in evaluation, face the same arms.

Observation: [1], always.  Action: an arm, 0 to n_actions - 1.  Reward: drawn for that arm.
Start: nothing to choose.  End: after one step, always.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import seeding

from env.drawing.canvas import BLUE, GREY, RED, Canvas
from env.tasks.base import BaseEnv


class Bandit(BaseEnv):
    """A bandit with k arms, whose mean rewards are `means` (k,)."""

    def __init__(
        self, n_actions: int = 10, problem: int = 0, noise: float = 1.0, render_mode: str | None = None
    ) -> None:
        """Draw the arms.

        n_actions: k, at least 1.  problem: seed of the means, a whole number from 0.
        noise: the rewards' standard deviation, at least 0.  Raises ValueError for other values.
        """
        if n_actions < 1 or noise < 0:
            found = f"n_actions {n_actions}, noise {noise}"
            raise ValueError(f"env_kwargs: found {found}; allowed: n_actions >= 1, noise >= 0")
        super().__init__(render_mode)
        self.noise = float(noise)
        self.means = seeding.np_random(problem)[0].standard_normal(n_actions)
        self.observation_space = Box(0.0, 1.0, (1,), np.float32)
        self.action_space = Discrete(n_actions)
        self._arm: int | None = None

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Pull the arm `action`. Returns obs (1,), reward, True, False, {}."""
        self._arm = int(action)
        reward = float(self.means[self._arm] + self.noise * self.np_random.standard_normal())
        return self._get_obs(), reward, True, False, {}

    def _start(self) -> None:
        self._arm = None

    def _get_obs(self) -> np.ndarray:
        return np.ones(1, np.float32)

    def _draw(self, canvas: Canvas) -> None:
        """Draw the arms' means as bars about zero, the pulled arm in red."""
        width = 1.0 / len(self.means)
        for arm, mean in enumerate(self.means * 0.45 / max(np.abs(self.means).max(), 1e-9)):
            color = RED if arm == self._arm else BLUE
            canvas.rectangle(((arm + 0.1) * width, (arm + 0.9) * width), (0.5, 0.5 + mean), color)
        canvas.rectangle((0.0, 1.0), (0.496, 0.504), GREY)
