"""The published codes' ways, which are switches: what each does to the equations, by value."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from agent import AGENTS, losses, make_agent
from agent.actor_critic_hyperparameters import BOUNDED, COMPONENT_POLICIES
from agent.base import Spaces
from agent.policy import policy_class
from agent.policy.base import ActionBox
from tests.agent.test_actor_critics import expected_grad
from tests.support.reference import normal32
from utils.core.random_streams import Draws
from utils.core.transition import Step

OBS_DIM, BATCH = 3, 8
BOX = ActionBox(torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0]))


def learner(name: str, **options: Any) -> Any:
    """Return an agent of one run whose buffer holds 20 transitions."""
    model: Any = AGENTS[name].hyperparameters
    setting = model(batch_size=BATCH, hidden_dim=8, **options)
    bound = np.full(OBS_DIM, np.inf)
    agent: Any = make_agent(name, [setting], [3], 0.9, Spaces(-bound, bound, BOX))
    draw = np.random.Generator(np.random.PCG64(7))
    for _ in range(20):
        obs, next_obs = draw.standard_normal((2, 1, OBS_DIM)).astype(np.float32)
        zero = np.zeros(1, np.float32)
        agent.observe(Step(obs, agent.act(obs), draw.standard_normal(1).astype(np.float32), next_obs, zero, zero))
    return agent


def test_the_proposals_plain_score_by_hand():
    """Two states, three draws of which the last is kept: -1/2 for it, alpha/2 for the first draw."""
    log_prob, best = torch.tensor([[[5.0, 6.0, 7.0], [1.0, 2.0, 3.0]]]), torch.tensor([[[2], [2]]])
    found = losses.proposal_grad(log_prob, best, torch.tensor([[[0.4]]]), plain_score=True)
    torch.testing.assert_close(found, torch.tensor([[[0.2, 0.0, -0.5], [0.2, 0.0, -0.5]]]), rtol=0, atol=1e-7)


def test_the_proposals_plain_score_has_no_effect_on_average():
    """Its expectation over every outcome of three draws is 0 whatever alpha is, while the entropy's gradient is not."""
    alpha = torch.tensor([[[0.7]]], dtype=torch.float64)

    def entropy_part(drawn, log_prob):
        best = torch.zeros(1, 1, 1, dtype=torch.int64)
        return losses.proposal_grad(log_prob, best, alpha, True) - losses.proposal_grad(log_prob, best, 0 * alpha, True)

    torch.testing.assert_close(expected_grad(3, entropy_part), torch.zeros(3).double(), rtol=0, atol=1e-12)


def test_vacs_plain_score_is_the_gradient_of_the_published_loss():
    """-(log pi(a) A - alpha e), where e = log pi of another draw is squared in place without a gradient: e' is kept."""
    agent = learner("VAC", entropy_gradient="plain_score", alpha=0.3, num_samples=4)
    head = normal32(1, BATCH, agent.policy.head_dim, seed=1)
    proposals = agent.policy.sample(head, agent.policy.latent_noise(Draws([5], "update"), BATCH, 5))
    value, baseline = normal32(1, BATCH, 1, seed=2), normal32(1, BATCH, 1, seed=3)
    found = agent._grad_with_plain_score(head, proposals, value, baseline)
    taped = head.clone().requires_grad_()
    with torch.enable_grad():
        log_prob = agent.policy.latent_log_prob(taped, proposals.latent)
        entropy = log_prob[..., -1:].clone()
        with torch.no_grad():
            entropy *= entropy
        loss = -(log_prob[..., :1] * (value - baseline) + 0.3 * -entropy).mean()
        (expected,) = torch.autograd.grad(loss, taped)
    # float32 sums of a few numbers in another order
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["SAC", "GreedyAC", "VAC"])
def test_critics_and_actor_learn_from_batches_of_their_own(name):
    """The critics move as by the first batch alone; the actor, given these critics, as by the second one alone."""
    both = learner(name, separate_batches=True, policy_type="Gaussian")
    batch = both.replay.sample(Draws([3], "replay").uniform(both.rows_per_update))
    noise = both.draw_update_noise(Draws([3], "update"))
    assert batch.rows.shape[1] == 2 * BATCH
    alone = {role: copy.deepcopy(learner(name, policy_type="Gaussian")) for role in ("critic", "actor")}
    halves = dict(zip(("critic", "actor"), batch.split(BATCH), strict=True))
    both.update_networks(batch, noise)
    alone["critic"].update_networks(halves["critic"], noise)
    assert torch.equal(both.critic.params, alone["critic"].critic.params)
    alone["actor"].critic.params.copy_(both.critic.params)
    head, trace = alone["actor"].actor.forward(torch.cat((halves["actor"].obs, halves["critic"].next_obs), 1))
    actor_noise = noise.split((1, *both._draws_per_state()), 2)[1:]
    alone["actor"]._update_actor(halves["actor"], head[:, :BATCH], trace, *actor_noise)
    assert torch.equal(both.actor.params, alone["actor"].actor.params)
    assert not torch.equal(both.actor.params, alone["critic"].actor.params)


@pytest.mark.parametrize("kind", ["Gaussian", "Student", "Laplace"])
def test_a_clipped_draw_is_scored_where_it_is_clipped_to(kind):
    agent = learner("SAC", policy_type=kind, clip_before_scoring=True)
    assert agent.settings[0].recorded()["clip_before_scoring"] is True
    head = normal32(1, 4, agent.policy.head_dim, seed=4)
    noise = agent.policy.latent_noise(Draws([5], "update"), 4, 50)
    proposals = agent.policy.sample(head, noise)
    drawn = agent.policy.draw_latent(head, noise)
    assert (drawn.abs() > 1).any()
    assert torch.equal(proposals.action, drawn.clamp(-1, 1))
    assert torch.equal(proposals.log_prob, agent.policy.latent_log_prob(head, drawn.clamp(-1, 1)))


def test_policies_whose_actions_are_inside_are_named():
    inside = {kind for kind in COMPONENT_POLICIES if policy_class(kind)(BOX, torch.tensor([10.0])).bounded}
    assert inside == set(BOUNDED)


def test_students_scale_exponentiated_twice():
    """The log density is scipy's with the scale e^(e^s), limited by clip_stddev from above; never below 1."""
    policy = policy_class("Student")(BOX, torch.tensor([100.0]), scale_exponentiated_twice=True)
    head = torch.tensor([[[0.3, -0.2, -3.0, 0.5, 1.0, 2.0], [0.3, -0.2, 5.0, -0.5, 1.0, 2.0]]]).double()
    action = torch.tensor([0.4, -0.7]).double().view(1, 1, 1, 2).expand(1, 2, 1, 2)
    nu = 1 + np.logaddexp(0, [1.0, 2.0])
    for row, scale in enumerate((np.exp(np.exp([-3.0, 0.5])), [100.0, np.exp(np.exp(-0.5))])):
        expected = stats.t(nu, np.tanh([0.3, -0.2]), scale).logpdf([0.4, -0.7]).sum()
        assert float(policy.log_prob(head, action)[0, row, 0]) == pytest.approx(expected, rel=1e-6)
