"""Exploration in training: uniform actions in a run's first steps, and noise that is correlated in time.

Correlated noise makes an agent push in one direction for many steps, which reaches states that independent noise does
not, as on a hill that is climbed by swinging. It is a stationary Ornstein-Uhlenbeck process, observed at each step,

    z_t = rho z_{t-1} + sqrt(1 - rho^2) xi_t,    z_0 = xi_0,    xi_t ~ N(0, 1) independent,

whose every z_t is standard normal, and whose correlation at lag k is rho^k. It takes the place of the policy's own
noise, number by number, so that each action is distributed as a draw of the policy; a policy whose noise is uniform
takes Phi(z_t). Only the joint distribution of several steps differs.

Sources: Lillicrap et al. 2016, arXiv 1509.02971 (an Ornstein-Uhlenbeck process added to a deterministic policy's
actions); Eberhard, Hollenstein, Pinneri & Martius, ICLR 2023, "Pink noise is all you need: colored noise exploration in
deep reinforcement learning" (correlated noise in place of a stochastic policy's own). Deviations: the process is
stationary from the first step, has unit variance whatever rho, and is not restarted where an episode ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from agent.policy.base import ActionBox
from utils.core.random_streams import Draws
from utils.core.run_axes import RunAxes

LARGEST_UNIFORM = 1.0 - 2.0**-53
"""The largest float64 below 1."""

SMALLEST_UNIFORM = 2.0**-54
"""Lower bound of the uniforms whose normal quantile is taken: that of 0 is infinite."""


def uniform_actions(draws: Draws, action: ActionBox | int) -> np.ndarray:
    """Draw actions (R, A), float32, uniform over a box, or over a number of discrete actions."""
    if isinstance(action, int):
        return np.floor(draws.uniform(1).numpy() * action).astype(np.float32)
    low, high = action.low.numpy(), action.high.numpy()
    between = low + draws.uniform(len(low)).numpy() * (high.astype(np.float64) - low)
    return between.astype(np.float32)


class WarmUp:
    """A run's first steps, whose actions are uniform, and in which nothing is learned."""

    def __init__(self, random_seeds: Sequence[int], steps: int, action: ActionBox | int) -> None:
        """Begin R runs.  steps: number of the first steps.  action: the environment's actions."""
        self._draws = Draws(random_seeds, "warm_up")
        self._steps, self._action, self._observed = steps, action, 0

    @property
    def acts(self) -> bool:
        """Whether the next action is uniform."""
        return self._observed < self._steps

    @property
    def learns(self) -> bool:
        """Whether the latest step is after the first ones, so that it may be followed by an update."""
        return self._observed > self._steps

    def draw_actions(self) -> np.ndarray:
        """Draw uniform actions (R, A), float32, in the environment's units."""
        return uniform_actions(self._draws, self._action)

    def count_step(self) -> None:
        """Count one step of every run."""
        self._observed += 1

    run_axes: ClassVar[RunAxes] = {"draws": Draws.run_axes, "observed": "shared"}

    def state_dict(self) -> dict[str, Any]:
        """Return the stream's state and the number of steps."""
        return {"draws": self._draws.state_dict(), "observed": self._observed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        self._draws.load_state_dict(state["draws"])
        self._observed = state["observed"]


class CorrelatedDraws(Draws):
    """Draws that are correlated with those of the request before, run by run; with correlation 0 those of `Draws`.

    Normal quantiles and probabilities are scipy's, whose bits depend on the system's C library, not on the processor.
    """

    def __init__(self, random_seeds: Sequence[int], stream: str, correlations: Sequence[float]) -> None:
        """Create the generators.  correlations: rho of each run, in [0, 1)."""
        super().__init__(random_seeds, stream)
        self._rho = np.array(correlations, np.float64)
        self._level: np.ndarray | None = None
        """z of the latest request, (R, ...); None before the first one."""

    def normal(self, *shape: int) -> Tensor:
        """Draw standard normals (R, *shape), float32.  Raises ValueError as `Draws.normal`."""
        drawn = super().normal(*shape)
        if not self._rho.any():
            return drawn
        level = self._advance(drawn.numpy().astype(np.float64))
        return self._where_correlated(level.astype(np.float32), drawn.numpy())

    def uniform(self, *shape: int) -> Tensor:
        """Draw uniform numbers in [0, 1), (R, *shape), float64.  Raises ValueError as `Draws.normal`."""
        drawn = super().uniform(*shape)
        if not self._rho.any():
            return drawn
        from scipy.special import ndtr, ndtri  # Imported here: its import takes a tenth of a second.

        level = self._advance(ndtri(np.maximum(drawn.numpy(), SMALLEST_UNIFORM)))
        return self._where_correlated(np.minimum(ndtr(level), LARGEST_UNIFORM), drawn.numpy())

    def _advance(self, innovation: np.ndarray) -> np.ndarray:
        """Move the process on by standard normals (R, ...), float64. Returns its value."""
        rho = self._rho.reshape(-1, *[1] * (innovation.ndim - 1))
        before = self._level
        self._level = innovation if before is None else rho * before + np.sqrt(1.0 - rho * rho) * innovation
        return self._level

    def _where_correlated(self, correlated: np.ndarray, independent: np.ndarray) -> Tensor:
        """Return the first (R, ...) for runs with a correlation, the second for the others."""
        return self._as_tensor(
            np.where(self._rho.reshape(-1, *[1] * (independent.ndim - 1)) > 0, correlated, independent)
        )

    run_axes: ClassVar[RunAxes] = {**Draws.run_axes, "level": "list"}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of `Draws`, and z of each run, empty before the first request and without correlation."""
        none = np.zeros(0)
        kept = [none if self._level is None or rho == 0 else self._level[r].copy() for r, rho in enumerate(self._rho)]
        return super().state_dict() | {"level": kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        super().load_state_dict(state)
        known = [level for level in state["level"] if level.size]
        rows = [level if level.size else np.zeros_like(known[0]) for level in state["level"]] if known else []
        self._level = np.stack(rows) if rows else None
