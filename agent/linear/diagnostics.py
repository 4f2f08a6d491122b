"""What a linear agent's updates say of learning, averaged over windows of updates; see `agent.diagnostics`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from agent.diagnostics import standard_deviation
from utils.core.run_axes import RunAxes


class LinearDiagnostics:
    """Sums over a window of R runs' updates: average reward, TD error, the policy's spread, the norms of the traces.

    Norms are added at every 64th update only: computing them takes as long as a step.
    """

    def __init__(self, runs: int, spread_name: str) -> None:
        """Begin a window.  spread_name: what `LinearPolicy.spread` returns."""
        self.spread_name = spread_name
        self._sums, self._norms = np.zeros((4, runs)), np.zeros((2, runs))
        self._count, self._norm_count = np.zeros((2, runs))

    def add(self, avg_reward: np.ndarray, delta: np.ndarray, spread: np.ndarray) -> None:
        """Add an update.  avg_reward, delta, spread: (R,)."""
        sums = self._sums
        sums[0] += avg_reward
        sums[1] += delta
        sums[2] += delta * delta
        sums[3] += spread
        self._count += 1.0

    def add_norms(self, norms: np.ndarray) -> None:
        """Add the norms of the traces of every head, (H, R): the value's first, then the policy's."""
        self._norms[0] += norms[0]
        self._norms[1] += np.sqrt((norms[1:] ** 2).sum(0))
        self._norm_count += 1.0

    def read(self, run: int) -> dict[str, float]:
        """Return a run's means in the window, by name, and begin another window of this run; {} without updates."""
        count, norms = float(self._count[run]), float(self._norm_count[run])
        if not count:
            return {}
        avg_reward, td_error, square, spread = (float(total) / count for total in self._sums[:, run])
        means = {
            "avg_reward": avg_reward, "td_error": td_error, "td_error_std": standard_deviation(td_error, square),
            self.spread_name: spread,
        }  # fmt: skip
        if norms:
            names = ("critic_trace_norm", "actor_trace_norm")
            means |= {name: float(total) / norms for name, total in zip(names, self._norms[:, run], strict=True)}
        self._sums[:, run] = self._norms[:, run] = 0.0
        self._count[run] = self._norm_count[run] = 0.0
        return means

    run_axes: ClassVar[RunAxes] = {"sums": 1, "norms": 1, "count": 0, "norm_count": 0}

    def state_dict(self) -> dict[str, Any]:
        """Return the sums (4, R) and (2, R) and the numbers of updates that they are of, (R,) each."""
        return {"sums": self._sums, "norms": self._norms, "count": self._count, "norm_count": self._norm_count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        for name, array in self.state_dict().items():
            array[:] = state[name]
