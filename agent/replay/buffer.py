"""Experience replay (Lin 1992): one ring buffer, R runs wide, sampled with replacement.

A transition is one row [obs | action | reward | terminated | next_obs], so that a batch is one
gather and the critic's input obs|action needs no concatenation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from agent.base import Batch
from agent.replay.layout import row_length
from utils.core.transition import Step


class Replay:
    """The last `capacity` transitions of R runs, float32, in whole rows (`agent.replay.layout`)."""

    def __init__(self, runs: int, capacity: int, obs_dim: int, action_dim: int, device: str = "cpu") -> None:
        self.runs, self.capacity = runs, capacity
        self.obs_dim, self.action_dim, self.device = obs_dim, action_dim, device
        self.row = row_length(obs_dim, action_dim)
        self._offsets = torch.arange(runs, device=device).unsqueeze(1) * capacity
        self._allocate()

    def _allocate(self) -> None:
        """Hold nothing, with room for all rows, of which the system gives only what is written."""
        self.count = 0
        self.data = torch.empty(self.runs, self.capacity, self.row, device=self.device)

    def __len__(self) -> int:
        """Transitions held, the same for every run."""
        return min(self.count, self.capacity)

    def push(self, step: Step) -> None:
        """Store one transition of each run, over the oldest when full."""
        columns = (step.obs, step.action, step.reward[:, None], step.terminated[:, None], step.next_obs)
        self.data[:, self.count % self.capacity] = torch.from_numpy(np.concatenate(columns, 1, dtype=np.float32))
        self.count += 1

    def sample(self, uniforms: Tensor) -> Batch:
        """Rows floor(u n) of the n held, for uniforms (R, B) in [0, 1), float64."""
        index = (uniforms * len(self)).long() + self._offsets
        return self.split(self._gather(index.view(-1)).view(*index.shape, self.row))

    def _gather(self, index: Tensor) -> Tensor:
        """Whole rows (n, row).  index: (n,) of run r's slot i as r * capacity + i."""
        return self.data.view(-1, self.row).index_select(0, index)

    def split(self, rows: Tensor) -> Batch:
        """Rows (R, B, row) by what stands in them."""
        return Batch(rows, self.obs_dim, self.action_dim)

    def held(self, run: int, slots: slice) -> np.ndarray:
        """Whole rows (n, row) of one run, in storage order; the buffer's own memory where it has whole rows."""
        return self.data[run, : len(self)][slots].cpu().numpy()

    def state_dict(self) -> dict[str, Any]:
        """Each run's whole rows, in storage order, and the number ever pushed."""
        return {"data": [RunRows(self, run) for run in range(self.runs)], "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, from whichever layout; each run's rows (n, row) may be an array."""
        self._allocate()
        self.count = int(state["count"])
        for run, rows in zip(range(self.runs), state["data"], strict=True):
            self._load(run, torch.as_tensor(rows[:]))

    def _load(self, run: int, rows: Tensor) -> None:
        """Fill one run's slots with whole rows (n, row)."""
        self.data[run, : len(self)] = rows


class RunRows:
    """One run's whole rows in a buffer, in storage order; a slice of them is an array, and so is a copy."""

    def __init__(self, replay: Replay, run: int) -> None:
        self._replay, self._run = replay, run

    def __len__(self) -> int:
        return len(self._replay)

    def __getitem__(self, slots: slice) -> np.ndarray:
        return self._replay.held(self._run, slots)

    def __deepcopy__(self, memo: dict[int, Any]) -> np.ndarray:
        return self[:].copy()
