"""What an actor-critic's updates say of learning, averaged over windows of updates: losses, values, gradients, policy.

During an update, its parts note tensors. When it ends, `add` adds a mean of each to sums, one for each run, which are
changed in place: a compiled update computes them like everything else. The eager engine keeps the tensors of some
updates and reduces them together, because each operation takes it microseconds. A tensor that is noted must
not be changed in place afterwards. Nothing that is learned reads any of this, so it changes no other bit of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.networks.optimizer import copy_into
from agent.policy.base import Policy, Proposals
from utils.core.run_axes import RunAxes

COMMON = ("critic_loss", "actor_loss", "q", "td_error", "critic_grad_norm", "actor_grad_norm")
"""Quantities of every actor-critic: its losses, and what its critic and its actor note."""

NORM = "_norm"
"""Ending of the names of quantities that are noted as squares of which the norm is the root of the sum."""

TOGETHER = 16
"""Number of updates that the eager engine reduces together."""


class Diagnostics:
    """Means over a window of what R runs' updates noted, and the extremes of the policy's spread."""

    def __init__(self, runs: int, names: Sequence[str], policy: Policy, critics: int, device: str = "cpu") -> None:
        """Begin a window.

        names: quantities that are noted.  critics: number C of critics, of whose squared errors the critic's loss is
        the sum.
        """
        self.names, self.together = tuple(names), TOGETHER
        self._policy, self._critics = policy, critics
        self.sums, self.counts = torch.zeros(2, runs, len(self.names), dtype=torch.float64, device=device).unbind(0)
        self.limits = torch.full((runs, 2), -torch.inf, device=device)
        self._noted: dict[str, Tensor] = {}
        self._waiting: list[dict[str, Tensor]] = []

    def note(self, **values: Tensor) -> None:
        """Note tensors (R, ...) of the present update, of whose elements the mean is kept, by name.

        Those of norms are squares. That of the TD error is the loss's gradient by the values, 2 (Q - y) / B, of shape
        (R, C, B, 1), that of the policy's spread is its head (R, B, D), that of "saturated" its actions (R, B, K, A).
        Raises KeyError for a name that is not declared.
        """
        if not values.keys() <= set(self.names):
            unknown = sorted(values.keys() - set(self.names))
            raise KeyError(f"found {', '.join(unknown)}; allowed: {', '.join(self.names)}")
        self._noted |= values

    def note_policy(self, head: Tensor, proposals: Proposals) -> None:
        """Note what gives a policy's entropy, -sum_k w log pi, its spread, and the share of actions at the bounds.

        head: the policy's (R, B, D).  proposals: K of its draws in the same states.
        """
        weight, log_prob = proposals.weight, proposals.log_prob
        self.note(entropy=(weight * log_prob).sum(2) if isinstance(weight, Tensor) else log_prob)
        self._noted[self._policy.spread_name] = head
        if not self._policy.discrete:
            self.note(saturated=proposals.action)

    def add(self) -> None:
        """Add what the present update noted to the window, or let it wait for further updates."""
        self._waiting.append(self._noted)
        self._noted = {}
        if len(self._waiting) == self.together:
            self.flush()

    def flush(self) -> None:
        """Add the updates that wait. They are added one after another, so that the sums do not depend on when."""
        for i, name in enumerate(self.names):
            noted = [update[name] for update in self._waiting if name in update]
            if not noted:
                continue
            if len(noted) == 1:
                self.sums[:, i] += self._means(name, noted)[:, 0]
            else:
                terms = torch.cat((self.sums[:, i : i + 1], self._means(name, noted).double()), 1)
                self.sums[:, i] = terms.cumsum(1)[:, -1]  # One after another; a sum may add in any order.
            self.counts[:, i] += float(len(noted))
        self._waiting = []

    def _means(self, name: str, noted: Sequence[Tensor]) -> Tensor:
        """Return a quantity's mean in each of some updates, (R, n)."""
        count = len(noted)
        if name == self._policy.spread_name:
            each = self._policy.spread(torch.cat(list(noted), 1)).unflatten(1, (count, -1)).flatten(2)
            limits = (each.amax(2).amax(1), (-each).amax(2).amax(1))
            self.limits.copy_(torch.maximum(self.limits, torch.stack(limits, 1)))
        elif name == "saturated":
            each = self._policy.saturated(torch.cat(list(noted), 1)).unflatten(1, (count, -1)).flatten(2)
        else:
            each = torch.stack(list(noted), 1)
            if each.dim() == 2:
                return each.sqrt() if name.endswith(NORM) else each
            each = each.flatten(2)
        total = each.sum(2)
        if name.endswith(NORM):
            return total.sqrt()
        return total / {"td_error": -2 * self._critics, "entropy": -each.shape[2]}.get(name, each.shape[2])

    def read(self, run: int) -> dict[str, float]:
        """Return a run's means and extremes in the window, by name, and begin another window of this run.

        What no update noted is left out.
        """
        self.flush()
        sums, counts, limits = (part[run].tolist() for part in (self.sums, self.counts, self.limits))
        means = {name: sums[i] / counts[i] for i, name in enumerate(self.names) if counts[i]}
        spread = self._policy.spread_name
        if spread in means:
            means |= {f"{spread}_min": -limits[1], f"{spread}_max": limits[0]}
        if "critic_loss" in means and "td_error" in means:
            means["td_error_std"] = standard_deviation(means["td_error"], means["critic_loss"] / self._critics)
        self.sums[run], self.counts[run], self.limits[run] = 0.0, 0.0, -torch.inf
        return means

    run_axes: ClassVar[RunAxes] = {"sums": 0, "counts": 0, "limits": 0}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the sums and counts (R, N) and the extremes (R, 2)."""
        self.flush()
        return {"sums": self.sums, "counts": self.counts, "limits": self.limits}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load a state from `state_dict`."""
        copy_into(self.state_dict(), state)


def policy_quantities(policy: Policy) -> tuple[str, ...]:
    """Return the names of what `Diagnostics.note_policy` notes."""
    return ("entropy", policy.spread_name) + (() if policy.discrete else ("saturated",))


def standard_deviation(mean: float, square: float) -> float:
    """Return a standard deviation from a mean and a mean square; 0 where rounding makes the variance negative."""
    variance = square - mean * mean
    return 0.0 if variance < 0.0 else variance**0.5
