"""Running mean and variance of each run's observations, by which those that networks see are normalized.

After the n-th observation x (Welford 1962, Technometrics 4), with d = x - mean before it,

    mean <- mean + d / n,    variance <- variance + (d (x - mean) - variance) / n,

and networks see (x - mean) / sqrt(variance + 1e-8), clipped to [-10, 10], as in Stable-Baselines3's VecNormalize.
Replay keeps the observations themselves: a sampled batch is normalized by the present statistics, in one elementwise
operation on its whole rows, in which actions, rewards and terminations have mean 0, variance 1 and no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from agent.base import Batch
from agent.replay.buffer import Replay
from utils.core.run_axes import RunAxes

CLIP = 10.0
"""Limit of a normalized observation's size."""

EPSILON = 1e-8
"""Number added to a variance."""


class ObservationStatistics:
    """Statistics of the observations that R runs acted on in training, (R, O), float64."""

    def __init__(self, replay: Replay) -> None:
        """Begin with mean 0 and variance 1, which the first observation replaces.  replay: the run's rows."""
        runs, obs_dim, row_length, device = replay.runs, replay.obs_dim, replay.row_length, replay.device
        self.mean, self.variance = np.zeros((runs, obs_dim)), np.ones((runs, obs_dim))
        self.count = np.zeros(runs, np.int64)
        self._sizes = obs_dim, replay.action_dim
        self._shift = torch.zeros(runs, 1, row_length, device=device)
        self._scale = torch.ones(runs, 1, row_length, device=device)
        self._limit = torch.full((1, 1, row_length), torch.inf, device=device)
        self._set_columns(self._limit, torch.full((1, obs_dim), CLIP, device=device))

    def _set_columns(self, rows: Tensor, numbers: Tensor) -> None:
        """Set both observations of replay rows (R, 1, row_length) to the same numbers (R, O)."""
        columns = Batch(rows, *self._sizes)
        columns.obs[:, 0] = numbers
        columns.next_obs[:, 0] = numbers

    def add(self, obs: np.ndarray) -> None:
        """Take one observation of each run into account.  obs: (R, O)."""
        self.count += 1
        with np.errstate(all="ignore"):  # Numbers that are not finite make a run's actions so, by which it is ended.
            before = obs - self.mean
            count = self.count[:, None]
            self.mean += before / count
            self.variance += (before * (obs - self.mean) - self.variance) / count
        self._prepare()

    def _prepare(self) -> None:
        """Compute what `normalize` subtracts and multiplies with, in place, as compiled code reads it there."""
        with np.errstate(all="ignore"):
            scale = 1.0 / np.sqrt(self.variance + EPSILON)
            for rows, numbers in ((self._shift, self.mean), (self._scale, scale)):
                self._set_columns(rows, torch.from_numpy(numbers.astype(np.float32)))

    def normalize(self, batch: Batch) -> Batch:
        """Return a batch in which both observations are normalized."""
        rows = torch.clamp((batch.rows - self._shift) * self._scale, -self._limit, self._limit)
        return Batch(rows, *self._sizes)

    def normalize_obs(self, obs: Tensor) -> Tensor:
        """Return normalized observations (R, B, O), with the bits that `normalize` gives them."""
        shift, scale = (rows[..., : self._sizes[0]] for rows in (self._shift, self._scale))
        return torch.clamp((obs - shift) * scale, -CLIP, CLIP)

    run_axes: ClassVar[RunAxes] = {"mean": 0, "variance": 0, "count": 0}

    def state_dict(self) -> dict[str, Any]:
        """Return mean and variance (R, O), and the numbers of observations (R,)."""
        return {"mean": self.mean, "variance": self.variance, "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        self.mean, self.variance, self.count = (state[name].copy() for name in ("mean", "variance", "count"))
        self._prepare()

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """Return one run's mean and variance, (O,), by name."""
        return {"mean": self.mean[run].copy(), "variance": self.variance[run].copy()}

    def load_arrays(self, run: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Load one run's mean and variance from `arrays`.

        Raises KeyError for a missing array and ValueError for one of another shape.
        """
        for name, own in (("mean", self.mean), ("variance", self.variance)):
            if arrays[name].shape != own[run].shape:
                raise ValueError(f"found an array of shape {list(arrays[name].shape)}; allowed: {list(own[run].shape)}")
            own[run] = arrays[name]
        self._prepare()
