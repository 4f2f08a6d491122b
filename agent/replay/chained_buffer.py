"""A replay buffer that reads the next observation from the following row: nothing is stored twice.

Rows are [obs | action | reward | terminated], contiguous in memory, so that a window of a row and the observation after
it is a whole row. Some next observations are not in the following row and are stored separately, in `ends`: where an
episode ended, at the ring's last row, and for the newest transition, whose following row is the oldest one. Whether a
transition continues the one before is decided by the bits of the observations.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from agent.replay.buffer import Replay
from agent.replay.layout import chained_row_length
from utils.core.transition import Step


class ChainedReplay(Replay):
    """The last `capacity` transitions of R runs, float32, in chained rows. Batches are bitwise those of `Replay`."""

    def _allocate(self) -> None:
        runs, capacity, obs_dim, device = self.runs, self.capacity, self.obs_dim, self.device
        self.count = 0
        self.width = chained_row_length(obs_dim, self.action_dim)
        self.memory = torch.empty(runs * capacity * self.width + obs_dim, device=device)
        self.data = self.memory[:-obs_dim].view(runs, capacity, self.width)
        self._windows = self.memory.as_strided((runs * capacity, self.row_length), (self.width, 1))
        self.end_index = torch.empty(runs, capacity, dtype=torch.int32, device=device)
        """Index in `ends` of each transition's next observation; 0 if that is in the following row."""
        self.ends = torch.empty(2 * runs + 1, obs_dim, device=device)
        """Next observations: after an unused first one, the newest of each run, then others."""
        self._newest = torch.arange(1, runs + 1, dtype=torch.int32, device=device)
        self._free = list(range(runs + 1, 2 * runs + 1))
        self._next_obs = np.empty((runs, obs_dim), np.float32)

    def push(self, step: Step) -> None:
        """See `Replay.push`."""
        i = self.count % self.capacity
        columns = (step.obs, step.action, step.reward[:, None], step.terminated[:, None])
        rows = np.concatenate(columns, 1, dtype=np.float32)
        if self.count:
            self._link_newest(rows[:, : self.obs_dim])
        if self.count >= self.capacity:
            self._release_ends(self.end_index[:, i])
        self._next_obs = np.array(step.next_obs, np.float32)
        self.data[:, i] = torch.from_numpy(rows)
        self.end_index[:, i] = self._newest
        self.ends[1 : self.runs + 1] = torch.from_numpy(self._next_obs)
        self.count += 1

    def _link_newest(self, obs: np.ndarray) -> None:
        """Set where the newest transitions' next observations are, before obs (R, O) is stored in the following row."""
        i = (self.count - 1) % self.capacity
        ended = (obs.view(np.int32) != self._next_obs.view(np.int32)).any(1)
        if i == self.capacity - 1:
            ended[:] = True
        self.end_index[:, i] = 0
        if ended.any():
            runs = torch.from_numpy(ended.nonzero()[0]).to(self.device)
            self.end_index[runs, i] = self._store_ends(self.ends[runs + 1])

    def _store_ends(self, obs: Tensor) -> Tensor:
        """Store obs (n, O) in free rows of `ends`, which grows if there are none. Returns their indices (n,) int32."""
        while len(self._free) < len(obs):
            size = len(self.ends)
            self.ends = torch.cat((self.ends, torch.empty_like(self.ends)))
            self._free += range(size, 2 * size)
        indices = torch.tensor([self._free.pop() for _ in range(len(obs))], dtype=torch.int32, device=self.device)
        self.ends[indices.long()] = obs
        return indices

    def _release_ends(self, indices: Tensor) -> None:
        """Free the rows of `ends` with these indices (R,), where not 0, as their transitions are overwritten."""
        self._free += indices[indices > 0].tolist()

    def _gather(self, index: np.ndarray) -> Tensor:
        places = torch.from_numpy(index.reshape(-1)).to(self.device)
        rows = self._windows.index_select(0, places)
        end_index = self.end_index.view(-1).index_select(0, places)
        if end_index.any():
            separate = end_index.nonzero().squeeze(1)
            rows[separate, self.width :] = self.ends[end_index[separate].long()]
        return rows.view(*index.shape, self.row_length)

    def read_rows(self, run: int, indices: slice) -> np.ndarray:
        """See `Replay.read_rows`; always a copy."""
        first, last, _ = indices.indices(len(self))
        index = np.arange(first, last) + run * self.capacity
        return self._gather(index).cpu().numpy()

    def _load_run(self, run: int, rows: Tensor) -> None:
        count = len(self)
        if not count:
            return
        self.data[run, :count] = rows[:, : self.width]
        obs, next_obs = rows[:, : self.obs_dim], rows[:, self.width :]
        newest = (self.count - 1) % self.capacity
        ended = torch.ones(count, dtype=torch.bool)
        ended[:-1] = (next_obs[:-1].view(torch.int32) != obs[1:].view(torch.int32)).any(1)
        ended[newest] = False
        self.end_index[run, :count] = 0
        self.end_index[run, ended.nonzero().squeeze(1).to(self.device)] = self._store_ends(
            next_obs[ended].to(self.device)
        )
        self.end_index[run, newest] = run + 1
        self.ends[run + 1] = next_obs[newest]
        self._next_obs[run] = next_obs[newest].numpy()
