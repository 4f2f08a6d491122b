"""A replay buffer in which the next observation is that of the row behind: nothing is stored twice.

Rows are [obs | action | reward | terminated], side by side in one piece of memory, so that a window
of a row and the observation behind it is a whole row. The next observation stands elsewhere, in `ends`, where an
episode ended, at the ring's last slot, and for the newest transition, behind which is the oldest. What
follows on what is told by the observations' bits.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from agent.replay.buffer import Replay
from agent.replay.layout import chained_row_length
from utils.core.transition import Step


class ChainedReplay(Replay):
    """The last `capacity` transitions of R runs, float32, in chained rows. Its batches are a `Replay`'s, to the bit."""

    def _allocate(self) -> None:
        runs, slots, obs_dim, device = self.runs, self.capacity, self.obs_dim, self.device
        self.count = 0
        self.width = chained_row_length(obs_dim, self.action_dim)
        self.memory = torch.empty(runs * slots * self.width + obs_dim, device=device)
        self.data = self.memory[:-obs_dim].view(runs, slots, self.width)
        self._windows = self.memory.as_strided((runs * slots, self.row), (self.width, 1))
        self.places = torch.empty(runs, slots, dtype=torch.int32, device=device)
        """Of each transition, where in `ends` its next observation is; 0: in the row behind."""
        self.ends = torch.empty(2 * runs + 1, obs_dim, device=device)
        """Next observations: from 1 on the newest of each run, then others. The first is not used."""
        self._newest = torch.arange(1, runs + 1, dtype=torch.int32, device=device)
        self._free = list(range(runs + 1, 2 * runs + 1))
        self._next_obs = np.empty((runs, obs_dim), np.float32)

    def push(self, step: Step) -> None:
        """See `Replay.push`."""
        slot = self.count % self.capacity
        columns = (step.obs, step.action, step.reward[:, None], step.terminated[:, None])
        rows = np.concatenate(columns, 1, dtype=np.float32)
        if self.count:
            self._settle(rows[:, : self.obs_dim])
        if self.count >= self.capacity:
            self._release(self.places[:, slot])
        self._next_obs = np.array(step.next_obs, np.float32)
        self.data[:, slot] = torch.from_numpy(rows)
        self.places[:, slot] = self._newest
        self.ends[1 : self.runs + 1] = torch.from_numpy(self._next_obs)
        self.count += 1

    def _settle(self, obs: np.ndarray) -> None:
        """Say where the next observations of the newest transitions are, once obs (R, O) is to stand behind them."""
        slot = (self.count - 1) % self.capacity
        ended = (obs.view(np.int32) != self._next_obs.view(np.int32)).any(1)
        if slot == self.capacity - 1:
            ended[:] = True
        self.places[:, slot] = 0
        if ended.any():
            runs = torch.from_numpy(ended.nonzero()[0]).to(self.device)
            self.places[runs, slot] = self._keep(self.ends[runs + 1])

    def _keep(self, obs: Tensor) -> Tensor:
        """Put obs (n, O) where there is room in `ends`. Returns where, (n,) int32."""
        while len(self._free) < len(obs):
            size = len(self.ends)
            self.ends = torch.cat((self.ends, torch.empty_like(self.ends)))
            self._free += range(size, 2 * size)
        places = torch.tensor([self._free.pop() for _ in range(len(obs))], dtype=torch.int32, device=self.device)
        self.ends[places.long()] = obs
        return places

    def _release(self, places: Tensor) -> None:
        """Transitions with these places (R,) are about to be overwritten."""
        self._free += places[places > 0].tolist()

    def _gather(self, index: Tensor) -> Tensor:
        rows = self._windows.index_select(0, index)
        places = self.places.view(-1).index_select(0, index)
        if places.any():
            elsewhere = places.nonzero().squeeze(1)
            rows[elsewhere, self.width :] = self.ends[places[elsewhere].long()]
        return rows

    def held(self, run: int, slots: slice) -> np.ndarray:
        """See `Replay.held`; always a copy."""
        first, last, _ = slots.indices(len(self))
        index = torch.arange(first, last, device=self.device) + run * self.capacity
        return self._gather(index).cpu().numpy()

    def _load(self, run: int, rows: Tensor) -> None:
        held = len(self)
        if not held:
            return
        self.data[run, :held] = rows[:, : self.width]
        obs, next_obs = rows[:, : self.obs_dim], rows[:, self.width :]
        newest = (self.count - 1) % self.capacity
        ended = torch.ones(held, dtype=torch.bool)
        ended[:-1] = (next_obs[:-1].view(torch.int32) != obs[1:].view(torch.int32)).any(1)
        ended[newest] = False
        self.places[run, :held] = 0
        self.places[run, ended.nonzero().squeeze(1).to(self.device)] = self._keep(next_obs[ended].to(self.device))
        self.places[run, newest] = run + 1
        self.ends[run + 1] = next_obs[newest]
        self._next_obs[run] = next_obs[newest].numpy()
