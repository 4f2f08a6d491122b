"""What a linear agent's updates say of learning, averaged over windows of updates; see `agent.diagnostics`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from agent.diagnostics import standard_deviation
from utils.core.run_axes import RunAxes

TOGETHER = 64
"""Number of updates that are added to the sums together, because each operation takes a microsecond."""


class LinearDiagnostics:
    """Sums over a window of R runs' updates: average reward, TD error and its square; now and then, what takes longer.

    That is the policy's spread and the norms of the traces.
    """

    def __init__(self, runs: int, spread_name: str) -> None:
        """Begin a window.  spread_name: what `LinearPolicy.spread` returns."""
        self._names = (spread_name, "critic_trace_norm", "actor_trace_norm")
        self._sums, self._rare = np.zeros((3, runs)), np.zeros((3, runs))
        self._count, self._rare_count = np.zeros((2, runs))
        self._waiting, self._number = np.zeros((2, runs, TOGETHER)), 0
        self._avg_rewards, self._deltas = self._waiting

    def add(self, avg_reward: np.ndarray, delta: np.ndarray) -> None:
        """Add an update.  avg_reward, delta: (R,)."""
        number = self._number
        self._avg_rewards[:, number] = avg_reward
        self._deltas[:, number] = delta
        self._number = number + 1
        if self._number == TOGETHER:
            self._flush()

    @np.errstate(all="ignore")  # A run that diverges has numbers that are not finite, here as elsewhere.
    def _flush(self) -> None:
        """Add the updates that wait, one after another, so that the sums do not depend on when."""
        number, self._number = self._number, 0
        avg_rewards, deltas = self._waiting[:, :, :number]
        terms = np.concatenate((self._sums[:, :, None], [avg_rewards, deltas, deltas * deltas]), 2)
        self._sums[:] = np.add.accumulate(terms, 2)[:, :, -1]
        self._count += number

    def add_rare(self, spread: np.ndarray, trace_norms: np.ndarray) -> None:
        """Add the policy's spread (R,) and the norms of every head's traces (H, R): the value's, then the policy's."""
        self._rare += [spread, trace_norms[0], np.sqrt((trace_norms[1:] ** 2).sum(0))]
        self._rare_count += 1.0

    def read(self, run: int) -> dict[str, float]:
        """Return a run's means in the window, by name, and begin another window of this run; {} without updates."""
        self._flush()
        count, rare = float(self._count[run]), float(self._rare_count[run])
        if not count:
            return {}
        avg_reward, td_error, square = (float(total) / count for total in self._sums[:, run])
        means = {"avg_reward": avg_reward, "td_error": td_error, "td_error_std": standard_deviation(td_error, square)}
        if rare:
            means |= {name: float(total) / rare for name, total in zip(self._names, self._rare[:, run], strict=True)}
        self._sums[:, run] = self._rare[:, run] = 0.0
        self._count[run] = self._rare_count[run] = 0.0
        return means

    run_axes: ClassVar[RunAxes] = {"sums": 1, "rare": 1, "count": 0, "rare_count": 0}

    def state_dict(self) -> dict[str, Any]:
        """Return the sums (3, R) of every update and of rare ones, and the numbers of both, (R,)."""
        self._flush()
        return {"sums": self._sums, "rare": self._rare, "count": self._count, "rare_count": self._rare_count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        for name, array in self.state_dict().items():
            array[:] = state[name]
