"""The equations, pure. Each loss comes with its gradient by what the network put out.

Losses are means over the batch, one for each run, so no run's gradient knows of another. Shapes:
R runs, B batch, K proposals a state, C critics. Soft actor-critic: Haarnoja et al. 2018 (arXiv
1812.05905); likelihood-ratio gradients: Williams 1992.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def min_critic(q: Tensor) -> Tensor:
    """The lesser critic's value.  q: (C, R, B, K), C 1 or 2.  Returns (R, B, K)."""
    return q[0] if q.shape[0] == 1 else torch.minimum(q[0], q[1])


def min_critic_grad(q: Tensor, grad: float) -> Tensor:
    """Gradient by q (C, R, B, K) of a function of `min_critic(q)` whose every derivative is `grad`.

    It goes to the lesser critic; between equals, to the first.
    """
    if q.shape[0] == 1:
        return torch.full_like(q, grad)
    first = (q[0] <= q[1]) * grad
    return torch.stack((first, grad - first))


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
    # A run's own elements are summed first: over all axes at once, R would decide their order.
    return (error * error).sum((2, 3)).sum(0) / q.shape[2], error * (2.0 / q.shape[2])


def actor_loss(value: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor) -> Tensor:
    """mean_B sum_k w (alpha log pi - min_C Q), equation 9.

    value: `min_critic(q)`, (R, B, K).  log_prob, weight, alpha: as in `soft_value`.  Returns (R,).
    """
    return (weight * (alpha * log_prob - value)).sum((1, 2)) / value.shape[1]


def pathwise_grads(q: Tensor, weight: float, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """`actor_loss`'s gradients by q (C, R, B, K) and by log_prob, through the draw (equation 10).

    weight: the same for each proposal.  alpha: (R, 1, 1).
    """
    share = weight / q.shape[2]
    return min_critic_grad(q, -share), (alpha * share).expand(q.shape[1:])


def likelihood_ratio_grad(
    value: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor, baseline: Tensor | float
) -> Tensor:
    """`actor_loss`'s gradient by log_prob with the draws held fixed: w (alpha log pi - (min_C Q - b)) / B.

    value: `min_critic(q)`, (R, B, K).  weight: as in `soft_value`.  baseline b: (R, B, 1), a function of
    the state only.
    """
    return (alpha * log_prob - (value - baseline)) * (weight / value.shape[1])


def temperature_grad(log_prob: Tensor, weight: Tensor | float, target_entropy: float) -> Tensor:
    """Gradient by log alpha of -log alpha (E log pi + target entropy), after equation 18.

    log_prob: (R, B, K) of the policy's actions, E = mean_B sum_k w.  weight: as in `soft_value`.
    Returns (R,). The loss is linear in log alpha, not in alpha, as in the published implementations.
    """
    return -((weight * log_prob).sum((1, 2)) / log_prob.shape[1] + target_entropy)


def keep_best(q: Tensor, rho: float) -> Tensor:
    """Indices of the best ceil(rho * K) proposals, at least one.

    q: (R, B, K) action values.  rho: fraction kept, in (0, 1].  Returns (R, B, M) int64.
    """
    proposals = q.shape[-1]
    kept = max(1, math.ceil(round(rho * proposals, 9)))  # 0.1 * 30 must be 3, whatever its last bit.
    return torch.topk(q, kept, dim=-1, sorted=False).indices


def kept_latents(latent: Tensor, best: Tensor) -> Tensor:
    """The proposals at `best`.  latent: (R, B, K, A).  best: (R, B, M).  Returns (R, B, M, A)."""
    return latent.gather(2, best.unsqueeze(-1).expand(-1, -1, -1, latent.shape[-1]))


def cross_entropy_grad(kept: Tensor) -> Tensor:
    """Gradient (R, B, M) by log pi of -mean_BM log pi(kept), GreedyAC's actor loss.  kept: (R, B, M, A)."""
    return kept.new_full(kept.shape[:3], -1.0 / (kept.shape[1] * kept.shape[2]))


def proposal_grad(log_prob: Tensor, best: Tensor, alpha: Tensor) -> Tensor:
    """Gradient by log pi of GreedyAC's proposal loss, -mean_B [mean_kept log pi + alpha H(pi)].

    log_prob: (R, B, K) of the proposal's own draws, K >= 1.  best: (R, B, M).  alpha: (R, 1, 1).
    H's part is the likelihood-ratio estimate of -grad H = E[grad log pi (log pi - b)], b the mean of
    the state's other draws (0 if there are none).  Returns (R, B, K).
    """
    rows, draws = log_prob.shape[1:]
    kept = torch.zeros_like(log_prob).scatter_(2, best, -1.0 / (rows * best.shape[2]))
    others = (log_prob.sum(-1, keepdim=True) - log_prob) / max(1, draws - 1)
    return kept + alpha * (log_prob - others) / (rows * draws)
