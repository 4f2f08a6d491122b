"""n-step transitions, computed when a batch is sampled from a buffer whose rows are one step apart.

The target of n steps (Sutton & Barto 2018, section 7.1) has the rewards of k <= n transitions, one after another:

    y = sum_{i<k} gamma^i r_i + gamma^k m V(s_k)

k is smaller than n at the end of an episode, by termination or by truncation, and at the newest transition. A truncated
episode and the newest transition are bootstrapped from the last successor, as with one step.

The actions in between are those that were executed when they were stored, and nothing corrects for the policy that is
learned since: the targets are "uncorrected" (Fedus et al. 2020, arXiv 2007.06700). In a soft target, only the entropy
in s_k is counted, not those of the states in between, as in Stable-Baselines3.

An n-step transition is an ordinary row, so that an update needs no other code for it: `reward` is the sum, `next_obs`
is s_k, and `terminated` is 1 - gamma^(k-1) m, so that gamma (1 - terminated) = gamma^k m.
"""

from __future__ import annotations

from itertools import accumulate, repeat
from operator import mul

import torch
from torch import Tensor


def combine_steps(rows: Tensor, exists: Tensor, obs_dim: int, action_dim: int, gamma: float) -> Tensor:
    """Return n-step transitions, whole rows (R, B, row_length).

    rows: n rows of the buffer from the sampled one on, (R, B, n, row_length).  exists: False for those that are not
    stored yet, (R, B, n) bool.  obs_dim, action_dim: O and A.  gamma: the discount of the agent.

    A row continues the one before if that one did not terminate, and if the bits of the observations agree. So a
    truncated episode whose last successor has the bits of the next episode's first observation is continued by it.
    """
    n, own = rows.shape[2], obs_dim + action_dim
    reward, terminated, next_obs = rows[..., own].double(), rows[..., own + 1], rows[..., own + 2 :]
    chained = (next_obs[:, :, :-1].view(torch.int32) == rows[:, :, 1:, :obs_dim].view(torch.int32)).all(-1)
    continues = chained & (terminated[:, :, :-1] == 0.0) & exists[:, :, 1:]
    reached = continues.long().cumprod(2)
    discounts = list(accumulate(repeat(gamma, n - 1), mul, initial=1.0))
    total = reward[:, :, 0].clone()
    for i in range(1, n):  # In order, so that the sum does not depend on the other runs.
        total += torch.where(reached[:, :, i - 1] > 0, discounts[i] * reward[:, :, i], 0.0)
    last = reached.sum(2)
    combined = rows.take_along_dim(last[:, :, None, None], 2).squeeze(2)
    discount = torch.tensor(discounts, dtype=torch.float64, device=rows.device)[last]
    combined[..., :own] = rows[:, :, 0, :own]
    combined[..., own] = total
    combined[..., own + 1] = 1.0 - discount * (1.0 - combined[..., own + 1].double())
    return combined
