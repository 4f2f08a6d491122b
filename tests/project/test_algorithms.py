"""The one-screen SAC in docs/algorithms.md computes what the agent computes, to the bit."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from agent import AGENTS, losses, make_agent
from agent.base import Spaces
from agent.policy.base import ActionBox
from tests.support.documentation import code_blocks
from utils.core.random_streams import Draws
from utils.core.transition import Step

SEEDS = [0, 1]
OBS_DIM, BATCH, SAMPLES = 4, 16, 3

OPTIONS = {
    "batch_size": BATCH, "hidden_dim": 16, "num_samples": SAMPLES, "automatic_entropy_tuning": True, "alpha_lr": 1e-3,
}  # fmt: skip


def agent_with_a_batch(policy_type: str) -> Any:
    """Return two SAC learners whose replay buffers hold exactly one batch."""
    model: Any = AGENTS["SAC"].hyperparameters
    setting = model(policy_type=policy_type, **OPTIONS)
    bound = np.full(OBS_DIM, np.inf)
    box = ActionBox(torch.tensor([-2.0, -1.0]), torch.tensor([2.0, 1.5]))
    agent = make_agent("SAC", [setting] * len(SEEDS), SEEDS, 0.99, Spaces(-bound, bound, box))
    rng = np.random.Generator(np.random.PCG64(0))
    for _ in range(BATCH):
        obs, next_obs = rng.standard_normal((2, len(SEEDS), OBS_DIM)).astype(np.float32)
        reward, terminated = rng.standard_normal((2, len(SEEDS))).astype(np.float32)
        terminated = (terminated > 1.0).astype(np.float32)
        agent.observe(Step(obs, agent.act(obs), reward, next_obs, terminated, np.zeros_like(terminated)))
    return agent


@pytest.mark.parametrize("policy_type", ["SquashedGaussian", "Gaussian"])
def test_one_screen_sac_is_the_update(policy_type: str) -> None:
    agent = agent_with_a_batch(policy_type)
    documented = copy.deepcopy(agent)
    metrics = agent.update()
    parts = ("policy", "actor", "critic", "temperature", "alpha", "gamma", "tau")
    scope: dict[str, Any] = {name: getattr(documented, name) for name in parts}
    scope |= {"torch": torch, "losses": losses, "num_samples": SAMPLES}
    (code,) = (block for block in code_blocks("python") if "def sac_update" in block)
    exec(code, scope)
    critic_loss, actor_loss = scope["sac_update"](
        agent._learned_batch, documented.draw_update_noise(Draws(SEEDS, "update"))
    )
    assert torch.equal(critic_loss, metrics["critic_loss"])
    assert torch.equal(actor_loss, metrics["actor_loss"])
    for run in range(len(SEEDS)):
        learned = agent.learned_params(run)
        for name, array in documented.learned_params(run).items():
            np.testing.assert_array_equal(array, learned[name], err_msg=name)
