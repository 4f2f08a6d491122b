"""What an actor-critic's updates say of learning, averaged over windows of updates: losses, values, gradients, policy.

During an update, its parts note quantities, each a mean over the batch. When it ends, `add` adds them to sums, one for
each run, in tensors that are changed in place. So a compiled update computes them like everything else, and they are
saved and resumed with the learner. Nothing that is learned reads them, so they change no other bit of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from agent.networks.optimizer import copy_into
from agent.policy.base import Policy, Proposals
from utils.core.run_axes import RunAxes

COMMON = ("critic_loss", "actor_loss", "q", "td_error", "td_error_square", "critic_grad_norm", "actor_grad_norm")
"""Quantities of every actor-critic: its losses, and what its critic and its actor note."""

SQUARE = "_square"
"""Ending of the name of a quantity's mean square, which is read as its standard deviation, `..._std`."""


class Diagnostics:
    """Means over a window of what R runs' updates noted, and the extremes of some of it."""

    def __init__(self, runs: int, names: Sequence[str], extremes: Sequence[str] = (), device: str = "cpu") -> None:
        """Begin a window.

        names: quantities whose means are kept.  extremes: those of them whose smallest and largest elements are, too.
        """
        self.names, self.extremes = tuple(names), tuple(extremes)
        self.sums, self.counts = torch.zeros(2, runs, len(names), device=device).unbind(0)
        self.limits = torch.full((runs, 2 * len(self.extremes)), -torch.inf, device=device)
        self._noted: dict[str, Tensor] = {}
        self._limits: dict[str, tuple[Tensor, Tensor]] = {}

    def note(self, **values: Tensor) -> None:
        """Note quantities of the present update, (R,) each, by name."""
        self._noted |= values

    def note_elements(self, name: str, values: Tensor) -> None:
        """Note a quantity's mean over values (R, B, N), and its extremes."""
        each = values.flatten(1)
        self._noted[name] = each.sum(1) / each.shape[1]
        self._limits[name] = each.amax(1), (-each).amax(1)

    def add(self) -> None:
        """Add what the present update noted to the window.  Raises KeyError for a quantity that is not in `names`."""
        zero = torch.zeros_like(self.sums[:, 0])
        unknown = self._noted.keys() - set(self.names)
        if unknown:
            raise KeyError(f"found {', '.join(sorted(unknown))}; allowed: {', '.join(self.names)}")
        self.sums += torch.stack([self._noted.get(name, zero) for name in self.names], 1)
        if len(self._noted) == len(self.names):
            self.counts += 1.0
        else:
            self.counts += torch.stack([zero + float(name in self._noted) for name in self.names], 1)
        if self._limits:
            found = [self._limits[name] for name in self.extremes]
            self.limits.copy_(torch.maximum(self.limits, torch.stack([one for pair in found for one in pair], 1)))
        self._noted, self._limits = {}, {}

    def read(self, run: int) -> dict[str, float]:
        """Return a run's means and extremes in the window, by name, and begin another window of this run.

        What no update noted is left out. A quantity with a mean square has a standard deviation instead.
        """
        sums, counts, limits = (part[run].tolist() for part in (self.sums, self.counts, self.limits))
        noted = [i for i, count in enumerate(counts) if count]
        means = {self.names[i]: sums[i] / counts[i] for i in noted}
        for i, name in enumerate(self.extremes):
            if name in means:
                means[f"{name}_min"], means[f"{name}_max"] = -limits[2 * i + 1], limits[2 * i]
        for name in [name for name in means if name.endswith(SQUARE)]:
            base = name.removesuffix(SQUARE)
            means[f"{base}_std"] = standard_deviation(means[base], means.pop(name))
        self.sums[run], self.counts[run], self.limits[run] = 0.0, 0.0, -torch.inf
        return means

    run_axes: ClassVar[RunAxes] = {"sums": 0, "counts": 0, "limits": 0}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the sums and counts (R, N) and the extremes (R, 2 E)."""
        return {"sums": self.sums, "counts": self.counts, "limits": self.limits}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state from `state_dict`."""
        copy_into(self.state_dict(), dict(state))


def standard_deviation(mean: float, square: float) -> float:
    """Return a standard deviation from a mean and a mean square; 0 where rounding makes the variance negative."""
    variance = square - mean * mean
    return 0.0 if variance < 0.0 else variance**0.5


def policy_quantities(policy: Policy) -> tuple[str, ...]:
    """Return the names of what `note_policy` notes."""
    return ("entropy", policy.spread_name) + (() if policy.discrete else ("saturated",))


def note_policy(diagnostics: Diagnostics, policy: Policy, head: Tensor, proposals: Proposals) -> None:
    """Note the entropy, -sum_k w log pi, the spread, and the share of actions at the bounds or beyond.

    head: the policy's (R, B, D).  proposals: K of its draws in the same states.
    """
    surprise = -(proposals.weight * proposals.log_prob).sum(2)
    diagnostics.note(entropy=surprise.sum(1) / surprise.shape[1])
    diagnostics.note_elements(policy.spread_name, policy.spread(head))
    if not policy.discrete:
        at_bounds = policy.saturated(proposals.action).flatten(1)
        diagnostics.note(saturated=at_bounds.sum(1) / at_bounds.shape[1])


def norm_of_gradient(grad: Tensor) -> Tensor:
    """Return the Euclidean norm (R,) of gradients (..., R, P)."""
    squares = (grad * grad).sum(-1)
    return (squares if squares.dim() == 1 else squares.sum(0)).sqrt()
