"""Bandit: k arms whose rewards are normal, one pull an episode.

The testbed of Sutton and Barto, "Reinforcement Learning" (2018), section 2.3: the arms' means are
drawn once from N(0, 1), a reward from N(mean, noise^2). Which means is a matter of `problem` alone,
our choice: all runs of an experiment, and training and evaluation, then face the same arms.

Observation: [1], always.  Action: an arm, 0 to n_actions - 1.  Start: nothing to choose.
End: after one step, always.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import seeding

from env.drawing.picture import BLUE, GREY, METADATA, RED, Picture, checked_mode


class Bandit(gym.Env[np.ndarray, Any]):
    """k arms; `means` (k,) are what they pay on average.

    n_actions: k, at least 1.  problem: names the means, a whole number from 0.  noise: the
    rewards' standard deviation, at least 0.  Raises ValueError for others.
    """

    metadata = METADATA

    def __init__(
        self, n_actions: int = 10, problem: int = 0, noise: float = 1.0, render_mode: str | None = None
    ) -> None:
        if n_actions < 1 or noise < 0:
            raise ValueError(f"n_actions {n_actions}, noise {noise}; allowed: at least one arm, noise from 0")
        self.noise = float(noise)
        self.means = seeding.np_random(problem)[0].standard_normal(n_actions)
        self.render_mode = checked_mode(render_mode)
        self.observation_space = Box(0.0, 1.0, (1,), np.float32)
        self.action_space = Discrete(n_actions)
        self._arm: int | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin. Returns obs (1,)."""
        super().reset(seed=seed)
        self._arm = None
        return np.ones(1, np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Pull an arm -> obs (1,), reward, and the end."""
        self._arm = int(action)
        reward = float(self.means[self._arm] + self.noise * self.np_random.standard_normal())
        return np.ones(1, np.float32), reward, True, False, {}

    def render(self) -> Any:
        """The arms' means as bars about zero; the arm pulled in red."""
        if self.render_mode is None:
            return None
        picture, width = Picture(), 1.0 / len(self.means)
        for arm, mean in enumerate(self.means * 0.45 / max(np.abs(self.means).max(), 1e-9)):
            edges = (arm + 0.1) * width, (arm + 0.9) * width
            heights = 0.5 + min(mean, 0.0), 0.5 + max(mean, 0.0)
            picture.rectangle(edges, heights, RED if arm == self._arm else BLUE)
        picture.fill(np.abs(picture.y - 0.5) < 0.004, GREY)
        return picture.pixels
