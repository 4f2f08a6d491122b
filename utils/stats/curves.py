"""Statistics of one run's learning curve.

After Patterson, Neumann, White & White, "Empirical Design in Reinforcement Learning" (JMLR 2024).
`utils.stats.settings`, `utils.stats.pairs` and `utils.stats.environments` compare settings, agents and environments.
"""

from __future__ import annotations

import numpy as np


def step_weighted_curve(
    episode_returns: np.ndarray, episode_steps: np.ndarray, grid_timesteps: np.ndarray
) -> np.ndarray:
    """Return, for each timestep, the return of the episode that contains it.

    episode_returns, episode_steps: (E,), a run's episodes in order, steps >= 1.
    grid_timesteps: (T,) in [1, sum of steps]; timestep 1 is the first step.
    Returns (T,).  Raises ValueError for a timestep outside all episodes.
    """
    ends = np.cumsum(episode_steps)
    grid = np.asarray(grid_timesteps)
    total = int(ends[-1]) if len(ends) else 0
    if grid.size and (grid.min() < 1 or grid.max() > total):
        raise ValueError(f"timesteps: found {grid.min()} to {grid.max()}; allowed: 1 to {total}")
    return np.asarray(episode_returns, float)[np.searchsorted(ends, grid, side="left")]


def area_under_curve(returns: np.ndarray, timesteps: np.ndarray) -> np.ndarray:
    """Return the mean over training time of a piecewise linear curve: its area divided by its duration.

    returns: (..., T), NaN where a value is missing.  timesteps: (T,), increasing, T >= 1.
    Returns (...), in units of return, NaN for a curve with a NaN.  Raises ValueError for timesteps that do not
    increase.
    """
    if len(timesteps) == 0 or (np.diff(timesteps) <= 0).any():
        raise ValueError("timesteps: found none, or some that do not increase; allowed: one or more, increasing")
    if len(timesteps) == 1:
        return np.asarray(returns, float)[..., 0]
    return np.trapezoid(returns, timesteps, axis=-1) / (timesteps[-1] - timesteps[0])


def final_performance(returns: np.ndarray, timesteps: np.ndarray) -> float:
    """Return the mean return over the last half of a run's evaluations, the middle one included.

    The last half is that of the timesteps from 0 to the last evaluation. So a program that evaluates at timestep 0 and
    one that does not are judged by the same timesteps.
    returns: (E, ...), evaluations in order, E >= 1, each of one or more episodes.  timesteps: (E,), increasing.
    Returns NaN if the last half contains NaN; `rank_settings` counts such a run as failed.
    """
    return float(np.mean(returns[timesteps >= timesteps[-1] / 2]))
