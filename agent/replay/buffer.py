"""Experience replay (Lin 1992): one ring buffer for R runs, sampled with replacement.

A transition is one row [obs | action | reward | terminated | next_obs], so that a batch is one gather and the critic's
input obs|action needs no concatenation.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from agent.base import Batch
from agent.replay.layout import row_length
from agent.replay.n_step import combine_steps
from utils.core.run_axes import RunAxes
from utils.core.transition import Step


class Replay:
    """The last `capacity` transitions of R runs, float32, in whole rows (`agent.replay.layout`)."""

    def __init__(self, runs: int, capacity: int, obs_dim: int, action_dim: int, device: str = "cpu") -> None:
        """Allocate an empty buffer."""
        self.runs, self.capacity = runs, capacity
        self.obs_dim, self.action_dim, self.device = obs_dim, action_dim, device
        self.row_length = row_length(obs_dim, action_dim)
        self._run_offset = np.arange(runs)[:, None] * capacity
        self._allocate()

    def _allocate(self) -> None:
        """Empty the buffer and reserve memory for all rows; the system provides only what is written."""
        self.count = 0
        self.data = torch.empty(self.runs, self.capacity, self.row_length, device=self.device)
        self._on_cpu = self.device == "cpu"
        if self._on_cpu:  # For few numbers, numpy takes a third of torch's time.
            self._rows = self.data.view(-1, self.row_length).numpy()
            self._columns = split_columns(self.data.numpy(), self.obs_dim, self.action_dim)

    def __len__(self) -> int:
        """Return the number of stored transitions, the same for every run."""
        return min(self.count, self.capacity)

    def push(self, step: Step) -> None:
        """Store one transition of each run, in place of the oldest if the buffer is full."""
        i = self.count % self.capacity
        numbers = (step.obs, step.action, step.reward, step.terminated, step.next_obs)
        if self._on_cpu:
            for column, new in zip(self._columns, numbers, strict=True):
                column[:, i] = new
        else:
            rows = np.empty((self.runs, 1, self.row_length), np.float32)
            for column, new in zip(split_columns(rows, self.obs_dim, self.action_dim), numbers, strict=True):
                column[:, 0] = new
            self.data[:, i] = torch.from_numpy(rows[:, 0])
        self.count += 1

    def sample(self, uniforms: Tensor, n_step: int = 1, gamma: float = 1.0) -> Batch:
        """Return rows floor(u n) of the n stored ones, for uniforms (R, B) in [0, 1), float64.

        n_step, gamma: steps of each transition, and their discount (see `agent.replay.n_step`).
        """
        index = (uniforms.numpy() * len(self)).astype(np.int64)
        if n_step > 1:
            return self.make_batch(self._gather_steps(index, n_step, gamma))
        index += self._run_offset
        return self.make_batch(self._gather(index))

    def _gather_steps(self, index: np.ndarray, n_step: int, gamma: float) -> Tensor:
        """Return n-step transitions (R, B, row_length) that begin at rows index (R, B) of each run."""
        steps = np.arange(n_step)
        newer = ((self.count - 1 - index) % self.capacity)[..., None]
        rows = (index[..., None] + np.minimum(steps, newer)) % self.capacity
        gathered = self._gather(rows + self._run_offset[..., None])
        exists = torch.from_numpy(steps <= newer).to(self.device)
        return combine_steps(gathered, exists, self.obs_dim, self.action_dim, gamma)

    def _gather(self, index: np.ndarray) -> Tensor:
        """Return whole rows (..., row_length).  index: (...), r * capacity + i for row i of run r."""
        if self._on_cpu:
            return torch.from_numpy(self._rows.take(index, 0))
        return self.data.view(-1, self.row_length)[torch.from_numpy(index).to(self.device)]

    def make_batch(self, rows: Tensor) -> Batch:
        """Return whole rows (R, B, row_length) as a batch."""
        return Batch(rows, self.obs_dim, self.action_dim)

    def read_rows(self, run: int, indices: slice) -> np.ndarray:
        """Return whole rows (n, row_length) of one run, in storage order; they may be the buffer's own memory."""
        return self.data[run, : len(self)][indices].cpu().numpy()

    run_axes: ClassVar[RunAxes] = {"data": "list", "count": "shared"}

    def state_dict(self) -> dict[str, Any]:
        """Return each run's whole rows, in storage order, and the number of all transitions ever pushed."""
        return {"data": [RunRows(self, run) for run in range(self.runs)], "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from the `state_dict` of either layout; each run's rows may be an array (n, row_length)."""
        self._allocate()
        self.count = int(state["count"])
        for run, rows in zip(range(self.runs), state["data"], strict=True):
            self._load_run(run, torch.as_tensor(rows[:]))

    def _load_run(self, run: int, rows: Tensor) -> None:
        """Store one run's whole rows (n, row_length)."""
        self.data[run, : len(self)] = rows


def split_columns(rows: np.ndarray, obs_dim: int, action_dim: int) -> list[np.ndarray]:
    """Return views of the columns obs, action, reward, terminated and next_obs of whole rows (..., row_length)."""
    action, reward = obs_dim + action_dim, obs_dim + action_dim + 1
    places = (slice(obs_dim), slice(obs_dim, action), action, reward, slice(reward + 1, None))
    return [rows[..., place] for place in places]


class RunRows:
    """One run's whole rows in a buffer, in storage order. A slice of them is an array, and so is a copy."""

    def __init__(self, replay: Replay, run: int) -> None:
        """Refer to a run's rows without reading them."""
        self._replay, self._run = replay, run

    def __len__(self) -> int:
        """Return the number of stored rows."""
        return len(self._replay)

    def __getitem__(self, indices: slice) -> np.ndarray:
        """Return some rows, (n, row_length)."""
        return self._replay.read_rows(self._run, indices)

    def __deepcopy__(self, memo: dict[int, Any]) -> np.ndarray:
        """Return a copy of all rows, (n, row_length)."""
        return self[:].copy()
