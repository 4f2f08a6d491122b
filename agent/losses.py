"""The equations, pure. Each loss comes with its gradient by what the network put out.

Losses are means over the batch, one for each run, so no run's gradient knows of another. Shapes:
R runs, B batch, K proposals a state, C critics. Soft actor-critic: Haarnoja et al. 2018 (arXiv
1812.05905); likelihood-ratio gradients: Williams 1992.
"""

from __future__ import annotations

import torch
from torch import Tensor


def min_critic(q: Tensor) -> Tensor:
    """The least critic's value.  q: (C, R, B, K).  Returns (R, B, K)."""
    return q[0] if q.shape[0] == 1 else torch.amin(q, 0)


def min_critic_grad(q: Tensor, grad: Tensor) -> Tensor:
    """Gradient by q (C, R, B, K) of a function of `min_critic(q)` whose gradient is grad (R, B, K).

    It goes to the least critic; among equals, to the first.
    """
    if q.shape[0] == 1:
        return grad.unsqueeze(0)
    least = torch.arange(q.shape[0], device=q.device).view(-1, 1, 1, 1) == q.argmin(0)
    return grad * least


def soft_value(q: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor) -> Tensor:
    """sum_k w (min_C Q - alpha log pi), equation 3.

    q: (C, R, B, K).  log_prob: (R, B, K).  weight: broadcasts to (R, B, K).  alpha: (R, 1, 1), zero
    for the plain value.  Returns (R, B).
    """
    return (weight * (min_critic(q) - alpha * log_prob)).sum(-1)


def td_target(reward: Tensor, terminated: Tensor, gamma: float, next_value: Tensor) -> Tensor:
    """y = r + gamma m V(s'), m = 0 only where the episode terminated; all (R, B), equation 2."""
    return reward + gamma * (1.0 - terminated) * next_value


def critic_loss(q: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Squared error summed over critics, equation 5 (without its factor 1/2, as in the ancestor).

    q: (C, R, B, 1).  target: (R, B).  Returns the loss (R,) and its gradient by q.
    """
    error = q - target.unsqueeze(-1)
    return (error * error).sum((0, 2, 3)) / q.shape[2], error * (2.0 / q.shape[2])


def actor_loss(q: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor) -> Tensor:
    """mean_B sum_k w (alpha log pi - min_C Q), equation 9.  Arguments as in `soft_value`.  Returns (R,)."""
    return -soft_value(q, log_prob, weight, alpha).mean(-1)


def pathwise_grads(q: Tensor, weight: float, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """`actor_loss`'s gradients by q (C, R, B, K) and by log_prob, through the draw (equation 10).

    weight: the same for each proposal.  alpha: (R, 1, 1).
    """
    runs_rows_k = q.shape[1:]
    by_min = q.new_full(runs_rows_k, -weight / q.shape[2])
    return min_critic_grad(q, by_min), (alpha * (weight / q.shape[2])).expand(runs_rows_k)


def likelihood_ratio_grad(
    q: Tensor, log_prob: Tensor, weight: float, alpha: Tensor, baseline: Tensor | float
) -> Tensor:
    """`actor_loss`'s gradient by log_prob with the draws held fixed: w (alpha log pi - (min_C Q - b)) / B.

    baseline b: (R, B, 1), a function of the state only.  Returns (R, B, K).
    """
    return (alpha * log_prob - (min_critic(q) - baseline)) * (weight / q.shape[2])


def temperature_grad(log_prob: Tensor, weight: Tensor | float, target_entropy: float) -> Tensor:
    """Gradient by log alpha of -log alpha (E log pi + target entropy), after equation 18.  Returns (R,).

    The loss is linear in log alpha, as in the published implementations, not in alpha.
    """
    return -((weight * log_prob).sum(-1).mean(-1) + target_entropy)
