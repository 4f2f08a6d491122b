"""The equations, as pure functions: losses, and their gradients by what a network outputs.

Losses are means over the batch, one for each run, so a run's gradient does not depend on the other runs. Shapes:
R runs, B batch, K proposals per state, C critics. Soft actor-critic: Haarnoja et al. 2018 (arXiv 1812.05905), whose
equations are cited by number; likelihood-ratio gradients: Williams 1992.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def min_critic(q: Tensor) -> Tensor:
    """Return min_C Q, the smaller value of the critics, (R, B, K).  q: (C, R, B, K), C 1 or 2."""
    return q[0] if q.shape[0] == 1 else torch.minimum(q[0], q[1])


def min_critic_grad(q: Tensor, grad: Tensor | float) -> Tensor:
    """Return the gradient by q (C, R, B, K) of a function of `min_critic(q)` whose derivatives are `grad`.

    grad: (R, B, K), or one number.  The gradient goes to the smaller critic; if they are equal, to the first.
    """
    if q.shape[0] == 1:
        return grad.unsqueeze(0) if isinstance(grad, Tensor) else torch.full_like(q, grad)
    first = (q[0] <= q[1]) * grad
    return torch.stack((first, grad - first))


def soft_value(q: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor) -> Tensor:
    """Return sum_k w (min_C Q - alpha log pi), equation 3, (R, B).

    q: (C, R, B, K).  log_prob: (R, B, K).  weight: broadcasts to (R, B, K).  alpha: (R, 1, 1), zero for the value
    without entropy.
    """
    return (weight * (min_critic(q) - alpha * log_prob)).sum(-1)


def td_target(reward: Tensor, terminated: Tensor, gamma: float, next_value: Tensor) -> Tensor:
    """Return y = r + gamma m V(s'), m = 0 only where the episode terminated, equation 2; all (R, B)."""
    return reward + gamma * (1.0 - terminated) * next_value


def critic_loss(q: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squared error summed over critics, (R,), and its gradient by q.

    This is equation 5 without its factor 1/2, as in the ancestor of this code.  q: (C, R, B, 1).  target: (R, B).
    """
    error = q - target.unsqueeze(-1)
    # Each run's own elements are summed first: in one sum over all axes, R would determine their order.
    return (error * error).sum((2, 3)).sum(0) / q.shape[2], error * (2.0 / q.shape[2])


def actor_loss(value: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor) -> Tensor:
    """Return mean_B sum_k w (alpha log pi - min_C Q), equation 9, (R,).

    value: `min_critic(q)`, (R, B, K).  log_prob, weight, alpha: as in `soft_value`.
    """
    return (weight * (alpha * log_prob - value)).sum((1, 2)) / value.shape[1]


def pathwise_grads(
    q: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the gradients of `actor_loss` by q, by log_prob and by weight, through the draws (equation 10).

    q: (C, R, B, K).  log_prob, weight, alpha: as in `soft_value`.  Returns tensors of the shapes of q and of log_prob;
    the third is None for a weight that is one number.
    """
    share = weight / q.shape[2]
    by_weight = (alpha * log_prob - min_critic(q)) / q.shape[2] if isinstance(weight, Tensor) else None
    return min_critic_grad(q, -share), (alpha * share).expand(q.shape[1:]), by_weight


def likelihood_ratio_grad(
    value: Tensor, log_prob: Tensor, weight: Tensor | float, alpha: Tensor, baseline: Tensor | float
) -> Tensor:
    """Return the gradient of `actor_loss` by log_prob with the draws held fixed: w (alpha log pi - (min_C Q - b)) / B.

    value: `min_critic(q)`, (R, B, K).  log_prob, weight, alpha: as in `soft_value`.
    baseline b: (R, B, 1), a function of the state only.  Returns (R, B, K).
    """
    return (alpha * log_prob - (value - baseline)) * (weight / value.shape[1])


def temperature_grad(log_prob: Tensor, weight: Tensor | float, target_entropy: Tensor) -> Tensor:
    """Return the gradient by log alpha of -log alpha (E log pi + target entropy), after equation 18, (R,).

    log_prob: (R, B, K) of the policy's actions, E = mean_B sum_k w.  weight: as in `soft_value`.
    target_entropy: (R,).
    The loss is linear in log alpha, not in alpha, as in the published implementations.
    """
    return -((weight * log_prob).sum((1, 2)) / log_prob.shape[1] + target_entropy)


def keep_best(q: Tensor, rho: float) -> Tensor:
    """Return the indices of the best ceil(rho * K) proposals, at least one; of equal ones, the first.

    q: (R, B, K) action values.  rho: fraction kept, in (0, 1].  Returns (R, B, M) int64.
    """
    proposals = q.shape[-1]
    kept = max(1, math.ceil(round(rho * proposals, 9)))  # 0.1 * 30 must be 3, whatever its last bit.
    return torch.sort(q, dim=-1, descending=True, stable=True).indices[..., :kept]


def kept_latents(latent: Tensor, best: Tensor) -> Tensor:
    """Return the proposals at the indices `best`.  latent: (R, B, K, A).  best: (R, B, M).  Returns (R, B, M, A)."""
    return latent.gather(2, best.unsqueeze(-1).expand(-1, -1, -1, latent.shape[-1]))


def cross_entropy_grad(kept: Tensor) -> Tensor:
    """Return the gradient (R, B, M) by log pi of -mean_BM log pi(kept), GreedyAC's actor loss.  kept: (R, B, M, A)."""
    return kept.new_full(kept.shape[:3], -1.0 / (kept.shape[1] * kept.shape[2]))


def proposal_grad(log_prob: Tensor, best: Tensor, alpha: Tensor, plain_score: bool = False) -> Tensor:
    """Return the gradient by log pi of GreedyAC's proposal loss, -mean_B [mean_kept log pi + alpha H(pi)], (R, B, K).

    log_prob: (R, B, K) of the proposal policy's own draws, K >= 1.  best: indices of those kept, (R, B, M).
    alpha: (R, 1, 1).  H's part is the likelihood-ratio estimate of -grad H = E[grad log pi (log pi - b)], b the mean
    log pi of the state's other draws (0 if there are none).
    plain_score: put grad log pi of the first draw in its place, as the published code does; its expectation is 0.
    """
    rows, draws = log_prob.shape[1:]
    kept = torch.zeros_like(log_prob).scatter_(2, best, -1.0 / (rows * best.shape[2]))
    if plain_score:
        return torch.cat((kept[..., :1] + alpha / rows, kept[..., 1:]), -1)
    others = (log_prob.sum(-1, keepdim=True) - log_prob) / max(1, draws - 1)
    return kept + alpha * (log_prob - others) / (rows * draws)
