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
from utils.core.run_axes import RunAxes
from utils.core.transition import Step


class Replay:
    """The last `capacity` transitions of R runs, float32, in whole rows (`agent.replay.layout`)."""

    def __init__(self, runs: int, capacity: int, obs_dim: int, action_dim: int, device: str = "cpu") -> None:
        """Allocate an empty buffer."""
        self.runs, self.capacity = runs, capacity
        self.obs_dim, self.action_dim, self.device = obs_dim, action_dim, device
        self.row_length = row_length(obs_dim, action_dim)
        self._run_offset = torch.arange(runs, device=device).unsqueeze(1) * capacity
        self._allocate()

    def _allocate(self) -> None:
        """Empty the buffer and reserve memory for all rows; the system provides only what is written."""
        self.count = 0
        self.data = torch.empty(self.runs, self.capacity, self.row_length, device=self.device)

    def __len__(self) -> int:
        """Return the number of stored transitions, the same for every run."""
        return min(self.count, self.capacity)

    def push(self, step: Step) -> None:
        """Store one transition of each run, in place of the oldest if the buffer is full."""
        columns = (step.obs, step.action, step.reward[:, None], step.terminated[:, None], step.next_obs)
        self.data[:, self.count % self.capacity] = torch.from_numpy(np.concatenate(columns, 1, dtype=np.float32))
        self.count += 1

    def sample(self, uniforms: Tensor) -> Batch:
        """Return rows floor(u n) of the n stored ones, for uniforms (R, B) in [0, 1), float64."""
        index = (uniforms * len(self)).long() + self._run_offset
        return self.make_batch(self._gather(index.view(-1)).view(*index.shape, self.row_length))

    def _gather(self, index: Tensor) -> Tensor:
        """Return whole rows (n, row_length).  index: (n,), r * capacity + i for row i of run r."""
        return self.data.view(-1, self.row_length).index_select(0, index)

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
