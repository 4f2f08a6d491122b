"""Units of actions: a learner sees every action box as [-1, 1] in each dimension, an environment its own bounds.

In a learner's units a temperature, a target entropy, a policy's scale and a critic's input mean the same whatever the
bounds are: a task whose actions are in [0, 1000] is learned as the same task with actions in [-1, 1]. The conversion is
at the learner's door: `act` returns actions in the environment's units, `observe` takes them.

With "environment" there is no conversion, as in the published codes of GreedyAC and qexp.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from agent.base import Batch
from agent.policy.base import ActionBox


class ActionUnits:
    """Conversion between a learner's actions, which are in `box`, and those of an environment."""

    def __init__(self, environment: ActionBox, units: str) -> None:
        """Choose the learner's box.

        environment: bounds of the environment's actions.
        units: "unit" for [-1, 1] in each dimension, "environment" for the same bounds.
        """
        self.environment, ones = environment, torch.ones_like(environment.low)
        self.box = ActionBox(-ones, ones) if units == "unit" else environment
        self.same = torch.equal(self.box.low, environment.low) and torch.equal(self.box.high, environment.high)
        """Whether the two units are the same, so that nothing is converted."""
        self._centre, self._scale = environment.centre, environment.scale
        self._centre_array, self._scale_array = self._centre.cpu().numpy(), self._scale.cpu().numpy()

    def to_environment(self, action: Tensor) -> Tensor:
        """Map actions (..., A) inside the learner's box to actions inside the environment's bounds."""
        return action if self.same else self.environment.clip(self._centre + self._scale * action)

    def draw_to_environment(self, action: np.ndarray) -> np.ndarray:
        """Map draws (..., A) to the environment's units; those outside the learner's box are not clipped."""
        return action if self.same else self._centre_array + self._scale_array * action

    def from_environment(self, action: np.ndarray) -> np.ndarray:
        """Map actions (..., A) to the learner's units: the inverse of the other two, but for rounding."""
        return action if self.same else (action - self._centre_array) / self._scale_array

    def batch_to_environment(self, batch: Batch) -> Batch:
        """Return a batch of a learner, (R, B, ...), with its actions in the environment's units."""
        if self.same:
            return batch
        converted = Batch(batch.rows.clone(), batch.obs_dim, batch.action_dim)
        converted.action[...] = self.to_environment(batch.action)
        return converted
