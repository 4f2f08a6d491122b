"""Experience replay (Lin 1992): one ring buffer, R runs wide, sampled with replacement.

A transition is one row [obs | action | reward | terminated | next_obs], so that a batch is one
gather and the critic's input obs|action needs no concatenation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from agent.base import Batch, Step


class Replay:
    """The last `capacity` transitions of R runs, float32; 4 (2 O + A + 2) bytes each."""

    def __init__(self, runs: int, capacity: int, obs_dim: int, action_dim: int, device: str = "cpu") -> None:
        self.runs, self.capacity = runs, capacity
        self.obs_dim, self.action_dim = obs_dim, action_dim
        self.row = 2 * obs_dim + action_dim + 2
        self.data = torch.empty(runs, capacity, self.row, device=device)
        self.count = 0
        self._offsets = torch.arange(runs, device=device).unsqueeze(1) * capacity

    def __len__(self) -> int:
        """Transitions held, the same for every run."""
        return min(self.count, self.capacity)

    def push(self, step: Step) -> None:
        """Store one transition of each run, over the oldest when full."""
        columns = (step.obs, step.action, step.reward[:, None], step.terminated[:, None], step.next_obs)
        rows = torch.from_numpy(np.concatenate(columns, 1, dtype=np.float32))
        self.data[:, self.count % self.capacity] = rows
        self.count += 1

    def sample(self, uniforms: Tensor) -> Batch:
        """Rows floor(u n) of the n held, for uniforms (R, B) in [0, 1), float64."""
        index = (uniforms * len(self)).long() + self._offsets
        rows = self.data.view(-1, self.row).index_select(0, index.view(-1))
        return self.split(rows.view(*index.shape, self.row))

    def split(self, rows: Tensor) -> Batch:
        """Rows (R, B, row) by what stands in them."""
        return Batch.from_rows(rows, self.obs_dim, self.action_dim)

    def state_dict(self) -> dict[str, Tensor | int]:
        """The rows held (R, n, row), in storage order, and the number ever pushed."""
        return {"data": self.data[:, : len(self)], "count": self.count}

    def load_state_dict(self, state: dict) -> None:
        """Take over what `state_dict` gave; the rows may also come run by run, each (n, row)."""
        self.count = int(state["count"])
        for held, rows in zip(self.data, state["data"], strict=True):
            held[: len(self)] = torch.as_tensor(rows)
